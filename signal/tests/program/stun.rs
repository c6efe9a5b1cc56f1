//! The flag `--stun`: which ports there are, what welcomes say of them, and what is said if they cannot be had.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use shared::{
    Identity, RoomCode,
    signal::{Event, Hello, IceServer, Request},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::run::{Program, command};

const PATIENCE: Duration = Duration::from_secs(10);

/// A port that is free for TCP and UDP, and the port after it free for UDP. Below the ports that the system hands out, so that it stays free.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Elsewhere in each process.
    let base = 17_000 + u16::try_from(std::process::id() % 100).expect("it is below 100") * 40;
    loop {
        let port = base + NEXT.fetch_add(2, Ordering::Relaxed);
        let udp = |port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port));
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() && udp(port).is_ok() && udp(port + 1).is_ok() {
            return port;
        }
    }
}

/// The URLs of the ICE servers that a client is told of whose hello names `host`.
async fn announced(program: &Program, host: &str) -> Vec<String> {
    let ice_servers = welcome(program, host).await;
    ice_servers.into_iter().flat_map(|server| server.urls).collect()
}

/// The ICE servers that a client is told of whose hello names `host`.
pub(crate) async fn welcome(program: &Program, host: &str) -> Vec<IceServer> {
    let port = program.address.rsplit(':').next().expect("a port");
    let stream = TcpStream::connect(format!("127.0.0.1:{port}"))
        .await
        .expect("the program listens");
    let (mut socket, _) = client_async(format!("ws://127.0.0.1:{port}/ws"), stream)
        .await
        .expect("a WebSocket");
    let Event::Challenge { nonce, .. } = read_event(&mut socket).await else {
        panic!("no challenge")
    };
    let room = RoomCode::parse("lobby").expect("a name").open();
    let hello = Hello::sign(&Identity::from_secret(&[1; 32]), &room, host, &nonce);
    let hello = Message::text(Request::from(hello).to_text());
    socket.send(hello).await.expect("the program reads");
    let Event::Welcome { ice_servers, .. } = read_event(&mut socket).await else {
        panic!("not welcome")
    };
    ice_servers
}

async fn read_event(socket: &mut WebSocketStream<TcpStream>) -> Event {
    let message = timeout(PATIENCE, socket.next()).await.expect("in time");
    let text = message.expect("a message").expect("no error").into_text();
    serde_json::from_str(&text.expect("text")).expect("an event")
}

/// Whether a binding request to `server` is answered with the address that it came from. A program that has said that it listens has its ports.
fn is_answered(server: SocketAddr) -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    let request = b"\x00\x01\x00\x00\x21\x12\xa4\x42twelve bytes";
    // Of a port that nobody has, the system tells a socket that is connected.
    socket.connect(server).expect("an address");
    socket.send(request).expect("the system sends");
    let mut answer = [0; 100];
    let Ok(len) = socket.recv(&mut answer) else {
        return false;
    };
    let port = u16::from_be_bytes([answer[26], answer[27]]) ^ 0x2112;
    (len, port) == (32, socket.local_addr().expect("an address").port())
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[tokio::test]
async fn by_default_stun_is_on_the_number_of_the_listener_and_the_next_and_named_to_who_can_use_it() {
    let port = free_port();
    let program = Program::start(&["--listen", &format!("0.0.0.0:{port}")]);
    let next = port + 1;
    let urls = [
        format!("stun:rooms.example:{port}"),
        format!("stun:rooms.example:{next}"),
    ];
    assert_eq!(announced(&program, &format!("rooms.example:{port}")).await, urls);
    assert!(announced(&program, &format!("localhost:{port}")).await.is_empty());
    assert!(is_answered(local(port)) && is_answered(local(next)));
    let log = program.log();
    assert!(log.contains(&format!("answering STUN ports=[{port}, {next}]")), "{log}");
}

#[tokio::test]
async fn ports_for_this_machine_only_are_served_and_not_named() {
    let port = free_port();
    let program = Program::start(&["--listen", &format!("127.0.0.1:{port}")]);
    assert!(announced(&program, "rooms.example").await.is_empty());
    assert!(is_answered(local(port)) && is_answered(local(port + 1)));
}

#[tokio::test]
async fn behind_a_proxy_only_a_host_that_the_operator_names_is_named_and_served_on_all_addresses() {
    let port = free_port();
    let arguments = ["--listen", "127.0.0.1:0", "--trusted-proxies", "1", "--stun"];
    let program = Program::start(&[&arguments[..], &[&format!("stun.example:{port}")]].concat());
    let next = port + 1;
    let urls = [format!("stun:stun.example:{port}"), format!("stun:stun.example:{next}")];
    assert_eq!(announced(&program, "rooms.example").await, urls);
    assert!(is_answered(SocketAddr::from(([127, 0, 0, 2], port))));
    drop(program);

    let program = Program::start(&[&["--listen", "0.0.0.0:0"], &arguments[2..], &[&port.to_string()]].concat());
    assert!(announced(&program, "rooms.example").await.is_empty());
    assert!(is_answered(local(port)) && is_answered(local(next)));
}

#[tokio::test]
async fn off_is_off() {
    let port = free_port();
    let program = Program::start(&["--listen", &format!("0.0.0.0:{port}"), "--stun", "off"]);
    assert!(announced(&program, "rooms.example").await.is_empty());
    for port in [port, port + 1] {
        assert!(!is_answered(local(port)));
        UdpSocket::bind(local(port)).expect("nobody has the port");
    }
}

#[tokio::test]
async fn a_taken_port_of_the_default_is_told_and_the_server_goes_on() {
    let port = free_port();
    let listen = format!("0.0.0.0:{port}");
    let taken = UdpSocket::bind(local(port)).unwrap();
    let program = Program::start(&["--listen", &listen]);
    assert!(announced(&program, "rooms.example").await.is_empty());
    let log = program.log();
    assert!(log.contains("WARN") && log.contains("cannot answer STUN"), "{log}");
    assert!(log.contains(&listen) && log.contains("--stun"), "{log}");
    drop(taken);

    let _taken = UdpSocket::bind(local(port + 1)).unwrap();
    let program = Program::start(&["--listen", &listen]);
    let urls = [format!("stun:rooms.example:{port}")];
    assert_eq!(announced(&program, "rooms.example").await, urls);
    assert!(is_answered(local(port)));
    let log = program.log();
    assert!(!log.contains("WARN STUN") && log.contains("on one port only"), "{log}");
}

#[test]
fn a_taken_port_that_was_asked_for_is_told_in_words_and_ends_the_program() {
    let port = free_port();
    for taken_port in [port, port + 1] {
        let _taken = UdpSocket::bind(local(taken_port)).unwrap();
        let output = command(&["--listen", "127.0.0.1:0", "--stun", &port.to_string()])
            .output()
            .unwrap();
        assert!(!output.status.success());
        assert!(output.stdout.is_empty(), "it does not listen");
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(
            words.contains(&format!("cannot answer STUN on UDP 127.0.0.1:{taken_port}")),
            "{words}"
        );
    }
}

#[test]
fn what_the_flag_does_not_take_is_told_in_words() {
    let output = command(&["--stun", "everywhere"]).output().unwrap();
    assert!(!output.status.success());
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("STUN is written as a port from 1 to 65534"), "{words}");
}
