//! The program itself: what it prints, and how it stops.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures_util::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use shared::signal::{CloseCode, Event};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{client_async, tungstenite::Message};

/// Ends the program also when a test fails.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_signal"))
            .args(["--listen", "127.0.0.1:0"])
            .env("STARLING_DRAIN_TIMEOUT_MILLIS", "3000")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the program prints a line");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .expect("the line names the address")
            .to_owned();
        Self { child, address }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(pid, signal).expect("the program runs");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[tokio::test]
async fn sigterm_and_sigint_tell_the_clients_and_end_the_program() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut program = Program::start();
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
        let status = tokio::task::spawn_blocking(move || program.child.wait())
            .await
            .unwrap()
            .unwrap();
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
        "--trust-forwarded-for",
        "/metrics",
    ] {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
}
