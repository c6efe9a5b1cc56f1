//! Clients that send what is invalid, or speak for others.

use shared::{
    limits::SIGNAL_MESSAGE_BYTES_MAX,
    signal::{CloseCode, Event, Hello, Refusal, Request},
};
use signal::Config;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    bystanders::beside_bystanders,
    client::{Client, Heard, Server},
    setup::{BYSTANDERS_ROOM, OTHER_ROOM, ROOM, hello, identity, limits, peer, relay, server, text},
};

#[tokio::test]
async fn what_is_no_request_is_refused_then_closed() {
    let server = server(limits()).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let garbage = [
            Message::text("not json"),
            Message::text(""),
            Message::text(r#"{"type":"sing"}"#),
            Message::text(r#"{"sing":{}}"#),
            Message::text(text(&relay(2, "")).replace(&peer(2).to_text(), "short")),
            Message::text("[".repeat(SIGNAL_MESSAGE_BYTES_MAX)),
            Message::text(
                serde_json::to_string(&Event::Pong {})
                    .unwrap()
                    .replace("pong", "draining"),
            ),
            Message::binary(text(&Request::Ping {})),
        ];
        let mut client = Client::join(address, &identity(1), ROOM).await;
        for message in garbage {
            client.send_raw(message).await.unwrap();
            client.expect_refusal(Refusal::Malformed {}).await;
        }
        assert_eq!(client.hear().await, Heard::Closed(CloseCode::Malformed.code()));
    })
    .await;
}

#[tokio::test]
async fn strangers_and_peers_of_other_rooms_cannot_be_reached() {
    let server = server(limits()).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let mut stranger = Client::join(address, &identity(2), OTHER_ROOM).await;
        let mut client = Client::join(address, &identity(1), ROOM).await;
        // Of another room, of the bystanders, nobody, oneself.
        for to in [2, 101, 99, 1] {
            client.send(relay(to, "psst")).await;
            client.expect_refusal(Refusal::PeerNotHere { to: peer(to) }).await;
        }
        stranger.send(Request::Ping {}).await;
        assert_eq!(
            stranger.hear().await,
            Heard::Event(Event::Pong {}),
            "and nothing before it"
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_registers_as_another() {
    let server = server(limits()).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        // Signed by oneself, in the name of a bystander.
        let mut client = Client::connect(address).await;
        let nonce = client.challenge().await;
        let forged = Request::from(Hello {
            peer: peer(101),
            ..hello(&identity(1), BYSTANDERS_ROOM, &nonce)
        });
        client.send(forged).await;
        let refused = (vec![Refusal::BadSignature {}], CloseCode::HelloRefused.code());
        assert_eq!(client.hear_close().await, refused);

        // Signed by the true peer, for another socket.
        let mut victim = Client::connect(address).await;
        let nonce = victim.challenge().await;
        let overheard = Request::from(hello(&identity(101), BYSTANDERS_ROOM, &nonce));
        let mut client = Client::connect(address).await;
        let _ = client.challenge().await;
        client.send(overheard).await;
        assert_eq!(client.hear_close().await, refused);
    })
    .await;
}

#[tokio::test]
async fn too_big_a_message_closes_with_its_code() {
    let server = server(limits()).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        for bytes in [SIGNAL_MESSAGE_BYTES_MAX + 1, 1024 * 1024] {
            let mut client = Client::join(address, &identity(1), ROOM).await;
            client.send_raw(Message::text("x".repeat(bytes))).await.unwrap();
            assert_eq!(
                client.hear_close().await,
                (vec![], CloseCode::TooBig.code()),
                "{bytes} bytes"
            );
        }
        // In fragments, none of which is too big.
        let mut client = Client::join(address, &identity(1), ROOM).await;
        for opcode in [Data::Text, Data::Continue, Data::Continue] {
            let fragment = Frame::message("x".repeat(40_000), OpCode::Data(opcode), false);
            client.send_raw(Message::Frame(fragment)).await.unwrap();
        }
        assert_eq!(client.hear_close().await, (vec![], CloseCode::TooBig.code()));
    })
    .await;
}

#[tokio::test]
async fn broken_frames_close_with_the_codes_of_the_protocol() {
    let server = server(limits()).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let broken = [
            (
                1007,
                Frame::message([0xff, 0xfe].as_slice(), OpCode::Data(Data::Text), true),
            ),
            (1002, Frame::message("x", OpCode::Data(Data::Continue), true)),
            (1002, Frame::message("x", OpCode::Data(Data::Reserved(3)), true)),
        ];
        for (code, frame) in broken {
            let mut client = Client::join(address, &identity(1), ROOM).await;
            client.send_raw(Message::Frame(frame)).await.unwrap();
            assert_eq!(client.hear().await, Heard::Closed(code));
        }
    })
    .await;
}

#[tokio::test]
async fn a_foreign_page_gets_a_403_and_a_sentence() {
    let config = Config {
        origins_allowed: vec!["https://friend.example".parse().unwrap()],
        limits: limits(),
        ..Config::default()
    };
    let server = Server::start(config).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            let Err(error) = Client::connect_from(address, Some(origin)).await else {
                panic!("{origin} may connect")
            };
            let Error::Http(response) = *error else {
                panic!("{error}")
            };
            assert_eq!(response.status(), 403);
            let body = response.body().clone().unwrap_or_default();
            assert!(
                String::from_utf8(body)
                    .unwrap()
                    .starts_with("pages of other servers may not connect")
            );
        }
        for origin in [format!("http://{address}"), "https://friend.example".to_owned()] {
            assert!(Client::connect_from(address, Some(&origin)).await.is_ok(), "{origin}");
        }
    })
    .await;
}
