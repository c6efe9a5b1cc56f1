//! Anti-entropy between neighbors: whatever broadcast missed is noticed and fetched.
//!
//! Gossip delivers to everyone only *probably*; this layer turns it into the promise. After Demers et al., *Epidemic Algorithms
//! for Replicated Database Maintenance* (PODC 1987), each link compares digests of the two logs: in both hellos, and in
//! every ping and pong. Where they differ for longer than a broadcast takes, the two exchange version vectors, and each
//! fetches what it lacks, a batch at a time. Vectors of more than [`VECTOR_SPANS_MAX`] feeds are not sent; then the two find
//! their differences by [`ranges`], and what is missing is grafted by its id. Who is here is compared and completed in the same way.
//!
//! Owns: for each neighbor, how the two ends compare and what is being fetched. It reads the log and the roster, and changes neither.
//! Not here: the entries themselves ([`log`](super::log)) and who checks them ([`Room`](super::Room)).
//!
//! Invariants: no exchange of logs begins on a link while a batch is awaited there; an exchange that brings nothing new doubles
//! the wait until the next one on this link, up to [`QUIET_MAX`](crate::config::QUIET_MAX); no batch counts that was not asked for.

mod comparison;
mod ranges;

use std::rc::Rc;

use litemap::LiteMap;

use self::comparison::Comparison;
pub(crate) use self::ranges::Reconciled;
use super::{log::Log, roster::Roster};
use crate::{
    config::{BATCH_BYTES_MAX, BATCH_TIMEOUT, PEOPLE_MAX, PEOPLE_TIMEOUT, VECTOR_SPANS_MAX, WANT_SPANS_MAX},
    context::Context,
    io::{Instant, LinkId},
    wire::{
        frame::{Digests, Frame},
        id::ShortId,
        record::{Beacon, Record},
        span::Span,
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

/// How the two ends of one link compare.
#[derive(Debug, Default)]
struct LinkSync {
    logs: Comparison,
    /// What is being fetched.
    fetching: Option<Fetch>,
    people: Comparison,
    /// Until when beacons are awaited that were asked for.
    people_until: Option<Instant>,
}

#[derive(Debug)]
struct Fetch {
    /// What the peer has.
    theirs: Vec<Span>,
    until: Instant,
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
    pub(crate) fn neighbor_up(&mut self, link: LinkId) {
        self.links.insert(link, LinkSync::default());
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
            // Where vectors did not show the difference, it is beyond a gap that nobody can fill.
            if log.feeds() <= VECTOR_SPANS_MAX && !state.logs.is_unfruitful() {
                cx.send(link, &Frame::Have { vector: log.vector() });
            } else {
                send_reconcile(cx, link, true, &ranges::open(log));
            }
        }
        if people {
            state.people_until = Some(now + PEOPLE_TIMEOUT);
            let ids = roster.shorts().collect();
            cx.send(link, &Frame::People { ids });
        }
    }

    /// A neighbor told what it has: asks for what we lack.
    pub(crate) fn handle_have(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        theirs: Vec<Span>,
        log: &Log,
    ) -> Result<(), Violation> {
        if theirs.len() > VECTOR_SPANS_MAX {
            return Err(Violation);
        }
        let lacking = log.lacking(&theirs);
        // If nothing is lacking any more, a batch may still be under way.
        if let Some(state) = self.links.get_mut(&link).filter(|_| !lacking.is_empty()) {
            let until = cx.instant() + BATCH_TIMEOUT;
            state.fetching = Some(Fetch { theirs, until });
            send_want(cx, link, lacking);
        }
        Ok(())
    }

    /// A neighbor wants entries: as many as one batch takes.
    pub(crate) fn handle_want(
        &self,
        cx: &mut Context,
        link: LinkId,
        spans: &[Span],
        log: &Log,
    ) -> Result<(), Violation> {
        if spans.len() > WANT_SPANS_MAX {
            return Err(Violation);
        }
        let mut wires = Vec::new();
        let mut bytes = 0;
        for entry in spans.iter().flat_map(|span| log.entries_of(*span)) {
            bytes += entry.wire.len();
            if bytes > BATCH_BYTES_MAX && !wires.is_empty() {
                break;
            }
            wires.push(entry.wire.as_slice().into());
        }
        cx.send(link, &Frame::Entries { wires });
        Ok(())
    }

    /// Whether entries were asked for: others come uninvited.
    pub(crate) fn is_fetching(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|state| state.fetching.is_some())
    }

    /// What a neighbor said to have, from whom we fetch.
    pub(crate) fn fetched_from(&self, link: LinkId) -> Option<&[Span]> {
        let fetch = self.links.get(&link)?.fetching.as_ref()?;
        Some(&fetch.theirs)
    }

    /// A batch came and was accepted. `fresh`: how many of it were new. Asks for the next.
    pub(crate) fn handle_batch(&mut self, cx: &mut Context, link: LinkId, fresh: usize, log: &Log) {
        let Some(state) = self.links.get_mut(&link) else { return };
        if fresh == 0 {
            // The peer does not keep what it promised.
            state.fetching = None;
            return;
        }
        state.logs.on_progress();
        let Some(fetch) = &mut state.fetching else { return };
        fetch.until = cx.instant() + BATCH_TIMEOUT;
        let lacking = log.lacking(&fetch.theirs);
        if lacking.is_empty() {
            state.fetching = None;
        } else {
            send_want(cx, link, lacking);
        }
    }

    /// The neighbors whose logs, as last told, differ from one with this digest.
    pub(crate) fn lacking_entries(&self, digest: u64) -> impl Iterator<Item = LinkId> {
        let differing = self.links.iter().filter(move |(_, state)| state.logs.differs(digest));
        differing.map(|(link, _)| *link)
    }

    /// A step of a reconciliation: answers it, and gives what it showed.
    pub(crate) fn handle_reconcile(
        &self,
        cx: &mut Context,
        link: LinkId,
        initiator: bool,
        message: &[u8],
        log: &Log,
    ) -> Result<Reconciled, Violation> {
        let step = if initiator {
            ranges::answer(log, message)
        } else {
            ranges::proceed(log, message)
        };
        let step = step.ok_or(Violation)?;
        if let Some(reply) = &step.reply {
            send_reconcile(cx, link, !initiator, reply);
        }
        Ok(step)
    }

    /// A neighbor told who is here: it gets the beacons it lacks. `own`: our last beacon.
    pub(crate) fn handle_people(
        &self,
        cx: &mut Context,
        link: LinkId,
        ids: &[ShortId],
        roster: &Roster,
        own: Option<&Rc<Record<Beacon>>>,
    ) -> Result<(), Violation> {
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
        let mut bytes = 0;
        for beacon in lacking.chain(own) {
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
        Ok(())
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

fn send_want(cx: &mut Context, link: LinkId, mut spans: Vec<Span>) {
    spans.truncate(WANT_SPANS_MAX);
    cx.send(link, &Frame::Want { spans });
}

fn send_reconcile(cx: &mut Context, link: LinkId, initiator: bool, message: &[u8]) {
    let message = message.into();
    cx.send(link, &Frame::Reconcile { initiator, message });
}

/// Logs for tests of this layer.
#[cfg(test)]
mod test {
    use super::*;
    use crate::{
        context::test::identity,
        wire::{record::Entry, timestamp::Timestamp},
    };
    use shared::RoomCode;

    pub(super) fn entry(feed: u64, seq: u64) -> Rc<Record<Entry>> {
        let entry = Entry {
            feed,
            seq,
            order: Timestamp::from_unix_millis(1_000 + feed * 10 + seq),
            unix_millis: 0,
            name: "Ann".into(),
            kind: Entry::CHAT,
            body: b"hi".to_vec().into(),
        };
        Record::sign(&identity(1), &RoomCode::parse("lobby").unwrap().open(), entry)
    }

    pub(super) fn log(entries: impl IntoIterator<Item = (u64, u64)>) -> Log {
        let mut log = Log::new([1; 32]);
        for (feed, seq) in entries {
            log.accept(&entry(feed, seq));
        }
        log
    }
}

#[cfg(test)]
mod tests {
    use super::{
        test::{entry, log},
        *,
    };
    use crate::{context::test::peer, io::Output};

    const LINK: LinkId = LinkId(1);

    struct Rig {
        cx: Context,
        sync: Sync,
        roster: Roster,
    }

    impl Rig {
        fn new() -> Self {
            let mut sync = Sync::default();
            sync.neighbor_up(LINK);
            Self {
                cx: Context::test(1),
                sync,
                roster: Roster::new([1; 32]),
            }
        }

        /// The neighbor tells the digest of its log. Gives what is sent.
        fn digest(&mut self, urgency: Urgency, ours: &Log, theirs: u64) -> Vec<String> {
            let people = self.roster.digest(&peer(1));
            let digests = Digests { log: theirs, people };
            self.sync
                .handle_digests(&mut self.cx, LINK, digests, urgency, ours, &self.roster);
            self.sent()
        }

        /// The frames sent since the last time, as text.
        fn sent(&mut self) -> Vec<String> {
            let text = |output| {
                let Output::Transmit { bytes, .. } = output else {
                    panic!("{output:?}");
                };
                text(&Frame::decode(&bytes[1..]).unwrap())
            };
            self.cx.outputs().into_iter().map(text).collect()
        }
    }

    fn text(frame: &Frame<'_>) -> String {
        format!("{frame:?}")
    }

    fn have(log: &Log) -> String {
        text(&Frame::Have { vector: log.vector() })
    }

    fn want(spans: Vec<Span>) -> String {
        text(&Frame::Want { spans })
    }

    #[test]
    fn a_small_log_is_compared_by_vectors_and_one_of_many_feeds_by_ranges() {
        let few = log([(1, 0), (2, 0)]);
        assert_eq!(Rig::new().digest(Urgency::AtOnce, &few, 0), [have(&few)]);
        let span_count = u64::try_from(VECTOR_SPANS_MAX).unwrap();
        let many = log((0..=span_count).map(|feed| (feed, 0)));
        let sent = Rig::new().digest(Urgency::AtOnce, &many, 0);
        assert!(sent.len() == 1 && sent[0].starts_with("Reconcile"), "{sent:?}");
    }

    #[test]
    fn equal_logs_and_people_say_nothing() {
        let ours = log([(1, 0)]);
        assert_eq!(Rig::new().digest(Urgency::AtOnce, &ours, ours.digest()), [""; 0]);
    }

    #[test]
    fn no_exchange_begins_while_a_batch_is_awaited() {
        let (ours, theirs) = (log([(1, 0)]), log([(1, 0), (1, 1), (2, 0)]));
        let mut rig = Rig::new();
        assert_eq!(rig.digest(Urgency::AtOnce, &ours, theirs.digest()), [have(&ours)]);
        rig.cx.wait(10);
        rig.sync.handle_have(&mut rig.cx, LINK, theirs.vector(), &ours).unwrap();
        assert_eq!(rig.sent(), [want(ours.lacking(&theirs.vector()))]);
        rig.cx.wait(9_000);
        assert_eq!(rig.digest(Urgency::Patient, &ours, theirs.digest()), [""; 0]);
        assert_eq!(rig.digest(Urgency::AtOnce, &ours, theirs.digest()), [""; 0]);
        // A batch that does not come is not waited for without end.
        rig.cx.wait(1_000);
        assert_eq!(rig.digest(Urgency::AtOnce, &ours, theirs.digest()).len(), 1);
    }

    #[test]
    fn batches_are_asked_for_until_nothing_is_lacking() {
        let (mut ours, theirs) = (log([]), log([(1, 0), (1, 1), (2, 0)]));
        let mut rig = Rig::new();
        rig.sync.handle_have(&mut rig.cx, LINK, theirs.vector(), &ours).unwrap();
        rig.sent();
        ours.accept(&entry(1, 0));
        rig.sync.handle_batch(&mut rig.cx, LINK, 1, &ours);
        assert_eq!(rig.sent(), [want(ours.lacking(&theirs.vector()))]);
        ours.accept(&entry(1, 1));
        ours.accept(&entry(2, 0));
        rig.sync.handle_batch(&mut rig.cx, LINK, 2, &ours);
        assert_eq!((rig.sent(), rig.sync.is_fetching(LINK)), (vec![], false));
    }

    #[test]
    fn a_neighbor_that_does_not_keep_what_it_promised_is_not_asked_any_more() {
        let (mut ours, theirs) = (log([]), log([(1, 0), (1, 1)]));
        let mut rig = Rig::new();
        rig.sync.handle_have(&mut rig.cx, LINK, theirs.vector(), &ours).unwrap();
        rig.sent();
        rig.sync.handle_batch(&mut rig.cx, LINK, 0, &ours);
        ours.accept(&entry(1, 0));
        rig.sync.handle_batch(&mut rig.cx, LINK, 1, &ours);
        assert_eq!((rig.sent(), rig.sync.is_fetching(LINK)), (vec![], false));
    }

    #[test]
    fn a_batch_is_bounded_and_holds_one_entry_at_least() {
        let mut rig = Rig::new();
        let ours = log((0..3).map(|seq| (1, seq)));
        rig.sync.handle_want(&mut rig.cx, LINK, &ours.vector(), &ours).unwrap();
        let expected = (0..3).map(|seq| entry(1, seq)).collect::<Vec<_>>();
        let wires = expected.iter().map(|entry| entry.wire.as_slice().into()).collect();
        assert_eq!(rig.sent(), [text(&Frame::Entries { wires })]);
    }

    #[test]
    fn what_is_over_its_bound_is_a_violation() {
        let (ours, mut rig) = (log([]), Rig::new());
        let span = log([(1, 0)]).vector()[0];
        let too_many = vec![span; VECTOR_SPANS_MAX + 1];
        assert_eq!(
            rig.sync.handle_have(&mut rig.cx, LINK, too_many.clone(), &ours),
            Err(Violation)
        );
        assert_eq!(
            rig.sync.handle_want(&mut rig.cx, LINK, &too_many, &ours),
            Err(Violation)
        );
        let ids = vec![ShortId(1); PEOPLE_MAX + 1];
        assert_eq!(
            rig.sync.handle_people(&mut rig.cx, LINK, &ids, &rig.roster, None),
            Err(Violation)
        );
        assert_eq!(
            rig.sync.handle_reconcile(&mut rig.cx, LINK, true, &[9; 30], &ours),
            Err(Violation)
        );
        assert_eq!(rig.sent(), [""; 0]);
    }

    #[test]
    fn beacons_are_awaited_only_once_they_were_asked_for_and_for_a_while() {
        let (ours, mut rig) = (log([]), Rig::new());
        assert!(!rig.sync.awaits_beacons(rig.cx.instant(), LINK));
        let (log, people) = (ours.digest(), !rig.roster.digest(&peer(1)));
        let digests = Digests { log, people };
        rig.sync
            .handle_digests(&mut rig.cx, LINK, digests, Urgency::AtOnce, &ours, &rig.roster);
        assert_eq!(rig.sent(), [text(&Frame::People { ids: vec![] })]);
        assert!(rig.sync.awaits_beacons(rig.cx.instant(), LINK));
        rig.cx.wait(u64::try_from(PEOPLE_TIMEOUT.as_millis()).unwrap() + 1);
        assert!(!rig.sync.awaits_beacons(rig.cx.instant(), LINK));
    }
}
