mod any;
mod care;
mod carry;

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
fn pieces_are_read_once_and_sent_as_the_channel_takes_them() {
    let file = Made::of(3 * PIECE_BYTES);
    let root = file.root();
    let mut rig = offering(&file);
    rig.hand(
        BOB,
        &FileFrame::Want {
            root,
            pieces: vec![2, 0, 1],
        },
    );
    rig.hand(CID, &FileFrame::Want { root, pieces: vec![2] });
    let read = |piece| Output::ReadPiece { root, piece };
    assert_eq!(rig.outputs(), [read(2), read(0)], "no more is read than is sent soon");
    rig.files.handle_read(&mut rig.cx, root, 2, Ok(Some(file.piece(2))));
    let blocks = |rig: &mut Rig, of: LinkId| {
        let mut blocks = Vec::new();
        for output in rig.outputs() {
            if let Output::TransmitFile { link, bytes } = output
                && link == of
                && let Ok(FileFrame::Data { piece, offset, .. }) = FileFrame::decode(&bytes)
            {
                blocks.push((piece, offset as usize));
            }
        }
        blocks
    };
    let whole: Vec<_> = (0..PIECE_BYTES / BLOCK_BYTES)
        .map(|block| (2, block * BLOCK_BYTES))
        .collect();
    let first = FILE_CHANNEL_WINDOW_BYTES.div_ceil(BLOCK_BYTES + 48);
    assert_eq!(blocks(&mut rig, BOB), whole[..first]);
    rig.files.handle_writable(&mut rig.cx, BOB);
    assert_eq!(blocks(&mut rig, BOB), whole[first..]);
    rig.files.handle_read(&mut rig.cx, root, 0, Ok(Some(file.piece(0))));
    assert!(blocks(&mut rig, BOB).iter().all(|(piece, _)| *piece == 0));
}

#[test]
fn whoever_looks_for_many_files_while_sending_one_keeps_the_channel() {
    let file = Made::of(3 * PIECE_BYTES);
    let root = file.root();
    let mut rig = offering(&file);
    rig.hand(BOB, &FileFrame::Want { root, pieces: vec![0] });
    rig.files.handle_read(&mut rig.cx, root, 0, Ok(Some(file.piece(0))));
    // Bob's channel takes nothing more for now.
    let others: Vec<_> = (1..150).map(Made::of).collect();
    let roots = others.iter().map(Made::root).collect();
    rig.hand(BOB, &FileFrame::Holds { roots });
    for other in &others {
        let fetched = rig.files.fetch(&mut rig.cx, other.info.clone(), std::iter::empty());
        assert_eq!(fetched, Ok(()));
    }
    for _ in 0..10 {
        rig.wait(5_000);
    }
    assert!(rig.files.channels.contains_key(&BOB));
    // Once it does, every question is asked.
    let mut asked = 0;
    for _ in 0..40 {
        rig.files.handle_writable(&mut rig.cx, BOB);
        rig.wait(2_000);
        let sent = rig.sent_to(BOB);
        let asks = sent
            .iter()
            .filter(|bytes| matches!(FileFrame::decode(bytes), Ok(FileFrame::Ask { .. })));
        asked += asks.count();
    }
    assert_eq!(asked, others.len());
}

#[test]
fn no_more_is_read_at_once_than_the_limit_whoever_asks_and_cancels() {
    let file = Made::of(40 * PIECE_BYTES);
    let root = file.root();
    let mut rig = offering(&file);
    for piece in 0..40 {
        let pieces = vec![piece];
        rig.hand(
            BOB,
            &FileFrame::Want {
                root,
                pieces: pieces.clone(),
            },
        );
        rig.hand(BOB, &FileFrame::Cancel { root, pieces });
    }
    let reads = rig.outputs().len();
    assert_eq!(reads, READS_MAX);
    // What waits has its turn once something was read.
    rig.hand(CID, &FileFrame::Want { root, pieces: vec![39] });
    assert_eq!(rig.outputs(), []);
    rig.files.handle_read(&mut rig.cx, root, 0, Ok(Some(file.piece(0))));
    assert_eq!(rig.outputs(), [Output::ReadPiece { root, piece: 39 }]);
}

#[test]
fn a_piece_that_is_gone_or_damaged_is_not_sent_and_is_fetched_again() {
    let file = Made::of(2 * PIECE_BYTES);
    let root = file.root();
    for read in [None, Some(vec![9; PIECE_BYTES]), Some(vec![])] {
        let mut rig = offering(&file);
        rig.hold(CID, &file, None);
        rig.hand(BOB, &FileFrame::Want { root, pieces: vec![1] });
        rig.outputs();
        rig.files.handle_read(&mut rig.cx, root, 1, Ok(read));
        let outputs = rig.outputs();
        assert!(
            outputs.contains(&sent(BOB, &FileFrame::Lacks { root, pieces: vec![1] })),
            "{outputs:?}"
        );
        assert!(outputs.contains(&sent(CID, &FileFrame::Ask { root })));
        let bytes = file.info.bytes;
        rig.hand(CID, &FileFrame::Pieces { root, bytes, set: None });
        assert_eq!(rig.asked(root), [(CID, vec![1])]);
        assert_eq!(rig.words(), []);
    }
}

#[test]
fn what_is_not_here_is_said_to_lack_and_too_many_requests_are_a_violation() {
    let file = Made::of(PIECE_BYTES);
    let root = file.root();
    let mut rig = offering(&file);
    let other = FileId::from_bytes([9; 32]);
    rig.hand(
        BOB,
        &FileFrame::Want {
            root: other,
            pieces: vec![4],
        },
    );
    assert_eq!(
        rig.outputs(),
        [sent(
            BOB,
            &FileFrame::Lacks {
                root: other,
                pieces: vec![4]
            }
        )]
    );
    rig.hand(BOB, &FileFrame::WantHashes { root: other, from: 0 });
    assert_eq!(
        rig.outputs(),
        [sent(
            BOB,
            &FileFrame::Lacks {
                root: other,
                pieces: vec![]
            }
        )]
    );
    rig.hand(
        BOB,
        &FileFrame::Want {
            root,
            pieces: vec![0; REQUESTS_MAX],
        },
    );
    assert_eq!(rig.words(), []);
    rig.hand(BOB, &FileFrame::Want { root, pieces: vec![0] });
    assert_eq!(rig.words(), [violation(BOB)]);
    rig.hand(BOB, &FileFrame::Cancel { root, pieces: vec![0] });
    rig.hand(BOB, &FileFrame::Want { root, pieces: vec![0] });
    assert_eq!(rig.words(), []);
}

#[test]
fn hashes_are_given_in_parts_up_to_the_end() {
    let file = Made::of(2 * PIECE_BYTES);
    let root = file.root();
    let mut rig = offering(&file);
    rig.hand(BOB, &FileFrame::WantHashes { root, from: 1 });
    let hashes = FileFrame::Hashes {
        root,
        from: 1,
        hashes: file.hashes[1].as_slice().into(),
    };
    assert_eq!(rig.outputs(), [sent(BOB, &hashes)]);
    for from in [2, u32::MAX] {
        rig.hand(BOB, &FileFrame::WantHashes { root, from });
        assert_eq!(rig.outputs(), [sent(BOB, &FileFrame::Lacks { root, pieces: vec![] })]);
    }
}

#[test]
fn followers_hear_what_came_at_most_once_a_second() {
    let file = Made::of(40 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2]);
    rig.connect(3);
    rig.hand(CID, &FileFrame::Ask { root });
    rig.outputs();
    let mut told = 0;
    for _ in 0..30 {
        let next = rig.files.channels.get(&BOB).unwrap().asked.front().copied().unwrap();
        rig.store(BOB, &file, next.piece);
        rig.wait(100);
        let to_cid = rig.sent_to(CID).into_iter();
        told += to_cid
            .filter(|bytes| matches!(FileFrame::decode(bytes), Ok(FileFrame::Pieces { .. })))
            .count();
    }
    assert_eq!(told, 3);
}

#[test]
fn followers_of_a_file_that_was_being_fetched_hear_when_it_is_offered_here() {
    let file = Made::of(3 * PIECE_BYTES);
    let root = file.root();
    let mut rig = fetching(&file, &[2]);
    rig.connect(3);
    rig.hand(CID, &FileFrame::Ask { root });
    rig.outputs();
    rig.files.offer(&mut rig.cx, file.info.clone(), file.hashes.clone());
    rig.wait(200);
    let bytes = file.info.bytes;
    let whole = FileFrame::Pieces { root, bytes, set: None }.encode();
    assert!(rig.sent_to(CID).iter().any(|sent| **sent == *whole));
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

#[test]
fn a_peer_that_fetches_a_hundred_megabytes_a_second_is_in_no_error() {
    let file = Made::of(PIECE_BYTES);
    let root = file.root();
    let mut rig = offering(&file);
    for _ in 0..30 {
        for _ in 0..400 {
            let pieces = vec![0];
            rig.hand(
                BOB,
                &FileFrame::Want {
                    root,
                    pieces: pieces.clone(),
                },
            );
            rig.hand(BOB, &FileFrame::Cancel { root, pieces });
        }
        rig.wait(1_000);
    }
    assert_eq!(rig.words(), []);
}

#[test]
fn a_peer_that_asks_too_often_is_in_error() {
    let mut rig = Rig::with(&[2]);
    let root = FileId::from_bytes([9; 32]);
    let mut asked = 0;
    while rig.words().is_empty() {
        rig.hand(BOB, &FileFrame::Seek { root });
        asked += 1;
    }
    assert_eq!(asked, crate::config::FILE_FRAMES_BURST + 1);
    rig.cx.wait(1_000);
    rig.hand(BOB, &FileFrame::Seek { root });
    assert_eq!(rig.words(), []);
}
