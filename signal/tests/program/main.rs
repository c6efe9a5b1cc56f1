//! The program itself: what it prints, and how it stops.

mod files;
mod handed_over;
mod run;
mod stun;
mod tls;
mod turn;

use std::{process::Command, time::Duration};

use futures_util::StreamExt;
use run::Program;
use rustix::process::Signal;
use shared::signal::{CloseCode, Event};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

#[tokio::test]
async fn sigterm_and_sigint_tell_the_clients_and_end_the_program() {
    for signal in [Signal::TERM, Signal::INT] {
        let program = Program::start(&["--listen", "127.0.0.1:0"]);
        let stream = TcpStream::connect(&program.address).await.unwrap();
        let (mut socket, _) = client_async(format!("ws://{}/ws", program.address), stream)
            .await
            .unwrap();
        let mut next = async || {
            timeout(Duration::from_secs(10), socket.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap()
        };
        let text = next().await.into_text().unwrap();
        assert!(matches!(serde_json::from_str(&text).unwrap(), Event::Challenge { .. }));

        program.signal(signal);
        let text = next().await.into_text().unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), Event::Draining {});
        let Message::Close(Some(frame)) = next().await else {
            panic!("no close frame")
        };
        assert_eq!(u16::from(frame.code), CloseCode::Restart.code());
        drop(socket);
        let status = tokio::task::spawn_blocking(|| program.wait()).await.unwrap();
        assert!(status.success(), "{status}");
    }
}

#[test]
fn help_names_every_flag_with_its_variable() {
    let output = Command::new(env!("CARGO_BIN_EXE_signal"))
        .arg("--help")
        .output()
        .unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for word in [
        "--listen",
        "STARLING_LISTEN",
        "--web-root",
        "--allow-origin",
        "--trusted-proxies",
        "--host",
        "--tls-cert",
        "--admin-listen",
        "--stun",
        "--turn",
        "--turn-secret-file",
        "/metrics",
    ] {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
}

#[tokio::test]
async fn the_first_page_of_another_server_is_told_to_the_operator_with_both_headers() {
    let program = Program::start(&["--listen", "127.0.0.1:0"]);
    for _ in 0..3 {
        let stream = TcpStream::connect(&program.address).await.unwrap();
        let mut request = "ws://localhost/ws".into_client_request().unwrap();
        let origin = "https://localhost:8443".parse().unwrap();
        request.headers_mut().insert("origin", origin);
        assert!(client_async(request, stream).await.is_err());
    }
    let log = tokio::task::spawn_blocking(|| program.log()).await.unwrap();
    let told: Vec<_> = log.lines().filter(|line| line.contains("--allow-origin")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(
        told[0].contains("https://localhost:8443") && told[0].contains("\"localhost\""),
        "{log}"
    );
}
