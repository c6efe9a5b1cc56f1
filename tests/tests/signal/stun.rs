//! STUN over real sockets: who is answered with what, and who is not.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    slice,
    sync::atomic::{AtomicU16, Ordering},
};

use shared::{
    Identity, RoomCode,
    signal::{Event, Hello, IceServer, Request},
};
use signal::{
    Config,
    config::{Limits, Rate, StunAnnouncement, StunPorts},
    stun::{StunSockets, serve},
};
use tokio::{net::UdpSocket, task::JoinHandle, time::timeout};

use crate::{
    bystanders::beside_bystanders,
    client::{Client, Heard, PATIENCE, Server},
    setup::{ROOM, limits, server},
};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// A server that answers STUN, too.
struct StunServer {
    server: Server,
    ip: IpAddr,
    ports: Vec<u16>,
    answering: JoinHandle<()>,
}

impl StunServer {
    /// Answers STUN on `ip`.
    async fn start(ip: impl Into<IpAddr>, limits: Limits) -> Self {
        let (server, ip) = (server(limits).await, ip.into());
        let sockets = sockets(ip).await;
        let ports = sockets.ports().to_vec();
        let answering = tokio::spawn(serve(sockets, server.app.clone()));
        Self {
            server,
            ip,
            ports,
            answering,
        }
    }

    /// The address of the first port.
    fn address(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.ports[0])
    }

    /// A counter of the server.
    async fn count(&self, name: &str) -> u64 {
        let reply = self.server.fetch_admin("/metrics").await;
        let line = format!("starling_stun_{name}_total ");
        let value = reply.text().lines().find_map(|text| text.strip_prefix(&line));
        value.expect("a counter").parse().expect("a number")
    }
}

impl Drop for StunServer {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// Two ports on `ip` that were free. Below the ports that the system hands out, so that nobody else takes them meanwhile.
async fn sockets(ip: IpAddr) -> StunSockets {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Elsewhere in each process.
    let base = 21_000 + u16::try_from(std::process::id() % 100).expect("it is below 100") * 40;
    loop {
        let port = base + NEXT.fetch_add(2, Ordering::Relaxed);
        let stun = StunPorts::At { host: None, port };
        if let Ok(sockets) = StunSockets::bind(SocketAddr::new(ip, 0), stun).await {
            return sockets;
        }
    }
}

fn request(transaction: u32) -> Vec<u8> {
    [&[0, 1, 0, 0], &COOKIE[..], &[7; 8], &transaction.to_be_bytes()].concat()
}

async fn ask(socket: &UdpSocket, server: SocketAddr, transaction: u32) {
    let sent = socket.send_to(&request(transaction), server).await;
    assert_eq!(sent.expect("the system sends"), 20);
}

/// The next answer: which request it is for, and the address that it tells.
async fn hear(socket: &UdpSocket) -> (u32, SocketAddr) {
    let mut answer = [0; 1_000];
    let heard = timeout(PATIENCE, socket.recv(&mut answer)).await;
    let len = heard.expect("an answer in time").expect("an answer");
    read(&answer[..len])
}

/// Reads a success response, which has nothing but the address.
fn read(answer: &[u8]) -> (u32, SocketAddr) {
    let (head, attribute) = answer.split_at(20);
    assert_eq!(head[..2], [1, 1]);
    assert_eq!(head[4..8], COOKIE);
    let transaction = u32::from_be_bytes(head[16..].try_into().expect("four bytes"));
    let (kind, value) = attribute.split_at(4);
    assert_eq!(kind, [0, 0x20, 0, u8::try_from(value.len()).expect("few bytes")]);
    let port = u16::from_be_bytes([value[2] ^ COOKIE[0], value[3] ^ COOKIE[1]]);
    let bytes: Vec<u8> = value[4..]
        .iter()
        .zip(&head[4..])
        .map(|(byte, key)| byte ^ key)
        .collect();
    let ip = match value[1] {
        1 => IpAddr::from(<[u8; 4]>::try_from(bytes).expect("four bytes")),
        2 => IpAddr::from(<[u8; 16]>::try_from(bytes).expect("sixteen bytes")),
        family => panic!("family {family}"),
    };
    (transaction, SocketAddr::new(ip, port))
}

#[tokio::test]
async fn a_request_is_told_the_address_that_it_came_from_on_both_ports() {
    let v4 = IpAddr::from(Ipv4Addr::LOCALHOST);
    let v6 = IpAddr::from(Ipv6Addr::LOCALHOST);
    // Not the address that the system answers from by itself.
    let second = IpAddr::from([127, 0, 0, 2]);
    for (bound, asked) in [
        (v4, v4),
        (v6, v6),
        (Ipv4Addr::UNSPECIFIED.into(), second),
        (Ipv6Addr::UNSPECIFIED.into(), v6),
        // The socket is for both; what comes by IPv4 is told an IPv4 address.
        (Ipv6Addr::UNSPECIFIED.into(), v4),
        (Ipv6Addr::UNSPECIFIED.into(), second),
    ] {
        let server = StunServer::start(bound, limits()).await;
        assert_eq!(server.ports, [server.ports[0], server.ports[0] + 1]);
        let socket = UdpSocket::bind((if asked.is_ipv4() { v4 } else { v6 }, 0))
            .await
            .expect("a free port");
        let own = socket.local_addr().expect("an address");
        for (port, transaction) in server.ports.iter().zip(1..) {
            // A socket that is connected hears only the address that it asked, as browsers do.
            socket.connect((asked, *port)).await.expect("an address");
            socket.send(&request(transaction)).await.expect("the system sends");
            assert_eq!(hear(&socket).await, (transaction, own), "{asked} at {bound}");
        }
        assert_eq!(server.count("answered").await, 2);
    }
}

#[tokio::test]
async fn garbage_is_not_answered_and_ends_nothing() {
    let server = StunServer::start(Ipv4Addr::LOCALHOST, limits()).await;
    let address = server.address();
    let mut success = request(1);
    success[0] = 1;
    let garbage = [
        vec![0; 20],
        vec![0xff; 9_000],
        request(1)[..19].to_vec(),
        [request(1), vec![0; 600]].concat(),
        success,
    ];
    let garbage_count = garbage.len() as u64;
    beside_bystanders(&server.server, async move {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        for datagram in garbage {
            socket.send_to(&datagram, address).await.expect("the system sends");
        }
        // One who has gone before the answer comes.
        let gone = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        ask(&gone, address, 1).await;
        drop(gone);
        // Datagrams come in order here, so the first answer would be for garbage if there were one.
        ask(&socket, address, 2).await;
        assert_eq!(hear(&socket).await.0, 2);
    })
    .await;
    assert_eq!(server.count("ignored").await, garbage_count);
    assert_eq!(server.count("answered").await, 2);
    assert!(!server.answering.is_finished());
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_not_answered_and_others_are() {
    let limits = Limits {
        stun_rate: Rate::new(1, 5),
        ..limits()
    };
    let server = StunServer::start(Ipv4Addr::UNSPECIFIED, limits).await;
    let greedy = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let other = UdpSocket::bind("127.0.0.2:0").await.expect("a free port");
    let first = SocketAddr::from((Ipv4Addr::LOCALHOST, server.ports[0]));
    for transaction in 0..100 {
        ask(&greedy, first, transaction).await;
    }
    // What comes to one port comes in order, so with this answer all of those before it are decided.
    ask(&other, first, 7).await;
    assert_eq!(hear(&other).await, (7, other.local_addr().expect("an address")));
    let refused = server.count("refused").await;
    assert!((90..=95).contains(&refused), "{refused}");
    assert_eq!(refused + server.count("answered").await, 101);
    for transaction in 0..5 {
        assert_eq!(hear(&greedy).await.0, transaction);
    }

    // The second port has no tokens of its own.
    let second = SocketAddr::from((Ipv4Addr::LOCALHOST, server.ports[1]));
    for transaction in 0..100 {
        ask(&greedy, second, transaction).await;
    }
    ask(&other, second, 8).await;
    assert_eq!(hear(&other).await.0, 8);
    let refused = server.count("refused").await - refused;
    assert!((95..=100).contains(&refused), "{refused}");
}

/// The ICE servers that a client is told of whose hello names `host`.
async fn announced(server: &Server, host: &str) -> Vec<IceServer> {
    let mut client = Client::connect(server.address).await;
    let nonce = client.challenge().await;
    let room = RoomCode::parse(ROOM).expect("a name").open();
    let hello = Hello::sign(&Identity::from_secret(&[1; 32]), &room, host, &nonce);
    client.send(Request::from(hello)).await;
    match client.hear().await {
        Heard::Event(Event::Welcome { ice_servers, .. }) => ice_servers,
        other @ (Heard::Event(_) | Heard::Closed(_) | Heard::Gone) => panic!("not welcome: {other:?}"),
    }
}

#[tokio::test]
async fn who_came_by_a_name_is_told_of_both_ports_and_who_came_by_localhost_of_none() {
    let ice_server = |urls: &[&str]| IceServer {
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        username: None,
        credential: None,
    };
    let configured = ice_server(&["stun:other.example"]);
    let config = Config {
        stun: Some(StunAnnouncement {
            host: None,
            ports: vec![8080, 8081],
        }),
        ice_servers: vec![configured.clone()],
        limits: limits(),
        ..Config::default()
    };
    let server = Server::start(config).await;
    for (host, urls) in [
        (
            "rooms.example:8080",
            ["stun:rooms.example:8080", "stun:rooms.example:8081"],
        ),
        (
            "[2001:db8::1]:8080",
            ["stun:[2001:db8::1]:8080", "stun:[2001:db8::1]:8081"],
        ),
    ] {
        assert_eq!(announced(&server, host).await, [ice_server(&urls), configured.clone()]);
    }
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "", "no host"] {
        assert_eq!(announced(&server, host).await, slice::from_ref(&configured), "{host}");
    }
}
