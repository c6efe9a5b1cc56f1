//! The outbound queue of one socket: bounded in messages and in bytes, and without memory while empty.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use shared::signal::{CloseCode, Event};
use tokio::sync::Notify;

use crate::config::{Limits, QUEUED_EVENT_BYTES, WRITE_BATCH_MESSAGES_MAX};

/// The queue from the hub to the task of a socket.
#[derive(Debug, Default)]
pub(crate) struct OutboundQueue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Event>,
    bytes: usize,
    close: Option<CloseCode>,
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
    /// Queues an event, or gives it back if the queue is full. After a close, events are dropped.
    pub(crate) fn push(&self, limits: &Limits, event: Event) -> Result<(), Event> {
        let bytes = bytes_of(&event);
        let mut waiting = self.lock();
        if waiting.close.is_some() {
            return Ok(());
        }
        // One event always fits: a limit on the queue must not become a smaller limit on messages.
        let full = waiting.events.len() >= limits.queue_messages_max
            || waiting.bytes.saturating_add(bytes) > limits.queue_bytes_max;
        if full && !waiting.events.is_empty() {
            return Err(event);
        }
        waiting.bytes += bytes;
        waiting.events.push_back(event);
        Ok(())
    }

    /// Queues a close behind the waiting events. For a slow reader the waiting events are dropped: they would only delay the close.
    pub(crate) fn close(&self, code: CloseCode) {
        let mut waiting = self.lock();
        if waiting.close.is_none() {
            if code == CloseCode::SlowReader {
                waiting.events = VecDeque::new();
                waiting.bytes = 0;
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
        if waiting.events.is_empty() {
            // A large batch must not cost memory for as long as the socket lives. Room for the next batch is kept.
            waiting.events.shrink_to(WRITE_BATCH_MESSAGES_MAX);
            return waiting.close.map_or(Next::Nothing, Next::Close);
        }
        let count = waiting.events.len().min(WRITE_BATCH_MESSAGES_MAX);
        batch.extend(waiting.events.drain(..count));
        waiting.bytes -= batch.iter().map(bytes_of).sum::<usize>();
        Next::Send
    }

    /// Waits for a notification since the last call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until a write that is under way has lost its purpose.
    pub(crate) async fn given_up(&self) {
        loop {
            if self.lock().close == Some(CloseCode::SlowReader) {
                return;
            }
            self.changed.notified().await;
        }
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

    #[test]
    fn the_queue_is_bounded_in_messages_and_in_bytes() {
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
        assert_eq!(queue.push(&limits, relayed(9)), Ok(()));
        queue.close(CloseCode::SlowReader);
        assert_eq!(take(&queue), (Next::Close(CloseCode::SlowReader), vec![]));
    }
}
