//! The start of a test: rooms, peers, requests, a server.

use std::time::Duration;

use shared::{
    Identity, PeerId, RoomCode,
    signal::{Hello, Nonce, Request},
};
use signal::{
    Config,
    config::{Limits, Rate},
};

use crate::client::Server;

pub(crate) const ROOM: &str = "lobby";
pub(crate) const OTHER_ROOM: &str = "attic";
pub(crate) const BYSTANDERS_ROOM: &str = "porch";

pub(crate) fn identity(byte: u8) -> Identity {
    Identity::from_secret(&[byte; 32])
}

pub(crate) fn peer(byte: u8) -> PeerId {
    identity(byte).peer_id()
}

pub(crate) fn relay(to: u8, payload: impl Into<String>) -> Request {
    Request::Relay {
        to: peer(to),
        payload: payload.into(),
    }
}

pub(crate) fn text(request: &Request) -> String {
    request.to_text()
}

/// Limits under which a pair of bystanders has room to talk all the time.
pub(crate) fn limits() -> Limits {
    Limits {
        socket_rate: Rate::new(200, 200),
        socket_bytes_rate: Rate::Unlimited,
        address_rate: Rate::Unlimited,
        address_bytes_rate: Rate::Unlimited,
        // Long enough for a client that is turned out to find out why.
        linger: Duration::from_secs(15),
        ..Limits::default()
    }
}

pub(crate) async fn server(limits: Limits) -> Server {
    let config = Config {
        limits,
        ..Config::default()
    };
    Server::start(config).await
}

/// Answers the challenge with this nonce, for the open room of this name.
pub(crate) fn hello(identity: &Identity, room: &str, nonce: &Nonce) -> Hello {
    let room = RoomCode::parse(room).expect("a name").open();
    Hello::sign(identity, &room, "rooms.example", nonce)
}
