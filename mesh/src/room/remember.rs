//! What the room remembers from visit to visit: the log, our own feed, whispers, and who used which name first.
//!
//! Everything that is to be kept goes out as [changes](crate::io::Change), and comes back by [`Room::restore`]. Our own entries wait in the
//! [journal](super::journal) until they are stored; then they are put into the log and sent.
//!
//! Invariants: a feed of ours that is gone on with at another visit has no entry that was sent and not stored. What we said and what we
//! go on with after others brought us more of our own feed never has the number of another entry.

use std::{cmp::Reverse, rc::Rc, time::Duration};

use rand_core::Rng;
use shared::PeerId;

use super::{
    Room,
    log::feed_of,
    say::{message, whispered},
};
use crate::{
    config::{AWAY_LOOKED_BACK, WHISPER_LASTS, WHISPERS_TRIED_MAX},
    context::Context,
    door::Forwarding,
    io::{Priority, millis},
    model::{Alert, Delivery, Event, Message},
    wire::{
        codec::{decode, encode, valid_name},
        entry::Entry,
        record::{Payload, Record},
        span::Feed,
        stored::{Key, StoredFeed, StoredHead, StoredWhisper, intact},
        timestamp::Timestamp,
        whisper::Whisper,
    },
};

/// What became of a whisper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its recipient has it.
    Delivered,
    /// It is tried.
    Underway,
    /// It waits in the log.
    Held { place: (u64, u64) },
}

/// What was stored, as it is read.
#[derive(Debug, Default)]
struct Recalled {
    feeds: Vec<(Feed, StoredFeed)>,
    entries: Vec<Rc<Record<Entry>>>,
    whispers: Vec<(PeerId, StoredWhisper, Whisper)>,
    head: Option<StoredHead>,
    /// Whom we met, and what they are called.
    names: Vec<(PeerId, String)>,
}

impl Room {
    /// Goes on from what was kept on former visits, and keeps what comes. What is damaged, or of a later version, is left out.
    pub(crate) fn restore(&mut self, cx: &mut Context, records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        cx.keeps = true;
        let mut recalled = Recalled::default();
        for (key, value) in records {
            if let (Some(key), Some(value)) = (Key::read(&key), intact(&value)) {
                self.recall(key, value, &mut recalled);
            }
        }
        let (head, mut away) = (recalled.head.take(), std::mem::take(&mut recalled.names));
        let mut messages = self.recall_messages(cx, &recalled);
        let Recalled {
            feeds,
            entries,
            whispers,
            ..
        } = recalled;
        self.log.restore(&cx.room, feeds, entries);
        let unread = head.map_or_else(Vec::new, |head| self.go_on_in(head));
        messages.sort_by_key(|message| (message.order, message.id));
        latest_first(&mut away, &messages);
        cx.event(Event::Recalled { messages });
        self.change_roster(cx, |roster, events| roster.recall_away(away, events));
        self.follow_unread(cx, &unread);
        self.follow_whispers(cx, &unread, whispers);
    }

    /// What is to be shown again, in no order.
    fn recall_messages(&mut self, cx: &mut Context, recalled: &Recalled) -> Vec<Message> {
        let mut messages = Vec::with_capacity(recalled.entries.len());
        for (author, _, whisper) in &recalled.whispers {
            self.clock.observe(whisper.order, cx.room_millis());
            self.deliveries.hear(*author, whisper.id);
            self.make_room_for(cx, *author, whisper);
            messages.push(whispered(cx, whisper.clone(), *author));
        }
        let mut sealed: Vec<_> = Vec::new();
        for record in &recalled.entries {
            self.clock.observe(record.content.order, cx.room_millis());
            messages.extend(message(cx, record));
            self.note_room_name(cx, record);
            sealed.extend(record.content.sealed().map(|_| record));
        }
        // Another program of this machine may have stored what is for us.
        sealed.sort_by_key(|record| Reverse(record.content.order));
        for record in sealed.into_iter().take(WHISPERS_TRIED_MAX) {
            let whisper = self.whisper_in(cx, record);
            messages.extend(whisper.map(|whisper| whispered(cx, whisper, record.author)));
        }
        messages
    }

    /// What we said and nobody is known to have waits on.
    fn follow_unread(&mut self, cx: &mut Context, unread: &[u64]) {
        let feed = self.own_feed();
        for seq in unread.iter().copied() {
            if let Some(record) = self
                .log
                .entry_at(&feed, seq)
                .filter(|record| record.content.text().is_some())
            {
                let id = record.message_id();
                let delivery = self.deliveries.say(id, (feed.number, seq), []);
                cx.event(Event::Delivery { id, delivery });
            }
        }
    }

    /// What became of our whispers; those that did not get through before we left wait in the log.
    fn follow_whispers(&mut self, cx: &mut Context, unread: &[u64], whispers: Vec<(PeerId, StoredWhisper, Whisper)>) {
        for (author, stored, whisper) in whispers {
            if author != self.me {
                continue;
            }
            let (id, age) = (whisper.id, cx.room_millis().saturating_sub(whisper.unix_millis));
            let left = millis(WHISPER_LASTS).saturating_sub(age);
            let is_unread = |(feed, seq): (u64, u64)| feed != self.feed || unread.contains(&seq);
            let delivery = match stored.place {
                _ if stored.delivered => Delivery::Sent { delivered: 1, of: 1 },
                Some(place) if !is_unread(place) => Delivery::Sent { delivered: 1, of: 1 },
                _ if left == 0 => Delivery::Failed,
                Some(place) if place.0 == self.feed => {
                    let until = cx.instant() + Duration::from_millis(left);
                    self.deliveries.hold(id, place, whisper.to, until)
                }
                _ => {
                    self.hold_whispers(cx, &[Rc::new(whisper)]);
                    continue;
                }
            };
            cx.event(Event::Delivery { id, delivery });
        }
    }

    fn recall(&mut self, key: Key, value: &[u8], recalled: &mut Recalled) {
        match key {
            Key::Entry { feed, seq } => {
                let record = Record::<Entry>::recall(value).ok();
                let is_it = |record: &Rc<Record<Entry>>| feed_of(record) == feed && record.content.seq == seq;
                recalled.entries.extend(record.filter(is_it));
            }
            Key::Feed { feed } => recalled.feeds.extend(decode(value).ok().map(|state| (feed, state))),
            Key::Name { peer } => {
                let name: Option<&str> = decode(value).ok();
                if let Some(name) = name.filter(|name| valid_name(name) && self.roster.know_name(peer, name))
                    && peer != self.me
                {
                    recalled.names.push((peer, name.to_owned()));
                }
            }
            Key::Head => recalled.head = decode(value).ok(),
            Key::Whisper { author, .. } => {
                let stored: Option<StoredWhisper> = decode(value).ok();
                let whisper = stored.and_then(|stored| {
                    let whisper = decode(&stored.whisper).ok()?;
                    Some((author, stored, whisper))
                });
                recalled.whispers.extend(whisper);
            }
        }
    }

    /// Goes on in the feed of the last visit. Gives the numbers of what nobody is known to have.
    fn go_on_in(&mut self, head: StoredHead) -> Vec<u64> {
        let (author, number) = (self.me, head.feed);
        let is_whole = head.head.is_some() == (head.next > 0) && head.next < u64::MAX / 2;
        if !is_whole || self.log.fork(&Feed { author, number }).is_some() {
            return Vec::new();
        }
        (self.feed, self.next_seq, self.head) = (head.feed, head.next, head.head);
        self.log.set_own(self.own_feed());
        self.go_on_after_others();
        head.unread
    }

    /// Others may have more of our feed than we stored: an older copy of the store was put back, or somebody else speaks with our key.
    pub(super) fn go_on_after_others(&mut self) {
        let feed = self.own_feed();
        if let Some((next, head)) = self.log.end_of(&feed).filter(|(next, _)| *next > self.next_seq) {
            (self.next_seq, self.head) = (next, Some(head.into()));
        }
    }

    /// An entry of our feed came from others.
    pub(super) fn on_said_elsewhere(&mut self, cx: &mut Context) {
        let next = self.next_seq;
        self.go_on_after_others();
        if self.next_seq > next {
            cx.alert(Alert::SaidElsewhere);
            self.say_anew(cx, None);
        }
    }

    pub(super) fn own_feed(&self) -> Feed {
        Feed {
            author: self.me,
            number: self.feed,
        }
    }

    /// Has stored what became of the log.
    pub(super) fn persist(&mut self, cx: &mut Context) {
        if !cx.keeps {
            self.log.drop_changes();
            return;
        }
        let accepted = self.log.accepted();
        let changes = self.log.take_changes();
        let mut before = accepted - changes.iter().filter(|change| change.entry.is_some()).count() as u64;
        for change in changes {
            cx.store(Priority::Soon, change.change);
            if let Some((feed, seq)) = change.entry {
                self.journal.push_entry(cx.stores, feed, seq, before);
                before += 1;
            }
        }
    }

    /// So many changes are stored.
    pub(crate) fn handle_stored(&mut self, cx: &mut Context, changes: u64) {
        let stored = self.journal.handle_stored(changes);
        if stored.entries {
            self.hasten_beacon(cx.instant());
        }
        for (to, id) in stored.receipts {
            self.send_packet(cx, to, Payload::Receipt { id }, Forwarding::Learned);
        }
        for record in stored.own {
            self.enter(cx, record);
        }
        self.persist(cx);
    }

    /// Nothing can be stored any more. What we say from now on goes into a feed that nobody goes on with.
    pub(crate) fn handle_not_stored(&mut self, cx: &mut Context) {
        cx.keeps = false;
        self.begin_feed();
        self.say_anew(cx, None);
        self.handle_stored(cx, u64::MAX);
    }

    /// Another node has our key and what we stored: it goes on in our feed, and we do not.
    pub(super) fn on_superseded(&mut self, cx: &mut Context) {
        self.begin_feed();
        self.say_anew(cx, None);
    }

    /// We speak in a feed that nobody knows from now on.
    pub(super) fn begin_feed(&mut self) {
        (self.feed, self.next_seq, self.head) = (self.feeds.next_u64(), 0, None);
        self.log.set_own(self.own_feed());
    }

    /// Says again what was shown here and not sent: what the log `refused`, and what waits.
    pub(super) fn say_anew(&mut self, cx: &mut Context, refused: Option<Rc<Record<Entry>>>) {
        let mut records = Vec::from_iter(refused);
        records.extend(self.journal.take_unsent());
        let feed = self.own_feed();
        match self.log.fork(&feed) {
            Some(fork) => self.follow_fork(cx, &fork, None),
            None if records.iter().any(|record| feed_of(record) == feed) => self.begin_feed(),
            None => {}
        }
        for record in records {
            let before = record.message_id();
            let place = (record.content.feed, record.content.seq);
            let Entry { kind, body, .. } = record.content.clone();
            let record = self.sign(cx, kind, body, Timestamp::default());
            let id = record.message_id();
            let is_shown = self
                .deliveries
                .change_place((place, before), ((self.feed, record.content.seq), id));
            if is_shown {
                cx.event(Event::Renumbered {
                    before,
                    id,
                    order: record.content.order,
                });
            }
            self.publish(cx, record);
        }
    }

    /// Keeps where our feed has got to.
    pub(super) fn keep_head(&mut self, cx: &mut Context, priority: Priority) {
        let head = StoredHead {
            feed: self.feed,
            next: self.next_seq,
            head: self.head,
            unread: self.deliveries.unread(self.feed),
        };
        cx.store(priority, Key::Head.keep(&head));
    }

    /// Keeps a whisper.
    pub(super) fn keep_whisper(&mut self, cx: &mut Context, author: PeerId, whisper: &Whisper, fate: Fate) {
        let stored = StoredWhisper {
            whisper: encode(whisper).into(),
            delivered: fate == Fate::Delivered,
            place: match fate {
                Fate::Held { place } => Some(place),
                Fate::Delivered | Fate::Underway => None,
            },
        };
        let id = whisper.id;
        cx.store(Priority::Soon, Key::Whisper { author, id }.keep(&stored));
        self.make_room_for(cx, author, whisper);
    }

    /// Forgets the whispers for which there is no room beside this one.
    fn make_room_for(&mut self, cx: &mut Context, author: PeerId, whisper: &Whisper) {
        for forgotten in self.conversations.keep(&self.me, author, whisper) {
            cx.store(Priority::Soon, forgotten.forget());
        }
    }
}

/// Puts those first with whom something was `said` last, as far back as is looked.
fn latest_first(names: &mut [(PeerId, String)], said: &[Message]) {
    let mut found = 0;
    for message in said.iter().rev().take(AWAY_LOOKED_BACK) {
        let with = message.whisper_to.filter(|_| message.own).unwrap_or(message.author);
        if let Some(place) = names[found..].iter().position(|(peer, _)| *peer == with) {
            names.swap(found, found + place);
            found += 1;
        }
    }
}
