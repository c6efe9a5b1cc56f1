//! Clients that take more than their share: they flood, do not read, or hold a socket for nothing.

use std::{net::SocketAddr, time::Duration};

use shared::signal::{CloseCode, Event, Refusal, Request};
use signal::config::{Limits, Rate};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    bystanders::beside_bystanders,
    client::{Client, Heard, PATIENCE},
    setup::{ROOM, identity, limits, peer, relay, server, text},
};

/// Sends as fast as it can, and reads meanwhile, as a client does that is not stopped by its own backlog.
async fn flood(address: SocketAddr, message: fn() -> Message) -> (Vec<Refusal>, u16) {
    let mut client = Client::join(address, &identity(1), ROOM).await;
    for _ in 0..1_000 {
        if client.send_raw(message()).await.is_err() {
            break;
        }
    }
    client.hear_close().await
}

#[tokio::test]
async fn a_thousand_messages_a_second_are_refused_then_closed() {
    let server = server(limits()).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let floods: [fn() -> Message; 3] = [
            || Message::text(text(&Request::Ping {})),
            || Message::text(text(&Request::Discover {})),
            || Message::Ping("x".into()),
        ];
        for message in floods {
            let (refusals, code) = flood(address, message).await;
            assert_eq!(code, CloseCode::TooFast.code());
            assert!(refusals.len() >= 200, "{}", refusals.len());
            let too_fast = |refusal: &Refusal| {
                matches!(refusal, Refusal::TooFast { retry_after_millis } if (1..1_000).contains(retry_after_millis))
            };
            assert!(refusals.iter().all(too_fast), "{refusals:?}");
        }
    })
    .await;
}

/// This process's memory, of which the server is part.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("its memory");
    let kilobytes: usize = line
        .split_whitespace()
        .nth(1)
        .and_then(|field| field.parse().ok())
        .expect("a number");
    kilobytes * 1024
}

#[tokio::test]
async fn a_reader_that_never_reads_is_dropped_and_its_sender_told() {
    let limits = Limits {
        socket_rate: Rate::Unlimited,
        write_timeout: Duration::from_secs(1),
        ..limits()
    };
    let server = server(limits).await;
    let address = server.address;
    let before = resident_bytes();
    beside_bystanders(&server, async move {
        let mut lazy = Client::join(address, &identity(2), ROOM).await;
        let mut client = Client::join(address, &identity(1), ROOM).await;
        let payload = "x".repeat(60_000);
        let mut sent = 0;
        let mut busy = 0;
        let to = peer(2);
        loop {
            client.send(relay(2, payload.clone())).await;
            client.send(Request::Ping {}).await;
            match client.hear().await {
                Heard::Event(Event::Pong {}) => {
                    sent += payload.len();
                    assert!(sent < 100_000_000, "nobody minds");
                }
                Heard::Event(Event::Refused { refusal }) => {
                    assert_eq!(client.hear().await, Heard::Event(Event::Pong {}));
                    if refusal == (Refusal::PeerNotHere { to }) {
                        break;
                    }
                    assert_eq!(refusal, Refusal::PeerBusy { to });
                    busy += 1;
                }
                other @ (Heard::Event(_) | Heard::Closed(_) | Heard::Gone) => panic!("{other:?}"),
            }
        }
        assert!(busy > 0);
        assert_eq!(lazy.hear_close().await, (vec![], CloseCode::SlowReader.code()));
    })
    .await;
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes more");
}

#[tokio::test]
async fn a_write_that_does_not_end_drops_its_reader() {
    let limits = Limits {
        socket_rate: Rate::Unlimited,
        queue_messages_max: usize::MAX,
        queue_bytes_max: usize::MAX,
        write_timeout: Duration::from_millis(200),
        ..limits()
    };
    let server = server(limits).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let mut lazy = Client::join(address, &identity(2), ROOM).await;
        let mut client = Client::join(address, &identity(1), ROOM).await;
        let payload = "x".repeat(60_000);
        // More than the buffers of two sockets hold.
        for _ in 0..400 {
            client.send(relay(2, payload.clone())).await;
        }
        let refusal = match client.hear().await {
            Heard::Event(Event::Refused { refusal }) => refusal,
            other @ (Heard::Event(_) | Heard::Closed(_) | Heard::Gone) => panic!("{other:?}"),
        };
        // Which of the two depends on whether the last of them came before the time was over.
        let to = peer(2);
        assert!(
            [Refusal::PeerBusy { to }, Refusal::PeerNotHere { to }].contains(&refusal),
            "{refusal:?}"
        );
        // Time in which the server waits in vain for its close code to leave.
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(lazy.hear_close().await, (vec![], CloseCode::SlowReader.code()));
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_never_says_hello_is_closed() {
    let limits = Limits {
        hello_timeout: Duration::from_secs(2),
        ..limits()
    };
    let server = server(limits).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let mut client = Client::connect(address).await;
        assert_eq!(client.hear_close().await, (vec![], CloseCode::HelloTimeout.code()));
        let mut chatty = Client::connect(address).await;
        chatty.send(Request::Ping {}).await;
        assert_eq!(
            chatty.hear_close().await,
            (vec![Refusal::NotRegistered {}], CloseCode::HelloTimeout.code())
        );
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_never_sends_a_request_is_closed() {
    let limits = Limits {
        request_timeout: Duration::from_secs(2),
        ..limits()
    };
    let server = server(limits).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut rest = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn one_address_takes_only_its_share() {
    let limits = Limits {
        connections_per_address_max: 4,
        ..limits()
    };
    let server = server(limits).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let _third = Client::join(address, &identity(1), ROOM).await;
        let _fourth = Client::connect(address).await;
        assert!(Client::connect_from(address, None).await.is_err());
    })
    .await;
}
