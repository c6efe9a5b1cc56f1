//! All that the screen shows, changed by [`State::apply`] alone.
//!
//! Nothing here touches a terminal or a clock: what is to be done comes back as an [`Effect`]. Memory is bounded: the room has limits of its own, and
//! so has each part.

use std::{collections::BTreeMap, rc::Rc};

use client::room::RoomState;
use jiff::tz::TimeZone;
use mesh::model::{Network, Timestamp};
use ratatui::{crossterm::event::KeyEvent, layout::Size};
use shared::{FileId, MessageId};

use super::{
    complete::Completion,
    composer::Composer,
    feed::{Feed, place_of},
    keys,
    note::{Notebook, Place, Tone},
    scroll,
    search::Search,
    sheet::{Content, Sheet},
    theme::Theme,
};
use crate::{
    config::{COMINGS_TOLD_MAX, FILES_NUMBERED_MAX},
    line::plain::Plain,
    report::{NoticeLevel, Report},
    run::Typed,
    words::Meeting,
};

/// All that the screen shows.
#[derive(Debug)]
pub struct State {
    /// The room as it is.
    pub(super) room: Rc<RoomState>,
    /// What to call it until its founder does.
    pub(super) title: String,
    /// How people come to it.
    pub(super) meeting: Meeting,
    /// Its network, as it was a moment ago.
    pub(super) network: Network,
    pub(super) size: Size,
    pub(super) zone: TimeZone,
    pub(super) theme: Theme,
    pub(super) notebook: Notebook,
    pub(super) composer: Composer,
    pub(super) panel: Panel,
    pub(super) focus: Focus,
    /// Which row of the panel is chosen.
    pub(super) chosen: usize,
    /// Over all else, if anything is.
    pub(super) sheet: Option<Sheet>,
    pub(super) search: Option<Search>,
    /// Where the person has scrolled to; `None` is the newest.
    pub(super) anchor: Option<scroll::Anchor>,
    pub(super) unread: Option<Unread>,
    /// The numbers by which files are fetched.
    pub(super) numbers: BTreeMap<FileId, usize>,
    pub(super) completion: Option<Completion>,
    /// Whether the person was told how to leave, and does it with the same key.
    pub(super) leaving: bool,
    /// Who came and went since the last message.
    comings: Comings,
    /// Whether the person looks, as far as is known.
    attentive: bool,
    plain: Plain,
}

/// What stands beside the messages, or in their place where there is little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Panel {
    Hidden,
    People,
    Files,
    Network,
}

/// Where the arrow keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Composer,
    Panel,
}

/// Messages that came while the person did not see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unread {
    /// The first of them.
    pub(super) first: Place,
    /// How many there are.
    pub(super) count: usize,
    /// Whether they were seen since.
    pub(super) seen: bool,
}

/// People who came or went one after the other: a note for all of them, for a room can have thousands.
#[derive(Debug, Default)]
struct Comings {
    /// The number of the note.
    note: u64,
    /// The first few.
    text: String,
    /// How many there are.
    count: usize,
}

/// What can happen.
#[derive(Debug)]
pub enum Action {
    /// A key was pressed.
    Key(KeyEvent),
    /// Something was pasted.
    Paste(String),
    /// The terminal has another size.
    Resized(Size),
    /// The person looks at this terminal, or no longer.
    Looked(Look),
    /// The room is so now.
    Room(Rc<RoomState>),
    /// Its network is so now.
    Network(Network),
    /// Something is to be told.
    Report(Box<Report>),
    /// A file can be fetched by this number.
    Numbered(FileId, usize),
    /// What was typed was not taken, for too much waits.
    Untaken(String),
}

/// Whether the person looks at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Look {
    Here,
    Away,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Carry out what was typed. The text comes back with [`Action::Untaken`] if that cannot be.
    Type {
        /// What it is.
        typed: Typed,
        /// As it was typed.
        text: String,
    },
    /// Stop the program until the shell lets it go on.
    Suspend,
    /// Draw everything again.
    Redraw,
}

impl State {
    /// Of a room that was just entered, and is called `title` as long as its founder gives it no name.
    #[must_use]
    pub fn new(room: Rc<RoomState>, title: String, size: Size, zone: TimeZone, theme: Theme) -> Self {
        Self {
            room,
            title,
            network: Network {
                nodes: Vec::new(),
                edges: Vec::new(),
                links: Vec::new(),
                size: 1,
            },
            size,
            zone,
            theme,
            meeting: Meeting::default(),
            notebook: Notebook::default(),
            composer: Composer::default(),
            panel: Panel::People,
            focus: Focus::Composer,
            chosen: 0,
            sheet: None,
            search: None,
            anchor: None,
            unread: None,
            numbers: BTreeMap::new(),
            completion: None,
            leaving: false,
            comings: Comings::default(),
            attentive: false,
            plain: Plain::new(None),
        }
    }

    /// Changes what is shown. What is to be done, if anything.
    pub fn apply(&mut self, action: Action) -> Option<Effect> {
        match action {
            Action::Key(key) => {
                self.attentive = true;
                let effect = keys::on_key(self, key);
                self.note_seen();
                return effect;
            }
            Action::Paste(text) => {
                self.attentive = true;
                keys::on_paste(self, &text);
            }
            Action::Resized(size) => {
                self.size = size;
                self.draw_map();
            }
            Action::Looked(look) => self.attentive = look == Look::Here,
            Action::Room(room) => self.on_room(room),
            Action::Network(network) => self.on_network(network),
            Action::Report(report) => self.on_report(&report),
            Action::Numbered(file, number) => {
                self.numbers.insert(file, number);
                // Which one goes is no matter: this many are never listed.
                if self.numbers.len() > FILES_NUMBERED_MAX {
                    self.numbers.pop_first();
                }
            }
            Action::Untaken(text) => {
                self.composer.put_back(text);
                let words = "* too much waits already to be carried out. Try again in a moment".to_owned();
                self.tell(words, Tone::Warning);
            }
        }
        self.note_seen();
        None
    }

    /// Whether a network looks another than the one that is shown.
    pub(super) fn is_other_network(&self, network: &Network) -> bool {
        *network != self.network
    }

    /// Messages and notes, as they stand.
    pub(super) fn feed(&self) -> Feed<'_> {
        Feed::new(&self.room, &self.notebook)
    }

    /// The last message that is not dated ahead.
    fn last_message(&self) -> Option<(Timestamp, MessageId)> {
        let last = self.room.ahead_from().checked_sub(1)?;
        place_of(self.room.messages.get(last)?).message
    }

    pub(super) fn tell(&mut self, text: String, tone: Tone) {
        self.notebook.tell(self.last_message(), text, tone);
    }

    fn on_network(&mut self, network: Network) {
        let is_other = (&network.nodes, &network.edges) != (&self.network.nodes, &self.network.edges);
        self.network = network;
        if is_other {
            self.draw_map();
        }
    }

    fn on_room(&mut self, room: Rc<RoomState>) {
        if Rc::ptr_eq(&room, &self.room) {
            return;
        }
        let before = std::mem::replace(&mut self.room, room);
        // What is kept of former visits comes at once, and was read then.
        if before.kept || !self.room.kept {
            self.note_new(&before);
        }
        if let Some(search) = &mut self.search {
            search.update(&self.room);
        }
    }

    /// Draws the map again, if it is shown.
    fn draw_map(&mut self) {
        if let Some(Sheet {
            content: Content::Map { .. },
            scrolled,
        }) = self.sheet
        {
            let map = Sheet::map(self);
            self.sheet = Some(Sheet { scrolled, ..map });
        }
    }

    /// Counts what others said since.
    fn note_new(&mut self, before: &RoomState) {
        let sees = self.attentive && self.anchor.is_none();
        if sees
            || before.messages.last().map(Rc::as_ptr) == self.room.messages.last().map(Rc::as_ptr)
                && before.messages.len() == self.room.messages.len()
        {
            return;
        }
        let mut old = before.messages.iter().map(|entry| place_of(entry)).peekable();
        let mut first = None;
        let mut count = 0;
        for entry in &self.room.messages {
            let place = place_of(entry);
            while old.next_if(|old| *old < place).is_some() {}
            if old.peek() != Some(&place) && !entry.message.own {
                first = first.or(Some(place));
                count += 1;
            }
        }
        let Some(first) = first else { return };
        let known = self.unread.filter(|unread| !unread.seen);
        self.unread = Some(Unread {
            first: known.map_or(first, |known| known.first.min(first)),
            count: known.map_or(0, |known| known.count) + count,
            seen: false,
        });
    }

    /// What is in view of somebody who looks was seen. It stays marked until something else is new.
    fn note_seen(&mut self) {
        if self.attentive
            && self.anchor.is_none()
            && let Some(unread) = &mut self.unread
        {
            unread.seen = true;
        }
    }

    fn on_report(&mut self, report: &Report) {
        let tone = match report {
            // The messages themselves show it, or the bar above them.
            Report::Message(_)
            | Report::Delivery(_)
            | Report::Edited(_)
            | Report::Deleted(_)
            | Report::Reactions { .. }
            | Report::Renumbered { .. }
            | Report::Standing { .. }
            | Report::Said { .. }
            | Report::Left => return,
            Report::Person(_)
            | Report::Renamed { .. }
            | Report::RoomNamed { .. }
            | Report::Topic { .. }
            | Report::File(_) => Tone::Quiet,
            Report::RoomClosed => Tone::Danger,
            Report::Notice { level, .. } => match level {
                NoticeLevel::Info => Tone::Answer,
                NoticeLevel::Warning => Tone::Warning,
                NoticeLevel::Danger => Tone::Danger,
            },
            Report::Refused { .. } => Tone::Warning,
            Report::Invitation { .. }
            | Report::Answer { .. }
            | Report::Link { .. }
            | Report::People { .. }
            | Report::Status(_)
            | Report::Network(_)
            | Report::Dot { .. }
            | Report::History { .. }
            | Report::Files { .. }
            | Report::Done { .. } => Tone::Answer,
        };
        if let Some(sheet) = Sheet::to_hand_over(report) {
            self.sheet = Some(sheet);
        }
        match self.plain.lines(report) {
            Some(line) if matches!(report, Report::Person(_)) => self.tell_coming(&line),
            Some(lines) => self.tell(lines, tone),
            None => {}
        }
    }

    fn tell_coming(&mut self, line: &str) {
        let Comings { note, text, count } = &mut self.comings;
        *count += 1;
        let mut told = match count.checked_sub(COMINGS_TOLD_MAX) {
            None | Some(0) => format!("{text}\n{}", line.trim_start_matches("* ")),
            Some(_) => text.clone(),
        };
        let known = told.clone();
        if let Some(more @ 1..) = count.checked_sub(COMINGS_TOLD_MAX) {
            told += &format!("\nand {more} more came or went");
        }
        let (note, last) = (*note, self.last_message());
        if self.notebook.retell(note, last, told) {
            self.comings.text = known;
        } else {
            self.tell(line.to_owned(), Tone::Quiet);
            self.comings = Comings {
                note: self.notebook.last_number(),
                text: line.to_owned(),
                count: 1,
            };
        }
    }
}
