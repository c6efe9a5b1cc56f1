//! A room of many native peers with browsers among them, how fast native peers and browsers link, and a file between two terminals.
//!
//! *The room*: `starling load` in a process of its own, two tabs of each engine and one native peer of this program, at the real server. Each tab is in a
//! browser of its own, so that none is hidden. All clocks are that of the machine. See [`crowd`](mod@crowd).
//!
//! *Linking*: a native peer comes into a room in which a browser is, again and again, and once with each order of their ids. See [`linking`].
//!
//! *The file*: from one process of `starling` to another, beside a bare pump: two processes that do nothing but push bytes through str0m. See [`files`].
//!
//! *Leaving*: half of forty tabs crash, are closed or leave within a second. See [`leaving`].
//!
//! `cargo xtask bench room` builds what it needs. Fails if a bound is broken.

#![expect(clippy::print_stdout, reason = "a command-line program talks on standard output")]

mod crowd;
mod files;
mod leaving;
mod linking;
mod program;
mod pump;

use std::{
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use tokio::task::LocalSet;

use self::pump::End;

/// Measures rooms with native peers in them.
#[derive(Debug, Parser)]
struct Args {
    /// Only these
    #[arg(long, value_enum, default_values_t = [Part::Crowd, Part::Linking, Part::File, Part::Leaving])]
    only: Vec<Part>,
    /// Native peers in the room
    #[arg(long, default_value_t = 200)]
    peers: u16,
    /// Messages whose way to the last tab is measured
    #[arg(long, default_value_t = 50)]
    messages: u32,
    /// How often a native peer comes to each engine with each order of ids, 256 times at most
    #[arg(long, default_value_t = 50)]
    tries: u16,
    /// Turns of each side with the file
    #[arg(long, default_value_t = 5)]
    pairs: u32,
    /// Tabs of which half go
    #[arg(long, default_value_t = 40)]
    tabs: usize,
    /// MiB of the file
    #[arg(long, default_value_t = 256)]
    mib: u32,
    /// Be one end of the bare pump: this program starts itself so
    #[arg(long, value_enum, hide = true)]
    pump: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Many native peers and four tabs
    Crowd,
    /// Native peers and browsers link
    Linking,
    /// A file between two terminals
    File,
    /// Half of many tabs go at once
    Leaving,
}

/// A figure, and whether it keeps to its bound.
#[derive(Debug)]
struct Row {
    what: String,
    measured: String,
    bound: String,
    is_kept: bool,
}

impl Row {
    fn new(what: impl Into<String>, measured: impl Into<String>, bound: impl Into<String>, is_kept: bool) -> Self {
        Self {
            what: what.into(),
            measured: measured.into(),
            bound: bound.into(),
            is_kept,
        }
    }

    /// One that is told and has no bound.
    fn told(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self::new(what, measured, "", true)
    }
}

/// Milliseconds since 1970.
fn now_millis() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs_f64() * 1_000.0
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if let Some(end) = args.pump {
        pump::be(end, args.mib)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let local = LocalSet::new();
    let mut is_kept = true;
    for part in &args.only {
        let rows = local.block_on(&runtime, async {
            match part {
                Part::Crowd => crowd::measure(args.peers, args.messages).await.context("the room"),
                Part::Linking => linking::measure(args.tries).await.context("linking"),
                Part::Leaving => leaving::measure(args.tabs).await.context("leaving"),
                Part::File => files::measure(args.mib, args.pairs).await.context("the file"),
            }
        })?;
        for row in rows {
            let broken = if row.is_kept { "" } else { "   BROKEN" };
            println!("{:<52} {:<34} {}{broken}", row.what, row.measured, row.bound);
            is_kept &= row.is_kept;
        }
    }
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
