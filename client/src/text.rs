//! A message's text cut into what is shown: plain text and links. Nothing in it is ever taken as markup.

use linkify::{LinkFinder, LinkKind};

use crate::config::{COLLAPSED_CHARS, COLLAPSED_LINES, MAP_NAME_CHARS};

/// A stretch of a message's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Shown as it is.
    Plain(&'a str),
    /// An `http` or `https` address that can be clicked.
    Link(&'a str),
}

/// Cuts `text` into plain stretches and links.
#[must_use]
pub fn segments(text: &str) -> Vec<Segment<'_>> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]).url_must_have_scheme(true);
    finder
        .spans(text)
        .map(|span| match span.kind() {
            Some(_) if is_safe_link(span.as_str()) => Segment::Link(span.as_str()),
            Some(_) | None => Segment::Plain(span.as_str()),
        })
        .collect()
}

/// The beginning of `segments` that is shown until "Show all"; `None` if all of it is short enough. A link that crosses the cut
/// is shown as text, since a shortened address leads elsewhere.
#[must_use]
pub fn collapse<'a>(segments: &[Segment<'a>]) -> Option<Vec<Segment<'a>>> {
    let (mut chars, mut lines) = (0, 0);
    let mut shown = Vec::new();
    for segment in segments {
        let (Segment::Plain(text) | Segment::Link(text)) = *segment;
        for (position, char) in text.char_indices() {
            chars += 1;
            lines += usize::from(char == '\n');
            if chars > COLLAPSED_CHARS || lines >= COLLAPSED_LINES {
                shown.push(Segment::Plain(&text[..position]));
                return Some(shown);
            }
        }
        shown.push(*segment);
    }
    None
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
    let starts_with = |scheme: &str| {
        link.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    (starts_with("http://") || starts_with("https://")) && !link.chars().any(is_invisible)
}

/// Characters that show nothing but can reorder or hide what is around them.
pub(crate) fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{Segment::*, *};

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
    fn long_texts_are_cut_between_characters_and_lines() {
        assert_eq!(collapse(&segments("short")), None);
        let long = "🦜".repeat(COLLAPSED_CHARS + 1);
        assert_eq!(
            collapse(&segments(&long)),
            Some(vec![Plain(&long[..4 * COLLAPSED_CHARS])])
        );
        let lines = "x\n".repeat(COLLAPSED_LINES);
        assert_eq!(
            collapse(&segments(&lines)),
            Some(vec![Plain(&lines[..2 * COLLAPSED_LINES - 1])])
        );
    }

    #[test]
    fn a_link_across_the_cut_is_no_link() {
        let text = format!("{} https://a.example/path", "x".repeat(COLLAPSED_CHARS - 10));
        let shown = collapse(&segments(&text)).unwrap();
        assert!(shown.iter().all(|segment| matches!(segment, Plain(_))));
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(short("Ada"), "Ada");
        assert_eq!(short("0123456789"), "0123456789");
        assert_eq!(short("🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜"), "🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜…");
    }
}
