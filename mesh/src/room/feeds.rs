//! Entries as they come, by broadcast and by sync: accepted into the log, shown and passed on; and the end of a feed whose author has
//! forked it.
//!
//! Invariant: whatever ends a feed here is passed on, so that it ends with everybody.

use std::rc::Rc;

use super::{
    Room,
    broadcast::Route,
    log::{Accepted, Source, feed_of},
    receive::Handled,
    sync::{Violation, check_have},
    tell_news,
};
use crate::{
    config::{FORKS_TOLD_MAX, QUESTION_BYTES},
    context::Context,
    io::LinkId,
    model::{Alert, Delivery},
    wire::{
        entry::{Entry, Header},
        fork::Fork,
        fragment::Fragments,
        frame::Frame,
        id::{ShortId, Tree},
        record::{Record, Unchecked},
        span::{Range, Span, Sums},
        stored::Fate,
    },
};

impl Room {
    /// An entry was broadcast to us.
    pub(super) fn on_entry(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        hops: u8,
        fan_out: u16,
        tree: Tree,
        wire: &[u8],
    ) -> Handled {
        cx.counters.entries_broadcast += 1;
        let unchecked = Unchecked::read(wire).map_err(|_| Violation)?;
        let id = unchecked.short();
        let route = self
            .trees
            .entry_route(ShortId::of_peer(&unchecked.author), tree, fan_out);
        if self.broadcast.has_seen(id) || self.log.find(id).is_some() {
            cx.counters.entries_repeated += 1;
            self.on_duplicate(cx, link, route);
            return Ok(());
        }
        let Some(record) = self.check::<Entry>(cx, link, &unchecked, wire.len())? else {
            return Ok(());
        };
        if let Some(record) = self.accept_entry(cx, &record, Source::Broadcast)
            && !self.has_vanished(cx, record.content.order)
        {
            cx.counters.entry_hops = u64::from(hops);
            self.pass_entry(cx, &record, hops, route, Some(link));
        }
        Ok(())
    }

    /// Accepts an entry into the log and shows it. Gives it as it is kept, if it was new.
    fn accept_entry(
        &mut self,
        cx: &mut Context,
        record: &Rc<Record<Entry>>,
        source: Source,
    ) -> Option<Rc<Record<Entry>>> {
        let kept = self.take_entry(cx, record, source)?;
        self.show_entry(cx, &kept);
        Some(kept)
    }

    /// Accepts an entry into the log. Gives it as it is kept, if it was new.
    pub(crate) fn take_entry(
        &mut self,
        cx: &mut Context,
        record: &Rc<Record<Entry>>,
        source: Source,
    ) -> Option<Rc<Record<Entry>>> {
        let record = self.log.as_kept(record);
        match self.log.accept(&record, source) {
            Accepted::New => {
                self.clock.observe(record.content.order, cx.room_millis());
                if feed_of(&record) == self.own_feed() {
                    self.on_said_elsewhere(cx, record.content.seq);
                }
                self.hasten_beacon(cx.instant());
                Some(record)
            }
            Accepted::Known => {
                self.broadcast.note_seen(record.short());
                None
            }
            Accepted::Forked => {
                self.broadcast.note_seen(record.short());
                if let Some(fork) = self.log.fork(&feed_of(&record)) {
                    self.follow_fork(cx, &fork, None);
                }
                None
            }
            // Not noted as seen: sync brings it in its turn.
            Accepted::TooEarly => None,
        }
    }

    /// Hands an entry to the neighbors that are to get it now, over so many links so far.
    pub(super) fn pass_entry(
        &mut self,
        cx: &mut Context,
        record: &Record<Entry>,
        hops: u8,
        route: Route,
        from: Option<LinkId>,
    ) {
        let frame = |fan_out| {
            Fragments::of(&Frame::Entry {
                hops: hops.saturating_add(1),
                fan_out,
                tree: route.tree,
                wire: record.wire.as_slice().into(),
            })
        };
        let mut encoded: Option<(u16, Fragments)> = None;
        for target in self.broadcast.publish(cx.instant(), record.short(), route, from) {
            // Encoded anew only for another share of the fan-out.
            let (_, frame) = match encoded.take() {
                Some(same) if same.0 == target.fan_out => encoded.insert(same),
                _ => encoded.insert((target.fan_out, frame(target.fan_out))),
            };
            cx.transmit(target.link, frame);
        }
    }

    /// Somebody proves that an author has forked a feed.
    pub(super) fn on_fork(&mut self, cx: &mut Context, link: LinkId, one: &[u8], other: &[u8]) -> Handled {
        let feed = Fork::peek(one).map_err(|_| Violation)?;
        if self.log.fork(&feed).is_some() || !self.neighbors.may_be_checked(cx.instant(), link) {
            return Ok(());
        }
        let fork = Fork::open(one, other, &cx.room).map_err(|_| Violation)?;
        self.sync.note_fork(link);
        self.log.end(fork.clone());
        self.follow_fork(cx, &fork, Some(link));
        Ok(())
    }

    /// A feed is over: everybody is to know, and our person, once, whom not to trust.
    pub(super) fn follow_fork(&mut self, cx: &mut Context, fork: &Fork, from: Option<LinkId>) {
        let author = fork.feed.author;
        if author == self.me {
            self.on_own_fork(cx, fork.feed.number);
        }
        // A key costs nothing: who it is matters only of somebody who is known here.
        if self.log.forks_of(&author) == 1 && (author == self.me || self.roster.state(&author).is_some()) {
            cx.alert(Alert::Equivocated { peer: author });
        }
        let frame = Fragments::of(&fork.frame());
        for link in self.neighbors.links().filter(|link| Some(*link) != from) {
            cx.transmit(link, &frame);
        }
    }

    /// Somebody else speaks with our key. What we say goes into a feed that they do not know of; what was said in this one is no longer in any log.
    fn on_own_fork(&mut self, cx: &mut Context, feed: u64) {
        if feed == self.feed {
            self.say_anew(cx, None);
        }
        let (unread, whispers) = self.deliveries.end_feed(feed);
        let failed = unread.into_iter().map(|id| (id, Delivery::Failed));
        tell_news(cx, failed);
        for id in whispers {
            self.settle_whisper(cx, id, Fate::Failed);
        }
    }

    /// A neighbor told what it has: hears which of these feeds are over, and is asked for what we lack.
    pub(super) fn on_have(&mut self, cx: &mut Context, link: LinkId, vector: Vec<Span>, ranges: &[Range]) -> Handled {
        check_have(&vector, ranges)?;
        self.answer(cx, link, |room, cx| Ok(room.handle_have(cx, link, vector, ranges)))
    }

    /// A neighbor compares what it has.
    pub(super) fn on_compare(&mut self, cx: &mut Context, link: LinkId, theirs: &[Sums]) -> Handled {
        self.answer(cx, link, |room, cx| {
            room.sync.handle_compare(cx, link, theirs, &room.log)
        })
    }

    fn handle_have(&mut self, cx: &mut Context, link: LinkId, vector: Vec<Span>, ranges: &[Range]) -> usize {
        let forks = vector.iter().filter_map(|span| self.log.fork_of(span.feed));
        let forks: Vec<_> = forks.take(FORKS_TOLD_MAX).collect();
        let mut bytes = QUESTION_BYTES * (vector.len() + ranges.len());
        for fork in forks {
            let frame = Fragments::of(&fork.frame());
            bytes += frame.bytes();
            cx.transmit(link, &frame);
        }
        self.log.skip_gaps(&vector);
        // Has it told what it has of our feed, that is no more than we have?
        let own = self.own_feed().short();
        let told = vector.iter().find(|span| span.feed == own);
        let is_no_more = match told {
            Some(told) => told.next <= self.next_seq,
            None => ranges.iter().any(|range| range.contains(own)),
        };
        if is_no_more {
            self.hold_unheld(cx);
        }
        bytes += self.sync.handle_have(cx, link, vector, ranges, &self.log);
        self.tell_backlog(cx, 0);
        bytes
    }

    /// A batch of entries that we wanted.
    pub(super) fn on_entries<'a>(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        wires: impl Iterator<Item = &'a [u8]>,
    ) -> Handled {
        // Uninvited ones are a violation; broadcast is the way for those.
        self.sync.take_batch(link)?;
        let (mut fresh, mut invalid, mut skipped, mut bytes) = (Vec::new(), 0, false, 0);
        for wire in wires {
            bytes += wire.len();
            // Entries of the peer itself are not counted against it: they were asked for.
            let Ok(record) = Record::<Entry>::open(wire, &cx.room) else {
                if let Some(bare) = self.spent_whisper(cx, wire) {
                    skipped |= self.accept_entry(cx, &bare, Source::Sync).is_some();
                    continue;
                }
                match Header::open(wire, &cx.room) {
                    Ok(header) => skipped |= self.log.skip_past(header),
                    Err(_) => invalid += 1,
                }
                continue;
            };
            if self.accept_entry(cx, &record, Source::Sync).is_some() {
                cx.counters.entries_synced += 1;
                self.broadcast.note_seen(record.short());
                fresh.push(record.short());
            }
        }
        let others = self.sync.lacking_entries(self.log.digest()).collect();
        self.announce(cx.instant(), link, others, &fresh);
        if let Some(theirs) = self.sync.fetched_from(link).filter(|_| !fresh.is_empty()) {
            self.log.skip_gaps(theirs);
        }
        if !self.neighbors.may_fetch_on(cx.instant(), link, bytes) {
            self.sync.rest(link);
        }
        let news = fresh.len() + usize::from(skipped);
        self.sync.handle_batch(cx, link, news, &self.log);
        self.note_invalid(link, invalid);
        self.tell_backlog(cx, news);
        Ok(())
    }

    /// Tells how far a backlog has come in, if there is one.
    pub(super) fn tell_backlog(&mut self, cx: &mut Context, came: usize) {
        let left = self.sync.left(cx.instant(), &self.log);
        if let Some(event) = self.backlog.note(came, left) {
            cx.event(event);
        }
    }
}

#[cfg(test)]
mod tests;
