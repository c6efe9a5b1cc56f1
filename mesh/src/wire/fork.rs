//! A fork: two entries that an author signed and of which there can be but one. The two headers are a proof that anybody can check.
//!
//! A feed is a chain, and an honest author signs one entry with each number, which names the one before it. So two entries with one
//! number, or an entry that names another than the one before it, are a fork of the feed.

use shared::Room;

use super::{
    codec::DecodeError,
    entry::Entry,
    frame::Frame,
    record::{Record, Unchecked},
    span::Feed,
};

/// Two entries that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The feed that is forked.
    pub feed: Feed,
    /// The two, as they travel, without their bodies.
    pub headers: [Vec<u8>; 2],
}

impl Fork {
    /// Of two entries that were checked, the earlier first: if they contradict each other.
    #[must_use]
    pub fn of(one: &Record<Entry>, other: &Record<Entry>) -> Option<Self> {
        if one.author != other.author || !contradict((&one.content, one.id), (&other.content, other.id)) {
            return None;
        }
        let [first, second] = [one, other].map(|record| Unchecked::read(&record.wire).ok());
        Some(Self::new(&one.content, [first?, second?]))
    }

    /// Reads the headers of two entries, and checks their signatures and that they contradict each other.
    ///
    /// # Errors
    /// [`DecodeError`] if anything is wrong with them, or nothing is wrong with their author.
    pub fn open(one: &[u8], other: &[u8], room: &Room) -> Result<Self, DecodeError> {
        let headers = [Unchecked::read(one)?, Unchecked::read(other)?];
        let [one, other] = headers;
        let (first, second): (Entry, Entry) = (one.check_content(room)?, other.check_content(room)?);
        let is_fork = one.author == other.author && contradict((&first, one.id), (&second, other.id));
        is_fork
            .then(|| Self::new(&first, headers))
            .ok_or(DecodeError::OutOfBounds)
    }

    fn new(entry: &Entry, headers: [Unchecked<'_>; 2]) -> Self {
        Self {
            feed: feed_of(&headers[0], entry),
            headers: headers.map(|header| header.without_body(None)),
        }
    }

    /// Which feed a header says that it is of. Nothing of it was checked.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn peek(header: &[u8]) -> Result<Feed, DecodeError> {
        let header = Unchecked::read(header)?;
        Ok(feed_of(&header, &header.peek()?))
    }

    /// As it travels.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        let [one, other] = &self.headers;
        Frame::Fork {
            one: one.as_slice().into(),
            other: other.as_slice().into(),
        }
    }
}

fn feed_of(header: &Unchecked<'_>, entry: &Entry) -> Feed {
    Feed {
        author: header.author,
        number: entry.feed,
    }
}

/// Whether there can be but one of two entries of an author, of which the one does not come after the other.
fn contradict((one, id): (&Entry, [u8; 32]), (other, other_id): (&Entry, [u8; 32])) -> bool {
    let is_same = one.seq == other.seq && id != other_id;
    let is_next = one.seq.checked_add(1) == Some(other.seq);
    one.feed == other.feed && (is_same || is_next && other.prev.is_some_and(|prev| *prev != id))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use shared::{Identity, RoomCode};

    use super::*;
    use crate::wire::{
        entry::{EntryBody, RecordId},
        timestamp::Timestamp,
    };

    fn lobby() -> Room {
        RoomCode::parse("lobby").unwrap().open()
    }

    fn entry(author: u8, feed: u64, seq: u64, prev: Option<[u8; 32]>, text: &str) -> Rc<Record<Entry>> {
        let entry = Entry {
            feed,
            seq,
            prev: prev.map(RecordId::from),
            order: Timestamp::from_unix_millis(5),
            unix_millis: 5,
            name: "Ann".into(),
            kind: Entry::CHAT,
            body: EntryBody::of(text),
        };
        Record::sign(&Identity::from_secret(&[author; 32]), &lobby(), entry)
    }

    fn opened(one: &Record<Entry>, other: &Record<Entry>) -> Result<Fork, DecodeError> {
        let [one, other] = [one, other].map(|record| Unchecked::read(&record.wire).unwrap().without_body(None));
        Fork::open(&one, &other, &lobby())
    }

    #[test]
    fn two_entries_with_one_number_are_a_fork_and_so_is_one_that_names_another_before_it() {
        let (yes, no) = (entry(1, 7, 0, None, "yes"), entry(1, 7, 0, None, "no"));
        let (after_yes, after_no) = (entry(1, 7, 1, Some(yes.id), "!"), entry(1, 7, 1, Some(no.id), "!"));
        for (one, other) in [
            (&yes, &no),
            (&yes, &after_no),
            (&no, &after_yes),
            (&after_yes, &after_no),
        ] {
            let fork = Fork::of(one, other).unwrap();
            assert_eq!(opened(one, other).as_ref(), Ok(&fork));
            for (header, record) in fork.headers.iter().zip([one, other]) {
                assert!(header.len() < record.wire.len(), "without its body");
            }
            assert_eq!(Fork::peek(&fork.headers[0]), Ok(fork.feed));
        }
        // By an honest author; of another feed; of another author; not next to each other; the other way round.
        let (later, another) = (entry(1, 7, 5, Some([9; 32]), "yes"), entry(1, 8, 0, None, "no"));
        let bobs = entry(2, 7, 0, None, "no");
        for (one, other) in [
            (&yes, &yes),
            (&yes, &after_yes),
            (&yes, &another),
            (&yes, &bobs),
            (&yes, &later),
            (&after_no, &yes),
        ] {
            assert_eq!(Fork::of(one, other), None);
            assert_eq!(opened(one, other), Err(DecodeError::OutOfBounds));
        }
    }

    #[test]
    fn a_fork_is_signed_by_its_author_in_this_room() {
        let (yes, no) = (entry(1, 7, 0, None, "yes"), entry(1, 7, 0, None, "no"));
        let fork = Fork::of(&yes, &no).unwrap();
        let [one, other] = &fork.headers;
        let attic = RoomCode::parse("attic").unwrap().open();
        assert_eq!(Fork::open(one, other, &attic), Err(DecodeError::Forged));
        for index in 0..other.len() {
            let mut altered = other.clone();
            altered[index] ^= 1;
            assert!(Fork::open(one, &altered, &lobby()).is_err(), "byte {index}");
        }
    }
}
