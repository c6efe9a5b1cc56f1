//! Golden vectors: the exact bytes of frames, of records and of sealed envelopes, the same natively and in a browser.
//!
//! A change here is a change of the protocol: it needs a new version once this one is released, see PROTOCOL.md.

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
        span::{Feed, LogDigest, Range, Span, Sums},
        typing::Typing,
        whisper::{Whisper, open_whisper, seal_whisper},
    },
};
use shared::{Identity, MessageId, Room, RoomCode, SessionId, Signature};
use wasm_bindgen_test::wasm_bindgen_test;

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
    let feed = Feed {
        author: ann().peer_id(),
        number: 0x1122_3344_5566_7788,
    };
    assert_eq!(feed.short(), ShortId(0x6fba_f516_a7d5_7f3a));
    let span = Span {
        feed: feed.short(),
        first: 0,
        next: 500,
        head: None,
    };
    let (vector, ranges) = (vec![span], None);
    check(&Frame::Have { vector, ranges }, "820c8181831b6fbaf516a7d57f3a001901f4");
    check(
        &Frame::Want { spans: vec![span] },
        "820d8181831b6fbaf516a7d57f3a001901f4",
    );
    let with_head = Span {
        head: Some(ShortId(5)),
        ..span
    };
    let (vector, ranges) = (vec![with_head], Some(vec![Range::ALL, Range { depth: 2, digits: 18 }]));
    check(
        &Frame::Have { vector, ranges },
        "820c8281841b6fbaf516a7d57f3a001901f40582820000820212",
    );
    let ranges = vec![Sums {
        range: Range { depth: 1, digits: 11 },
        sums: [7; 96].into(),
    }];
    check(
        &Frame::Compare { ranges },
        &format!("821381818282010b5860{}", "07".repeat(96)),
    );
    let [one, other] = [&[1, 2][..], &[3]].map(Into::into);
    check(&Frame::Fork { one, other }, "820f824201024103");
    let wires = || [&[1, 2][..], &[3]].map(Into::into).into();
    check(&Frame::Entries { wires: wires() }, "820e81824201024103");
    check(&Frame::People { ids: vec![ShortId(5)] }, "8210818105");
    check(&Frame::Beacons { wires: wires() }, "821181824201024103");
    let wire = [1, 2].as_slice().into();
    check(&Frame::Setting { wire }, "821281420102");
    let tree = ShortId(5);
    check(&Frame::Typing { tree, wire }, "82148205420102");
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
        "8458208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c5868881b112233445566778804582006060606060606060606060606060606060606060606060606060606060606061b01a3185c500000001b000001a3185c500063416e6e0082075820dba3f5f1d9f9a8f695f6459dffa95bb2a2d53218b73687367fce8805ed653f5e58404966f80f5d62b07ac86c2143652e59dfcd24aaf4be7e172d7866a7294f4b8f7a4e67d2c6e388cd2e06991db0bd00b17bc2dd7a1060abb91d0962e2bc4fe7b60047486920f09fa69c",
        "e4f089e0c9882e41c2fb0c156b85da240ee66f4bade9cf121b9b8cc89fc13b61",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn an_entry_that_holds_a_whisper() {
    let entry = Entry {
        feed: 8,
        seq: 0,
        prev: None,
        order: order(),
        unix_millis: 1_800_000_000_000,
        name: "Ann".into(),
        kind: Entry::WHISPER,
        body: EntryBody::of([1, 2, 3]),
    };
    check_record(
        entry,
        "8458208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c583f880800f61b01a3185c500000001b000001a3185c500063416e6e0282035820b177ec1bf26dfb3b7010d473e6d44713b29b765b99c6e60ecbfae742de49654358401a66426545dd89dcada49b9412ae00eb611575acfbcde5cdc36b2e0b73b88268280c1131f6208e7facb25c43b9dc786b6cb75c1b74a6f810107002340419e00b43010203",
        "325a09b21e00b024211bbc09b3a54b49e91f151d1a600e418feb84f2fc459ca0",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn a_typing_sign() {
    let (beacon, count) = (1_800_000_000_001, 3);
    check_record(
        Typing { beacon, count },
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c4b821b000001a3185c5001035840afa5bddfa89879ae2df531f09ce1646ce73a7cf76fb2b35b647071089c927baeec742be3277327f8361e120ef439c5d4600f90cd3023d05cf717aca9e7b9e008",
        "f88c6522a598d766716f6decd4613f29f40af60482a8bbd3a088d4fc75ec400b",
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
        archive: None,
    };
    check_record(
        beacon,
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c584a8b1b000001a3185c500163416e6e191388811b8139770ea87d175ff5504d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d81841b8139770ea87d175f08010981820a0bf4f51b000001a3185c5000584050db8cb07dc84065ac7e0518f50d7896e7bffa603c1327ef68eed884d9d70754ff1d5d1b34b36d2156e41c27282d1cf59d4a4d64116029e1e35d99d96d0c7206",
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
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c582e8358208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39405820081667365616c6564584059f1df9518ad4731df2b7c8fddce824e8908aa4dfd8b578b8a27b43546badbb9b3e576f4564a3e7b16197752a629fba77a00a0b91125d93eed881f3adc60dc05",
        "4a6fcaf76c46fa825d6148a8495b2c110e6942b79ae40c50715d8a35a112a64c",
    );
    let sealed = vec![1, 2, 3].into();
    check_record(
        packet(Payload::Whisper { sealed }),
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c582b8358208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39405820181430102035840a6b79e9de2e89421db91845ca08948a430c02e71ff3fe2377d148e20b6fbb3db4fdef392778c87de6037461aa136d48180f359edf9f435bedbbc883ad1a8be01",
        "9dbce64d7c2421dc7647fd25237900ece0a6938ca60dda8fe41c669f79e4b13f",
    );
    check_record(
        packet(Payload::Receipt { id: id() }),
        "8358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c58388358208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39405820281500303030303030303030303030303030358409bc38c8e05ef3edd4d5ff8d1b4264b66a110a0924d1b5cba237c04b79afff4809513513c41238500984e972076d174fbc9de61b6b9d37164da624558998ad40b",
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
        "0e2e6b71a023c1d67c9df32f0459ff6e93d1805d20951728d3e5cd540eac945ab76375a7104a314f009fde2492d97c570cf716ba1d954c9d537a57f032f754b8a348bf55dc49cc886095a8afb92e9ddda0ec2f962bc23a39febb04c6abde252e2aec06d43b393aa8efa95117e851080b7a049e60b8f3da62e35a69f4d69b058c0341177fd3e223c49d69ca6bafe602e12178ef76eb5d97c40058a904a4db02d982ecfcdb54359f9a9d6baaa75359958fb58e13307ab0298cb3732dc7450b28182f0038ca8e1d17d8f6e81d648c900375aeffb748f37da7a79b32474089df66fb5e9e72ed0ea3717c04a5"
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
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFrz4XF5UGAxpj01Cc22wQSMhy95ClWhN4FOxast-s22stG5Y_BUuDRedZ78KWYiFkf2whqV3LeXXQdV731LSpd2CcaW18oeY_IMM3FGCX-JaSJJiXZHYPnpdlJstdFobx1B0HGcNg8EAOII32wKleGIBpo55mdoC6Mq8pGYlSVw2iWHE_B5jGfETH6D34MhEpVLn_NTqyT9yC35SYAc6Jq1mCHg0yu7fAodPC_H4eqWNWCth1vBWCC8ta08WBk44YCiZymyXN3EvmRakofnHV3B-hwQU6bodiqju19xkY8XKTVWBw9F3137Sa1J92g65NE5_kPMtiYWZpzgHRCS9PXu2Lza8AYKDDh0LGZbWqi18f1RgzG0g3qL94n1ApDKgBjmpIMCairMAFKIWJANcBSYbHP7jw8gT4F73hvXVMfBelDKdfR7eoArLFNHbsNZMj4LNQosc9LvHBTRdpbpeO7leyA9"
    );
    assert_eq!(
        seal(&high, &low, Body::Answer { round: 1, sdp: sdp() }),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFokgvTS1T6H7BTZrgmPTJr0GKoth2lBhbnVB6BDxd7EkBMIELMMLj5veObySgsp-nFMjdASVoRv6-qBlS1DEwgPCcEqAzaCIxfbH-mJZ0qW9bEfRl13DjfPCAAf_VDL32nAIlZ9fMTCHa6N1jijwMVkTvM2R53IPUVSgLLCoilnAx_0-OuyP9EvJaB3ojxqyU6ObZG_BBSLh1YfBipJSyzZluy1A4CmxHiQu0ye22OMPrXM4bHmYp5xMS2meMc8nzNmpK7Up1mhHjeQ80V9HstRFhq70DXEGGQgupPr-JxfFCXiR5qj0uUlU-GJRnuIqcOYtJlmLp_O0YuRXWUndF7g2IvW-9kvbvoArQetLwlbOPbLzYNhmNjPF_-cmXDD4tWnH4_plo0-ZxP0y3za8rY_ZDUoNHUJ6JRAHINtbHv5Bq5o_9zMcQLMkVGEMApN98b08-gM3qO-ES060zhJqE-d1A"
    );
    assert_eq!(
        seal(
            &low,
            &high,
            Body::Candidates {
                candidates: candidates.clone()
            }
        ),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFrz4OfxjRiQHnNMrxjciQ15cB3chWcTMMdJ3o53I1hJGSjtt7Yun_gm35yXF89f7iOebZNjzTFwcr_4gcvpwxF_4UFqXn-lA8EAZ3FGCX-JaSJJiXZHYPnpdlPrNVBu7GUMHWbPYmtqDKsMlS1GzaKcFoN2unZgGM9dlY_p8EkSzETqd45r1TOGCz7UwtdgEo1Y1_pStjXw9ab4LKaIrvDhGuG2mxFlgi1GfTj4iYmjp5gUb4-v63IL5T591raA6TVFmLVXCurcnNSQT9tduAW2a04N0ujc4tAOMjNMU4Znem1gD7kTeB5HxPmjjA"
    );
    assert_eq!(
        seal(&low, &high, decline),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFrz4CzxjRiQHnNMrxjciQ15cB3chWcTMMdJ3o53I1hJGSjtt7Yun_gm35yXF89f7iOebZNjzTFwcr_4gcvpwxF_4UFqXn-lA8EAZ3FGCX-JaSJJiXZHYPnpdlPrNFPtb0V5zAKyPmeRKJ7G7cDHR8ozcz1F7eqegfyvxCCkOSCW8jGKE-k_Tf4IdBIHRZMiy2YeMfnM2jlyJnTWds3Ca68i7EO3Nr0na6nj-Ggiwd1_IWY"
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
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFp-qoAPgsPK7aUii5IU6iUo7kTK9QzJVlrJOxXsIQQ8gEaVlPhPdKDC4DVL_xHLVHfQJqBaUcfWwYeRXzMqqipm6HVjhJfzO4z3TJLEKNhPzvD10oyyN7iKiDtnoI0EOzyz6qUO3CgXks0Zl1jDjejdx7qVTayGg5ziZmAZUDGClowuz5CxbJjp3Qi4iyx_5w9JHnVyta0BcVwz1b2oGcTm1ClyRA6eQjtr8iVAuiCmqHLYvJ51q1TnBUf_VLvwAy_6NmsToKPkBFVMIurW6O7MgfQ7PZqiyifl6G-ctLAduYGNNRpjXExsC6qeq2yRt4mvU1pQbuJmsa-jQEgbpIa9c5rJB1awNx4vZivCboXigJ1jns_oiTT4D4pRKGJ4AavJmNJ4xLnfA2u0Ubmpvz1dxXmE8KsLYQmno5wIwUhV8WpwLgCjHa0wvWMutXd52GoV3xQBn0TyEtNgbtBmRJhXZFJOahgI5NzhlaAX99Iz9JICNoOWmY_4Zx-L6ThsPoBqmcK1YfVLLsGYuiar3AbshfxoPEwquruXV7JOzWw"
    );
    assert_eq!(Envelope::open_invitation(&payload, &lobby()), Ok(invitation));
    let acceptance = Body::Acceptance { sdp: sdp(), candidates };
    assert_eq!(
        seal(&low, &high, acceptance),
        "Di5rcaAjwdZ8nfMvBFn_bpPRgF0glRco0-XNVA6slFrz4XEzUGAxpj01Cc22wQSMhy95ClWhN4FOxast-s22stG5Y_BUuDRedZ78KWYiFkf2whqV3LeXXQdV731LSpd2CcaW18oeY_IMM3FGCX-JaSJJiXZHYPnpdlJstdRuFrNPQzesDG8zDK8Zw3UFnfaAHZ12sWcEb6ZB5uqQkkZwtiKUZ9c8mXDSXSeEk5MhBZxJmfxYqUybpBr-HYgS44-gmDj8zn-8LhhYbzfD9J30TmPV_Fi5IyPEzq5EIxpAmoPaHCrKJ968xWci6YSfZl65gR9oKKWQDSnbwFwJ6oxvUjYufAw9pF6DMq4xjGtCn9JBhUC0zSVuHZ-YZhPqj_aWo7-iiwVydzsMV2UjFuA6eXA8oBVIuCX3oVxQ9e3syY4nEWjVo7A5bgGx_8zWkRwRZyFHUzkL8uCN8RQYiiF-PkpF5XCzz_hE1sCm_qpjRXTslzBJTRs800VCD8FA9GdLgtZ4A3Z5s0lq6tBH1ex1wZuGZH_Jt1975FDXdsotCWe5bElB4ivj0Qa3xINXvXkldhtg9dxzmgo3hP90hQ"
    );
}
