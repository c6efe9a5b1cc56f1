//! The purpose of the server: peers of a room find and reach each other.

use std::time::Duration;

use shared::{
    limits::{PEER_SAMPLE_MAX, RELAY_PAYLOAD_BYTES_MAX},
    signal::{CloseCode, Event, Refusal, Request},
};
use signal::config::Limits;
use tokio::time::timeout;

use crate::{
    client::{Client, Heard, PATIENCE},
    setup::{ROOM, identity, limits, peer, relay, server},
};

#[tokio::test]
async fn peers_of_a_room_find_and_reach_each_other() {
    let server = server(limits()).await;
    let mut clients = Vec::new();
    for who in 1..=20u8 {
        let mut client = Client::connect(server.address).await;
        let named = client.hello(&identity(who), ROOM).await;
        assert_eq!(named.len(), usize::from(who - 1).min(PEER_SAMPLE_MAX));
        clients.push(client);
    }
    clients[4].send(relay(12, "sealed \u{1f426} \"quoted\"\n")).await;
    let relayed = Event::Relayed {
        from: peer(5),
        payload: "sealed \u{1f426} \"quoted\"\n".to_owned(),
    };
    assert_eq!(clients[11].hear().await, Heard::Event(relayed));
    clients[4].send(Request::Discover {}).await;
    let Heard::Event(Event::Peers { room_size: 20, peers }) = clients[4].hear().await else {
        panic!("no peers")
    };
    assert_eq!(peers.len(), PEER_SAMPLE_MAX);
    assert!(!peers.contains(&peer(5)));
}

#[tokio::test]
async fn the_largest_payload_fits() {
    let server = server(limits()).await;
    let mut one = Client::join(server.address, &identity(1), ROOM).await;
    let mut other = Client::join(server.address, &identity(2), ROOM).await;
    let payload = "x".repeat(RELAY_PAYLOAD_BYTES_MAX);
    one.send(relay(2, payload.clone())).await;
    let relayed = Event::Relayed { from: peer(1), payload };
    assert_eq!(other.hear().await, Heard::Event(relayed));
    one.send(relay(2, "x".repeat(RELAY_PAYLOAD_BYTES_MAX + 1))).await;
    one.expect_refusal(Refusal::PayloadTooLarge {}).await;
}

#[tokio::test]
async fn a_peer_that_comes_back_supersedes_itself() {
    let server = server(limits()).await;
    let mut older = Client::join(server.address, &identity(1), ROOM).await;
    let mut other = Client::join(server.address, &identity(2), ROOM).await;
    let mut newer = Client::connect(server.address).await;
    assert_eq!(newer.hello(&identity(1), ROOM).await, [peer(2)]);
    assert_eq!(older.hear().await, Heard::Closed(CloseCode::Superseded.code()));
    drop(older);
    other.send(relay(1, "hello")).await;
    let relayed = Event::Relayed {
        from: peer(2),
        payload: "hello".to_owned(),
    };
    assert_eq!(newer.hear().await, Heard::Event(relayed));
}

#[tokio::test]
async fn whoever_leaves_is_gone_at_once() {
    let server = server(limits()).await;
    let mut one = Client::join(server.address, &identity(1), ROOM).await;
    let mut other = Client::join(server.address, &identity(2), ROOM).await;
    other.socket.close(None).await.unwrap();
    assert_eq!(other.hear().await, Heard::Gone, "the server answers the close");
    // The server reads the two sockets in any order, so the news may take a few requests.
    let gone = async {
        loop {
            one.send(Request::Discover {}).await;
            if let Heard::Event(Event::Peers { room_size: 1, .. }) = one.hear().await {
                break;
            }
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn silence_is_pinged_and_then_closed_but_answers_keep_a_socket() {
    let limits = Limits {
        heartbeat: Duration::from_millis(100),
        ..limits()
    };
    let server = server(limits).await;
    let mut silent = Client::join(server.address, &identity(1), ROOM).await;
    let mut lively = Client::join(server.address, &identity(2), ROOM).await;
    let lively = tokio::spawn(async move {
        for _ in 0..8 {
            assert_eq!(lively.hear().await, Heard::Event(Event::Ping {}));
            lively.send(Request::Pong {}).await;
        }
    });
    for _ in 0..3 {
        assert_eq!(silent.hear().await, Heard::Event(Event::Ping {}));
    }
    assert_eq!(silent.hear().await, Heard::Closed(CloseCode::HeartbeatMissed.code()));
    lively.await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let limits = Limits {
        drain_timeout: Duration::from_secs(15),
        ..limits()
    };
    let mut server = server(limits).await;
    assert_eq!(server.fetch("/readyz", &[]).await.status, 200);
    let mut client = Client::join(server.address, &identity(1), ROOM).await;
    // Not reading, it keeps the server waiting, so that the state in between can be seen.
    let mut silent = Client::connect(server.address).await;
    server.stop();
    assert_eq!(client.hear().await, Heard::Event(Event::Draining {}));
    assert_eq!(client.hear().await, Heard::Closed(CloseCode::Restart.code()));
    assert_eq!(server.fetch("/readyz", &[]).await.status, 503);
    assert!(Client::connect_from(server.address, None).await.is_err());
    let _ = silent.challenge().await;
    assert_eq!(silent.hear_close().await.1, CloseCode::Restart.code());
    drop((client, silent));
    server.stopped().await;
}
