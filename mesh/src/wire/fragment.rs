//! Frames, cut up and put together again.
//!
//! A *fragment* is one message of a link's data channel, at most [`FRAGMENT_BYTES_MAX`] bytes: the largest size that every browser
//! sends without splitting it into something another may misread, and small enough that a ping never waits long behind a large frame.
//! Its first byte says what follows: a whole frame, a part of one, or its last part. The channel is ordered and reliable, so parts
//! need no numbers; a whole frame may come between the parts of another.

use std::{borrow::Cow, rc::Rc};

use thiserror::Error;

use super::frame::Frame;
use crate::config::{FRAGMENT_BYTES_MAX, FRAME_BYTES_MAX};

/// What follows the first byte of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Whole = 0,
    Part = 1,
    Last = 2,
}

impl Kind {
    const fn of(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Whole),
            1 => Some(Self::Part),
            2 => Some(Self::Last),
            _ => None,
        }
    }
}

/// A fragment that fits nothing. Its sender is in error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FragmentError {
    /// No first byte, or one that is not known.
    #[error("the fragment has no known kind")]
    Kind,
    /// Over [`FRAGMENT_BYTES_MAX`].
    #[error("the fragment is too large")]
    FragmentTooLarge,
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

/// A frame, cut up: encoded once, however many links it goes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragments(Vec<Rc<[u8]>>);

impl Fragments {
    /// Cuts a frame up.
    ///
    /// # Panics
    /// If the frame is larger than [`FRAME_BYTES_MAX`]: what we send is bounded where it is accepted.
    #[must_use]
    pub fn of(frame: &Frame<'_>) -> Self {
        Self::cut(frame.encode_after(Kind::Whole as u8))
    }

    /// Cuts up a frame that has room for a kind in front.
    fn cut(whole: Vec<u8>) -> Self {
        assert!(
            whole.len() <= 1 + FRAME_BYTES_MAX,
            "invariant: frames are bounded where they are made"
        );
        if whole.len() <= FRAGMENT_BYTES_MAX {
            return Self(vec![whole.into()]);
        }
        let mut chunks = whole[1..].chunks(FRAGMENT_BYTES_MAX - 1).peekable();
        let mut fragments = Vec::new();
        while let Some(chunk) = chunks.next() {
            let kind = if chunks.peek().is_some() {
                Kind::Part
            } else {
                Kind::Last
            };
            fragments.push([&[kind as u8], chunk].concat().into());
        }
        Self(fragments)
    }

    /// In the order in which they are to be sent.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<[u8]>> {
        self.0.iter()
    }

    /// How many bytes they are in all.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|fragment| fragment.len()).sum()
    }
}

/// Puts one link's fragments together.
#[derive(Debug, Default)]
pub struct Reassembly {
    parts: Vec<u8>,
}

impl Reassembly {
    /// Takes the next fragment; gives a frame when one is complete.
    ///
    /// # Errors
    /// [`FragmentError`]; a frame that was being put together is lost with it.
    pub fn push<'a>(&mut self, fragment: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FragmentError> {
        let result = self.try_push(fragment);
        if result.is_err() {
            self.parts = Vec::new();
        }
        result
    }

    fn try_push<'a>(&mut self, fragment: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FragmentError> {
        if fragment.len() > FRAGMENT_BYTES_MAX {
            return Err(FragmentError::FragmentTooLarge);
        }
        let (kind, body) = fragment.split_first().ok_or(FragmentError::Kind)?;
        match Kind::of(*kind).ok_or(FragmentError::Kind)? {
            Kind::Whole => Ok(Some(Cow::Borrowed(body))),
            Kind::Part | Kind::Last if body.is_empty() => Err(FragmentError::EmptyPart),
            Kind::Last if self.parts.is_empty() => Err(FragmentError::NothingToEnd),
            Kind::Part | Kind::Last if self.parts.len() + body.len() > FRAME_BYTES_MAX => {
                Err(FragmentError::FrameTooLarge)
            }
            Kind::Part => {
                self.parts.extend_from_slice(body);
                Ok(None)
            }
            Kind::Last => {
                self.parts.extend_from_slice(body);
                Ok(Some(Cow::Owned(std::mem::take(&mut self.parts))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PART: u8 = Kind::Part as u8;
    const LAST: u8 = Kind::Last as u8;

    proptest! {
        #[test]
        fn frames_survive_with_small_ones_in_between(length in 0..=FRAME_BYTES_MAX, byte in any::<u8>()) {
            let frame = vec![byte; length];
            let mut reassembly = Reassembly::default();
            let mut out: Vec<u8> = Vec::new();
            for fragment in Fragments::cut([&[0], &frame[..]].concat()).iter() {
                prop_assert!(fragment.len() <= FRAGMENT_BYTES_MAX);
                prop_assert_eq!(reassembly.push(&[0, 7]), Ok(Some(Cow::Borrowed(&[7][..]))));
                out.extend_from_slice(&reassembly.push(fragment).unwrap().unwrap_or_default());
            }
            prop_assert_eq!(out, frame);
        }

        #[test]
        fn any_fragments_cost_at_most_one_frame(fragments in prop::collection::vec(
            (0..4u8, 0..FRAGMENT_BYTES_MAX + 10), 0..20)
        ) {
            let mut reassembly = Reassembly::default();
            for (kind, length) in fragments {
                let mut fragment = vec![9; length];
                if let Some(first) = fragment.first_mut() {
                    *first = kind;
                }
                if let Ok(Some(frame)) = reassembly.push(&fragment) {
                    prop_assert!(frame.len() <= FRAME_BYTES_MAX);
                }
                prop_assert!(reassembly.parts.len() <= FRAME_BYTES_MAX);
            }
        }
    }

    #[test]
    fn a_frame_is_one_fragment_as_long_as_it_fits() {
        let fragments = |length: usize| {
            Fragments::cut(vec![0; 1 + length])
                .iter()
                .map(|one| one.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(fragments(0), [1]);
        assert_eq!(fragments(FRAGMENT_BYTES_MAX - 1), [FRAGMENT_BYTES_MAX]);
        assert_eq!(fragments(FRAGMENT_BYTES_MAX), [FRAGMENT_BYTES_MAX, 2]);
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
            reassembly.push(&vec![0; FRAGMENT_BYTES_MAX + 1]),
            Err(FragmentError::FragmentTooLarge)
        );
        let full = [&[PART][..], &[0; FRAGMENT_BYTES_MAX - 1]].concat();
        let fits = FRAME_BYTES_MAX / (FRAGMENT_BYTES_MAX - 1);
        for _ in 0..fits {
            assert_eq!(reassembly.push(&full), Ok(None));
        }
        assert_eq!(reassembly.push(&full), Err(FragmentError::FrameTooLarge));
    }
}
