//! Sync, fed alone.

use super::super::log::Source;
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
        sync.neighbor_up(LINK, Lead::Ours);
        Self {
            cx: Context::test(1),
            sync,
            roster: Roster::new([1; 32]),
        }
    }

    /// The neighbor tells the digest of its log. Gives what is sent.
    fn digest(&mut self, urgency: Urgency, ours: &Log, theirs: LogDigest) -> Vec<String> {
        let people = self.roster.digest(&peer(1));
        let digests = Digests { log: theirs, people };
        self.sync
            .handle_digests(&mut self.cx, LINK, digests, urgency, ours, &self.roster);
        self.sent()
    }

    fn is_fetching(&self) -> bool {
        self.sync.fetched_from(LINK).is_some()
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

/// How an exchange begins of a log with a few feeds.
fn tells_all(log: &Log) -> String {
    text(&Frame::Have {
        vector: log.vector_of(Range::ALL),
        ranges: Some(vec![Range::ALL]),
    })
}

fn want(spans: Vec<Span>) -> String {
    let spans = spans.into_iter().map(|span| Span { head: None, ..span }).collect();
    text(&Frame::Want { spans })
}

#[test]
fn an_exchange_begins_with_hashes_where_there_are_many_feeds_and_one_that_brought_nothing_tells_all() {
    let few = log([(1, 0), (2, 0)]);
    assert_eq!(
        Rig::new().digest(Urgency::AtOnce, &few, LogDigest::default()),
        [tells_all(&few)]
    );
    let span_count = u64::try_from(VECTOR_SPANS_MAX).unwrap();
    let many = log((0..=span_count).map(|feed| (feed, 0)));
    let compare = || {
        let ranges = vec![many.sums_of(Range::ALL)];
        vec![text(&Frame::Compare { ranges })]
    };
    let pages: Vec<_> = many
        .vector()
        .chunks(VECTOR_SPANS_MAX)
        .map(|page| {
            let (vector, ranges) = (page.to_vec(), None);
            text(&Frame::Have { vector, ranges })
        })
        .collect();
    for (lead, expected) in [
        (Lead::Ours, vec![vec![], compare(), pages.clone()]),
        // Left to the other end at first.
        (Lead::Theirs, vec![vec![], vec![], compare(), pages]),
    ] {
        let mut rig = Rig::new();
        rig.sync.neighbor_up(LINK, lead);
        for expected in expected {
            assert!(rig.digest(Urgency::Patient, &many, LogDigest::default()) == expected);
            rig.cx.wait(10_000);
        }
    }
}

#[test]
fn a_comparison_is_answered_with_what_differs_and_a_vector_with_what_there_is_more() {
    let mut rig = Rig::new();
    let ours = log((0..100).map(|feed| (feed, 0)));
    let theirs = log((0..100).map(|feed| (feed, 0)).chain([(7, 1)]));
    rig.sync
        .handle_compare(&mut rig.cx, LINK, &[theirs.sums_of(Range::ALL)], &ours)
        .unwrap();
    let name = Range::ALL.parts().find(|part| {
        let [one, other] = [&ours, &theirs].map(|log| log.vector_of(*part));
        one != other
    });
    let name = name.unwrap();
    let (vector, ranges) = (ours.vector_of(name), Some(vec![name]));
    assert_eq!(
        rig.sent(),
        [text(&Frame::Have {
            vector: vector.clone(),
            ranges
        })]
    );
    rig.sync.handle_have(&mut rig.cx, LINK, vector, &[name], &theirs);
    let more: Vec<_> = theirs
        .vector_of(name)
        .into_iter()
        .filter(|span| span.next == 2)
        .collect();
    assert_eq!(more.len(), 1);
    let (vector, ranges) = (more, None);
    assert_eq!(rig.sent(), [text(&Frame::Have { vector, ranges })]);
}

#[test]
fn further_pages_of_a_vector_join_the_fetch_that_the_first_began() {
    let (mut ours, theirs) = (log([]), log([(1, 0), (2, 0)]));
    let spans = theirs.vector();
    let mut rig = Rig::new();
    for page in spans.chunks(1) {
        rig.sync.handle_have(&mut rig.cx, LINK, page.to_vec(), &[], &ours);
    }
    assert_eq!(rig.sent(), [want(vec![spans[0]])]);
    ours.accept(&entry(2, 0), Source::Broadcast);
    rig.sync.handle_batch(&mut rig.cx, LINK, 1, &ours);
    assert_eq!(rig.sent(), [want(vec![spans[1]])]);
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
    assert_eq!(rig.digest(Urgency::AtOnce, &ours, theirs.digest()), [tells_all(&ours)]);
    rig.cx.wait(10);
    rig.sync.handle_have(&mut rig.cx, LINK, theirs.vector(), &[], &ours);
    assert_eq!(rig.sent(), [want(ours.lacking(&theirs.vector(), || false))]);
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
    rig.sync.handle_have(&mut rig.cx, LINK, theirs.vector(), &[], &ours);
    rig.sent();
    ours.accept(&entry(1, 0), Source::Broadcast);
    rig.sync.handle_batch(&mut rig.cx, LINK, 1, &ours);
    assert_eq!(rig.sent(), [want(ours.lacking(&theirs.vector(), || false))]);
    ours.accept(&entry(1, 1), Source::Broadcast);
    ours.accept(&entry(2, 0), Source::Broadcast);
    rig.sync.handle_batch(&mut rig.cx, LINK, 2, &ours);
    assert_eq!((rig.sent(), rig.is_fetching()), (vec![], false));
}

#[test]
fn a_vector_that_comes_while_a_batch_is_awaited_does_not_ask_twice() {
    let (mut ours, theirs) = (log([]), log([(1, 0), (1, 1)]));
    let mut rig = Rig::new();
    assert_eq!(rig.sync.take_batch(LINK), Err(Violation), "nothing was asked for");
    rig.sync.handle_have(&mut rig.cx, LINK, theirs.vector(), &[], &ours);
    assert_eq!(rig.sent().len(), 1);
    let more = log([(1, 0), (1, 1), (2, 0)]);
    rig.sync.handle_have(&mut rig.cx, LINK, more.vector(), &[], &ours);
    assert_eq!(rig.sent(), [""; 0]);
    assert_eq!(rig.sync.take_batch(LINK), Ok(()));
    ours.accept(&entry(1, 0), Source::Broadcast);
    rig.sync.handle_batch(&mut rig.cx, LINK, 1, &ours);
    assert_eq!(rig.sent(), [want(ours.lacking(&more.vector(), || false))]);
    // That one is late, and is asked for again by a newer vector: both may come.
    rig.cx.wait(10_000);
    rig.sync.handle_have(&mut rig.cx, LINK, more.vector(), &[], &ours);
    assert_eq!(rig.sent().len(), 1);
    let batches = [(); 3].map(|()| rig.sync.take_batch(LINK));
    assert_eq!(batches, [Ok(()), Ok(()), Err(Violation)]);
}

#[test]
fn neighbors_that_are_asked_at_the_same_time_begin_at_different_places() {
    let (ours, theirs) = (log([]), log((0..6).map(|seq| (1, seq)).chain([(2, 0), (2, 1)])));
    let mut rig = Rig::new();
    let links = [LINK, LinkId(2), LinkId(3), LinkId(4)];
    let mut starts = Vec::new();
    for link in links {
        rig.sync.neighbor_up(link, Lead::Ours);
        rig.sync.handle_have(&mut rig.cx, link, theirs.vector(), &[], &ours);
        rig.sent();
    }
    for link in links {
        let lacking = ours.lacking(&theirs.vector(), || false);
        rig.sync.send_want(&mut rig.cx, link, lacking.clone());
        let place = starts.len() as u64;
        let spans = from_part(lacking, place, 4);
        assert_eq!(spans.iter().map(|span| span.next - span.first).sum::<u64>(), 8);
        starts.push((spans[0].feed, spans[0].first));
        assert_eq!(rig.sent(), [want(spans)]);
    }
    starts.dedup();
    assert_eq!(starts.len(), 4, "{starts:?}");
    assert_eq!(from_part(Vec::new(), 0, 0), []);
}

#[test]
fn a_neighbor_that_does_not_keep_what_it_promised_is_not_asked_any_more() {
    let (mut ours, theirs) = (log([]), log([(1, 0), (1, 1)]));
    let mut rig = Rig::new();
    rig.sync.handle_have(&mut rig.cx, LINK, theirs.vector(), &[], &ours);
    rig.sent();
    rig.sync.handle_batch(&mut rig.cx, LINK, 0, &ours);
    ours.accept(&entry(1, 0), Source::Broadcast);
    rig.sync.handle_batch(&mut rig.cx, LINK, 1, &ours);
    assert_eq!((rig.sent(), rig.is_fetching()), (vec![], false));
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
    assert_eq!(check_have(&too_many, &[]), Err(Violation));
    assert_eq!(
        rig.sync.handle_want(&mut rig.cx, LINK, &too_many, &ours),
        Err(Violation)
    );
    let twice = [Range::ALL; 2];
    assert_eq!(check_have(&[], &twice), Err(Violation));
    let sums = vec![ours.sums_of(Range::ALL); 2];
    assert_eq!(rig.sync.handle_compare(&mut rig.cx, LINK, &sums, &ours), Err(Violation));
    let ids = vec![ShortId(1); PEOPLE_MAX + 1];
    assert_eq!(
        rig.sync.handle_people(&mut rig.cx, LINK, &ids, &rig.roster, None),
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
