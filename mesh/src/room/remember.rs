//! What the room remembers from visit to visit: the log, our own feed, whispers, and who used which name first.
//!
//! Everything that is to be kept goes out as [changes](crate::io::Change), and comes back by [`Room::restore`]. Our own entries wait in the
//! [journal](super::journal) until they are stored; then they are put into the log and sent.
//!
//! Invariants: a feed of ours that is gone on with at another visit has no entry that was sent and not stored. Once others have brought us
//! an entry of our feed that we did not say, nothing more is said in that feed. A whisper counts as delivered only by its recipient's word.

use std::rc::Rc;

use litemap::LiteMap;
use rand_core::Rng;
use shared::{MessageId, PeerId};

use super::{
    Room,
    log::feed_of,
    recalled::Recalled,
    retention::ascending,
    say::{annotation, deletion, message, show_whisper, time_left, whispered},
};
use crate::{
    config::{AWAY_LOOKED_BACK, PENDING_MESSAGES_MAX, RECALLED_FIRST, WHISPERS_TRIED_AT_ONCE, WHISPERS_TRIED_EVERY},
    context::Context,
    door::Forwarding,
    io::Priority,
    model::{Alert, Annotation, Delivery, Event, Message},
    order::{by_number, id_number},
    wire::{
        codec::{decode, encode, valid_name},
        entry::{Entry, EntryBody},
        record::{Payload, Record},
        relation::Deletions,
        span::Feed,
        stored::{Fate, Key, StoredHead, intact},
        whisper::Whisper,
    },
};

impl Room {
    /// The store is about to be read.
    pub(crate) fn await_store(&mut self) {
        self.awaits_store = true;
    }

    /// Goes on from what was kept on former visits, and keeps what comes. What is damaged, or of a later version, is left out.
    pub(crate) fn restore(&mut self, cx: &mut Context, records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        (cx.keeps, self.awaits_store) = (true, false);
        self.recall_all(cx, records);
        let mut recalled = std::mem::take(&mut self.recalled);
        let (head, mut away) = (recalled.head.take(), std::mem::take(&mut recalled.names));
        let shown = recalled.as_shown();
        let messages = self.recall_messages(cx, &recalled, &shown);
        let annotations: Vec<_> = shown.iter().filter_map(|record| annotation(record)).collect();
        // What was read since something was shown may delete some of that.
        let rest = recalled.shown.and_then(|shown| recalled.entries.get(shown..));
        let rest = rest.into_iter().flatten();
        let deletions: Vec<_> = rest.filter_map(|record| deletion(record)).collect();
        let Recalled {
            feeds,
            entries,
            whispers,
            fates,
            shown,
            ..
        } = recalled;
        self.log.restore(&cx.room, feeds, entries);
        let dropped = self.sweep(cx);
        if shown.is_some() {
            self.tell_dropped(cx, dropped.clone());
        }
        let is_kept = |id: &MessageId| dropped.binary_search(id).is_err();
        self.untried.retain(|record| is_kept(&record.message_id()));
        let annotations = annotations.into_iter().filter(|annotation| is_kept(&annotation.id));
        let annotations = annotations.collect();
        let whispers = whispers
            .into_iter()
            .filter(|(_, whisper)| is_kept(&whisper.id))
            .collect();
        let unread = head.map_or_else(Vec::new, |head| self.go_on_in(head));
        let kept = messages.into_iter().filter(|message| is_kept(&message.id));
        let messages = by_number(kept, place);
        latest_first(&mut away, &messages);
        cx.event(Event::Recalled { messages });
        tell_annotations(cx, annotations);
        deletions.into_iter().for_each(|deletion| cx.event(deletion));
        self.change_roster(cx, |roster, events| roster.recall_away(away, events));
        self.follow_unread(cx, &unread);
        self.follow_whispers(cx, whispers, &fates);
        // What was said before the store was read.
        self.say_anew(cx, None);
        self.persist(cx);
    }

    /// Reads a part of what was kept, of which the rest follows. The first part is shown at once, as far as anybody looks at first.
    pub(crate) fn recall_part(&mut self, cx: &mut Context, records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        self.recall_all(cx, records);
        if self.recalled.shown.is_some() {
            return;
        }
        self.recalled.shown = Some(self.recalled.entries.len());
        let (entries, whispers) = (self.recalled.as_shown(), &self.recalled.whispers);
        let said = entries.iter().filter_map(|record| message(cx, record));
        let whispers = whispers
            .iter()
            .map(|(author, whisper)| whispered(cx, whisper.clone(), *author));
        let shown = said
            .chain(whispers)
            .filter(|message| !self.has_vanished(cx, message.order));
        let mut messages = by_number(shown, place);
        messages.drain(..messages.len().saturating_sub(RECALLED_FIRST));
        let annotations = entries.iter().filter_map(|record| annotation(record));
        let annotations = annotations.filter(|annotation| !self.has_vanished(cx, annotation.order));
        let annotations = annotations.collect();
        cx.event(Event::Recalled { messages });
        tell_annotations(cx, annotations);
    }

    fn recall_all(&mut self, cx: &mut Context, records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        let mut recalled = std::mem::take(&mut self.recalled);
        for (key, value) in records {
            if let (Some(key), Some(value)) = (Key::read(&key), intact(&value)) {
                self.recall(cx, key, value, &mut recalled);
            }
        }
        self.recalled = recalled;
    }

    /// What is to be shown again, in no order.
    fn recall_messages(
        &mut self,
        cx: &mut Context,
        recalled: &Recalled,
        entries: &[Rc<Record<Entry>>],
    ) -> Vec<Message> {
        let mut messages = Vec::with_capacity(recalled.entries.len());
        for (author, whisper) in &recalled.whispers {
            self.clock.observe(whisper.order, cx.room_millis());
            self.deliveries.hear(*author, whisper.id);
            self.make_room_for(cx, *author, whisper);
            messages.push(whispered(cx, whisper.clone(), *author));
        }
        let mut sealed: Vec<_> = Vec::new();
        for record in entries {
            self.clock.observe(record.content.order, cx.room_millis());
            messages.extend(message(cx, record));
            self.note_setting(cx, record, None);
            let may_be_ours = record.content.sealed().is_some() && record.author != self.me;
            sealed.extend(may_be_ours.then(|| Rc::clone(record)));
        }
        // The log may have lost it.
        let rule = self.settings.rule().and_then(|record| message(cx, record));
        messages.extend(rule.filter(|rule| messages.iter().all(|message| message.id != rule.id)));
        // Another program of this machine may have stored what is for us.
        let sealed = by_number(sealed, |record| u128::from(u64::MAX - record.content.order.as_u64()));
        (self.untried, self.try_at) = (sealed.into(), cx.instant());
        messages
    }

    /// Tries whether sealed entries that were stored are for us: a few at a time, for each costs a key agreement.
    pub(super) fn try_sealed(&mut self, cx: &mut Context) {
        if cx.instant() < self.try_at {
            return;
        }
        self.try_at = cx.instant() + WHISPERS_TRIED_EVERY;
        for _ in 0..WHISPERS_TRIED_AT_ONCE {
            let Some(record) = self.untried.pop_front() else { return };
            if let Some(whisper) = self.whisper_in(cx, &record) {
                show_whisper(cx, whisper, record.author);
            }
        }
    }

    /// What we said and nobody is known to have waits on.
    fn follow_unread(&mut self, cx: &mut Context, unread: &[u64]) {
        let feed = self.own_feed();
        for seq in unread.iter().copied() {
            if let Some(record) = self
                .log
                .entry_at(&feed, seq)
                .filter(|record| record.content.is_message())
            {
                let id = record.message_id();
                let delivery = self.deliveries.say(id, (feed.number, seq), []);
                cx.event(Event::Delivery { id, delivery });
            }
        }
    }

    /// What became of our whispers. Those that did not get through before we left are to wait in the log.
    fn follow_whispers(
        &mut self,
        cx: &mut Context,
        whispers: Vec<(PeerId, Whisper)>,
        fates: &LiteMap<MessageId, Fate>,
    ) {
        for (_, whisper) in whispers.into_iter().filter(|(author, _)| *author == self.me) {
            let id = whisper.id;
            let left = time_left(cx, &whisper);
            let delivery = match (fates.get(&id), left) {
                (Some(Fate::Delivered), _) => Delivery::Sent { delivered: 1, of: 1 },
                (Some(Fate::Failed), _) | (_, None) => Delivery::Failed,
                (Some(Fate::Held { feed: number, seq }), Some(left)) if self.has_own(*number, *seq) => {
                    let until = cx.instant() + left;
                    let held = self.deliveries.hold(id, (*number, *seq), whisper.to, until);
                    held.map_or(Delivery::Failed, |()| Delivery::Waiting)
                }
                (Some(Fate::Held { .. }) | None, Some(_)) => {
                    // An older store may have been put back: others may have another entry in the place that it would take.
                    self.unheld.push(Rc::new(whisper));
                    Delivery::Waiting
                }
            };
            cx.event(Event::Delivery { id, delivery });
        }
    }

    fn has_own(&self, number: u64, seq: u64) -> bool {
        let author = self.me;
        self.log.has(&Feed { author, number }, seq)
    }

    /// A neighbor has no more of our feed than we have: the whispers of former visits take the next places.
    pub(super) fn hold_unheld(&mut self, cx: &mut Context) {
        let whispers = std::mem::take(&mut self.unheld);
        self.hold_whispers(cx, &whispers);
    }

    fn recall(&mut self, cx: &mut Context, key: Key, value: &[u8], recalled: &mut Recalled) {
        match key {
            Key::Entry { feed, seq } => {
                let record = Record::<Entry>::recall(value).ok();
                let record = record.or_else(|| Record::open_bare(value, None));
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
                let whisper = decode(value).ok();
                recalled.whispers.extend(whisper.map(|whisper| (author, whisper)));
            }
            Key::Fate { id } => {
                if let Ok(fate) = decode(value) {
                    recalled.fates.insert(id, fate);
                }
            }
            Key::Setting { kind } => self.recall_setting(cx, kind, value),
            Key::Retention => {
                if let Ok(keep) = decode(value) {
                    self.recall_retention(cx, keep);
                }
            }
            // Those of `files`.
            Key::File { .. } | Key::Hashes { .. } | Key::Pieces { .. } => {}
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
        if self
            .log
            .end_of(&self.own_feed())
            .is_some_and(|(next, _)| next > self.next_seq)
        {
            // Only parts of an older store were put back.
            self.begin_feed();
        }
        head.unread
    }

    /// An entry of our feed came from others. If we did not say it, an older copy of the store was put back, or somebody else speaks with our
    /// key: we go on in a feed that they do not know of.
    pub(super) fn on_said_elsewhere(&mut self, cx: &mut Context, seq: u64) {
        if seq < self.journal.first_unsent().unwrap_or(self.next_seq) {
            return;
        }
        cx.alert(Alert::SaidElsewhere);
        self.begin_feed();
        self.say_anew(cx, None);
        self.hold_unheld(cx);
    }

    pub(super) fn own_feed(&self) -> Feed {
        Feed {
            author: self.me,
            number: self.feed,
        }
    }

    /// Has stored what became of the log.
    pub(super) fn persist(&mut self, cx: &mut Context) {
        let deleted_files = self.log.take_deleted_files();
        self.forget_files(deleted_files);
        let dropped = self.log.take_dropped();
        self.tell_dropped(cx, ascending(dropped));
        if !cx.keeps {
            self.log.drop_changes();
            return;
        }
        let accepted = self.log.accepted();
        let changes = self.log.take_changes();
        // A whisper whose body was dropped changes, and was accepted long ago.
        let changed = changes.iter().filter(|change| change.entry.is_some()).count();
        let mut before = accepted.saturating_sub(changed as u64);
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

    /// Nothing can be stored any more, or another node has our key and goes on with what we stored. What we say from now on goes into a feed
    /// that nobody goes on with.
    pub(crate) fn handle_not_stored(&mut self, cx: &mut Context) {
        (cx.keeps, self.awaits_store) = (false, false);
        self.begin_feed();
        self.say_anew(cx, None);
        self.handle_stored(cx, u64::MAX);
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
        if self.log.fork(&feed).is_some() || records.iter().any(|record| feed_of(record) == feed) {
            self.begin_feed();
        }
        for record in records {
            self.say_one_anew(cx, &record);
        }
    }

    /// What is about a message that was said anew, too, goes on being about it.
    fn say_one_anew(&mut self, cx: &mut Context, refused: &Record<Entry>) {
        let (feed, seq, before) = (feed_of(refused), refused.content.seq, refused.message_id());
        if self.log.entry_at(&feed, seq).is_none() {
            // Nobody else has it under this number, and nobody is to find it under two.
            cx.store(Priority::Soon, Key::Entry { feed, seq }.forget());
        }
        let kind = refused.content.kind;
        let body = self.body_anew(cx, &refused.content);
        let record = self.sign(cx, kind, body, self.settings.next_place(kind));
        let id = record.message_id();
        let place = (self.feed, record.content.seq);
        let is_followed = self.deliveries.change_place((feed.number, seq), place, id);
        let is_rule = self.note_setting(cx, &record, None);
        if is_followed || is_rule {
            cx.event(Event::Renumbered {
                before,
                id,
                order: record.content.order,
            });
        }
        if self.renumbered.len() >= PENDING_MESSAGES_MAX {
            self.renumbered = LiteMap::new();
        }
        self.renumbered.insert(before, id);
        self.publish(cx, record);
    }

    /// What an entry has to say once messages of ours have other ids.
    fn body_anew(&self, cx: &Context, refused: &Entry) -> EntryBody {
        let id_now = |id: &MessageId| self.renumbered.get(id).copied();
        match refused.deletions() {
            Some(deletions) => {
                let ids = deletions
                    .of
                    .iter()
                    .map(|deleted| id_now(&deleted.id).unwrap_or(deleted.id));
                let ids: Vec<_> = ids.collect();
                EntryBody::of(encode(&Deletions::sign(&cx.identity, &cx.room, &ids)))
            }
            None => refused.body_about(id_now),
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
    pub(super) fn keep_whisper(&mut self, cx: &mut Context, author: PeerId, whisper: &Whisper) {
        let id = whisper.id;
        cx.store(Priority::Soon, Key::Whisper { author, id }.keep(whisper));
        self.make_room_for(cx, author, whisper);
    }

    /// Forgets the whispers for which there is no room beside this one.
    fn make_room_for(&mut self, cx: &mut Context, author: PeerId, whisper: &Whisper) {
        for (author, id) in self.conversations.keep(&self.me, author, whisper) {
            cx.store(Priority::Soon, Key::Whisper { author, id }.forget());
            if author == self.me {
                cx.store(Priority::Soon, Key::Fate { id }.forget());
            }
        }
    }
}

/// Tells what is said of messages, if anything is.
pub(super) fn tell_annotations(cx: &mut Context, annotations: Vec<Annotation>) {
    if !annotations.is_empty() {
        cx.event(Event::Annotated { annotations });
    }
}

/// Where a message stands: by the first half of their random ids where two were said at the same time.
fn place(message: &Message) -> u128 {
    let half = id_number(&message.id) >> 64;
    u128::from(message.order.as_u64()) << 64 | half
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

#[cfg(test)]
mod tests;
