//! From the hello of a client to its welcome, and what renews a part of the welcome.

use shared::{
    PeerId, RoomId,
    signal::{CloseCode, Event, Hello, IceServer, Nonce, PROTOCOL_VERSION, Refusal},
};

use super::{
    ConnId, Deadline, Hub, Network, Now, Outbox,
    connection::{Connection, Renewal, Stage},
};
use crate::{
    config::{HOST_BYTES_MAX, TURN_RENEWAL_MIN},
    rate::too_fast,
};

impl Hub {
    /// Somebody says who they are: takes them in, or not.
    pub(super) fn greet(&mut self, now: Now, conn: ConnId, hello: &Hello, nonce: &Nonce, outbox: &mut Outbox) {
        if hello.version != PROTOCOL_VERSION {
            let refusal = Refusal::UnsupportedVersion {
                version_min: PROTOCOL_VERSION,
                version_max: PROTOCOL_VERSION,
            };
            return self.refuse(conn, refusal, outbox);
        }
        let is_ours = self.hosts.is_empty() || self.hosts.contains(&hello.host);
        if !is_ours || hello.host.len() > HOST_BYTES_MAX {
            return self.refuse(conn, Refusal::WrongHost {}, outbox);
        }
        // Before the signatures are looked at: that is what costs most.
        let Some(network) = self.connections.get(&conn).map(|connection| connection.network) else {
            return;
        };
        if let Err(wait) = self.addresses.take_registration(now.instant, network, &self.limits) {
            self.refuse(conn, too_fast(wait), outbox);
            return self.close(conn, CloseCode::TooFast, outbox);
        }
        let Ok(room) = hello.verify(nonce) else {
            return self.refuse(conn, Refusal::BadSignature {}, outbox);
        };
        if let Some(closing) = self.closings.get(now.instant, &room).cloned() {
            outbox.send(conn, Event::Closed { closing });
            return self.close(conn, CloseCode::RoomClosed, outbox);
        }
        let elsewhere = self.abroad.as_ref().map_or(0, |abroad| abroad.elsewhere(&room));
        match self
            .registry
            .refusal_of(&room, &hello.peer, network, elsewhere, &self.limits)
        {
            Some(refusal) => self.refuse(conn, refusal, outbox),
            None => self.register(now, conn, network, room, hello, outbox),
        }
    }

    fn register(&mut self, now: Now, conn: ConnId, network: Network, room: RoomId, hello: &Hello, outbox: &mut Outbox) {
        let peer = hello.peer;
        if let Some(older) = self.registry.socket_of(&room, &peer) {
            self.close(older, CloseCode::Superseded, outbox);
        }
        self.registry.insert(room, hello.proof(), peer, conn, network);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stage = Stage::Registered { room, peer };
            connection.registered_at = now.instant;
            connection.due_at = now.instant + self.limits.heartbeat;
            connection.rearm(conn, &mut self.deadlines);
        }
        if let Some(abroad) = &mut self.abroad {
            abroad.note(now.instant, room, peer);
            if abroad.keep_waiting(now.instant, &room, conn, peer, &hello.host) {
                return;
            }
        }
        self.welcome(now, conn, &hello.host, outbox);
    }

    /// Tells a client that its peer is registered.
    pub(super) fn welcome(&mut self, now: Now, conn: ConnId, host: &str, outbox: &mut Outbox) {
        let Some(&Connection {
            stage: Stage::Registered { room, peer },
            ..
        }) = self.connections.get(&conn)
        else {
            return;
        };
        let ice_servers = self.ice_servers(now, conn, peer, host);
        let (room_size, peers) = self.sample(&room, &peer);
        // A whole number of seconds on the wire, at least one: the client may ping sooner than needed, not later.
        let heartbeat_seconds = u16::try_from(self.limits.heartbeat.as_secs())
            .unwrap_or(u16::MAX)
            .max(1);
        let nodes = self.nodes.as_ref().map(|nodes| nodes.of_room(&room));
        outbox.send(
            conn,
            Event::Welcome {
                room_size,
                peers,
                ice_servers,
                heartbeat_seconds,
                unix_seconds: u32::try_from(now.unix_seconds).unwrap_or(u32::MAX),
                nodes,
            },
        );
    }

    /// What a client at `host` is told to find a path with. If there is TURN in it, the client is told again in time.
    fn ice_servers(&mut self, now: Now, conn: ConnId, peer: PeerId, host: &str) -> Vec<IceServer> {
        let lifetime = self.limits.turn_lifetime;
        if self.ice_servers.have_turn()
            && let Some(connection) = self.connections.get_mut(&conn)
        {
            let (host, armed_at) = (host.into(), now.instant + (lifetime / 2).max(TURN_RENEWAL_MIN));
            connection.renewal = Some(Box::new(Renewal { host, armed_at }));
            self.deadlines.arm(armed_at, Deadline::Renewal(conn));
        }
        let expires_at = now.unix_seconds.saturating_add(lifetime.as_secs());
        self.ice_servers.for_client(host, &peer, expires_at)
    }

    /// Sends newer credentials for TURN.
    pub(super) fn renew(&mut self, now: Now, conn: ConnId, outbox: &mut Outbox) {
        let connection = self.connections.get_mut(&conn);
        if let Some(Connection { stage, renewal, .. }) = connection
            && let (Stage::Registered { peer, .. }, Some(renewal)) = (*stage, renewal.take())
        {
            let ice_servers = self.ice_servers(now, conn, peer, &renewal.host);
            outbox.send(conn, Event::IceServers { ice_servers });
        }
    }
}
