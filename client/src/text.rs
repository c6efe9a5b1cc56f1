//! A message's text as it is shown: its addresses here, what stands out in [`blocks`], who is called in [`mentions`], and what is offered while
//! one types in [`complete`]. What was typed is what is stored and copied. Nothing in it is ever taken as HTML.

mod catalog;
mod complete;
mod emoji;
mod inline;
mod markup;
mod mention;

use std::ops::Range;

pub use self::{
    catalog::{Catalog, Group, Named},
    complete::{Completion, Offer, complete, typed_emoji},
    emoji::is_lone_emoji,
    inline::{Kind, Line, Look, Span},
    markup::{Block, Item, blocks, collapse},
    mention::{Mentioned, Who, mentions},
};
use crate::config::MAP_NAME_CHARS;

/// Where the `http` and `https` addresses are in a text that can be clicked, in order.
#[must_use]
pub fn addresses(text: &str) -> Vec<Range<usize>> {
    const MARK: &str = "://";
    let mut found = Vec::<Range<usize>>::new();
    let mut at = 0;
    while let Some(before) = text[at..].find(MARK) {
        let (scheme, host) = (&text[at..at + before], at + before + MARK.len());
        let start = at + scheme.trim_end_matches(|char: char| char.is_ascii_alphanumeric()).len();
        at = host;
        // Whatever comes of it, no address is looked at twice.
        if is_web(&text[start..]) {
            at += address_len(&text[host..]);
            if at > host && is_safe_link(&text[start..at]) {
                found.push(start..at);
            }
        }
    }
    found
}

/// How much of a text goes on with an address: up to what stands in no address, without the punctuation of the sentence around it. None if it begins with no host.
fn address_len(text: &str) -> usize {
    if !text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[' || !first.is_ascii()) {
        return 0;
    }
    let (mut end, mut depth) = (0, 0_u32);
    for (place, char) in text.char_indices() {
        match char {
            '(' | '[' => depth += 1,
            ')' | ']' => match depth.checked_sub(1) {
                Some(outer) => (depth, end) = (outer, place + 1),
                None => break,
            },
            '<' | '>' | '"' | '`' | '{' | '}' | '|' | '\\' | '^' => break,
            other if other.is_whitespace() || other.is_control() => break,
            '.' | ',' | ':' | ';' | '!' | '?' | '\'' => {}
            other => end = place + other.len_utf8(),
        }
    }
    end
}

/// What has to be told beside a link, because one does not see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// The host: the link is called otherwise.
    Host,
    /// The host, whose name has letters that look like others, perhaps.
    OtherLetters,
    /// The host, before which stands something that could be taken for it.
    UserInformation,
}

/// What has to be told beside a link to `address` that is shown as `shown`. `host` is the host as the browser will use it, with its port if that is not the usual one.
#[must_use]
pub fn beside(shown: &str, address: &str, host: &str) -> Option<Beside> {
    let typed = authority(address);
    let is_host = |text: &str| {
        let port = text.get(host.len()..);
        text.get(..host.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(host))
            && matches!(port, Some("" | ":80" | ":443"))
    };
    if typed.contains('@') {
        Some(Beside::UserInformation)
    } else if host.split('.').any(|label| label.starts_with("xn--")) {
        Some(Beside::OtherLetters)
    } else if shown == address && is_host(typed) || is_host(shown) {
        None
    } else {
        Some(Beside::Host)
    }
}

/// Whether a link could be taken for another, where nothing can be told beside it: there is something before its host, or the host has other
/// letters, perhaps.
#[must_use]
pub fn misleads(address: &str) -> bool {
    let typed = authority(address);
    // A browser reads letters written as `%xx`, too.
    let is_other = |char: char| !char.is_ascii() || matches!(char, '@' | '%');
    let mut labels = typed.split('.');
    typed.contains(is_other)
        || labels.any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")))
}

/// What an address has between its scheme and its path.
fn authority(address: &str) -> &str {
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    let end = after_scheme.find(['/', '?', '#', '\\']).unwrap_or(after_scheme.len());
    &after_scheme[..end]
}

/// What somebody said, as a quotation of the Markdown that messages have.
#[must_use]
pub fn quoted(author: &str, text: &str) -> String {
    let mut quoted = String::new();
    for (place, line) in text.lines().enumerate() {
        quoted += "> ";
        if place == 0 {
            quoted += author;
            quoted += ": ";
        }
        quoted += line;
        quoted.push('\n');
    }
    quoted
}

/// `name` between Unicode isolates (UAX #9), so that a right-to-left name cannot turn the sentence around it.
#[must_use]
pub fn isolate(name: &str) -> String {
    format!("\u{2068}{name}\u{2069}")
}

/// A name as it stands beside a dot of the map: its first few characters.
#[must_use]
pub fn short(name: &str) -> String {
    match name.char_indices().nth(MAP_NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Only the web's own schemes, and nothing whose look could differ from where it leads.
fn is_safe_link(link: &str) -> bool {
    is_web(link) && !link.chars().any(is_invisible)
}

fn is_web(link: &str) -> bool {
    let starts_with = |scheme: &str| {
        link.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    starts_with("http://") || starts_with("https://")
}

/// Characters that show nothing but can reorder or hide what is around them.
pub(crate) fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use self::Segment::*;
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    enum Segment<'a> {
        Plain(&'a str),
        Link(&'a str),
    }

    fn segments(text: &str) -> Vec<Segment<'_>> {
        let mut at = 0;
        let mut segments = Vec::new();
        for link in addresses(text) {
            segments.push(Plain(&text[at..link.start]));
            segments.push(Link(&text[link.clone()]));
            at = link.end;
        }
        segments.push(Plain(&text[at..]));
        segments.retain(|segment| *segment != Plain(""));
        segments
    }

    #[test]
    fn what_is_quoted_is_told_from_what_is_added() {
        assert_eq!(quoted("Ann", "one\n\ntwo"), "> Ann: one\n> \n> two\n");
        assert_eq!(quoted("Ann", ""), "");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(
            segments("see https://a.example/x_(y)?q=1, or HTTP://B.example."),
            [
                Plain("see "),
                Link("https://a.example/x_(y)?q=1"),
                Plain(", or "),
                Link("HTTP://B.example"),
                Plain("."),
            ]
        );
        for text in [
            "javascript:alert(1)",
            "javascript://x%0aalert(1)",
            "data:text/html,x",
            "ftp://a.example",
            "a@b.example",
            "www.a.example",
            "xhttp://a.example",
            "http:/a.example",
            "http://",
            "https://.",
            "://a.example",
        ] {
            assert!(
                !segments(text).iter().any(|segment| matches!(segment, Link(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn markup_around_a_link_stays_text() {
        assert_eq!(
            segments("<a href=\"https://a.example\">"),
            [Plain("<a href=\""), Link("https://a.example"), Plain("\">")]
        );
    }

    #[test]
    fn a_link_ends_where_its_sentence_goes_on() {
        for (text, link) in [
            ("(https://a.example/x_(y))", "https://a.example/x_(y)"),
            ("https://a.example/?q=a,b!", "https://a.example/?q=a,b"),
            ("'https://a.example/it's'", "https://a.example/it's"),
            ("https://a.example/ü/中, and", "https://a.example/ü/中"),
            ("https://[::1]:80/x]", "https://[::1]:80/x"),
            ("https://u:p@a.example:8/#x...", "https://u:p@a.example:8/#x"),
            ("x:https://a.example|", "https://a.example"),
            ("http://https://a.example", "http://https://a.example"),
        ] {
            let found = addresses(text);
            assert_eq!(
                found.iter().map(|place| &text[place.clone()]).collect::<Vec<_>>(),
                [link],
                "{text}"
            );
        }
    }

    #[test]
    fn a_link_that_could_look_like_another_is_no_link() {
        for text in ["https://a.example/\u{202e}gpj.exe", "https://a\u{200b}.example"] {
            assert!(
                !segments(text)
                    .iter()
                    .any(|segment| matches!(segment, Link(link) if link.chars().any(is_invisible))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn nothing_is_lost_between_segments() {
        let text = "a https://b.example\n🦜 mailto:x@y.example end";
        let joined: String = segments(text).iter().map(|(Plain(text) | Link(text))| *text).collect();
        assert_eq!(joined, text);
    }

    #[test]
    fn what_one_does_not_see_of_a_link_is_told_beside_it() {
        let plain = |address, host| beside(address, address, host);
        for (address, host) in [
            ("https://a.example/x", "a.example"),
            ("HTTPS://A.Example:443?q", "a.example"),
            ("http://a.example:8080", "a.example:8080"),
            ("https://a.example/@b.example", "a.example"),
        ] {
            assert_eq!(plain(address, host), None, "{address}");
        }
        let evil = "https://bank.example@evil.example/";
        assert_eq!(plain(evil, "evil.example"), Some(Beside::UserInformation));
        let other = "https://b\u{fc}cher.example";
        assert_eq!(plain(other, "xn--bcher-kva.example"), Some(Beside::OtherLetters));
        assert_eq!(
            plain("https://xn--e1awd7f.example", "xn--e1awd7f.example"),
            Some(Beside::OtherLetters)
        );
        assert_eq!(plain("http://0x7f.1", "127.0.0.1"), Some(Beside::Host));
        assert_eq!(plain("https://evil.example\\.bank.example", "evil.example"), None);
        let named = |shown| beside(shown, "https://evil.example/", "evil.example");
        assert_eq!(named("Evil.example"), None);
        for shown in [
            "here",
            "https://bank.example",
            "https://evil.example",
            "evil.example.bank.example",
            "",
        ] {
            assert_eq!(named(shown), Some(Beside::Host), "{shown}");
        }
    }

    #[test]
    fn a_link_with_another_host_than_it_seems_misleads() {
        for address in [
            "https://bank.example@evil.example/",
            "https://b\u{fc}cher.example",
            "https://b%C3%BCcher.example",
            "https://a.XN--e1awd7f.example:80/",
        ] {
            assert!(misleads(address), "{address}");
        }
        for address in [
            "https://a.example/@b%20\u{fc}",
            "http://[::1]:8080",
            "HTTPS://A.Example?@",
        ] {
            assert!(!misleads(address), "{address}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(short("Ada"), "Ada");
        assert_eq!(short("0123456789"), "0123456789");
        assert_eq!(short("🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜"), "🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜…");
    }
}
