//! From joining a room to the first open channel: our app beside a bare page that uses the same server for a plain offer and answer.
//!
//! Two tabs of one headless Chromium. In turn, ours and bare, a tab joins a room in which the other one waits. The two
//! change roles from run to run, because the peer with the lower id offers. The clock starts where a click on the room's link
//! changes the address of our page, and where the bare page is told to join. It stops when a data channel is open in the joining
//! tab, noted by a script that wraps the browser's own functions: neither page knows of it. Both pages are loaded and idle before
//! they join, and have their keys and certificate. Ours draws the room meanwhile; the bare page draws nothing.
//!
//! Each round also opens our room's link in a tab that has yet to load the page: this is the wait of a person who was sent a link.
//!
//! `cargo xtask bench join` builds what it needs. Fails if our median is over [`RATIO_MAX`] times that of the bare page.

use std::process::ExitCode;

use anyhow::{Context, Result};
use bench::{
    pages::{STOPWATCH, Times, forget_open, introduce, is_alone, open, run_bare, run_ours, web_root},
    percentile,
};
use clap::Parser;
use serde_json::{Value, json};
use tests::{browser::Browser, page::Page, server::Server};

/// The bound that is promised, on the ratio of the medians.
const RATIO_MAX: f64 = 1.5;

/// Measures the time from joining a room to the first open channel.
#[derive(Debug, Parser)]
struct Args {
    /// Runs of each page
    #[arg(long, default_value_t = 30)]
    runs: usize,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// All that was measured.
#[derive(Debug, Default)]
struct Runs {
    ours: Vec<Times>,
    bare: Vec<Times>,
    /// Ours, when the page has yet to be loaded.
    cold: Vec<Times>,
}

/// Median and 95th percentile, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Summary {
    median: f64,
    p95: f64,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let Runs { ours, bare, cold } = measure(args.runs).await?;
    let (our_channel, bare_channel) = (Summary::of(&ours, Times::channel), Summary::of(&bare, Times::channel));
    let ratio = our_channel.median / bare_channel.median;
    let socket = |times: &Times| times.calling - times.joining;
    let dialling = |times: &Times| times.dialling - times.joining;
    let rows = [
        ("ours: joining to open channel", our_channel),
        ("bare: joining to open channel", bare_channel),
        ("ours: joining to socket", Summary::of(&ours, socket)),
        ("bare: joining to socket", Summary::of(&bare, socket)),
        ("ours: joining to dialling", Summary::of(&ours, dialling)),
        ("bare: joining to dialling", Summary::of(&bare, dialling)),
        ("ours, cold: navigation to channel", Summary::of(&cold, Times::channel)),
    ];
    let report = if args.json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(name, row)| json!({"name": name, "median_millis": row.median, "p95_millis": row.p95}))
            .collect();
        json!({"runs": args.runs, "rows": rows, "ratio": ratio, "ratio_max": RATIO_MAX}).to_string()
    } else {
        let mut table = format!(
            "{:<34} {:>9} {:>9}   ({} runs each)\n",
            "milliseconds", "median", "p95", args.runs
        );
        for (name, row) in rows {
            table += &format!("{name:<34} {:>9.1} {:>9.1}\n", row.median, row.p95);
        }
        table + &format!("ratio of the medians: {ratio:.2} (bound: {RATIO_MAX})")
    };
    print(&report)?;
    Ok(if ratio <= RATIO_MAX {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(report: &str) -> Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{report}").context("cannot print")
}

impl Summary {
    fn of(runs: &[Times], millis: impl Fn(&Times) -> f64) -> Self {
        let millis: Vec<f64> = runs.iter().map(millis).collect();
        Self {
            median: percentile(&millis, 50),
            p95: percentile(&millis, 95),
        }
    }
}

/// Runs the pages in turn.
async fn measure(runs: usize) -> Result<Runs> {
    let web_root = web_root()?;
    let server = Server::start_with(web_root.path(), &[]).await?;
    let browser = Browser::chromium().await?;
    let tabs = [browser.tab().await?, browser.tab().await?];
    for tab in &tabs {
        let script = json!({ "source": STOPWATCH });
        tab.devtools("Page.addScriptToEvaluateOnNewDocument", script).await?;
    }
    for (tab, name) in tabs.iter().zip(["Ann", "Bob"]) {
        introduce(&server, tab, name).await?;
    }
    let mut measured = Runs::default();
    // Leads away from our page, too, so that each round begins with loading it anew.
    run_bare(&server, &tabs[0], &tabs[1], 255)
        .await
        .context("the bare page")?;
    // The first round warms caches up and is not counted.
    for run in 0..=runs {
        let [waiting, joining] = if run % 2 == 0 {
            [&tabs[0], &tabs[1]]
        } else {
            [&tabs[1], &tabs[0]]
        };
        let cold = run_cold(&server, waiting, joining, run)
            .await
            .context("our page, cold")?;
        let ours = run_ours(waiting, joining, &format!("#/r/warm{run}"))
            .await
            .context("our page")?;
        let bare = run_bare(&server, waiting, joining, run)
            .await
            .context("the bare page")?;
        if run > 0 {
            measured.ours.push(ours);
            measured.bare.push(bare);
            measured.cold.push(cold);
        }
    }
    Ok(measured)
}

/// Loads our page in both tabs, by the address of a room.
async fn run_cold(server: &Server, waiting: &Page, joining: &Page, run: usize) -> Result<Times> {
    let room = format!("{}#/r/cold{run}", server.url());
    for tab in [waiting, joining] {
        forget_open(tab).await?;
    }
    waiting.goto(&room).await?;
    is_alone(waiting).await?;
    joining.goto(&room).await?;
    open(joining).await
}
