//! Harmless text in columns: how wide it is, and where it is broken into rows.
//!
//! Terminals do not agree how wide some clusters of characters are: emoji that are joined, tinted or chosen by a selector, say. One that is wider than
//! this program believes would push what stands beside it out of its place. So such a cluster is shown by its parts, of whose widths there is no doubt.

use std::{borrow::Cow, collections::VecDeque};

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::config::{MARKS_SHOWN_MAX, PARTS_SHOWN_MAX};

/// What stands in one place, of one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<'a, L> {
    /// A character, and marks upon it.
    pub text: Cow<'a, str>,
    /// How many columns it takes.
    pub columns: usize,
    /// How it looks.
    pub look: L,
}

/// The places that a text takes. It has to be harmless; line feeds are places of no width.
pub fn cells<L: Copy>(text: &str, look: L) -> impl Iterator<Item = Cell<'_, L>> {
    text.graphemes(true).flat_map(move |cluster| {
        let columns = cluster.width();
        let marks = cluster.chars().skip(1).count();
        let parts = if cluster == "\n" {
            vec![(Cow::from("\n"), 0)]
        } else if super::width(cluster) == columns && columns <= 2 && marks <= MARKS_SHOWN_MAX {
            vec![(Cow::from(cluster), columns)]
        } else {
            parts(cluster)
        };
        parts
            .into_iter()
            .map(move |(text, columns)| Cell { text, columns, look })
    })
}

/// A cluster by its characters, but for those past [`PARTS_SHOWN_MAX`]. Marks stay with what they stand upon, but for those past [`MARKS_SHOWN_MAX`].
fn parts(cluster: &str) -> Vec<(Cow<'_, str>, usize)> {
    let mut parts: Vec<(Cow<'_, str>, usize)> = Vec::new();
    let mut marks = 0;
    for char in cluster.chars() {
        let columns = char.width().unwrap_or(0);
        if parts.len() < PARTS_SHOWN_MAX && columns > 0 && (!changes_width(char) || parts.is_empty()) {
            parts.push((char.to_string().into(), columns));
            marks = 0;
        } else if columns == 0
            && !changes_width(char)
            && marks < MARKS_SHOWN_MAX
            && let Some((last, _)) = parts.last_mut()
        {
            last.to_mut().push(char);
            marks += 1;
        }
    }
    parts
}

/// Joiners, selectors of how a character looks, and tints.
fn changes_width(char: char) -> bool {
    matches!(char, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Breaks cells into rows of so many `columns`, between words where that can be. All rows but the first leave `margin` columns free.
#[must_use]
pub fn wrap<'a, L: Copy>(
    cells: impl IntoIterator<Item = Cell<'a, L>>,
    columns: usize,
    margin: usize,
) -> Vec<Vec<Cell<'a, L>>> {
    let mut rows = Vec::new();
    let mut row: Vec<Cell<'a, L>> = Vec::new();
    let mut used = 0;
    // After the last space of the row.
    let mut word_at = 0;
    let mut cells = cells.into_iter();
    // What was begun in a row and goes on in the next one.
    let mut again = VecDeque::new();
    while let Some(cell) = again.pop_front().or_else(|| cells.next()) {
        let is_full = used + cell.columns > columns && !row.is_empty();
        if is_full || cell.text == "\n" {
            // A space at the end of a row is its end.
            if is_full && cell.text != " " {
                // A word goes on in the next row whole, unless it fills this one.
                let cut = if word_at > 0 { word_at } else { row.len() };
                again.push_front(cell);
                for begun in row.split_off(cut).into_iter().rev() {
                    again.push_front(begun);
                }
            }
            rows.push(std::mem::take(&mut row));
            (used, word_at) = (margin, 0);
            continue;
        }
        used += cell.columns;
        let is_space = cell.text == " ";
        row.push(cell);
        if is_space {
            word_at = row.len();
        }
    }
    rows.push(row);
    rows
}

/// The beginning of a text that fits, with "…" where something was left out.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    let all: Vec<_> = cells(text, ()).collect();
    if all.iter().map(|cell| cell.columns).sum::<usize>() <= columns {
        return all.into_iter().map(|cell| cell.text).collect();
    }
    let mut shown = String::new();
    let mut used = 1;
    for cell in all {
        used += cell.columns;
        if used > columns {
            break;
        }
        shown += &cell.text;
    }
    if columns > 0 {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::harmless;

    fn rows(text: &str, columns: usize, margin: usize) -> Vec<String> {
        let rows = wrap(cells(text, ()), columns, margin);
        let text = |row: Vec<Cell<'_, ()>>| row.into_iter().map(|cell| cell.text).collect();
        rows.into_iter().map(text).collect()
    }

    #[test]
    fn rows_are_broken_between_words_and_long_words_anywhere() {
        assert_eq!(rows("one two three", 8, 0), ["one two ", "three"]);
        assert_eq!(rows("one two three", 8, 2), ["one two ", "three"]);
        assert_eq!(rows("abcdefghij kl", 4, 1), ["abcd", "efg", "hij", "kl"]);
        assert_eq!(rows("a\n\nb", 8, 0), ["a", "", "b"]);
        assert_eq!(rows("字字字", 4, 0), ["字字", "字"]);
        assert_eq!(rows("", 4, 0), [""]);
        assert_eq!(rows("abcd ef", 4, 0), ["abcd", "ef"]);
        assert_eq!(rows("abcdef gh", 4, 2), ["abcd", "ef", "gh"]);
    }

    #[test]
    fn clusters_of_doubtful_width_are_shown_by_their_parts() {
        let parts = |text: &str| {
            cells(text, ())
                .map(|cell| (cell.text.into_owned(), cell.columns))
                .collect::<Vec<_>>()
        };
        let part = |text: &str, columns| (text.to_owned(), columns);
        assert_eq!(parts("👩\u{200d}💻"), [part("👩", 2), part("💻", 2)]);
        assert_eq!(parts("\u{2764}\u{fe0f}"), [part("\u{2764}", 1)]);
        assert_eq!(parts("👍🏽"), [part("👍", 2)]);
        assert_eq!(parts("e\u{301}"), [part("e\u{301}", 1)]);
        // Two columns by themselves, and one of a mark that takes its own.
        assert_eq!(parts("字\u{bbf}"), [part("字", 2), part("\u{bbf}", 1)]);
        let long = format!("字{}", "\u{bbf}".repeat(50));
        assert_eq!(cells(&long, ()).count(), PARTS_SHOWN_MAX);
        // Marks would pile up over other rows.
        let piled = format!("e{}", "\u{301}".repeat(50));
        assert_eq!(parts(&piled), [(format!("e{}", "\u{301}".repeat(MARKS_SHOWN_MAX)), 1)]);
    }

    #[test]
    fn what_is_cut_fits() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("字字", 3), "字…");
        assert_eq!(cut("abcd", 0), "");
    }

    proptest! {
        #[test]
        fn no_row_is_too_wide(text in any::<String>(), columns in 4_usize..60, margin in 0_usize..8) {
            let margin = margin.min(columns - 2);
            let text = harmless::block(&text, "", None, 0);
            for (place, row) in wrap(cells(&text, ()), columns, margin).into_iter().enumerate() {
                let used = if place == 0 { 0 } else { margin };
                prop_assert!(used + row.iter().map(|cell| cell.columns).sum::<usize>() <= columns);
                for cell in &row {
                    prop_assert_eq!(cell.text.width(), cell.columns, "{:?}", cell.text);
                }
            }
            prop_assert!(harmless::width(&cut(&text, columns)) <= columns);
        }
    }
}
