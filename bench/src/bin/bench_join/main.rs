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

use std::{fs, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    Identity, RoomId,
    room::{FounderHash, RoomKey, RoomProof},
};
use tests::{
    browser::Browser,
    page::Page,
    server::{Server, dist},
    wait::until,
};
use tokio::time::sleep;

/// The bound that is promised, on the ratio of the medians.
const RATIO_MAX: f64 = 1.5;

/// How long a page is left alone before something is asked of it, as a person would read it first.
const SETTLE: Duration = Duration::from_millis(500);

/// A run that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

const STOPWATCH: &str = include_str!("stopwatch.js");

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

/// When things happened in the joining tab, in milliseconds since its navigation began.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Times {
    /// The address changed. Zero, the start of the navigation, if the page is yet to be loaded.
    #[serde(default)]
    joining: f64,
    /// The first WebSocket was made.
    calling: f64,
    /// The first connection was made.
    dialling: f64,
    /// The first data channel opened.
    open: f64,
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
    let channel = |times: &Times| times.open - times.joining;
    let (our_channel, bare_channel) = (Summary::of(&ours, channel), Summary::of(&bare, channel));
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
        ("ours, cold: navigation to channel", Summary::of(&cold, channel)),
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
        let mut sorted: Vec<f64> = runs.iter().map(millis).collect();
        sorted.sort_by(f64::total_cmp);
        // The value below which that part of all runs is (nearest rank).
        let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1));
        Self {
            median: at(50).copied().unwrap_or(f64::NAN),
            p95: at(95).copied().unwrap_or(f64::NAN),
        }
    }
}

/// Runs the pages in turn.
async fn measure(runs: usize) -> Result<Runs> {
    // One server for both pages: the app with the bare page beside it.
    let web_root = tempfile::tempdir()?;
    for entry in fs::read_dir(dist()?)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), web_root.path().join(entry.file_name()))?;
        }
    }
    fs::write(web_root.path().join("bare.html"), include_str!("bare.html"))?;
    fs::write(web_root.path().join("bare.js"), include_str!("bare.js"))?;
    let server = Server::start_with(web_root.path(), &[]).await?;
    let browser = Browser::chromium().await?;
    let tabs = [browser.tab().await?, browser.tab().await?];
    for tab in &tabs {
        let script = json!({ "source": STOPWATCH });
        tab.devtools("Page.addScriptToEvaluateOnNewDocument", script).await?;
    }
    introduce(&server, &tabs).await?;
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
        let ours = run_ours(waiting, joining, run).await.context("our page")?;
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

/// Gives each tab a name, so that it joins at once from then on.
async fn introduce(server: &Server, tabs: &[Page; 2]) -> Result<()> {
    for (tab, name) in tabs.iter().zip(["Ann", "Bob"]) {
        tab.goto(&server.url()).await?;
        tab.wait("the start page", |view| view.field("Your name").is_some())
            .await?;
        tab.paste("Your name", name).await?;
        tab.click("New room").await?;
        tab.wait("a room", |view| view.me().is_some()).await?;
    }
    Ok(())
}

/// Loads our page in both tabs, by the address of a room.
async fn run_cold(server: &Server, waiting: &Page, joining: &Page, run: usize) -> Result<Times> {
    let room = format!("{}#/r/cold{run}", server.url());
    waiting.goto(&room).await?;
    is_alone(waiting).await?;
    joining.goto(&room).await?;
    open(joining).await
}

/// Has both tabs go on to another room.
async fn run_ours(waiting: &Page, joining: &Page, run: usize) -> Result<Times> {
    let go_to = "window.times = { joining: performance.now() }; location.hash = arguments[0]";
    joining.run(go_to, vec![json!("#/")]).await?;
    joining
        .wait("the start page", |view| view.field("Room").is_some())
        .await?;
    // The names are known, so an address is all that it takes to join.
    let room = json!(format!("#/r/warm{run}"));
    waiting.run(go_to, vec![room.clone()]).await?;
    is_alone(waiting).await?;
    idle(joining).await?;
    joining.run(go_to, vec![room]).await?;
    open(joining).await
}

/// Waits until our page is registered, alone, and has nothing more to do.
async fn is_alone(page: &Page) -> Result<()> {
    page.wait("registered", |view| {
        view.people.len() == 1 && view.connection_says("Only you are here.")
    })
    .await?;
    idle(page).await
}

/// Waits until a page has nothing more to do: what was loaded is compiled, the page before is gone.
async fn idle(page: &Page) -> Result<()> {
    sleep(SETTLE).await;
    let idle = "const done = arguments[0]; requestIdleCallback(() => done(null), {timeout: 2000})";
    page.run_async(idle, Vec::new()).await?;
    Ok(())
}

/// The keys of a room that nobody founded, as the bare page takes them: the secret one, the public one, the founder's hash, the room's id.
fn bare_room(number: u8) -> String {
    let seed = [number; 32];
    let key = *Identity::from_secret(&seed).peer_id().as_bytes();
    let proof = RoomProof {
        key: RoomKey::from_bytes(key),
        founder: FounderHash::from_bytes([0; 32]),
    };
    let room = proof.room();
    // Only for its text.
    let seed = RoomId::from_bytes(seed);
    [
        seed.to_text(),
        proof.key.to_text(),
        proof.founder.to_text(),
        room.to_text(),
    ]
    .join(".")
}

async fn run_bare(server: &Server, waiting: &Page, joining: &Page, run: usize) -> Result<Times> {
    let url = format!(
        "{}bare.html?{run}#{}",
        server.url(),
        bare_room(u8::try_from(run % 256)?)
    );
    for tab in [waiting, joining] {
        tab.goto(&url).await?;
        let ready = "const done = arguments[0]; window.ready.then(() => done(true), error => done(String(error)))";
        let ready = tab.run_async(ready, Vec::new()).await?;
        if ready != json!(true) {
            bail!("no keys: {ready}");
        }
    }
    waiting.run("window.join()", Vec::new()).await?;
    until(PATIENCE, || async {
        let registered = waiting.run("return window.registered === true", Vec::new()).await?;
        ensure!(registered == json!(true), "the waiting tab was not registered");
        Ok(())
    })
    .await?;
    idle(waiting).await?;
    idle(joining).await?;
    let join = "window.times = { joining: performance.now() }; window.join()";
    joining.run(join, Vec::new()).await?;
    open(joining).await
}

/// Waits for the open channel and reads the stopwatch.
async fn open(joining: &Page) -> Result<Times> {
    until(PATIENCE, || async {
        let times = joining.run("return window.times", Vec::new()).await?;
        serde_json::from_value(times.clone()).with_context(|| format!("no channel is open: {times}"))
    })
    .await
}
