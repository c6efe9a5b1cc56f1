//! The outbound queue of one socket: bounded in messages and in bytes, and without memory while empty.
//!
//! Two kinds of events wait in it. *Payloads of others* are beyond the reader's power: if there are too many, further ones are refused to whoever sends
//! them. One sender has at most a quarter of the places, however many there are, and all senders of one address as many as they leave free, so that
//! nobody keeps others from being heard. *Answers* to what the reader asks itself have places of their own: a reader that keeps asking and never reads
//! loses its socket.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use shared::signal::{CloseCode, Event};
use tokio::sync::Notify;

use crate::{
    config::{Limits, QUEUE_SENDERS_MIN, QUEUED_EVENT_BYTES, WRITE_BATCH_MESSAGES_MAX},
    hub::Sender,
    share::may_take,
};

/// The queue from the hub to the task of a socket.
#[derive(Debug, Default)]
pub(crate) struct OutboundQueue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    payloads: Account,
    answers: Account,
    close: Option<CloseCode>,
}

/// An event; with its sender if it is a payload of another.
#[derive(Debug)]
struct Entry {
    event: Event,
    sender: Option<Sender>,
}

/// How much there is of something.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    messages: usize,
    bytes: usize,
}

impl Account {
    fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes;
    }

    fn remove(&mut self, bytes: usize) {
        self.messages -= 1;
        self.bytes -= bytes;
    }

    /// Whether one more of so many bytes fits. One always fits: a limit on the queue must not become a smaller limit on messages.
    fn has_room(&self, bytes: usize, messages_max: usize, bytes_max: usize) -> bool {
        self.messages == 0 || (self.messages < messages_max && self.bytes.saturating_add(bytes) <= bytes_max)
    }
}

impl Waiting {
    fn account(&mut self, sender: Option<Sender>) -> &mut Account {
        match sender {
            Some(_) => &mut self.payloads,
            None => &mut self.answers,
        }
    }

    /// Whether the sender's share has room for one more.
    fn has_share(&self, limits: &Limits, sender: Sender, bytes: usize) -> bool {
        let (messages_max, bytes_max) = (limits.queue_messages_max, limits.queue_bytes_max);
        let (own_messages_max, own_bytes_max) =
            ((messages_max / QUEUE_SENDERS_MIN).max(1), bytes_max / QUEUE_SENDERS_MIN);
        // As long as all have less than the share of one, nobody needs to be counted.
        if self.payloads.messages < own_messages_max && self.payloads.bytes.saturating_add(bytes) <= own_bytes_max {
            return true;
        }
        let (mut own, mut of_network) = (Account::default(), Account::default());
        for entry in &self.entries {
            if let Some(other) = entry
                .sender
                .filter(|other| other.network.site() == sender.network.site())
            {
                let bytes = bytes_of(&entry.event);
                of_network.add(bytes);
                if other.conn == sender.conn {
                    own.add(bytes);
                }
            }
        }
        let free = |max: usize, taken: usize| max.saturating_sub(taken);
        own.has_room(bytes, own_messages_max, own_bytes_max)
            && may_take(
                of_network.messages,
                free(messages_max, self.payloads.messages),
                messages_max,
            )
            && of_network.bytes < free(bytes_max, self.payloads.bytes)
    }
}

/// The next step for the task of the socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send the events that were taken.
    Send,
    /// Nothing more will come: close.
    Close(CloseCode),
    /// Wait.
    Nothing,
}

impl OutboundQueue {
    /// Queues an answer, or gives it back if the reader has too many to read. After a close, events are dropped.
    pub(crate) fn push(&self, limits: &Limits, event: Event) -> Result<(), Event> {
        self.push_from(limits, None, event)
    }

    /// Queues a payload of another, or gives it back if there is no room for it. After a close, events are dropped.
    pub(crate) fn push_payload(&self, limits: &Limits, sender: Sender, event: Event) -> Result<(), Event> {
        self.push_from(limits, Some(sender), event)
    }

    fn push_from(&self, limits: &Limits, sender: Option<Sender>, event: Event) -> Result<(), Event> {
        let bytes = bytes_of(&event);
        let mut waiting = self.lock();
        if waiting.close.is_some() {
            return Ok(());
        }
        let (messages_max, bytes_max) = (limits.queue_messages_max, limits.queue_bytes_max);
        let fits = waiting.account(sender).has_room(bytes, messages_max, bytes_max)
            && sender.is_none_or(|sender| waiting.has_share(limits, sender, bytes));
        if !fits {
            return Err(event);
        }
        waiting.account(sender).add(bytes);
        waiting.entries.push_back(Entry { event, sender });
        Ok(())
    }

    /// Queues a close behind the waiting events. For a slow reader the waiting events are dropped: they would only delay the close.
    pub(crate) fn close(&self, code: CloseCode) {
        let mut waiting = self.lock();
        if waiting.close.is_none() {
            if code == CloseCode::SlowReader {
                waiting.entries = VecDeque::new();
                (waiting.payloads, waiting.answers) = (Account::default(), Account::default());
            }
            waiting.close = Some(code);
        }
    }

    /// Wakes the task of the socket. To be called after pushes and closes, when no lock is held any more.
    pub(crate) fn notify(&self) {
        self.changed.notify_one();
    }

    /// Moves the next events into `batch`: [`WRITE_BATCH_MESSAGES_MAX`] at most.
    pub(crate) fn take(&self, batch: &mut Vec<Event>) -> Next {
        let mut waiting = self.lock();
        if waiting.entries.is_empty() {
            // A large batch must not cost memory for as long as the socket lives. Room for the next batch is kept.
            waiting.entries.shrink_to(WRITE_BATCH_MESSAGES_MAX);
            return waiting.close.map_or(Next::Nothing, Next::Close);
        }
        for _ in 0..WRITE_BATCH_MESSAGES_MAX {
            let Some(Entry { event, sender }) = waiting.entries.pop_front() else {
                break;
            };
            waiting.account(sender).remove(bytes_of(&event));
            batch.push(event);
        }
        Next::Send
    }

    /// Waits for a notification since the last call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No code that can panic runs under this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(event: &Event) -> usize {
    match event {
        Event::Relayed { payload, .. } => payload.len() + QUEUED_EVENT_BYTES,
        Event::Challenge { .. } | Event::Refused { .. } | Event::Ping {} | Event::Pong {} | Event::Draining {} => {
            QUEUED_EVENT_BYTES
        }
        // A sample of eight ids and a handful of ICE servers; a statement of the founder's.
        Event::Welcome { .. } | Event::Peers { .. } | Event::IceServers { .. } | Event::Closed { .. } => {
            4 * QUEUED_EVENT_BYTES
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::PeerId;

    use super::*;
    use crate::hub::{ConnId, Network};

    fn take(queue: &OutboundQueue) -> (Next, Vec<Event>) {
        let mut batch = Vec::new();
        (queue.take(&mut batch), batch)
    }

    fn relayed(bytes: usize) -> Event {
        Event::Relayed {
            from: PeerId::from_bytes([0; 32]),
            payload: "x".repeat(bytes),
        }
    }

    /// A sender with this number, at the address with that one.
    fn sender(conn: u64, address: u8) -> Sender {
        Sender {
            conn: ConnId(conn),
            network: Network::of([192, 0, 2, address].into()),
        }
    }

    /// Queues payloads of each of the senders in turn until there is room for none; gives how many of each.
    fn fill(queue: &OutboundQueue, limits: &Limits, senders: &[Sender], bytes: usize) -> Vec<usize> {
        let mut counts = vec![0; senders.len()];
        loop {
            let before = counts.clone();
            for (count, sender) in counts.iter_mut().zip(senders) {
                *count += usize::from(queue.push_payload(limits, *sender, relayed(bytes)).is_ok());
            }
            if counts == before {
                return counts;
            }
        }
    }

    #[test]
    fn answers_are_bounded_in_messages_and_in_bytes() {
        let limits = Limits {
            queue_messages_max: 3,
            queue_bytes_max: 2_000,
            ..Limits::default()
        };
        let queue = OutboundQueue::default();
        for _ in 0..3 {
            assert_eq!(queue.push(&limits, Event::Ping {}), Ok(()));
        }
        assert_eq!(queue.push(&limits, Event::Pong {}), Err(Event::Pong {}));
        let queue = OutboundQueue::default();
        assert_eq!(queue.push(&limits, relayed(60_000)), Ok(()), "one always fits");
        assert_eq!(queue.push(&limits, Event::Ping {}), Err(Event::Ping {}));
        assert_eq!(take(&queue), (Next::Send, vec![relayed(60_000)]));
        assert_eq!(queue.push(&limits, Event::Ping {}), Ok(()), "the account is settled");
    }

    #[test]
    fn a_sender_has_a_quarter_and_an_address_leaves_as_much_as_it_takes() {
        let limits = Limits::default();
        for (bytes, most) in [(10, 256), (10_000, 52)] {
            let queue = OutboundQueue::default();
            let one = fill(&queue, &limits, &[sender(1, 1)], bytes)[0];
            assert!(one.abs_diff(most / 4) <= 1, "{one} of {most}");
            let more: usize = fill(&queue, &limits, &[sender(2, 1), sender(3, 1), sender(4, 1)], bytes)
                .iter()
                .sum();
            assert!((one + more).abs_diff(most / 2) <= 2, "{one} and {more} of {most}");
            let other = fill(&queue, &limits, &[sender(5, 2)], bytes)[0];
            assert!(other >= most / 6, "{other} of {most}");
            assert_eq!(queue.push(&limits, Event::Pong {}), Ok(()), "answers have their own");
        }
    }

    #[test]
    fn many_addresses_do_not_fill_a_queue() {
        let (limits, queue) = (Limits::default(), OutboundQueue::default());
        let crowd: Vec<Sender> = (1..40).map(|number| sender(u64::from(number), number)).collect();
        fill(&queue, &limits, &crowd, 10);
        assert_eq!(queue.push_payload(&limits, sender(99, 99), relayed(10)), Ok(()));
    }

    #[test]
    fn what_was_taken_is_no_longer_counted() {
        let (limits, queue) = (Limits::default(), OutboundQueue::default());
        let senders = [sender(1, 1), sender(2, 2)];
        let before = fill(&queue, &limits, &senders, 10_000);
        while take(&queue).0 == Next::Send {}
        assert_eq!(fill(&queue, &limits, &senders, 10_000), before);
    }

    #[test]
    fn one_payload_always_fits() {
        let limits = Limits {
            queue_messages_max: 1,
            queue_bytes_max: 1,
            ..Limits::default()
        };
        let queue = OutboundQueue::default();
        assert_eq!(queue.push_payload(&limits, sender(1, 1), relayed(60_000)), Ok(()));
        assert!(queue.push_payload(&limits, sender(2, 2), relayed(1)).is_err());
    }

    #[test]
    fn a_close_comes_after_what_waits_and_nothing_comes_after_it() {
        let (limits, queue) = (Limits::default(), OutboundQueue::default());
        assert_eq!(queue.push(&limits, Event::Ping {}), Ok(()));
        queue.close(CloseCode::Malformed);
        queue.close(CloseCode::TooFast);
        assert_eq!(queue.push(&limits, Event::Pong {}), Ok(()));
        assert_eq!(take(&queue), (Next::Send, vec![Event::Ping {}]));
        assert_eq!(take(&queue), (Next::Close(CloseCode::Malformed), vec![]));
    }

    #[test]
    fn a_slow_reader_is_sent_nothing_more() {
        let (limits, queue) = (Limits::default(), OutboundQueue::default());
        assert_eq!(queue.push_payload(&limits, sender(1, 1), relayed(9)), Ok(()));
        queue.close(CloseCode::SlowReader);
        assert_eq!(take(&queue), (Next::Close(CloseCode::SlowReader), vec![]));
    }
}
