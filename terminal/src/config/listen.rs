//! The limits of a peer that listens for others. What it has beyond these is the default of [`signal::config::Limits`].

use std::time::Duration;

/// How many bootnodes are asked. Each costs one socket for as long as the program runs.
pub const BOOTNODES_MAX: usize = 16;

/// How long it is looked up which of the bootnodes is this very program.
pub const OWN_LOOK_UP_MAX: Duration = Duration::from_secs(2);

/// How many sockets of others there are at once. Each takes a file descriptor, of which a program often has 1,024.
pub const PEERS_MAX: usize = 256;

/// How many of them one address may have: a household, or all the programs of one machine.
pub const PEERS_PER_ADDRESS_MAX: usize = 64;

/// How many connections wait for their handshake at once.
pub const HANDSHAKES_MAX: usize = 64;

/// How many of them one address may have.
pub const HANDSHAKES_PER_ADDRESS_MAX: usize = 16;

/// How long a handshake may take, and after it a hello.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// How often somebody at one address may come in: in a second, and at once. Each time costs two signatures that are checked.
pub const HELLOS_RATE: (u32, u32) = (5, 64);

/// What all sockets of one address may send: messages in a second, and at once.
pub const MESSAGES_RATE: (u32, u32) = (200, 1_000);

/// What all sockets of one address may send: bytes in a second, and at once.
pub const MESSAGE_BYTES_RATE: (u32, u32) = (1024 * 1024, 8 * 1024 * 1024);

// What a rendezvous server names

/// How long it is waited for what a server says of further servers.
pub const CONFIG_WAIT_MAX: Duration = Duration::from_secs(3);

/// How much of that is read, in bytes.
pub const CONFIG_BYTES_MAX: usize = 64 * 1024;
