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
        // Some programs encode what is encoded already.
        let path = decode_until(path, |path| path.starts_with(ROOM_PREFIX));
        match path.strip_prefix(ROOM_PREFIX) {
            Some(code) if !code.is_empty() => Self::Room {
                code: decode_until(code, |code| !is_encoded(code)),
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

/// The room code in what a person put into the field "Room": they may paste the whole link, with or without what stands around it.
#[must_use]
pub fn code_in(text: &str) -> String {
    // As it stands, and as programs encode it, once or twice.
    let found = ["#", "%23", "%2523"].iter().flat_map(|hash| {
        let prefixes = ["/r/", "%2Fr%2F", "%2fr%2f", "%252Fr%252F"];
        prefixes.map(|prefix| {
            text.find(&format!("{hash}{prefix}"))
                .map(|place| place + hash.len() + prefix.len())
        })
    });
    let Some(code) = found.flatten().min().and_then(|place| text.get(place..)) else {
        return text.to_owned();
    };
    let ends = |character: char| character.is_whitespace() || "–—…«»“”‘’„‚。，、！？）」』】：；".contains(character);
    let is_letter = |character: char| character.is_ascii_alphanumeric() || !character.is_ascii() && !ends(character);
    let is_of_code = |character: char| is_letter(character) || "-._~%".contains(character);
    let code = code
        .split(|character| !is_of_code(character))
        .next()
        .unwrap_or_default();
    // A link of ours ends in a letter or a digit: what comes after it ends the sentence.
    let code = code.trim_end_matches(|character: char| !is_letter(character));
    match Route::parse(&format!("{ROOM_PREFIX}{code}")) {
        Route::Room { code } => code,
        Route::Start => text.to_owned(),
    }
}

/// Everything but the unreserved characters of RFC 3986 §2.3 is encoded, so that no chat program cuts the link short; and at the end
/// everything but letters and digits, for there it is taken for the end of a sentence.
fn percent_encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for (place, byte) in text.bytes().enumerate() {
        let is_last = place + 1 == text.len();
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) && !is_last {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// Decodes as often as it takes, and at most three times. If it is to no avail, the text stays as it is.
fn decode_until(text: &str, done: impl Fn(&str) -> bool) -> String {
    let mut decoded = text.to_owned();
    for _ in 0..3 {
        if done(&decoded) {
            return decoded;
        }
        decoded = percent_decode(&decoded);
    }
    if done(&decoded) { decoded } else { text.to_owned() }
}

/// Whether there is something to decode.
fn is_encoded(text: &str) -> bool {
    percent_decode(text) != text
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
        for code in [
            "tea party",
            "1.AbC_-9",
            "кофе ☕",
            "a/b#c?d",
            "100%",
            "tea.",
            "1.AbC-",
            "1.AbC_",
            "?!",
        ] {
            assert_eq!(Route::parse(&room(code).to_fragment()), room(code), "{code}");
        }
        assert_eq!(room("tea party").to_fragment(), "#/r/tea%20party");
        for code in ["tea.", "1.AbC_-", "?!", "кофе", "a~"] {
            let link = room(code).to_fragment();
            assert!(link.ends_with(|last: char| last.is_ascii_alphanumeric()), "{link}");
        }
    }

    #[test]
    fn what_was_encoded_again_on_its_way_is_the_room_that_was_meant() {
        for fragment in ["#%2Fr%2Ftea", "#/r/tea", "%2Fr%2Ftea", "#%252Fr%252Ftea"] {
            assert_eq!(Route::parse(fragment), room("tea"), "{fragment}");
        }
        for fragment in ["#/r/tea%20party", "#/r/tea%2520party", "#/r/tea%252520party"] {
            assert_eq!(Route::parse(fragment), room("tea party"), "{fragment}");
        }
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
        // As people and programs hand a link on.
        for text in [
            "localhost:8080/#/r/tea",
            "Come in: http://localhost:8080/#/r/tea – see you",
            "<http://host/#/r/tea>",
            "[tea](http://host/#/r/tea)",
            "(http://host/#/r/tea).",
            "http://host/#/r/tea, and then",
            "\"http://host/#/r/tea\"",
            "http://host/%23/r/tea",
            "http://host/%2523/r/tea",
            "http://host/#%2Fr%2Ftea!",
            "#/r/tea",
            "http://host/#/r/tea。",
            "（http://host/#/r/tea），好",
        ] {
            assert_eq!(code_in(text), "tea", "{text}");
        }
        for text in [
            "http://h/#%2Fr%2Ftea%20party",
            "http://h/%23/r/tea%20party now",
            "<http://h/#/r/tea%2520party>",
        ] {
            assert_eq!(code_in(text), "tea party", "{text}");
        }
        let private = "1.AbC_-9";
        assert_eq!(code_in(&format!("see <http://host/#/r/{private}>, now")), private);
        assert_eq!(code_in("http://host/#/r/кофе"), "кофе");
        assert_eq!(code_in("http://host/#/r/"), "http://host/#/r/");
        assert_eq!(code_in("http://host/#/x"), "http://host/#/x");
    }
}
