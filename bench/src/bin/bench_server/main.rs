//! Measures the rendezvous server beside a bare tokio-tungstenite relay, in the same run on the same machine.
//!
//! ```text
//! cargo run --release -p bench --bin bench_server [-- --json]
//! ```
//!
//! Each server is a process of its own (this program again, in another role), so that its memory and processor time
//! can be told from those of the clients. Ends with an error when a bound is broken.

#![expect(clippy::print_stdout, reason = "a program for the command line")]

mod bare;
mod client;
mod ours;
mod server;
mod siege;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

use client::{open, open_idle, return_messages};
use server::{Role, Server};

/// Idle sockets whose memory is measured.
const IDLE_SOCKETS: u32 = 5_000;

/// Sockets that are opened before the first measurement, so that memory that a server needs only once is not counted.
const WARM_UP_SOCKETS: u32 = 200;

/// Clients that relay to each other, two by two.
const PAIRS: u32 = 16;

/// Messages of one pair under way at once.
const WINDOW: usize = 32;

/// Measurements of each server, taken in turns.
const ROUNDS: usize = 7;

/// Before each measurement, for connections and caches to warm up, and the measurement itself.
const WARM_UP: Duration = Duration::from_millis(300);
const MEASURED: Duration = Duration::from_millis(1_500);

/// Anything that takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const IDLE_BYTES_BOUND: f64 = 10_000.0;

/// Of the processor time. Relays a second are told only: how they compare depends on the machine and on what else it does.
const RELAY_COST_BOUND: f64 = 1.6;

/// Benchmarks of the rendezvous server.
#[derive(Debug, Parser)]
struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,

    #[command(subcommand)]
    role: Option<Role>,
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
        Some(Role::Ours) => return ours::run().await.map(|()| ExitCode::SUCCESS),
        Some(Role::Public) => return ours::run_public().await.map(|()| ExitCode::SUCCESS),
        Some(Role::Bare) => return bare::run().await.map(|()| ExitCode::SUCCESS),
        None => {}
    }
    let mut rows = vec![idle_memory().await?];
    rows.extend(relay_rate().await?);
    let sieges = siege::run().await?;
    if args.json {
        print_json(&rows, &sieges);
    } else {
        print_table(&rows);
        siege::print_table(&sieges);
    }
    let kept = rows.iter().all(|row| row.bound.as_ref().is_none_or(|(_, kept)| *kept))
        && sieges.iter().all(siege::Row::is_kept);
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

fn print_json(rows: &[Row], sieges: &[siege::Row]) {
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
    let sieges: Vec<_> = sieges.iter().map(siege::Row::to_json).collect();
    println!(
        "{}",
        json!({ "rows": rows.iter().map(row).collect::<Vec<_>>(), "sieges": sieges })
    );
}

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
        bound: None,
    };
    let ratio = median_ratio(&costs);
    let [ours, bare] = costs.map(median);
    let cost = Row {
        name: "processor time of the server for one relay",
        unit: "us",
        ours,
        bare,
        ratio,
        bound: Some((format!("<= {RELAY_COST_BOUND}"), ratio <= RELAY_COST_BOUND)),
    };
    Ok(vec![rate, cost])
}

/// Relays a second, and microseconds of the server's processor time for each.
async fn measure_relay(server: &Server) -> anyhow::Result<(f64, f64)> {
    let relayed = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for pair in 0..PAIRS {
        let numbers = [2 * pair, 2 * pair + 1];
        let one = open(server.role(), server.address(), numbers[0], pair).await?;
        let other = open(server.role(), server.address(), numbers[1], pair).await?;
        for (socket, to, sends_first) in [(one, numbers[1], true), (other, numbers[0], false)] {
            clients.spawn(return_messages(
                server.role(),
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median over the rounds, of which each compares two neighbouring measurements.
fn median_ratio([ours, bare]: &[Vec<f64>; 2]) -> f64 {
    median(ours.iter().zip(bare).map(|(ours, bare)| ours / bare).collect())
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
