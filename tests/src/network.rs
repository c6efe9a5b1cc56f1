//! Several servers that are one network, each with an address of its own on this machine.

use std::{
    net::{SocketAddr, TcpListener},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use shared::{RoomCode, signal::Nodes};
use signal::config::Acquaintance;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

use crate::{
    server::{Server, dist},
    wait::until,
};

/// The servers, in the order of no room; killed when dropped.
#[derive(Debug)]
pub struct Network {
    /// By number.
    pub nodes: Vec<Server>,
    operators: Vec<SocketAddr>,
    sockets: Vec<String>,
    _redis: Option<Child>,
}

impl Network {
    /// Starts so many servers with the built app.
    ///
    /// # Errors
    /// If one does not start, or the app or a program is missing.
    pub async fn start(count: usize, acquaintance: Acquaintance) -> Result<Self> {
        let (redis, directory) = match acquaintance {
            Acquaintance::Known => {
                let (child, url) = start_redis().await?;
                (Some(child), vec!["--redis".to_owned(), url])
            }
            Acquaintance::Strangers => (None, Vec::new()),
        };
        let ports = free_ports(2 * count)?;
        let (listen, operators) = ports.split_at(count);
        let sockets: Vec<String> = listen.iter().map(|address| format!("ws://{address}/ws")).collect();
        let mut nodes = Vec::new();
        for (number, address) in listen.iter().enumerate() {
            // The list may stand in another order at each of them.
            let mut list = sockets.clone();
            list.rotate_left(number);
            let (list, operator) = (list.join(","), operators[number].to_string());
            let mut arguments = vec!["--node", &list, "--admin-listen", &operator];
            arguments.extend(directory.iter().map(String::as_str));
            nodes.push(Server::start_on(&address.to_string(), &dist()?, &arguments).await?);
        }
        Ok(Self {
            nodes,
            operators: operators.to_vec(),
            sockets,
            _redis: redis,
        })
    }

    /// Where the socket of a server is.
    #[must_use]
    pub fn socket(&self, node: usize) -> &str {
        &self.sockets[node]
    }

    /// The servers by number, in the order in which a room wants them.
    #[must_use]
    pub fn order_of(&self, code: &RoomCode) -> Vec<usize> {
        let wanted = Nodes::of_room(&code.open().id(), &self.sockets, 1).servers;
        let number = |socket: &String| self.sockets.iter().position(|other| other == socket);
        wanted.iter().filter_map(number).collect()
    }

    /// The address of a room, as it is at another server.
    #[must_use]
    pub fn at(&self, node: usize, room: &str) -> String {
        let (_, code) = room.split_once("#/r/").unwrap_or_default();
        format!("{}#/r/{code}", self.nodes[node].url())
    }

    /// How many people are registered with a server.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn people(&self, node: usize) -> Result<u64> {
        let address = self.operators[node];
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /api/status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        let status: serde_json::Value = serde_json::from_str(body)?;
        status["peers"].as_u64().context("no number")
    }

    /// Waits until so many people are registered with each of these servers.
    ///
    /// # Errors
    /// If that takes longer.
    pub async fn until_people(&self, patience: Duration, expected: &[(usize, u64)]) -> Result<()> {
        until(patience, || async {
            for (node, people) in expected {
                let found = self.people(*node).await?;
                ensure!(found == *people, "node {node} has {found} people instead of {people}");
            }
            Ok(())
        })
        .await
    }
}

/// Ports that were free a moment ago, all different.
fn free_ports(count: usize) -> Result<Vec<SocketAddr>> {
    let listeners = (0..count).map(|_| TcpListener::bind("127.0.0.1:0"));
    let listeners = listeners.collect::<std::io::Result<Vec<_>>>()?;
    let addresses = listeners.iter().map(TcpListener::local_addr);
    Ok(addresses.collect::<std::io::Result<Vec<_>>>()?)
}

/// A Redis on a free port, and what leads there.
async fn start_redis() -> Result<(Child, String)> {
    let port = free_ports(1)?[0].port();
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
        .arg(port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("redis-server is not installed: `apt-get install redis-server`")?;
    let mut lines = BufReader::new(child.stdout.take().context("the output is not piped")?).lines();
    while let Some(line) = lines.next_line().await? {
        if line.contains("Ready to accept connections") {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, format!("redis://127.0.0.1:{port}")));
        }
    }
    anyhow::bail!("Redis does not start")
}
