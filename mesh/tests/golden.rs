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
        record::{Ack, Beacon, Content, Lost, Packet, Payload, Record},
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
        "8458208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c5868881b112233445566778804582006060606060606060606060606060606060606060606060606060606060606061b01a3185c500000001b000001a3185c500063416e6e0082075820dba3f5f1d9f9a8f695f6459dffa95bb2a2d53218b73687367fce8805ed653f5e584052dcb8f6ec8719fb891c9dbb0b34ff860717a9bf79e3228420d8c31302be50606ba217a7bec51c5e9fc9415f1b2ac8bfb9c64d9170a2f001ed071d5e030c8f0947486920f09fa69c",
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
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c584a8b1b000001a3185c500163416e6e191388811b8139770ea87d175ff5504d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d81841b8139770ea87d175f08010981820a0bf4f51b000001a3185c50005840b3fd24ea45793aa192a451d720a69f9d62161060bcb75c566733ef100bd65c9ff05055bad4e9444f242e41b41766af0c60529f6050e251bc7f3a3a3394dcee02",
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
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c582e8358208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39405820081667365616c65645840102a39acb0c13c8a4b8cdaadf33a7bdb210b6d72f91541c36ad5d881e67a92137685435c4e2bbea370903bd8de5e65d60b08ce36aead3d8d6c47d3a91ed2820f",
        "4a6fcaf76c46fa825d6148a8495b2c110e6942b79ae40c50715d8a35a112a64c",
    );
    let sealed = vec![1, 2, 3].into();
    check_record(
        packet(Payload::Whisper { sealed }),
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c582b8358208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3940582018143010203584043ecec861df6ea37999a79150d2d5ac4510536a6860879c5904c381bab60a461acb82c080725af79bb57adf94dbce2bbec1441721b7b7cf166e750e294ed6f00",
        "9dbce64d7c2421dc7647fd25237900ece0a6938ca60dda8fe41c669f79e4b13f",
    );
    check_record(
        packet(Payload::Receipt { id: id() }),
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c58388358208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394058202815003030303030303030303030303030303584021e21b80fef5389ff47c5e51b444a9bc417451b4723128306d4743f1d55513063c6f6a4130a9a5061775d88b7ed33d764a59052b86b3eb2223a927f681bd0d0a",
        "8da474c49502ad3b376a1d9c075f55fc1454f1e32d8a019aa0a41b02bf82e94d",
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
        "0e2e6b71a023c1d67c9df32f0459ff6e93d1805d20951728d3e5cd540eac945a62d1ee0942b2e8346bc5b5fb26b848a646666fc49c7d9ea001fd140020db12da0559ff09a80fea8d94e08e7b7d0ae791dff1fc4363d927bf8948d0e1cf0092a022d40694a67b3af7157eec96dfb0c7d19a4cb794b5d6d1861d768b8ae9f71078572c069a773bbc0d5860587d1f62371491f4cbec034d0a9d0fd642ff8f87d3127aa35c0d424524578eeeecb511d2518788964991e970fe722657cd3d7a1c36a415cb5aadacce736fd99a54251b571f2ef2e50ce5e876a0bf6f51378570dc4e22999002a5e9eb565f282e"
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
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFr9DpLrZEGma0inFY5Xld5NjfsElh4C7Q7eUbo8PwaiLrW-oyqmB9kj3vBwI1bnyxjqgHVUBsuX_ei2BlTxYfxvHmwkCDgjyPIUoXO878_socaxZfRC8hbCQNq8VfOgNrbCfRB7KlCYHFbeyTc5M47k-2_WxFcci53tYEYN3krOXnQApfRqkJWrX6Nhestxu1cxRGOYgKK5BHmhBkyB3qK7KLrHcEYiA0xuo13QoL2s9bqsdkssvi40iG4ndI6ZQojwxIbDkoQh1MPM268-7GxYnfgAQzDYv7uOBGMBgl70-gCFAyc2j-Pnhc1U6os0lsRo1eHBWJh3Xdqf5pZTJZk4uA1zW9RMr06uvThQ1eieNRcR3_6LCm0clQrzQunysoI0X5kfBshpDp_ZKtcfPNAWVqOGyqapKgOUaESYukDFo26Xxvia8LeXDVfcWw0hJXrSxtcs2b0nH_w5bzhVhkZn-Zkp"
    );
    assert_eq!(
        seal(&high, &low, Body::Answer { round: 1, sdp: sdp() }),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFo7oitZTi1NBFPFT6hS2IKptw7hsI-dr7UhZkYfzJqxnW_Oi7wnaB6zu5gUcI55n2hi_rpCU4RGEytW-NeJNoIEzZ0oiVYrraiiFC7urSeFZ3j_WSyTy65oHiRzKWQ-GF8_cBBmb_oEAxRGuD5JCM63p_LgipgUnrsolPZ1UnTKrjF5Ri7VzBe953crvircMep_zttS10awf2cse5OMwt0Vdaan-bPsvbg3p-gpTqjxN4Nx7DGijEkGF4y4L4_0EI1Th1cqlOdJEXySh8sITveK2S9Yoe-nwKHp_SLo976uzBv6WRWQql1dIBeowA_F5OIoBCoOqwKzAGcbLCJWxrsnERmTb4ztV9-IL5ONvVxKp8Oc4sWLXEJew-YVgMTjYyZ7Yj1VKSoe4634-tNSlYv33p9ETs3loU0Jx5Wmnrg9HVPHWGvufTD0BechAjWQk-sKwl_fOdkzE6Ro2c_vxPYdJA"
    );
    assert_eq!(
        seal(
            &low,
            &high,
            Body::Candidates {
                candidates: candidates.clone()
            }
        ),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFr9DwRjuTkH0wbes1s93de4esmhGSyw6kjZSp9m5pNdhUzqd2zcIBVbdPIbHf-aM3yCL_yiF01w0lAbaOJT6Hpm9uvYgY2YqMEY9XO878_socaxZfRC8hbCQNs71XKmtc6PsAcofjT2EB_ag3Z1a83w63aZmEYUmPGaB1h8uyasSBVtwYp4ycHpGOM2Z58wu08iDGqZnbO0OfKgY2o7M0xNFoAnfpVV3Gfay6hr_bofBf7kWLah0GMphIEGdGxD3HmInJSJoLHZWJT0pNIqEIA-GHDt-kmDJFLxCi44oSemO7cIwZnwNpmeAzIiGQ"
    );
    assert_eq!(
        seal(&low, &high, decline),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFr9D89juTkH0wbes1s93de4esmhGSyw6kjZSp9m5pNdhUzqd2zcIBVbdPIbHf-aM3yCL_yiF01w0lAbaOJT6Hpm9uvYgY2YqMEY9XO878_socaxZfRC8hbCQNs71HElNu76mnhm8usdY9B8U8xfOC6P-lMrI_Z9aLhTLdyJWIn0wlKM9hm2Euxf5o0E_4-aoYvWON5AmL2nABJ39ZUzwKmFXTalvGFE-cc0xVV-zMWp_Tk"
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
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFp-qoAPgsPK7aUii5IU6iUo7kTK9QzJVlrJOxXsIQQ8gEaVlPhPdKDC4DVL_xHLVHfQJqBaUcfWwYeRXzMqqipm6HVjhJfzO4z3TJLEKNhPzvD10oyyN7iKiDtnoI0EOzyz6qUO3CgXks0Zl1jDjejdx7qVTayGg5ziZmAZUDGClowuz5CxbJjp3Qi4iyx_5w9JHnVyta0BcVwz1b2oGcTm1ClyRA6eQjtr8iVAuiCmqHLYvJ51q1TnBUf_VLvwAy_6NmsToKPkBFVMIurW6O7MgfQ7PZqiyifl6G-ctLAduYGNNRpjXExsC6qeq2yRt4mvU1pQbuJmsa-jQEgbpIa9c5rJB1awNx4vZivCboXigJ1jns_oiTT4D4pRKGJ4AavJmNJ4xLnfA2u0Ubmpvz1dxXmE8KsLYQmno5wIwUhV8WpwLgCjHa0wvWMutXd5jWXkIGvdl0rW95y603_ndzfxKH57JRFwf7Uk0OoiiFUc4cre65TiH1Au_K05Uh-q6Zo077SxxaplGUJGsKYW2l0RkJTt-YptnUGI6YCvQKs"
    );
    assert_eq!(Envelope::open_invitation(&payload, &lobby()), Ok(invitation));
    let acceptance = Body::Acceptance { sdp: sdp(), candidates };
    assert_eq!(
        seal(&low, &high, acceptance),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFr9DpKhZEGma0inFY5Xld5NjfsElh4C7Q7eUbo8PwaiLrW-oyqmB9kj3vBwI1bnyxjqgHVUBsuX_ei2BlTxYfxvHmwkCDgjyPIUoXO878_socaxZfRC8hbCQNq8VfamTxjM7lZLEDCvEBvP1S42O5ns4GiZk1dw75iGdD0F2SnOMnMT0dMvhYK9TvpmNttxrF4zQmyTgsrfaE6mUkSP1beuKKPbbRIlUV4r8EXUtcrOjrnUDUhUxS1M821fD43hOYuIv4W76YdZr8C0oKxGl28g5vt4ODOgxLj2f2B5-V2MgQP9eCRO9OCf_s4skYhM7ccQruK5I5sPJtnnnZUrXppAww4LINc01E3WxjsomaARvZp8_LGLS1ynCG3_oP5tzXKQKQ3ju68g76d7S5D8RN1fd5vPYpKa_Ui65I9_AiSYgvmmlh5DYqgUy1MqKeI7KPG_xE8LJ_-X4O6S7QHA6mdDLRafwc62MuK6bT4UkhAgGaKsgyygLs62wXAB6M2UZYrTFFDKTyhAKqARMV2gQdshUHmK3TxHj27sxZRIUQ"
    );
}
