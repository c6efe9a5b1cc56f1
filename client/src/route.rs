//! Which page an address means. The app has two, both behind the `#`, which browsers never send to a server.
//!
//! Twenty lines of parsing instead of a router crate: a router would bring a history abstraction and matching tables for a
//! single pattern, and everything fetched before the first click counts.

/// Between the `#` and the room's code.
const ROOM_PREFIX: &str = "/r/";

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Where a room is made or chosen.
    Start,
    /// A room.
    Room {
        /// Its code, decoded but not yet understood.
        code: String,
    },
}

impl Route {
    /// Reads the fragment of an address, with or without its `#`. Whatever is no room is the start page.
    #[must_use]
    pub fn parse(fragment: &str) -> Self {
        let path = fragment.strip_prefix('#').unwrap_or(fragment);
        match path.strip_prefix(ROOM_PREFIX) {
            Some(code) if !code.is_empty() => Self::Room {
                code: percent_decode(code),
            },
            Some(_) | None => Self::Start,
        }
    }

    /// The fragment with its `#`.
    #[must_use]
    pub fn to_fragment(&self) -> String {
        match self {
            Self::Start => "#/".to_owned(),
            Self::Room { code } => format!("#{ROOM_PREFIX}{}", percent_encode(code)),
        }
    }
}

/// The room code in what a person put into the field "Room": they may paste the whole link.
#[must_use]
pub fn code_in(text: &str) -> String {
    if let Some((before, fragment)) = text.trim().split_once('#')
        && before.contains("://")
        && let Route::Room { code } = Route::parse(fragment)
    {
        return code;
    }
    text.to_owned()
}

/// Everything but the unreserved characters of RFC 3986 §2.3 is encoded, so that no chat program cuts the link short.
fn percent_encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// What is not properly encoded stays as it stands: a person may have typed it.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let byte = match tail {
            [high, low, ..] if first == b'%' => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(code: &str) -> Route {
        Route::Room { code: code.to_owned() }
    }

    #[test]
    fn rooms_survive_their_address() {
        for code in ["tea party", "1.AbC_-9", "кофе ☕", "a/b#c?d%20", "100%"] {
            assert_eq!(Route::parse(&room(code).to_fragment()), room(code), "{code}");
        }
        assert_eq!(room("tea party").to_fragment(), "#/r/tea%20party");
    }

    #[test]
    fn anything_else_is_the_start_page() {
        for fragment in ["", "#", "#/", "#/r", "#/r/", "#message", "/x/y"] {
            assert_eq!(Route::parse(fragment), Route::Start, "{fragment}");
        }
    }

    #[test]
    fn what_is_not_encoded_stays() {
        for (fragment, code) in [
            ("#/r/50%", "50%"),
            ("#/r/%zz", "%zz"),
            ("#/r/%f", "%f"),
            ("#/r/%ff", "%ff"),
            ("#/r/%+1", "%+1"),
        ] {
            assert_eq!(Route::parse(fragment), room(code));
        }
    }

    #[test]
    fn a_pasted_link_gives_its_room_and_a_name_stays_a_name() {
        assert_eq!(code_in(" http://host:1/#/r/tea%20party\n"), "tea party");
        assert_eq!(code_in("tea #1"), "tea #1");
        assert_eq!(code_in("http://host/#/x"), "http://host/#/x");
    }
}
