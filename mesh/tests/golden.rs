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
        envelope::{ANYONE, Body, DeclineReason, Envelope},
        frame::{Announced, Digests, Frame, GoodbyeReason, Hello},
        id::ShortId,
        nearby::Nearby,
        record::{Ack, Beacon, Closing, Content, Entry, Lost, Packet, Payload, Record},
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
    };
    check(
        &Frame::Hello(hello),
        "820081840163416e6e82500102030405060708090a0b0c0d0e0f1009584008080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808",
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
    };
    check(
        &Frame::Have { vector: vec![span] },
        "820c8181838258208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c1b1122334455667788001901f4",
    );
    check(
        &Frame::Want { spans: vec![span] },
        "820d8181838258208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c1b1122334455667788001901f4",
    );
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
        order: order(),
        unix_millis: 1_800_000_000_000,
        name: "Ann".into(),
        kind: Entry::CHAT,
        body: "Hi 🦜".as_bytes().to_vec().into(),
    };
    check_record(
        entry,
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c582a871b1122334455667788041b01a3185c500000001b000001a3185c500063416e6e0047486920f09fa69c5840c56882b93012aa236016969b26dce40123b3fc14a18ff406c8c40bc0ef50a0a8fb025a8d05b03eb36048e25b2f99d7a9860a1dc4f625b5637d0bea906b0f740c",
        "eb10a5df5080c4d80044dbca8566d1bdaf79f9b8cbd92f782631afce557291fa",
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
    };
    check_record(
        beacon,
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c58418a1b000001a3185c500163416e6e191388811b8139770ea87d175ff5504d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d81841b8139770ea87d175f08010981820a0bf4f55840f78a24a78e04cde77be7fa19410f71cab419051e5d009061b883dc6dd2211122747eada785f0da55dc351ddccc788b6f23577a1583f5d497eeccddc8d0dcf30d",
        "da3f71626ef9e0019ffd14260803c0efe947f481db9e811512764380a4e6af8e",
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
    };
    let sealed = seal_whisper(&ann(), &lobby(), &whisper, &mut rng()).unwrap();
    assert_eq!(
        HEXLOWER.encode(&sealed),
        "0e2e6b71a023c1d67c9df32f0459ff6e93d1805d20951728d3e5cd540eac945a00fe1c8ca26dabd66e3d00dcde91bb1197ff236fba802fe60ffed63558732715d993e53b0edbcdb255861f1237cb39748d4422850c0b9643a92be3552b4f38320dea725f98bc569746d56cf79c474dc6fabcbfd7d736d1c1a9a2bef1377fa75eeb4bad89c4910e82bf6a729e17456199b9a08868da4d9ff1d8270eb67399f613a4816ff3551c8b29f3144be010db9a165e0064760661c5b75b1753adeb3942bf98915dfeaae243ce91d5a64a9baa019c54ce5cf0346f359b6af7cb3445fae488053c97cbcf36a20cb6"
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
    let payload = envelope.seal(from, &lobby(), &mut rng());
    assert_eq!(Envelope::open(&payload, &to.peer_id(), &lobby()), Ok(envelope));
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
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQlQdrh9rkfQGroCNmiwpXP-DlScxoWiZYdRuebQ3Xr8NQkEr-dKcpmOCxgGES5WYDzV5p0tHZCb2JA5Ji23xjYFRVko_UWBed03zG1gGO4-1IunwD3ZAgei_nVeN1dRv4Tw062B848ekqZsSeokLkBKLZhdxPWUtQhtJJ0j1vNj7FP1s8X2YkEpuLpqvvJLf9WyRuu6_qIYx8fJcucV7l6D9HZ0kI1kQrWKWCGbiMlrPBMJ7HOBFIGrEal7j2BT3UBzsu9wG14GdHHJVNYHi0M56ojdSp1y56YzpX8m7m6lWvKAbolLRnR3RacZL7S_t38L17mb7zaYdqbz5NIk_5QNzA2cBWo4XNuHUS2IZNi648Glgrdr_25Rq5vMS5oFRF4Lea1dlxgkRDzOVupjzhSDjobGx0EkNA96_m_G3zuSPAZIi4c67qasazBIHkH9QjKNLp9O0bF6YZdyWIlavj4RRA"
    );
    assert_eq!(
        seal(&high, &low, Body::Answer { round: 1, sdp: sdp() }),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQlQcLh9rkxhjmneQo56DoJxRatq5TujjwR_EJz1ZNR-slM_aTuCcpmFuozVzVqwqpckadbS67Ml2Xq6CITN44-rx95yxoNdsd03zG1gGO4-1IunwD3ZAgei_nVdMVcpaVy73pCGlN9Cg6ZwTOAmO11MLNZE3YCFoXcGNIU8qo9z-1eF5Nfxckc-9vNvq-dJdNy9RuCzn6Vzm5zGde4X-VyB73Fu3sR_S_mVXyKN6coTRxBxl3D5b4LTaqoD9GMrpkMLyewIYF1-D3KxL9V_8EBBkYulMZ4KnKVL3nxelW3dIfH4FYozPXcPPqRhVLfHzHxzrLrjlDXgDaWLn9FchJd1tw7kfmlAJ9j_Ki7HY4oP5Y9TfY5Zo4Z33MwLoj11jhMPDAqjP7Qf-OyHXqij8A3tTh6eM4U0uPCnmQrgXC6HRzt2NmSebfeTLVCvJ-JiYrKy_nINsicqhE3K9k7_0xw"
    );
    assert_eq!(
        seal(
            &high,
            &low,
            Body::DialRequest {
                version: 1,
                urgent: false
            }
        ),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQgN_mUFBE4KsMCjuuoSoQuHVC2NyoMO4bLdmRr8jFOCO-aECQiGCjg99PVzGDD4o2LTW3Nd2QEin32hLd4UdnAAPoqmgPl6dYk3zG1gGO4-1IunwD3ZAgejeffdsqIJh0u1_M7oVTB8CSSFnyFFFiPGRmgSuOIDiuKOU39jgpD0XjXEKPRwKEr2mFJ93_a5E2Lak0TEcqECDsbDfaAR7yXT4etTexoIF0ioQuwps18X"
    );
    assert_eq!(
        seal(
            &low,
            &high,
            Body::Candidates {
                candidates: candidates.clone()
            }
        ),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQjG_mUFD_-eYxzXXCC5UITMq9uudILkYpx04z9FItEFYd1C1cCGCjOMYCavbNYyCJNcEIyr-r8jdf6PhKQxz96CudCdRiWydYk3zG1gGO4-1IunwD3ZAgejefTeMdQp8knngPnlnYNXluwtBbJnOlBTYsRMzOb4wm9zVfhPtOUCgTeLoZyiIAZp76c-__JTbJ27R_ar85-TxqLv3-pIE0P-nHJ_-9S1vBnUhdIBSR-Usx0BFrHJAi8jP70Z0gNkfrVMAe0kgQvALyR4CMAQpQRVhbxp76M5Pt9BnafLnaHEp4xLvST2lXbgvzk"
    );
    assert_eq!(
        seal(&low, &high, decline),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQgN_mUFD_-eYxzXXCC5UITMq9uudILkYpx04z9FItEFYd1C1cCGCjOMYCavbNYyCJNcEIyr-r8jdf6PhKQxz96CudCdRiWydYk3zG1gGO4-1IunwD3ZAgejefPdslcJh0qngbj-5ayK4G25cqUFQojTidxXhPbeysJOpDXHO-SLDEweXiIeV3YfLofqE7QwEK-piopG6u2Cgt6SH_NF7C5GGu_TiS9SxnfAZVGiLAEn"
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
    let payload = invitation.seal(&high, &lobby(), &mut rng());
    assert_eq!(
        payload,
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQlQM7h9rkxhjmneQo56DoJxRatq5TujjwR_EJz1ZNR-slM_aTuCcpkEg_vbZSen9cGHPbARp83pEvcwmTAj1C32MdEpSUruJd03zG1gGO4-1IunwD3ZAgei_nVaMFcpaVy73pCGlN9Cg6ZwTOAmO11MLNZE3YCFoXcGNIU8qo9z-1eF5Nfxckc-9vNvq-dJdNy9RuCzn6Vzm5zGde4X-VyB73Fu3sR_S_mVXyKN6coTRxBxl3D5b4LTaqoD9GMrpkMLyewIYF1-D3KxL9V_8EBBkYulMZ4KnKVL3nxelW3dIfH4FYozPXcPPqRhVLfHzHxzrLrjlDXgDaWLn9FchJd1tw7kfmlAJ9j_Ki7HY1DNw7R9Z5PXQpMY4zPauHkj15HdgM6GSwD-b2a2UZzGOTOFEe1BSrMHYl55nRl2YxVOrycmt00Kb7KorDlqe4xXPjY_lHQ91BbgjaYurUjXn0OMtz6yHKhInTGsRwu2f9iXKcfd4CKm_hoWsDXuA2Hnd0eKH1UTG3epJTJA2GZJgnZ8Vm4abWAKGj9D-5jC"
    );
    assert_eq!(Envelope::open(&payload, &ANYONE, &lobby()), Ok(invitation));
    let acceptance = Body::Acceptance { sdp: sdp(), candidates };
    assert_eq!(
        seal(&low, &high, acceptance),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQlQPLh9rkfQGroCNmiwpXP-DlScxoWiZYdRuebQ3Xr8NQkEr-dKcpmOCxgGES5WYDzV5p0tHZCb2JA5Ji23xjYFRVko_UWBed03zG1gGO4-1IunwD3ZAgei_nVZMS7_sRe245fhxINTg7p1RuIzJltNYs9dqJGR3hwWLJpA1p9k_yfS9tDhdFBwv_Z6vuVCfdO9TenSmM4vwJPBfOwA-16a6Gsgl992B-aSXDTs6rJoRGgKlAiCbPqoadJ49xtQpTtwypRzYyUFDArKLK0E8zg6kvPeMuZxn90w3QQllhWmIomDFvJIPg90PdwaV8-8zwQIr8KYl02bDt3wnKknh-8OtHaffRE7JKCEKWHA61A3juJ_aJnaT5YN8mzRqWgygoDJ0NyFSwL0ZWKwVZjXKDuODfNfVq8Yc0t4nR12c0FDpndusFENeuMZTQFyoks4Bx8cCfRrVHNbcQ2ZuHYC5PEaMXvaFm4McctNy8-QMPN5qZ5EfSUhNZU-u277ARWYxGXQe99aJktmUTEMfxDCFQ97vOPgHYs_kcK-mI0"
    );
}
