//! The server over HTTP: the app's files, health, status, configuration and metrics.

use std::path::Path;

use signal::{
    Config,
    config::{Limits, OwnHosts, TrustedProxies, WebApp},
};

use crate::{
    client::{Client, Reply, Server, ask},
    setup::{ROOM, identity, limits, relay},
};

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
        web_app: WebApp::Folder(web_root.to_owned()),
        servers: vec!["wss://second.example/ws".parse().expect("a server")],
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
        ("/", "no-cache", "text/html; charset=utf-8"),
        ("/index.html", "no-cache", "text/html; charset=utf-8"),
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
    let tag = server.fetch("/", &[]).await.header("etag").to_owned();
    let reply = server.fetch("/", &[("If-None-Match", &tag)]).await;
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
             style-src 'self'; img-src 'self' data: blob:; media-src blob:; font-src 'self'; \
             connect-src 'self' ws://rooms.example wss://rooms.example wss://second.example; \
             manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types default",
            "{path}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(reply.header("permissions-policy").contains("camera=()"), "{path}");
    }
}

#[tokio::test]
async fn answers_before_the_routes_carry_them_too() {
    let without_places = |proxies| Config {
        trusted_proxies: proxies,
        limits: Limits {
            connections_max: 0,
            http_connections_per_address_max: 0,
            ..limits()
        },
        ..Config::default()
    };
    let plain = Server::start(Config {
        base_path: Some("/chat".parse().unwrap()),
        hosts: OwnHosts::Local,
        limits: Limits {
            connections_max: 0,
            ..limits()
        },
        ..Config::default()
    })
    .await;
    let upgrade = [
        ("Connection", "upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ];
    for (status, reply) in [
        (
            503,
            turned_away(&Server::start(without_places(TrustedProxies::Absent)).await).await,
        ),
        (
            503,
            Server::start(without_places("1".parse().unwrap()))
                .await
                .fetch("/", &[])
                .await,
        ),
        (503, plain.fetch("/chat/ws", &upgrade).await),
        (308, plain.fetch("/chat", &[]).await),
        (421, plain.fetch("/chat/", &[("Host", "evil.example")]).await),
        (400, plain.fetch("/chat/", &[("Host", "")]).await),
        (
            405,
            plain
                .ask("POST /chat/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .await,
        ),
        (200, plain.fetch_admin("/metrics").await),
    ] {
        assert_eq!(reply.status, status, "{}", reply.head);
        for (name, value) in [
            ("content-security-policy", "default-src 'none'"),
            ("content-security-policy", "trusted-types default"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "camera=()"),
            ("cache-control", "no-"),
        ] {
            assert!(reply.header(name).contains(value), "{name} in\n{}", reply.head);
        }
        assert_eq!(reply.header("retry-after").is_empty(), status != 503, "{}", reply.head);
    }
}

/// What somebody is told for whose connection there is no place. They say nothing, for what they say may have the answer lost.
async fn turned_away(server: &Server) -> Reply {
    ask(server.address, "").await
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
    let reply = server.fetch_admin("/api/status").await;
    let status: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&status["rooms"], &status["peers"], &status["relayed"]),
        (&1.into(), &2.into(), &1.into())
    );
    assert!(status["uptime_seconds"].is_u64());
    let reply = server.fetch("/api/config", &[]).await;
    assert_eq!(reply.text(), r#"{"servers":["wss://second.example/ws"]}"#);
    let reply = server.fetch_admin("/metrics").await;
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
