//! Connections of one address that are meant to keep everybody else out.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use signal::{
    Config,
    config::{Limits, TrustedProxies, WebApp},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Error, http};

use crate::{
    bystanders::beside_bystanders,
    client::{Client, PATIENCE, Server, connect_at},
    setup::{OTHER_ROOM, ROOM, identity, limits, server},
};

/// From where attacks come. Everybody honest is at 127.0.0.1.
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A newcomer who waits longer waits for places to become free. A machine under load has its pauses; how long a newcomer waits in fact, the
/// benchmark of the server measures.
const SOON: Duration = Duration::from_secs(5);

/// More connections than the server has places, by default and with the sockets of [`small`].
const CONNECTIONS: usize = 1_200;

fn small() -> Limits {
    Limits {
        connections_max: 50,
        ..limits()
    }
}

/// A server with a file so large that no buffer of the system takes it.
pub(crate) async fn server_with_large_file(limits: Limits, proxies: &str) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("large.wasm"), vec![7; 2_000_000]).expect("a file in it");
    let config = Config {
        web_app: WebApp::Folder(folder.path().to_owned()),
        trusted_proxies: match proxies {
            "" => TrustedProxies::Absent,
            proxies => proxies.parse().expect("proxies"),
        },
        limits,
        ..Config::default()
    };
    (Server::start(config).await, folder)
}

/// Opens connections, says `request` on each and reads nothing. Those that the server closes are left out.
async fn besiege(address: SocketAddr, request: &[u8]) -> Vec<TcpStream> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        // At a server that takes no more connections, further ones wait.
        if let Ok(Ok(mut stream)) = timeout(Duration::from_secs(1), connect_at(ATTACKER, address)).await
            && stream.write_all(request).await.is_ok()
        {
            connections.push(stream);
        }
    }
    connections
}

async fn newcomer_is_served(server: &Server) {
    let visit = async {
        assert_eq!(server.fetch("/healthz", &[]).await.status, 200);
        Client::join(server.address, &identity(9), OTHER_ROOM).await
    };
    timeout(SOON, visit).await.expect("a newcomer is served");
}

#[tokio::test]
async fn connections_that_read_nothing_keep_nobody_out() {
    let (server, _folder) = server_with_large_file(small(), "").await;
    let address = server.address;
    let request = format!("GET /large.wasm HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(10);
    let _siege = beside_bystanders(&server, async move { besiege(address, request.as_bytes()).await }).await;
    newcomer_is_served(&server).await;
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out() {
    let server = server(small()).await;
    let address = server.address;
    let _siege = beside_bystanders(&server, async move { besiege(address, b"").await }).await;
    newcomer_is_served(&server).await;
}

#[tokio::test]
async fn a_connection_that_does_not_read_its_answer_is_ended() {
    let limits = Limits {
        write_timeout: Duration::from_millis(500),
        ..limits()
    };
    let (server, _folder) = server_with_large_file(limits, "").await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let request = format!("GET /large.wasm HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(20);
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // All that the server sends is in buffers of the system. What it does not send any more does not come by reading later.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut answers = Vec::new();
        _ = timeout(PATIENCE, stream.read_to_end(&mut answers)).await.unwrap();
        assert!(answers.len() < 20 * 2_000_000, "{} bytes", answers.len());
    })
    .await;
}

#[tokio::test]
async fn a_slow_reader_that_reads_gets_all_of_its_answer() {
    let limits = Limits {
        write_timeout: Duration::from_secs(2),
        ..limits()
    };
    let (server, _folder) = server_with_large_file(limits, "").await;
    let request = format!(
        "GET /large.wasm HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.address
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut answer, mut piece) = (Vec::new(), vec![0; 100_000]);
    loop {
        match timeout(PATIENCE, stream.read(&mut piece)).await.unwrap().unwrap() {
            0 => break,
            count => answer.extend_from_slice(&piece[..count]),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(answer.len() > 2_000_000, "{} bytes", answer.len());
}

#[tokio::test]
async fn a_page_loads_over_one_connection_but_not_for_ever() {
    let server = server(limits()).await;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut answered = 0;
    loop {
        stream.write_all(request.as_bytes()).await.unwrap();
        let (mut answer, mut piece) = (Vec::new(), [0; 4_096]);
        while !answer.ends_with(b"alive\n") {
            let count = timeout(PATIENCE, stream.read(&mut piece)).await.unwrap().unwrap();
            assert!(count > 0, "a close is announced");
            answer.extend_from_slice(&piece[..count]);
        }
        answered += 1;
        if String::from_utf8_lossy(&answer).contains("connection: close") {
            break;
        }
        assert!(answered < 1_000, "it ends some time");
    }
    assert!(answered >= 20, "{answered} are too few for a page");
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn the_cookies_of_other_programs_of_this_machine_are_put_up_with() {
    let server = server(limits()).await;
    let cookies = "session=0123456789abcdef; ".repeat(800);
    assert_eq!(server.fetch("/healthz", &[("Cookie", &cookies)]).await.status, 200);
}

/// The answer to a handshake that is refused.
async fn refused(stream: TcpStream, headers: &[(&'static str, &str)]) -> http::Response<Option<Vec<u8>>> {
    let Err(error) = Client::connect_with(stream, headers).await else {
        panic!("the server takes it")
    };
    let Error::Http(response) = *error else {
        panic!("{error}")
    };
    *response
}

#[tokio::test]
async fn handshakes_over_a_share_keep_nobody_out() {
    let limits = Limits {
        connections_per_address_max: 4,
        ..small()
    };
    let server = server(limits).await;
    let address = server.address;
    let _siege = beside_bystanders(&server, async move {
        let mut sockets = Vec::new();
        for _ in 0..200 {
            let stream = connect_at(ATTACKER, address).await.unwrap();
            sockets.push(Client::connect_with(stream, &[]).await);
        }
        assert_eq!(sockets.iter().filter(|socket| socket.is_ok()).count(), 4);
        let response = refused(connect_at(ATTACKER, address).await.unwrap(), &[]).await;
        assert_eq!(response.status(), 503);
        let wait = response.headers()["retry-after"].to_str().unwrap();
        assert!(wait.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{wait}");
        sockets
    })
    .await;
    newcomer_is_served(&server).await;
}

#[tokio::test]
async fn forty_addresses_leave_places_for_the_next() {
    let server = server(small()).await;
    let mut sockets = Vec::new();
    for round in 0..40 {
        for last in 10..50 {
            let stream = connect_at(Ipv4Addr::new(127, 0, 0, last), server.address)
                .await
                .unwrap();
            if let Ok(socket) = Client::connect_with(stream, &[]).await {
                sockets.push((round, socket));
            }
        }
    }
    newcomer_is_served(&server).await;
}

#[tokio::test]
async fn a_team_behind_one_address_gets_in() {
    let server = server(Limits::default()).await;
    let mut team = Vec::new();
    for who in 0..50 {
        assert_eq!(server.fetch("/healthz", &[]).await.status, 200);
        team.push(Client::join(server.address, &identity(who), ROOM).await);
    }
    drop(team);
}
