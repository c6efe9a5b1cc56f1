//! The blocks of a message: lines of text, code, lists and quotes, by a small subset of Markdown.
//!
//! After CommonMark, but smaller, for people who chat and do not write documents. Deviations: a line break stays a line break; what stands out does so
//! within a line; code between fences needs its end; `>` needs a space; there are no headings, pictures, tables, escapes or HTML. What is no markup in full stays as
//! it was typed, so a smiley or a path survives.
//!
//! Nothing here is HTML: whoever shows the blocks makes nodes of them. The invariants, each tested: quotes nest to a bound, lists and what stands out are flat; reading
//! takes time in proportion to the text; and every character that is typed is shown, but for markers.

use super::{
    inline::{Kind, Line, Reader, Span},
    mention::Mentioned,
};
use crate::config::{COLLAPSED_CHARS, COLLAPSED_LINES, LIST_DIGITS_MAX, LIST_LEVELS_MAX, QUOTE_DEPTH_MAX};

/// A part of a message that stands on lines of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block<'a> {
    /// Lines as they were typed.
    Text(Vec<Line<'a>>),
    /// Lines of code, without their fences.
    Code(Vec<&'a str>),
    /// Items of one kind: all with numbers, or all without.
    List(Vec<Item<'a>>),
    /// What somebody else said.
    Quote(Vec<Self>),
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// Its number, as typed, if it has one.
    pub number: Option<&'a str>,
    /// How far it is indented: 0 to [`LIST_LEVELS_MAX`].
    pub level: usize,
    /// What it says.
    pub line: Line<'a>,
}

/// Reads a message. `names` are those that can be mentioned.
#[must_use]
pub fn blocks<'a>(text: &'a str, names: &[Mentioned]) -> Vec<Block<'a>> {
    let lines: Vec<_> = text.split('\n').collect();
    read(&mut Reader::new(names), &lines, 0)
}

fn read<'a>(reader: &mut Reader<'_>, mut lines: &[&'a str], depth: usize) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    // Looked for once more after it was not found, each fence would cost the whole rest of the text.
    let mut has_fence = true;
    while let [first, ..] = lines {
        let taken = if let Some((code, taken)) = fenced(lines, &mut has_fence) {
            blocks.push(Block::Code(code));
            taken
        } else if depth < QUOTE_DEPTH_MAX && quoted(first).is_some() {
            let inner: Vec<_> = lines.iter().map_while(|line| quoted(line)).collect();
            blocks.push(Block::Quote(read(reader, &inner, depth + 1)));
            inner.len()
        } else if let Some((number, ..)) = item(first) {
            let items = lines.iter().map_while(|line| item(line));
            let of_kind = items.take_while(|(other, ..)| other.is_some() == number.is_some());
            let items: Vec<_> = of_kind
                .map(|(number, level, text)| Item {
                    number,
                    level,
                    line: reader.line(text),
                })
                .collect();
            let taken = items.len();
            blocks.push(Block::List(items));
            taken
        } else {
            let line = reader.line(first);
            if let Some(Block::Text(text)) = blocks.last_mut() {
                text.push(line);
            } else {
                blocks.push(Block::Text(vec![line]));
            }
            1
        };
        lines = &lines[taken..];
    }
    blocks
}

/// The code between two fences, and how many lines all of it takes.
fn fenced<'a>(lines: &[&'a str], has_fence: &mut bool) -> Option<(Vec<&'a str>, usize)> {
    const FENCE: &str = "```";
    let (first, rest) = lines.split_first()?;
    let opening = first.strip_prefix(FENCE).filter(|_| *has_fence)?.trim();
    if opening.contains('`') {
        return None;
    }
    let Some(end) = rest.iter().position(|line| line.trim_end() == FENCE) else {
        *has_fence = false;
        return None;
    };
    let mut code = rest[..end].to_vec();
    // A word is the name of a language. Some begin with the code at once.
    let is_of_word = |char: char| char.is_ascii_alphanumeric() || "+#._-".contains(char);
    let is_language = opening.chars().all(is_of_word) && end > 0;
    if !is_language && !opening.is_empty() {
        code.insert(0, opening);
    }
    (!code.is_empty()).then_some((code, end + 2))
}

/// What a line of a quote says.
fn quoted(line: &str) -> Option<&str> {
    line.strip_prefix("> ")
}

/// The number, the level and the text of an item of a list.
fn item(line: &str) -> Option<(Option<&str>, usize, &str)> {
    let inner = line.trim_start_matches(' ');
    let level = ((line.len() - inner.len()) / 2).min(LIST_LEVELS_MAX);
    let (marker, text) = inner.split_once(' ')?;
    let number = match marker {
        "-" | "*" | "•" => None,
        // What the list shows is what was typed.
        _ => {
            let number = marker.strip_suffix('.')?;
            let is_shown =
                |number: &str| number.bytes().all(|digit| digit.is_ascii_digit()) && !number.starts_with('0');
            Some(number).filter(|number| (1..=LIST_DIGITS_MAX).contains(&number.len()) && is_shown(number))?;
            Some(number)
        }
    };
    (!text.trim().is_empty()).then_some((number, level, text))
}

/// The beginning of `blocks` that is shown until "Show all"; `None` if all of it is short enough. A link that crosses the cut
/// is shown as text, since a shortened address leads elsewhere.
#[must_use]
pub fn collapse<'a>(blocks: &[Block<'a>]) -> Option<Vec<Block<'a>>> {
    let mut space = Space {
        chars: COLLAPSED_CHARS,
        lines: COLLAPSED_LINES,
        is_full: false,
    };
    let shown = space.blocks(blocks);
    space.is_full.then_some(shown)
}

/// How much more is shown.
struct Space {
    chars: usize,
    lines: usize,
    /// Whether something had no place.
    is_full: bool,
}

impl Space {
    fn blocks<'a>(&mut self, blocks: &[Block<'a>]) -> Vec<Block<'a>> {
        let mut shown = Vec::new();
        for block in blocks {
            if self.is_over() {
                break;
            }
            shown.push(match block {
                Block::Text(lines) => Block::Text(self.each(lines, Self::line)),
                Block::Code(lines) => Block::Code(self.each(lines, |space, line| space.cut(line))),
                Block::List(items) => Block::List(self.each(items, |space, item| Item {
                    line: space.line(&item.line),
                    ..*item
                })),
                Block::Quote(inner) => Block::Quote(self.blocks(inner)),
            });
        }
        shown
    }

    /// Whether there is no place for another line.
    fn is_over(&mut self) -> bool {
        self.is_full |= self.lines == 0 || self.chars == 0;
        self.is_full
    }

    fn each<T>(&mut self, lines: &[T], cut: impl Fn(&mut Self, &T) -> T) -> Vec<T> {
        let mut shown = Vec::new();
        for line in lines {
            if self.is_over() {
                break;
            }
            self.lines -= 1;
            shown.push(cut(self, line));
            // The end of the line.
            self.chars = self.chars.saturating_sub(1);
        }
        shown
    }

    fn line<'a>(&mut self, line: &Line<'a>) -> Line<'a> {
        let mut shown = Vec::new();
        for span in line {
            let text = self.cut(span.text);
            let is_whole = text.len() == span.text.len();
            let kind = if is_whole { span.kind } else { Kind::Plain };
            if !text.is_empty() {
                shown.push(Span { text, kind, ..*span });
            }
        }
        shown
    }

    /// As much of a text as there is place for.
    fn cut<'a>(&mut self, text: &'a str) -> &'a str {
        match text.char_indices().nth(self.chars) {
            Some((end, _)) => {
                (self.chars, self.is_full) = (0, true);
                &text[..end]
            }
            None => {
                self.chars -= text.chars().count();
                text
            }
        }
    }
}

#[cfg(test)]
mod tests;
