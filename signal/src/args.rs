//! The command line. Each flag is also an environment variable.

mod hosting;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;
use hosting::HostingArgs;
use shared::signal::IceServer;
use signal::config::{
    Config, Limits, ParseFlagError, Rate, ServerUrl, StunPorts, TurnUrl, WebApp, WhileStopping, parse_ice_server,
};

/// Starling's rendezvous server: introduces the peers of a room to each other and serves the web app.
///
/// The server keeps nothing on disk, needs no database and never sees what people write. Once the server has bound its address,
/// it prints one line, "listening on http://ADDRESS" (or https), to standard output. Logs go to standard error; the variable RUST_LOG sets
/// their level (error, warn, info, debug). SIGHUP reads the certificate again. SIGTERM or SIGINT tells all clients to reconnect elsewhere or later, and
/// ends the server within --drain-spread-millis and --drain-timeout-millis together.
///
/// If systemd hands over a listening socket (see systemd.socket), the server listens on that instead of --listen, and leaves connections that come while it stops
/// to its successor.
///
/// Browsers allow WebRTC's full features only on https or localhost: on the internet, name a certificate with --tls-cert and --tls-key, or put a
/// proxy that ends TLS in front, have it keep the Host header and pass WebSocket upgrades on /ws, and set --trusted-proxies and --stun HOST:PORT. In both
/// cases set --host.
///
/// For machines: /healthz (alive), /readyz (503 while stopping). For operators, at --admin-listen alone: /metrics (Prometheus), /api/status (JSON).
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110)]
pub(crate) struct Args {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        env = "STARLING_LISTEN"
    )]
    pub(crate) listen: SocketAddr,

    /// Folder of the built web app [default: the app that is built in, else dist, if there is such a folder]
    #[arg(long, value_name = "FOLDER", env = "STARLING_WEB_ROOT")]
    web_root: Option<PathBuf>,

    /// Further rendezvous server that pages from here use too, like wss://example.org/ws; may be given several times (in the variable:
    /// separated by commas). That server has to allow this one's origin
    #[arg(long = "server", value_name = "URL", value_delimiter = ',', env = "STARLING_SERVER")]
    servers: Vec<ServerUrl>,

    /// UDP port on which to answer STUN, by which browsers learn their public address; the port after it is used too. HOST:PORT names that
    /// host to browsers: say it behind a proxy, with a name of this very machine; if --listen is on 127.0.0.1, STUN then is on all addresses.
    /// off: no STUN [default: the number of --listen's port, if it is free]
    #[arg(long, value_name = "PORT, HOST:PORT or off", env = "STARLING_STUN")]
    pub(crate) stun: Option<StunPorts>,

    /// TURN server, a relay for people whose browsers do not reach each other, like turn:turn.example.org:3478, with ?transport=tcp for networks
    /// without UDP, or turns:turn.example.org:5349; may be given several times (in the variable: separated by commas). Needs --turn-secret-file
    #[arg(long, value_name = "turn:HOST:PORT", value_delimiter = ',', env = "STARLING_TURN")]
    pub(crate) turn: Vec<TurnUrl>,

    /// File with the secret that the TURN servers share with this one (coturn: static-auth-secret). From it, each client gets credentials
    /// that are good for an hour
    #[arg(long, value_name = "FILE", env = "STARLING_TURN_SECRET_FILE")]
    pub(crate) turn_secret_file: Option<PathBuf>,

    /// Further STUN server for browsers, like stun:example.org:3478; at most 8, with our own and those for TURN (in the variable: separated by commas)
    #[arg(
        long = "ice-server",
        value_name = "stun:HOST:PORT",
        value_delimiter = ',',
        value_parser = ice_server,
        env = "STARLING_ICE_SERVER"
    )]
    ice_servers: Vec<IceServer>,

    #[command(flatten)]
    pub(crate) hosting: HostingArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

/// The defaults are those of [`Limits`]; a test compares them.
#[derive(Debug, Parser)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// WebSockets at once. Each takes about 10 KB of memory and one file descriptor
    #[arg(
        long,
        default_value_t = 10_000,
        value_name = "COUNT",
        env = "STARLING_CONNECTIONS_MAX"
    )]
    connections_max: usize,

    /// WebSockets at once of one address (IPv6: of one /64 network)
    #[arg(
        long,
        default_value_t = 500,
        value_name = "COUNT",
        env = "STARLING_CONNECTIONS_PER_ADDRESS_MAX"
    )]
    connections_per_address_max: usize,

    /// HTTP connections at once, besides WebSockets: page loads, health checks
    #[arg(
        long,
        default_value_t = 2_048,
        value_name = "COUNT",
        env = "STARLING_HTTP_CONNECTIONS_MAX"
    )]
    http_connections_max: usize,

    /// HTTP connections at once of one address (IPv6: of one /64 network)
    #[arg(
        long,
        default_value_t = 512,
        value_name = "COUNT",
        env = "STARLING_HTTP_CONNECTIONS_PER_ADDRESS_MAX"
    )]
    http_connections_per_address_max: usize,

    /// Rooms at once
    #[arg(long, default_value_t = 10_000, value_name = "COUNT", env = "STARLING_ROOMS_MAX")]
    rooms_max: usize,

    /// Peers of one room at once
    #[arg(
        long,
        default_value_t = 2_000,
        value_name = "COUNT",
        env = "STARLING_PEERS_PER_ROOM_MAX"
    )]
    peers_per_room_max: usize,

    /// Statements of founders that their rooms are closed, kept for 30 days; the oldest gives way
    #[arg(long, default_value_t = 10_000, value_name = "COUNT", env = "STARLING_CLOSINGS_MAX")]
    closings_max: usize,

    /// Messages a second of one WebSocket in the long run; 0 for no limit
    #[arg(
        long,
        default_value_t = 20,
        value_name = "COUNT",
        env = "STARLING_SOCKET_MESSAGES_PER_SECOND"
    )]
    socket_messages_per_second: u32,

    /// Messages of one WebSocket at once, after silence
    #[arg(
        long,
        default_value_t = 200,
        value_name = "COUNT",
        env = "STARLING_SOCKET_MESSAGES_BURST"
    )]
    socket_messages_burst: u32,

    /// Bytes of messages a second of one WebSocket in the long run; 0 for no limit
    #[arg(
        long,
        default_value_t = 163_840,
        value_name = "BYTES",
        env = "STARLING_SOCKET_BYTES_PER_SECOND"
    )]
    socket_bytes_per_second: u32,

    /// Bytes of messages of one WebSocket at once, after silence
    #[arg(
        long,
        default_value_t = 2_097_152,
        value_name = "BYTES",
        env = "STARLING_SOCKET_BYTES_BURST"
    )]
    socket_bytes_burst: u32,

    /// Messages and new WebSockets a second of one address in the long run; 0 for no limit
    #[arg(
        long,
        default_value_t = 1_000,
        value_name = "COUNT",
        env = "STARLING_ADDRESS_MESSAGES_PER_SECOND"
    )]
    address_messages_per_second: u32,

    /// Messages and new WebSockets of one address at once, after silence
    #[arg(
        long,
        default_value_t = 5_000,
        value_name = "COUNT",
        env = "STARLING_ADDRESS_MESSAGES_BURST"
    )]
    address_messages_burst: u32,

    /// Bytes of messages a second of one address in the long run; 0 for no limit
    #[arg(
        long,
        default_value_t = 4_194_304,
        value_name = "BYTES",
        env = "STARLING_ADDRESS_BYTES_PER_SECOND"
    )]
    address_bytes_per_second: u32,

    /// Bytes of messages of one address at once, after silence
    #[arg(
        long,
        default_value_t = 33_554_432,
        value_name = "BYTES",
        env = "STARLING_ADDRESS_BYTES_BURST"
    )]
    address_bytes_burst: u32,

    /// Registrations a second of one address in the long run; 0 for no limit
    #[arg(
        long,
        default_value_t = 20,
        value_name = "COUNT",
        env = "STARLING_REGISTRATIONS_PER_SECOND"
    )]
    registrations_per_second: u32,

    /// Registrations of one address at once, after silence
    #[arg(
        long,
        default_value_t = 200,
        value_name = "COUNT",
        env = "STARLING_REGISTRATIONS_BURST"
    )]
    registrations_burst: u32,

    /// Messages over the limit that end a WebSocket (each one within it forgives one)
    #[arg(
        long,
        default_value_t = 200,
        value_name = "COUNT",
        env = "STARLING_TOO_FAST_STRIKES_MAX"
    )]
    too_fast_strikes_max: u32,

    /// Unreadable messages that end a WebSocket (each readable one forgives one)
    #[arg(
        long,
        default_value_t = 8,
        value_name = "COUNT",
        env = "STARLING_MALFORMED_STRIKES_MAX"
    )]
    malformed_strikes_max: u32,

    /// Time for a new WebSocket to register
    #[arg(long, default_value = "10000", value_name = "MILLIS", value_parser = millis, env = "STARLING_HELLO_TIMEOUT_MILLIS")]
    hello_timeout_millis: Duration,

    /// Silence after which a client is pinged; after three unanswered pings it is taken for gone
    #[arg(long, default_value = "15000", value_name = "MILLIS", value_parser = millis, env = "STARLING_HEARTBEAT_MILLIS")]
    heartbeat_millis: Duration,

    /// Messages of others that may wait for a slow reader before further ones are refused to their senders
    #[arg(
        long,
        default_value_t = 256,
        value_name = "COUNT",
        env = "STARLING_QUEUE_MESSAGES_MAX"
    )]
    queue_messages_max: usize,

    /// Bytes of such messages that may wait for a slow reader
    #[arg(
        long,
        default_value_t = 524_288,
        value_name = "BYTES",
        env = "STARLING_QUEUE_BYTES_MAX"
    )]
    queue_bytes_max: usize,

    /// Time for a client to take what it is sent, or at least 1 KiB for each second of it, before it is dropped
    #[arg(long, default_value = "10000", value_name = "MILLIS", value_parser = millis, env = "STARLING_WRITE_TIMEOUT_MILLIS")]
    write_timeout_millis: Duration,

    /// Time for a client to take note of a close code
    #[arg(long, default_value = "2000", value_name = "MILLIS", value_parser = millis, env = "STARLING_LINGER_MILLIS")]
    linger_millis: Duration,

    /// Time over which clients are told that the server stops, one after the other: where other servers are there to take them, their comings are spread. 0 for
    /// all at once
    #[arg(long, default_value = "0", value_name = "MILLIS", value_parser = millis_or_none, env = "STARLING_DRAIN_SPREAD_MILLIS")]
    drain_spread_millis: Duration,

    /// Time for all clients to leave after that
    #[arg(long, default_value = "5000", value_name = "MILLIS", value_parser = millis, env = "STARLING_DRAIN_TIMEOUT_MILLIS")]
    drain_timeout_millis: Duration,

    /// Time for a client to send its HTTP request
    #[arg(long, default_value = "10000", value_name = "MILLIS", value_parser = millis, env = "STARLING_REQUEST_TIMEOUT_MILLIS")]
    request_timeout_millis: Duration,

    /// STUN requests a second of one address in the long run; 0 for no limit
    #[arg(
        long,
        default_value_t = 100,
        value_name = "COUNT",
        env = "STARLING_STUN_REQUESTS_PER_SECOND"
    )]
    stun_requests_per_second: u32,

    /// STUN requests of one address at once, after silence
    #[arg(
        long,
        default_value_t = 500,
        value_name = "COUNT",
        env = "STARLING_STUN_REQUESTS_BURST"
    )]
    stun_requests_burst: u32,
}

impl Args {
    /// The configuration of the server, with `default_web_app` where no folder is named, and without STUN, TURN and TLS: which ports there are is
    /// known only when they are bound, and secrets only when their files are read.
    pub(crate) fn config(self, default_web_app: WebApp) -> Config {
        Config {
            web_app: self.web_root.map_or(default_web_app, WebApp::Folder),
            hosts: self.hosting.hosts(self.listen),
            trusted_proxies: self.hosting.trusted_proxies(),
            base_path: self.hosting.base_path,
            tls: None,
            hsts: self.hosting.hsts,
            origins_allowed: self.hosting.origins_allowed,
            servers: self.servers,
            nodes: None,
            node_origins: Vec::new(),
            ice_servers: self.ice_servers,
            stun: None,
            turn: None,
            while_stopping: WhileStopping::Told,
            limits: self.limits.limits(),
        }
    }
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        Limits {
            connections_max: self.connections_max,
            connections_per_address_max: self.connections_per_address_max,
            http_connections_max: self.http_connections_max,
            http_connections_per_address_max: self.http_connections_per_address_max,
            rooms_max: self.rooms_max,
            room_host: None,
            peers_per_room_max: self.peers_per_room_max,
            closings_max: self.closings_max,
            closing_kept: Limits::default().closing_kept,
            socket_rate: Rate::new(self.socket_messages_per_second, self.socket_messages_burst),
            socket_bytes_rate: Rate::new(self.socket_bytes_per_second, self.socket_bytes_burst),
            address_rate: Rate::new(self.address_messages_per_second, self.address_messages_burst),
            address_bytes_rate: Rate::new(self.address_bytes_per_second, self.address_bytes_burst),
            registration_rate: Rate::new(self.registrations_per_second, self.registrations_burst),
            too_fast_strikes_max: self.too_fast_strikes_max,
            malformed_strikes_max: self.malformed_strikes_max,
            hello_timeout: self.hello_timeout_millis,
            heartbeat: self.heartbeat_millis,
            queue_messages_max: self.queue_messages_max,
            queue_bytes_max: self.queue_bytes_max,
            write_timeout: self.write_timeout_millis,
            linger: self.linger_millis,
            drain_spread: self.drain_spread_millis,
            drain_timeout: self.drain_timeout_millis,
            request_timeout: self.request_timeout_millis,
            stun_rate: Rate::new(self.stun_requests_per_second, self.stun_requests_burst),
            turn_lifetime: Limits::default().turn_lifetime,
        }
    }
}

fn millis(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse::<std::num::NonZeroU32>()
        .map(|millis| Duration::from_millis(millis.get().into()))
}

fn millis_or_none(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse::<u32>().map(|millis| Duration::from_millis(millis.into()))
}

fn ice_server(text: &str) -> Result<IceServer, ParseFlagError> {
    parse_ice_server(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_its_defaults_are_those_of_the_library() {
        Args::command().debug_assert();
        let limits = Args::parse_from(["signal"]).config(WebApp::Absent).limits;
        assert_eq!(format!("{limits:?}"), format!("{:?}", Limits::default()));
    }

    #[test]
    fn every_flag_has_its_variable() {
        for argument in Args::command().get_arguments() {
            let flag = argument.get_long().expect("flags only");
            let variable = format!("STARLING_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(
                argument.get_env().and_then(|name| name.to_str()),
                Some(variable.as_str())
            );
        }
    }
}
