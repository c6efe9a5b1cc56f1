use proptest::prelude::*;
use shared::{RoomCode, limits::NAME_CHARS_MAX};

use super::*;
use crate::{
    config::{DELETED_MAX, TYPING_BYTES_MAX},
    wire::{
        entry::{Entry, EntryBody},
        relation::Deletions,
        timestamp::Timestamp,
        typing::Typing,
    },
};
use shared::limits::TEXT_BYTES_MAX;

fn ann() -> Identity {
    Identity::from_secret(&[1; 32])
}

fn room(name: &str) -> Room {
    RoomCode::parse(name).unwrap().open()
}

fn entry(text: &str) -> Entry {
    Entry {
        feed: 1,
        seq: 2,
        prev: Some([6; 32].into()),
        order: Timestamp::from_unix_millis(3),
        unix_millis: 3,
        name: "Ann".into(),
        kind: Entry::CHAT,
        body: EntryBody::of(text),
    }
}

fn beacon() -> Beacon {
    Beacon {
        on_server: true,
        digest: LogDigest([7; 16]),
        ..Beacon::plain("Ann", 1)
    }
}

/// What becomes of a content that is well signed.
fn opened<T: Content>(content: T) -> Option<DecodeError> {
    let record = Record::sign(&ann(), &room("lobby"), content);
    Record::<T>::open(&record.wire, &room("lobby")).err()
}

#[test]
fn a_record_opens_as_its_authors_in_its_room_only() {
    let record = Record::sign(&ann(), &room("lobby"), entry("hi"));
    assert_eq!(record.author, ann().peer_id());
    assert_eq!(Record::open(&record.wire, &room("lobby")), Ok(Rc::clone(&record)));
    assert_eq!(
        Record::<Entry>::open(&record.wire, &room("attic")),
        Err(DecodeError::Forged)
    );
    let unchecked = Unchecked::read(&record.wire).unwrap();
    assert_eq!((unchecked.id, unchecked.short()), (record.id, record.short()));
}

#[test]
fn what_was_signed_as_one_thing_is_no_other() {
    let beacon = Record::sign(&ann(), &room("lobby"), beacon());
    // The same bytes could be read as another record; the signature is for a beacon.
    let refused = Err(DecodeError::Forged);
    assert_eq!(
        Record::<Packet>::open(&beacon.wire, &room("lobby")).map(|_| ()),
        refused
    );
    assert_eq!(Record::<Entry>::open(&beacon.wire, &room("lobby")).map(|_| ()), refused);
    assert!(Record::<Beacon>::open(&beacon.wire, &room("lobby")).is_ok());
    let labels = [Entry::LABEL, Beacon::LABEL, Packet::LABEL];
    for (place, label) in labels.iter().enumerate() {
        assert!(!labels[..place].contains(label));
    }
}

#[test]
fn bounds_hold_also_for_what_is_well_signed() {
    let out_of_bounds = Some(DecodeError::OutOfBounds);
    for text in ["", " \n", &"x".repeat(TEXT_BYTES_MAX + 1)] {
        assert_eq!(opened(entry(text)), out_of_bounds);
    }
    assert_eq!(opened(entry(&"x".repeat(TEXT_BYTES_MAX))), None);
    let mut invalid = entry("hi");
    invalid.body = EntryBody::of([0xff]);
    assert_eq!(opened(invalid.clone()), out_of_bounds, "no UTF-8");
    // Of a later version: kept and passed on.
    invalid.kind = 9;
    assert_eq!((invalid.text(), opened(invalid.clone())), (None, None));
    let last = Entry {
        seq: u64::MAX,
        ..entry("hi")
    };
    assert_eq!(opened(last), out_of_bounds);
    let nameless = Entry {
        name: "a\nb".into(),
        ..entry("hi")
    };
    assert_eq!(opened(nameless), out_of_bounds);
    // The first names none before it, every other one.
    for (seq, prev) in [(0, Some([6; 32].into())), (1, None)] {
        let unchained = Entry {
            seq,
            prev,
            ..entry("hi")
        };
        assert_eq!(opened(unchained), out_of_bounds);
    }
}

#[test]
fn an_entry_has_the_body_that_its_header_names() {
    let [one, other] = ["yes", "no!"].map(|text| Record::sign(&ann(), &room("lobby"), entry(text)));
    let header = Unchecked::read(&one.wire).unwrap();
    let with = |body: Option<&[u8]>| {
        let wire = encode(&Signed {
            author: header.author,
            content: header.content.into(),
            signature: header.signature,
            body: body.map(Into::into),
            deletion: None,
        });
        Record::<Entry>::open(&wire, &room("lobby"))
    };
    assert_eq!(with(Some(b"yes")), Ok(Rc::clone(&one)));
    for body in [None, Some(&b""[..]), Some(b"no!"), Some(b"yes!")] {
        assert_eq!(with(body), Err(DecodeError::Forged));
    }
    // Without the body it is still recognised, and proves what was signed.
    let header = header.without_body(None);
    let header = Unchecked::read(&header).unwrap();
    assert_eq!(header.id, one.id);
    assert!(header.check_content::<Entry>(&room("lobby")).is_ok());
    assert_ne!(one.id, other.id);
}

#[test]
fn a_beacon_names_no_more_than_there_can_be() {
    let (ack, lost) = (
        Ack {
            author: ShortId(1),
            feed: 2,
            first: 0,
            next: 3,
        },
        Lost {
            peer: ShortId(1),
            stamp: 2,
        },
    );
    let full = Beacon {
        neighbors: vec![ShortId(1); LINKS_MAX],
        acks: vec![ack; ACKS_MAX],
        lost: vec![lost; LOST_MAX],
        archive: Some(true),
        ..beacon()
    };
    assert_eq!(opened(full.clone()), None);
    let over = [
        Beacon {
            neighbors: vec![ShortId(1); LINKS_MAX + 1],
            ..full.clone()
        },
        Beacon {
            acks: vec![ack; ACKS_MAX + 1],
            ..full.clone()
        },
        Beacon {
            lost: vec![lost; LOST_MAX + 1],
            ..full.clone()
        },
        Beacon {
            name: String::new(),
            ..full
        },
    ];
    for beacon in over {
        assert_eq!(opened(beacon), Some(DecodeError::OutOfBounds));
    }
}

#[test]
fn a_beacon_is_small_also_by_what_is_not_known_here() {
    // Within all bounds, with the longest numbers and name that there can be.
    let ack = Ack {
        author: ShortId(u64::MAX),
        feed: u64::MAX,
        first: u64::MAX,
        next: u64::MAX,
    };
    let lost = Lost {
        peer: ShortId(u64::MAX),
        stamp: u64::MAX,
    };
    let largest = Beacon {
        stamp: u64::MAX,
        name: "\u{1F426}".repeat(NAME_CHARS_MAX),
        interval_millis: u32::MAX,
        neighbors: vec![ShortId(u64::MAX); LINKS_MAX],
        acks: vec![ack; ACKS_MAX],
        lost: vec![lost; LOST_MAX],
        ..beacon()
    };
    assert!(encode(&largest).len() <= BEACON_BYTES_MAX, "{}", encode(&largest).len());
    let record = Record::sign(&ann(), &room("lobby"), largest);
    assert!(Record::<Beacon>::open(&record.wire, &room("lobby")).is_ok());
    // A further field of a later version, signed or not.
    let padded = |length| {
        let archive = Some(false);
        let mut content = encode(&Beacon { archive, ..beacon() });
        content[0] += 1;
        content.extend(encode(&ByteVec::from(vec![0; length])));
        let signature = sign(&ann(), Label::Beacon, &room("lobby"), &content);
        let content = content.as_slice().into();
        let author = ann().peer_id();
        encode(&Signed {
            author,
            content,
            signature,
            body: None,
            deletion: None,
        })
    };
    assert!(Record::<Beacon>::open(&padded(100), &room("lobby")).is_ok());
    let refused = Record::<Beacon>::open(&padded(BEACON_BYTES_MAX), &room("lobby"));
    assert_eq!(refused, Err(DecodeError::OutOfBounds));
    let mut trailing = record.wire.clone();
    trailing[0] += 1;
    trailing.extend(encode(&ByteVec::from(vec![0; BEACON_BYTES_MAX])));
    assert_eq!(
        Record::<Beacon>::open(&trailing, &room("lobby")),
        Err(DecodeError::OutOfBounds)
    );
}

#[test]
fn what_is_too_large_is_not_even_hashed() {
    let wire = |length| {
        let content = vec![0; length];
        encode(&Signed {
            author: ann().peer_id(),
            content: content.as_slice().into(),
            signature: ann().sign(Label::Entry, b""),
            body: None,
            deletion: None,
        })
    };
    assert!(Unchecked::read(&wire(CONTENT_BYTES_MAX)).is_ok());
    let refused = Unchecked::read(&wire(CONTENT_BYTES_MAX + 1)).map(|_| ());
    assert_eq!(refused, Err(DecodeError::OutOfBounds));
}

#[test]
fn the_same_content_by_another_author_is_another_record() {
    let records = [1, 2].map(|byte| Record::sign(&Identity::from_secret(&[byte; 32]), &room("lobby"), entry("hi")));
    assert_ne!(records[0].id, records[1].id);
    assert_eq!(records[0].id, Record::sign(&ann(), &room("attic"), entry("hi")).id);
}

#[test]
fn an_entry_without_its_body_needs_the_word_of_its_author_for_that() {
    let lobby = room("lobby");
    let entry_of = |kind| {
        let content = Entry { kind, ..entry("hello") };
        Record::sign(&ann(), &lobby, content)
    };
    let said = entry_of(Entry::CHAT);
    let word = |by: &Identity, room: &Room, of: &Record<Entry>| {
        Deletions::sign(by, room, &[of.message_id()]).of.remove(0).proof
    };
    let deleted = said.deleted(word(&ann(), &lobby, &said));
    let opened = Record::<Entry>::open(&deleted.wire, &lobby).unwrap();
    assert_eq!((&opened, opened.id), (&deleted, said.id));
    assert_eq!(
        (opened.content.text(), opened.content.is_deleted_message()),
        (None, true)
    );
    assert_eq!(Record::<Entry>::recall(&deleted.wire), Ok(deleted));
    let bob = Identity::from_secret(&[2; 32]);
    let other = Record::sign(&ann(), &lobby, entry("no"));
    for forged in [
        word(&bob, &lobby, &said),
        word(&ann(), &room("attic"), &said),
        word(&ann(), &lobby, &other),
    ] {
        let opened = Record::<Entry>::open(&said.deleted(forged).wire, &lobby);
        assert_eq!(opened, Err(DecodeError::Forged));
    }
    // Of what counts for the room nothing is deleted, nor of what nobody knows.
    for kind in [
        Entry::ROOM_NAME,
        Entry::VANISH,
        Entry::WHISPER,
        Entry::REACTIONS,
        Entry::DELETION,
        Entry::TOPIC,
        Entry::PINS,
        99,
    ] {
        let said = entry_of(kind);
        let opened = Record::<Entry>::open(&said.deleted(word(&ann(), &lobby, &said)).wire, &lobby);
        assert_eq!(opened, Err(DecodeError::OutOfBounds), "{kind}");
    }
    // Either the body or the word.
    let unchecked = Unchecked::read(&said.wire).unwrap();
    let both = encode(&Signed {
        author: said.author,
        content: unchecked.content.into(),
        signature: unchecked.signature,
        body: unchecked.body.map(Into::into),
        deletion: Some(word(&ann(), &lobby, &said)),
    });
    assert_eq!(Record::<Entry>::open(&both, &lobby), Err(DecodeError::OutOfBounds));
}

#[test]
fn all_that_a_deletion_names_is_signed_by_its_author() {
    let lobby = room("lobby");
    let ids = [1, 2].map(|byte| MessageId::from_bytes([byte; 16]));
    let deletions = Deletions::sign(&ann(), &lobby, &ids);
    let signed = |body: &Deletions| {
        let content = Entry {
            kind: Entry::DELETION,
            body: EntryBody::of(encode(body)),
            ..entry("hi")
        };
        Record::<Entry>::open(&Record::sign(&ann(), &lobby, content).wire, &lobby)
    };
    assert_eq!(signed(&deletions).unwrap().content.deletions(), Some(deletions.clone()));
    let mut forged = deletions.clone();
    forged.of[1].id = MessageId::from_bytes([3; 16]);
    assert_eq!(signed(&forged), Err(DecodeError::Forged));
    // Too many, or none, count for nothing.
    let most = Deletions {
        of: vec![deletions.of[0].clone(); DELETED_MAX],
    };
    let more = Deletions {
        of: vec![deletions.of[0].clone(); DELETED_MAX + 1],
    };
    assert_eq!(signed(&most).unwrap().content.deletions(), Some(most));
    for nothing in [more, Deletions { of: Vec::new() }] {
        assert_eq!(signed(&nothing).unwrap().content.deletions(), None);
    }
}

proptest! {
    #[test]
    fn an_altered_deleted_entry_never_opens(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let said = Record::sign(&ann(), &room("lobby"), entry("hello"));
        let word = Deletions::sign(&ann(), &room("lobby"), &[said.message_id()]).of.remove(0);
        let mut wire = said.deleted(word.proof).wire.clone();
        let index = at.index(wire.len());
        wire[index] ^= 1 << bit;
        prop_assert!(Record::<Entry>::open(&wire, &room("lobby")).is_err());
    }

    #[test]
    fn an_altered_record_never_opens(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let record = Record::sign(&ann(), &room("lobby"), entry("hello"));
        let mut wire = record.wire.clone();
        let index = at.index(wire.len());
        wire[index] ^= 1 << bit;
        prop_assert!(Record::<Entry>::open(&wire, &room("lobby")).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Record::<Entry>::open(&bytes, &room("lobby")).is_err());
        prop_assert!(Record::<Beacon>::open(&bytes, &room("lobby")).is_err());
        prop_assert!(Record::<Packet>::open(&bytes, &room("lobby")).is_err());
        prop_assert!(Record::<Typing>::open(&bytes, &room("lobby")).is_err());
    }

    #[test]
    fn any_signed_bytes_are_a_record_or_refused(content in prop::collection::vec(any::<u8>(), 0..200)) {
        let lobby = room("lobby");
        let signed = |label| encode(&Signed {
            author: ann().peer_id(),
            content: content.as_slice().into(),
            signature: sign(&ann(), label, &lobby, &content),
            body: None,
            deletion: None,
        });
        for wire in [Label::Entry, Label::Beacon, Label::Packet, Label::Typing].map(signed) {
            if let Ok(entry) = Record::<Entry>::open(&wire, &lobby) {
                prop_assert!(entry.content.is_valid());
            }
            let _ = Record::<Beacon>::open(&wire, &lobby);
            let _ = Record::<Packet>::open(&wire, &lobby);
            if Record::<Typing>::open(&wire, &lobby).is_ok() {
                prop_assert!(content.len() <= TYPING_BYTES_MAX);
            }
        }
    }
}

/// A member could otherwise make every other one build a frame that is too large.
#[test]
fn a_record_with_much_that_is_not_signed_is_refused() {
    let record = Record::sign(&ann(), &room("lobby"), entry("hi"));
    let padded = |bytes: usize| {
        // No deletion, then one more field of the record's array: a byte string.
        let mut wire = record.wire.clone();
        assert_eq!(wire[0], 0x84);
        wire[0] = 0x86;
        wire.push(0xf6);
        wire.push(0x5a);
        wire.extend(u32::try_from(bytes).unwrap().to_be_bytes());
        wire.extend(vec![0; bytes]);
        wire
    };
    assert!(
        Record::<Entry>::open(&padded(10), &room("lobby")).is_ok(),
        "a later version may add fields"
    );
    // Whoever passes it on could otherwise have its author pay for that.
    for bytes in [100, 60_000] {
        let refused = Record::<Entry>::open(&padded(bytes), &room("lobby")).err();
        assert_eq!(refused, Some(DecodeError::OutOfBounds));
    }
    assert_eq!(
        Record::<Entry>::open(&padded(RECORD_BYTES_MAX), &room("lobby")).err(),
        Some(DecodeError::OutOfBounds)
    );
}
