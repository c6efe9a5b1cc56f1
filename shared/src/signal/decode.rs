//! How a server's message is read.
//!
//! All messages share one set of fields, which is read by one decoder. A decoder derived for each variant would be ten times the
//! code, which every browser downloads. Unknown fields are ignored; a field that a message needs must be there.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::{Event, IceServer, Refusal};
use crate::PeerId;

/// One field whose name says what it is: `{"ping":{}}`.
struct Named {
    name: String,
    fields: Fields,
}

/// Every field that any message has, as few types as there can be.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Fields {
    nonce: Option<String>,
    version_min: Option<u32>,
    version_max: Option<u32>,
    room_size: Option<u32>,
    peers: Option<Vec<String>>,
    ice_servers: Option<Vec<IceServer>>,
    heartbeat_seconds: Option<u32>,
    from: Option<String>,
    to: Option<String>,
    payload: Option<String>,
    retry_after_millis: Option<u32>,
    refusal: Option<Box<Named>>,
}

/// Of a message that lacks something, or that is not known.
struct Unreadable;

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;

        impl<'de> Visitor<'de> for One {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one field")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let named = map.next_entry()?;
                let (name, fields) = named.ok_or_else(|| Error::custom("no field"))?;
                if map.next_key::<String>()?.is_some() {
                    return Err(Error::custom("several fields"));
                }
                Ok(Named { name, fields })
            }
        }

        deserializer.deserialize_map(One)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = Named::deserialize(deserializer)?;
        event(named).map_err(|Unreadable| Error::custom("no message of a server"))
    }
}

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = Named::deserialize(deserializer)?;
        refusal(named).map_err(|Unreadable| Error::custom("no refusal"))
    }
}

fn event(Named { name, fields }: Named) -> Result<Event, Unreadable> {
    Ok(match name.as_str() {
        "challenge" => Event::Challenge {
            nonce: parsed(fields.nonce)?,
            version_min: short(fields.version_min)?,
            version_max: short(fields.version_max)?,
        },
        "welcome" => Event::Welcome {
            room_size: needed(fields.room_size)?,
            peers: peers(fields.peers)?,
            ice_servers: needed(fields.ice_servers)?,
            heartbeat_seconds: short(fields.heartbeat_seconds)?,
        },
        "peers" => Event::Peers {
            room_size: needed(fields.room_size)?,
            peers: peers(fields.peers)?,
        },
        "relayed" => Event::Relayed {
            from: parsed(fields.from)?,
            payload: needed(fields.payload)?,
        },
        "refused" => Event::Refused {
            refusal: refusal(*needed(fields.refusal)?)?,
        },
        "ping" => Event::Ping {},
        "pong" => Event::Pong {},
        "draining" => Event::Draining {},
        _ => return Err(Unreadable),
    })
}

fn refusal(Named { name, fields }: Named) -> Result<Refusal, Unreadable> {
    Ok(match name.as_str() {
        "malformed" => Refusal::Malformed {},
        "not-registered" => Refusal::NotRegistered {},
        "already-registered" => Refusal::AlreadyRegistered {},
        "unsupported-version" => Refusal::UnsupportedVersion {
            version_min: short(fields.version_min)?,
            version_max: short(fields.version_max)?,
        },
        "bad-signature" => Refusal::BadSignature {},
        "room-full" => Refusal::RoomFull {},
        "server-full" => Refusal::ServerFull {},
        "peer-not-here" => Refusal::PeerNotHere { to: parsed(fields.to)? },
        "peer-busy" => Refusal::PeerBusy { to: parsed(fields.to)? },
        "too-fast" => Refusal::TooFast {
            retry_after_millis: needed(fields.retry_after_millis)?,
        },
        "payload-too-large" => Refusal::PayloadTooLarge {},
        "draining" => Refusal::Draining {},
        _ => return Err(Unreadable),
    })
}

fn needed<T>(field: Option<T>) -> Result<T, Unreadable> {
    field.ok_or(Unreadable)
}

/// A number of 16 bits.
fn short(field: Option<u32>) -> Result<u16, Unreadable> {
    needed(field)?.try_into().map_err(|_| Unreadable)
}

/// An identifier.
fn parsed<T: FromStr>(field: Option<String>) -> Result<T, Unreadable> {
    needed(field)?.parse().map_err(|_| Unreadable)
}

fn peers(field: Option<Vec<String>>) -> Result<Vec<PeerId>, Unreadable> {
    let peers = needed(field)?.into_iter();
    peers.map(|peer| parsed(Some(peer))).collect()
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
            },
            Event::Peers {
                room_size: 1,
                peers: Vec::new(),
            },
            Event::Relayed {
                from: peer(3),
                payload: "a\n\u{1}b".to_owned(),
            },
            Event::Ping {},
            Event::Pong {},
            Event::Draining {},
        ];
        events.extend(refusals.map(|refusal| Event::Refused { refusal }));
        events
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
                assert!(serde_json::from_value::<Event>(less).is_err(), "{name} without {field}");
                refused += 1;
            }
        }
        assert_eq!(refused, 23);
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
