//! Who is called in a message: `@` and a name of somebody in the room.

use std::rc::Rc;

use shared::name::skeleton;

use super::{
    inline::{Kind, is_letter},
    markup::{Block, blocks},
};

/// Somebody who can be mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mentioned {
    chars: usize,
    looks: Rc<str>,
    who: Who,
}

/// Whether we are called, or somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// We.
    Me,
    /// Somebody else.
    Other,
}

impl Mentioned {
    /// Somebody of this name. Names are compared as they are everywhere: without case, and what looks alike is the same.
    #[must_use]
    pub fn new(name: &str, who: Who) -> Self {
        Self::looking(name, skeleton(name).into(), who)
    }

    /// The same, where it is known what the name looks like.
    pub(crate) fn looking(name: &str, looks: Rc<str>, who: Who) -> Self {
        let chars = name.chars().count();
        Self { chars, looks, who }
    }
}

/// Whether `text` calls somebody of this name: `@`, which stands in no word, and the whole name, which ends there. What is code calls nobody.
///
/// Of a longer name that begins with this one nothing is known here, so "@Ann Lee" calls Ann, too.
#[must_use]
pub fn mentions(text: &str, name: &str) -> bool {
    text.contains('@') && calls(&blocks(text, &[Mentioned::new(name, Who::Me)]))
}

fn calls(blocks: &[Block<'_>]) -> bool {
    let in_line = |line: &super::inline::Line<'_>| line.iter().any(|span| matches!(span.kind, Kind::Mention(_)));
    blocks.iter().any(|block| match block {
        Block::Text(lines) => lines.iter().any(in_line),
        Block::List(items) => items.iter().any(|item| in_line(&item.line)),
        Block::Quote(inner) => calls(inner),
        Block::Code(_) => false,
    })
}

/// The longest of the names that `text` begins with, in bytes of the text, and whose it is. Of two people of one name, the first.
pub(super) fn longest(text: &str, names: &[Mentioned]) -> Option<(usize, Who)> {
    let ends = |chars: usize| text.char_indices().map(|(end, _)| end).chain([text.len()]).nth(chars);
    let mut found: Option<(usize, Who)> = None;
    // Many people have names of few lengths: what the text looks like, by its length.
    let mut seen: Vec<(usize, String)> = Vec::new();
    for name in names {
        let Some(end) = ends(name.chars).filter(|end| *end > found.map_or(0, |(end, _)| end)) else {
            continue;
        };
        if text[end..].starts_with(|char: char| is_letter(char) || char == '_') {
            continue;
        }
        let place = seen.iter().position(|(known, _)| *known == end).unwrap_or_else(|| {
            seen.push((end, skeleton(&text[..end])));
            seen.len() - 1
        });
        if *seen[place].1 == *name.looks {
            found = Some((end, name.who));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_mentioned_as_a_whole_in_any_case_and_not_in_a_word_or_code() {
        for text in [
            "@Ann",
            "hi @ann!",
            "(@ANN)",
            "> @Ann",
            "- so, **@Ann**",
            "@Ann's",
            "@bob @Ann",
            "@Ann@Ann",
        ] {
            assert!(mentions(text, "Ann"), "{text}");
        }
        for text in [
            "Ann",
            "@Anna",
            "@Ann_",
            "x@Ann",
            "`@Ann`",
            "```\n@Ann\n```",
            "@ Ann",
            "@",
            "@An",
        ] {
            assert!(!mentions(text, "Ann"), "{text}");
        }
        assert!(mentions("so @Ann Lee, what?", "Ann Lee") && !mentions("@Ann Leeds", "Ann Lee"));
        assert!(mentions("@Zoë 🦜!", "Zoë 🦜") && mentions("@مريم،", "مريم"));
        assert!(!mentions("@", "") && !mentions("@!", ""));
    }

    #[test]
    fn the_longest_name_counts_and_we_are_the_first_of_ours() {
        let names = [
            Mentioned::new("Ann", Who::Me),
            Mentioned::new("Ann Lee", Who::Other),
            Mentioned::new("ann", Who::Other),
        ];
        assert_eq!(longest("Ann Lee said", &names), Some((7, Who::Other)));
        assert_eq!(longest("Ann Leeds", &names), Some((3, Who::Me)));
        assert_eq!(longest("Bob", &names), None);
    }
}
