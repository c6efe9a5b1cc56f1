//! What the program opens, and what it writes down.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use crate::run::Program;

/// The answer to a request of its own connection.
fn fetch(stream: &mut TcpStream, path: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}

#[test]
fn the_page_comes_also_over_the_last_descriptor() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("index.html"), "the app").unwrap();
    let mut command = Command::new("sh");
    // So few that the connections below take them all.
    let script = "ulimit -n 40; exec \"$0\" --listen 127.0.0.1:0 --web-root \"$1\"";
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_signal")])
        .arg(root.path());
    let program = Program::spawn(command);
    let connect = || TcpStream::connect(&program.address).unwrap();
    let mut streams: Vec<_> = (0..50).map(|_| connect()).collect();
    // A connection was taken if it is answered; those that were not taken wait.
    let mut last_answer = None;
    for stream in &mut streams {
        // The server may need a while to begin.
        let patience = if last_answer.is_none() { 10_000 } else { 300 };
        stream.set_read_timeout(Some(Duration::from_millis(patience))).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut reply = vec![0; 4096];
        match stream.read(&mut reply) {
            Ok(count) => last_answer = Some(String::from_utf8_lossy(&reply[..count]).into_owned()),
            Err(_) => break,
        }
    }
    let reply = last_answer.expect("the first one is answered");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[test]
fn the_key_of_a_room_in_a_path_is_not_written_down() {
    let program = Program::start_with_log(&["--listen", "127.0.0.1:0"], "trace");
    for path in ["/%23/r/1.secretofaroom", "/r/1.secretofaroom", "/1.secretofaroom"] {
        let mut stream = TcpStream::connect(&program.address).unwrap();
        assert!(fetch(&mut stream, path).unwrap().starts_with("HTTP/1.1 404"));
    }
    let log = program.log();
    assert!(!log.is_empty() && !log.contains("secretofaroom"), "{log}");
}
