//! What the person who hosts a server relies on: whom it answers, what it shows to whom, and what it keeps to itself.

use std::{fs, os::unix::fs::symlink};

use signal::{
    Config,
    config::{EmbeddedFile, OwnHosts, WebApp},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::{Server, ask};

async fn known_as(names: &[&str]) -> Server {
    let names = names.iter().map(|name| name.parse().expect("a host"));
    let config = Config {
        hosts: OwnHosts::Listed(names.collect()),
        ..Config::default()
    };
    Server::start(config).await
}

/// The status that a page's handshake is answered with.
async fn handshake(server: &Server, host: &str, origin: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address).await.expect("the server accepts");
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.expect("the server answers");
    let status = std::str::from_utf8(&start)
        .ok()
        .and_then(|start| start.strip_prefix("HTTP/1.1 "));
    status.and_then(|status| status.parse().ok()).expect("a status")
}

#[tokio::test]
async fn a_server_answers_to_its_own_names_alone() {
    let server = known_as(&["chat.example.org", "chat.example.net:8443"]).await;
    let status = async |path: &str, host: &str| server.fetch(path, &[("Host", host)]).await.status;
    for host in [
        "chat.example.org",
        "Chat.Example.org:443",
        "chat.example.net:8443",
        "chat.example.net",
    ] {
        assert_eq!(status("/api/config", host).await, 200, "{host}");
    }
    for host in ["evil.example", "chat.example.org:8080", "localhost", "127.0.0.1"] {
        for path in ["/", "/api/config", "/ws"] {
            assert_eq!(status(path, host).await, 421, "{host} {path}");
        }
        assert_eq!(status("/healthz", host).await, 200, "{host}");
    }
    let metrics = server.fetch_admin("/metrics").await;
    assert!(
        metrics.text().contains("starling_foreign_hosts_total 12"),
        "{}",
        metrics.text()
    );
}

#[tokio::test]
async fn a_page_whose_name_was_made_to_lead_here_opens_no_socket() {
    let local = Config {
        hosts: OwnHosts::Local,
        ..Config::default()
    };
    for server in [known_as(&["chat.example.org"]).await, Server::start(local).await] {
        assert_eq!(handshake(&server, "evil.example", "http://evil.example").await, 421);
    }
}

#[tokio::test]
async fn a_listed_page_is_taken_also_where_the_proxy_leaves_out_its_port() {
    // As nginx does with `proxy_set_header Host $host`.
    let server = known_as(&["chat.example.org:8443"]).await;
    let connect = async |origin: &str| handshake(&server, "chat.example.org", origin).await;
    assert_eq!(connect("https://chat.example.org:8443").await, 101);
    for origin in ["https://chat.example.org:9000", "https://evil.example:8443"] {
        assert_eq!(connect(origin).await, 403, "{origin}");
    }
}

#[tokio::test]
async fn a_request_without_a_host_or_with_two_is_refused() {
    let server = Server::start(Config::default()).await;
    let status = async |head: &str| server.ask(&format!("{head}Connection: close\r\n\r\n")).await.status;
    for head in [
        "GET /healthz HTTP/1.1\r\n",
        "GET /healthz HTTP/1.1\r\nHost: \r\n",
        "GET /healthz HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n",
        "GET http://a.example/healthz HTTP/1.1\r\nHost: b.example\r\n",
    ] {
        assert_eq!(status(head).await, 400, "{head}");
    }
    for head in [
        "GET /healthz HTTP/1.0\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a.example\r\n",
        "GET http://a.example/healthz HTTP/1.1\r\nHost: a.example\r\n",
    ] {
        assert_eq!(status(head).await, 200, "{head}");
    }
}

#[tokio::test]
async fn everything_is_below_the_base_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), "the app").unwrap();
    let config = Config {
        web_app: WebApp::Folder(folder.path().to_owned()),
        base_path: Some("/chat".parse().unwrap()),
        ..Config::default()
    };
    let server = Server::start(config).await;
    let reply = server.fetch("/chat", &[]).await;
    assert_eq!((reply.status, reply.header("location")), (308, "/chat/"));
    for (path, status) in [
        ("/chat/", 200),
        ("/chat/api/config", 200),
        ("/chat/ws", 426),
        ("/healthz", 200),
        ("/", 404),
        ("/ws", 404),
        ("/chatter/", 404),
        ("/chat/chat/", 404),
    ] {
        let reply = server.fetch(path, &[]).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
    }
    let reply = server.fetch("/chat/%23/r/1.secret", &[]).await;
    assert!(reply.text().contains("href=\"../../#/r/1.secret\""), "{}", reply.text());
}

#[tokio::test]
async fn metrics_and_status_are_for_operators_alone() {
    let server = Server::start(Config::default()).await;
    for path in ["/metrics", "/api/status"] {
        assert_eq!(server.fetch(path, &[]).await.status, 404, "{path}");
        assert_eq!(server.fetch_admin(path).await.status, 200, "{path}");
    }
    assert_eq!(server.fetch_admin("/healthz").await.status, 200);
    for path in ["/", "/ws", "/api/config"] {
        assert_eq!(server.fetch_admin(path).await.status, 404, "{path}");
    }
    // A page in an operator's browser, at a name that was made to lead here.
    let request = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    assert_eq!(ask(server.admin_address, request).await.status, 421);
}

#[tokio::test]
async fn only_the_apps_own_files_are_served() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path();
    fs::write(root.join("index.html"), "the app").unwrap();
    fs::write(root.join(".env"), "SECRET=1").unwrap();
    fs::create_dir(root.join(".git")).unwrap();
    fs::write(root.join(".git/config"), "secret").unwrap();
    fs::write(elsewhere.path().join("secret.txt"), "secret").unwrap();
    symlink(elsewhere.path().join("secret.txt"), root.join("note.txt")).unwrap();
    symlink(elsewhere.path(), root.join("notes")).unwrap();
    let config = Config {
        web_app: WebApp::Folder(root.to_owned()),
        ..Config::default()
    };
    let server = Server::start(config).await;
    assert_eq!(server.fetch("/", &[]).await.text(), "the app");
    for path in [
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/note.txt",
        "/notes/secret.txt",
        "/notes/",
    ] {
        let reply = server.fetch(path, &[]).await;
        assert_eq!((reply.status, reply.text()), (404, "there is nothing here\n"), "{path}");
    }
}

#[tokio::test]
async fn the_app_that_is_built_in_is_served_like_that_of_a_folder() {
    const FILES: &[EmbeddedFile] = &[
        EmbeddedFile {
            path: "index.html",
            content: b"<script>1</script>",
        },
        EmbeddedFile {
            path: "web-0123456789abcdef.js",
            content: b"script",
        },
        EmbeddedFile {
            path: "web-0123456789abcdef.js.br",
            content: b"script in brotli",
        },
    ];
    let config = Config {
        web_app: WebApp::Embedded(FILES),
        ..Config::default()
    };
    let server = Server::start(config).await;
    let page = server.fetch("/", &[]).await;
    assert_eq!((page.status, page.text()), (200, "<script>1</script>"));
    // Of "1".
    let hash = "'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='";
    assert!(page.header("content-security-policy").contains(hash), "{}", page.head);
    let script = server
        .fetch("/web-0123456789abcdef.js", &[("Accept-Encoding", "br")])
        .await;
    assert_eq!(
        (script.header("content-encoding"), script.text()),
        ("br", "script in brotli")
    );
    assert!(script.header("cache-control").contains("immutable"));
}

#[tokio::test]
async fn a_link_whose_hash_was_encoded_is_explained_and_leads_on() {
    let server = Server::start(Config::default()).await;
    for (path, way) in [
        ("/%23/r/1.secret", "href=\"../../#/r/1.secret\""),
        ("/%2523%252Fr%252Ftea", "href=\"./#%252Fr%252Ftea\""),
        ("/r/1.secret", "href=\"../#/r/1.secret\""),
    ] {
        let reply = server.fetch(path, &[]).await;
        assert_eq!((reply.status, reply.header("location")), (404, ""), "{path}");
        assert!(reply.text().contains("damaged on its way"), "{path}: {}", reply.text());
        assert!(reply.text().contains(way), "{path}: {}", reply.text());
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
    }
}
