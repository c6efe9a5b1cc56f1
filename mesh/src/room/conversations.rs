//! Which whispers are kept for the next visit.
//!
//! Bounds: [`WHISPERS_KEPT_MAX`] whispers of [`WHISPERS_KEPT_BYTES_MAX`] bytes. Past them the conversation that takes most room loses its
//! earliest: whoever whispers a lot makes nobody else's be forgotten.

use litemap::LiteMap;
use shared::{MessageId, PeerId};

use crate::{
    config::{WHISPERS_KEPT_BYTES_MAX, WHISPERS_KEPT_MAX},
    wire::{timestamp::Timestamp, whisper::Whisper},
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Conversations {
    with: LiteMap<PeerId, Conversation>,
    count: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Conversation {
    /// By place in the order, author and id, for an id is its author's choice: its bytes.
    whispers: LiteMap<(Timestamp, PeerId, MessageId), usize>,
    bytes: usize,
}

impl Conversation {
    /// How much room it takes, in bytes: a whisper takes room by its number, too.
    fn room(&self) -> usize {
        self.whispers.len() * (WHISPERS_KEPT_BYTES_MAX / WHISPERS_KEPT_MAX) + self.bytes
    }
}

impl Conversations {
    /// A whisper of `author` is kept from now on. Gives those that are to be forgotten for it.
    pub(super) fn keep(&mut self, me: &PeerId, author: PeerId, whisper: &Whisper) -> Vec<(PeerId, MessageId)> {
        let other = if author == *me { whisper.to } else { author };
        if self.with.get(&other).is_none() {
            self.with.insert(other, Conversation::default());
        }
        let bytes = whisper.text.len();
        if let Some(conversation) = self.with.get_mut(&other)
            && conversation
                .whispers
                .insert((whisper.order, author, whisper.id), bytes)
                .is_none()
        {
            conversation.bytes += bytes;
            self.bytes += bytes;
            self.count += 1;
        }
        let mut forgotten = Vec::new();
        while self.count > WHISPERS_KEPT_MAX || self.bytes > WHISPERS_KEPT_BYTES_MAX {
            let Some(one) = self.forget_one() else { break };
            forgotten.push(one);
        }
        forgotten
    }

    /// Forgets the whispers that come before this in the one order. Gives them.
    pub(super) fn drop_before(&mut self, oldest: Timestamp) -> Vec<(PeerId, MessageId)> {
        let mut dropped = Vec::new();
        for (_, conversation) in self.with.iter_mut() {
            while let Some((place, bytes)) = conversation.whispers.first().map(|(place, bytes)| (*place, *bytes))
                && place.0 < oldest
            {
                conversation.whispers.remove(&place);
                conversation.bytes -= bytes;
                self.bytes -= bytes;
                self.count -= 1;
                dropped.push((place.1, place.2));
            }
        }
        self.with.retain(|_, conversation| !conversation.whispers.is_empty());
        dropped
    }

    fn forget_one(&mut self) -> Option<(PeerId, MessageId)> {
        let most = self.with.iter().max_by_key(|(_, conversation)| conversation.room());
        let other = most.map(|(other, _)| *other)?;
        let most = self.with.get_mut(&other)?;
        let (place, bytes) = most.whispers.first().map(|(place, bytes)| (*place, *bytes))?;
        most.whispers.remove(&place);
        most.bytes -= bytes;
        self.bytes -= bytes;
        self.count -= 1;
        if most.whispers.is_empty() {
            self.with.remove(&other);
        }
        let (_, author, id) = place;
        Some((author, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::test::peer;

    fn whisper(to: u8, number: u64, bytes: usize) -> Whisper {
        let mut id = [to; MessageId::LEN];
        id[..8].copy_from_slice(&number.to_be_bytes());
        Whisper {
            id: MessageId::from_bytes(id),
            unix_millis: 0,
            name: "Ann".into(),
            to: peer(to),
            text: "x".repeat(bytes),
            order: Timestamp::from_unix_millis(number),
            since: 0,
        }
    }

    #[test]
    fn who_whispers_a_lot_loses_their_own_earliest_and_nobody_else_any() {
        let (me, mut conversations) = (peer(1), Conversations::default());
        assert_eq!(conversations.keep(&me, me, &whisper(2, 0, 10)), []);
        let large = WHISPERS_KEPT_BYTES_MAX / 64;
        let mut forgotten = Vec::new();
        for number in 1..=80 {
            forgotten.extend(conversations.keep(&me, peer(3), &whisper(1, number, large)));
            assert!(conversations.bytes <= WHISPERS_KEPT_BYTES_MAX);
        }
        let of_three = |number| (peer(3), whisper(1, number, 0).id);
        assert_eq!(forgotten, (1..=17).map(of_three).collect::<Vec<_>>());
    }

    /// An id and a place in the order are its author's choice: they may be those of a whisper of ours.
    #[test]
    fn a_whisper_with_the_place_and_id_of_another_counts_for_itself() {
        let (me, mut conversations) = (peer(1), Conversations::default());
        let ours = whisper(3, 1, 1);
        assert_eq!(conversations.keep(&me, me, &ours), []);
        let theirs = Whisper {
            id: ours.id,
            ..whisper(1, 1, 60_000)
        };
        assert_eq!(conversations.keep(&me, peer(3), &theirs), []);
        for number in 2..=u64::try_from(WHISPERS_KEPT_MAX).unwrap() + 2 {
            conversations.keep(&me, peer(3), &whisper(1, number, 1));
        }
        assert_eq!(
            (conversations.count, conversations.bytes),
            (WHISPERS_KEPT_MAX, WHISPERS_KEPT_MAX)
        );
    }

    #[test]
    fn a_whisper_counts_once_however_often_it_is_kept_and_many_small_ones_have_a_bound() {
        let (me, mut conversations) = (peer(1), Conversations::default());
        let most = u64::try_from(WHISPERS_KEPT_MAX).unwrap();
        for number in (0..most).chain(0..most) {
            assert_eq!(conversations.keep(&me, me, &whisper(2, number, 1)), []);
        }
        let first = (me, whisper(2, 0, 1).id);
        assert_eq!(conversations.keep(&me, me, &whisper(2, most, 1)), [first]);
    }
}
