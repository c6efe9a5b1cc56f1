//! Frames larger than a packet, cut up and put together again.
//!
//! A *packet* is one message of a link's control lane, at most 16 KiB: the largest size that every browser sends without
//! splitting it into something another may misread, and small enough that a ping never waits long behind a large frame. Its first byte
//! says what follows: a whole frame, a part of one, or its last part. The lane is ordered and reliable, so parts need
//! no numbers; a whole frame may come between the parts of another.

use std::borrow::Cow;

use thiserror::Error;

/// The largest packet, first byte included.
pub const PACKET_BYTES_MAX: usize = 16 * 1024;

/// The largest frame. Checked before anything is put together.
pub const FRAME_BYTES_MAX: usize = 96 * 1024;

const _: () = assert!(FRAME_BYTES_MAX >= shared::limits::TEXT_BYTES_MAX + 4 * 1024);

const WHOLE: u8 = 0;
const PART: u8 = 1;
const LAST: u8 = 2;

/// A packet that fits nothing. Whoever sent it is in error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FragmentError {
    /// No first byte, or one that is not known.
    #[error("the packet has no known kind")]
    Kind,
    /// Over [`PACKET_BYTES_MAX`].
    #[error("the packet is too large")]
    PacketTooLarge,
    /// Parts that add up to more than [`FRAME_BYTES_MAX`].
    #[error("the frame is too large")]
    FrameTooLarge,
    /// A last part without a first.
    #[error("a last part without a first")]
    NothingToEnd,
    /// A part that carries nothing, of which any number could be sent for free.
    #[error("an empty part")]
    EmptyPart,
}

/// Cuts a frame into packets.
///
/// # Panics
/// If the frame is larger than [`FRAME_BYTES_MAX`]: what we send is bounded where it is accepted.
pub fn packets(frame: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    assert!(
        frame.len() <= FRAME_BYTES_MAX,
        "invariant: frames are bounded where they are made"
    );
    let count = frame.len().div_ceil(PACKET_BYTES_MAX - 1).max(1);
    (0..count).map(move |index| {
        let start = index * (PACKET_BYTES_MAX - 1);
        let end = frame.len().min(start + PACKET_BYTES_MAX - 1);
        let kind = match (count, index + 1 == count) {
            (1, _) => WHOLE,
            (_, true) => LAST,
            (_, false) => PART,
        };
        let mut packet = Vec::with_capacity(1 + end - start);
        packet.push(kind);
        packet.extend_from_slice(&frame[start..end]);
        packet
    })
}

/// Puts one link's packets together.
#[derive(Debug, Default)]
pub struct Reassembly {
    parts: Vec<u8>,
}

impl Reassembly {
    /// Takes the next packet; gives a frame when one is complete.
    ///
    /// # Errors
    /// [`FragmentError`]; a frame that was being put together is lost with it.
    pub fn push<'a>(&mut self, packet: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FragmentError> {
        let result = self.try_push(packet);
        if result.is_err() {
            self.parts = Vec::new();
        }
        result
    }

    fn try_push<'a>(&mut self, packet: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FragmentError> {
        if packet.len() > PACKET_BYTES_MAX {
            return Err(FragmentError::PacketTooLarge);
        }
        let (kind, body) = packet.split_first().ok_or(FragmentError::Kind)?;
        match *kind {
            WHOLE => Ok(Some(Cow::Borrowed(body))),
            PART | LAST if body.is_empty() => Err(FragmentError::EmptyPart),
            LAST if self.parts.is_empty() => Err(FragmentError::NothingToEnd),
            PART | LAST if self.parts.len() + body.len() > FRAME_BYTES_MAX => Err(FragmentError::FrameTooLarge),
            PART => {
                self.parts.extend_from_slice(body);
                Ok(None)
            }
            LAST => {
                self.parts.extend_from_slice(body);
                Ok(Some(Cow::Owned(std::mem::take(&mut self.parts))))
            }
            _ => Err(FragmentError::Kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_survive_with_small_ones_in_between(length in 0..=FRAME_BYTES_MAX, byte in any::<u8>()) {
            let frame = vec![byte; length];
            let mut reassembly = Reassembly::default();
            let mut out: Vec<u8> = Vec::new();
            for packet in packets(&frame) {
                prop_assert!(packet.len() <= PACKET_BYTES_MAX);
                prop_assert_eq!(reassembly.push(&[WHOLE, 7]), Ok(Some(Cow::Borrowed(&[7][..]))));
                out.extend_from_slice(&reassembly.push(&packet).unwrap().unwrap_or_default());
            }
            prop_assert_eq!(out, frame);
        }

        #[test]
        fn any_packets_cost_at_most_one_frame(packets in prop::collection::vec(
            (0..4u8, 0..PACKET_BYTES_MAX + 10), 0..20)
        ) {
            let mut reassembly = Reassembly::default();
            for (kind, length) in packets {
                let mut packet = vec![9; length];
                if let Some(first) = packet.first_mut() {
                    *first = kind;
                }
                if let Ok(Some(frame)) = reassembly.push(&packet) {
                    prop_assert!(frame.len() <= FRAME_BYTES_MAX);
                }
                prop_assert!(reassembly.parts.len() <= FRAME_BYTES_MAX);
            }
        }
    }

    #[test]
    fn misfits_are_refused_and_forget_what_was_begun() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.push(&[]), Err(FragmentError::Kind));
        assert_eq!(reassembly.push(&[3, 0]), Err(FragmentError::Kind));
        assert_eq!(reassembly.push(&[LAST, 0]), Err(FragmentError::NothingToEnd));
        assert_eq!(reassembly.push(&[PART, 1]), Ok(None));
        assert_eq!(reassembly.push(&[PART]), Err(FragmentError::EmptyPart));
        assert_eq!(reassembly.push(&[LAST, 0]), Err(FragmentError::NothingToEnd));
        assert_eq!(
            reassembly.push(&vec![0; PACKET_BYTES_MAX + 1]),
            Err(FragmentError::PacketTooLarge)
        );
        let full = [&[PART][..], &[0; PACKET_BYTES_MAX - 1]].concat();
        let fits = FRAME_BYTES_MAX / (PACKET_BYTES_MAX - 1);
        for _ in 0..fits {
            assert_eq!(reassembly.push(&full), Ok(None));
        }
        assert_eq!(reassembly.push(&full), Err(FragmentError::FrameTooLarge));
    }
}
