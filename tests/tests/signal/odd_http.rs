//! Requests that no browser sends: methods, bodies, heads and handshakes that others use to confuse a server, or to keep it busy.

use std::time::Duration;

use signal::{
    Config,
    config::{Limits, WebApp},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{
    bystanders::beside_bystanders,
    client::{PATIENCE, Server},
    setup::{limits, server},
};

/// A server whose app is one page.
async fn app_server(base_path: Option<&str>) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("index.html"), "the app").expect("a file in it");
    let config = Config {
        web_app: WebApp::Folder(folder.path().to_owned()),
        base_path: base_path.map(|path| path.parse().expect("a path")),
        limits: limits(),
        ..Config::default()
    };
    (Server::start(config).await, folder)
}

/// All that the server says to these bytes until it hangs up.
async fn answers(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.expect("the server accepts");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    rest(&mut stream).await
}

/// All that still comes on a connection that the server ends.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answers = Vec::new();
    // A server that hangs up over unread bytes resets the connection.
    _ = timeout(PATIENCE, stream.read_to_end(&mut answers))
        .await
        .expect("the server hangs up");
    String::from_utf8(answers).expect("text")
}

fn statuses(answers: &str) -> Vec<&str> {
    let heads = answers.split("HTTP/1.1 ").skip(1);
    heads.map(|head| &head[..3]).collect()
}

#[tokio::test]
async fn nothing_behind_a_body_is_taken_for_a_request() {
    let (server, _folder) = app_server(None).await;
    let second = "GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n";
    for head in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 3\r\n\r\nabc",
    ] {
        for method in ["POST", "GET"] {
            let request = format!("{method} / HTTP/1.1\r\nHost: a.example\r\n{head}{second}");
            let answers = answers(&server, &request).await;
            assert_eq!(statuses(&answers).len(), 1, "{request}\n\n{answers}");
            assert!(!answers.contains("alive"), "{request}\n\n{answers}");
        }
    }
    for head in [
        "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "Content-Length: +3\r\n\r\nabc",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: a.example\r\n{head}{second}");
        assert_eq!(statuses(&answers(&server, &request).await), ["400"], "{request}");
    }
}

#[tokio::test]
async fn a_body_is_not_waited_for() {
    let server = server(limits()).await;
    let start = Instant::now();
    for head in [
        "Content-Length: 1000000000",
        "Transfer-Encoding: chunked",
        "Expect: 100-continue\r\nContent-Length: 5",
    ] {
        let request = format!("POST /healthz HTTP/1.1\r\nHost: a.example\r\n{head}\r\n\r\n");
        assert_eq!(statuses(&answers(&server, &request).await), ["405"], "{head}");
    }
    assert!(
        start.elapsed() < Limits::default().request_timeout,
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_head_that_comes_slowly_or_is_endless_ends_the_connection() {
    let limits = Limits {
        request_timeout: Duration::from_millis(500),
        ..limits()
    };
    let server = server(limits).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let dripping = async {
            stream
                .write_all(b"GET /healthz HTTP/1.1\r\nHost: a.example\r\nX: ")
                .await?;
            loop {
                stream.write_all(b"x").await?;
                sleep(Duration::from_millis(20)).await;
            }
        };
        let ended: std::io::Result<()> = timeout(PATIENCE, dripping).await.expect("the server hangs up");
        assert!(ended.is_err());
    })
    .await;
    let many = "X: x\r\n".repeat(500);
    let long = format!("X: {}\r\n", "x".repeat(100_000));
    for head in [many, long] {
        let request = format!("GET /healthz HTTP/1.1\r\nHost: a.example\r\n{head}\r\n");
        assert_eq!(statuses(&answers(&server, &request).await), ["431"]);
    }
}

#[tokio::test]
async fn only_what_the_page_needs_is_answered() {
    let (server, _folder) = app_server(None).await;
    let status = async |line: &str| {
        let answers = answers(
            &server,
            &format!("{line}\r\nHost: a.example\r\nConnection: close\r\n\r\n"),
        )
        .await;
        assert!(!answers.contains("\r\n\r\nthe app"), "{answers}");
        statuses(&answers)
            .first()
            .map(|status| (*status).to_owned())
            .unwrap_or_default()
    };
    for (line, expected) in [
        ("HEAD / HTTP/1.1", "200"),
        ("HEAD /ws HTTP/1.1", "426"),
        ("OPTIONS / HTTP/1.1", "405"),
        ("OPTIONS * HTTP/1.1", "405"),
        ("TRACE / HTTP/1.1", "405"),
        ("PUT /index.html HTTP/1.1", "405"),
        ("DELETE /api/config HTTP/1.1", "405"),
        ("BREW / HTTP/1.1", "405"),
        ("CONNECT a.example HTTP/1.1", "405"),
        // No way out of here.
        ("CONNECT b.example:25 HTTP/1.1", "400"),
        ("GET http://b.example/ HTTP/1.1", "400"),
        ("GET ftp://a.example/index.htm HTTP/1.1", "404"),
        ("GET //b.example/ HTTP/1.1", "404"),
        ("GET /\\b.example HTTP/1.1", "404"),
        ("GET index.html HTTP/1.1", "400"),
    ] {
        assert_eq!(status(line).await, expected, "{line}");
    }
    for start in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    ] {
        let answers = answers(&server, start).await;
        assert!(matches!(statuses(&answers)[..], [] | ["400" | "505"]), "{answers}");
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_base_path() {
    let (server, _folder) = app_server(Some("/chat")).await;
    for path in [
        "/chat/../metrics",
        "/chat/%2e%2e/healthz",
        "/chat/..%2fmetrics",
        "/chat//metrics",
        "/chat/./index.html",
        "/chat//b.example",
        "/chat/chat/",
        "/CHAT/",
        "/%63hat/",
        "/chat;/",
        "/chat%2f",
        "//chat/",
        "http://a.example/",
    ] {
        let reply = server.fetch(path, &[("Host", "a.example")]).await;
        assert_eq!((reply.status, reply.header("location")), (404, ""), "{path}");
    }
    let reply = server.fetch("http://a.example/chat/", &[("Host", "a.example")]).await;
    assert_eq!((reply.status, reply.text()), (200, "the app"));
}

/// A handshake with these headers besides, and what follows it at once.
async fn handshake(server: &Server, headers: &str, frames: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.expect("the server accepts");
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n",
        server.address
    );
    stream
        .write_all(&[request.as_bytes(), frames].concat())
        .await
        .expect("the server reads");
    stream
}

const KEY: &str = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

#[tokio::test]
async fn a_handshake_has_one_key_of_sixteen_bytes() {
    let server = server(limits()).await;
    for headers in [
        String::new(),
        "Sec-WebSocket-Key: short\r\n".to_owned(),
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n".to_owned(),
        format!("Sec-WebSocket-Key: {}\r\n", "A".repeat(10_000)),
        KEY.repeat(2),
    ] {
        let headers = format!("{headers}Connection: close\r\n");
        let mut stream = handshake(&server, &headers, b"").await;
        assert_eq!(statuses(&rest(&mut stream).await), ["400"], "{headers}");
    }
}

/// The close code in what a server says after a handshake.
fn close_code(said: &[u8]) -> Option<u16> {
    let at = said.windows(2).rposition(|two| two[0] == 0x88)?;
    Some(u16::from_be_bytes([*said.get(at + 2)?, *said.get(at + 3)?]))
}

#[tokio::test]
async fn frames_that_break_the_protocol_end_the_socket_with_its_code() {
    let server = server(limits()).await;
    let mask = [0, 0, 0, 0];
    let ping = |bytes: u8| [&[0x89, 0x80 | bytes], &mask[..], &vec![b'x'; bytes.into()]].concat();
    for (what, frames) in [
        // Compression that was not agreed upon, though asked for.
        ("compressed", [&[0xc1, 0x82], &mask[..], b"{}"].concat()),
        (
            "a close reason beyond all bounds",
            [&[0x88, 0xfe, 0x01, 0x00], &mask[..], &[b'x'; 256]].concat(),
        ),
        (
            "a ping beyond all bounds",
            [&[0x89, 0xfe, 0x01, 0x00], &mask[..], &[b'x'; 256]].concat(),
        ),
        ("no mask", vec![0x81, 0x02, b'{', b'}']),
        ("an unknown kind", [&[0x83, 0x80], &mask[..]].concat()),
        ("a continuation of nothing", [&[0x80, 0x80], &mask[..]].concat()),
    ] {
        let headers = format!("{KEY}Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
        let mut stream = handshake(&server, &headers, &frames).await;
        let mut said = Vec::new();
        _ = timeout(PATIENCE, stream.read_to_end(&mut said))
            .await
            .expect("the server hangs up");
        let text = String::from_utf8_lossy(&said);
        assert!(text.starts_with("HTTP/1.1 101"), "{what}: {text}");
        assert!(
            !text.to_lowercase().contains("sec-websocket-extensions"),
            "{what}: {text}"
        );
        assert_eq!(close_code(&said), Some(1002), "{what}: {said:?}");
    }
    // Within the rate a ping is answered, beyond it the socket is closed.
    let mut stream = handshake(&server, KEY, &ping(125).repeat(2_000)).await;
    let mut said = Vec::new();
    _ = timeout(PATIENCE, stream.read_to_end(&mut said))
        .await
        .expect("the server hangs up");
    assert_eq!(
        close_code(&said),
        Some(shared::signal::CloseCode::TooFast.code()),
        "{} bytes",
        said.len()
    );
}
