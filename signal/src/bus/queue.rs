//! What waits for its way to other nodes: bounded in number and bytes, with a share for each site.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    config::{CARRIED_BATCH_BYTES_MAX, CARRIED_BATCH_MAX, CARRIED_BYTES_MAX, CARRIED_MAX},
    hub::{Carried, Network},
    share::may_take,
};

/// The queue from the hub to the bus.
#[derive(Debug, Default)]
pub(crate) struct CarriedQueue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Carried>,
    bytes: usize,
    /// The bytes of each site. Never iterated.
    by_site: HashMap<Network, usize>,
}

impl CarriedQueue {
    /// Queues a word, or gives it back if there is no room for it, or none for its sender's site.
    pub(crate) fn push(&self, carried: Box<Carried>) -> Result<(), Box<Carried>> {
        let (site, bytes) = (carried.sender.network.site(), carried.word.bytes());
        let mut waiting = self.lock();
        let taken = waiting.by_site.get(&site).copied().unwrap_or_default();
        let free = CARRIED_BYTES_MAX.saturating_sub(waiting.bytes);
        if waiting.entries.len() >= CARRIED_MAX || !may_take(taken + bytes, free, CARRIED_BYTES_MAX) {
            return Err(carried);
        }
        waiting.bytes += bytes;
        *waiting.by_site.entry(site).or_default() += bytes;
        waiting.entries.push_back(*carried);
        Ok(())
    }

    /// Wakes the bus. To be called after pushes, when no lock is held any more.
    pub(crate) fn notify(&self) {
        self.changed.notify_one();
    }

    /// Waits until there is something, and takes a batch.
    pub(crate) async fn take(&self) -> Vec<Carried> {
        loop {
            let batch = self.take_waiting();
            if !batch.is_empty() {
                return batch;
            }
            self.changed.notified().await;
        }
    }

    fn take_waiting(&self) -> Vec<Carried> {
        let mut waiting = self.lock();
        let (mut batch, mut batch_bytes) = (Vec::new(), 0);
        while batch.len() < CARRIED_BATCH_MAX && batch_bytes < CARRIED_BATCH_BYTES_MAX {
            let Some(carried) = waiting.entries.pop_front() else {
                break;
            };
            let (site, bytes) = (carried.sender.network.site(), carried.word.bytes());
            waiting.bytes -= bytes;
            batch_bytes += bytes;
            let left = waiting.by_site.get_mut(&site).map_or(0, |taken| {
                *taken -= bytes;
                *taken
            });
            if left == 0 {
                waiting.by_site.remove(&site);
            }
            batch.push(carried);
        }
        batch
    }

    /// Takes all that waits: there is no way for it any more.
    pub(crate) fn clear(&self) -> Vec<Carried> {
        let mut waiting = self.lock();
        let Waiting { entries, .. } = std::mem::take(&mut *waiting);
        entries.into()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No code that can panic runs under this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use shared::{PeerId, RoomId};

    use super::*;
    use crate::{
        bus::Word,
        hub::{ConnId, Sender},
    };

    fn carried(address: u8, bytes: usize) -> Box<Carried> {
        let sender = Sender {
            conn: ConnId(address.into()),
            network: Network::of([192, 0, 2, address].into()),
        };
        let peer = PeerId::from_bytes([address; 32]);
        let word = Word::Relayed {
            room: RoomId::from_bytes([0; 32]),
            to: peer,
            from: peer,
            site: 0,
            payload: "x".repeat(bytes),
        };
        Box::new(Carried { sender, word })
    }

    /// How many of these find room.
    fn fill(queue: &CarriedQueue, address: u8, bytes: usize) -> usize {
        (0..CARRIED_MAX + 1)
            .take_while(|_| queue.push(carried(address, bytes)).is_ok())
            .count()
    }

    #[test]
    fn one_site_has_half_and_leaves_room_to_others() {
        let queue = CarriedQueue::default();
        let most = CARRIED_BYTES_MAX / (60_000 + size_of::<Word>());
        let one = fill(&queue, 1, 60_000);
        assert!(one.abs_diff(most / 2) <= 1, "{one} of {most}");
        assert!(fill(&queue, 2, 60_000) >= most / 5);
    }

    #[test]
    fn small_words_are_bounded_in_number() {
        let queue = CarriedQueue::default();
        let all: usize = (1..40).map(|address| fill(&queue, address, 1)).sum();
        assert_eq!(all, CARRIED_MAX);
    }

    #[tokio::test]
    async fn what_was_taken_is_no_longer_counted_and_a_batch_is_bounded() {
        let queue = CarriedQueue::default();
        let before = fill(&queue, 1, 60_000);
        let mut taken = 0;
        while taken < before {
            let batch = queue.take().await;
            assert!((1..=5).contains(&batch.len()), "{}", batch.len());
            taken += batch.len();
        }
        assert!(queue.lock().by_site.is_empty(), "nobody is remembered for nothing");
        assert_eq!(fill(&queue, 1, 60_000), before);
        assert_eq!(queue.clear().len(), before);
        assert_eq!(fill(&queue, 1, 60_000), before);
    }
}
