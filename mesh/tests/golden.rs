//! Golden vectors: the exact bytes of frames, of records and of sealed envelopes, the same natively and in a browser.
//!
//! A change here is a change of the protocol: it needs a new version, see PROTOCOL.md.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its supporting code too"
)]

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use data_encoding::HEXLOWER;
use mesh::{
    io::Candidate,
    model::Timestamp,
    wire::{
        entry::{Entry, EntryBody},
        envelope::{ANYONE, Body, DeclineReason, Envelope},
        frame::{Announced, Digests, Frame, GoodbyeReason, Hello},
        id::ShortId,
        nearby::Nearby,
        record::{Ack, Beacon, Closing, Content, Lost, Packet, Payload, Record},
        span::{Feed, LogDigest, Span},
        whisper::{Whisper, open_whisper, seal_whisper},
    },
};
use shared::{Identity, MessageId, Room, RoomCode, SessionId, Signature};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Has the higher id of the two.
fn ann() -> Identity {
    Identity::from_secret(&[1; 32])
}

fn bob() -> Identity {
    Identity::from_secret(&[2; 32])
}

fn lobby() -> Room {
    RoomCode::parse("Lobby").unwrap().open()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([9; 32])
}

fn id() -> MessageId {
    MessageId::from_bytes([3; 16])
}

fn order() -> Timestamp {
    Timestamp::from_unix_millis(1_800_000_000_000)
}

fn digests() -> Digests {
    Digests {
        log: LogDigest([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
        people: 9,
    }
}

#[track_caller]
fn check(frame: &Frame<'_>, hex: &str) {
    let bytes = frame.encode();
    assert_eq!(HEXLOWER.encode(&bytes), hex);
    assert_eq!(Frame::decode(&bytes).as_ref(), Ok(frame));
}

#[track_caller]
fn check_record<T: Content + std::fmt::Debug + PartialEq>(content: T, wire: &str, id: &str) {
    let record = Record::sign(&ann(), &lobby(), content);
    assert_eq!(HEXLOWER.encode(&record.wire), wire);
    assert_eq!(HEXLOWER.encode(&record.id), id);
    assert_eq!(Record::open(&record.wire, &lobby()), Ok(record));
}

#[wasm_bindgen_test(unsupported = test)]
fn frames_of_a_link() {
    let hello = Hello {
        version: 1,
        name: "Ann".into(),
        digests: digests(),
        proof: Signature::from_bytes([8; 64]),
        unix_millis: 1_000,
    };
    check(
        &Frame::Hello(hello),
        "820081850163416e6e82500102030405060708090a0b0c0d0e0f10095840080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808081903e8",
    );
    let digests = digests();
    check(
        &Frame::Ping { nonce: 7, digests },
        "8201820782500102030405060708090a0b0c0d0e0f1009",
    );
    check(
        &Frame::Pong { nonce: 70_000, digests },
        "8202821a0001117082500102030405060708090a0b0c0d0e0f1009",
    );
    for (reason, hex) in [
        (GoodbyeReason::Leaving, "8203820080"),
        (GoodbyeReason::Misbehaving, "8203820180"),
        (GoodbyeReason::Version, "8203820280"),
        (GoodbyeReason::Replaced, "8203820380"),
        (GoodbyeReason::Excess, "8203820480"),
    ] {
        let neighbors = Vec::new();
        check(&Frame::Goodbye { reason, neighbors }, hex);
    }
    let goodbye = Frame::Goodbye {
        reason: GoodbyeReason::Leaving,
        neighbors: vec![bob().peer_id()],
    };
    check(
        &goodbye,
        "820382008158208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394",
    );
    check(&Frame::GoodbyeAck {}, "820480");
}

#[wasm_bindgen_test(unsupported = test)]
fn frames_of_broadcast_and_routing() {
    let wire = [1, 2, 3];
    let wire = || wire.as_slice().into();
    let entry = Frame::Entry {
        hops: 2,
        fan_out: 300,
        tree: ShortId(6),
        wire: wire(),
    };
    check(&entry, "8205840219012c0643010203");
    let beacon = Frame::Beacon {
        hops: 2,
        tree: ShortId(6),
        wire: wire(),
    };
    check(&beacon, "820683020643010203");
    let ids = || vec![ShortId(5), ShortId(u64::MAX)];
    let tree = ShortId(6);
    let announced = vec![
        Announced { tree, ids: ids() },
        Announced {
            tree: ShortId(7),
            ids: vec![ShortId(8)],
        },
    ];
    check(
        &Frame::IHave { announced },
        "82078182820682051bffffffffffffffff82078108",
    );
    check(&Frame::Graft { ids: ids(), tree }, "82088282051bffffffffffffffff06");
    check(&Frame::Prune { tree }, "82098106");
    let packet = Frame::Packet {
        hops_left: 63,
        flooded: false,
        wire: wire(),
    };
    check(&packet, "820a83183ff443010203");
    check(&Frame::Closing { wire: wire() }, "820b8143010203");
}

#[wasm_bindgen_test(unsupported = test)]
fn frames_of_sync_and_presence() {
    let span = Span {
        feed: Feed {
            author: ann().peer_id(),
            number: 0x1122_3344_5566_7788,
        },
        first: 0,
        next: 500,
        head: None,
    };
    check(
        &Frame::Have { vector: vec![span] },
        "820c8181838258208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c1b1122334455667788001901f4",
    );
    check(
        &Frame::Want { spans: vec![span] },
        "820d8181838258208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c1b1122334455667788001901f4",
    );
    let with_head = Span {
        head: Some(ShortId(5)),
        ..span
    };
    check(
        &Frame::Have {
            vector: vec![with_head],
        },
        "820c8181848258208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c1b1122334455667788001901f405",
    );
    let [one, other] = [&[1, 2][..], &[3]].map(Into::into);
    check(&Frame::Fork { one, other }, "820f824201024103");
    let wires = || [&[1, 2][..], &[3]].map(Into::into).into();
    check(&Frame::Entries { wires: wires() }, "820e81824201024103");
    check(&Frame::People { ids: vec![ShortId(5)] }, "8210818105");
    check(&Frame::Beacons { wires: wires() }, "821181824201024103");
}

#[wasm_bindgen_test(unsupported = test)]
fn an_entry() {
    let entry = Entry {
        feed: 0x1122_3344_5566_7788,
        seq: 4,
        prev: Some([6; 32].into()),
        order: order(),
        unix_millis: 1_800_000_000_000,
        name: "Ann".into(),
        kind: Entry::CHAT,
        body: EntryBody::of("Hi 🦜"),
    };
    check_record(
        entry,
        "8458208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c5868881b112233445566778804582006060606060606060606060606060606060606060606060606060606060606061b01a3185c500000001b000001a3185c500063416e6e0082075820dba3f5f1d9f9a8f695f6459dffa95bb2a2d53218b73687367fce8805ed653f5e584011a2abf99e782fbfc2c81ad9f8e128ad2f14c732ba66c5a834fade80d1df125eaf90fc8a29541615a2b89fc60312be07209835f94f098c5e3a214430146b550447486920f09fa69c",
        "e4f089e0c9882e41c2fb0c156b85da240ee66f4bade9cf121b9b8cc89fc13b61",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn a_beacon() {
    let beacon = Beacon {
        stamp: 1_800_000_000_001,
        name: "Ann".into(),
        interval_millis: 5_000,
        neighbors: vec![ShortId::of_peer(&bob().peer_id())],
        on_server: true,
        digest: LogDigest([77; 16]),
        acks: vec![Ack {
            author: ShortId::of_peer(&bob().peer_id()),
            feed: 8,
            first: 1,
            next: 9,
        }],
        lost: vec![Lost {
            peer: ShortId(10),
            stamp: 11,
        }],
        leaving: false,
        whole: true,
        unix_millis: 1_800_000_000_000,
    };
    check_record(
        beacon,
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c584a8b1b000001a3185c500163416e6e191388811b8139770ea87d175ff5504d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d81841b8139770ea87d175f08010981820a0bf4f51b000001a3185c50005840954c751f07186ec44e6c3315444767d10e0bbaa905a29b93b3c1df1462f64418a0785216e11fbfd18d4354d5ee3413206ddb21c7d560ce7ed53254012e30310f",
        "fabfa11179b3bbb4aa01e77420134825f162b7dd5ba0222ccc0a4e5928de6736",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn packets() {
    let packet = |payload| Packet {
        to: bob().peer_id(),
        nonce: 5,
        payload,
    };
    let sealed = "sealed".into();
    check_record(
        packet(Payload::Envelope { sealed }),
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c582e8358208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39405820081667365616c65645840038c10cc4997116fe388ac3f56fd01bbc15151d7380fdc2dc5018300db98bf5c16ae05c3689f2b4de9acc0cfc907b60807c6a4671770293e89d75763a73f400a",
        "4a6fcaf76c46fa825d6148a8495b2c110e6942b79ae40c50715d8a35a112a64c",
    );
    let sealed = vec![1, 2, 3].into();
    check_record(
        packet(Payload::Whisper { sealed }),
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c582b8358208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3940582018143010203584010de648955f995668f5b8856e4131c54dbff9b290cbc8ae13a5944c864efaee037e5f275c0c6f070fe255662ba28e9665c9df6f1451303cc482f1e68b143fe07",
        "9dbce64d7c2421dc7647fd25237900ece0a6938ca60dda8fe41c669f79e4b13f",
    );
    check_record(
        packet(Payload::Receipt { id: id() }),
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c58388358208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3940582028150030303030303030303030303030303035840eaae0a60957f21963edb849735d3f0f23e5ee458cd0e40ebb6a28b116efed350290bd1ee425395b429296eeb44a373910f1be1ae1f774edc8ad264f945663506",
        "8da474c49502ad3b376a1d9c075f55fc1454f1e32d8a019aa0a41b02bf82e94d",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn the_closing() {
    let unix_millis = 1_800_000_000_000;
    check_record(
        Closing { unix_millis },
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c4a811b000001a3185c50005840da79b1726124cf5f1b416057fcd87f5fba276e109e23b3312f4b154bdca97d253a3e34da6bb3a6201d13f7968213ffcadc2fc7725a3ca038d8d5e745d22b200d",
        "3564007eb3c4a82e9ef8a9231939be8951c2f4ac87db3c2f61c3b24ef5c44df7",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn a_whisper() {
    let whisper = Whisper {
        id: id(),
        unix_millis: 1_800_000_000_000,
        name: "Ann".into(),
        to: bob().peer_id(),
        text: "Hi 🦜".into(),
        order: order(),
        since: 7,
    };
    let sealed = seal_whisper(&ann(), &lobby(), &whisper, &mut rng()).unwrap();
    assert_eq!(
        HEXLOWER.encode(&sealed),
        "0e2e6b71a023c1d67c9df32f0459ff6e93d1805d20951728d3e5cd540eac945ab6cf2afcece38513f29b2ce4cbae62746a59f9be2ef671037b662624e30af11e3c7a8d6cc22d173d89cd9c636c4ed31e02a2140a439f74fea196671d86defcad1b90badf6d90d9d5b2360331442a2f854dd17017de4504adad03e63c30660083c9fbfbe1d77821f58142332b0432c752be321dd94dd533314d6aaa3a238d3ebde7a60939d08c36531d6e6c8f0bb069f98729b2b2e35b01e5f9137c74c7f305e37ca52455b94068564d22abac1493ce88297c3f4e46ffe007ee6e87eb6cc506a056ac1b54640673dfcf9a"
    );
    assert_eq!(open_whisper(&bob(), &lobby(), &sealed), Ok((ann().peer_id(), whisper)));
}

#[wasm_bindgen_test(unsupported = test)]
fn between_the_tabs_of_a_browser() {
    let check = |message: &Nearby, hex: &str| {
        assert_eq!(HEXLOWER.encode(&message.encode()), hex);
        assert_eq!(Nearby::decode(&message.encode()).as_ref(), Ok(message));
    };
    let here = Nearby::Here {
        peer: ann().peer_id(),
        asks: true,
    };
    check(
        &here,
        "82008258208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5cf5",
    );
    let envelope = Nearby::Envelope {
        to: bob().peer_id(),
        sealed: "abc".into(),
    };
    check(
        &envelope,
        "82018258208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39463616263",
    );
}

fn seal(from: &Identity, to: &Identity, body: Body) -> String {
    let envelope = Envelope {
        from: from.peer_id(),
        to: to.peer_id(),
        session: SessionId::from_bytes([4; 16]),
        nonce: 5,
        body,
    };
    let payload = envelope.seal(from, &lobby(), &mut rng()).unwrap();
    assert_eq!(Envelope::open(&payload, to, &lobby()), Ok(envelope));
    payload
}

fn sdp() -> String {
    format!(
        "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=fingerprint:sha-256 {}\r\n",
        ["AB"; 32].join(":")
    )
}

#[wasm_bindgen_test(unsupported = test)]
// Long because: one envelope of each kind, with its bytes.
fn sealed_envelopes() {
    let (low, high) = (bob(), ann());
    assert!(low.peer_id() < high.peer_id());
    let candidates = vec![
        Candidate {
            line: "candidate:1 1 udp 2113937151 192.0.2.1 54400 typ host".into(),
            mid: Some("0".into()),
        },
        Candidate {
            line: String::new(),
            mid: None,
        },
    ];
    let offer = Body::Offer {
        version: 1,
        round: 0,
        sdp: sdp(),
        urgent: true,
    };
    let decline = Body::Decline {
        reason: DeclineReason::Full,
        version: 1,
    };
    assert_eq!(
        seal(&low, &high, offer),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFpndTe38-laAIpB2VzFXyag098J5ffnQWNN_Z6hJQ2fbWONaZJHP7Hl0KOmc8Je_K_3AgGfGIk_6wbFvV4bMabepbG1XsAlXJO19APj6kr2V9l8CBO0IGgi5Xstdt408u3XQmNUhznBLhPHohl8Xwn87yTmDRyX5ygU6H9KAoL2Ww0mUW1LTYRI95tHvQ1Gz6Z3U2yIXBuSc-LQWEGkCxsNud3fjlfDtvQ0nXckGfXh2u1HwRMwzdevbsBLHaEYQY1h_SOTzqIydAwFnzYDXoBtsj9WmgZIO3Y3h4AU8xrdfzt1v0D-ppmm0ZrU-16C98JK9_iKxrzQlS_hTsb7l675O7i0bWZwBxCoI6NHq-l4TalzCf68efqyXcRL-AMCuTrTA3InMzZH5iEDOFuh6CfUYapHoqwe8W1wG2FH7FMB2sefGYLRYsA2TvyrmDUftZ43BKDWK9hGbJdvjAGGoXxvclQ8"
    );
    assert_eq!(
        seal(&high, &low, Body::Answer { round: 1, sdp: sdp() }),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFrQn3NSPMT8quDonFWQtyQXmCdVwE6yrlgzgpGbeP8zOE5w53Pd79x6KpTK_SohIQlTfrX6YoVl5iBYd_EMOC6Wdvw6CYFMFbtiHJDXKBuxu02-FWiGQ3pNNt8cyjahK6YDthUHkBpZ8HfnMCfQXsrLCz-sRGfOQS1MztHWYFjn0lboF5twMrr9Q7nJWp3NU40xU4ewP0rO9KTTDZGULETcT2rGMBGPPh5H9FflGcn5pZkCLxBYBO2936vZfWgSWRGQN9ig41D2MJk961sFkC06L0XZ5xNB1dtHLiOcIUcfDWr-mAQLiIcCpat8WSTPjGEsxlckSMCeHz0RxcMbQtFVrm1QNJmBg0ec-x6VbZ7gwWAwko-Aulj68xh8uy_FYBPb9rPc4hXp81YO04RNy2S8jaj3_eKCFiHkfyYiDyQ2lEebptJMJw2UkqBSbZizR6QRyRS7FMzpmBnhFz2lx_DP7w"
    );
    assert_eq!(
        seal(
            &low,
            &high,
            Body::Candidates {
                candidates: candidates.clone()
            }
        ),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFpndKE_LpH7uMQ4f4mvFy9VJO2sasVVRiVK5rv7_JhgxprZvdQ9GH2deqHNTWsjBMufrYhpCQ_YxL5o0-i5uCDXTTZJ13WePKC5oAPj6kr2V9l8CBO0IGgi5Xqq9l8ycZWaj3QH012vIlrD6FgwB0ro_z2pUQ2f9ERjj2E7Z-6UTWxLNRNZFNAKsNsQoFkHz75kG2WJQQqfTmnRPWeQ4tZBzZULStKVOaJkxzUudvc23CwjX73Tpx3Y1HICiAzYU54In9J4MzqIFxdPd3ZbW7yqN5SVB48KTaMW93QvDP98SrGRoCjakEWaVaYvVA"
    );
    assert_eq!(
        seal(&low, &high, decline),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFpndGo_LpH7uMQ4f4mvFy9VJO2sasVVRiVK5rv7_JhgxprZvdQ9GH2deqHNTWsjBMufrYhpCQ_YxL5o0-i5uCDXTTZJ13WePKC5oAPj6kr2V9l8CBO0IGgi5Xqq91yx8rXvZfXHBxvw7d1b6DjPSaBFfQJJq3pRELxxRg7aPwbfgiO9r4sBz8ttlMEwiRXlIb7hCp_iCY-jvs-chnSzuPpBx-sH9FewsLgq_sB_2HUQyKY"
    );
    let invitation = Envelope {
        from: high.peer_id(),
        to: ANYONE,
        session: SessionId::from_bytes([4; 16]),
        nonce: 5,
        body: Body::Invitation {
            version: 1,
            sdp: sdp(),
            candidates: candidates.clone(),
        },
    };
    let payload = invitation.seal(&high, &lobby(), &mut rng()).unwrap();
    assert_eq!(
        payload,
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFp-qoAPgsPK7aUii5IU6iUo7kTK9QzJVlrJOxXsIQQ8gEaVlPhPdKDC4DVL_xHLVHfQJqBaUcfWwYeRXzMqqipm6HVjhJfzO4z3TJLEKNhPzvD10oyyN7iKiDtnoI0EOzyz6qUO3CgXks0Zl1jDjejdx7qVTayGg5ziZmAZUDGClowuz5CxbJjp3Qi4iyx_5w9JHnVyta0BcVwz1b2oGcTm1ClyRA6eQjtr8iVAuiCmqHLYvJ51q1TnBUf_VLvwAy_6NmsToKPkBFVMIurW6O7MgfQ7PZqiyifl6G-ctLAduYGNNRpjXExsC6qeq2yRt4mvU1pQbuJmsa-jQEgbpIa9c5rJB1awNx4vZivCboXigJ1jns_oiTT4D4pRKGJ4AavJmNJ4xLnfA2u0Ubmpvz1dxXmE8KsLYQmno5wIwUhV8WpwLgCjHa0wvWMutXd5TEimKezJjcV8L8F_HEg7bYwRWecI3IxfuMXoZqIjVSBJhtg_gcVKynrnLxYYyYLdtxaSO2KQxSkQ92VkVTnM22Xzg7OEQaOyA_1lN-sP4X0"
    );
    assert_eq!(Envelope::open_invitation(&payload, &lobby()), Ok(invitation));
    let acceptance = Body::Acceptance { sdp: sdp(), candidates };
    assert_eq!(
        seal(&low, &high, acceptance),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFpndTf98-laAIpB2VzFXyag098J5ffnQWNN_Z6hJQ2fbWONaZJHP7Hl0KOmc8Je_K_3AgGfGIk_6wbFvV4bMabepbG1XsAlXJO19APj6kr2V9l8CBO0IGgi5Xstdtsyi0PZ0SVkvVn2Il7WvgBzVx709COpWhz7gy1__ARCBeH2Nwo1JUoOWJNe5sJA8R1G2K91VWODXnP0H9XXDEmqAA4YucTDkwPE5OZxzm8gDIKDoe4_uhBIttTXFcMzZqJgOo4ZhiDrtaFKDw995DV7JYMVyTwu4QUwQHVP_INsiBmlBDgNxEOG3ZreqpmsgF36jMEyjPvyvb-o7iyZNcWD7K2BQLvMFmUIfBPQWKA_56H3xSQeKox7Z0bw4carpmaCQlfGsQS2c5f2DRy0R3OH6ZRFH2HXi4Unp17JB8toqAFt5BWToxD4r0lIPqP2gok3vLFDFB9E144euf8EHU9-PgxYR5lqIf2FHN5ySOijad6zWAuGSFOAmZV0EbT0eX0PE43ItY-eWM_6ZEFl1nzuUCZzLWAb0XFitD1RG5juGA"
    );
}
