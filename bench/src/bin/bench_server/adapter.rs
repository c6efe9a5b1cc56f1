//! What people who come and relay cost two servers that are one network by Redis, beside two servers of socket.io with its adapter for Redis.
//!
//! Both do the same: a WebSocket is opened, somebody comes to a room of ten and is told how many are there and some of them, at whichever server they are; then
//! a payload of 1 KB goes from each to somebody at the other server. Ours checks a signature besides.

use std::{
    env,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{client_async, tungstenite::Message};

use crate::{
    PATIENCE,
    client::{Member, PAYLOAD_BYTES, open, to_relay},
    cores,
    network::{Redis, start},
    row::{Bound, Row, median, median_ratio},
    server::{Role, Server, free_address, processor_time},
};

/// Two by two, each of a pair at another server.
const PAIRS: u32 = 500;
/// Of these at the same time.
const AT_ONCE: usize = 16;
const PAIRS_OF_ROOM: u32 = 5;
/// Measurements of each, taken in turns, after one that warms up.
const ROUNDS: usize = 5;
/// Of the processor time.
const BOUND: f64 = 0.3;

/// Where the packages of socket.io are.
const VARIABLE: &str = "STARLING_BENCH_SOCKET_IO";

/// Two servers and their Redis.
enum Network {
    Ours([Server; 2], Redis),
    SocketIo([Foreign; 2], Redis),
}

/// A process that ends with this value.
struct Foreign {
    child: Child,
    address: SocketAddr,
}

impl Drop for Foreign {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Network {
    fn ours() -> Result<Self> {
        let redis = Redis::start()?;
        Ok(Self::Ours(
            [start("127.0.0.1:0", &redis)?, start("127.0.0.1:0", &redis)?],
            redis,
        ))
    }

    async fn socket_io(packages: &str) -> Result<Self> {
        let redis = Redis::start()?;
        let servers = [
            Foreign::start(packages, &redis).await?,
            Foreign::start(packages, &redis).await?,
        ];
        Ok(Self::SocketIo(servers, redis))
    }

    /// The processor time of all its programs.
    fn processor_time(&self) -> Result<Duration> {
        match self {
            Self::Ours([one, other], redis) => {
                Ok(one.processor_time()? + other.processor_time()? + processor_time(redis.child.id())?)
            }
            Self::SocketIo([one, other], redis) => {
                let of_servers = processor_time(one.child.id())? + processor_time(other.child.id())?;
                Ok(of_servers + processor_time(redis.child.id())?)
            }
        }
    }

    async fn come(&self, server: usize, number: u32, room: u32) -> Result<Member> {
        match self {
            Self::Ours(servers, _) => open(Role::Public, servers[server].address(), number, room).await,
            Self::SocketIo(servers, _) => come_to_socket_io(servers[server].address, room).await,
        }
    }

    async fn relay(&self, from: &mut Member, to: &mut Member) -> Result<()> {
        let message = match self {
            Self::Ours(..) => to_relay(Role::Public, &to.name)?,
            Self::SocketIo(..) => {
                let payload = "x".repeat(PAYLOAD_BYTES);
                Message::text(format!("42{}", json!(["relay", to.name, payload])))
            }
        };
        from.socket.send(message).await?;
        loop {
            let heard = to.socket.next().await.context("thrown out")??;
            // What is said of the room is shorter.
            if heard.len() > PAYLOAD_BYTES {
                ensure!(heard.to_text()?.contains(&"x".repeat(PAYLOAD_BYTES)), "{heard}");
                return Ok(());
            }
        }
    }

    /// Microseconds of all its programs for somebody who comes and relays.
    async fn cost(&self, round: usize) -> Result<f64> {
        let first = u32::try_from(round)? * PAIRS;
        let before = self.processor_time()?;
        let pair = async |number: u32| {
            // Rooms are as full as they can be at once.
            let room = first + number % (PAIRS / PAIRS_OF_ROOM);
            let mut one = self.come(0, 2 * (first + number), room).await?;
            let mut other = self.come(1, 2 * (first + number) + 1, room).await?;
            // The later one begins, as newcomers do.
            self.relay(&mut other, &mut one).await?;
            self.relay(&mut one, &mut other).await?;
            Ok::<_, anyhow::Error>([one, other])
        };
        let pairs = stream::iter(0..PAIRS).map(pair).buffer_unordered(AT_ONCE);
        let members: Vec<[Member; 2]> = timeout(PATIENCE, pairs.try_collect()).await??;
        let micros = (self.processor_time()? - before).as_secs_f64() * 1e6 / f64::from(2 * PAIRS);
        drop(members);
        self.until_idle().await?;
        Ok(micros)
    }

    /// What it does about those who have gone is no part of the next measurement.
    async fn until_idle(&self) -> Result<()> {
        let mut before = Duration::MAX;
        loop {
            let now = self.processor_time()?;
            // One hundredth of a second is what can be counted.
            if now.saturating_sub(before) <= Duration::from_millis(10) && before != Duration::MAX {
                return Ok(());
            }
            before = now;
            sleep(Duration::from_millis(500)).await;
        }
    }
}

impl Foreign {
    async fn start(packages: &str, redis: &Redis) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new("node");
        command
            .args([
                "-e",
                include_str!("socket_io.js"),
                &address.port().to_string(),
                &redis.url,
            ])
            .env("NODE_PATH", packages)
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let this = Self {
            child: cores::spawn(&mut command).context("cannot start node")?,
            address,
        };
        let listens = async {
            while TcpStream::connect(address).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, listens).await.context("socket.io does not listen")?;
        Ok(this)
    }
}

/// Opens a socket of version 5 of its protocol, and comes to a room.
async fn come_to_socket_io(address: SocketAddr, room: u32) -> Result<Member> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = client_async(url, stream).await?;
    let open = socket.next().await.context("not opened")??;
    ensure!(open.to_text()?.starts_with('0'), "{open} in the place of an opening");
    socket.send(Message::text("40")).await?;
    let connected = socket.next().await.context("not connected")??;
    let connected = connected.to_text()?.strip_prefix("40").context("not connected")?;
    let connected: Value = serde_json::from_str(connected)?;
    let name = connected["sid"].as_str().context("no name")?.to_owned();
    let join = json!(["join", format!("room {room}")]);
    socket.send(Message::text(format!("42{join}"))).await?;
    let welcome = socket.next().await.context("not welcome")??;
    let Some(welcome) = welcome.to_text()?.strip_prefix("42") else {
        bail!("{welcome} in the place of a welcome")
    };
    let welcome: Value = serde_json::from_str(welcome)?;
    ensure!(welcome[0] == "welcome" && welcome[1].as_u64() > Some(0), "{welcome}");
    Ok(Member { socket, name })
}

pub(crate) async fn measure() -> Result<Row> {
    let ours = Network::ours()?;
    let theirs = match env::var(VARIABLE) {
        Ok(packages) => Some(Network::socket_io(&packages).await?),
        Err(_) => None,
    };
    let (mut our_costs, mut their_costs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        our_costs.push(ours.cost(round).await?);
        if let Some(theirs) = &theirs {
            their_costs.push(theirs.cost(round).await?);
        }
    }
    // Programs and caches warm up first.
    our_costs.remove(0);
    let name = "processor time for somebody who comes and relays, two servers and Redis".to_owned();
    let mut row = Row {
        name,
        unit: "µs",
        values: vec![("ours", median(our_costs.clone()))],
        bounds: Vec::new(),
        note: "socket.io is not there to be measured beside".to_owned(),
    };
    if !their_costs.is_empty() {
        their_costs.remove(0);
        row.values.push(("socket.io", median(their_costs.clone())));
        row.bounds.push(Bound {
            of: "ours / socket.io".to_owned(),
            value: median_ratio(&our_costs, &their_costs),
            at_most: BOUND,
        });
        row.note = "its adapter sends each word to both servers, and asks both who is in a room".to_owned();
    }
    Ok(row)
}
