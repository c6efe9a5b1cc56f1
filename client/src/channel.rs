//! What waits in front of a link's data channel, and how a link reaches its peer.
//!
//! A data channel has a buffer of its own, in which nothing can be counted or taken back. It is filled to
//! [`BUFFERED_BYTES_MAX`] only; what is beyond waits in a [`SendQueue`], in order. Whoever owns the channel asks
//! [`SendQueue::poll`] when the channel opens and when its buffer is low.

use std::{collections::VecDeque, time::Duration};

use mesh::io::LinkKind;

use crate::config::{BUFFERED_BYTES_MAX, DRAIN, QUEUED_BYTES_MAX};

/// How a data channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelState {
    /// Not open yet, or not any more: it takes nothing.
    Closed,
    /// It takes messages.
    Open {
        /// How many bytes are in its own buffer.
        buffered: u32,
    },
}

impl ChannelState {
    fn is_writable(self) -> bool {
        matches!(self, Self::Open { buffered } if buffered < BUFFERED_BYTES_MAX)
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// Hand it to the channel now.
    Send,
    /// It waits, as a copy.
    Queued,
    /// The queue is full: the peer does not read. The message is lost, and the link has to end.
    Full,
}

/// The messages that wait for a data channel, in order.
#[derive(Debug, Default)]
pub struct SendQueue {
    messages: VecDeque<Box<[u8]>>,
    bytes: usize,
}

impl SendQueue {
    /// Says what becomes of a message. It is copied only if it has to wait.
    #[must_use]
    pub fn offer(&mut self, message: &[u8], channel: ChannelState) -> Offered {
        if self.messages.is_empty() && channel.is_writable() {
            return Offered::Send;
        }
        if self.bytes + message.len() > QUEUED_BYTES_MAX {
            return Offered::Full;
        }
        self.bytes += message.len();
        self.messages.push_back(message.into());
        Offered::Queued
    }

    /// The next message for the channel, if the channel takes one. Ask until there is none.
    #[must_use]
    pub fn poll(&mut self, channel: ChannelState) -> Option<Box<[u8]>> {
        if !channel.is_writable() {
            return None;
        }
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        Some(message)
    }

    /// How long a connection that is hung up has to stay open for what was sent: not at all if that has left, or never will.
    #[must_use]
    pub fn linger(&self, channel: ChannelState) -> Option<Duration> {
        match channel {
            ChannelState::Closed => None,
            ChannelState::Open { buffered } => (buffered > 0 || !self.messages.is_empty()).then_some(DRAIN),
        }
    }
}

/// How a link reaches its peer, by the ICE types (RFC 8839 §5.1) of both ends of its path.
#[must_use]
pub fn link_kind(ends: [&str; 2]) -> LinkKind {
    if ends.contains(&"relay") {
        LinkKind::Relayed
    } else if ends == ["host"; 2] {
        LinkKind::Local
    } else {
        LinkKind::Direct
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSED: ChannelState = ChannelState::Closed;
    const IDLE: ChannelState = ChannelState::Open { buffered: 0 };
    const FULL: ChannelState = ChannelState::Open {
        buffered: BUFFERED_BYTES_MAX,
    };

    #[test]
    fn an_idle_channel_takes_a_message_at_once_and_a_full_one_none() {
        let mut queue = SendQueue::default();
        assert_eq!(queue.offer(&[1], IDLE), Offered::Send);
        let almost = ChannelState::Open {
            buffered: BUFFERED_BYTES_MAX - 1,
        };
        assert_eq!(queue.offer(&[2], almost), Offered::Send);
        assert_eq!(queue.offer(&[3], FULL), Offered::Queued);
        assert_eq!(queue.poll(FULL), None);
        assert_eq!(queue.poll(almost).as_deref(), Some(&[3][..]));
        assert_eq!(queue.poll(almost), None);
    }

    #[test]
    fn messages_keep_their_order_even_if_the_channel_becomes_idle() {
        let mut queue = SendQueue::default();
        assert_eq!(queue.offer(&[1], CLOSED), Offered::Queued);
        assert_eq!(queue.offer(&[2], IDLE), Offered::Queued, "it stands behind the first");
        assert_eq!(queue.poll(CLOSED), None);
        let sent: Vec<_> = std::iter::from_fn(|| queue.poll(IDLE)).collect();
        assert_eq!(sent, [[1].into(), [2].into()] as [Box<[u8]>; 2]);
        assert_eq!(queue.offer(&[3], IDLE), Offered::Send);
    }

    #[test]
    fn the_queue_takes_exactly_its_bytes_and_room_comes_back() {
        let mut queue = SendQueue::default();
        let half = vec![0; QUEUED_BYTES_MAX / 2];
        assert_eq!(queue.offer(&half, CLOSED), Offered::Queued);
        assert_eq!(queue.offer(&half, CLOSED), Offered::Queued);
        assert_eq!(queue.offer(&[0], CLOSED), Offered::Full);
        assert_eq!(queue.offer(&[], CLOSED), Offered::Queued);
        assert_eq!(queue.poll(IDLE).map(|message| message.len()), Some(half.len()));
        assert_eq!(queue.offer(&half, CLOSED), Offered::Queued);
        assert_eq!(queue.offer(&[0], CLOSED), Offered::Full);
    }

    #[test]
    fn a_hung_up_channel_lingers_only_for_what_can_still_leave() {
        let mut queue = SendQueue::default();
        assert_eq!(queue.linger(IDLE), None);
        assert_eq!(queue.linger(ChannelState::Open { buffered: 1 }), Some(DRAIN));
        assert_eq!(queue.offer(&[1], CLOSED), Offered::Queued);
        assert_eq!(queue.linger(IDLE), Some(DRAIN));
        assert_eq!(queue.linger(CLOSED), None);
    }

    #[test]
    fn a_relay_at_either_end_relays_the_link() {
        for (ends, kind) in [
            (["host", "host"], LinkKind::Local),
            (["host", "srflx"], LinkKind::Direct),
            (["prflx", "host"], LinkKind::Direct),
            (["relay", "host"], LinkKind::Relayed),
            (["srflx", "relay"], LinkKind::Relayed),
        ] {
            assert_eq!(link_kind(ends), kind, "{ends:?}");
        }
    }
}
