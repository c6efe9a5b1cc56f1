//! A text that is being typed, and where in it the next character goes.
//!
//! Invariants: the place is between two clusters of characters, never within one; the text has [`TYPED_BYTES_MAX`] bytes at most.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::config::TYPED_BYTES_MAX;

/// See the [module documentation](self).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft {
    text: String,
    at: usize,
}

/// How far something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// One cluster of characters.
    Cluster,
    /// To the beginning or end of a word.
    Word,
    /// To the beginning or end of the line.
    Line,
    /// To the beginning or end of all.
    Text,
}

/// Which way something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Back,
    Forward,
}

impl Draft {
    /// A text that was typed before, to be gone on with at its end.
    #[must_use]
    pub(super) fn new(text: String) -> Self {
        let at = text.len();
        Self { text, at }
    }

    /// The text.
    #[must_use]
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the place, and after it.
    #[must_use]
    pub(super) fn around(&self) -> (&str, &str) {
        self.text.split_at(self.at)
    }

    /// Whether nothing is typed.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Types something. What exceeds the limit is not taken.
    pub(super) fn insert(&mut self, text: &str) {
        if self.text.len() + text.len() > TYPED_BYTES_MAX {
            return;
        }
        self.text.insert_str(self.at, text);
        self.at += text.len();
        // A mark joins what stands before it.
        self.at = self.next_end(self.at);
    }

    /// Types what was copied elsewhere, whose lines may end in any way.
    pub(super) fn paste(&mut self, text: &str) {
        self.insert(&text.replace("\r\n", "\n").replace('\r', "\n"));
    }

    /// Puts `text` in the place of what stands from `start` to the place.
    pub(super) fn replace_from(&mut self, start: usize, text: &str) {
        self.text.replace_range(start..self.at, "");
        self.at = start;
        self.insert(text);
    }

    /// Moves the place.
    pub(super) fn go(&mut self, way: Way, reach: Reach) {
        self.at = self.target(way, reach);
    }

    /// Removes what stands between the place and where it would move to. At the end of a line, that is the line's end.
    pub(super) fn remove(&mut self, way: Way, reach: Reach) {
        let mut target = self.target(way, reach);
        if target == self.at {
            target = self.target(way, Reach::Cluster);
        }
        let (start, end) = (target.min(self.at), target.max(self.at));
        self.text.replace_range(start..end, "");
        self.at = self.next_end(start);
    }

    /// Moves to the line above or below. Says whether there is one.
    pub(super) fn go_line(&mut self, way: Way) -> bool {
        let (before, after) = self.around();
        let start = before.rfind('\n').map_or(0, |feed| feed + 1);
        let column = before[start..].graphemes(true).count();
        let line = match way {
            Way::Back if start == 0 => return false,
            Way::Back => before[..start - 1].rfind('\n').map_or(0, |feed| feed + 1),
            Way::Forward => match after.find('\n') {
                Some(feed) => self.at + feed + 1,
                None => return false,
            },
        };
        let clusters = self.text[line..].graphemes(true);
        let passed = clusters.take(column).take_while(|cluster| *cluster != "\n");
        self.at = line + passed.map(str::len).sum::<usize>();
        true
    }

    fn target(&self, way: Way, reach: Reach) -> usize {
        let (before, after) = self.around();
        match (way, reach) {
            (Way::Back, Reach::Cluster) => self.at - before.graphemes(true).next_back().map_or(0, str::len),
            (Way::Forward, Reach::Cluster) => self.at + after.graphemes(true).next().map_or(0, str::len),
            (Way::Back, Reach::Word) => {
                let mut words = before.unicode_word_indices();
                words.next_back().map_or(0, |(start, _)| start)
            }
            (Way::Forward, Reach::Word) => {
                let mut words = after.unicode_word_indices();
                words
                    .next()
                    .map_or(self.text.len(), |(start, word)| self.at + start + word.len())
            }
            (Way::Back, Reach::Line) => before.rfind('\n').map_or(0, |feed| feed + 1),
            (Way::Forward, Reach::Line) => self.at + after.find('\n').unwrap_or(after.len()),
            (Way::Back, Reach::Text) => 0,
            (Way::Forward, Reach::Text) => self.text.len(),
        }
    }

    /// Where a cluster ends, at or after `at`.
    fn next_end(&self, at: usize) -> usize {
        let mut ends = self
            .text
            .grapheme_indices(true)
            .map(|(start, cluster)| start + cluster.len());
        if at == 0 {
            0
        } else {
            ends.find(|end| *end >= at).unwrap_or(self.text.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(text: &str) -> Draft {
        Draft::new(text.to_owned())
    }

    #[test]
    fn clusters_are_never_cut() {
        let mut draft = typed("a👩\u{200d}💻e\u{301}");
        draft.remove(Way::Back, Reach::Cluster);
        assert_eq!(draft.text(), "a👩\u{200d}💻");
        draft.go(Way::Back, Reach::Cluster);
        assert_eq!(draft.around(), ("a", "👩\u{200d}💻"));
        draft.remove(Way::Forward, Reach::Cluster);
        assert_eq!(draft.text(), "a");
        // A mark that is typed joins the letter.
        draft.insert("\u{301}");
        draft.remove(Way::Back, Reach::Cluster);
        assert!(draft.is_empty());
    }

    #[test]
    fn words_and_lines_are_gone_through_and_removed() {
        let mut draft = typed("one two\nthree, four");
        draft.go(Way::Back, Reach::Word);
        assert_eq!(draft.around().1, "four");
        draft.remove(Way::Back, Reach::Word);
        assert_eq!(draft.text(), "one two\nfour");
        draft.go(Way::Back, Reach::Line);
        assert_eq!(draft.around().0, "one two\n");
        // At the beginning of a line, the line before is what goes on.
        draft.remove(Way::Back, Reach::Line);
        assert_eq!(draft.text(), "one twofour");
        draft.remove(Way::Forward, Reach::Line);
        assert_eq!(draft.text(), "one two");
        draft.go(Way::Back, Reach::Text);
        draft.go(Way::Forward, Reach::Word);
        assert_eq!(draft.around().0, "one");
    }

    #[test]
    fn lines_above_and_below_are_reached_in_the_same_column() {
        let mut draft = typed("abc\nd\nefg");
        assert!(!draft.go_line(Way::Forward));
        assert!(draft.go_line(Way::Back));
        assert_eq!(draft.around().0, "abc\nd");
        assert!(draft.go_line(Way::Back));
        assert_eq!(draft.around().0, "a");
        assert!(!draft.go_line(Way::Back));
        assert!(draft.go_line(Way::Forward));
        assert_eq!(draft.around().0, "abc\nd");
    }

    #[test]
    fn what_is_pasted_keeps_its_lines_and_what_is_too_long_is_not_taken() {
        let mut draft = Draft::default();
        draft.paste("a\r\nb\rc\n");
        assert_eq!(draft.text(), "a\nb\nc\n");
        draft.paste(&"x".repeat(TYPED_BYTES_MAX));
        assert_eq!(draft.text(), "a\nb\nc\n");
    }

    proptest! {
        #[test]
        fn the_place_is_always_between_clusters(moves in proptest::collection::vec((0..7_u8, any::<bool>(), ".{0,3}"), 0..40)) {
            let mut draft = Draft::default();
            for (which, is_back, text) in moves {
                let way = if is_back { Way::Back } else { Way::Forward };
                match which {
                    0 => draft.insert(&text),
                    1 => draft.go(way, Reach::Cluster),
                    2 => draft.go(way, Reach::Word),
                    3 => draft.go(way, Reach::Line),
                    4 => draft.remove(way, Reach::Cluster),
                    5 => draft.remove(way, Reach::Word),
                    _ => { draft.go_line(way); }
                }
                let mut places = draft.text().grapheme_indices(true).map(|(place, _)| place);
                let at = draft.around().0.len();
                prop_assert!(at == draft.text().len() || places.any(|place| place == at));
            }
        }
    }
}
