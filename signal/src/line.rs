//! What waits to be sent to one socket: bounded in messages and in bytes, and without memory while empty.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use shared::signal::{CloseCode, Event};
use tokio::sync::Notify;

use crate::config::Limits;

/// What an event takes besides its payload: rounded up, for the account of bytes only.
const EVENT_BYTES: usize = 256;

/// The queue between whoever has something to say to a socket and the task that serves it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    bytes: usize,
    close: Option<CloseCode>,
}

/// What the task of the socket has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send what was taken.
    Send,
    /// Nothing more will come: close.
    Close(CloseCode),
    /// Wait.
    Nothing,
}

/// Taken out of a line at once at most.
const BATCH_MESSAGES_MAX: usize = 32;

impl Line {
    /// Queues an event, or gives it back if the queue is full. After a close, events are dropped.
    pub(crate) fn push(&self, limits: &Limits, event: Event) -> Result<(), Event> {
        let bytes = bytes_of(&event);
        let mut queue = self.lock();
        if queue.close.is_some() {
            return Ok(());
        }
        // One event always fits: a limit on the queue must not become a smaller limit on messages.
        let full = queue.events.len() >= limits.queue_messages_max
            || queue.bytes.saturating_add(bytes) > limits.queue_bytes_max;
        if full && !queue.events.is_empty() {
            return Err(event);
        }
        queue.bytes += bytes;
        queue.events.push_back(event);
        Ok(())
    }

    /// Queues a close behind what waits; for a slow reader instead of what waits, which would only delay it.
    pub(crate) fn close(&self, code: CloseCode) {
        let mut queue = self.lock();
        if queue.close.is_none() {
            if code == CloseCode::SlowReader {
                queue.events = VecDeque::new();
                queue.bytes = 0;
            }
            queue.close = Some(code);
        }
    }

    /// Wakes the task of the socket: to be called after pushes and closes, when no lock is held any more.
    pub(crate) fn notify(&self) {
        self.changed.notify_one();
    }

    /// Takes what is next into `batch`: some tens of events at most.
    pub(crate) fn take(&self, batch: &mut Vec<Event>) -> Next {
        let mut queue = self.lock();
        if queue.events.is_empty() {
            // A burst must not be paid for in memory as long as the socket lives; a small one may come again.
            queue.events.shrink_to(BATCH_MESSAGES_MAX);
            return queue.close.map_or(Next::Nothing, Next::Close);
        }
        let count = queue.events.len().min(BATCH_MESSAGES_MAX);
        batch.extend(queue.events.drain(..count));
        queue.bytes -= batch.iter().map(bytes_of).sum::<usize>();
        Next::Send
    }

    /// Waits for a notification since the last call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until a write still under way has lost its purpose.
    pub(crate) async fn given_up(&self) {
        loop {
            if self.lock().close == Some(CloseCode::SlowReader) {
                return;
            }
            self.changed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No code that can panic runs under this lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(event: &Event) -> usize {
    match event {
        Event::Relayed { payload, .. } => payload.len() + EVENT_BYTES,
        Event::Challenge { .. } | Event::Refused { .. } | Event::Ping {} | Event::Pong {} | Event::Draining {} => {
            EVENT_BYTES
        }
        // A sample of eight names and a handful of ICE servers.
        Event::Welcome { .. } | Event::Peers { .. } => 4 * EVENT_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use shared::PeerId;

    use super::*;

    fn take(line: &Line) -> (Next, Vec<Event>) {
        let mut batch = Vec::new();
        (line.take(&mut batch), batch)
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
        let line = Line::default();
        for _ in 0..3 {
            assert_eq!(line.push(&limits, Event::Ping {}), Ok(()));
        }
        assert_eq!(line.push(&limits, Event::Pong {}), Err(Event::Pong {}));
        let line = Line::default();
        assert_eq!(line.push(&limits, relayed(60_000)), Ok(()), "one always fits");
        assert_eq!(line.push(&limits, Event::Ping {}), Err(Event::Ping {}));
        assert_eq!(take(&line), (Next::Send, vec![relayed(60_000)]));
        assert_eq!(line.push(&limits, Event::Ping {}), Ok(()), "the account is settled");
    }

    #[test]
    fn a_close_comes_after_what_waits_and_nothing_comes_after_it() {
        let (limits, line) = (Limits::default(), Line::default());
        assert_eq!(line.push(&limits, Event::Ping {}), Ok(()));
        line.close(CloseCode::Malformed);
        line.close(CloseCode::TooFast);
        assert_eq!(line.push(&limits, Event::Pong {}), Ok(()));
        assert_eq!(take(&line), (Next::Send, vec![Event::Ping {}]));
        assert_eq!(take(&line), (Next::Close(CloseCode::Malformed), vec![]));
    }

    #[test]
    fn a_slow_reader_is_sent_nothing_more() {
        let (limits, line) = (Limits::default(), Line::default());
        assert_eq!(line.push(&limits, relayed(9)), Ok(()));
        line.close(CloseCode::SlowReader);
        assert_eq!(take(&line), (Next::Close(CloseCode::SlowReader), vec![]));
    }
}
