//! A file that goes through a neighbor: from the side of whoever carries it, and of whoever has it carried.

use super::*;
use crate::config::{CARRIED_FOR, CARRIED_MAX, CARRIED_PIECES_PER_SECOND, SEEK_HOLDERS};

/// Ann carries a file for Cid that Bob has: all is known that is needed for it.
fn carrying(file: &Made) -> Rig {
    let (root, bytes) = (file.root(), file.info.bytes);
    let mut rig = Rig::with(&[2, 3]);
    rig.hand(BOB, &FileFrame::Holds { roots: vec![root] });
    rig.hand(CID, &FileFrame::Carry { root, bytes });
    let outputs = rig.outputs();
    let nothing = vec![0; file.hashes.len().div_ceil(8)];
    let set = Some(nothing.as_slice().into());
    assert_eq!(
        outputs,
        [
            sent(BOB, &FileFrame::Ask { root }),
            sent(CID, &FileFrame::Pieces { root, bytes, set })
        ]
    );
    rig.hand(BOB, &FileFrame::Pieces { root, bytes, set: None });
    rig.hash(BOB, file);
    rig.wait(0);
    rig
}

#[test]
fn what_is_carried_is_verified_and_passed_on_and_nothing_of_it_is_kept() {
    let file = Made::of(3 * PIECE_BYTES);
    let (root, bytes) = (file.root(), file.info.bytes);
    let mut rig = carrying(&file);
    let all = [0b111];
    let set = Some(all.as_slice().into());
    assert!(
        rig.outputs()
            .contains(&sent(CID, &FileFrame::Pieces { root, bytes, set }))
    );
    rig.hand(CID, &FileFrame::WantHashes { root, from: 0 });
    assert_eq!(rig.sent_to(CID).len(), 1);
    rig.hand(CID, &FileFrame::Want { root, pieces: vec![1] });
    assert_eq!(rig.outputs(), [sent(BOB, &FileFrame::Want { root, pieces: vec![1] })]);
    rig.bring(BOB, &file, 1, &file.piece(1));
    let outputs = rig.outputs();
    let is_part = |output: &Output| matches!(output, Output::TransmitFile { link, bytes } if *link == CID && matches!(FileFrame::decode(bytes), Ok(FileFrame::Data { piece: 1, .. })));
    assert!(!outputs.is_empty() && outputs.iter().all(is_part), "{outputs:?}");
    assert!(rig.files.holdings.get(&root).unwrap().have.is_empty());
    rig.files.handle_writable(&mut rig.cx, CID);
    rig.outputs();
    rig.files.handle_writable(&mut rig.cx, CID);
    // Others hear nothing of it, and after a while it is forgotten.
    rig.wait(1_000);
    assert_eq!((rig.outputs(), rig.words()), (vec![], vec![]));
    rig.wait(u64::try_from(CARRIED_FOR.as_millis()).unwrap());
    let nothing = [0];
    let set = Some(nothing.as_slice().into());
    assert_eq!(rig.outputs(), [sent(CID, &FileFrame::Pieces { root, bytes, set })]);
    assert!(rig.files.holdings.is_empty());
    rig.wait(10_000);
    assert_eq!(rig.files.poll_timeout(), None);
}

#[test]
fn garbage_is_not_passed_on_and_costs_who_sent_it() {
    let file = Made::of(3 * PIECE_BYTES);
    let root = file.root();
    let mut rig = carrying(&file);
    rig.hand(CID, &FileFrame::Want { root, pieces: vec![1] });
    rig.outputs();
    rig.bring(BOB, &file, 1, &vec![9; PIECE_BYTES]);
    assert_eq!(rig.words(), [violation(BOB)]);
    rig.wait(500);
    assert!(
        rig.sent_to(CID)
            .contains(&FileFrame::Lacks { root, pieces: vec![1] }.encode().into())
    );
}

#[test]
fn whoever_wants_a_carried_file_for_themselves_has_it_kept_and_the_other_asks_anew() {
    let file = Made::of(3 * PIECE_BYTES);
    let root = file.root();
    let mut rig = carrying(&file);
    rig.hand(CID, &FileFrame::Want { root, pieces: vec![1] });
    rig.outputs();
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    let outputs = rig.outputs();
    assert!(
        outputs.contains(&sent(CID, &FileFrame::Lacks { root, pieces: vec![1] })),
        "{outputs:?}"
    );
    assert!(outputs.contains(&sent(BOB, &FileFrame::Ask { root })), "{outputs:?}");
    assert!(rig.files.holdings.get(&root).unwrap().is_wanted());
}

#[test]
fn few_pieces_are_carried_in_a_second_and_few_files_at_once() {
    let file = Made::of(20 * PIECE_BYTES);
    let root = file.root();
    let mut rig = carrying(&file);
    rig.outputs();
    rig.hand(
        CID,
        &FileFrame::Want {
            root,
            pieces: (0..16).collect(),
        },
    );
    let mut asked = 0;
    for _ in 0..20 {
        for (link, pieces) in rig.asked(root) {
            assert_eq!(link, BOB);
            for piece in pieces {
                asked += 1;
                rig.bring(BOB, &file, piece, &file.piece(piece));
                rig.files.handle_writable(&mut rig.cx, CID);
            }
        }
        rig.files.handle_writable(&mut rig.cx, CID);
        rig.wait(250);
    }
    // What came out while a piece was handed over was not counted: no more than twice as many.
    assert!(
        (5..=6 * CARRIED_PIECES_PER_SECOND).contains(&asked),
        "{asked} in five seconds"
    );
    for number in 1..=CARRIED_MAX {
        let other = Made::of(PIECE_BYTES + number);
        rig.hand(
            BOB,
            &FileFrame::Holds {
                roots: vec![root, other.root()],
            },
        );
        let (root, bytes) = (other.root(), other.info.bytes);
        rig.hand(CID, &FileFrame::Carry { root, bytes });
    }
    assert_eq!(rig.files.holdings.len(), CARRIED_MAX);
}

#[test]
fn who_cannot_reach_a_holder_asks_who_named_it_and_says_so() {
    let file = Made::of(3 * PIECE_BYTES);
    let (root, bytes) = (file.root(), file.info.bytes);
    let mut rig = Rig::with(&[2]);
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    rig.hand(
        BOB,
        &FileFrame::Holders {
            root,
            peers: vec![peer(9)],
        },
    );
    let carry = sent(BOB, &FileFrame::Carry { root, bytes });
    assert!(!rig.outputs().contains(&carry));
    assert_eq!(rig.words().len(), 1, "a link comes first");
    rig.wait(u64::try_from(FILE_LINK_TIMEOUT.as_millis()).unwrap());
    rig.wait(2_000);
    assert!(rig.outputs().contains(&carry));
    rig.wait(2_000);
    assert!(!rig.outputs().contains(&carry), "not again so soon");
    rig.wait(u64::try_from(SEEK_HOLDERS.as_millis()).unwrap());
    assert!(rig.outputs().contains(&carry));
    // Whatever Bob holds himself changes nothing of it.
    rig.hand(BOB, &FileFrame::Holds { roots: vec![] });
    rig.hand(BOB, &FileFrame::Pieces { root, bytes, set: None });
    let through = |output: &Output| {
        let Output::Event(Event::File { progress, .. }) = output else {
            return None;
        };
        Some((progress.state, progress.through))
    };
    let told = rig.outputs().iter().filter_map(through).next_back();
    assert_eq!(told, Some((FileState::Fetching, Some(peer(2)))));
    rig.hash(BOB, &file);
    assert_eq!(rig.asked(root)[0].0, BOB);
}
