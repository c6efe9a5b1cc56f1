//! Links to rooms that some program damaged on their way.
//!
//! What stands behind the `#` of a room's link is the room's key, and browsers send it to nobody. Programs that check the links in mail write `%23` in the place
//! of `#`, or leave it out: then the key comes here, as a path. Nobody can take that back, but the person is told, and the path is written nowhere.

use std::fmt::Write;

/// How the link to a room was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// `#` was encoded, perhaps twice.
    Encoded,
    /// `#` is missing.
    Left,
}

/// The page for a path that was the fragment of a room's link; nothing for other paths.
pub(super) fn page(path: &str) -> Option<String> {
    let (damage, fragment) = fragment_in(path)?;
    let what = match damage {
        Damage::Encoded => "has written <code>%23</code> in the place of <code>#</code>",
        Damage::Left => "has left out the <code>#</code>",
    };
    // Relative, for a proxy may have put this server under a path of its own.
    let up = match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        count => "../".repeat(count - 1),
    };
    let fragment = escaped(fragment);
    Some(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>A damaged link</title>
<h1>This link was damaged on its way</h1>
<p>The link leads to a room, but some program on its way {what}. Programs that check the links in mail do that.</p>
<p><a href=\"{up}#{fragment}\">Open the room</a></p>
<p>Whatever stands behind <code>#</code> lets people into the room, so browsers tell it to nobody. This time it was sent to this server. This server has not
written it down, but programs between you and the server may have. If that matters, make a new room, and send its link in another way, or show it as a QR code.</p>
</html>
"
    ))
}

/// What stood behind the `#` of a room's link.
fn fragment_in(path: &str) -> Option<(Damage, &str)> {
    if path.starts_with("/r/") && path.len() > 3 {
        return Some((Damage::Left, path));
    }
    let encoded = ["/%23", "/%2523"].iter().find_map(|start| path.strip_prefix(start))?;
    let is_room = ["/r/", "%2Fr%2F", "%2fr%2f", "%252Fr%252F", "%252fr%252f"]
        .iter()
        .any(|start| encoded.starts_with(start));
    is_room.then_some((Damage::Encoded, encoded))
}

/// The text as it can stand in an attribute.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, char| {
        match char {
            '&' | '<' | '>' | '"' | '\'' => _ = write!(escaped, "&#{};", u32::from(char)),
            _ => escaped.push(char),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_into_the_room_is_found() {
        let encoded = |fragment| Some((Damage::Encoded, fragment));
        assert_eq!(fragment_in("/%23/r/1.abc"), encoded("/r/1.abc"));
        assert_eq!(fragment_in("/%2523/r/tea%2520party"), encoded("/r/tea%2520party"));
        assert_eq!(fragment_in("/%23%2Fr%2Ftea"), encoded("%2Fr%2Ftea"));
        assert_eq!(fragment_in("/r/1.abc"), Some((Damage::Left, "/r/1.abc")));
        for path in [
            "/",
            "/r/",
            "/%23",
            "/%23/evil",
            "/%23//evil.example",
            "/web-0123456789abcdef.js",
        ] {
            assert_eq!(fragment_in(path), None, "{path}");
        }
    }

    #[test]
    fn the_way_leads_to_the_root_and_stays_an_attribute() {
        let page = |path| page(path).unwrap();
        assert!(page("/%23/r/tea").contains("href=\"../../#/r/tea\""));
        assert!(page("/%23%2Fr%2Ftea").contains("href=\"./#%2Fr%2Ftea\""));
        assert!(page("/r/tea").contains("href=\"../#/r/tea\""));
        assert!(page("/%23/r/\"><b>").contains("#/r/&#34;&#62;&#60;b&#62;\""));
    }
}
