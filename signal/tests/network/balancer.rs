//! HAProxy as deploy/haproxy.cfg has it, but for addresses, the certificate and the number of connections.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{client::eventually, redis::free_port};

/// Ends when dropped, also when a test fails.
pub(crate) struct Balancer {
    child: Child,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Balancer {
    pub(crate) async fn start(nodes: &[SocketAddr]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/haproxy.cfg");
        let example = std::fs::read_to_string(path).expect("it is there");
        let mut nodes = nodes.iter();
        let line = |line: &str| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["maxconn", _] => "    maxconn 4000".to_owned(),
            ["bind", ":443", ..] => format!("    bind {address}"),
            ["bind", ":80"] | ["http-request", "redirect", ..] => String::new(),
            ["server", name, _] => format!("    server {name} {}", nodes.next().expect("as many as there are")),
            _ => line.to_owned(),
        };
        let lines: Vec<String> = example.lines().map(line).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("haproxy.cfg");
        std::fs::write(&config, lines.join("\n") + "\n").expect("it is written");
        let search_path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let child = Command::new("haproxy")
            .env("PATH", search_path)
            .arg("-db")
            .arg("-f")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("haproxy is installed: `apt-get install haproxy`, or `cargo xtask test`");
        eventually("the balancer listens", async || {
            TcpStream::connect(address).await.is_ok()
        })
        .await;
        Self {
            child,
            address,
            _folder: folder,
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
