//! A listening socket that systemd hands over, and goes on to the next process.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::run::Program;

/// The program with the listener as systemd hands it over: as file 3, with two variables.
fn start(listener: &TcpListener) -> Program {
    let mut command = Command::new("sh");
    let script = "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" --listen 127.0.0.1:1 --stun off 3<&0 </dev/null";
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_signal")])
        .env("STARLING_DRAIN_TIMEOUT_MILLIS", "3000")
        .env("RUST_LOG", "error")
        .stdin(Stdio::from(OwnedFd::from(listener.try_clone().expect("a copy"))));
    Program::spawn(command)
}

/// Asks whether the server lives, over a connection of its own. Gives the status.
fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).ok_or(ErrorKind::UnexpectedEof)?;
    Ok(status.to_owned())
}

#[test]
fn no_connection_is_refused_while_one_process_follows_another() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut program = start(&listener);
    assert_eq!(program.address, address.to_string());
    let is_over = Arc::new(AtomicBool::new(false));
    let asking = thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            let mut answers = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(ask(address).expect("it is answered"), "200");
                answers += 1;
            }
            answers
        }
    });
    for _ in 0..3 {
        program.signal(Signal::TERM);
        assert!(program.wait().success());
        program = start(&listener);
        assert_eq!(ask(address).expect("it is answered"), "200");
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(asking.join().expect("nobody was refused") > 3);
}
