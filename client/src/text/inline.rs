//! What stands out in a line: bold, italic, code, links, mentions.
//!
//! A line is cut into spans that do not nest: each has its whole look. At most one of `**`, `*` and `_` each is open at a time, so nothing has to be looked
//! for twice.

use std::ops::Range;

use super::{
    addresses, is_safe_link,
    mention::{Mentioned, Who, longest},
};
use crate::config::MENTIONS_LOOKED_AT;

/// A line as it is shown, without its end.
pub type Line<'a> = Vec<Span<'a>>;

/// A stretch of a line that looks the same from end to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<'a> {
    /// What is shown.
    pub text: &'a str,
    /// What it is.
    pub kind: Kind<'a>,
    /// How it looks.
    pub look: Look,
}

/// What a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Nothing but text.
    Plain,
    /// Code.
    Code,
    /// An `http` or `https` address that can be clicked. Its text may say something else: see [`beside`](super::beside).
    Link(&'a str),
    /// Somebody in the room is called.
    Mention(Who),
}

/// How a span looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Between `**`.
    pub bold: bool,
    /// Between `*` or `_`.
    pub italic: bool,
}

/// Reads lines of one message.
#[derive(Debug)]
pub(super) struct Reader<'n> {
    names: &'n [Mentioned],
    /// How many more signs of a mention are looked at.
    mentions_left: usize,
}

impl<'n> Reader<'n> {
    pub(super) fn new(names: &'n [Mentioned]) -> Self {
        let mentions_left = MENTIONS_LOOKED_AT;
        Self { names, mentions_left }
    }

    pub(super) fn line<'a>(&mut self, text: &'a str) -> Line<'a> {
        let mut scan = Scan {
            text,
            from: 0,
            at: 0,
            pieces: Vec::new(),
            open: Vec::new(),
            words: 0,
            has_no_end: [false; 3],
        };
        let mut links = addresses(text).into_iter().peekable();
        while let Some(char) = text[scan.at..].chars().next() {
            while links.next_if(|link| link.start < scan.at).is_some() {}
            if let Some(link) = links.next_if(|link| link.start == scan.at) {
                scan.typed_link(link);
                continue;
            }
            match char {
                '`' => scan.code(),
                '[' => scan.labelled_link(),
                '@' => scan.mention(self),
                '*' | '_' => scan.markers(char),
                other => {
                    scan.words += usize::from(other.is_ascii_alphanumeric() || !other.is_ascii());
                    scan.at += other.len_utf8();
                }
            }
        }
        scan.flush();
        scan.spans()
    }
}

/// A part of a line: where it stands, and what it is.
struct Piece<'a> {
    place: Range<usize>,
    what: What<'a>,
}

enum What<'a> {
    Shown(Kind<'a>),
    /// Something stands out from here on.
    Start(Look),
    End,
}

/// A marker that may be the start of something.
struct Open {
    marker: char,
    len: usize,
    piece: usize,
    /// How much was said before it.
    words: usize,
}

struct Scan<'a> {
    text: &'a str,
    /// Up to here there are pieces.
    from: usize,
    /// Up to here the line was looked at.
    at: usize,
    pieces: Vec<Piece<'a>>,
    open: Vec<Open>,
    /// How many characters say something: there is nothing to stand out in `*_*`.
    words: usize,
    /// Of how many backticks it is known that the rest has no such end of code.
    has_no_end: [bool; 3],
}

impl<'a> Scan<'a> {
    /// The plain text up to here is a piece.
    fn flush(&mut self) {
        self.push(self.from..self.at, What::Shown(Kind::Plain));
    }

    fn push(&mut self, place: Range<usize>, what: What<'a>) {
        self.from = place.end;
        self.at = place.end;
        self.pieces.push(Piece { place, what });
    }

    /// Shows `place` as `kind`, and goes on at `next`.
    fn show(&mut self, place: Range<usize>, kind: Kind<'a>, next: usize) {
        self.flush();
        self.push(place, What::Shown(kind));
        self.words += 1;
        (self.from, self.at) = (next, next);
    }

    fn before(&self) -> Option<char> {
        self.text[..self.at].chars().next_back()
    }

    /// How many characters of this kind stand here.
    fn run(&self, char: char) -> usize {
        self.text[self.at..].chars().take_while(|other| *other == char).count()
    }

    fn typed_link(&mut self, mut place: Range<usize>) {
        // Markers may stand in addresses, but not where they end something.
        let ends = |open: &Open| self.text[place.clone()].ends_with(open.marker);
        if let Some(marker) = self.open.iter().find(|open| ends(open)).map(|open| open.marker) {
            place.end = place.start + self.text[place.clone()].trim_end_matches(marker).len();
        }
        let next = place.end;
        self.show(place.clone(), Kind::Link(&self.text[place]), next);
    }

    fn code(&mut self) {
        let ticks = self.run('`');
        let start = self.at + ticks;
        let end = match ticks.checked_sub(1).and_then(|len| self.has_no_end.get(len)) {
            Some(false) => end_of_code(&self.text[start..], ticks),
            Some(true) | None => None,
        };
        match end.map(|len| start..start + len) {
            Some(place) if !self.text[place.clone()].trim().is_empty() => {
                let next = place.end + ticks;
                self.show(place, Kind::Code, next);
            }
            Some(_) => self.at = start,
            None => {
                if let Some(is_known) = self.has_no_end.get_mut(ticks - 1) {
                    *is_known = true;
                }
                self.at = start;
            }
        }
    }

    fn labelled_link(&mut self) {
        let start = self.at + 1;
        match labelled(&self.text[start..]) {
            Some((label, address)) if is_safe_link(address) && !label.trim().is_empty() => {
                let end = start + label.len();
                self.show(start..end, Kind::Link(address), end + "]()".len() + address.len());
            }
            Some(_) | None => self.at = start,
        }
    }

    fn mention(&mut self, reader: &mut Reader<'_>) {
        let start = self.at;
        self.at += 1;
        let is_inside = self.text[..start].chars().next_back().is_some_and(is_letter);
        if is_inside || reader.names.is_empty() || reader.mentions_left == 0 {
            return;
        }
        reader.mentions_left -= 1;
        if let Some((len, who)) = longest(&self.text[self.at..], reader.names) {
            let end = self.at + len;
            self.at = start;
            self.show(start..end, Kind::Mention(who), end);
        }
    }

    fn markers(&mut self, marker: char) {
        let len = self.run(marker);
        let (start, end) = (self.at, self.at + len);
        let (before, after) = (self.before(), self.text[end..].chars().next());
        if len > if marker == '*' { 3 } else { 1 } {
            self.at = end;
            return;
        }
        self.flush();
        if ends(before, after) {
            self.close(marker, end);
        }
        if self.at == start && begins(before, after) {
            for len in [2, 1].into_iter().filter(|part| len & part != 0) {
                self.open.retain(|open| (open.marker, open.len) != (marker, len));
                self.open.push(Open {
                    marker,
                    len,
                    piece: self.pieces.len(),
                    words: self.words,
                });
                self.push(self.at..self.at + len, What::Shown(Kind::Plain));
            }
        }
        self.at = end;
    }

    /// Ends what these markers end, up to `end`, the innermost first. What was begun within and has no end is no marker.
    fn close(&mut self, marker: char, end: usize) {
        while self.at < end {
            let fits = |open: &Open| open.marker == marker && open.len <= end - self.at && open.words < self.words;
            let Some(place) = self.open.iter().rposition(fits) else {
                return;
            };
            let Open { len, piece, .. } = self.open[place];
            self.open.truncate(place);
            self.pieces[piece].what = What::Start(Look {
                bold: len == 2,
                italic: len == 1,
            });
            self.push(self.at..self.at + len, What::End);
        }
    }

    fn spans(self) -> Line<'a> {
        let (mut looks, mut look) = (Vec::new(), Look::default());
        let mut spans: Line<'a> = Vec::new();
        let mut last_end = 0;
        for Piece { place, what } in self.pieces {
            match what {
                What::Start(Look { bold, italic }) => {
                    looks.push(look);
                    look.bold |= bold;
                    look.italic |= italic;
                }
                What::End => look = looks.pop().unwrap_or_default(),
                What::Shown(_) if place.is_empty() => {}
                What::Shown(kind) => {
                    let goes_on = |span: &&mut Span<'_>| (span.kind, span.look) == (kind, look) && kind == Kind::Plain;
                    let whole = |span: &Span<'_>| last_end - span.text.len()..place.end;
                    match spans.last_mut().filter(goes_on).filter(|_| last_end == place.start) {
                        Some(span) => span.text = &self.text[whole(span)],
                        None => spans.push(Span {
                            text: &self.text[place.clone()],
                            kind,
                            look,
                        }),
                    }
                    last_end = place.end;
                }
            }
        }
        spans
    }
}

/// How long the code is that ends with so many backticks, no more and no less.
fn end_of_code(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text[at..].find('`')?;
        let run = text[at..].chars().take_while(|char| *char == '`').count();
        if run == ticks {
            return Some(at);
        }
        at += run;
    }
}

/// The label and the address of a link, after its first bracket.
fn labelled(text: &str) -> Option<(&str, &str)> {
    let (label, rest) = text.split_at(text.find(['[', ']'])?);
    let target = rest.strip_prefix("](")?;
    let mut depth = 0_usize;
    for (place, char) in target.char_indices() {
        match char {
            '(' => depth += 1,
            ')' if depth == 0 => return Some((label, &target[..place])),
            ')' => depth -= 1,
            '[' | ']' | '<' | '>' | '`' | '"' => return None,
            other if other.is_whitespace() => return None,
            _ => {}
        }
    }
    None
}

/// Whether a marker between these two begins something: not in a word, a path, a pattern or a sum.
fn begins(before: Option<char>, after: Option<char>) -> bool {
    let is_free = |before: char| !is_letter(before) && !"/\\)]}>".contains(before);
    let is_content = |after: char| {
        is_letter(after) || (!after.is_ascii() && !after.is_whitespace()) || "*_`[(\"'@#$&+~".contains(after)
    };
    before.is_none_or(is_free) && after.is_some_and(is_content)
}

/// Whether a marker between these two ends something.
fn ends(before: Option<char>, after: Option<char>) -> bool {
    before.is_some_and(|before| !before.is_whitespace() && before != '\\')
        && !after.is_some_and(|after| is_letter(after) || "/\\".contains(after))
}

/// Whether a marker beside this character stands in a word. Chinese and Japanese have no spaces, and Korean puts endings after what stands out, so
/// theirs are no letters here. Of other scripts all that is no known sign is a letter: a table of all of them would weigh more than all else here.
pub(super) fn is_letter(char: char) -> bool {
    char.is_ascii_alphanumeric()
        || !matches!(char, '\0'..='\u{bf}' | '\u{d7}' | '\u{f7}' | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{6d4}' | '\u{964}' | '\u{2000}'..='\u{2bff}' | '\u{2e00}'..='\u{d7ff}'
            | '\u{f900}'..='\u{faff}' | '\u{fe00}'..='\u{fe6f}' | '\u{ff00}'..='\u{ffef}' | '\u{1f000}'..)
}
