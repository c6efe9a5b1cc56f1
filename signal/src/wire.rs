//! Reads requests and writes events as `serde` does, only faster for relays.
//!
//! Relays are nearly all of the traffic, and the server only exchanges a peer's id in each. In general, `serde_json` looks at
//! each byte of a string for an escape; sealed payloads never have escapes. So this module takes relays apart by itself, in the
//! form in which every client of ours writes them. A text that differs from this form by a byte takes the general way.
//! `cargo xtask bench server` says what that is worth: a relay costs the server 1.4 times the processor time of a bare WebSocket relay, and 2.8 times without
//! this module. The bound is 1.6.
//!
//! The ids are public, so they need no codec that takes the same time for every text, as the codec of [`PeerId`] does.
//!
//! The form of a relay is not repeated here: `serde` writes an example, and the form is taken from the example. Tests compare
//! the two ways.

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use shared::{
    PeerId,
    signal::{Event, Request},
};

static RELAY: LazyLock<Option<Shape>> = LazyLock::new(|| {
    let (to, payload) = (EXAMPLE, PAYLOAD.to_owned());
    Shape::of(&serde_json::to_string(&Request::Relay { to, payload }).ok()?)
});

static RELAYED: LazyLock<Option<Shape>> = LazyLock::new(|| {
    let (from, payload) = (EXAMPLE, PAYLOAD.to_owned());
    Shape::of(&serde_json::to_string(&Event::Relayed { from, payload }).ok()?)
});

/// Stand for a peer and a payload in the examples that the shapes are taken from.
const EXAMPLE: PeerId = PeerId::from_bytes([0xa5; PeerId::LEN]);
const PAYLOAD: &str = "?payload?";

/// The constant parts of a message of a peer and a payload.
#[derive(Debug)]
struct Shape {
    before_peer: String,
    peer_chars: usize,
    before_payload: String,
    after_payload: String,
}

impl Shape {
    /// Takes the shape of the example; `None` if the payload does not come after the peer.
    fn of(example: &str) -> Option<Self> {
        let peer = EXAMPLE.to_text();
        let (before_peer, rest) = example.split_once(&peer)?;
        let (before_payload, after_payload) = rest.split_once(PAYLOAD)?;
        Some(Self {
            before_peer: before_peer.to_owned(),
            peer_chars: peer.len(),
            before_payload: before_payload.to_owned(),
            after_payload: after_payload.to_owned(),
        })
    }

    /// The peer and the payload of a message that has exactly this shape, and no escapes.
    fn read<'a>(&self, text: &'a str) -> Option<(PeerId, &'a str)> {
        let (peer, rest) = text
            .strip_prefix(&*self.before_peer)?
            .split_at_checked(self.peer_chars)?;
        let payload = rest
            .strip_prefix(&*self.before_payload)?
            .strip_suffix(&*self.after_payload)?;
        if needs_no_escapes(payload) {
            Some((decode(peer)?, payload))
        } else {
            None
        }
    }

    fn write(&self, peer: &PeerId, payload: &str) -> String {
        let constant = self.before_peer.len() + self.before_payload.len() + self.after_payload.len();
        let mut text = String::with_capacity(constant + self.peer_chars + payload.len());
        text.push_str(&self.before_peer);
        BASE64URL_NOPAD.encode_append(peer.as_bytes(), &mut text);
        text.push_str(&self.before_payload);
        text.push_str(payload);
        text.push_str(&self.after_payload);
        text
    }
}

fn decode(text: &str) -> Option<PeerId> {
    let mut bytes = [0; PeerId::LEN];
    if BASE64URL_NOPAD.decode_len(text.len()) != Ok(PeerId::LEN) {
        return None;
    }
    let length = BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut bytes).ok()?;
    (length == PeerId::LEN).then(|| PeerId::from_bytes(bytes))
}

/// Reads a request.
///
/// # Errors
/// If the text is no request.
pub(crate) fn read(text: &str) -> Result<Request, serde_json::Error> {
    match RELAY.as_ref().and_then(|shape| shape.read(text)) {
        Some((to, payload)) => Ok(Request::Relay {
            to,
            payload: payload.to_owned(),
        }),
        None => serde_json::from_str(text),
    }
}

/// Writes an event.
///
/// # Errors
/// Never in practice: events are plain data.
pub(crate) fn write(event: &Event) -> Result<String, serde_json::Error> {
    if let Event::Relayed { from, payload } = event
        && let Some(shape) = RELAYED.as_ref()
        && needs_no_escapes(payload)
    {
        return Ok(shape.write(from, payload));
    }
    serde_json::to_string(event)
}

/// Whether a JSON string can hold the text as it is (RFC 8259 §7).
fn needs_no_escapes(text: &str) -> bool {
    let plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    // Without a way out inside of a chunk, the compiler can compare many bytes at once.
    text.as_bytes()
        .chunks(128)
        .all(|chunk| chunk.iter().fold(true, |all, byte| all & plain(byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[A-Za-z0-9_-]{0,300}",
            any::<String>(),
            "[ -~]{0,200}",
            "[\\x00-\\x7f]{0,200}",
        ]
    }

    proptest! {
        #[test]
        fn relays_are_written_as_serde_writes_them(from in any::<[u8; 32]>(), payload in text()) {
            let event = Event::Relayed { from: PeerId::from_bytes(from), payload };
            prop_assert_eq!(write(&event).unwrap(), serde_json::to_string(&event).unwrap());
        }

        #[test]
        fn relays_are_read_as_serde_reads_them(to in any::<[u8; 32]>(), payload in text(), cut in any::<prop::sample::Index>()) {
            let request = Request::Relay { to: PeerId::from_bytes(to), payload };
            let text = serde_json::to_string(&request).unwrap();
            prop_assert_eq!(read(&text).unwrap(), request);
            let cut = (0..=cut.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            prop_assert!(read(&text[..cut]).is_err());
        }
    }

    #[test]
    fn the_fast_way_is_taken() {
        let (to, payload) = (PeerId::from_bytes([7; 32]), "sealed".to_owned());
        let text = serde_json::to_string(&Request::Relay { to, payload }).unwrap();
        assert_eq!(RELAY.as_ref().unwrap().read(&text), Some((to, "sealed")));
        assert!(RELAYED.is_some());
    }

    #[test]
    fn odd_texts_are_read_or_refused_as_serde_does() {
        let id = PeerId::from_bytes([7; 32]);
        let to = id.to_text();
        let payload = "PAYLOAD".to_owned();
        let plain = serde_json::to_string(&Request::Relay { to: id, payload }).unwrap();
        let odd = [
            plain.clone(),
            format!("{plain} "),
            format!("{plain} more"),
            format!("{plain}{plain}"),
            plain.replace(':', ": "),
            plain.replace("\"PAYLOAD\"", "1"),
            plain.replace("\"PAYLOAD\"", "\"\""),
            plain.replace("\"PAYLOAD\"", r#""x","new":[1]"#),
            plain.replace("\"PAYLOAD\"", r#""x","payload":"y""#),
            plain.replace("PAYLOAD", r"\ud800"),
            plain.replace("PAYLOAD", r"\u0041"),
            plain.replace("PAYLOAD", "\u{1}"),
            plain.replace("PAYLOAD", "\u{1f426}"),
            plain.replace(&to, &to[1..]),
            // Bits that belong to no byte.
            plain.replace(&to, &format!("{}d", &to[..to.len() - 1])),
            plain.replace(&to, &to.replace('B', "+")),
            plain.replace(&to, &"=".repeat(to.len())),
            plain.replace(&to, &"\u{e9}".repeat(to.len())),
            plain.replace("payload", "payloads"),
            plain.replace("relay", "replay"),
            plain[..plain.len() - 1].to_owned(),
        ];
        for text in odd {
            assert_eq!(read(&text).ok(), serde_json::from_str(&text).ok(), "{text}");
        }
    }
}
