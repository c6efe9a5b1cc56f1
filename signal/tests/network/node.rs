//! A node: the program as a process of its own, tied to others by Redis.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    client::eventually,
    redis::{Directory, Redis},
};

/// Ends when dropped, also when a test fails.
pub(crate) struct Node {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// Without the limits of an address: all clients of a test have one.
const FLAGS: [&str; 12] = [
    "--connections-per-address-max",
    "20000",
    "--http-connections-per-address-max",
    "2048",
    "--registrations-per-second",
    "0",
    "--address-messages-per-second",
    "0",
    "--stun",
    "off",
    "--drain-timeout-millis",
    "3000",
];

impl Node {
    /// Starts it, and waits until it is in touch with the others.
    pub(crate) async fn start(redis: &Redis) -> Self {
        Self::start_in(&redis.directory()).await
    }

    /// The same with what leads to Redis.
    pub(crate) async fn start_in(directory: &Directory) -> Self {
        Self::start_at("127.0.0.1:0", directory, &[]).await
    }

    /// The same on an address, with further flags.
    pub(crate) async fn start_at(listen: &str, directory: &Directory, flags: &[&str]) -> Self {
        let node = Self::spawn(listen, Some(directory), flags);
        eventually("the node is in touch", async || node.readiness() == "ready\n").await;
        node
    }

    /// Starts one that knows nothing of the others.
    pub(crate) fn start_alone(listen: &str, flags: &[&str]) -> Self {
        Self::spawn(listen, None, flags)
    }

    fn spawn(listen: &str, directory: Option<&Directory>, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_signal"))
            .args(["--listen", listen])
            .args(FLAGS)
            .args(flags)
            .envs(directory.map(|directory| ("STARLING_REDIS", &directory.url)))
            .envs(directory.and_then(|directory| Some(("SSL_CERT_FILE", directory.certificate.as_ref()?))))
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the program prints a line");
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.and_then(|address| address.parse().ok());
        // Nothing more comes, but a pipe without a reader would be an error for whoever writes.
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Self {
            child,
            address: address.expect("the line names the address"),
        }
    }

    /// Without a word to anybody.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) {
        assert!(self.child.wait().expect("it ends").success());
    }

    /// Has it tell everybody and end.
    pub(crate) fn terminate(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), Signal::TERM).expect("it runs");
    }

    /// What it says to a balancer.
    pub(crate) fn readiness(&self) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        let request = format!(
            "GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        answer
            .split_once("\r\n\r\n")
            .map_or(answer.clone(), |(_, body)| body.to_owned())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
