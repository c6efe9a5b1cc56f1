//! Measures the rendezvous server beside the least that could do its job and beside other projects' servers, in the same run on the same machine.
//!
//! ```text
//! cargo xtask bench server
//! ```
//!
//! Each server is a process of its own (this program again, in another role), so that its memory and processor time
//! can be told from those of the clients. The servers have one processor, the clients and attackers another. Ends with an error when a bound is broken.

#![expect(clippy::print_stdout, reason = "a program for the command line")]

mod adapter;
mod bare;
mod client;
mod cores;
mod idle;
mod network;
mod ours;
mod relay;
mod restart;
mod row;
mod server;
mod siege;
mod tls;

use std::{process::ExitCode, time::Duration};

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::runtime;

use row::Row;
use server::Role;

/// Anything that takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Benchmarks of the rendezvous server.
#[derive(Debug, Parser)]
struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,

    /// Only these
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,

    /// Of the attacks, only those with this in their name
    #[arg(long, default_value = "")]
    attack: String,

    /// Be this server (used by the program itself)
    #[arg(long, hide = true)]
    be: Option<Role>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Memory of idle sockets
    Idle,
    /// What a relay costs
    Relay,
    /// The first start, and a restart with thousands of clients
    Restart,
    /// Two servers that are one network by Redis
    Network,
    /// What honest people notice of attacks
    Siege,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if args.be.is_none() {
        cores::pin();
    }
    allow_open_files();
    // Its threads are started here, on the processor that was chosen.
    runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            match args.be {
                Some(role) => be(role).await.map(|()| ExitCode::SUCCESS),
                None => measure(&args).await,
            }
        })
}

async fn be(role: Role) -> Result<()> {
    match role {
        Role::Ours => ours::run().await,
        Role::Tls => ours::run_tls().await,
        Role::Public => ours::run_public().await,
        Role::Bare => bare::run().await,
        Role::Axum => bare::run_axum().await,
        Role::Matchbox | Role::PeerJs => bail!("this is a program of its own"),
    }
}

async fn measure(args: &Args) -> Result<ExitCode> {
    let wants = |part| args.only.is_empty() || args.only.contains(&part);
    let mut rows = Vec::new();
    if wants(Part::Idle) {
        rows.push(idle::measure().await?);
        rows.push(idle::measure_after_burst().await?);
    }
    if wants(Part::Relay) {
        rows.extend(relay::measure().await?);
    }
    if wants(Part::Restart) {
        rows.push(restart::measure_start()?);
        rows.push(restart::measure_rejoin().await?);
    }
    if wants(Part::Network) {
        rows.extend(network::measure().await?);
    }
    let sieges = if wants(Part::Siege) {
        siege::run(&args.attack).await?
    } else {
        Vec::new()
    };
    if args.json {
        let rows: Vec<_> = rows.iter().map(Row::to_json).collect();
        let sieges: Vec<_> = sieges.iter().map(siege::Row::to_json).collect();
        println!("{}", json!({ "rows": rows, "sieges": sieges }));
    } else {
        if !cores::are_apart() {
            println!("there is one processor for servers and clients: the figures hold what both cost");
        }
        rows.iter().for_each(Row::print);
        siege::print_table(&sieges);
    }
    let kept = rows.iter().all(Row::is_kept) && sieges.iter().all(siege::Row::is_kept);
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
