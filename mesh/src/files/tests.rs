mod any;
mod care;
mod carry;
mod serve;

use shared::FileId;

use super::{
    rig::{BOB, CID, Made, Rig, sent},
    *,
};
use crate::{
    config::{
        BLOCK_BYTES, BLOCK_BYTES_MAX, ENDGAME_AFTER, FILE_CHANNEL_WINDOW_BYTES, FILE_LINK_TIMEOUT, PIECE_BYTES,
        READS_MAX, REQUESTS_MAX, STALL, STALLED_RESTS, WINDOW_MIN,
    },
    context::test::peer,
    door::Sources,
    io::Output,
    wire::stored::Key,
};

/// A rig that fetches a file, whose neighbors have all of it and gave the hashes.
fn fetching(file: &Made, neighbors: &[u8]) -> Rig {
    let mut rig = Rig::with(neighbors);
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    for byte in neighbors {
        rig.hold(LinkId((*byte).into()), file, None);
    }
    rig.hash(LinkId(neighbors[0].into()), file);
    rig
}

fn violation(link: LinkId) -> ToNet {
    ToNet::Violation { link }
}

#[test]
fn a_file_is_asked_for_step_by_step_until_it_is_whole() {
    let file = Made::of(PIECE_BYTES + 5);
    let root = file.root();
    let mut rig = Rig::with(&[2]);
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    let seek = sent(BOB, &FileFrame::Seek { root });
    assert_eq!(rig.outputs(), [seek, file.progress(FileState::Waiting, 0, 0)]);
    rig.hand(BOB, &FileFrame::Holds { roots: vec![root] });
    assert_eq!(rig.outputs(), [sent(BOB, &FileFrame::Ask { root })]);
    let bytes = file.info.bytes;
    rig.hand(BOB, &FileFrame::Pieces { root, bytes, set: None });
    let want = sent(BOB, &FileFrame::WantHashes { root, from: 0 });
    assert_eq!(rig.outputs(), [want, file.progress(FileState::Fetching, 0, 1)]);
    rig.hash(BOB, &file);
    let asked = rig.asked(root);
    let [(BOB, pieces)] = &asked[..] else {
        panic!("{asked:?}")
    };
    let pieces = pieces.clone();
    assert_eq!(pieces.len(), 2);
    for piece in &pieces {
        rig.bring(BOB, &file, *piece, &file.piece(*piece));
        let (piece, bytes) = (*piece, file.piece(*piece));
        assert_eq!(rig.outputs(), [Output::WritePiece { root, piece, bytes }]);
    }
    rig.files.handle_written(&mut rig.cx, root, pieces[0], true);
    rig.files.handle_written(&mut rig.cx, root, pieces[1], true);
    assert_eq!(rig.outputs(), [file.progress(FileState::Whole, 2, 1)]);
    // Others hear of it, and nothing is looked at any more.
    rig.wait(200);
    assert_eq!(rig.outputs(), [sent(BOB, &FileFrame::Holds { roots: vec![root] })]);
    rig.wait(1_000);
    assert_eq!(
        (rig.outputs(), rig.files.poll_timeout(), rig.words()),
        (vec![], None, vec![])
    );
}

#[test]
fn an_empty_file_is_whole_at_once_and_one_of_one_piece_needs_no_hashes() {
    let mut rig = Rig::with(&[2]);
    let empty = Made::of(0);
    rig.files
        .fetch(&mut rig.cx, empty.info.clone(), std::iter::empty())
        .unwrap();
    assert_eq!(rig.outputs(), [empty.progress(FileState::Whole, 0, 0)]);
    let short = Made::of(5);
    rig.files
        .fetch(&mut rig.cx, short.info.clone(), std::iter::empty())
        .unwrap();
    rig.hold(BOB, &short, None);
    assert_eq!(rig.asked(short.root()), [(BOB, vec![0])]);
    rig.store(BOB, &short, 0);
    assert_eq!(rig.outputs().last(), Some(&short.progress(FileState::Whole, 1, 1)));
}

#[test]
fn garbage_costs_its_sender_and_others_are_asked_instead() {
    let file = Made::of(20 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2, 3]);
    let asked = rig.asked(root);
    assert_eq!(
        asked
            .iter()
            .map(|(link, pieces)| (*link, pieces.len()))
            .collect::<Vec<_>>(),
        [(BOB, WINDOW_MIN), (CID, WINDOW_MIN)]
    );
    let (bad, other) = (asked[0].1[0], asked[0].1[1]);
    rig.bring(BOB, &file, bad, &vec![9; PIECE_BYTES]);
    assert_eq!(rig.words(), [violation(BOB)]);
    let outputs = rig.outputs();
    assert!(outputs.contains(&sent(
        BOB,
        &FileFrame::Cancel {
            root,
            pieces: vec![other]
        }
    )));
    assert!(!outputs.iter().any(|output| matches!(output, Output::WritePiece { .. })));
    // Cid gets all that Bob was asked for, in time.
    for _ in 0..25 {
        let next = rig
            .files
            .channels
            .get(&CID)
            .and_then(|channel| channel.asked.front().copied());
        if let Some(next) = next {
            rig.store(CID, &file, next.piece);
        }
    }
    assert!(rig.files.holdings.get(&root).unwrap().is_whole());
    assert_eq!(rig.words(), []);
}

#[test]
fn hashes_that_are_not_those_of_the_file_cost_their_sender() {
    let file = Made::of(2 * PIECE_BYTES);
    let root = file.root();
    let mut rig = Rig::with(&[2, 3]);
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    rig.hold(BOB, &file, None);
    rig.hold(CID, &file, None);
    rig.outputs();
    let hashes = [[7; 32]; 2];
    let hashes = hashes.as_flattened().into();
    rig.hand(BOB, &FileFrame::Hashes { root, from: 0, hashes });
    assert_eq!(rig.words(), [violation(BOB)]);
    rig.wait(500);
    assert!(
        rig.outputs()
            .contains(&sent(CID, &FileFrame::WantHashes { root, from: 0 }))
    );
}

#[test]
fn a_holder_that_lacks_what_it_told_to_have_is_not_asked_for_that_again() {
    let file = Made::of(3 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2]);
    let asked = rig.asked(root);
    let pieces = asked[0].1.clone();
    rig.hand(
        BOB,
        &FileFrame::Lacks {
            root,
            pieces: pieces.clone(),
        },
    );
    let next = rig.asked(root);
    assert_eq!(next.len(), 1);
    assert!(next[0].1.iter().all(|piece| !pieces.contains(piece)));
    // A word about what was not asked does nothing.
    rig.hand(
        BOB,
        &FileFrame::Lacks {
            root,
            pieces: vec![77, u32::MAX],
        },
    );
    assert_eq!((rig.asked(root), rig.words()), (vec![], vec![]));
}

#[test]
fn a_holder_that_stalls_rests_and_is_asked_again_later() {
    let file = Made::of(2 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2]);
    let pieces = rig.asked(root).remove(0).1;
    let stall = u64::try_from(STALL.as_millis()).unwrap();
    rig.wait(stall - 1);
    assert_eq!(rig.asked(root), []);
    rig.wait(500);
    let outputs = rig.outputs();
    assert!(
        outputs.contains(&sent(BOB, &FileFrame::Cancel { root, pieces })),
        "{outputs:?}"
    );
    assert_eq!(outputs.last(), Some(&file.progress(FileState::Waiting, 0, 0)));
    rig.connect(3);
    rig.hold(CID, &file, None);
    assert_eq!(rig.asked(root).len(), 1);
    rig.lose(CID);
    rig.outputs();
    for _ in 0..STALLED_RESTS.as_secs() {
        rig.wait(1_000);
    }
    assert_eq!(rig.asked(root).first().map(|(link, _)| *link), Some(BOB));
}

#[test]
fn when_a_link_is_lost_others_are_asked_for_what_it_was_asked_for() {
    let file = Made::of(2 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2, 3]);
    assert_eq!(rig.asked(root).iter().map(|(link, _)| *link).collect::<Vec<_>>(), [BOB]);
    rig.lose(BOB);
    let asked = rig.asked(root);
    assert_eq!(
        asked
            .iter()
            .map(|(link, pieces)| (*link, pieces.len()))
            .collect::<Vec<_>>(),
        [(CID, 2)]
    );
}

#[test]
fn the_rarest_pieces_are_asked_for_first() {
    let file = Made::of(4 * PIECE_BYTES);
    let root = file.root();
    let mut rig = Rig::with(&[2, 3]);
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    rig.hold(CID, &file, Some(&[0, 1]));
    rig.hold(BOB, &file, None);
    rig.outputs();
    rig.hash(CID, &file);
    let mut asked = rig.asked(root);
    asked.iter_mut().for_each(|(_, pieces)| pieces.sort_unstable());
    assert_eq!(asked, [(BOB, vec![2, 3]), (CID, vec![0, 1])]);
}

#[test]
fn the_last_pieces_are_asked_for_twice_where_a_holder_is_slow() {
    let file = Made::of(2 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2, 3]);
    let pieces = rig.asked(root).remove(0).1;
    rig.wait(u64::try_from(ENDGAME_AFTER.as_millis()).unwrap());
    assert_eq!(
        rig.asked(root)
            .iter()
            .map(|(link, pieces)| (*link, pieces.len()))
            .collect::<Vec<_>>(),
        [(CID, 2)]
    );
    rig.bring(CID, &file, pieces[1], &file.piece(pieces[1]));
    let cancel = FileFrame::Cancel {
        root,
        pieces: vec![pieces[1]],
    };
    assert!(rig.outputs().contains(&sent(BOB, &cancel)));
    // What was on its way comes for nothing, and costs its sender nothing.
    rig.bring(BOB, &file, pieces[1], &file.piece(pieces[1]));
    assert_eq!((rig.words(), rig.outputs()), (vec![], vec![]));
}

#[test]
fn data_that_nobody_asked_for_and_parts_out_of_order_are_violations() {
    let file = Made::of(3 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2]);
    let pieces = rig.asked(root).remove(0).1;
    let lacking = (0..3).find(|piece| !pieces.contains(piece)).unwrap();
    let block = vec![1; BLOCK_BYTES];
    let data = |piece, offset: usize, bytes: &[u8]| {
        let offset = u32::try_from(offset).unwrap();
        FileFrame::Data {
            root,
            piece,
            offset,
            bytes: bytes.into(),
        }
        .encode()
    };
    let bad = [
        data(lacking, 0, &block),
        data(pieces[0], BLOCK_BYTES, &block),
        data(pieces[0], 0, &[]),
        data(pieces[0], 0, &vec![1; BLOCK_BYTES_MAX + 1]),
        vec![0x82, 6],
    ];
    for bytes in bad {
        rig.files.handle_message(&mut rig.cx, BOB, &bytes.into());
        assert_eq!(rig.words(), [violation(BOB)]);
    }
    rig.files
        .handle_message(&mut rig.cx, BOB, &data(pieces[0], 0, &block).into());
    assert_eq!(rig.words(), []);
    rig.files
        .handle_message(&mut rig.cx, BOB, &data(pieces[1], 0, &block).into());
    assert_eq!(rig.words(), [violation(BOB)], "before the other was done");
}

#[test]
fn paused_nothing_is_asked_for_and_cancelled_nothing_is_left() {
    let file = Made::of(4 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2]);
    let pieces = rig.asked(root).remove(0).1;
    rig.store(BOB, &file, pieces[0]);
    let pieces = rig
        .files
        .channels
        .get(&BOB)
        .unwrap()
        .asked
        .iter()
        .map(|asked| asked.piece)
        .collect::<Vec<_>>();
    rig.outputs();
    rig.files.pause(&mut rig.cx, root);
    let cancel = sent(BOB, &FileFrame::Cancel { root, pieces });
    assert_eq!(rig.outputs(), [cancel, file.progress(FileState::Paused, 1, 1)]);
    rig.wait(10_000);
    assert_eq!(rig.asked(root), []);
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    assert_eq!(rig.asked(root).len(), 1);
    rig.files.cancel(&mut rig.cx, root);
    let outputs = rig.outputs();
    assert!(outputs.contains(&Output::ForgetFile { root }));
    assert_eq!(outputs.last(), Some(&file.progress(FileState::Offered, 0, 0)));
    rig.wait(10_000);
    assert_eq!(rig.outputs(), [sent(BOB, &FileFrame::Holds { roots: vec![] })]);
    assert_eq!(rig.files.poll_timeout(), None);
}

#[test]
fn without_room_for_more_nothing_is_asked_for_until_the_person_tries_again() {
    let file = Made::of(4 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2]);
    let pieces = rig.asked(root).remove(0).1;
    rig.bring(BOB, &file, pieces[0], &file.piece(pieces[0]));
    rig.files.handle_written(&mut rig.cx, root, pieces[0], false);
    assert_eq!(rig.outputs().last(), Some(&file.progress(FileState::NoRoom, 0, 1)));
    rig.wait(10_000);
    assert_eq!(rig.asked(root), []);
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    assert_eq!(rig.asked(root).len(), 1);
}

/// A rig that offers a file.
fn offering(file: &Made) -> Rig {
    let mut rig = Rig::with(&[2, 3]);
    rig.files.offer(&mut rig.cx, file.info.clone(), file.hashes.clone());
    rig.outputs();
    rig
}

#[test]
fn neighbors_of_neighbors_are_asked_for_and_linked_with() {
    let file = Made::of(PIECE_BYTES);
    let root = file.root();
    let mut rig = Rig::with(&[2, 3]);
    // Ann says what Cid has.
    rig.hold(CID, &file, None);
    rig.hand(BOB, &FileFrame::Seek { root });
    assert_eq!(
        rig.outputs(),
        [sent(
            BOB,
            &FileFrame::Holders {
                root,
                peers: vec![peer(3)]
            }
        )]
    );
    rig.hand(CID, &FileFrame::Seek { root });
    assert_eq!(rig.outputs(), [], "nobody else has it");
    // Ann looks for more, and Bob knows some.
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    let me = rig.cx.me;
    let peers = vec![peer(8), me, peer(3)];
    rig.hand(BOB, &FileFrame::Holders { root, peers });
    assert_eq!(
        rig.words(),
        [ToNet::FileLink {
            peer: peer(8),
            sources: Sources::None
        }]
    );
    rig.hand(
        BOB,
        &FileFrame::Holders {
            root,
            peers: vec![peer(9)],
        },
    );
    assert_eq!(rig.words(), [], "an answer to no question");
    // No link comes about.
    for _ in 0..=FILE_LINK_TIMEOUT.as_secs() {
        rig.wait(1_000);
    }
    assert_eq!(rig.words(), [ToNet::FileLinkOver { peer: peer(8) }]);
}

#[test]
fn who_offered_a_file_is_linked_with_and_let_go_once_it_is_whole() {
    let file = Made::of(PIECE_BYTES);
    let mut rig = Rig::with(&[]);
    let me = rig.cx.me;
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), [peer(2), me].into_iter())
        .unwrap();
    assert_eq!(
        rig.words(),
        [ToNet::FileLink {
            peer: peer(2),
            sources: Sources::None
        }]
    );
    rig.connect(2);
    rig.hold(BOB, &file, None);
    rig.store(BOB, &file, 0);
    assert_eq!(rig.words(), []);
    rig.wait(5_000);
    assert_eq!(rig.words(), [ToNet::FileLinkOver { peer: peer(2) }]);
}

#[test]
fn what_comes_before_the_hello_waits_for_it() {
    let file = Made::of(PIECE_BYTES);
    let root = file.root();
    let mut rig = Rig::with(&[]);
    rig.files
        .fetch(&mut rig.cx, file.info.clone(), std::iter::empty())
        .unwrap();
    rig.files.handle_open(&mut rig.cx, BOB);
    rig.hand(BOB, &FileFrame::Holds { roots: vec![root] });
    assert_eq!(rig.outputs(), [file.progress(FileState::Waiting, 0, 0)]);
    rig.greet(BOB, peer(2));
    assert_eq!(rig.outputs(), [sent(BOB, &FileFrame::Ask { root })]);
}
