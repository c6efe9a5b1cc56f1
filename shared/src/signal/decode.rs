//! How a server's message is read, from [`Json`]. Unknown fields are ignored; a field that a message needs must be there.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de::Error};

use super::{Event, IceServer, Json, Nodes, Refusal};
use crate::PeerId;

impl Event {
    /// A server's message, if this is one that is known here.
    #[must_use]
    pub fn read(message: &Json) -> Option<Self> {
        let (name, fields) = only_field(message)?;
        event(name, fields)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let message = Json::deserialize(deserializer)?;
        Self::read(&message).ok_or_else(|| Error::custom("no message of a server"))
    }
}

/// The field of an object that has one alone, whose value is an object.
fn only_field(object: &Json) -> Option<(&str, &Json)> {
    match object {
        Json::Object(fields) => match fields.as_slice() {
            [(name, value @ Json::Object(_))] => Some((name, value)),
            _ => None,
        },
        Json::Text(_) | Json::Number(_) | Json::List(_) | Json::Other => None,
    }
}

fn event(name: &str, fields: &Json) -> Option<Event> {
    Some(match name {
        "challenge" => Event::Challenge {
            nonce: text(fields, "nonce")?.parse().ok()?,
            version_min: number(fields, "version-min")?,
            version_max: number(fields, "version-max")?,
        },
        "welcome" => Event::Welcome {
            room_size: number(fields, "room-size")?,
            peers: peers(fields)?,
            ice_servers: ice_servers(fields)?,
            heartbeat_seconds: number(fields, "heartbeat-seconds")?,
            unix_seconds: number(fields, "unix-seconds")?,
            nodes: fields.field("nodes").and_then(Nodes::read),
        },
        "peers" => Event::Peers {
            room_size: number(fields, "room-size")?,
            peers: peers(fields)?,
        },
        "ice-servers" => Event::IceServers {
            ice_servers: ice_servers(fields)?,
        },
        "relayed" => Event::Relayed {
            from: text(fields, "from")?.parse().ok()?,
            payload: text(fields, "payload")?.to_owned(),
        },
        "closed" => Event::Closed {
            closing: text(fields, "closing")?.to_owned(),
        },
        "refused" => Event::Refused {
            refusal: refusal_in(fields)?,
        },
        "ping" => Event::Ping {},
        "pong" => Event::Pong {},
        "draining" => Event::Draining {},
        _ => return None,
    })
}

fn refusal(name: &str, fields: &Json) -> Option<Refusal> {
    Some(match name {
        "malformed" => Refusal::Malformed {},
        "not-registered" => Refusal::NotRegistered {},
        "already-registered" => Refusal::AlreadyRegistered {},
        "unsupported-version" => Refusal::UnsupportedVersion {
            version_min: number(fields, "version-min")?,
            version_max: number(fields, "version-max")?,
        },
        "bad-signature" => Refusal::BadSignature {},
        "wrong-host" => Refusal::WrongHost {},
        "room-full" => Refusal::RoomFull {},
        "server-full" => Refusal::ServerFull {},
        "peer-not-here" => Refusal::PeerNotHere {
            to: text(fields, "to")?.parse().ok()?,
        },
        "peer-busy" => Refusal::PeerBusy {
            to: text(fields, "to")?.parse().ok()?,
        },
        "too-fast" => Refusal::TooFast {
            retry_after_millis: number(fields, "retry-after-millis")?,
        },
        "payload-too-large" => Refusal::PayloadTooLarge {},
        "draining" => Refusal::Draining {},
        _ => return None,
    })
}

fn refusal_in(fields: &Json) -> Option<Refusal> {
    let (name, fields) = only_field(fields.field("refusal")?)?;
    refusal(name, fields)
}

fn text<'a>(fields: &'a Json, name: &str) -> Option<&'a str> {
    fields.field(name)?.text()
}

fn number<T: TryFrom<u32>>(fields: &Json, name: &str) -> Option<T> {
    match fields.field(name)? {
        Json::Number(number) => (*number).try_into().ok(),
        Json::Text(_) | Json::List(_) | Json::Object(_) | Json::Other => None,
    }
}

fn peers(fields: &Json) -> Option<Vec<PeerId>> {
    let peers = fields.field("peers")?.list()?.iter();
    peers.map(|peer| PeerId::from_str(peer.text()?).ok()).collect()
}

fn ice_servers(fields: &Json) -> Option<Vec<IceServer>> {
    let optional = |server: &Json, name| match server.field(name) {
        None | Some(Json::Other) => Some(None),
        Some(value) => value.text().map(|text| Some(text.to_owned())),
    };
    let servers = fields.field("ice-servers")?.list()?.iter();
    let server = |server: &Json| {
        Some(IceServer {
            urls: server.field("urls")?.texts()?,
            username: optional(server, "username")?,
            credential: optional(server, "credential")?,
        })
    };
    servers.map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Nonce;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    /// One of each.
    fn events() -> Vec<Event> {
        let refusals = [
            Refusal::Malformed {},
            Refusal::NotRegistered {},
            Refusal::AlreadyRegistered {},
            Refusal::UnsupportedVersion {
                version_min: 2,
                version_max: u16::MAX,
            },
            Refusal::BadSignature {},
            Refusal::WrongHost {},
            Refusal::RoomFull {},
            Refusal::ServerFull {},
            Refusal::PeerNotHere { to: peer(1) },
            Refusal::PeerBusy { to: peer(2) },
            Refusal::TooFast { retry_after_millis: 3 },
            Refusal::PayloadTooLarge {},
            Refusal::Draining {},
        ];
        let mut events = vec![
            Event::Challenge {
                nonce: Nonce::from_bytes([9; 32]),
                version_min: 0,
                version_max: 1,
            },
            Event::Welcome {
                room_size: u32::MAX,
                peers: vec![peer(1), peer(2)],
                ice_servers: vec![IceServer {
                    urls: vec!["turn:b".to_owned()],
                    username: Some("\"me\" \\ 🦜".to_owned()),
                    credential: None,
                }],
                heartbeat_seconds: 20,
                unix_seconds: u32::MAX,
                nodes: None,
            },
            welcome_with_nodes(),
            Event::Peers {
                room_size: 1,
                peers: Vec::new(),
            },
            Event::IceServers {
                ice_servers: vec![IceServer {
                    urls: vec!["turn:b".to_owned(), "turn:b?transport=tcp".to_owned()],
                    username: Some("1700000000:ann".to_owned()),
                    credential: Some("+/=".to_owned()),
                }],
            },
            Event::Relayed {
                from: peer(3),
                payload: "a\n\u{1}b".to_owned(),
            },
            Event::Closed {
                closing: "statement".to_owned(),
            },
            Event::Ping {},
            Event::Pong {},
            Event::Draining {},
        ];
        events.extend(refusals.map(|refusal| Event::Refused { refusal }));
        events
    }

    fn welcome_with_nodes() -> Event {
        Event::Welcome {
            room_size: 1,
            peers: Vec::new(),
            ice_servers: Vec::new(),
            heartbeat_seconds: 1,
            unix_seconds: 1,
            nodes: Some(Nodes {
                servers: vec!["wss://a.example/ws".to_owned(), "wss://b.example/ws".to_owned()],
                stay_at: 2,
            }),
        }
    }

    #[test]
    fn every_message_is_read_as_it_was_written() {
        for event in events() {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
        }
    }

    /// Every message without one of its fields is refused.
    #[test]
    fn a_field_that_a_message_needs_must_be_there() {
        let mut refused = 0;
        for event in events() {
            let whole = serde_json::to_value(&event).unwrap();
            let (name, body) = whole.as_object().unwrap().iter().next().unwrap();
            for field in body.as_object().unwrap().keys() {
                let mut less = body.clone();
                less.as_object_mut().unwrap().remove(field);
                let less = serde_json::json!({ name: less });
                if field == "nodes" {
                    // A server that is alone names none.
                    assert!(serde_json::from_value::<Event>(less).is_ok());
                    continue;
                }
                assert!(serde_json::from_value::<Event>(less).is_err(), "{name} without {field}");
                refused += 1;
            }
        }
        assert_eq!(refused, 32);
    }

    #[test]
    fn unknown_fields_are_ignored_and_unknown_messages_refused() {
        let read = |text| serde_json::from_str::<Event>(text).ok();
        assert_eq!(read(r#"{"ping":{"new":[{}]}}"#), Some(Event::Ping {}));
        for text in [
            "{}",
            "[]",
            "\"ping\"",
            r#"{"sing":{}}"#,
            r#"{"ping":1}"#,
            r#"{"ping":{},"pong":{}}"#,
            r#"{"refused":{"refusal":{"sing":{}}}}"#,
            r#"{"refused":{"refusal":{"draining":{},"malformed":{}}}}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
