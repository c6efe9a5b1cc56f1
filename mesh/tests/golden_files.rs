//! Golden vectors of files: the exact bytes of frames on the channel for files and of an offer, the same natively and in a browser.
//!
//! A change here is a change of the protocol: it needs a new version, see PROTOCOL.md.

use data_encoding::HEXLOWER;
use mesh::{
    model::Timestamp,
    wire::{
        entry::{Entry, EntryBody},
        file::FileInfo,
        transfer::FileFrame,
    },
};
use shared::{FileId, PeerId};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test(unsupported = test)]
fn frames_of_files() {
    let root = FileId::from_bytes([7; 32]);
    let hash = [9_u8; 32];
    let (set, some, part) = ([3_u8], hash.as_slice(), [1_u8, 2]);
    let peers = vec![PeerId::from_bytes([5; 32])];
    let id = "58200707070707070707070707070707070707070707070707070707070707070707";
    let frames = [
        (FileFrame::Holds { roots: vec![root] }, format!("82008181{id}")),
        (FileFrame::Ask { root }, format!("820181{id}")),
        (
            FileFrame::Pieces {
                root,
                bytes: 300_000,
                set: Some(set.as_slice().into()),
            },
            format!("820283{id}1a000493e04103"),
        ),
        (
            FileFrame::Pieces {
                root,
                bytes: 300_000,
                set: None,
            },
            format!("820282{id}1a000493e0"),
        ),
        (FileFrame::WantHashes { root, from: 4_096 }, format!("820382{id}191000")),
        (
            FileFrame::Hashes {
                root,
                from: 1,
                hashes: some.into(),
            },
            format!("820483{id}015820{}", "09".repeat(32)),
        ),
        (
            FileFrame::Want {
                root,
                pieces: vec![3, 70_000],
            },
            format!("820582{id}82031a00011170"),
        ),
        (
            FileFrame::Data {
                root,
                piece: 3,
                offset: 16_384,
                bytes: part.as_slice().into(),
            },
            format!("820684{id}03194000420102"),
        ),
        (FileFrame::Cancel { root, pieces: vec![3] }, format!("820782{id}8103")),
        (FileFrame::Lacks { root, pieces: vec![] }, format!("820882{id}80")),
        (FileFrame::Seek { root }, format!("820981{id}")),
        (
            FileFrame::Carry { root, bytes: 300_000 },
            format!("820b82{id}1a000493e0"),
        ),
        (
            FileFrame::Holders { root, peers },
            format!("820a82{id}815820{}", "05".repeat(32)),
        ),
    ];
    for (frame, hex) in frames {
        let bytes = frame.encode();
        assert_eq!(HEXLOWER.encode(&bytes), hex);
        assert_eq!(FileFrame::decode(&bytes), Ok(frame));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_entry_that_offers_a_file() {
    let body = "84582007070707070707070707070707070707070707070707070707070707070707071a000493e0696e6f7465732e7478746a746578742f706c61696e";
    let entry = Entry {
        feed: 8,
        seq: 0,
        prev: None,
        order: Timestamp::from_unix_millis(1_800_000_000_000),
        unix_millis: 1_800_000_000_000,
        name: "Ann".into(),
        kind: Entry::FILE,
        body: EntryBody::of(HEXLOWER.decode(body.as_bytes()).expect("golden bytes are hexadecimal")),
    };
    let info = FileInfo {
        root: FileId::from_bytes([7; 32]),
        bytes: 300_000,
        name: "notes.txt".into(),
        media_type: "text/plain".into(),
    };
    assert_eq!(entry.file(), Some(info));
}
