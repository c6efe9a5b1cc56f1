//! Looking for words in what was said.
//!
//! A message is found if each word stands somewhere in it: in its text, in the name of its file, in what its author is called, or in its day
//! (`2026-11-28`, in UTC). Case, accents and width make no difference.
//!
//! Owns: what the messages are compared by, made once for each.

use std::{cell::RefCell, ops::Range, rc::Rc};

use litemap::LiteMap;
use mesh::model::Timestamp;
use shared::{MessageId, name::is_mark};

use crate::{
    config::{EXCERPT_BEFORE_CHARS, EXCERPT_BYTES, EXCERPT_CHARS, EXCERPT_LOOKED_AT_BYTES, LETTERS_KNOWN_MAX},
    export::date_time,
    files::shown_name,
    room::{Entry, RoomState},
};

/// Takes letters apart, as NFKD of Unicode does, and makes them small. A browser can do so, a terminal has a library for it.
pub type Decompose = fn(&str) -> String;

/// Which messages are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// All of them.
    Everything,
    /// Those that offer files.
    Files,
}

/// The messages of a room, as they are searched.
#[derive(Debug)]
pub struct Search {
    decompose: Decompose,
    /// In the order of the room.
    texts: Vec<Searched>,
    letters: Letters,
}

#[derive(Debug)]
struct Searched {
    entry: Rc<Entry>,
    /// By what it is compared.
    text: Rc<str>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many messages have it.
    pub count: usize,
    /// The newest of them, the newest first.
    pub newest: Vec<Rc<Entry>>,
}

/// A part of a text around what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// What comes before, or all if nothing was found in it.
    pub before: String,
    /// What was found, as it stands there.
    pub found: String,
    /// What comes after.
    pub after: String,
}

impl Search {
    /// Nothing yet.
    #[must_use]
    pub fn new(decompose: Decompose) -> Self {
        Self {
            decompose,
            texts: Vec::new(),
            letters: Letters::default(),
        }
    }

    /// Takes over what is new in the room.
    pub fn update(&mut self, room: &RoomState) {
        let before = std::mem::take(&mut self.texts);
        let is_searched = |entry: &&Rc<Entry>| {
            let message = &entry.message;
            !message.deleted && message.vanish.is_none() && !room.mark_of(&message.author).muted
        };
        let texts = room.messages.iter().filter(is_searched).map(|entry| {
            let known = before.binary_search_by_key(&place(entry), |searched| place(&searched.entry));
            let known = known.ok().map(|at| &before[at]);
            let text = match known.filter(|known| Rc::ptr_eq(&known.entry, entry)) {
                Some(known) => Rc::clone(&known.text),
                None => self.text_of(entry).into(),
            };
            let entry = Rc::clone(entry);
            Searched { entry, text }
        });
        self.texts = texts.collect();
    }

    fn text_of(&self, entry: &Entry) -> String {
        let message = &entry.message;
        let time = date_time(message.unix_millis);
        let day = time.split('T').next().unwrap_or_default();
        // As it was sent, and as it is shown.
        let (file, shown) = message
            .file
            .as_ref()
            .map_or(("", String::new()), |file| (file.name.as_str(), shown_name(&file.name)));
        let all = [&message.text, file, &shown, &message.author_name, day].join("\n");
        folded(&all, self.decompose)
    }

    /// The messages with these words, and the newest `most` of them. All have no words; none has words of which nothing is left to compare.
    #[must_use]
    pub fn find(&self, words: &str, among: Among, most: usize) -> Found {
        let is_any = words.trim().is_empty();
        let words = folded(words, self.decompose);
        let words: Vec<_> = words.split_whitespace().collect();
        let has_it = |searched: &&Searched| {
            let is_among = among == Among::Everything || searched.entry.message.file.is_some();
            is_among && (is_any || !words.is_empty()) && words.iter().all(|word| searched.text.contains(word))
        };
        let mut found = Found {
            count: 0,
            newest: Vec::new(),
        };
        for searched in self.texts.iter().rev().filter(has_it) {
            found.count += 1;
            if found.newest.len() < most {
                found.newest.push(Rc::clone(&searched.entry));
            }
        }
        found
    }

    /// The part of a text around the first of these words that stands in it.
    #[must_use]
    pub fn excerpt(&self, text: &str, words: &str) -> Excerpt {
        let text = beginning(text);
        let end = text.floor_char_boundary(EXCERPT_LOOKED_AT_BYTES);
        let compared = Compared::new(&text[..end], |letter| self.letters.folded(letter, self.decompose));
        let words = folded(words, self.decompose);
        let mut places = words.split_whitespace().filter_map(|word| compared.places(word).next());
        let found = places.next().unwrap_or_default();
        let before = text[..found.start].char_indices().rev().map(|(at, _)| at);
        let start = before.take(EXCERPT_BEFORE_CHARS).last().unwrap_or(found.start);
        let after = text[found.end..].char_indices().map(|(at, _)| found.end + at);
        let end = after.clone().nth(EXCERPT_CHARS).unwrap_or(text.len());
        let cut = |is_cut: bool| if is_cut { "…" } else { "" };
        Excerpt {
            before: format!("{}{}", cut(start > 0), &text[start..found.start]),
            found: text[found.clone()].to_owned(),
            after: format!("{}{}", &text[found.end..end], cut(end < text.len())),
        }
    }
}

fn place(entry: &Entry) -> (Timestamp, MessageId) {
    (entry.message.order, entry.message.id)
}

/// The beginning of a text in one line: what is looked at, and at least as much after it as is shown.
fn beginning(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() >= EXCERPT_BYTES {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word[..word.floor_char_boundary(EXCERPT_BYTES)]);
    }
    line
}

/// What a text is compared by.
fn folded(text: &str, decompose: Decompose) -> String {
    decompose(text)
        .chars()
        .filter(|char| !is_mark(*char))
        .map(|char| match char {
            // The sigma at the end of a word.
            'ς' => 'σ',
            other => other,
        })
        .collect()
}

/// By what letters outside of ASCII are compared, once they were asked for.
#[derive(Debug, Default)]
struct Letters {
    known: RefCell<LiteMap<char, Rc<str>>>,
}

impl Letters {
    fn folded(&self, letter: char, decompose: Decompose) -> Rc<str> {
        if let Some(known) = self.known.borrow().get(&letter) {
            return Rc::clone(known);
        }
        let new: Rc<str> = fold_letter(letter, decompose).into();
        let mut known = self.known.borrow_mut();
        if known.len() >= LETTERS_KNOWN_MAX {
            known.clear();
        }
        known.insert(letter, Rc::clone(&new));
        new
    }
}

fn fold_letter(letter: char, decompose: Decompose) -> String {
    folded(letter.encode_utf8(&mut [0; char::MAX_LEN_UTF8]), decompose)
}

/// A text, by what it is compared, and where each byte of that comes from: it can have another length.
struct Compared<'a> {
    text: &'a str,
    compared: String,
    origins: Vec<usize>,
}

impl<'a> Compared<'a> {
    fn new<F: AsRef<str>>(text: &'a str, fold: impl Fn(char) -> F) -> Self {
        let mut compared = String::with_capacity(text.len());
        let mut origins = Vec::with_capacity(text.len() + 1);
        for (place, char) in text.char_indices() {
            if char.is_ascii() {
                compared.push(char.to_ascii_lowercase());
            } else {
                compared += fold(char).as_ref();
            }
            origins.resize(compared.len(), place);
        }
        Self {
            text,
            compared,
            origins,
        }
    }

    /// Where something stands that is folded already, and is not empty.
    fn places<'b>(&'b self, wanted: &'b str) -> impl Iterator<Item = Range<usize>> + 'b {
        self.compared.match_indices(wanted).map(|(start, found)| {
            let last = self.origins[start + found.len() - 1];
            let mut after = self.text[last..].char_indices().skip(1);
            // With the marks of the last letter.
            let end = after.find(|(_, char)| !is_mark(*char));
            self.origins[start]..end.map_or(self.text.len(), |(at, _)| last + at)
        })
    }
}

/// Where `wanted` stands in a text, whatever case, accents and width.
#[must_use]
pub fn places(text: &str, wanted: &str, decompose: Decompose) -> Vec<Range<usize>> {
    let wanted = folded(wanted, decompose);
    if wanted.is_empty() {
        return Vec::new();
    }
    let compared = Compared::new(text, |letter| fold_letter(letter, decompose));
    compared.places(&wanted).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use mesh::model::{Event, FileInfo, Message};
    use shared::{FileId, PeerId};
    use unicode_normalization::UnicodeNormalization;

    use super::*;
    use crate::room::{RoomAction, Visibility, reduce, sample::message};

    fn decompose(text: &str) -> String {
        text.nfkd().flat_map(char::to_lowercase).collect()
    }

    fn find(text: &str, wanted: &str) -> Vec<Range<usize>> {
        places(text, wanted, decompose)
    }

    fn room(said: &[(u8, u8, &str)]) -> RoomState {
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "Me".into());
        for (number, author, text) in said {
            let message = Message {
                author_name: format!("Peer{author}"),
                unix_millis: 1_795_824_000_000 + u64::from(*number) * 86_400_000,
                ..message(*number, *author, text)
            };
            let (event, visibility) = (Event::Message { message }, Visibility::Shown);
            reduce(&mut room, RoomAction::Event { event, visibility });
        }
        room
    }

    fn found(search: &Search, words: &str, among: Among, most: usize) -> (usize, Vec<String>) {
        let found = search.find(words, among, most);
        let texts = found.newest.iter().map(|entry| entry.message.text.clone());
        (found.count, texts.collect())
    }

    #[test]
    fn messages_are_found_by_all_words_author_and_day() {
        let said = [
            (1, 1, "Lunch at the café?"),
            (2, 2, "Café is closed"),
            (3, 1, "then tea"),
        ];
        let mut search = Search::new(decompose);
        search.update(&room(&said));
        let all = |words| found(&search, words, Among::Everything, 9);
        assert_eq!(
            all("CAFE"),
            (2, vec!["Café is closed".into(), "Lunch at the café?".into()])
        );
        assert_eq!(all("cafe peer1"), (1, vec!["Lunch at the café?".into()]));
        assert_eq!(all("2026-12-01"), (1, vec!["then tea".into()]));
        assert_eq!(all("café tea"), (0, vec![]));
        assert_eq!(found(&search, "", Among::Everything, 1), (3, vec!["then tea".into()]));
        assert_eq!(found(&search, "", Among::Files, 1), (0, vec![]));
        // Nothing is left of it to compare.
        assert_eq!(found(&search, " \u{301}", Among::Everything, 9), (0, vec![]));
    }

    #[test]
    fn files_are_found_by_their_name_as_it_is_sent_and_as_it_is_shown() {
        let mut state = room(&[(1, 1, "")]);
        let file = FileInfo {
            root: FileId::from_bytes([1; 32]),
            bytes: 5,
            name: "a/photo\u{202e}gpj.exe".into(),
            media_type: String::new(),
        };
        Rc::make_mut(&mut state.messages[0]).message.file = Some(file);
        let mut search = Search::new(decompose);
        search.update(&state);
        for words in ["a/photo\u{202e}gpj", "photo\u{fffd}gpj.exe"] {
            assert_eq!(search.find(words, Among::Files, 9).count, 1, "{words}");
        }
        assert_eq!(search.find("photogpj", Among::Files, 9).count, 0);
    }

    #[test]
    fn a_letter_is_folded_once_for_all_excerpts() {
        thread_local! { static ASKED: Cell<usize> = const { Cell::new(0) } }
        let search = Search::new(|text| {
            ASKED.set(ASKED.get() + 1);
            decompose(text)
        });
        let text = "é".repeat(1_000);
        for _ in 0..3 {
            assert_eq!(search.excerpt(&text, "e x").found, "é");
        }
        // Once for the letter, and each time for the words.
        assert_eq!(ASKED.get(), 4);
    }

    #[test]
    fn an_excerpt_of_a_long_text_takes_its_beginning_only() {
        for text in ["é".repeat(30_000), "é ".repeat(30_000)] {
            assert!(beginning(&text).len() < 2 * EXCERPT_LOOKED_AT_BYTES);
        }
        assert_eq!(beginning(" a\n\tb "), "a b");
    }

    #[test]
    fn what_is_new_changed_or_gone_is_taken_over() {
        let mut state = room(&[(1, 1, "teh plan"), (2, 2, "the other")]);
        let mut search = Search::new(decompose);
        search.update(&state);
        let kept = Rc::as_ptr(&search.texts[1].text);
        let entry = Rc::make_mut(&mut state.messages[0]);
        entry.message.text = "the plan".into();
        search.update(&state);
        assert_eq!(
            found(&search, "the plan", Among::Everything, 9),
            (1, vec!["the plan".into()])
        );
        assert_eq!(Rc::as_ptr(&search.texts[1].text), kept);
        Rc::make_mut(&mut state.messages[0]).message.deleted = true;
        search.update(&state);
        assert_eq!(found(&search, "plan", Among::Everything, 9), (0, vec![]));
    }

    #[test]
    fn an_excerpt_stands_around_what_was_found() {
        let search = Search::new(decompose);
        let excerpt = |text: &str, words| {
            let Excerpt { before, found, after } = search.excerpt(text, words);
            [before, found, after]
        };
        assert_eq!(excerpt("Lunch at\nthe café?", "x CAFE"), ["Lunch at the ", "café", "?"]);
        assert_eq!(excerpt("Lunch", "tea"), ["", "", "Lunch"]);
        let long = format!("{}tea{}", "a ".repeat(200), " b".repeat(200));
        let [before, found, after] = excerpt(&long, "tea");
        assert_eq!(
            (before.chars().count(), found.as_str()),
            (EXCERPT_BEFORE_CHARS + 1, "tea")
        );
        assert!(before.starts_with('…') && after.ends_with('…'));
        // Far behind, or nowhere, and as long as it gets.
        let [before, found, after] = excerpt(&format!("{}tea", "é".repeat(30_000)), "tea");
        assert_eq!(
            (before.as_str(), found.as_str(), after.chars().count()),
            ("", "", EXCERPT_CHARS + 1)
        );
    }

    #[test]
    fn texts_are_found_whatever_their_case_accents_and_width() {
        assert_eq!(find("Tea, TEA and tea", "tEa"), [0..3, 5..8, 13..16]);
        // Letters whose small ones have another length.
        assert_eq!(find("İx İX", "x"), [2..3, 6..7]);
        assert_eq!(find("Café, cafe\u{301}s", "CAFE"), [0..5, 7..13]);
        assert_eq!(find("ｔｅａ tea", "tea"), [0..9, 10..13]);
        assert_eq!(find("tea tea", "té"), [0..2, 4..6]);
        // The sigma at the end of a word is the same letter.
        assert_eq!(find("ΟΔΟΣ οδος", "οδοσ"), [0..8, 9..17]);
        assert_eq!(find("οσα σα", "ς"), [2..4, 7..9]);
        assert_eq!(find("abc", ""), []);
        assert_eq!(find("abc", "\u{301}"), []);
    }
}
