//! The crate `negentropy` over the same histories.

use mesh::sim::History;
use negentropy::{Id, Negentropy, NegentropyStorageVector};

/// How many bytes both sides send until the first knows what either lacks.
///
/// # Panics
/// If it does not come to an end.
pub(crate) fn bytes(history: &History, one: impl Fn(usize) -> bool, other: impl Fn(usize) -> bool) -> usize {
    let (mut one, mut other) = (side(history, one), side(history, other));
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let mut message = one.initiate().expect("a new one begins");
    let mut bytes = 0;
    loop {
        bytes += message.len();
        let answer = other.reconcile(&message).expect("both speak the same");
        bytes += answer.len();
        let next = one.reconcile_with_ids(&answer, &mut have, &mut need);
        match next.expect("both speak the same") {
            Some(next) => message = next,
            None => return bytes,
        }
    }
}

fn side(history: &History, has: impl Fn(usize) -> bool) -> Negentropy<'static, NegentropyStorageVector> {
    let mut storage = NegentropyStorageVector::new();
    for (_, (millis, id)) in history.ids().enumerate().filter(|(place, _)| has(*place)) {
        storage
            .insert(millis, Id::from_byte_array(id))
            .expect("it is not sealed yet");
    }
    storage.seal().expect("no id is there twice");
    Negentropy::owned(storage, 0).expect("no limit is no mistake")
}
