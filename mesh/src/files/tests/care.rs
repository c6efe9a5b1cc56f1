//! What is here stays, whatever a disk or a false offer says; and what was dropped stays dropped.

use super::*;
use crate::{
    config::{DROPPED_MAX, READ_TRIES, STILL},
    io::Unreadable,
    model::FileError,
};

fn fails(rig: &mut Rig, root: FileId, piece: u32) {
    rig.files.handle_read(&mut rig.cx, root, piece, Err(Unreadable));
}

#[test]
fn a_piece_that_could_not_be_read_is_read_again_and_sent() {
    let file = Made::of(2 * PIECE_BYTES);
    let root = file.root();
    let mut rig = offering(&file);
    rig.hand(BOB, &FileFrame::Want { root, pieces: vec![1] });
    rig.outputs();
    fails(&mut rig, root, 1);
    assert_eq!(rig.outputs(), [], "Bob waits");
    rig.wait(1_000);
    assert!(rig.outputs().contains(&Output::ReadPiece { root, piece: 1 }));
    rig.files.handle_read(&mut rig.cx, root, 1, Ok(Some(file.piece(1))));
    assert!(!rig.sent_to(BOB).is_empty());
    rig.wait(0);
    assert_eq!(rig.files.holdings.get(&root).unwrap().have.len(), 2);
}

#[test]
fn a_file_that_cannot_be_read_is_served_no_more_until_it_can_be_and_no_piece_of_it_is_lost() {
    let file = Made::of(2 * PIECE_BYTES);
    let (root, bytes) = (file.root(), file.info.bytes);
    let mut rig = offering(&file);
    rig.hand(BOB, &FileFrame::Ask { root });
    rig.hand(BOB, &FileFrame::Want { root, pieces: vec![1] });
    rig.outputs();
    fails(&mut rig, root, 1);
    for _ in 1..READ_TRIES {
        rig.wait(10_000);
        assert!(rig.outputs().contains(&Output::ReadPiece { root, piece: 1 }));
        fails(&mut rig, root, 1);
    }
    let outputs = rig.outputs();
    assert!(
        outputs.contains(&sent(BOB, &FileFrame::Lacks { root, pieces: vec![1] })),
        "{outputs:?}"
    );
    assert!(
        outputs.contains(&file.progress(FileState::Unreadable, 2, 0)),
        "{outputs:?}"
    );
    rig.wait(200);
    let none = [0_u8];
    let set = Some(none.as_slice().into());
    let outputs = rig.outputs();
    assert!(
        outputs.contains(&sent(BOB, &FileFrame::Pieces { root, bytes, set })),
        "{outputs:?}"
    );
    assert!(
        outputs.contains(&sent(BOB, &FileFrame::Holds { roots: vec![] })),
        "{outputs:?}"
    );
    rig.wait(60_000);
    assert!(rig.outputs().contains(&Output::ReadPiece { root, piece: 1 }));
    rig.files.handle_read(&mut rig.cx, root, 1, Ok(Some(file.piece(1))));
    rig.wait(200);
    let outputs = rig.outputs();
    assert!(outputs.contains(&file.progress(FileState::Whole, 2, 0)), "{outputs:?}");
    assert!(outputs.contains(&sent(BOB, &FileFrame::Pieces { root, bytes, set: None })));
    assert!(outputs.contains(&sent(BOB, &FileFrame::Holds { roots: vec![root] })));
}

#[test]
fn a_false_length_gives_way_to_another_offer_until_something_proves_one_of_them() {
    let file = Made::of(2 * PIECE_BYTES);
    let mut rig = Rig::with(&[2]);
    let fetch = |rig: &mut Rig, bytes| {
        let info = FileInfo {
            bytes,
            ..file.info.clone()
        };
        rig.files.fetch(&mut rig.cx, info, std::iter::empty())
    };
    assert_eq!(
        fetch(&mut rig, 0),
        Err(FileError::False),
        "what is empty has another id"
    );
    // One piece less, as many pieces, and one more.
    for lie in [5, 2 * PIECE_BYTES as u64 - 1, 3 * PIECE_BYTES as u64] {
        fetch(&mut rig, lie).unwrap();
        rig.hold(BOB, &file, None);
        assert_eq!(rig.asked(file.root()), []);
    }
    fetch(&mut rig, file.info.bytes).unwrap();
    rig.hold(BOB, &file, None);
    rig.hash(BOB, &file);
    for piece in 0..2 {
        rig.store(BOB, &file, piece);
    }
    assert_eq!(rig.outputs().last(), Some(&file.progress(FileState::Whole, 2, 1)));
    assert_eq!(fetch(&mut rig, 5), Err(FileError::False));
    assert!(rig.files.holdings.get(&file.root()).unwrap().is_whole());
    assert_eq!(rig.words(), []);
}

/// What is stored, by its keys.
fn stored(rig: &mut Rig) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut stored: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for output in rig.outputs() {
        if let Output::Store { change, .. } = output {
            stored.retain(|(key, _)| *key != change.key);
            stored.extend(change.value.map(|value| (change.key, value.to_vec())));
        }
    }
    stored
}

#[test]
fn what_was_dropped_is_told_at_the_next_visit_until_it_is_fetched() {
    let file = Made::of(2 * PIECE_BYTES);
    let mut rig = offering(&file);
    rig.cx.keeps = true;
    rig.files.cancel(&mut rig.cx, file.root());
    let kept = stored(&mut rig);
    assert_eq!(kept.len(), 1);
    let mut again = Rig::with(&[2]);
    again.cx.keeps = true;
    again.files.restore(&mut again.cx, kept);
    assert_eq!(again.outputs(), [file.progress(FileState::Offered, 0, 0)]);
    again
        .files
        .fetch(&mut again.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    let kept = stored(&mut again);
    let mut once_more = Rig::with(&[2]);
    once_more.files.restore(&mut once_more.cx, kept);
    assert!(once_more.outputs().contains(&file.progress(FileState::Waiting, 0, 0)));
}

#[test]
fn whoever_leaves_has_stored_what_is_here() {
    let file = Made::of(4 * PIECE_BYTES);
    let mut rig = fetching(&file, &[2]);
    rig.cx.keeps = true;
    let piece = rig.asked(file.root())[0].1[0];
    rig.store(BOB, &file, piece);
    assert_eq!(stored(&mut rig), [], "not at once");
    rig.files.handle_leaving(&mut rig.cx);
    rig.files.keep_hashes(&mut rig.cx, file.root());
    let kept = stored(&mut rig);
    let mut again = Rig::with(&[]);
    again.files.restore(&mut again.cx, kept);
    assert_eq!(again.outputs(), [file.progress(FileState::Waiting, 1, 0)]);
}

#[test]
fn of_too_many_that_were_dropped_one_is_forgotten() {
    let mut rig = Rig::with(&[]);
    for bytes in 1..=DROPPED_MAX + 1 {
        let file = Made::of(bytes);
        rig.files.offer(&mut rig.cx, file.info.clone(), file.hashes.clone());
        rig.files.cancel(&mut rig.cx, file.root());
    }
    assert_eq!(rig.files.dropped.len(), DROPPED_MAX);
}

#[test]
fn it_is_told_that_nothing_comes_any_more() {
    let file = Made::of(4 * PIECE_BYTES);
    let mut rig = fetching(&file, &[2]);
    rig.outputs();
    let told = file.progress(FileState::Fetching, 0, 1);
    let mut times = 0;
    for _ in 0..6 {
        rig.wait(500);
        times += rig.outputs().iter().filter(|output| **output == told).count();
    }
    assert!(
        (1..=3 * 1_000 / u32::try_from(STILL.as_millis()).unwrap()).contains(&u32::try_from(times).unwrap()),
        "{times}"
    );
}

#[test]
fn what_was_stored_is_gone_on_with_and_what_is_damaged_is_fetched_again() {
    let file = Made::of(4 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2]);
    rig.cx.keeps = true;
    // The hashes came before anything was kept.
    rig.files.keep_hashes(&mut rig.cx, root);
    let pieces = rig.asked(root).remove(0).1;
    rig.files.keep_hashes(&mut rig.cx, root);
    rig.store(BOB, &file, pieces[0]);
    rig.wait(1_000);
    let mut stored = Vec::new();
    for output in rig.outputs() {
        if let Output::Store { change, .. } = output
            && let Some(value) = change.value
        {
            stored.retain(|(key, _)| *key != change.key);
            stored.push((change.key, value.to_vec()));
        }
    }
    assert_eq!(stored.len(), 3);
    let mut again = Rig::with(&[2]);
    again.files.restore(&mut again.cx, stored.clone());
    assert_eq!(again.outputs(), [file.progress(FileState::Waiting, 1, 0)]);
    again.hold(BOB, &file, None);
    let asked = again.asked(root);
    assert!(!asked[0].1.is_empty() && !asked[0].1.contains(&pieces[0]));
    // Without the hashes nothing that is stored can be verified.
    for lacking in [Key::Hashes { root }, Key::Pieces { root }] {
        let key = lacking.forget().key;
        let rest = stored.iter().filter(|(stored, _)| *stored != key).cloned().collect();
        let mut again = Rig::with(&[]);
        again.files.restore(&mut again.cx, rest);
        assert_eq!(again.outputs(), [file.progress(FileState::Waiting, 0, 0)]);
    }
}

#[test]
fn a_wrong_length_in_an_offer_blames_nobody() {
    let file = Made::of(2 * PIECE_BYTES);
    let mut rig = Rig::with(&[2]);
    let info = FileInfo {
        bytes: 5,
        ..file.info.clone()
    };
    rig.files.fetch(&mut rig.cx, info, std::iter::empty()).unwrap();
    rig.hold(BOB, &file, None);
    for _ in 0..20 {
        rig.wait(1_000);
    }
    assert_eq!((rig.asked(file.root()), rig.words()), (vec![], vec![]));
}
