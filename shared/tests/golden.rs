//! Golden vectors: the exact bytes of keys, seals and signal messages, the same natively and in a browser.
//!
//! A change here is a change of the protocol: it needs a new version, see PROTOCOL.md.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use data_encoding::HEXLOWER;
use shared::{
    Closing, Identity, Label, PeerId, Portable, Room, RoomCode,
    identity::safety_number,
    signal::{Event, Hello, IceServer, Nodes, Nonce, Refusal, Request},
};
use wasm_bindgen_test::wasm_bindgen_test;

fn ann() -> Identity {
    Identity::from_secret(&[1; 32])
}

fn bob() -> PeerId {
    Identity::from_secret(&[2; 32]).peer_id()
}

fn generated() -> RoomCode {
    RoomCode::Generated {
        secret: [7; 16],
        founder: ann().peer_id(),
    }
}

fn lobby() -> Room {
    RoomCode::parse("Lobby").unwrap().open()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([9; 32])
}

#[wasm_bindgen_test(unsupported = test)]
fn identities() {
    assert_eq!(ann().peer_id().to_text(), "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w");
    assert_eq!(ann().peer_id().fingerprint(), "NM4P-2XST");
    assert_eq!(
        ann().sign(Label::Entry, b"hello").to_text(),
        "qEBN4LiHmuSRUEkvPGcJYn4z2sWT6sifMx3xorFVAcU7T2wtM592ovoHTSUXnFFE-t-OMDSpxmzCItOKX5nGDw"
    );
    assert_eq!(
        safety_number(&lobby(), &ann().peer_id(), &bob()),
        "17298 48591 30318 17240 65254 63002 64954 57802 94790 42700 39204 90406"
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn rooms() {
    assert_eq!(
        generated().to_text(),
        "1.BwcHBwcHBwcHBwcHBwcHB4qI4910CfGV_VLbLTy6XXLKZwm_HZQSG_N0iAG0D29chdAi"
    );
    assert_eq!(
        generated().open().id().to_text(),
        "uIS5SsqzoZzRig0w9oSnkZ_ytj4YHsh2DZAFY6teDxU"
    );
    assert_eq!(lobby().id().to_text(), "VnZz8lqtXvGzvSwTeg5u9znLbVHL8UztTM5TroZICXY");
}

#[cfg(not(target_arch = "wasm32"))]
fn fold(name: &str) -> Option<String> {
    use unicode_normalization::UnicodeNormalization;

    let nfkc = |text: &str| text.nfkc().collect::<String>();
    Some(nfkc(&nfkc(name).to_lowercase().to_uppercase().to_lowercase()))
}

#[cfg(target_arch = "wasm32")]
fn fold(name: &str) -> Option<String> {
    let nfkc = |text: &js_sys::JsString| text.normalize("NFKC");
    Some(nfkc(&nfkc(&name.into()).to_lower_case().to_upper_case().to_lower_case()).into())
}

/// What the platform makes of a name is the same everywhere.
#[wasm_bindgen_test(unsupported = test)]
fn folded_names() {
    for (typed, room) in [
        ("Cafe\u{301}  STRASSE", "café strasse"),
        ("ﬁlm ｔｅａ", "film tea"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("Чай", "чай"),
        ("İstanbul", "i\u{307}stanbul"),
        ("Ǆ ℌ ①", "dž h 1"),
    ] {
        assert_eq!(RoomCode::parse_typed(typed, fold).unwrap().to_text(), room);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn seals() {
    let sealed = lobby().key().seal(&mut rng(), b"context", b"hello");
    assert_eq!(
        HEXLOWER.encode(&sealed),
        "0e2e6b71a023c1d67c9df32f0459ff6e93d1805d20951728d3e5cd540eac945aba76b9e4721da3be4e7607408261c1b4848f87ae24"
    );
    assert_eq!(lobby().key().open(b"context", &sealed).unwrap(), b"hello");
    let sealed = lobby()
        .key()
        .seal_to(&ann().peer_id(), &mut rng(), b"context", b"hello")
        .unwrap();
    assert_eq!(
        HEXLOWER.encode(&sealed),
        "0e2e6b71a023c1d67c9df32f0459ff6e93d1805d20951728d3e5cd540eac945aed631f3358d5d1814d611cd3f2db2d2474264c9614"
    );
    assert_eq!(lobby().key().open_as(&ann(), b"context", &sealed).unwrap(), b"hello");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_hello() {
    let nonce = Nonce::from_bytes([5; 32]);
    let hello = Hello::sign(&ann(), &lobby(), "example.org", &nonce);
    hello.verify(&nonce).unwrap();
    let hello = Request::from(hello);
    assert_eq!(
        serde_json::to_string(&hello).unwrap(),
        r#"{"hello":{"version":2,"room-key":"8ayXBUeslGygO5JXlf6eI9WuGrJ3ohVNYZwUKHpHCog","founder":"IgpbYJNh5DUjMz3OAhEbQkuHsZITGzaoYuoEfu_cvcg","peer":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w","host":"example.org","signature":"Uybs90RjfaMWTgx-eQe4OJFUrWC95WHPWg0sbH5YWIh-BkVmHOHHzV4ZHGUiQO1bE89VJFvmudzRHesvbdY8AA","room-signature":"T7tDcoek8XO0nIWhn1biIxY9G6nCKAFFic6F75NbxiDpwkqip7VcGA0twdwwpxzUOW8adsIDsR4FV3F7aZx4AQ"}}"#
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn a_closing() {
    let closing = Closing::sign(&ann(), &generated().open(), 1_800_000_000_000);
    closing.verify(&generated().open()).unwrap();
    assert_eq!(
        closing.to_text(),
        "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w2eWSRgT9qiO1Yza6QRAmCTLfBBtWaokvcK43OwYqT8QAAAaMYXFAAY11JKwYBOaeSQW5EKHRWUtOOkIonICzOQpS37-4ax8GzITA9Rzdxqvcf_c8lu_YEiiiVTaW-y_ioVUZEnMC1Bw"
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn requests() {
    let golden = [
        (
            Request::Relay {
                to: bob(),
                payload: "opaque".into(),
            },
            r#"{"relay":{"to":"gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q","payload":"opaque"}}"#,
        ),
        (Request::Discover {}, r#"{"discover":{}}"#),
        (Request::Ping {}, r#"{"ping":{}}"#),
        (Request::Pong {}, r#"{"pong":{}}"#),
    ];
    for (request, json) in golden {
        assert_eq!(serde_json::to_string(&request).unwrap(), json);
        assert_eq!(serde_json::from_str::<Request>(json).unwrap(), request);
    }
}

#[wasm_bindgen_test(unsupported = test)]
// Long because: a case for each event.
fn events() {
    let stun = IceServer {
        urls: vec!["stun:localhost:3478".into()],
        username: None,
        credential: None,
    };
    let turn = IceServer {
        urls: vec!["turn:localhost:3478?transport=tcp".into()],
        username: Some("1700003600:gTl3Dqh9".into()),
        credential: Some("aB+/=".into()),
    };
    let golden = [
        (
            Event::Challenge {
                nonce: Nonce::from_bytes([5; 32]),
                version_min: 1,
                version_max: 1,
            },
            r#"{"challenge":{"nonce":"BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU","version-min":1,"version-max":1}}"#,
        ),
        (
            Event::Welcome {
                room_size: 2,
                peers: vec![bob()],
                ice_servers: vec![stun],
                heartbeat_seconds: 20,
                unix_seconds: 1_800_000_000,
                nodes: None,
            },
            r#"{"welcome":{"room-size":2,"peers":["gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q"],"ice-servers":[{"urls":["stun:localhost:3478"]}],"heartbeat-seconds":20,"unix-seconds":1800000000}}"#,
        ),
        (
            Event::Welcome {
                room_size: 1,
                peers: vec![],
                ice_servers: vec![],
                heartbeat_seconds: 20,
                unix_seconds: 1_800_000_000,
                nodes: Some(Nodes {
                    servers: vec!["wss://a.example/ws".into(), "wss://b.example/ws".into()],
                    stay_at: 2,
                }),
            },
            r#"{"welcome":{"room-size":1,"peers":[],"ice-servers":[],"heartbeat-seconds":20,"unix-seconds":1800000000,"nodes":{"servers":["wss://a.example/ws","wss://b.example/ws"],"stay-at":2}}}"#,
        ),
        (
            Event::Peers {
                room_size: 1,
                peers: vec![],
            },
            r#"{"peers":{"room-size":1,"peers":[]}}"#,
        ),
        (
            Event::IceServers {
                ice_servers: vec![turn],
            },
            r#"{"ice-servers":{"ice-servers":[{"urls":["turn:localhost:3478?transport=tcp"],"username":"1700003600:gTl3Dqh9","credential":"aB+/="}]}}"#,
        ),
        (
            Event::Relayed {
                from: bob(),
                payload: "opaque".into(),
            },
            r#"{"relayed":{"from":"gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q","payload":"opaque"}}"#,
        ),
        (
            Event::Refused {
                refusal: Refusal::PeerNotHere { to: bob() },
            },
            r#"{"refused":{"refusal":{"peer-not-here":{"to":"gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q"}}}}"#,
        ),
        (
            Event::Refused {
                refusal: Refusal::TooFast {
                    retry_after_millis: 500,
                },
            },
            r#"{"refused":{"refusal":{"too-fast":{"retry-after-millis":500}}}}"#,
        ),
        (
            Event::Refused {
                refusal: Refusal::UnsupportedVersion {
                    version_min: 1,
                    version_max: 1,
                },
            },
            r#"{"refused":{"refusal":{"unsupported-version":{"version-min":1,"version-max":1}}}}"#,
        ),
        (Event::Draining {}, r#"{"draining":{}}"#),
    ];
    for (event, json) in golden {
        assert_eq!(serde_json::to_string(&event).unwrap(), json);
        assert_eq!(serde_json::from_str::<Event>(json).unwrap(), event);
    }
}

/// No change of the protocol, but of what people have kept.
#[wasm_bindgen_test(unsupported = test)]
fn portable_identities() {
    let file = "starling identity 1\nAAknwAUFBQUFBQUFBQUFBQUFBQUK5YKgSt0ws2hLvUH4J-2KUoznfzdPbJf4EB2se2THsigLrwcG0tr1Lwhf__B5YEry1GA\n";
    let ann = Portable {
        secret: [1; 32].into(),
        name: Some("Ann".to_owned()),
    };
    let sealed = now(ann.seal("correct horse", [5; 16], async || {})).unwrap();
    assert_eq!(*sealed, file);
    assert_eq!(now(Portable::open(file, "correct horse", async || {})), Ok(ann));
}

/// What waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}
