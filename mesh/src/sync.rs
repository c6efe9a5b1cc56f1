//! Anti-entropy between neighbors: whatever broadcast missed is noticed and fetched.
//!
//! Gossip delivers to everyone only *probably*; this layer turns it into the promise. After Demers et al., *Epidemic Algorithms
//! for Replicated Database Maintenance* (PODC 1987), each link compares digests of the two logs: in both hellos, and in
//! every ping and pong. Where they differ for longer than a broadcast takes, the two exchange version vectors, and each
//! fetches what it lacks, a batch at a time. Vectors of more than [`VECTOR_SPANS_MAX`] origins are not sent; then the two find
//! their differences by range-based set reconciliation (Meyer, *Range-Based Set Reconciliation*, SRDS 2023; crate
//! `negentropy`), which costs about as much as there are differences, and what is missing is grafted by its id.
//!
//! Invariants: at most one fetch is under way on a link; an exchange that brings nothing new doubles the wait until the next
//! one on this link, up to [`QUIET_MAX`]; what an exchange brought is announced to the neighbors whose digest says that
//! they may lack it, so that it spreads on.
//!
//! Not here: the entries themselves ([`log`](crate::log)) and who checks them ([`Node`](crate::Node)).

use std::time::Duration;

use negentropy::{Id, Negentropy, NegentropyStorageVector, Storage};

use crate::{
    config::{RECONCILE_BYTES_MAX, VECTOR_SPANS_MAX},
    io::Instant,
    log::{Log, Span},
    record::Short,
};

/// For how long digests may differ before that is taken for more than records under way.
pub const DIFFER_MAX: Duration = Duration::from_millis(2_000);

/// The wait between exchanges on a link, at first.
pub const QUIET_MIN: Duration = Duration::from_secs(3);

/// The wait between exchanges on a link at most.
pub const QUIET_MAX: Duration = Duration::from_secs(60);

/// How long a batch is waited for.
const BATCH_TIMEOUT: Duration = Duration::from_secs(10);

/// How something at both ends of a link compares, by digests.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The digest the peer last told us.
    theirs: Option<u64>,
    differs_since: Option<Instant>,
    quiet_until: Instant,
    /// Exchanges in a row that brought nothing.
    fruitless: u32,
}

impl Comparison {
    /// The peer told its digest. Says whether that calls for an exchange, which is then taken to begin. `at_once`: without
    /// waiting for what is under way.
    pub fn on_digest(&mut self, now: Instant, theirs: u64, ours: u64, at_once: bool) -> bool {
        self.theirs = Some(theirs);
        if theirs == ours {
            (self.differs_since, self.fruitless) = (None, 0);
            return false;
        }
        let since = *self.differs_since.get_or_insert(now);
        let due = at_once || (now.since(since) >= DIFFER_MAX && now >= self.quiet_until);
        if due {
            let wait = QUIET_MIN.saturating_mul(2u32.saturating_pow(self.fruitless));
            self.quiet_until = now + wait.min(QUIET_MAX);
            self.fruitless = self.fruitless.saturating_add(1);
        }
        due
    }

    /// An exchange brought something.
    pub fn on_fruit(&mut self) {
        self.fruitless = 0;
    }

    /// Whether the peer's digest, as last told, is another than `ours`.
    #[must_use]
    pub fn differs(&self, ours: u64) -> bool {
        self.theirs.is_some_and(|theirs| theirs != ours)
    }
}

/// How one link's logs compare, and what is fetched over it.
#[derive(Debug, Default)]
pub struct LinkSync {
    comparison: Comparison,
    /// What the peer has, while we fetch from it.
    fetching: Option<Fetch>,
}

#[derive(Debug)]
struct Fetch {
    theirs: Vec<Span>,
    until: Instant,
}

/// What to send for an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Our version vector.
    Have(Vec<Span>),
    /// The first message of a reconciliation.
    Reconcile(Vec<u8>),
}

impl LinkSync {
    /// The peer told its digest. Gives what to send if that calls for an exchange. `at_once`: without waiting for
    /// broadcasts under way.
    pub fn on_digest(&mut self, now: Instant, theirs: u64, at_once: bool, log: &Log) -> Option<Opening> {
        let fetching = self.fetching.as_ref().is_some_and(|fetch| now < fetch.until);
        let due = self.comparison.on_digest(now, theirs, log.digest(), at_once);
        (due && !fetching).then(|| opening(log, self.comparison.fruitless > 1))
    }

    /// Whether the peer's digest, as last told, differs from ours.
    #[must_use]
    pub fn differs(&self, log: &Log) -> bool {
        self.comparison.differs(log.digest())
    }

    /// The peer told what it has. Gives what to ask it for.
    pub fn on_have(&mut self, now: Instant, theirs: Vec<Span>, log: &Log) -> Vec<Span> {
        let lacking = log.lacking(&theirs);
        // If nothing is lacking any more, a batch may still be under way.
        if !lacking.is_empty() {
            let until = now + BATCH_TIMEOUT;
            self.fetching = Some(Fetch { theirs, until });
        }
        lacking
    }

    /// Whether entries were asked for: others come uninvited.
    #[must_use]
    pub fn is_fetching(&self) -> bool {
        self.fetching.is_some()
    }

    /// A batch came and was taken. `fresh`: how many of it were new. Gives what to ask for next.
    pub fn on_batch(&mut self, now: Instant, fresh: usize, log: &mut Log) -> Vec<Span> {
        if fresh == 0 {
            // The peer does not keep what it promised.
            self.fetching = None;
            return Vec::new();
        }
        self.comparison.on_fruit();
        let Some(fetch) = &mut self.fetching else {
            return Vec::new();
        };
        fetch.until = now + BATCH_TIMEOUT;
        log.jump(&fetch.theirs);
        let lacking = log.lacking(&fetch.theirs);
        if lacking.is_empty() {
            self.fetching = None;
        }
        lacking
    }
}

/// What to begin an exchange with. `fruitless`: vectors did not show the difference; it is beyond a gap that nobody can fill.
fn opening(log: &Log, fruitless: bool) -> Opening {
    if log.origins() <= VECTOR_SPANS_MAX && !fruitless {
        return Opening::Have(log.vector());
    }
    let storage = storage(log);
    let message = over(&storage).and_then(|mut negentropy| negentropy.initiate().ok());
    Opening::Reconcile(message.unwrap_or_default())
}

/// What a step of a reconciliation gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// What to send back, if it goes on.
    pub reply: Option<Vec<u8>>,
    /// What the peer lacks.
    pub have: Vec<Short>,
    /// What we lack.
    pub need: Vec<Short>,
}

/// Answers a step of a reconciliation that the peer began. `None` if the message is not one.
#[must_use]
pub fn answer(log: &Log, message: &[u8]) -> Option<Reconciled> {
    let storage = storage(log);
    let mut negentropy = over(&storage)?;
    let reply = negentropy.reconcile(message).ok()?;
    Some(Reconciled {
        reply: Some(reply),
        ..Reconciled::default()
    })
}

/// Takes the answer to a step of a reconciliation that we began. `None` if the message is not one.
#[must_use]
pub fn proceed(log: &Log, message: &[u8]) -> Option<Reconciled> {
    let storage = storage(log);
    let mut negentropy = over(&storage)?;
    negentropy.set_initiator();
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let reply = negentropy.reconcile_with_ids(message, &mut have, &mut need).ok()?;
    let shorts = |ids: Vec<Id>| ids.iter().map(|id| Short::of(id.as_bytes())).collect();
    Some(Reconciled {
        reply,
        have: shorts(have),
        need: shorts(need),
    })
}

fn over(storage: &NegentropyStorageVector) -> Option<Negentropy<'_, NegentropyStorageVector>> {
    Negentropy::new(Storage::Borrowed(storage), RECONCILE_BYTES_MAX).ok()
}

/// Every entry, by its place in the one order and its id. Made anew for each step: between two of them the log may have
/// grown, which the algorithm takes in its stride.
fn storage(log: &Log) -> NegentropyStorageVector {
    let mut storage = NegentropyStorageVector::with_capacity(log.len());
    for entry in log.iter() {
        let order = entry.content.order.as_u64();
        // Refused only once sealed, and for the one timestamp that stands for infinity.
        let _ = storage.insert(order.min(u64::MAX - 1), Id::from_byte_array(entry.id));
    }
    let _ = storage.seal();
    storage
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use shared::{Identity, RoomCode};

    use super::*;
    use crate::{
        io::Timestamp,
        record::{Entry, Record},
    };

    fn at(millis: u64) -> Instant {
        Instant::from_millis(100_000 + millis)
    }

    fn entry(incarnation: u64, seq: u64) -> Rc<Record<Entry>> {
        let entry = Entry {
            incarnation,
            seq,
            order: Timestamp::from_unix_millis(1_000 + incarnation * 10 + seq),
            unix_millis: 0,
            name: "Ann".into(),
            kind: Entry::CHAT,
            body: b"hi".to_vec().into(),
        };
        Record::sign(
            &Identity::from_secret(&[1; 32]),
            &RoomCode::parse("lobby").unwrap().open(),
            entry,
        )
    }

    fn log(entries: impl IntoIterator<Item = (u64, u64)>) -> Log {
        let mut log = Log::default();
        for (incarnation, seq) in entries {
            log.take(&entry(incarnation, seq));
        }
        log
    }

    #[test]
    fn digests_that_differ_for_longer_than_a_broadcast_call_for_an_exchange() {
        let mut comparison = Comparison::default();
        assert!(!comparison.on_digest(at(0), 1, 2, false));
        assert!(comparison.differs(2) && !comparison.differs(1));
        assert!(!comparison.on_digest(at(1_999), 1, 2, false));
        assert!(comparison.on_digest(at(2_000), 1, 2, false));
    }

    #[test]
    fn digests_that_agreed_in_between_begin_to_differ_anew() {
        let mut comparison = Comparison::default();
        comparison.on_digest(at(0), 1, 2, false);
        assert!(!comparison.on_digest(at(1_900), 2, 2, false));
        assert!(!comparison.on_digest(at(2_000), 1, 2, false));
        assert!(comparison.on_digest(at(4_000), 1, 2, false));
    }

    #[test]
    fn a_new_link_does_not_wait() {
        let mut comparison = Comparison::default();
        assert!(comparison.on_digest(at(0), 1, 2, true));
        let mut comparison = Comparison::default();
        assert!(!comparison.on_digest(at(0), 2, 2, true));
    }

    #[test]
    fn fruitless_exchanges_double_the_wait_up_to_a_minute_and_fruit_ends_that() {
        let mut comparison = Comparison::default();
        let mut millis = 0;
        let mut begun = Vec::new();
        let mut follow = |comparison: &mut Comparison, until: u64, begun: &mut Vec<u64>| {
            while millis <= until {
                if comparison.on_digest(at(millis), 1, 2, false) {
                    begun.push(millis);
                }
                millis += 500;
            }
        };
        follow(&mut comparison, 200_000, &mut begun);
        assert_eq!(begun, [2_000, 5_000, 11_000, 23_000, 47_000, 95_000, 155_000]);
        begun.clear();
        comparison.on_fruit();
        follow(&mut comparison, 222_000, &mut begun);
        assert_eq!(begun, [215_000, 218_000], "what was agreed on before stands");
    }

    #[test]
    fn a_small_log_is_compared_by_vectors_and_one_of_many_origins_by_ranges() {
        let few = log([(1, 0), (2, 0)]);
        let opening = LinkSync::default().on_digest(at(0), 0, true, &few);
        assert_eq!(opening, Some(Opening::Have(few.vector())));
        let span_count = u64::try_from(VECTOR_SPANS_MAX).unwrap();
        let many = log((0..=span_count).map(|incarnation| (incarnation, 0)));
        let opening = LinkSync::default().on_digest(at(0), 0, true, &many);
        assert!(matches!(opening, Some(Opening::Reconcile(_))));
    }

    #[test]
    fn one_fetch_is_under_way_at_a_time() {
        let (ours, theirs) = (log([(1, 0)]), log([(1, 0), (1, 1), (2, 0)]));
        let mut sync = LinkSync::default();
        assert!(sync.on_digest(at(0), theirs.digest(), true, &ours).is_some());
        let wanted = sync.on_have(at(10), theirs.vector(), &ours);
        assert_eq!(wanted, ours.lacking(&theirs.vector()));
        assert_eq!(wanted.len(), 2);
        assert_eq!(sync.on_digest(at(9_000), theirs.digest(), false, &ours), None);
        assert_eq!(sync.on_digest(at(9_500), theirs.digest(), true, &ours), None);
        // A batch that does not come is not waited for without end.
        assert!(sync.on_digest(at(10_010), theirs.digest(), true, &ours).is_some());
    }

    #[test]
    fn batches_are_asked_for_until_nothing_is_lacking_or_one_brings_nothing() {
        let (mut ours, theirs) = (log([]), log([(1, 0), (1, 1), (2, 0)]));
        let mut sync = LinkSync::default();
        sync.on_have(at(0), theirs.vector(), &ours);
        ours.take(&entry(1, 0));
        assert_eq!(sync.on_batch(at(10), 1, &mut ours).len(), 2);
        ours.take(&entry(1, 1));
        ours.take(&entry(2, 0));
        assert_eq!(sync.on_batch(at(20), 2, &mut ours), []);

        let mut ours = log([]);
        sync.on_have(at(0), theirs.vector(), &ours);
        assert_eq!(sync.on_batch(at(10), 0, &mut ours), [], "the peer promised more");
        ours.take(&entry(1, 0));
        assert_eq!(sync.on_batch(at(20), 1, &mut ours), [], "and is not asked any more");
    }

    /// Two logs reconcile; gives what the one that began was told, and after how many messages.
    fn reconcile(ours: &Log, theirs: &Log) -> (Vec<Short>, Vec<Short>, u32) {
        let mut message = match opening_by_ranges(ours) {
            Opening::Reconcile(message) => message,
            other => panic!("{other:?}"),
        };
        let (mut have, mut need, mut messages) = (Vec::new(), Vec::new(), 1);
        loop {
            assert!(u64::try_from(message.len()).unwrap() <= RECONCILE_BYTES_MAX);
            let reply = answer(theirs, &message).unwrap();
            assert_eq!(
                (reply.have.len(), reply.need.len()),
                (0, 0),
                "who answers learns nothing"
            );
            let step = proceed(ours, &reply.reply.unwrap()).unwrap();
            messages += 2;
            have.extend(step.have);
            need.extend(step.need);
            match step.reply {
                Some(next) => message = next,
                None => break,
            }
        }
        have.sort();
        need.sort();
        (have, need, messages)
    }

    /// As a log of many origins begins.
    fn opening_by_ranges(log: &Log) -> Opening {
        assert!(log.origins() > VECTOR_SPANS_MAX);
        LinkSync::default().on_digest(at(0), !log.digest(), true, log).unwrap()
    }

    #[test]
    fn logs_of_many_origins_find_exactly_their_differences() {
        let common = |except: u64| {
            (0..400)
                .filter(move |number| number % 57 != except)
                .map(|number| (number, 0))
        };
        let (ours, theirs) = (log(common(3)), log(common(5)));
        let shorts = |differs: u64| {
            let numbers = (0..400).filter(|number| number % 57 == differs);
            let mut shorts: Vec<_> = numbers.map(|number| entry(number, 0).short()).collect();
            shorts.sort();
            shorts
        };
        let (have, need, messages) = reconcile(&ours, &theirs);
        assert_eq!((have, need), (shorts(5), shorts(3)));
        assert!(messages <= 9, "{messages}");
        let (have, need, _) = reconcile(&ours, &ours);
        assert_eq!((have, need), (vec![], vec![]));
    }

    #[test]
    fn what_is_no_step_of_a_reconciliation_is_refused() {
        let log = log([(1, 0)]);
        for nonsense in [&[][..], &[0xff; 40], &[0x61, 0, 0, 9]] {
            assert_eq!(answer(&log, nonsense), None);
            assert_eq!(proceed(&log, nonsense), None);
        }
    }
}
