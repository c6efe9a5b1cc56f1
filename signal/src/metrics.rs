//! Counters for operators, in the text format of Prometheus.
//!
//! The crate is `prometheus-client`, of the Prometheus project itself, rather than the `metrics` facade. Its registry is a value
//! of the server and no global of the process, so several servers in one process (as in the tests) count apart. The crate
//! brings next to no dependencies and no exporter thread of its own.

use std::sync::Arc;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use shared::signal::{CloseCode, Event, IceServer, Refusal};

use crate::hub::{Occupancy, Standing};

/// The counters. Clones count into the same counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    /// WebSockets opened.
    pub(crate) connections: Counter,
    registered: Counter,
    relayed: Counter,
    relayed_payload: Counter,
    refused: Family<Reason, Counter>,
    closed: Family<Code, Counter>,
    foreign_origins: Counter,
    foreign_hosts: Counter,
    turn_credentials: Counter,
    turn_works: Family<TurnServer, Gauge>,
    /// Connections for which there was no place.
    pub(crate) turned_away: Counter,
    /// Datagrams on the STUN ports.
    pub(crate) stun: StunCounters,
    /// What passes between the nodes of a network.
    pub(crate) bus: BusMetrics,
    connections_open: Gauge,
    rooms_open: Gauge,
    peers_registered: Gauge,
}

/// What became of the datagrams on the STUN ports. Clones count into the same counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct StunCounters {
    pub(crate) answered: Counter,
    /// The address had asked too often.
    pub(crate) refused: Counter,
    /// No binding request.
    pub(crate) ignored: Counter,
    /// The system did not take the answer.
    pub(crate) unsent: Counter,
}

/// How a node stands with the others, and what passes between them. Clones count into the same counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct BusMetrics {
    connected: Gauge,
    others: Gauge,
    /// Payloads, and answers to payloads, given to Redis for another node.
    pub(crate) sent: Counter,
    /// Words that came from other nodes.
    pub(crate) received: Counter,
    /// Payloads for which there was no room on the way to Redis.
    pub(crate) crowded_out: Counter,
    /// Words that came faster than they could be handed on, or that were none.
    pub(crate) lost: Counter,
    /// Changes of rooms told to the directory.
    pub(crate) changes: Counter,
    /// How often the connection to Redis ended.
    pub(crate) breaks: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TurnServer {
    url: String,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("starling");
        let this = Self::default();
        this.register(&mut registry);
        Self {
            registry: Arc::new(registry),
            ..this
        }
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("connections", "WebSockets opened", self.connections.clone());
        registry.register("registered", "Hellos accepted", self.registered.clone());
        registry.register("relayed", "Payloads relayed", self.relayed.clone());
        registry.register_with_unit(
            "relayed_payload",
            "Size of the payloads relayed",
            Unit::Bytes,
            self.relayed_payload.clone(),
        );
        registry.register(
            "refused",
            "Requests and handshakes refused, by reason",
            self.refused.clone(),
        );
        registry.register(
            "closed",
            "WebSockets closed by the server, by close code",
            self.closed.clone(),
        );
        registry.register(
            "foreign_origins",
            "WebSockets denied to pages of other servers",
            self.foreign_origins.clone(),
        );
        registry.register(
            "foreign_hosts",
            "Requests for names that are none of this server",
            self.foreign_hosts.clone(),
        );
        registry.register(
            "turn_credentials",
            "Credentials for TURN handed out",
            self.turn_credentials.clone(),
        );
        registry.register(
            "turn_works",
            "Whether a TURN server relayed for us when it was last asked",
            self.turn_works.clone(),
        );
        registry.register(
            "turned_away",
            "Connections and requests for which there was no place, or none for their address",
            self.turned_away.clone(),
        );
        self.stun.register(registry);
        self.bus.register(registry);
        registry.register("connections_open", "WebSockets open now", self.connections_open.clone());
        registry.register("rooms_open", "Rooms with a peer in them now", self.rooms_open.clone());
        registry.register(
            "peers_registered",
            "Peers registered now",
            self.peers_registered.clone(),
        );
    }

    pub(crate) fn count_event(&self, event: &Event) {
        match event {
            Event::Welcome { ice_servers, .. } => {
                self.registered.inc();
                self.count_credentials(ice_servers);
            }
            Event::IceServers { ice_servers } => self.count_credentials(ice_servers),
            Event::Refused { refusal } => self.count_refusal(refusal),
            Event::Relayed { .. }
            | Event::Challenge { .. }
            | Event::Peers { .. }
            | Event::Closed { .. }
            | Event::Ping {}
            | Event::Pong {}
            | Event::Draining {} => {}
        }
    }

    /// A payload was handed on.
    pub(crate) fn count_relayed(&self, bytes: usize) {
        self.relayed.inc();
        self.relayed_payload.inc_by(bytes as u64);
    }

    /// Something is refused, a handshake as well as a request.
    pub(crate) fn count_refusal(&self, refusal: &Refusal) {
        let reason = reason(refusal);
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// All servers for TURN have the same.
    fn count_credentials(&self, ice_servers: &[IceServer]) {
        if ice_servers.iter().any(|server| server.credential.is_some()) {
            self.turn_credentials.inc();
        }
    }

    /// A TURN server was asked, and this came of it.
    pub(crate) fn note_turn(&self, url: &str, works: bool) {
        let url = url.to_owned();
        self.turn_works.get_or_create(&TurnServer { url }).set(works.into());
    }

    pub(crate) fn count_close(&self, code: CloseCode) {
        self.closed.get_or_create(&Code { code: code.code() }).inc();
    }

    /// Gives how many there were before.
    pub(crate) fn count_foreign_origin(&self) -> u64 {
        self.foreign_origins.inc()
    }

    /// Gives how many there were before.
    pub(crate) fn count_foreign_host(&self) -> u64 {
        self.foreign_hosts.inc()
    }

    /// Payloads relayed so far.
    pub(crate) fn relayed(&self) -> u64 {
        self.relayed.get()
    }

    /// Everything, as text for Prometheus; `occupancy` and `standing` go into the gauges first.
    ///
    /// # Errors
    /// Never in practice: text is written into a string.
    pub(crate) fn encode(&self, occupancy: Occupancy, standing: Standing) -> Result<String, std::fmt::Error> {
        self.bus.note(standing);
        let gauge = |gauge: &Gauge, value: usize| _ = gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        gauge(&self.connections_open, occupancy.connections);
        gauge(&self.rooms_open, occupancy.rooms);
        gauge(&self.peers_registered, occupancy.peers);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl BusMetrics {
    fn register(&self, registry: &mut Registry) {
        for (name, help, gauge) in [
            (
                "bus_connected",
                "Whether Redis is reached; 0 also for a server that is alone",
                &self.connected,
            ),
            ("bus_nodes", "Other nodes of the network that live", &self.others),
        ] {
            registry.register(name, help, gauge.clone());
        }
        for (name, help, counter) in [
            ("bus_sent", "Payloads and answers sent to other nodes", &self.sent),
            ("bus_received", "Words received from other nodes", &self.received),
            (
                "bus_crowded_out",
                "Payloads refused because too much waits for Redis",
                &self.crowded_out,
            ),
            (
                "bus_lost",
                "Words of other nodes lost because too many came, or unreadable",
                &self.lost,
            ),
            ("bus_changes", "Changes of rooms told to Redis", &self.changes),
            ("bus_breaks", "Ends of the connection to Redis", &self.breaks),
        ] {
            registry.register(name, help, counter.clone());
        }
    }

    fn note(&self, standing: Standing) {
        let (connected, others) = match standing {
            Standing::Alone | Standing::CutOff => (0, 0),
            Standing::Connected { others } => (1, others),
        };
        self.connected.set(connected);
        self.others.set(i64::try_from(others).unwrap_or(i64::MAX));
    }
}

impl StunCounters {
    fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            ("stun_answered", "STUN requests answered", &self.answered),
            (
                "stun_refused",
                "STUN requests of addresses that ask too often",
                &self.refused,
            ),
            (
                "stun_ignored",
                "Datagrams on STUN ports that are no request",
                &self.ignored,
            ),
            ("stun_unsent", "STUN answers that the system did not take", &self.unsent),
        ] {
            registry.register(name, help, counter.clone());
        }
    }
}

/// The refusal's name on the wire.
const fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Malformed {} => "malformed",
        Refusal::NotRegistered {} => "not-registered",
        Refusal::AlreadyRegistered {} => "already-registered",
        Refusal::UnsupportedVersion { .. } => "unsupported-version",
        Refusal::BadSignature {} => "bad-signature",
        Refusal::WrongHost {} => "wrong-host",
        Refusal::RoomFull {} => "room-full",
        Refusal::ServerFull {} => "server-full",
        Refusal::PeerNotHere { .. } => "peer-not-here",
        Refusal::PeerBusy { .. } => "peer-busy",
        Refusal::TooFast { .. } => "too-fast",
        Refusal::PayloadTooLarge {} => "payload-too-large",
        Refusal::Draining {} => "draining",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboard_asks_for_what_there_is() {
        let metrics = Metrics::new();
        // A family is there from its first member on.
        metrics.count_refusal(&Refusal::Draining {});
        metrics.count_close(CloseCode::Restart);
        let text = metrics.encode(Occupancy::default(), Standing::Alone).expect("text");
        let dashboard = include_str!("../../deploy/grafana.json");
        assert!(serde_json::from_str::<serde_json::Value>(dashboard).is_ok());
        let is_of_name = |char: char| char.is_ascii_lowercase() || char == '_';
        let mut names = 0;
        for (at, _) in dashboard.match_indices("starling_") {
            let name: String = dashboard[at..].chars().take_while(|char| is_of_name(*char)).collect();
            let family = name.trim_end_matches("_total");
            assert!(text.contains(&format!("# TYPE {family} ")), "{name}");
            names += 1;
        }
        assert!(names > 10, "{names}");
    }
}
