//! Range-based set reconciliation of two logs (Meyer, *Range-Based Set Reconciliation*, SRDS 2023; crate `negentropy`).
//!
//! It costs about as much as there are differences, however large the logs are.

use negentropy::{Id, Negentropy, NegentropyStorageVector, Storage};

use crate::{config::RECONCILE_BYTES_MAX, room::log::Log, wire::id::ShortId};

/// What a step of a reconciliation gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reconciled {
    /// What to send back, if it goes on.
    pub(crate) reply: Option<Vec<u8>>,
    /// What the peer lacks.
    pub(crate) have: Vec<ShortId>,
    /// What we lack.
    pub(crate) need: Vec<ShortId>,
}

/// The first message of a reconciliation.
pub(super) fn open(log: &Log) -> Vec<u8> {
    let storage = storage(log);
    let message = over(&storage).and_then(|mut negentropy| negentropy.initiate().ok());
    message.unwrap_or_default()
}

/// Answers a step of a reconciliation that the peer began. `None` if the message is not one.
pub(super) fn answer(log: &Log, message: &[u8]) -> Option<Reconciled> {
    let storage = storage(log);
    let mut negentropy = over(&storage)?;
    let reply = negentropy.reconcile(message).ok()?;
    Some(Reconciled {
        reply: Some(reply),
        ..Reconciled::default()
    })
}

/// Takes the answer to a step of a reconciliation that we began. `None` if the message is not one.
pub(super) fn proceed(log: &Log, message: &[u8]) -> Option<Reconciled> {
    let storage = storage(log);
    let mut negentropy = over(&storage)?;
    negentropy.set_initiator();
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let reply = negentropy.reconcile_with_ids(message, &mut have, &mut need).ok()?;
    let shorts = |ids: Vec<Id>| ids.iter().map(|id| ShortId::of(id.as_bytes())).collect();
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
    use super::*;
    use crate::room::sync::test::{entry, log};

    /// Two logs reconcile; gives what the one that began was told, and after how many messages.
    fn reconcile(ours: &Log, theirs: &Log) -> (Vec<ShortId>, Vec<ShortId>, u32) {
        let mut message = open(ours);
        let (mut have, mut need, mut messages) = (Vec::new(), Vec::new(), 1);
        loop {
            assert!(u64::try_from(message.len()).unwrap() <= RECONCILE_BYTES_MAX);
            let reply = answer(theirs, &message).unwrap();
            assert_eq!(
                (reply.have.len(), reply.need.len()),
                (0, 0),
                "the answering side learns nothing"
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

    #[test]
    fn logs_of_many_feeds_find_exactly_their_differences() {
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
