//! The program with a certificate of its own.

use std::{fs, path::Path, sync::Arc, time::Duration};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustix::process::Signal;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::client_async;

use crate::run::{Program, command};

const PATIENCE: Duration = Duration::from_secs(20);

/// Writes a new certificate for `localhost` and its key into the folder; gives the certificate.
fn issue(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(folder.join("cert.pem"), cert.pem()).expect("a file");
    fs::write(folder.join("key.pem"), signing_key.serialize_pem()).expect("a file");
    cert.der().clone()
}

fn start(folder: &Path) -> Program {
    start_with(folder, &["--request-timeout-millis", "1000"])
}

/// Starts the program with further arguments.
fn start_with(folder: &Path, arguments: &[&str]) -> Program {
    let path = |name: &str| folder.join(name).to_str().expect("text").to_owned();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let own = [
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--hsts",
    ];
    Program::start(&[&own, arguments].concat())
}

/// Connects as somebody who trusts this certificate alone.
async fn connect(program: &Program, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(&program.address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn pages_and_sockets_come_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = issue(folder.path());
    let program = start(folder.path());
    let mut stream = connect(&program, &certificate).await.unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(
        reply.starts_with("HTTP/1.1 200") && reply.ends_with("alive\n"),
        "{reply}"
    );
    assert!(reply.contains("strict-transport-security: max-age=31536000"), "{reply}");

    let stream = connect(&program, &certificate).await.unwrap();
    let (mut socket, _) = client_async("wss://localhost/ws", stream).await.unwrap();
    let message = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    assert!(message.to_text().unwrap().contains("challenge"), "{message}");
}

#[tokio::test]
async fn a_client_that_does_not_end_its_handshake_is_left() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    let program = start(folder.path());
    // Nothing, the head of a handshake, the same byte by byte, and what is no handshake.
    let head: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc];
    for (start, drips) in [
        (&[][..], false),
        (head, false),
        (head, true),
        (b"GET / HTTP/1.1\r\n\r\n", false),
    ] {
        let mut stream = TcpStream::connect(&program.address).await.unwrap();
        stream.write_all(start).await.unwrap();
        let (mut reading, mut writing) = stream.split();
        let dripping = async {
            // Until the server hangs up.
            while drips && writing.write_all(&[0x03]).await.is_ok() {
                sleep(Duration::from_millis(50)).await;
            }
            std::future::pending::<()>().await;
        };
        let mut said = Vec::new();
        tokio::select! {
            read = timeout(PATIENCE, reading.read_to_end(&mut said)) => drop(read.expect("the server hangs up")),
            () = dripping => {}
        }
        assert!(!said.starts_with(b"HTTP"), "no plain text: {said:?}");
    }
}

#[tokio::test]
async fn a_client_over_tls_that_does_not_read_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = issue(folder.path());
    let app = tempfile::tempdir().unwrap();
    fs::write(app.path().join("large.wasm"), vec![7; 2_000_000]).unwrap();
    let root = app.path().to_str().unwrap();
    let program = start_with(folder.path(), &["--web-root", root, "--write-timeout-millis", "500"]);
    let mut stream = connect(&program, &certificate).await.unwrap();
    let request = "GET /large.wasm HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(20);
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    // What the server does not send any more does not come by reading later.
    sleep(Duration::from_secs(2)).await;
    let mut answers = Vec::new();
    _ = timeout(PATIENCE, stream.read_to_end(&mut answers)).await.unwrap();
    assert!(!answers.is_empty(), "the server has begun");
    assert!(answers.len() < 20 * 2_000_000, "{} bytes", answers.len());
}

#[tokio::test]
async fn who_finds_no_place_at_a_server_with_tls_hears_no_plain_text() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    let program = start_with(
        folder.path(),
        // Nobody is left here because a machine is slow.
        &["--http-connections-max", "1", "--request-timeout-millis", "30000"],
    );
    let _first = TcpStream::connect(&program.address).await.unwrap();
    let mut second = TcpStream::connect(&program.address).await.unwrap();
    let mut heard = Vec::new();
    let read = timeout(PATIENCE, second.read_to_end(&mut heard));
    assert_eq!(read.await.expect("it is closed at once").unwrap(), 0);
}

#[tokio::test]
async fn a_new_certificate_is_taken_at_sighup_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let first = issue(folder.path());
    let mut program = start(folder.path());
    assert!(connect(&program, &first).await.is_ok());
    let second = issue(folder.path());
    assert!(connect(&program, &second).await.is_err());
    program.signal(Signal::HUP);
    let changed = async {
        while connect(&program, &second).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, changed).await.expect("the new certificate");
    assert!(connect(&program, &first).await.is_err());

    fs::write(folder.path().join("cert.pem"), "nonsense").unwrap();
    program.signal(Signal::HUP);
    program.logs("the certificate stays the one before");
    assert!(connect(&program, &second).await.is_ok());
}

#[test]
fn sighup_does_not_end_a_server_without_a_certificate() {
    let program = Program::start(&["--listen", "127.0.0.1:0"]);
    program.signal(Signal::HUP);
    program.signal(Signal::TERM);
    let status = program.wait();
    assert!(status.success(), "{status}");
}

#[test]
fn a_certificate_needs_its_own_key() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    fs::rename(folder.path().join("key.pem"), folder.path().join("other.pem")).unwrap();
    issue(folder.path());
    let mut program = command(&["--listen", "127.0.0.1:0"]);
    program.arg("--tls-cert").arg(folder.path().join("cert.pem"));
    let output = program.output().unwrap();
    assert!(!output.status.success(), "a certificate without a key");
    let output = program
        .arg("--tls-key")
        .arg(folder.path().join("other.pem"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("cannot be used"), "{error}");
}
