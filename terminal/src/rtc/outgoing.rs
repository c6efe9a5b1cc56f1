//! What waits in front of the two channels of a connection.
//!
//! Both channels share str0m's buffer, which is served in the order in which it was filled. So each has its own share, and neither ever takes
//! the other's.

use std::{collections::VecDeque, time::Duration};

use client::{
    channel::{ChannelState, Offered, SendQueue},
    config::BUFFERED_BYTES_MAX,
    driver::SlowReader,
};
use mesh::{config::FILE_CHANNEL_LOW_BYTES, io::LinkEnd};
use str0m::{
    Rtc,
    channel::{ChannelConfig, ChannelId, Reliability},
};

use crate::config::{CHANNEL_BUFFER_BYTES, FILE_QUEUE_BYTES_MAX};

/// No limit: the stream number of the channel of the mesh, on which both sides agree beforehand.
const CONTROL: u16 = 0;
/// No limit: the stream number of the channel for files.
const FILES: u16 = 1;

/// What a channel of ours is: ordered and reliable, made by both sides without a word about it.
pub(super) fn negotiated(channel: Which) -> ChannelConfig {
    let (label, id) = match channel {
        Which::Control => ("control", CONTROL),
        Which::Files => ("files", FILES),
    };
    ChannelConfig {
        label: label.to_owned(),
        ordered: true,
        reliability: Reliability::Reliable,
        negotiated: Some(id),
        protocol: String::new(),
    }
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Control,
    Files,
}

/// The channel of the mesh.
#[derive(Debug, Default)]
pub(super) struct Control {
    id: Option<ChannelId>,
    queue: SendQueue,
}

impl Control {
    /// The channel is open.
    pub(super) fn open(&mut self, id: ChannelId) {
        self.id = Some(id);
    }

    /// Whether it is.
    pub(super) fn is_open(&self) -> bool {
        self.id.is_some()
    }

    /// Queues a message: it leaves with all that is sent in the same moment.
    pub(super) fn push(&mut self, message: &[u8]) -> Result<(), SlowReader> {
        match self.queue.offer(message, ChannelState::Closed) {
            Offered::Full => Err(SlowReader),
            Offered::Queued | Offered::Send => Ok(()),
        }
    }

    /// Hands over what the channel takes. Says whether that was anything.
    pub(super) fn refill(&mut self, rtc: &mut Rtc) -> Result<bool, LinkEnd> {
        let mut wrote = false;
        while let Some(message) = self.queue.poll(self.state(rtc)) {
            write(rtc, self.id, &message)?;
            wrote = true;
        }
        Ok(wrote)
    }

    /// For how long what was sent has to be waited for.
    pub(super) fn linger(&self, rtc: &mut Rtc) -> Option<Duration> {
        self.queue.linger(self.state(rtc))
    }

    /// A full share counts as a full buffer.
    fn state(&self, rtc: &mut Rtc) -> ChannelState {
        let Some(buffered) = buffered(rtc, self.id) else {
            return ChannelState::Closed;
        };
        let buffered = if buffered < CHANNEL_BUFFER_BYTES {
            u32::try_from(buffered).unwrap_or(BUFFERED_BYTES_MAX)
        } else {
            BUFFERED_BYTES_MAX
        };
        ChannelState::Open { buffered }
    }
}

/// The channel for files.
#[derive(Debug, Default)]
pub(super) struct FileChannel {
    id: Option<ChannelId>,
    queue: VecDeque<Box<[u8]>>,
    queued_bytes: usize,
    /// Whether the node has yet to hear that little waits.
    owes_word: bool,
}

impl FileChannel {
    /// The channel is open.
    pub(super) fn open(&mut self, id: ChannelId) {
        self.id = Some(id);
    }

    /// Queues a message.
    pub(super) fn push(&mut self, message: &[u8]) -> Result<(), SlowReader> {
        if self.queued_bytes + message.len() > FILE_QUEUE_BYTES_MAX {
            return Err(SlowReader);
        }
        self.queued_bytes += message.len();
        self.queue.push_back(message.into());
        self.owes_word = true;
        Ok(())
    }

    /// Hands over what the channel takes. Says whether that was anything.
    pub(super) fn refill(&mut self, rtc: &mut Rtc) -> Result<bool, LinkEnd> {
        let mut wrote = false;
        while buffered(rtc, self.id).is_some_and(|buffered| buffered < CHANNEL_BUFFER_BYTES) {
            let Some(message) = self.queue.pop_front() else { break };
            self.queued_bytes -= message.len();
            write(rtc, self.id, &message)?;
            wrote = true;
        }
        Ok(wrote)
    }

    /// Whether the node is to hear now that little waits: once, after all that was sent together.
    pub(super) fn is_writable_again(&mut self, rtc: &mut Rtc) -> bool {
        let waits = self.queued_bytes + buffered(rtc, self.id).unwrap_or(usize::MAX / 2);
        let is_due = self.owes_word && waits <= FILE_CHANNEL_LOW_BYTES;
        if is_due {
            self.owes_word = false;
        }
        is_due
    }
}

/// How much of a channel is in the connection's own buffer; `None` if the channel is not open.
fn buffered(rtc: &mut Rtc, id: Option<ChannelId>) -> Option<usize> {
    Some(rtc.channel(id?)?.buffered_amount())
}

fn write(rtc: &mut Rtc, id: Option<ChannelId>, message: &[u8]) -> Result<(), LinkEnd> {
    let mut channel = id.and_then(|id| rtc.channel(id)).ok_or(LinkEnd::ClosedByPeer)?;
    match channel.write(true, message) {
        Ok(true) => Ok(()),
        // There was room by our count: the message is lost, and with it the order.
        Ok(false) => Err(LinkEnd::Failed),
        Err(error) => {
            tracing::debug!(%error, "a message could not be sent");
            Err(LinkEnd::Failed)
        }
    }
}
