//! Measures the rendezvous server beside a bare tokio-tungstenite relay, in the same run on the same machine.
//!
//! ```text
//! cargo run --release -p tests --bin bench_server [-- --json]
//! ```
//!
//! Each server is a process of its own (this program again, in another role), so that its memory and processor time
//! can be told from those of the clients. Ends with an error when a bound is broken.

#![expect(clippy::print_stdout, reason = "a program for the command line")]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use clap::{Parser, Subcommand};
use futures_util::{FutureExt, SinkExt, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use shared::{
    Identity, RoomId,
    signal::{Event, Request},
};
use signal::{
    Config,
    config::{Limits, Rate},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async, tungstenite::Message};

/// Idle sockets whose memory is measured.
const IDLE_SOCKETS: u32 = 5_000;

/// Opened before the first measurement, so that what a server needs but once is not counted.
const WARM_UP_SOCKETS: u32 = 200;

/// Peers of a room among the idle sockets.
const ROOM_PEERS: u32 = 10;

/// Clients that relay to each other, two by two.
const PAIRS: u32 = 16;

/// Messages of one pair under way at once.
const WINDOW: usize = 32;

/// The signals that are relayed.
const PAYLOAD_BYTES: usize = 1024;

/// Measurements of each server, taken in turns.
const ROUNDS: usize = 7;

/// Before each measurement, for connections and caches to warm up, and the measurement itself.
const WARM_UP: Duration = Duration::from_millis(300);
const MEASURED: Duration = Duration::from_millis(1_500);

/// Anything that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

const IDLE_BYTES_BOUND: f64 = 10_000.0;
const RELAY_RATIO_BOUND: f64 = 0.7;

/// Benchmarks of the rendezvous server.
#[derive(Debug, Parser)]
struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,

    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Role {
    /// Be our server (used by the program itself)
    #[command(hide = true)]
    Ours,
    /// Be the bare server (used by the program itself)
    #[command(hide = true)]
    Bare,
}

/// One line of the result.
struct Row {
    name: &'static str,
    unit: &'static str,
    ours: f64,
    bare: f64,
    ratio: f64,
    /// In words, and whether it is kept.
    bound: Option<(String, bool)>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    allow_open_files();
    let args = Args::parse();
    match args.role {
        Some(Role::Ours) => return be_ours().await.map(|()| ExitCode::SUCCESS),
        Some(Role::Bare) => return be_bare().await.map(|()| ExitCode::SUCCESS),
        None => {}
    }
    let mut rows = vec![idle_memory().await?];
    rows.extend(relay_rate().await?);
    if args.json {
        print_json(&rows);
    } else {
        print_table(&rows);
    }
    let kept = rows.iter().all(|row| row.bound.as_ref().is_none_or(|(_, kept)| *kept));
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_table(rows: &[Row]) {
    println!(
        "{:<44} {:>10} {:>10} {:>7}  {:<14}",
        "rendezvous server", "ours", "bare", "ratio", "bound"
    );
    for row in rows {
        let bound = match &row.bound {
            Some((bound, true)) => format!("{bound} ok"),
            Some((bound, false)) => format!("{bound} BROKEN"),
            None => String::new(),
        };
        let name = format!("{}, {}", row.name, row.unit);
        println!(
            "{name:<44} {:>10.1} {:>10.1} {:>7.2}  {bound:<14}",
            row.ours, row.bare, row.ratio
        );
    }
}

fn print_json(rows: &[Row]) {
    let row = |row: &Row| {
        json!({
            "name": row.name,
            "unit": row.unit,
            "ours": row.ours,
            "bare": row.bare,
            "ratio": row.ratio,
            "bound": row.bound.as_ref().map(|(bound, _)| bound),
            "kept": row.bound.as_ref().map(|(_, kept)| kept),
        })
    };
    println!("{}", json!({ "rows": rows.iter().map(row).collect::<Vec<_>>() }));
}

// What is measured.

async fn idle_memory() -> anyhow::Result<Row> {
    let mut bytes = [0.0; 2];
    for (role, bytes) in [Role::Ours, Role::Bare].into_iter().zip(&mut bytes) {
        let server = Server::start(role)?;
        let mut idle = open_idle(&server, 0..WARM_UP_SOCKETS).await?;
        let before = server.resident_bytes()?;
        idle.extend(open_idle(&server, WARM_UP_SOCKETS..WARM_UP_SOCKETS + IDLE_SOCKETS).await?);
        let after = server.resident_bytes()?;
        *bytes = (after.saturating_sub(before) / u64::from(IDLE_SOCKETS)) as f64;
    }
    let [ours, bare] = bytes;
    Ok(Row {
        name: "memory of an idle registered socket",
        unit: "bytes",
        ours,
        bare,
        ratio: ours / bare,
        bound: Some((format!("<= {IDLE_BYTES_BOUND}"), ours <= IDLE_BYTES_BOUND)),
    })
}

/// Opens and registers sockets, some at a time.
async fn open_idle(server: &Server, numbers: std::ops::Range<u32>) -> anyhow::Result<Vec<Socket>> {
    let mut opened = Vec::new();
    let mut opening = JoinSet::new();
    for number in numbers {
        let (role, address) = (server.role, server.address);
        opening.spawn(async move { timeout(PATIENCE, open(role, address, number, number / ROOM_PEERS)).await? });
        if opening.len() >= 64
            && let Some(socket) = opening.join_next().await
        {
            opened.push(socket??);
        }
    }
    while let Some(socket) = opening.join_next().await {
        opened.push(socket??);
    }
    Ok(opened)
}

async fn relay_rate() -> anyhow::Result<Vec<Row>> {
    let servers = [Server::start(Role::Ours)?, Server::start(Role::Bare)?];
    let mut rates = [Vec::new(), Vec::new()];
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (index, server) in servers.iter().enumerate() {
            let (rate, cost) = timeout(PATIENCE, measure_relay(server)).await??;
            rates[index].push(rate);
            costs[index].push(cost);
        }
    }
    let ratio = median_ratio(&rates);
    let [ours, bare] = rates.map(median);
    let rate = Row {
        name: "relay of 1 KB signals",
        unit: "1/s",
        ours,
        bare,
        ratio,
        bound: Some((format!(">= {RELAY_RATIO_BOUND}"), ratio >= RELAY_RATIO_BOUND)),
    };
    let ratio = median_ratio(&costs);
    let [ours, bare] = costs.map(median);
    let cost = Row {
        name: "processor time of the server for one relay",
        unit: "us",
        ours,
        bare,
        ratio,
        bound: None,
    };
    Ok(vec![rate, cost])
}

/// Relays a second, and microseconds of the server's processor time for each.
async fn measure_relay(server: &Server) -> anyhow::Result<(f64, f64)> {
    let relayed = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for pair in 0..PAIRS {
        let numbers = [2 * pair, 2 * pair + 1];
        let one = open(server.role, server.address, numbers[0], pair).await?;
        let other = open(server.role, server.address, numbers[1], pair).await?;
        for (socket, to, sends_first) in [(one, numbers[1], true), (other, numbers[0], false)] {
            clients.spawn(return_messages(
                server.role,
                socket,
                to,
                if sends_first { WINDOW } else { 0 },
                Arc::clone(&relayed),
            ));
        }
    }
    // Time is what is measured here, not waited for.
    tokio::time::sleep(WARM_UP).await;
    let (start, before, cpu_before) = (
        Instant::now(),
        relayed.load(Ordering::Relaxed),
        server.processor_time()?,
    );
    tokio::time::sleep(MEASURED).await;
    let count = (relayed.load(Ordering::Relaxed) - before) as f64;
    let cpu = server.processor_time()?.saturating_sub(cpu_before);
    let seconds = start.elapsed().as_secs_f64();
    if let Some(ended) = clients.try_join_next() {
        ended??;
        bail!("a client was dropped during the measurement");
    }
    ensure!(count > 0.0, "nothing was relayed");
    clients.shutdown().await;
    Ok((count / seconds, cpu.as_secs_f64() * 1e6 / count))
}

/// Sends `first` messages to `to`, then one for each that comes.
async fn return_messages(
    role: Role,
    mut socket: Socket,
    to: u32,
    first: usize,
    relayed: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    let request = Request::Relay {
        to: identity(to).peer_id(),
        payload: "x".repeat(PAYLOAD_BYTES),
    };
    let message = Message::text(serde_json::to_string(&request)?);
    for _ in 0..first {
        socket.feed(message.clone()).await?;
    }
    socket.flush().await?;
    let mut checked = false;
    while let Some(received) = socket.next().await {
        let mut received = Some(received);
        while let Some(one) = received {
            let one = one?;
            if !checked {
                // A fast server is worth nothing if what comes out is wrong. Once is enough: the messages are all alike.
                check_relayed(role, one.to_text()?)?;
                checked = true;
            }
            ensure!(one.len() > PAYLOAD_BYTES, "only relayed messages are expected");
            relayed.fetch_add(1, Ordering::Relaxed);
            socket.feed(message.clone()).await?;
            received = socket.next().now_or_never().flatten();
        }
        socket.flush().await?;
    }
    bail!("the server closed the socket")
}

/// Checks that a message is what somebody sent, as this server should hand it on.
fn check_relayed(role: Role, text: &str) -> anyhow::Result<()> {
    let payload = match role {
        Role::Ours => match serde_json::from_str(text)? {
            Event::Relayed { payload, .. } => Some(payload),
            Event::Challenge { .. }
            | Event::Welcome { .. }
            | Event::Peers { .. }
            | Event::Refused { .. }
            | Event::Ping {}
            | Event::Pong {}
            | Event::Draining {} => None,
        },
        Role::Bare => match serde_json::from_str(text)? {
            Request::Relay { payload, .. } => Some(payload),
            Request::Hello { .. } | Request::Discover {} | Request::Ping {} | Request::Pong {} => None,
        },
    };
    ensure!(
        payload == Some("x".repeat(PAYLOAD_BYTES)),
        "this is no relayed message: {text}"
    );
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median over the rounds, of which each compares two neighbouring measurements.
fn median_ratio([ours, bare]: &[Vec<f64>; 2]) -> f64 {
    median(ours.iter().zip(bare).map(|(ours, bare)| ours / bare).collect())
}

// Clients.

type Socket = WebSocketStream<TcpStream>;

fn identity(number: u32) -> Identity {
    let mut secret = [1; 32];
    secret[..4].copy_from_slice(&number.to_be_bytes());
    Identity::from_secret(&secret)
}

/// Opens a socket and registers it, as peer `number` of `room` or as a member of the pair `room`.
async fn open(role: Role, address: SocketAddr, number: u32, room: u32) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async(format!("ws://{address}/ws"), stream).await?;
    match role {
        Role::Ours => {
            let challenge = socket.next().await.context("no challenge")??;
            let Event::Challenge { nonce, .. } = serde_json::from_str(challenge.to_text()?)? else {
                bail!("{challenge} instead of a challenge")
            };
            let mut id = [2; 32];
            id[..4].copy_from_slice(&room.to_be_bytes());
            let hello = Request::hello(&identity(number), RoomId::from_bytes(id), &nonce);
            socket.send(Message::text(serde_json::to_string(&hello)?)).await?;
        }
        Role::Bare => socket.send(Message::text(room.to_string())).await?,
    }
    socket.next().await.context("not registered")??;
    Ok(socket)
}

// Servers.

/// A server in a process of its own, which ends with this value.
struct Server {
    role: Role,
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(role: Role) -> anyhow::Result<Self> {
        let name = match role {
            Role::Ours => "ours",
            Role::Bare => "bare",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .arg(name)
            // Its end tells the server that nobody needs it any more.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().context("no output")?).read_line(&mut line)?;
        let address = line.trim().parse().context("the server prints its address")?;
        Ok(Self { role, child, address })
    }

    /// How much of its memory is in use.
    fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kilobytes: u64 = line.split_whitespace().next().context("no number")?.parse()?;
        Ok(kilobytes * 1024)
    }

    /// How long its threads have run, in the kernel too.
    fn processor_time(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is the program's name, in parentheses; 14 and 15 are user and system time.
        let (_, fields) = stat.rsplit_once(')').context("no name")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = ticks.sum::<Result<_, _>>()?;
        // Linux counts in hundredths of a second for programs, whatever it uses itself.
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

async fn be_ours() -> anyhow::Result<()> {
    let limits = Limits {
        connections_max: usize::MAX >> 8,
        connections_per_address_max: usize::MAX,
        socket_rate: Rate::Unlimited,
        address_rate: Rate::Unlimited,
        // Idle is to mean idle.
        heartbeat: Duration::from_secs(3_600),
        ..Limits::default()
    };
    let config = Config {
        limits,
        ..Config::default()
    };
    let app = signal::app(config)?;
    let listener = announce().await?;
    signal::serve::serve(listener, app, std::future::pending()).await?;
    Ok(())
}

/// The least that relays: two sockets that name the same number get each other's messages.
async fn be_bare() -> anyhow::Result<()> {
    let listener = announce().await?;
    let pairs = Arc::<Mutex<Pairs>>::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve_bare(stream, Arc::clone(&pairs)));
    }
}

type Pairs = HashMap<String, Vec<mpsc::UnboundedSender<Message>>>;

async fn serve_bare(stream: TcpStream, pairs: Arc<Mutex<Pairs>>) -> anyhow::Result<()> {
    let mut socket = accept_async(stream).await?;
    let pair = socket.next().await.context("no number")??.into_text()?.to_string();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let lock = || pairs.lock().unwrap_or_else(PoisonError::into_inner);
    let own = sender.clone();
    lock().entry(pair.clone()).or_default().push(sender);
    socket.send(Message::text("ok")).await?;
    loop {
        tokio::select! {
            received = socket.next() => {
                let Some(Ok(message)) = received else {
                    break;
                };
                if let Some(pair) = lock().get(&pair)
                    && let Some(partner) = pair.iter().find(|sender| !sender.same_channel(&own))
                {
                    _ = partner.send(message);
                }
            }
            message = receiver.recv() => {
                let mut message = message;
                while let Some(one) = message {
                    socket.feed(one).await?;
                    message = receiver.try_recv().ok();
                }
                socket.flush().await?;
            }
        }
    }
    if let Some(pair) = lock().get_mut(&pair) {
        pair.retain(|sender| !sender.same_channel(&own));
    }
    Ok(())
}

/// Listens, prints the address, and ends the process when the one that started it has gone.
async fn announce() -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(|| {
        _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    Ok(listener)
}

fn allow_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // If that fails, opening sockets will, and says so.
    _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
}
