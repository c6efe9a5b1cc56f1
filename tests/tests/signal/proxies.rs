//! Behind proxies: whose address counts.

use std::net::Ipv4Addr;

use signal::{
    Config,
    config::{Limits, TrustedProxies},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Error;

use crate::{
    client::{Client, PATIENCE, Server, connect_at},
    door::server_with_large_file,
    setup::limits,
};

/// Somebody who comes past the proxies. Proxies are at 127.0.0.1.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A server behind these proxies, where each client has one socket.
async fn behind(proxies: &str) -> Server {
    let config = Config {
        trusted_proxies: match proxies {
            "" => TrustedProxies::Absent,
            proxies => proxies.parse().expect("proxies"),
        },
        limits: Limits {
            connections_per_address_max: 1,
            ..limits()
        },
        ..Config::default()
    };
    Server::start(config).await
}

/// Which of these requests get a socket, one after the other, when all sockets stay open. Each has its lines of `X-Forwarded-For`.
async fn taken(proxies: &str, requests: &[&[&str]]) -> Vec<bool> {
    let server = behind(proxies).await;
    let (mut sockets, mut taken) = (Vec::new(), Vec::new());
    for lines in requests {
        let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        let stream = TcpStream::connect(server.address).await.expect("the server accepts");
        let socket = Client::connect_with(stream, &headers).await;
        taken.push(socket.is_ok());
        sockets.push(socket);
    }
    taken
}

#[tokio::test]
async fn so_many_entries_from_the_end_are_believed_as_there_are_proxies_and_none_before() {
    let requests: &[&[&str]] = &[
        &["203.0.113.7, 10.0.0.2"],
        // The same client, who claims to be others.
        &["198.51.100.1, 203.0.113.7:51008, 10.0.0.2"],
        &["198.51.100.2", "198.51.100.3, 203.0.113.7", "10.0.0.3:80"],
        &["203.0.113.8, [2001:db8::7]:443, 10.0.0.2"],
        &["[2001:db8::7:1], 10.0.0.9"],
        &["203.0.113.7, 203.0.113.8, 10.0.0.2"],
    ];
    assert_eq!(taken("2", requests).await, [true, false, false, true, false, true]);
}

#[tokio::test]
async fn the_last_address_outside_of_the_proxies_networks_is_believed_and_none_before() {
    let networks = "127.0.0.0/8,10.0.0.0/8,2001:db8:ffff::/48";
    let requests: &[&[&str]] = &[
        &["203.0.113.7, 10.0.0.2"],
        // However many proxies there are, and however they write it.
        &["198.51.100.1, 203.0.113.7:51008"],
        &["198.51.100.2, 203.0.113.7, [2001:db8:ffff::1]:443, 10.9.9.9:80"],
        &["198.51.100.3", "203.0.113.7", "[2001:db8:ffff::1], 127.0.0.5"],
        &["203.0.113.7, [2001:db8::7]:443, 10.0.0.2"],
        &["2001:db8::7:2"],
        &["203.0.113.7, 203.0.113.8"],
    ];
    let expected = [true, false, false, false, true, false, true];
    assert_eq!(taken(networks, requests).await, expected);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_counts_for_the_proxy_that_handed_it_on() {
    let requests: &[&[&str]] = &[
        &["unknown"],
        &["203.0.113.7, _hidden"],
        &["203.0.113.7, 1.2.3.4.5"],
        &[],
        &["203.0.113.7"],
    ];
    for proxies in ["1", "127.0.0.1"] {
        assert_eq!(
            taken(proxies, requests).await,
            [true, false, false, false, true],
            "{proxies}"
        );
    }
    // Behind two, the inner one is the address of the outer one.
    let requests: &[&[&str]] = &[
        &["unknown, 10.0.0.2"],
        &["203.0.113.7, unknown, 10.0.0.2"],
        &["unknown, 10.0.0.3"],
    ];
    assert_eq!(taken("2", requests).await, [true, false, true]);
}

#[tokio::test]
async fn who_comes_past_the_proxies_and_whom_no_proxy_was_named_is_not_believed() {
    let requests: &[&[&str]] = &[&["203.0.113.7"], &["203.0.113.8"], &["127.0.0.1"]];
    assert_eq!(taken("", requests).await, [true, false, false]);
    assert_eq!(taken("10.0.0.0/8", requests).await, [true, false, false]);
    let server = behind("127.0.0.1").await;
    let mut sockets = Vec::new();
    for claimed in ["203.0.113.7", "203.0.113.8"] {
        let stream = connect_at(STRANGER, server.address).await.expect("the server accepts");
        sockets.push(Client::connect_with(stream, &[("x-forwarded-for", claimed)]).await);
    }
    assert!(sockets[0].is_ok() && sockets[1].is_err());
}

#[tokio::test]
async fn a_client_behind_a_proxy_has_its_share_of_the_requests_under_way() {
    let limits = Limits {
        http_connections_per_address_max: 1,
        ..limits()
    };
    let (server, _folder) = server_with_large_file(limits, "1").await;
    let address = server.address;
    let request = |path: &str, client: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nX-Forwarded-For: {client}\r\nConnection: close\r\n\r\n")
    };
    let mut unread = TcpStream::connect(address).await.unwrap();
    unread
        .write_all(request("/large.wasm", "203.0.113.7").as_bytes())
        .await
        .unwrap();
    // Nothing is read of it, for a reader's system takes megabytes. It has its place soon, and keeps it.
    let again = request("/healthz", "198.51.100.1, 203.0.113.7");
    let refused = async {
        loop {
            let reply = server.ask(&again).await;
            if reply.status == 503 {
                return reply;
            }
        }
    };
    let refused = timeout(PATIENCE, refused).await.expect("an unread answer has a place");
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(server.ask(&again).await.status, 503);
    assert_eq!(server.ask(&request("/healthz", "203.0.113.8")).await.status, 200);
}

async fn behind_proxy(limits: Limits) -> Server {
    let config = Config {
        trusted_proxies: "1".parse().expect("a number of proxies"),
        limits,
        ..Config::default()
    };
    Server::start(config).await
}

/// Whether the server takes a socket of a client that a proxy names like this.
async fn takes(server: &Server, forwarded_for: &str) -> Result<Client, Box<Error>> {
    let stream = TcpStream::connect(server.address).await.expect("the server accepts");
    Client::connect_with(stream, &[("x-forwarded-for", forwarded_for)]).await
}

#[tokio::test]
async fn an_address_is_the_same_however_the_proxy_writes_it() {
    let limits = Limits {
        connections_per_address_max: 1,
        ..limits()
    };
    for [first, again, other] in [
        ["203.0.113.7:51008", "203.0.113.7", "203.0.113.8:51008"],
        ["[2001:db8::1]", "2001:db8::1", "[2001:db8:1::1]"],
        [
            "[2001:db8::1]:443",
            "6.6.6.6, [2001:db8::2]:51008",
            "[2001:db8:1::1]:443",
        ],
        ["::ffff:203.0.113.7", "203.0.113.7:1", "::ffff:203.0.113.8"],
    ] {
        let server = behind_proxy(limits.clone()).await;
        let _first = takes(&server, first).await.expect("a first socket");
        assert!(takes(&server, again).await.is_err(), "{again} is {first}");
        assert!(takes(&server, other).await.is_ok(), "{other} is not {first}");
    }
}

#[tokio::test]
async fn the_many_networks_of_one_site_have_one_share_together() {
    let limits = Limits {
        connections_per_address_max: 4,
        ..limits()
    };
    let server = behind_proxy(limits).await;
    let mut sockets = Vec::new();
    for network in 0..100 {
        sockets.extend(takes(&server, &format!("2001:db8:1:{network:x}::1")).await);
    }
    assert!((4..=16).contains(&sockets.len()), "{}", sockets.len());
    assert!(
        takes(&server, "2001:db8:2::1").await.is_ok(),
        "another site has its own"
    );
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_its_places_for_requests() {
    let limits = Limits {
        http_connections_per_address_max: 2,
        ..limits()
    };
    let server = behind_proxy(limits).await;
    // A socket is no request any more, and an answer that was read neither.
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(takes(&server, "203.0.113.7").await.expect("a socket"));
        assert_eq!(server.fetch("/healthz", &[]).await.status, 200);
    }
}

#[tokio::test]
async fn who_comes_past_the_proxies_has_the_places_of_one_address() {
    let config = Config {
        trusted_proxies: "127.0.0.1".parse().expect("a network"),
        limits: Limits {
            http_connections_per_address_max: 2,
            ..limits()
        },
        ..Config::default()
    };
    let server = Server::start(config).await;
    let open = async |own: Ipv4Addr| connect_at(own, server.address).await.expect("the server accepts");
    let _of_the_proxy = [
        open(Ipv4Addr::LOCALHOST).await,
        open(Ipv4Addr::LOCALHOST).await,
        open(Ipv4Addr::LOCALHOST).await,
    ];
    assert_eq!(server.fetch("/healthz", &[]).await.status, 200, "a proxy has more");
    let _of_somebody = [open(STRANGER).await, open(STRANGER).await];
    let mut third = open(STRANGER).await;
    let mut status = [0; 12];
    let read = timeout(PATIENCE, third.read_exact(&mut status));
    read.await.expect("the server answers in time").expect("an answer");
    assert_eq!(status, *b"HTTP/1.1 503");
}
