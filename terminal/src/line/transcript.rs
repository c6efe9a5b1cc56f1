//! What is new in a room since it was last looked at.
//!
//! Invariants: every message is told once, whatever ids it has had; how far a message got is told after the message. The numbers of files never
//! change while the program runs.

use std::{
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use client::{
    room::{About, Entry, RoomState},
    standing::{self, Blocked, ServerStanding},
    words::{excerpt, page},
};
use mesh::model::{Delivery, FileProgress, FileState, PersonState};
use shared::{FileId, MessageId, PeerId};

use crate::{
    config::FILES_NUMBERED_MAX,
    harmless,
    report::{DeliveryReport, FileReport, MessageReport, PersonReport, ReactionReport, Report},
    words::{self, Meeting},
};

/// What was told of a room so far.
#[derive(Debug, Default)]
pub struct Transcript {
    messages: BTreeMap<MessageId, Told>,
    people: BTreeMap<PeerId, (PersonState, Option<String>)>,
    files: BTreeMap<FileId, (FileState, u64)>,
    /// How many messages were told.
    arrived: u64,
    numbers: Numbers,
    /// The first notice that was not told.
    next_notice: u64,
    standing: Option<(ServerStanding, Option<Blocked>)>,
    invitation: Option<Rc<str>>,
    answer: Option<Rc<str>>,
    name: Option<String>,
    topic: String,
    catching_up: bool,
    closed: bool,
    left: bool,
    pub(crate) meeting: Meeting,
    /// Whether what was kept of former visits has been told.
    recalled: bool,
}

#[derive(Debug)]
struct Told {
    /// The how manieth it was.
    arrival: u64,
    delivery: Option<Delivery>,
    /// Of our own, to recognise the message under another id.
    text: Option<String>,
    /// What was said of it.
    about: Option<Rc<About>>,
    deleted: bool,
}

impl Transcript {
    /// What is new in `room`, in the order in which it is to be told.
    #[must_use]
    pub fn update(&mut self, room: &RoomState) -> Vec<Report> {
        let mut reports = Vec::new();
        self.on_people(room, &mut reports);
        self.on_standing(room, &mut reports);
        self.on_backlog(room, &mut reports);
        self.on_messages(room, &mut reports);
        self.on_files(room, &mut reports);
        self.on_notices(room, &mut reports);
        self.on_codes(room, &mut reports);
        if room.name != self.name {
            self.name.clone_from(&room.name);
            reports.extend(room.name.clone().map(|name| Report::RoomNamed { name }));
        }
        if room.topic != self.topic {
            self.topic.clone_from(&room.topic);
            let topic = room.topic.clone();
            reports.push(Report::Topic { topic });
        }
        if room.closed && !std::mem::replace(&mut self.closed, true) {
            reports.push(Report::RoomClosed);
        }
        if room.left && !std::mem::replace(&mut self.left, true) {
            reports.push(Report::Left);
        }
        reports
    }

    /// The numbers of the files that were offered.
    #[must_use]
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Its beginning and its end: in between, messages tell.
    fn on_backlog(&mut self, room: &RoomState, reports: &mut Vec<Report>) {
        let (was, is) = (self.catching_up, room.catching_up.is_some());
        self.catching_up = is;
        let text = match room.catching_up {
            Some(backlog) if !was => page::catching_up(backlog),
            None if was => "Caught up".to_owned(),
            Some(_) | None => return,
        };
        reports.push(Report::Standing { text });
    }

    /// The how manieth message this one was, of those that were told, from 1.
    #[must_use]
    pub fn arrival(&self, message: &MessageId) -> Option<u64> {
        self.messages.get(message).map(|told| told.arrival)
    }

    fn on_messages(&mut self, room: &RoomState, reports: &mut Vec<Report>) {
        // What is kept comes at once, before anything else is heard.
        let earlier = !self.recalled && room.kept;
        self.recalled |= room.kept;
        let mut before = std::mem::take(&mut self.messages);
        for entry in &room.messages {
            let id = entry.message.id;
            if let Some(told) = before.remove(&id) {
                self.messages.insert(id, told);
            } else if let Some(old) = former_id(&before, room, entry) {
                let told = before.remove(&old).unwrap_or_else(|| Told::new(entry, 0));
                let [before, id_now] = [old, id].map(|id| id.to_text());
                reports.push(Report::Renumbered { before, id: id_now });
                self.messages.insert(id, told);
            } else {
                let file = entry.message.file.as_ref();
                let number = file.map_or(0, |info| self.numbers.assign(info.root));
                // How far it got comes by itself.
                let delivery = None;
                let report = MessageReport {
                    delivery,
                    ..MessageReport::new(room, entry, number, earlier)
                };
                reports.push(Report::Message(report));
                self.arrived += 1;
                self.messages.insert(id, Told::new(entry, self.arrived));
            }
            if let Some(told) = self.messages.get_mut(&id)
                && told.deleted != entry.message.deleted
            {
                // What was said of it is gone without a word.
                *told = Told {
                    delivery: told.delivery,
                    ..Told::new(entry, told.arrival)
                };
                reports.push(Report::Deleted(MessageReport::new(room, entry, 0, false)));
            }
            if let Some(told) = self.messages.get_mut(&id)
                && told.about != entry.about
            {
                let before = std::mem::replace(&mut told.about, entry.about.clone());
                told.text = own_text(entry);
                Self::on_annotated(room, entry, before.as_deref(), reports);
            }
            if let Some(told) = self.messages.get_mut(&id)
                && let Some(delivery) = entry.delivery
                && told.delivery != Some(delivery)
            {
                told.delivery = Some(delivery);
                reports.push(Report::Delivery(DeliveryReport::new(entry, delivery)));
            }
        }
    }

    /// Something else than `before` is said of a message.
    fn on_annotated(room: &RoomState, entry: &Entry, before: Option<&About>, reports: &mut Vec<Report>) {
        let message = &entry.message;
        let now = entry.about.as_deref();
        let text_in = |about: &'_ About| about.text(&message.author).map(str::to_owned);
        // A file has no text to be changed, so what is reported has no number of one.
        if before.and_then(text_in) != now.and_then(text_in) {
            reports.push(Report::Edited(MessageReport::new(room, entry, 0, false)));
        }
        if before.map(About::reactions).unwrap_or_default() != now.map(About::reactions).unwrap_or_default() {
            reports.push(Report::Reactions {
                id: message.id.to_text(),
                excerpt: excerpt(message),
                reactions: ReactionReport::all(room, entry),
            });
        }
    }

    fn on_people(&mut self, room: &RoomState, reports: &mut Vec<Report>) {
        self.people.retain(|peer, _| room.person(peer).is_some());
        for person in &room.people {
            let now = (person.state, person.name.clone());
            let before = self.people.insert(person.peer, now);
            let (state_before, name_before) = before.unwrap_or((PersonState::Away, None));
            if let (Some(before), Some(_)) = (&name_before, &person.name)
                && name_before != person.name
            {
                reports.push(Report::Renamed {
                    id: person.peer.to_text(),
                    before: before.clone(),
                    name: room.name_of(&person.peer),
                });
            }
            // Who is here and has no name yet is told once the name is known.
            let was_unnamed = name_before.is_none() && state_before == PersonState::Here;
            if state_before != person.state || was_unnamed && person.name.is_some() {
                reports.push(Report::Person(PersonReport::new(room, person)));
            }
        }
    }

    fn on_standing(&mut self, room: &RoomState, reports: &mut Vec<Report>) {
        let standing = standing::standing(room, None);
        let now = (standing.server, standing.blocked);
        if self.standing != Some(now) {
            self.standing = Some(now);
            let text = harmless::sentence(&words::standing_of(&standing, self.meeting));
            if !text.is_empty() {
                reports.push(Report::Standing { text });
            }
        }
    }

    fn on_files(&mut self, room: &RoomState, reports: &mut Vec<Report>) {
        for entry in &room.messages {
            let Some((info, progress)) = entry
                .message
                .file
                .as_ref()
                .and_then(|info| Some((info, room.progress(info)?)))
            else {
                continue;
            };
            let FileProgress { state, bytes_have, .. } = progress.now;
            if self.files.insert(info.root, (state, bytes_have)) != Some((state, bytes_have)) {
                let number = self.numbers.assign(info.root);
                let own = entry.message.own;
                reports.push(Report::File(FileReport::new(number, info, Some(&progress), own)));
            }
        }
        self.files.retain(|file, _| room.files.get(file).is_some());
    }

    fn on_notices(&mut self, room: &RoomState, reports: &mut Vec<Report>) {
        for pinned in &room.notices {
            if pinned.id >= self.next_notice {
                self.next_notice = pinned.id + 1;
                reports.push(Report::Notice {
                    level: pinned.notice.level.into(),
                    text: harmless::sentence(&words::notice(&pinned.notice)),
                });
            }
        }
    }

    fn on_codes(&mut self, room: &RoomState, reports: &mut Vec<Report>) {
        if room.invitation != self.invitation {
            self.invitation.clone_from(&room.invitation);
            let code = room.invitation.as_deref().map(str::to_owned);
            reports.extend(code.map(|code| Report::Invitation { code }));
        }
        if room.answer != self.answer {
            self.answer.clone_from(&room.answer);
            let code = room.answer.as_deref().map(str::to_owned);
            reports.extend(code.map(|code| Report::Answer { code }));
        }
    }
}

impl Told {
    fn new(entry: &Entry, arrival: u64) -> Self {
        Self {
            arrival,
            delivery: None,
            text: own_text(entry),
            about: entry.about.clone(),
            deleted: entry.message.deleted,
        }
    }
}

/// What a message of ours says.
fn own_text(entry: &Entry) -> Option<String> {
    entry.message.own.then(|| entry.message.text.clone())
}

/// The id under which a message of ours was told that has another one now: the same text, and gone from the room under the former id.
fn former_id(before: &BTreeMap<MessageId, Told>, room: &RoomState, entry: &Entry) -> Option<MessageId> {
    if !entry.message.own {
        return None;
    }
    let is_there = |id: &MessageId| room.messages.iter().any(|entry| entry.message.id == *id);
    let same = |(id, told): &(&MessageId, &Told)| told.text.as_ref() == Some(&entry.message.text) && !is_there(id);
    before.iter().find(same).map(|(id, _)| *id)
}

/// The numbers of the files that were offered, from 1. Past [`FILES_NUMBERED_MAX`] the oldest lose theirs.
#[derive(Debug, Default)]
pub struct Numbers {
    forgotten: usize,
    files: VecDeque<FileId>,
}

impl Numbers {
    /// The number of a file; 0 if it has none.
    #[must_use]
    pub fn of(&self, file: &FileId) -> usize {
        let place = self.files.iter().position(|known| known == file);
        place.map_or(0, |place| self.forgotten + place + 1)
    }

    /// The file of a number.
    #[must_use]
    pub fn file(&self, number: usize) -> Option<FileId> {
        let place = number.checked_sub(self.forgotten + 1)?;
        self.files.get(place).copied()
    }

    fn assign(&mut self, file: FileId) -> usize {
        if !self.files.contains(&file) {
            self.files.push_back(file);
        }
        if self.files.len() > FILES_NUMBERED_MAX {
            self.files.pop_front();
            self.forgotten += 1;
        }
        self.of(&file)
    }
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "every other report is skipped")]
mod tests;
