//! Limits of sockets and connections.

use std::time::Duration;

// Connections

/// How many connections there are at once. The mesh has at most 8 links, two of files, and 48 attempts; the others are about to end.
pub const CONNECTIONS_MAX: usize = 128;

/// How many bytes a channel hands to the connection at once. More than this only makes str0m slower: with 128 KiB a connection over
/// loopback carries 47 MB/s, with 1 MiB 30.
pub const CHANNEL_BUFFER_BYTES: usize = 128 * 1024;

/// How many bytes of both channels a connection takes: the share of each, and one message beyond it.
pub const CONNECTION_BUFFER_BYTES: usize = 2 * (CHANNEL_BUFFER_BYTES + mesh::config::FILE_FRAME_BYTES_MAX);

/// How many bytes wait in front of the channel for files. The node hands over 256 KiB at most before it hears that little waits; past
/// twice that the connection ends.
pub const FILE_QUEUE_BYTES_MAX: usize = 512 * 1024;

/// How often a connection is asked again at once for what it wants done now. One that wants more waits for [`SETTLE_AGAIN`].
pub const SETTLE_ROUNDS_MAX: usize = 16;

/// How long a connection waits that was asked [`SETTLE_ROUNDS_MAX`] times.
pub const SETTLE_AGAIN: Duration = Duration::from_millis(1);

/// How often a node that leaves looks whether its connections have ended.
pub const FLUSH_STEP: Duration = Duration::from_millis(5);

// Sockets

/// How many addresses of this machine have a socket. A peer takes 32 candidates, and each may have a reflexive one beside it.
pub const ADDRESSES_MAX: usize = 12;

/// The largest datagram that is read: nothing that comes by a path of the internet is larger than 1,500.
pub const DATAGRAM_BYTES_MAX: usize = 2048;

/// What each socket asks the system for, in bytes, each way: about 20 ms at 100 MB/s. The system may give less.
pub const SOCKET_BUFFER_BYTES: usize = 2 * 1024 * 1024;

/// How many datagrams of a socket are taken before others have their turn.
pub const DATAGRAMS_AT_ONCE: usize = 64;

/// How long a socket that fails is left alone: what is wrong with it may pass.
pub const SOCKET_PAUSE: Duration = Duration::from_millis(100);

// STUN (RFC 8489)

/// When a request is sent, after the one before. Shorter than RFC 8489 §6.2.1 has it: somebody waits for the link.
pub const STUN_RETRIES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1_000),
    Duration::from_millis(1_500),
];

/// How many STUN servers are asked for each connection.
pub const STUN_SERVERS_MAX: usize = 4;

/// How many answers of STUN servers are waited for at once. Past it no more is asked.
pub const STUN_QUERIES_MAX: usize = 256;

/// For how long a server's name is looked up.
pub const LOOK_UP_MAX: Duration = Duration::from_secs(3);

// mDNS (RFC 6762)

/// How long the local network is asked what is behind names under `.local`. Who is there answers within a fraction of a second.
pub const MDNS_MAX: Duration = Duration::from_secs(1);

/// How many names are asked for in one query: as many as fit into a datagram.
pub const MDNS_NAMES_MAX: usize = 8;

/// How many records of an answer are read.
pub const MDNS_RECORDS_MAX: usize = 32;

/// How many names of one connection are looked up at once. Past it they are skipped.
pub const MDNS_QUERIES_MAX: usize = 4;

// Servers

/// How long it may take to open a socket to a server, with TLS and the handshake.
pub const SERVER_CONNECT_MAX: Duration = Duration::from_secs(20);

/// How many messages to a server wait while it does not read. Past it the socket is given up.
pub const SERVER_QUEUE_MAX: usize = 256;

/// How long a server may take to read a message. Past it the socket is given up.
pub const SERVER_SEND_MAX: Duration = Duration::from_secs(20);

/// How long a closing handshake with a server takes at most.
pub const SERVER_CLOSE_MAX: Duration = Duration::from_secs(1);
