//! The rendezvous server over real sockets: what it does for clients, and what bad ones can do to it.

#[path = "support/signal_client.rs"]
mod signal_client;

use std::{future::Future, net::SocketAddr, path::Path, time::Duration};

use shared::{
    Identity, PeerId, RoomId,
    limits::{PEER_SAMPLE_MAX, RELAY_PAYLOAD_BYTES_MAX, SIGNAL_MESSAGE_BYTES_MAX},
    signal::{CloseCode, Event, Refusal, Request},
};
use signal::{
    Config,
    config::{AddressSource, Limits, Rate},
};
use signal_client::{Client, Heard, PATIENCE, Server};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{interval, timeout},
};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

const ROOM: RoomId = RoomId::from_bytes([1; 32]);
const OTHER_ROOM: RoomId = RoomId::from_bytes([2; 32]);
const BYSTANDERS_ROOM: RoomId = RoomId::from_bytes([3; 32]);

fn identity(byte: u8) -> Identity {
    Identity::from_secret(&[byte; 32])
}

fn peer(byte: u8) -> PeerId {
    identity(byte).peer_id()
}

fn relay(to: u8, payload: impl Into<String>) -> Request {
    Request::Relay {
        to: peer(to),
        payload: payload.into(),
    }
}

fn text(request: &Request) -> String {
    serde_json::to_string(request).expect("requests are plain data")
}

/// Limits under which a pair of bystanders has room to talk all the time.
fn limits() -> Limits {
    Limits {
        socket_rate: Rate::new(200, 200),
        address_rate: Rate::Unlimited,
        ..Limits::default()
    }
}

async fn server(limits: Limits) -> Server {
    let config = Config {
        limits,
        ..Config::default()
    };
    Server::start(config).await
}

/// Two peers of another room, who are not to notice anything.
struct Bystanders {
    one: Client,
    other: Client,
}

impl Bystanders {
    async fn join(address: SocketAddr) -> Self {
        let one = Client::join(address, &identity(101), BYSTANDERS_ROOM).await;
        let other = Client::join(address, &identity(102), BYSTANDERS_ROOM).await;
        Self { one, other }
    }

    async fn talk(&mut self) {
        tell((101, &mut self.one), (102, &mut self.other)).await;
        tell((102, &mut self.other), (101, &mut self.one)).await;
    }
}

async fn tell((from, sender): (u8, &mut Client), (to, recipient): (u8, &mut Client)) {
    sender.send(relay(to, "hello")).await;
    let relayed = Event::Relayed {
        from: peer(from),
        payload: "hello".to_owned(),
    };
    // A machine under load has its pauses; an attack that works lasts longer.
    let heard = timeout(Duration::from_secs(5), recipient.hear()).await;
    assert_eq!(heard.expect("bystanders are served at once"), Heard::Event(relayed));
}

/// Runs an attack while bystanders talk, then checks that they still can.
async fn beside_bystanders<T: Send + 'static>(server: &Server, attack: impl Future<Output = T> + Send + 'static) -> T {
    let mut bystanders = Bystanders::join(server.address).await;
    let mut attack = tokio::spawn(attack);
    let mut pace = interval(Duration::from_millis(20));
    let result = loop {
        tokio::select! {
            result = &mut attack => break result,
            _ = pace.tick() => bystanders.talk().await,
        }
    };
    bystanders.talk().await;
    result.expect("the attack ends as expected")
}

// What it is for.

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
        drain_timeout: Duration::from_secs(2),
        linger: Duration::from_secs(2),
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
    let mut late = Client::connect(server.address).await;
    late.expect_refusal(Refusal::Draining {}).await;
    assert_eq!(late.hear().await, Heard::Closed(CloseCode::Restart.code()));
    let _ = silent.challenge().await;
    assert_eq!(silent.hear_close().await.1, CloseCode::Restart.code());
    drop((client, silent, late));
    server.stopped().await;
}

// What bad clients can do. Each time, bystanders must not notice.

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
        let Request::Hello { version, signature, .. } = Request::hello(&identity(1), BYSTANDERS_ROOM, &nonce) else {
            unreachable!()
        };
        let forged = Request::Hello {
            version,
            room: BYSTANDERS_ROOM,
            peer: peer(101),
            signature,
        };
        client.send(forged).await;
        let refused = (vec![Refusal::BadSignature {}], CloseCode::HelloRefused.code());
        assert_eq!(client.hear_close().await, refused);

        // Signed by the true peer, for another socket.
        let mut victim = Client::connect(address).await;
        let nonce = victim.challenge().await;
        let overheard = Request::hello(&identity(101), BYSTANDERS_ROOM, &nonce);
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
        // Long enough that the reader below has the time to find out why.
        linger: Duration::from_secs(15),
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
        let refusal = loop {
            client.send(relay(2, payload.clone())).await;
            client.send(Request::Ping {}).await;
            sent += payload.len();
            assert!(sent < 100_000_000, "nobody minds");
            match client.hear().await {
                Heard::Event(Event::Pong {}) => {}
                Heard::Event(Event::Refused { refusal }) => break refusal,
                other @ (Heard::Event(_) | Heard::Closed(_) | Heard::Gone) => panic!("{other:?}"),
            }
        };
        assert_eq!(refusal, Refusal::PeerBusy { to: peer(2) });
        assert_eq!(client.hear().await, Heard::Event(Event::Pong {}));
        client.send(relay(2, "still there?")).await;
        client.expect_refusal(Refusal::PeerNotHere { to: peer(2) }).await;
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
        linger: Duration::from_secs(15),
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
        assert_eq!(lazy.hear_close().await, (vec![], CloseCode::SlowReader.code()));
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_never_says_hello_is_closed() {
    let limits = Limits {
        hello_timeout: Duration::from_millis(300),
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
        request_timeout: Duration::from_millis(100),
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
        let mut fifth = Client::connect(address).await;
        let full = (vec![Refusal::ServerFull {}], CloseCode::Full.code());
        assert_eq!(fifth.hear_close().await, full);
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

// What it serves besides.

/// A folder like the one that the build makes.
fn web_root() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).expect("a file in it");
    let index = "<!doctype html><script type=\"module\">alert('Hello, world.');</script>";
    write("index.html", index.as_bytes());
    write("index.html.br", b"index in brotli");
    write("web-0123456789abcdef.js", b"script");
    write("web-0123456789abcdef.js.br", b"script in brotli");
    write("web-0123456789abcdef.js.gz", b"script in gzip");
    write("web-0123456789abcdef_bg.wasm", b"\0asm");
    write("icon.svg", b"<svg/>");
    folder
}

async fn web_server(web_root: &Path) -> Server {
    let config = Config {
        web_root: Some(web_root.to_owned()),
        servers: vec!["wss://second.example/ws".parse().expect("a server")],
        address_source: AddressSource::ForwardedFor,
        ..Config::default()
    };
    Server::start(config).await
}

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

#[tokio::test]
async fn files_are_cached_by_their_names() {
    let folder = web_root();
    let server = web_server(folder.path()).await;
    for (path, caching, kind) in [
        ("/", "no-cache", "text/html"),
        ("/index.html", "no-cache", "text/html"),
        ("/icon.svg", "no-cache", "image/svg+xml"),
        ("/web-0123456789abcdef.js", IMMUTABLE, "text/javascript"),
        ("/web-0123456789abcdef_bg.wasm", IMMUTABLE, "application/wasm"),
    ] {
        let reply = server.fetch(path, &[]).await;
        assert_eq!((reply.status, reply.header("cache-control")), (200, caching), "{path}");
        assert_eq!(reply.header("content-type"), kind, "{path}");
    }
    // A file of the last version is not to be remembered as missing.
    let reply = server.fetch("/web-fedcba9876543210.js", &[]).await;
    assert_eq!((reply.status, reply.header("cache-control")), (404, "no-cache"));
    let modified = server.fetch("/", &[]).await.header("last-modified").to_owned();
    let reply = server.fetch("/", &[("If-Modified-Since", &modified)]).await;
    assert_eq!((reply.status, reply.header("cache-control")), (304, "no-cache"));
}

#[tokio::test]
async fn the_smallest_form_that_the_browser_takes_is_served() {
    let folder = web_root();
    let server = web_server(folder.path()).await;
    for (accepted, encoding, body) in [
        ("gzip, deflate, br, zstd", "br", "script in brotli"),
        ("gzip", "gzip", "script in gzip"),
        ("identity", "", "script"),
    ] {
        let reply = server
            .fetch("/web-0123456789abcdef.js", &[("Accept-Encoding", accepted)])
            .await;
        assert_eq!(
            (reply.header("content-encoding"), reply.text()),
            (encoding, body),
            "{accepted}"
        );
        assert_eq!(reply.header("vary"), "accept-encoding");
        assert_eq!(reply.header("content-type"), "text/javascript");
    }
    let reply = server.fetch("/", &[("Accept-Encoding", "br")]).await;
    assert_eq!(
        (reply.header("content-encoding"), reply.text()),
        ("br", "index in brotli")
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let folder = web_root();
    let server = web_server(folder.path()).await;
    for path in ["/", "/web-0123456789abcdef.js", "/nothing", "/healthz", "/ws"] {
        let reply = server.fetch(path, &[("Host", "rooms.example")]).await;
        assert_eq!(
            reply.header("content-security-policy"),
            "default-src 'none'; \
             script-src 'self' 'wasm-unsafe-eval' 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='; \
             style-src 'self'; img-src 'self' data: blob:; font-src 'self'; \
             connect-src 'self' ws://rooms.example wss://rooms.example wss://second.example; \
             manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(reply.header("permissions-policy").contains("camera=()"), "{path}");
    }
}

#[tokio::test]
async fn a_rebuilt_page_gets_a_policy_that_lets_it_run() {
    let folder = web_root();
    let server = web_server(folder.path()).await;
    std::fs::write(folder.path().join("index.html"), "<script>1</script>").unwrap();
    let reply = server.fetch("/", &[]).await;
    // Of "1".
    let hash = "'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='";
    assert!(reply.header("content-security-policy").contains(hash), "{}", reply.head);
}

#[tokio::test]
async fn what_is_not_there_is_said_plainly() {
    let folder = web_root();
    let server = web_server(folder.path()).await;
    for path in [
        "/r/room",
        "/index.htm",
        "/..%2fCargo.toml",
        "/../Cargo.toml",
        "/%00",
        "/api/",
        "/api/nothing",
    ] {
        let reply = server.fetch(path, &[]).await;
        assert_eq!((reply.status, reply.text()), (404, "there is nothing here\n"), "{path}");
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    }
    let empty = tempfile::tempdir().unwrap();
    let reply = web_server(empty.path()).await.fetch("/", &[]).await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("cargo xtask build"), "{}", reply.text());
}

#[tokio::test]
async fn health_status_configuration_and_metrics_are_told() {
    let folder = web_root();
    let server = web_server(folder.path()).await;
    let mut one = Client::join(server.address, &identity(1), ROOM).await;
    let mut other = Client::join(server.address, &identity(2), ROOM).await;
    one.send(relay(2, "12345")).await;
    other.hear().await;
    one.send(relay(3, "12345")).await;
    one.hear().await;

    assert_eq!(server.fetch("/healthz", &[]).await.status, 200);
    assert_eq!(server.fetch("/readyz", &[]).await.status, 200);
    let reply = server.fetch("/api/status", &[]).await;
    let status: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&status["rooms"], &status["peers"], &status["relayed"]),
        (&1.into(), &2.into(), &1.into())
    );
    assert!(status["uptime_seconds"].is_u64());
    assert_eq!(reply.header("cache-control"), "no-store");
    let reply = server.fetch("/api/config", &[]).await;
    assert_eq!(reply.text(), r#"{"servers":["wss://second.example/ws"]}"#);
    let reply = server.fetch("/metrics", &[]).await;
    for line in [
        "starling_connections_total 2",
        "starling_registered_total 2",
        "starling_relayed_total 1",
        "starling_relayed_payload_bytes_total 5",
        "starling_refused_total{reason=\"peer-not-here\"} 1",
        "starling_peers_registered 2",
        "starling_rooms_open 1",
    ] {
        assert!(
            reply.text().lines().any(|other| other == line),
            "{line} is not in\n{}",
            reply.text()
        );
    }
}
