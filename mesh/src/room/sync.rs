//! Anti-entropy between neighbors: whatever broadcast missed is noticed and fetched.
//!
//! Gossip delivers to everyone only *probably*; this layer turns it into the promise. After Demers et al., *Epidemic Algorithms
//! for Replicated Database Maintenance* (PODC 1987), each link compares digests of the two logs: in both hellos, and in
//! every ping and pong. Where they differ for longer than a broadcast takes, the two find out [where](ranges), tell each other what they have there, and each
//! fetches what it lacks, a batch at a time. Both see the difference at once, and one begins: the one with the lower id. If an exchange brought nothing, whole
//! version vectors are told, in pages of [`VECTOR_SPANS_MAX`]. Who is here is compared and completed in the same way.
//!
//! Owns: for each neighbor, how the two ends compare and what is being fetched. It reads the log and the roster, and changes neither.
//! Not here: the entries themselves ([`log`](super::log)) and who checks them ([`Room`](super::Room)).
//!
//! Invariants: no exchange of logs begins on a link while a batch is awaited there; an exchange that brings nothing new doubles
//! the wait until the next one on this link, up to [`QUIET_MAX`](crate::config::QUIET_MAX); as many batches count as were asked for.

pub(crate) mod backlog;
mod comparison;
mod ranges;

use std::rc::Rc;

use litemap::LiteMap;

use self::{
    comparison::Comparison,
    ranges::{Answer, ascending, more_than, pages},
};
use super::{log::Log, roster::Roster};
use crate::{
    back_off::back_off,
    bucket::Bucket,
    config::{
        BATCH_BYTES_MAX, BATCH_TIMEOUT, COMPARED_MAX, DISPLACED_BURST, DISPLACED_PER_SECOND, LOG_FEEDS_MAX, PEOPLE_MAX,
        PEOPLE_TIMEOUT, QUESTION_BYTES, QUIET_MAX, QUIET_MIN, VECTOR_SPANS_MAX, WANT_SPANS_MAX,
    },
    context::Context,
    io::{Instant, LinkId},
    wire::{
        fragment::Fragments,
        frame::{Digests, Frame},
        id::ShortId,
        record::{Beacon, Record},
        span::{LogDigest, Range, Span, Sums},
    },
};

/// A frame that no honest neighbor sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Violation;

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct Sync {
    links: LiteMap<LinkId, LinkSync>,
}

/// Which end of a link begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lead {
    /// This one.
    Ours,
    /// The other one; this one if nothing comes of that.
    Theirs,
}

/// How the two ends of one link compare.
#[derive(Debug)]
struct LinkSync {
    lead: Lead,
    logs: Comparison<LogDigest>,
    /// What is being fetched.
    fetching: Option<Fetch>,
    /// How many batches were asked for that have not come: each question has one answer, however late.
    awaited: u32,
    people: Comparison<u64>,
    /// When this neighbor is asked again for what was skipped, and how often it was in vain.
    ask_at: Instant,
    asked: u32,
    /// How many of its new feeds may yet take the place of others in a full log.
    displacing: Bucket,
    /// Until when beacons are awaited that were asked for.
    people_until: Option<Instant>,
}

#[derive(Debug)]
struct Fetch {
    /// What the peer has.
    theirs: Vec<Span>,
    until: Instant,
    /// Whether it told more of that since it was asked last.
    learned: bool,
}

impl Fetch {
    /// The peer told more of what it has. What it says of a feed takes the place of what it said before.
    fn learn(&mut self, theirs: Vec<Span>) {
        let mut told: LiteMap<ShortId, ()> = LiteMap::new();
        for span in &theirs {
            told.insert(span.feed, ());
        }
        self.theirs.retain(|span| !told.contains_key(&span.feed));
        self.learned = true;
        self.theirs.extend(theirs);
        self.theirs.truncate(LOG_FEEDS_MAX);
    }
}

/// Whether an exchange may begin at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// The link is new: nothing is under way on it.
    AtOnce,
    /// What differs may be a broadcast under way.
    Patient,
}

impl Sync {
    /// A neighbor said hello.
    pub(crate) fn neighbor_up(&mut self, link: LinkId, lead: Lead) {
        self.links.insert(link, LinkSync::new(lead));
    }

    /// A link is over.
    pub(crate) fn neighbor_down(&mut self, link: LinkId) {
        self.links.remove(&link);
    }

    /// A neighbor told its digests: begins an exchange if it is time.
    pub(crate) fn handle_digests(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        theirs: Digests,
        urgency: Urgency,
        log: &Log,
        roster: &Roster,
    ) {
        let now = cx.instant();
        let ours = roster.digest(&cx.me);
        let at_once = urgency == Urgency::AtOnce;
        let Some(state) = self.links.get_mut(&link) else { return };
        let fetching = state.fetching.as_ref().is_some_and(|fetch| now < fetch.until);
        let logs = state.logs.on_digest(now, theirs.log, log.digest(), at_once) && !fetching;
        let people = state.people.on_digest(now, theirs.people, ours, at_once);
        if logs {
            let waits = u32::from(state.lead == Lead::Theirs);
            match state.logs.begun().saturating_sub(waits) {
                0 => {}
                1 => _ = send_answer(cx, link, Answer::first(log)),
                // Hashes so short can agree where logs do not.
                _ => _ = send_vector(cx, link, log.vector()),
            }
        }
        // Of what we skipped on somebody's word, this one may have some, though the digests do not tell.
        let skipped = if !fetching && (at_once || now >= state.ask_at) {
            log.skipped(state.asked)
        } else {
            Vec::new()
        };
        if !skipped.is_empty() {
            state.ask_at = now + back_off(state.asked, QUIET_MIN, QUIET_MAX);
            state.asked = state.asked.saturating_add(1);
            state.fetching = Some(Fetch {
                theirs: skipped.clone(),
                until: now + BATCH_TIMEOUT,
                learned: false,
            });
            state.send_want(cx, link, skipped);
        }
        if people {
            state.people_until = Some(now + PEOPLE_TIMEOUT);
            let ids = roster.shorts().collect();
            cx.send(link, &Frame::People { ids });
        }
    }

    /// A neighbor compares what it has: tells it more of where that differs. Gives what that costs, in bytes.
    pub(crate) fn handle_compare(
        &self,
        cx: &mut Context,
        link: LinkId,
        theirs: &[Sums],
        log: &Log,
    ) -> Result<usize, Violation> {
        if theirs.len() > COMPARED_MAX || !ascending(theirs.iter().map(|theirs| theirs.range)) {
            return Err(Violation);
        }
        let looked_at = QUESTION_BYTES * theirs.len();
        Ok(looked_at + send_answer(cx, link, Answer::to(log, theirs)))
    }

    /// A neighbor told what it has: asks for what we lack, and tells what we have more in these ranges. Gives the bytes of that.
    pub(crate) fn handle_have(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        theirs: Vec<Span>,
        ranges: &[Range],
        log: &Log,
    ) -> usize {
        let sent = send_vector(cx, link, more_than(log, &theirs, ranges));
        let Some(state) = self.links.get_mut(&link) else {
            return sent;
        };
        let now = cx.instant();
        if let Some(fetch) = state.fetching.as_mut().filter(|fetch| now < fetch.until) {
            // A batch is under way: the next one is asked for by the newer vector, or this is a further page of it.
            fetch.learn(theirs);
            return sent;
        }
        let lacking = log.lacking(&theirs, || state.displacing.take(now));
        if !lacking.is_empty() {
            state.fetching = Some(Fetch {
                theirs,
                until: now + BATCH_TIMEOUT,
                learned: false,
            });
            self.send_want(cx, link, lacking);
        }
        sent
    }

    /// A neighbor wants entries: as many as one batch takes. Gives the bytes sent.
    pub(crate) fn handle_want(
        &self,
        cx: &mut Context,
        link: LinkId,
        spans: &[Span],
        log: &Log,
    ) -> Result<usize, Violation> {
        if spans.len() > WANT_SPANS_MAX {
            return Err(Violation);
        }
        let mut wires = Vec::new();
        let mut bytes = 0;
        let entries = spans
            .iter()
            .flat_map(|span| log.entries_of(*span))
            .map(|entry| &entry.wire);
        let headers = spans
            .iter()
            .filter_map(|span| log.header_of(*span))
            .map(|header| &header.wire);
        for wire in entries.chain(headers) {
            bytes += wire.len();
            if bytes > BATCH_BYTES_MAX && !wires.is_empty() {
                break;
            }
            wires.push(wire.as_slice().into());
        }
        cx.send(link, &Frame::Entries { wires });
        Ok(bytes)
    }

    /// A batch came.
    ///
    /// # Errors
    /// [`Violation`] if it was not asked for.
    pub(crate) fn take_batch(&mut self, link: LinkId) -> Result<(), Violation> {
        let state = self.links.get_mut(&link).filter(|state| state.awaited > 0);
        state.ok_or(Violation)?.awaited -= 1;
        Ok(())
    }

    /// A neighbor showed that a feed is over: the logs differ by less.
    pub(crate) fn note_fork(&mut self, link: LinkId) {
        if let Some(state) = self.links.get_mut(&link) {
            state.logs.on_progress();
        }
    }

    /// What a neighbor said to have, from whom we fetch.
    pub(crate) fn fetched_from(&self, link: LinkId) -> Option<&[Span]> {
        let fetch = self.links.get(&link)?.fetching.as_ref()?;
        Some(&fetch.theirs)
    }

    /// A neighbor is asked for nothing more until logs are compared again.
    pub(crate) fn rest(&mut self, link: LinkId) {
        if let Some(state) = self.links.get_mut(&link) {
            state.fetching = None;
        }
    }

    /// A batch came and was accepted. `fresh`: how many of it were new. Asks for the next.
    pub(crate) fn handle_batch(&mut self, cx: &mut Context, link: LinkId, fresh: usize, log: &Log) {
        let Some(state) = self.links.get_mut(&link) else { return };
        if fresh > 0 {
            state.logs.on_progress();
            state.asked = 0;
        } else if !state.fetching.as_ref().is_some_and(|fetch| fetch.learned) {
            // The peer does not keep what it promised.
            state.fetching = None;
        }
        let Some(fetch) = &mut state.fetching else { return };
        fetch.learned = false;
        let now = cx.instant();
        fetch.until = now + BATCH_TIMEOUT;
        let lacking = log.lacking(&fetch.theirs, || state.displacing.take(now));
        if lacking.is_empty() {
            state.fetching = None;
        } else {
            self.send_want(cx, link, lacking);
        }
    }

    /// Asks for what is lacking. Of many neighbors that are asked at the same time each is to begin somewhere else, so that none sends what another one is sending.
    fn send_want(&mut self, cx: &mut Context, link: LinkId, lacking: Vec<Span>) {
        let now = cx.instant();
        let is_asked = |state: &LinkSync| state.fetching.as_ref().is_some_and(|fetch| now < fetch.until);
        let asked: Vec<_> = self.links.iter().filter(|(_, state)| is_asked(state)).collect();
        let place = asked.iter().position(|(asked, _)| **asked == link).unwrap_or_default();
        let lacking = from_part(lacking, place as u64, asked.len() as u64);
        if let Some(state) = self.links.get_mut(&link) {
            state.send_want(cx, link, lacking);
        }
    }

    /// How many entries are being fetched, that no link counts twice.
    pub(crate) fn left(&self, now: Instant, log: &Log) -> u64 {
        let mut left: LiteMap<ShortId, u64> = LiteMap::new();
        let fetches = self.links.values().filter_map(|state| state.fetching.as_ref());
        for span in fetches
            .filter(|fetch| now < fetch.until)
            .flat_map(|fetch| &fetch.theirs)
        {
            let lacking = span.next.saturating_sub(span.first.max(log.next_of(span.feed)));
            let known = left.get(&span.feed).copied().unwrap_or_default();
            left.insert(span.feed, known.max(lacking));
        }
        left.values().fold(0, |sum, lacking| sum.saturating_add(*lacking))
    }

    /// The neighbors whose logs, as last told, differ from one with this digest.
    pub(crate) fn lacking_entries(&self, digest: LogDigest) -> impl Iterator<Item = LinkId> {
        let differing = self.links.iter().filter(move |(_, state)| state.logs.differs(digest));
        differing.map(|(link, _)| *link)
    }

    /// A neighbor told who is here: it gets the beacons it lacks. `own`: our last beacon. Gives the bytes sent.
    pub(crate) fn handle_people(
        &self,
        cx: &mut Context,
        link: LinkId,
        ids: &[ShortId],
        roster: &Roster,
        own: Option<&Rc<Record<Beacon>>>,
    ) -> Result<usize, Violation> {
        if ids.len() > PEOPLE_MAX {
            return Err(Violation);
        }
        // In ascending order, as honest neighbors send them, each goes to the end.
        let mut known: LiteMap<ShortId, ()> = LiteMap::new();
        for id in ids {
            known.insert(*id, ());
        }
        let lacking = roster.beacons();
        let lacking = lacking.filter(|beacon| !known.contains_key(&ShortId::of_peer(&beacon.author)));
        let mut wires = Vec::new();
        let (mut bytes, mut sent) = (0, 0);
        for beacon in lacking.chain(own) {
            sent += beacon.wire.len();
            if bytes + beacon.wire.len() > BATCH_BYTES_MAX {
                bytes = 0;
                let wires = std::mem::take(&mut wires);
                cx.send(link, &Frame::Beacons { wires });
            }
            bytes += beacon.wire.len();
            wires.push(beacon.wire.as_slice().into());
        }
        if !wires.is_empty() {
            cx.send(link, &Frame::Beacons { wires });
        }
        Ok(sent)
    }

    /// Whether beacons were asked for.
    pub(crate) fn awaits_beacons(&self, now: Instant, link: LinkId) -> bool {
        let until = self.links.get(&link).and_then(|state| state.people_until);
        until.is_some_and(|until| now <= until)
    }

    /// Beacons came that we lacked.
    pub(crate) fn note_people_progress(&mut self, link: LinkId) {
        if let Some(state) = self.links.get_mut(&link) {
            state.people.on_progress();
        }
    }

    /// The neighbors who, as last told, know of others than those with this digest.
    pub(crate) fn lacking_people(&self, digest: u64) -> impl Iterator<Item = LinkId> {
        let differing = self.links.iter().filter(move |(_, state)| state.people.differs(digest));
        differing.map(|(link, _)| *link)
    }
}

/// These spans, beginning with part `place` of so many.
fn from_part(spans: Vec<Span>, place: u64, parts: u64) -> Vec<Span> {
    let numbers = |span: &Span| span.next.saturating_sub(span.first);
    let all = spans.iter().map(numbers).fold(0, u64::saturating_add);
    let mut before = (all / parts.max(1)).saturating_mul(place);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for span in spans {
        if before == 0 {
            first.push(span);
        } else if before >= numbers(&span) {
            before -= numbers(&span);
            last.push(span);
        } else {
            let middle = span.first + before;
            before = 0;
            first.push(Span { first: middle, ..span });
            last.push(Span { next: middle, ..span });
        }
    }
    first.append(&mut last);
    first
}

/// Whether a neighbor may tell so much at once.
pub(crate) fn check_have(theirs: &[Span], ranges: &[Range]) -> Result<(), Violation> {
    let is_short = theirs.len() <= VECTOR_SPANS_MAX && ranges.len() <= VECTOR_SPANS_MAX;
    (is_short && ascending(ranges.iter().copied()))
        .then_some(())
        .ok_or(Violation)
}

/// Sends a vector. Gives the bytes.
fn send_vector(cx: &mut Context, link: LinkId, vector: Vec<Span>) -> usize {
    let frames = pages(vector).into_iter();
    let frames = frames.map(|vector| Frame::Have { vector, ranges: None });
    frames.map(|frame| send(cx, link, &frame)).sum()
}

/// Sends what a comparison begins or goes on with. Gives the bytes.
fn send_answer(cx: &mut Context, link: LinkId, answer: Answer) -> usize {
    let compared = answer
        .sums
        .chunks(COMPARED_MAX)
        .map(|sums| Frame::Compare { ranges: sums.to_vec() });
    let told = answer.pages.into_iter().map(|page| Frame::Have {
        vector: page.vector,
        ranges: Some(page.ranges).filter(|ranges| !ranges.is_empty()),
    });
    compared.chain(told).map(|frame| send(cx, link, &frame)).sum()
}

fn send(cx: &mut Context, link: LinkId, frame: &Frame<'_>) -> usize {
    let fragments = Fragments::of(frame);
    cx.transmit(link, &fragments);
    fragments.bytes()
}

impl LinkSync {
    fn new(lead: Lead) -> Self {
        Self {
            lead,
            logs: Comparison::default(),
            fetching: None,
            awaited: 0,
            people: Comparison::default(),
            ask_at: Instant::default(),
            asked: 0,
            displacing: Bucket::per_second(DISPLACED_PER_SECOND, DISPLACED_BURST),
            people_until: None,
        }
    }

    fn send_want(&mut self, cx: &mut Context, link: LinkId, mut spans: Vec<Span>) {
        spans.truncate(WANT_SPANS_MAX);
        self.awaited = self.awaited.saturating_add(1);
        cx.send(link, &Frame::Want { spans });
    }
}

/// Logs for tests of this layer.
#[cfg(test)]
mod test {
    use super::{super::log::Source, *};
    use crate::{
        context::test::identity,
        wire::{
            entry::{Entry, EntryBody},
            span::Feed,
            timestamp::Timestamp,
        },
    };
    use shared::RoomCode;

    pub(super) fn entry(feed: u64, seq: u64) -> Rc<Record<Entry>> {
        let entry = Entry {
            feed,
            seq,
            prev: seq.checked_sub(1).map(|before| entry(feed, before).id.into()),
            order: Timestamp::from_unix_millis(1_000 + feed * 10 + seq),
            unix_millis: 0,
            name: "Ann".into(),
            kind: Entry::CHAT,
            body: EntryBody::of("hi"),
        };
        Record::sign(&identity(1), &RoomCode::parse("lobby").unwrap().open(), entry)
    }

    pub(super) fn log(entries: impl IntoIterator<Item = (u64, u64)>) -> Log {
        let mut log = Log::new(
            [1; 32],
            Feed {
                author: identity(9).peer_id(),
                number: 9,
            },
        );
        for (feed, seq) in entries {
            log.accept(&entry(feed, seq), Source::Broadcast);
        }
        log
    }
}

#[cfg(test)]
mod tests;
