//! Golden vectors: the exact bytes of frames and of a sealed offer, the same natively and in a browser.
//!
//! A change here is a change of the protocol: it needs a new version, see PROTOCOL.md.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its supporting code too"
)]

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use data_encoding::HEXLOWER;
use mesh::{
    envelope::{Body, DeclineReason, Envelope},
    frame::{Frame, GoodbyeReason, Hello, Said, Signed, open_whisper, seal_whisper},
    io::Candidate,
};
use shared::{Identity, MessageId, PeerId, Room, RoomCode, SessionId};
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

fn said(to: Option<PeerId>) -> Said {
    Said {
        id: MessageId::from_bytes([3; 16]),
        unix_millis: 1_800_000_000_000,
        name: "Ann".into(),
        to,
        text: "Hi 🦜".into(),
    }
}

#[track_caller]
fn check(frame: &Frame, hex: &str) {
    assert_eq!(HEXLOWER.encode(&frame.encode()), hex);
    assert_eq!(Frame::decode(&frame.encode()).as_ref(), Ok(frame));
}

#[wasm_bindgen_test(unsupported = test)]
fn frames() {
    let hello = Hello {
        version: 1,
        name: "Ann".into(),
    };
    check(&Frame::Hello(hello), "820081820163416e6e");
    check(&Frame::Ping { nonce: 7 }, "82018107");
    check(&Frame::Pong { nonce: 70_000 }, "8202811a00011170");
    let id = MessageId::from_bytes([3; 16]);
    check(&Frame::Ack { id }, "8205815003030303030303030303030303030303");
    for (reason, hex) in [
        (GoodbyeReason::Leaving, "82068100"),
        (GoodbyeReason::Misbehaving, "82068101"),
        (GoodbyeReason::Version, "82068102"),
        (GoodbyeReason::Replaced, "82068103"),
    ] {
        check(&Frame::Goodbye { reason }, hex);
    }
    check(&Frame::GoodbyeAck {}, "820780");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_message() {
    let signed = Signed::new(&ann(), &lobby(), &said(None));
    check(
        &Frame::Chat(signed.clone()),
        "8203818358208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c58288550030303030303030303030303030303031b000001a3185c500063416e6ef667486920f09fa69c58409bda55dc7666a0ab7d424bba590205c643618dbf3281d5bde97696231eb33a197f4e75126063494fc594402299a86547658582afdb551822d145235f7c14860a",
    );
    assert_eq!(signed.open(&lobby(), None), Ok(said(None)));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_whisper() {
    let said = said(Some(bob().peer_id()));
    let signed = Signed::new(&ann(), &lobby(), &said);
    let frame = seal_whisper(&signed, &lobby(), &bob().peer_id(), &mut rng()).unwrap();
    check(
        &frame,
        "82048158e00e2e6b71a023c1d67c9df32f0459ff6e93d1805d20951728d3e5cd540eac945a00fe1c8ca26dabd66e3d00dcde91bb1197ff236fba802fe60ffed63558732715d993e53b15d8cdb255861f1237cb39748d4422850c0b9643a92be3552b4f38320dea725f98bc569746d56cf79c474dc6fabcbfd7d736d1c1a9a2bef1377fa75eeb4bad89c4910e82bf6a729e174522d833f1353e3f6fac8731dc13a94b7c79b572a3c8e1e157a2a34facd7745563e5cd91ea116b795f25fb7474ccd63aa129417e238cb653b274282bee93e0e8f8e6db279b8d0abb68b86678f890b64424b3ea",
    );
    let Frame::Whisper { sealed } = frame else {
        unreachable!()
    };
    assert_eq!(open_whisper(&bob(), &lobby(), &sealed), Ok((ann().peer_id(), said)));
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
    };
    let decline = Body::Decline {
        reason: DeclineReason::Full,
        version: 1,
    };
    assert_eq!(
        seal(&low, &high, offer),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQlQd7h9rkfQGroCNmiwpXP-DlScxoWiZYdRuebQ3Xr8NQkEr-dKcpmOCxgGES5WYDzV5p0tHZCb2JA5Ji23xjYFRVko_UWBed03zG1gGO4-1IunwD3ZAgei_nVeMFdRv4Tw062B848ekqZsSeokLkBKLZhdxPWUtQhtJJ0j1vNj7FP1s8X2YkEpuLpqvvJLf9WyRuu6_qIYx8fJcucV7l6D9HZ0kI1kQrWKWCGbiMlrPBMJ7HOBFIGrEal7j2BT3UBzsu9wG14GdHHJVNYHi0M56ojdSp1y56YzpX8m7m6lWvKAbolLRnR3RacZL7S_t38L17mb7zaYdqbz5NIk_5QNzA2cBWo4XNuHUS2IZNgX-0leiI4bkhPmNdj_JGnID9_Bw2Mb3NYPZx9SgdtiRkFqT0WnNKzBk4lk1RIAc7jHJWeX1RlAsjRDA9XsalIOVgWQg3vwSd-Z-KlcSsYiKd9c"
    );
    assert_eq!(
        seal(&high, &low, Body::Answer { round: 1, sdp: sdp() }),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQlQcLh9rkxhjmneQo56DoJxRatq5TujjwR_EJz1ZNR-slM_aTuCcpmFuozVzVqwqpckadbS67Ml2Xq6CITN44-rx95yxoNdsd03zG1gGO4-1IunwD3ZAgei_nVdMVcpaVy73pCGlN9Cg6ZwTOAmO11MLNZE3YCFoXcGNIU8qo9z-1eF5Nfxckc-9vNvq-dJdNy9RuCzn6Vzm5zGde4X-VyB73Fu3sR_S_mVXyKN6coTRxBxl3D5b4LTaqoD9GMrpkMLyewIYF1-D3KxL9V_8EBBkYulMZ4KnKVL3nxelW3dIfH4FYozPXcPPqRhVLfHzHxzrLrjlDXgDaWLn9FchJd1tw7kfmlAJ9j_Ki7HY4oP5Y9TfY5Zo4Z33MwLoj11jhMPDAqjP7Qf-OyHXqij8A3tTh6eM4U0uPCnmQrgXC6HRzt2NmSebfeTLVCvJ-JiYrKy_nINsicqhE3K9k7_0xw"
    );
    assert_eq!(
        seal(&high, &low, Body::Knock { version: 1 }),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQgK_mUFBE4KsMCjuuoSoQuHVC2NyoMO4bLdmRr8jFOCO-aECQiGCjg99PVzGDD4o2LTW3Nd2QEin32hLd4UdnAAPoqmgPl6dYk3zG1gGO4-1IunwD3ZAgejeffesg4R_KrGXuTjxBWnJ-PjBkrL0DE5Yf6XLNWhTrBZJqn4oSkcbr3Xrq7E96OuIdUU78z5eSjuvRgc9S7w1QHpnNiQh063nJzUkKycltgchFQUNz4"
    );
    assert_eq!(
        seal(&low, &high, Body::Candidates { candidates }),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQjG_mUFD_-eYxzXXCC5UITMq9uudILkYpx04z9FItEFYd1C1cCGCjOMYCavbNYyCJNcEIyr-r8jdf6PhKQxz96CudCdRiWydYk3zG1gGO4-1IunwD3ZAgejefTeMdQp8knngPnlnYNXluwtBbJnOlBTYsRMzOb4wm9zVfhPtOUCgTeLoZyiIAZp76c-__JTbJ27R_ar85-TxqLv3-pIE0P-nHJ_-9S1vBnUhdIBSR-Usx0BFrHJAi8jP70Z0gNkfrVMAe0kgQvALyR4CMAQpQRVhbxp76M5Pt9BnafLnaHEp4xLvST2lXbgvzk"
    );
    assert_eq!(
        seal(&low, &high, decline),
        "8qdpgN_HpJJLMmoSnp58fuOB_4yqLk_RnQgN_mUFD_-eYxzXXCC5UITMq9uudILkYpx04z9FItEFYd1C1cCGCjOMYCavbNYyCJNcEIyr-r8jdf6PhKQxz96CudCdRiWydYk3zG1gGO4-1IunwD3ZAgejefPdslcJh0qngbj-5ayK4G25cqUFQojTidxXhPbeysJOpDXHO-SLDEweXiIeV3YfLofqE7QwEK-piopG6u2Cgt6SH_NF7C5GGu_TiS9SxnfAZVGiLAEn"
    );
}
