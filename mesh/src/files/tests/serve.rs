//! What a holder sends, and what it takes from those who ask.

use super::*;

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
