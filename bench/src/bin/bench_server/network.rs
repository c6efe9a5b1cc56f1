//! Two servers that are one network by Redis: what it costs that people are at different ones, and how soon everybody is back after both were killed.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    PATIENCE, adapter,
    client::{Member, open, return_messages, send_burst},
    cores,
    restart::{Counts, stay, until_registered},
    row::{Bound, Row},
    server::{Role, Server, free_address, our_program, processor_time},
};

/// Relays one after the other, of which the time is taken.
const RELAYS: usize = 4_000;
/// What a relay between nodes may take longer at the 99th percentile.
const P99_BOUND_MILLIS: f64 = 1.5;

/// Clients that relay to each other, two by two, and messages of one pair under way at once.
const PAIRS: u32 = 16;
const WINDOW: usize = 8;
const WARM_UP: Duration = Duration::from_millis(300);
const MEASURED: Duration = Duration::from_millis(2_000);
/// Of the processor time of a relay within one node.
const COST_BOUND: f64 = 12.0;

const CLIENTS: u32 = 5_000;
const REJOIN_BOUND: f64 = 15.0;
/// Of one processor, while they come back.
const REDIS_BOUND: f64 = 0.3;

const FLAGS: [&str; 16] = [
    "--stun",
    "off",
    "--connections-per-address-max",
    "20000",
    "--registrations-per-second",
    "0",
    "--socket-messages-per-second",
    "0",
    "--socket-bytes-per-second",
    "0",
    "--address-messages-per-second",
    "0",
    "--address-bytes-per-second",
    "0",
    "--connections-max",
    "20000",
];

/// On the processor of the servers. Ends with this value.
pub(crate) struct Redis {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Redis {
    pub(crate) fn start() -> Result<Self> {
        let port = free_address()?.port();
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = cores::spawn(&mut command).context("redis-server is to be installed")?;
        let stdout = BufReader::new(child.stdout.as_mut().context("no output")?);
        let is_ready = |line: String| line.contains("Ready to accept connections");
        let ready = stdout.lines().map_while(Result::ok).any(is_ready);
        ensure!(ready, "redis-server does not start");
        let url = format!("redis://127.0.0.1:{port}");
        Ok(Self { child, url })
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

pub(crate) fn start(listen: &str, redis: &Redis) -> Result<Server> {
    let arguments: Vec<&str> = ["--listen", listen, "--redis", &redis.url]
        .into_iter()
        .chain(FLAGS)
        .collect();
    Server::start_program(&our_program()?, &arguments)
}

pub(crate) async fn measure() -> Result<Vec<Row>> {
    let redis = Redis::start()?;
    let nodes = [start("127.0.0.1:0", &redis)?, start("127.0.0.1:0", &redis)?];
    // Until both are in touch, which the first welcome waits for.
    let mut rows = vec![measure_latency(&nodes).await?, measure_cost(&nodes, &redis).await?];
    drop((nodes, redis));
    rows.push(adapter::measure().await?);
    rows.extend(measure_rejoin().await?);
    Ok(rows)
}

/// Two members of a room, each at one of these.
async fn pair(at: [SocketAddr; 2], number: u32) -> Result<[Member; 2]> {
    let one = open(Role::Public, at[0], 2 * number, number).await?;
    let other = open(Role::Public, at[1], 2 * number + 1, number).await?;
    Ok([one, other])
}

/// From the sending of a payload to its arrival. Within and between are measured in turns.
async fn measure_latency(nodes: &[Server; 2]) -> Result<Row> {
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let mut pairs = [pair([one, one], 90_001).await?, pair([one, other], 90_002).await?];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..RELAYS {
        for ([from, to], times) in pairs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            timeout(PATIENCE, send_burst(Role::Public, from, to, 1)).await??;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    let mut at = |percent: usize| {
        times.each_mut().map(|times| {
            times.sort_by(f64::total_cmp);
            times[times.len() * percent / 100]
        })
    };
    let ([within_median, between_median], [within, between]) = (at(50), at(99));
    Ok(Row {
        name: "relay between two nodes, p99".to_owned(),
        unit: "ms",
        values: vec![("ours", between), ("within one node", within)],
        bounds: vec![Bound {
            of: "more than within one node".to_owned(),
            value: between - within,
            at_most: P99_BOUND_MILLIS,
        }],
        note: format!("medians: {between_median:.2} ms, within one node {within_median:.2} ms"),
    })
}

/// The processor time of both nodes and Redis for one relay.
async fn measure_cost(nodes: &[Server; 2], redis: &Redis) -> Result<Row> {
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let (within, _) = cost([one, one], 1_000, nodes, redis).await?;
    let (between, redis_part) = cost([one, other], 2_000, nodes, redis).await?;
    Ok(Row {
        name: "processor time for a relay of 1 KB between two nodes, Redis counted".to_owned(),
        unit: "µs",
        values: vec![
            ("ours", between),
            ("Redis of that", redis_part),
            ("within one node", within),
        ],
        bounds: vec![Bound {
            of: "within one node, times".to_owned(),
            value: between / within,
            at_most: COST_BOUND,
        }],
        note: String::new(),
    })
}

/// Microseconds for a relay, and those of Redis.
async fn cost(at: [SocketAddr; 2], first: u32, nodes: &[Server; 2], redis: &Redis) -> Result<(f64, f64)> {
    let relayed = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for number in first..first + PAIRS {
        let [one, other] = pair(at, number).await?;
        let names = [other.name.clone(), one.name.clone()];
        // The later one begins, as newcomers do: the node of the earlier one hears of it at the same time at best.
        for (member, to, first) in [(one, &names[0], 0), (other, &names[1], WINDOW)] {
            let (to, relayed) = (to.clone(), Arc::clone(&relayed));
            clients.spawn(return_messages(Role::Public, member.socket, to, first, relayed));
        }
    }
    let times = || -> Result<[Duration; 2]> {
        let of_nodes = nodes[0].processor_time()? + nodes[1].processor_time()?;
        Ok([of_nodes, processor_time(redis.child.id())?])
    };
    sleep(WARM_UP).await;
    let (before, count) = (times()?, relayed.load(Ordering::Relaxed));
    sleep(MEASURED).await;
    let (after, count) = (times()?, relayed.load(Ordering::Relaxed) - count);
    ensure!(count > 0 && clients.try_join_next().is_none(), "nothing is relayed");
    let micros = |index: usize| (after[index] - before[index]).as_secs_f64() * 1e6 / count as f64;
    Ok((micros(0) + micros(1), micros(1)))
}

/// From the end of both nodes until all clients are registered with the next ones.
async fn measure_rejoin() -> Result<[Row; 2]> {
    let redis = Redis::start()?;
    let addresses = [free_address()?, free_address()?];
    let start_both = || -> Result<Vec<Server>> {
        let starts = addresses.iter().map(|address| start(&address.to_string(), &redis));
        starts.collect()
    };
    let nodes = start_both()?;
    let counts = Arc::new(Counts::default());
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        // Each room of ten is at both nodes.
        let address = addresses[number as usize % 2];
        clients.spawn(stay(number, address, Arc::clone(&counts)));
    }
    until_registered(&counts, CLIENTS).await?;
    drop(nodes);
    let (killed, redis_before) = (Instant::now(), processor_time(redis.child.id())?);
    let nodes = start_both()?;
    until_registered(&counts, 2 * CLIENTS).await?;
    let seconds = killed.elapsed().as_secs_f64();
    let of_redis = (processor_time(redis.child.id())? - redis_before).as_secs_f64() / seconds;
    drop((clients, nodes));
    let row = |name: String, unit, value, at_most| Row {
        name,
        unit,
        values: vec![("ours", value)],
        bounds: vec![Bound {
            of: "ours".to_owned(),
            value,
            at_most,
        }],
        note: String::new(),
    };
    let name = format!("{CLIENTS} clients rejoin after kill -9 and a restart of two nodes");
    Ok([
        row(name.clone(), "s", seconds, REJOIN_BOUND),
        row(name + ", Redis", "processors", of_redis, REDIS_BOUND),
    ])
}
