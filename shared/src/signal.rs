//! The messages between a browser and the rendezvous server: one JSON object a WebSocket text frame.
//!
//! The server speaks first:
//!
//! ```text
//! server  challenge                       client  hello (signed)
//! server  welcome | refused + close
//! client  relay, discover, ping           server  relayed, peers, ice-servers, pong, refused
//! ```
//!
//! The object has one field, with the name of the message: `{"relay":{"to":"…","payload":"…"}}`.
//! A client reads by [`Event::read`] and writes by [`Request::to_text`], a server by `serde_json`: to have that in a browser would cost every
//! visitor ten kilobytes.
//! [`Request`] goes to the server, [`Event`] comes from it. Unknown fields are ignored, so that either side may learn new ones
//! within one [`PROTOCOL_VERSION`]; an unknown message is refused.

mod decode;
mod hello;
mod ice_server;
mod json;
mod nodes;

use serde::{Deserialize, Serialize};

pub use self::{
    hello::Hello,
    ice_server::IceServer,
    json::{Json, write_quoted},
    nodes::{Nodes, host_of, may_name},
};

use crate::PeerId;

/// The version of the protocol that this code speaks, with server and peers alike.
// No limit: a number on the wire.
pub const PROTOCOL_VERSION: u16 = 2;

crate::id::byte_id! {
    /// The bytes that a server asks a client to sign, drawn at random for every socket.
    Nonce, 32 bytes
}

/// A client's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Request {
    /// Registers a peer in a room. First message of a socket.
    Hello(Box<Hello>),
    /// Closes the room in which the client is registered, for good.
    Close {
        /// The founder's [`Closing`](crate::Closing), as [text](crate::Closing::to_text).
        closing: String,
    },
    /// Asks to carry `payload` to `to`, a peer of the same room.
    Relay {
        /// The recipient.
        to: PeerId,
        /// Opaque to the server: text of at most [`RELAY_PAYLOAD_BYTES_MAX`](crate::limits::RELAY_PAYLOAD_BYTES_MAX) bytes.
        payload: String,
    },
    /// Asks for another sample of the room.
    Discover {},
    /// Asks for a pong: browsers cannot send WebSocket pings.
    Ping {},
    /// Answers the server's ping.
    Pong {},
}

/// A server's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Event {
    /// The bytes to sign, and the versions that the server speaks.
    Challenge {
        /// To be signed.
        nonce: Nonce,
        /// The oldest version served.
        version_min: u16,
        /// The newest version served.
        version_max: u16,
    },
    /// The client is registered.
    Welcome {
        /// How many peers the room has, the new one included.
        room_size: u32,
        /// Up to [`PEER_SAMPLE_MAX`](crate::limits::PEER_SAMPLE_MAX) others, drawn at random.
        peers: Vec<PeerId>,
        /// Servers that help to find a network path.
        ice_servers: Vec<IceServer>,
        /// How often to send a ping, in seconds. Missing three in a row, the server takes the client for gone.
        heartbeat_seconds: u16,
        /// What time it is by the server's clock, in seconds since 1970.
        unix_seconds: u32,
        /// Where the room is to be, if the server is one of several that have an address each.
        #[serde(skip_serializing_if = "Option::is_none")]
        nodes: Option<Nodes>,
    },
    /// Another sample of the room, as in the welcome.
    Peers {
        /// How many peers the room has, the asking one included.
        room_size: u32,
        /// Up to [`PEER_SAMPLE_MAX`](crate::limits::PEER_SAMPLE_MAX) others, drawn at random.
        peers: Vec<PeerId>,
    },
    /// Newer logins for the servers that help to find a network path. Those of the welcome end.
    IceServers {
        /// All such servers, in the place of the earlier ones.
        ice_servers: Vec<IceServer>,
    },
    /// A payload from a peer of the same room.
    Relayed {
        /// The sender, as the server registered it. Peers must not rely on this field: the payload proves its own author.
        from: PeerId,
        /// As sent.
        payload: String,
    },
    /// The room was closed by its founder; the socket is closed with [`CloseCode::RoomClosed`].
    Closed {
        /// The founder's [`Closing`](crate::Closing), as [text](crate::Closing::to_text): a client checks it.
        closing: String,
    },
    /// A request that cannot be fulfilled.
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// Asks for a pong.
    Ping {},
    /// Answers the client's ping.
    Pong {},
    /// The server is about to stop; the client reconnects by itself.
    Draining {},
}

/// Why a request is not fulfilled. Where [`Refusal::close_code`] names a code, the server then closes the socket with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Refusal {
    /// Not one of the [`Request`]s.
    Malformed {},
    /// Anything but a hello before the hello.
    NotRegistered {},
    /// A second hello.
    AlreadyRegistered {},
    /// The client's version is not served: the page is older, or newer, than the server.
    UnsupportedVersion {
        /// The oldest version served.
        version_min: u16,
        /// The newest version served.
        version_max: u16,
    },
    /// The hello is not signed by the peer and the room's key that it names, over this socket's challenge; or a closing not by the founder.
    BadSignature {},
    /// The hello is meant for a server of another name: see [`Hello::host`].
    WrongHost {},
    /// The room has as many peers as the server allows.
    RoomFull {},
    /// The server has as many rooms or connections as it allows.
    ServerFull {},
    /// No such peer in the sender's room. Says nothing of other rooms.
    PeerNotHere {
        /// The recipient asked for.
        to: PeerId,
    },
    /// The recipient does not read fast enough; the payload was not delivered.
    PeerBusy {
        /// The recipient asked for.
        to: PeerId,
    },
    /// Over the allowed message rate; the request was not carried out.
    TooFast {
        /// When to try again, in milliseconds.
        retry_after_millis: u32,
    },
    /// The relay's payload is over the limit.
    PayloadTooLarge {},
    /// The server is about to stop and takes nobody in.
    Draining {},
}

/// The WebSocket close codes (RFC 6455 §7.4) of the server, each with what the client should make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The server stops or restarts (1012): reconnect.
    Restart = 1012,
    /// A message over [`SIGNAL_MESSAGE_BYTES_MAX`](crate::limits::SIGNAL_MESSAGE_BYTES_MAX) (1009).
    TooBig = 1009,
    /// No hello in time.
    HelloTimeout = 4001,
    /// The hello was refused; see the refusal before it.
    HelloRefused = 4002,
    /// The version is not served: reload the page.
    UnsupportedVersion = 4003,
    /// Too many messages for too long.
    TooFast = 4004,
    /// The client did not read fast enough.
    SlowReader = 4005,
    /// The same peer registered on another socket: do not reconnect.
    Superseded = 4006,
    /// The room or server is full: try again later.
    Full = 4007,
    /// No sign of life.
    HeartbeatMissed = 4008,
    /// Too many messages that are no requests.
    Malformed = 4009,
    /// The founder has closed the room: do not reconnect.
    RoomClosed = 4010,
}

impl CloseCode {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl Refusal {
    /// The code with which the server closes the socket after this refusal, if it does.
    #[must_use]
    pub const fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::BadSignature {} | Self::WrongHost {} => Some(CloseCode::HelloRefused),
            Self::UnsupportedVersion { .. } => Some(CloseCode::UnsupportedVersion),
            Self::RoomFull {} | Self::ServerFull {} => Some(CloseCode::Full),
            Self::Draining {} => Some(CloseCode::Restart),
            Self::Malformed {}
            | Self::NotRegistered {}
            | Self::AlreadyRegistered {}
            | Self::PeerNotHere { .. }
            | Self::PeerBusy { .. }
            | Self::TooFast { .. }
            | Self::PayloadTooLarge {} => None,
        }
    }
}

impl Request {
    /// The text of the message, the same as `serde_json` makes of it.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Hello(hello) => {
                let (room_key, founder, peer) =
                    (hello.room_key.to_text(), hello.founder.to_text(), hello.peer.to_text());
                let (signature, room_signature) = (hello.signature.to_text(), hello.room_signature.to_text());
                let (version, host) = (hello.version, json::quote(&hello.host));
                format!(
                    r#"{{"hello":{{"version":{version},"room-key":"{room_key}","founder":"{founder}","peer":"{peer}","host":{host},"signature":"{signature}","room-signature":"{room_signature}"}}}}"#
                )
            }
            Self::Close { closing } => format!(r#"{{"close":{{"closing":{}}}}}"#, json::quote(closing)),
            Self::Relay { to, payload } => {
                let (to, payload) = (to.to_text(), json::quote(payload));
                format!(r#"{{"relay":{{"to":"{to}","payload":{payload}}}}}"#)
            }
            Self::Discover {} => r#"{"discover":{}}"#.to_owned(),
            Self::Ping {} => r#"{"ping":{}}"#.to_owned(),
            Self::Pong {} => r#"{"pong":{}}"#.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Identity, RoomCode};

    proptest! {
        #[test]
        fn requests_are_written_as_serde_json_writes_them(payload in "\\PC{0,60}|[\"\\\\\u{0}-\u{9f}a]{0,60}") {
            let ann = Identity::from_secret(&[1; 32]);
            let room = RoomCode::parse("lobby").unwrap().open();
            let requests = [
                Request::from(Hello::sign(&ann, &room, &payload, &Nonce::from_bytes([5; 32]))),
                Request::Close { closing: payload.clone() },
                Request::Relay { to: ann.peer_id(), payload },
                Request::Discover {},
                Request::Ping {},
                Request::Pong {},
            ];
            for request in requests {
                let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
                let text = request.to_text();
                prop_assert_eq!(value(&text), value(&serde_json::to_string(&request).unwrap()));
                prop_assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = serde_json::from_str::<Request>(&text);
            let _ = serde_json::from_str::<Event>(&text);
        }

        #[test]
        fn any_json_is_read_or_refused(
            kind in prop::sample::select(vec!["hello", "relay", "discover", "ping", "challenge", "refused", "zzz"]),
            field in prop::sample::select(vec!["room-key", "peer", "to", "payload", "version", "nonce", "refusal"]),
            value in prop::sample::select(vec!["null", "1", "-1", "1e99", "\"\"", "[]", "{}", "[[[[[[]]]]]]"]),
        ) {
            let text = format!(r#"{{"{kind}":{{"{field}":{value}}}}}"#);
            let _ = serde_json::from_str::<Request>(&text);
            let _ = serde_json::from_str::<Event>(&text);
        }
    }

    #[test]
    fn unknown_fields_are_ignored_and_unknown_types_refused() {
        assert_eq!(
            serde_json::from_str::<Request>(r#"{"ping":{"new":1}}"#).unwrap(),
            Request::Ping {}
        );
        assert!(serde_json::from_str::<Request>(r#"{"sing":{}}"#).is_err());
    }
}
