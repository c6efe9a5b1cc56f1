//! Counts the fragments of a WebSocket message as their bytes pass by.
//!
//! The WebSocket library puts fragments together on its own and says nothing until a message is whole. Fragments may be empty, so a client could send
//! them without end: they never make a message that is too big. Only the heads of frames are looked at (RFC 6455 §5.2); whether they are right is for
//! the library to say.

use thiserror::Error;

use crate::config::FRAGMENTS_MAX;

/// The counter of one socket.
#[derive(Debug, Default)]
pub(crate) struct FragmentCounter {
    /// What has arrived of the head of a frame: two bytes, and up to eight for a length. The mask counts as payload.
    head: [u8; 10],
    filled: usize,
    /// Bytes of the present frame that are still to come.
    payload: u64,
    /// Of the present message.
    fragments: u32,
}

/// One message has too many fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a message in too many fragments")]
pub(crate) struct TooManyFragments;

impl FragmentCounter {
    /// Sees the next bytes of the stream.
    ///
    /// # Errors
    /// If one message has more than [`FRAGMENTS_MAX`] fragments before its last one.
    pub(crate) fn see(&mut self, mut bytes: &[u8]) -> Result<(), TooManyFragments> {
        loop {
            let passed = usize::try_from(self.payload).map_or(bytes.len(), |payload| payload.min(bytes.len()));
            self.payload -= passed as u64;
            let Some((next, rest)) = bytes[passed..].split_first() else {
                return Ok(());
            };
            bytes = rest;
            self.head[self.filled] = *next;
            self.filled += 1;
            let Some(length) = self.length() else {
                continue;
            };
            self.filled = 0;
            let mask = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
            self.payload = length.saturating_add(mask);
            self.count()?;
        }
    }

    /// The length of the frame's payload, if its head is complete.
    fn length(&self) -> Option<u64> {
        let is_there = |bytes: usize| self.filled == bytes;
        let [_, short, b2, b3, rest @ ..] = self.head;
        match short & 0x7f {
            _ if self.filled < 2 => None,
            126 => is_there(4).then(|| u16::from_be_bytes([b2, b3]).into()),
            127 => is_there(10).then(|| {
                let [b4, b5, b6, b7, b8, b9] = rest;
                u64::from_be_bytes([b2, b3, b4, b5, b6, b7, b8, b9])
            }),
            length => Some(length.into()),
        }
    }

    fn count(&mut self) -> Result<(), TooManyFragments> {
        let (is_last, is_control) = (self.head[0] & 0x80 != 0, self.head[0] & 0x08 != 0);
        match (is_control, is_last) {
            // A control frame may stand between fragments. It is a message of its own.
            (true, _) => {}
            (false, true) => self.fragments = 0,
            (false, false) => self.fragments += 1,
        }
        if self.fragments > FRAGMENTS_MAX {
            return Err(TooManyFragments);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked frame, as clients send them.
    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short), _) if short < 126 => frame.push(0x80 | short),
            (_, Ok(long)) => {
                frame.push(0x80 | 126);
                frame.extend(long.to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        // The mask and the payload look like heads of fragments.
        frame.resize(frame.len() + 4 + length, 0);
        frame
    }

    const LENGTHS: [usize; 8] = [0, 1, 125, 126, 127, 300, 65_535, 65_536];

    #[test]
    fn messages_of_any_size_and_pings_between_fragments_pass_however_they_are_cut() {
        let mut bytes = Vec::new();
        for _ in 0..20 {
            for length in LENGTHS {
                bytes.extend(frame(0x81, length));
                bytes.extend(frame(0x01, length));
                bytes.extend(frame(0x89, 4));
                bytes.extend(frame(0x80, length));
            }
        }
        for size in [1, 2, 3, 7, 1_000, 1_000_000] {
            let mut counter = FragmentCounter::default();
            for piece in bytes.chunks(size) {
                assert_eq!(counter.see(piece), Ok(()));
            }
            assert_eq!((counter.fragments, counter.filled, counter.payload), (0, 0, 0));
        }
    }

    #[test]
    fn fragments_without_end_are_found_whatever_their_size() {
        for length in LENGTHS {
            let mut counter = FragmentCounter::default();
            assert_eq!(counter.see(&frame(0x01, length)), Ok(()));
            for _ in 1..FRAGMENTS_MAX {
                assert_eq!(counter.see(&frame(0x00, length)), Ok(()));
            }
            assert_eq!(counter.see(&frame(0x00, length)), Err(TooManyFragments));
        }
    }
}
