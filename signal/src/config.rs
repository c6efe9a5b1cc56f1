//! Every limit of the server, with its unit: those that an operator can set, and those that are fixed.
//!
//! No other file of this crate declares a size, a count or a duration; a test of the workspace holds that.

mod base_path;
mod bus;
mod nodes;
mod own_hosts;
mod proxies;
mod redis_url;
mod server_url;
mod stun;
mod turn;
mod web_app;

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use axum::http::Uri;
use shared::{PeerId, RoomId, signal::IceServer};
use thiserror::Error;

use crate::tls::Tls;

pub use base_path::BasePath;
pub(crate) use bus::*;
pub use nodes::{Acquaintance, NodeList, NodeListError, NodeUrl};
pub use own_hosts::{HostName, OwnHosts};
pub use proxies::{Cidr, TrustedProxies};
pub(crate) use redis_url::RedisKind;
pub use redis_url::RedisUrl;
pub use server_url::ServerUrl;
pub use stun::{StunAnnouncement, StunPorts};
pub use turn::{Turn, TurnError, TurnSecret, TurnSecretError, TurnUrl};
pub(crate) use turn::{TurnAddress, TurnTransport};
pub use web_app::{EmbeddedFile, WebApp};

/// Everything that [`app`](crate::app) needs to know.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The built web app; without it, a page says how to build it.
    pub web_app: WebApp,
    /// Origins whose pages may open sockets here, besides the server's own.
    pub origins_allowed: Vec<AllowedOrigin>,
    /// The path under which everything is; without it, all is at the root.
    pub base_path: Option<BasePath>,
    /// Proxies in front.
    pub trusted_proxies: TrustedProxies,
    /// The names by which clients reach this server. If they are listed, a hello that was meant for another server is refused.
    pub hosts: OwnHosts,
    /// Further rendezvous servers that pages from here should use.
    pub servers: Vec<ServerUrl>,
    /// The nodes of a network whose servers have an address each. See [`Config::join_nodes`].
    pub nodes: Option<NodeList>,
    /// Where their sockets are, as that stands in a content security policy.
    pub node_origins: Vec<String>,
    /// Named in every welcome; of more than [`ICE_SERVERS_MAX`](shared::limits::ICE_SERVERS_MAX), the first ones.
    pub ice_servers: Vec<IceServer>,
    /// The server's own STUN ports, named in welcomes before the others; without it, none are. See [`StunSockets`](crate::stun::StunSockets).
    pub stun: Option<StunAnnouncement>,
    /// TURN servers, named to each client with credentials of its own; without it, none are.
    pub turn: Option<Turn>,
    /// The certificate for `https`; without it, the server speaks `http`, and a proxy in front ends TLS.
    pub tls: Option<Tls>,
    /// Whether browsers are told to come by `https` only, for a year (RFC 6797).
    pub hsts: bool,
    /// What becomes of connections that come while the server stops.
    pub while_stopping: WhileStopping,
    /// Bounds on memory, time and rates.
    pub limits: Limits,
}

/// What becomes of connections that come while the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhileStopping {
    /// They are told: nobody else has the listener.
    #[default]
    Told,
    /// They wait for the next server: the listener was handed to this one, and goes on to that one.
    Left,
}

/// Bounds on what clients may take. The defaults suit one small public server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sockets at once; 10,000 (about 100 MB).
    pub connections_max: usize,
    /// Sockets at once of one address; 500, because whole schools share one. Never more than there are places left.
    pub connections_per_address_max: usize,
    /// HTTP connections at once, besides sockets: page loads, health checks, handshakes; 2,048. Behind a proxy also requests at once.
    pub http_connections_max: usize,
    /// HTTP connections at once of one address; 512, for 80 browsers that load the page at once: each opens six. Never more than there are places left.
    /// Behind a proxy, requests at once.
    pub http_connections_per_address_max: usize,
    /// Rooms at once; 10,000.
    pub rooms_max: usize,
    /// For whom alone the server is there; nobody in particular.
    pub room_host: Option<RoomHost>,
    /// Peers of one room at once; 2,000. Those of one address are never more than there are places left.
    pub peers_per_room_max: usize,
    /// Founders' closings kept; 10,000, each of less than 1 KiB. The oldest gives way.
    pub closings_max: usize,
    /// For how long a closing is kept; 30 days.
    pub closing_kept: Duration,
    /// Messages of one socket; 20 a second, 200 at once.
    pub socket_rate: Rate,
    /// Bytes of the messages of one socket; 160 KiB a second, 2 MiB at once.
    pub socket_bytes_rate: Rate,
    /// Messages and new sockets of one address; 1,000 a second, 5,000 at once.
    pub address_rate: Rate,
    /// Bytes of the messages of one address; 4 MiB a second, 32 MiB at once.
    pub address_bytes_rate: Rate,
    /// Hellos of one address; 20 a second, 200 at once.
    pub registration_rate: Rate,
    /// How many messages more than allowed end a socket; 200. Each allowed one forgives one.
    pub too_fast_strikes_max: u32,
    /// How many messages that are no requests end a socket; 8. Each that is one forgives one.
    pub malformed_strikes_max: u32,
    /// From the end of the WebSocket handshake to a hello; 10 s.
    pub hello_timeout: Duration,
    /// After so much silence the server pings; after three unanswered pings it closes; 15 s.
    pub heartbeat: Duration,
    /// Payloads of others waiting for one slow reader, and as many answers to what it asked itself; 256. One sender may have a quarter of them, one
    /// address as many as there are places left.
    pub queue_messages_max: usize,
    /// Bytes of the payloads waiting for one slow reader, and of the answers; 512 KiB, at least one message.
    pub queue_bytes_max: usize,
    /// For a client to take what waits for it, or at least 1 KiB for each second; 10 s.
    pub write_timeout: Duration,
    /// For a client to take note of a close code and hang up; 2 s.
    pub linger: Duration,
    /// Over how long clients are told of a stop, one after the other, so that they do not all come to another node at once; 0, all at once.
    pub drain_spread: Duration,
    /// For all clients to take note of that and go; 5 s.
    pub drain_timeout: Duration,
    /// For a client to send its HTTP request; 10 s.
    pub request_timeout: Duration,
    /// STUN requests of one address; 100 a second, 500 at once, because a class shares one: a page asks both ports for every link that it makes.
    pub stun_rate: Rate,
    /// For how long credentials for TURN are good; an hour, in whole seconds. A client gets newer ones after half of it.
    pub turn_lifetime: Duration,
}

/// A peer that introduces the others of its room itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomHost {
    /// The room. Hellos for others are refused with `server-full`.
    pub room: RoomId,
    /// The peer. While it is registered a second hello of it takes no place: it has come to itself by another of its addresses.
    pub peer: PeerId,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: 500,
            http_connections_max: 2_048,
            http_connections_per_address_max: 512,
            rooms_max: 10_000,
            room_host: None,
            peers_per_room_max: 2_000,
            closings_max: 10_000,
            closing_kept: Duration::from_secs(30 * 24 * 3_600),
            socket_rate: Rate::new(20, 200),
            socket_bytes_rate: Rate::new(160 * 1024, 2 * 1024 * 1024),
            address_rate: Rate::new(1_000, 5_000),
            address_bytes_rate: Rate::new(4 * 1024 * 1024, 32 * 1024 * 1024),
            registration_rate: Rate::new(20, 200),
            too_fast_strikes_max: 200,
            malformed_strikes_max: 8,
            hello_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            queue_messages_max: 256,
            queue_bytes_max: 512 * 1024,
            write_timeout: Duration::from_secs(10),
            linger: Duration::from_secs(2),
            drain_spread: Duration::ZERO,
            drain_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            stun_rate: Rate::new(100, 500),
            turn_lifetime: Duration::from_secs(3_600),
        }
    }
}

/// Unanswered pings after which a client is gone.
pub(crate) const PINGS_MAX: u32 = 3;

/// The pause between two groups of clients that are told of a stop.
pub(crate) const DRAIN_STEP: Duration = Duration::from_millis(100);

/// The longest pause of the hub's timer. After each pause the timer looks whether the server still exists.
pub(crate) const TIMER_PAUSE_MAX: Duration = Duration::from_secs(1);

/// The IPv6 network that counts as one address: one customer gets no smaller one.
pub(crate) const IPV6_NETWORK_BITS: u8 = 64;

/// The largest IPv6 network that one customer gets (RFC 6177).
pub(crate) const IPV6_SITE_BITS: u8 = 48;

/// How many shares of an address all networks of a site have together.
pub(crate) const SITE_SHARES: u32 = 4;

/// The share of a queue that one sender has: one part in so many.
pub(crate) const QUEUE_SENDERS_MIN: usize = 4;

/// The largest head of an HTTP request. A browser sends the cookies of all programs of `localhost` along.
pub(crate) const HTTP_HEAD_BYTES_MAX: usize = 32 * 1024;

/// Requests of one HTTP connection. A page needs a dozen.
pub(crate) const HTTP_REQUESTS_MAX: usize = 100;

/// What the system may keep for a client that has not read it yet, about: enough for 640 KB/s to the other side of the world. By default the system
/// takes megabytes for each connection.
pub(crate) const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// How much of an answer is handed on at once, where the answer has a place until it is sent.
pub(crate) const ANSWER_PIECE_BYTES: usize = 16 * 1024;

/// When somebody for whom there is no place is to come again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Bytes that a client has to take in a second as long as some wait for it.
pub(crate) const PACE_BYTES_PER_SECOND: u32 = 1024;

/// Fragments of one message before its last one. Browsers cut messages of our sizes into a few at most.
pub(crate) const FRAGMENTS_MAX: u32 = 64;

/// Connections of operators at once.
pub(crate) const ADMIN_CONNECTIONS_MAX: usize = 16;

/// For an operator's request and its answer.
pub(crate) const ADMIN_CONNECTION_TIME_MAX: Duration = Duration::from_secs(10);

/// For how long browsers that were told so come by `https` only, in seconds: a year.
pub(crate) const HSTS: &str = "max-age=31536000";

/// The most that is kept of the web app in memory. The app is about 2 MB.
pub(crate) const WEB_APP_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The most files and folders of the web app.
pub(crate) const WEB_APP_FILES_MAX: usize = 1_000;

/// The pause after a failed accept. Mostly there are no file descriptors then.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The buffer in which a socket reads a message. Most messages fit.
pub(crate) const SOCKET_READ_BYTES: usize = 4 * 1024;

/// The buffer in which a socket writes a message. None: the stream below collects whole batches.
pub(crate) const SOCKET_WRITE_BYTES: usize = 0;

/// Messages that one socket takes in before it sends.
pub(crate) const READ_BATCH_MESSAGES_MAX: usize = 32;

/// Events that one socket sends before it takes in.
pub(crate) const WRITE_BATCH_MESSAGES_MAX: usize = 32;

/// Bytes of one read from a TCP connection. Each thread has one buffer of this size.
pub(crate) const STREAM_READ_BYTES_MAX: usize = 64 * 1024;

/// Bytes that are collected before they are written to a TCP connection.
pub(crate) const STREAM_WRITE_BYTES_MAX: usize = 64 * 1024;

/// Empty buffers that a thread keeps for the next batch.
pub(crate) const SPARE_BUFFERS_MAX: usize = 16;

/// The bytes that an event in a queue counts for besides its payload. Rounded up: the number is for the account of bytes only.
pub(crate) const QUEUED_EVENT_BYTES: usize = 256;

/// Bytes that are discarded after a close. A client that still sends then is not going to read the close code either.
pub(crate) const DISCARDED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The largest STUN request that is read. RFC 8489 §6.1 lets nobody send more who does not know the path.
pub(crate) const STUN_REQUEST_BYTES_MAX: usize = 548;

/// The buffer of a STUN port. The system hands over several datagrams at once, together at most as large as one can be.
pub(crate) const STUN_READ_BYTES_MAX: usize = 64 * 1024;

/// The largest answer to a STUN request: one that names as many unknown attributes as it may.
pub(crate) const STUN_ANSWER_BYTES_MAX: usize = 56;

/// Unknown attributes of a STUN request that its answer names.
pub(crate) const STUN_UNKNOWN_ATTRIBUTES_MAX: usize = 8;

/// Places for addresses that ask for their address, together with the next: 16,384 (0.7 MB). At 100 requests a second an address leaves its place 10 ms
/// after its request, so a million made-up addresses a second find places.
pub(crate) const STUN_BUCKET_SETS: usize = 2_048;

/// Places that one address can have.
pub(crate) const STUN_BUCKETS_PER_SET: usize = 8;

/// The pause after a UDP socket failed to read.
pub(crate) const STUN_PAUSE: Duration = Duration::from_millis(100);

/// The longest secret of a TURN server. coturn takes no longer one.
pub(crate) const TURN_SECRET_BYTES_MAX: usize = 256;

/// The shortest time between two credentials for TURN of one client, also where these are good for a moment only.
pub(crate) const TURN_RENEWAL_MIN: Duration = Duration::from_secs(1);

/// The pause between two checks of a TURN server. A check costs the TURN server a port for a moment.
pub(crate) const TURN_CHECK_PAUSE: Duration = Duration::from_secs(60);

/// A TURN server that takes longer is of no use to people who want to talk.
pub(crate) const TURN_CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause before a datagram for a TURN server is sent again (RFC 8489 section 6.2.1).
pub(crate) const TURN_RESEND: Duration = Duration::from_millis(500);

/// The largest answer of a TURN server that is read. What it says to us is a tenth of that.
pub(crate) const TURN_ANSWER_BYTES_MAX: usize = 2_048;

/// The longest host with port: in a flag that ends up in a header of ours, and in a hello.
pub(crate) const HOST_BYTES_MAX: usize = 255;

/// How many nodes a network has that have an address each: all stand in the content security policy of every answer.
pub(crate) const NODES_MAX: usize = 64;

/// How often something may happen: a steady rate and a burst on top of silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// As often as it likes.
    Unlimited,
    /// A token bucket.
    Limited {
        /// Tokens that come back in a second.
        per_second: NonZeroU32,
        /// Tokens that a full bucket holds.
        burst: NonZeroU32,
    },
}

impl Rate {
    /// `per_second` in the long run, `burst` at once (at least 1); [`Rate::Unlimited`] if `per_second` is 0.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        match NonZeroU32::new(per_second) {
            None => Self::Unlimited,
            Some(per_second) => Self::Limited {
                per_second,
                burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
            },
        }
    }

    /// So many times as often.
    pub(crate) const fn times(self, factor: u32) -> Self {
        match self {
            Self::Unlimited => Self::Unlimited,
            Self::Limited { per_second, burst } => Self::Limited {
                per_second: per_second.saturating_mul(NonZeroU32::MIN.saturating_add(factor.saturating_sub(1))),
                burst: burst.saturating_mul(NonZeroU32::MIN.saturating_add(factor.saturating_sub(1))),
            },
        }
    }
}

/// A text that a flag does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseFlagError {
    /// See [`AllowedOrigin`].
    #[error("an origin is written like https://example.org or http://localhost:8080, or * for any")]
    Origin,
    /// See [`HostName`].
    #[error("a host is written like chat.example.org or chat.example.org:8443, without https://")]
    Host,
    /// See [`BasePath`].
    #[error("a base path is written like /chat")]
    BasePath,
    /// See [`TrustedProxies`].
    #[error("proxies are written as networks, like 127.0.0.1 or 10.0.0.0/8,fd00::/8, or as their number, like 1")]
    Proxies,
    /// See [`ServerUrl`].
    #[error("a server is written like wss://example.org/ws")]
    Server,
    /// See [`NodeUrl`].
    #[error("a node is written like wss://a.example.org, or under a path like wss://a.example.org/chat/ws")]
    Node,
    /// See [`parse_ice_server`].
    #[error("an ICE server is written like stun:example.org:3478")]
    IceServer,
    /// See [`StunPorts`].
    #[error(
        "STUN is written as a port from 1 to 65534, like 3478, as a host with such a port, like stun.example.org:3478, or as off"
    )]
    Stun,
    /// See [`RedisUrl`].
    #[error(
        "Redis is written like redis://redis.example.org:6379 or rediss://:password@redis.example.org:6380, with sentinels like redis+sentinel://one.example.org:26379,two.example.org:26379/NAME, a cluster like redis+cluster://one.example.org:6379,two.example.org:6379"
    )]
    Redis,
    /// See [`RedisUrl`].
    #[error(
        "after the sentinels comes the name by which they know the master, like redis+sentinel://one.example.org:26379/NAME"
    )]
    RedisMaster,
    /// See [`RedisUrl`].
    #[error("a cluster of Redis has one database: leave out what comes after the servers")]
    RedisClusterDatabase,
    /// See [`TurnUrl`].
    #[error(
        "a TURN server is written like turn:turn.example.org:3478, turn:turn.example.org:3478?transport=tcp or turns:turn.example.org:5349"
    )]
    Turn,
}

/// An origin whose pages may open sockets here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// Every one: for a server that pages of other servers use too.
    Any,
    /// This one, in lower case.
    Exact(String),
}

impl FromStr for AllowedOrigin {
    type Err = ParseFlagError;

    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let uri: Uri = text.parse().map_err(|_| ParseFlagError::Origin)?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http" | "https"), Some(_)) if uri.path().len() <= 1 && uri.query().is_none() => {
                Ok(Self::Exact(text.trim_end_matches('/').to_ascii_lowercase()))
            }
            _ => Err(ParseFlagError::Origin),
        }
    }
}

/// Whether the text is only a host and perhaps a port, so that it can stand in a header of ours.
pub(crate) fn is_plain_authority(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !text.is_empty() && text.len() <= HOST_BYTES_MAX && text.bytes().all(plain)
}

/// Reads a STUN server. TURN is not among them: its credentials have to be short-lived, so there is [`Turn`] for it.
///
/// # Errors
/// If the text is not of the form `stun:host:port` or `stun:host`.
pub fn parse_ice_server(text: &str) -> Result<IceServer, ParseFlagError> {
    let server = IceServer {
        urls: vec![text.to_owned()],
        username: None,
        credential: None,
    };
    // Of TURN it would lack the login.
    if server.is_valid() {
        Ok(server)
    } else {
        Err(ParseFlagError::IceServer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_without_path_and_in_any_case() {
        let exact = |text: &str| Ok(AllowedOrigin::Exact(text.to_owned()));
        assert_eq!("*".parse(), Ok(AllowedOrigin::Any));
        assert_eq!("https://Example.org/".parse(), exact("https://example.org"));
        assert_eq!("http://[::1]:8080".parse(), exact("http://[::1]:8080"));
        for text in [
            "",
            "example.org",
            "ftp://example.org",
            "https://example.org/page",
            "null",
        ] {
            assert_eq!(text.parse::<AllowedOrigin>(), Err(ParseFlagError::Origin), "{text}");
        }
    }

    #[test]
    fn only_stun_is_taken_as_ice_server() {
        assert_eq!(
            parse_ice_server("stun:example.org:3478").unwrap().urls,
            ["stun:example.org:3478"]
        );
        for text in ["turn:example.org", "stun:", "example.org", "stun:a b"] {
            assert_eq!(parse_ice_server(text), Err(ParseFlagError::IceServer), "{text}");
        }
    }

    #[test]
    fn a_rate_of_zero_is_unlimited_and_a_bucket_holds_something() {
        assert_eq!(Rate::new(0, 9), Rate::Unlimited);
        assert_eq!(Rate::new(5, 0), Rate::new(5, 1));
    }
}
