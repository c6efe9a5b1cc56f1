//! A Redis of the test's own, on a free port of this machine.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Ends when dropped, also when a test fails.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    flags: Vec<String>,
    /// If it speaks TLS: where its certificate is, which is its own authority.
    tls: Option<TempDir>,
}

/// What a node has to know of the network.
pub(crate) struct Directory {
    pub(crate) url: String,
    /// Trusted in the place of those that the machine trusts.
    pub(crate) certificate: Option<PathBuf>,
}

/// Has whoever listens there carry out a command. Gives its answer, with signs in the place of bytes that are no text.
pub(crate) fn ask(address: SocketAddr, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "{command}\r\n")?;
    // A sentinel knows no `QUIT`.
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn spawn(port: u16, flags: &[String], tls: Option<&TempDir>) -> Option<Child> {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(flags);
    match tls {
        None => _ = command.arg("--port").arg(port.to_string()),
        Some(folder) => {
            command.args(["--port", "0", "--tls-auth-clients", "no", "--tls-port"]);
            command
                .arg(port.to_string())
                .arg("--tls-cert-file")
                .arg(folder.path().join(CERTIFICATE));
            command.arg("--tls-key-file").arg(folder.path().join(KEY));
        }
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .expect("redis-server is installed: `apt-get install redis-server`, or `cargo xtask test`");
    let stdout = BufReader::new(child.stdout.as_mut().expect("piped"));
    let mut lines = stdout.lines().map_while(Result::ok);
    if lines.any(|line| line.contains("Ready to accept connections")) {
        return Some(child);
    }
    // Somebody else has the port.
    _ = child.wait();
    None
}

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

impl Redis {
    pub(crate) fn start() -> Self {
        Self::start_with(Vec::new, None)
    }

    /// With further flags, which are asked for again if somebody else has a port.
    pub(crate) fn start_as(flags: impl Fn() -> Vec<String>) -> Self {
        Self::start_with(flags, None)
    }

    /// With a certificate of its own.
    pub(crate) fn start_tls() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("written");
        write(CERTIFICATE, certified.cert.pem());
        write(KEY, certified.signing_key.serialize_pem());
        Self::start_with(Vec::new, Some(folder))
    }

    fn start_with(flags: impl Fn() -> Vec<String>, tls: Option<TempDir>) -> Self {
        for _ in 0..10 {
            let (port, flags) = (free_port(), flags());
            if let Some(child) = spawn(port, &flags, tls.as_ref()) {
                return Self {
                    child,
                    port,
                    flags,
                    tls,
                };
            }
        }
        panic!("redis-server finds no port");
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port)
    }

    pub(crate) fn directory(&self) -> Directory {
        match &self.tls {
            None => Directory::at(self.address()),
            Some(folder) => Directory {
                url: format!("rediss://localhost:{}", self.port),
                certificate: Some(folder.path().join(CERTIFICATE)),
            },
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts again with nothing, where it was.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, &self.flags, self.tls.as_ref()).expect("its port is still free");
    }

    /// Has it stand still, and go on.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("it runs");
    }

    /// Has it carry out a command. Gives its answer.
    pub(crate) fn command(&self, command: &str) -> String {
        ask(self.address(), command).expect("it listens")
    }

    /// What was said behind one of its flags.
    pub(crate) fn flag(&self, name: &str) -> &str {
        let mut flags = self.flags.iter().skip_while(|flag| *flag != name);
        flags.nth(1).expect("it has that flag")
    }

    /// How often a command was carried out, also by a script.
    pub(crate) fn calls(&self, command: &str) -> u64 {
        let answer = self.command("INFO commandstats");
        let line = answer.lines().find_map(|line| {
            let rest = line.strip_prefix("cmdstat_")?.strip_prefix(command)?;
            rest.strip_prefix(":calls=")
        });
        line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0)
    }
}

impl Directory {
    /// Without TLS.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            url: format!("redis://{address}"),
            certificate: None,
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
