//! A room with a long history is opened: our page beside a bare one that keeps as many messages, reads the newest and draws them.
//!
//! The history is brought into the room as a person would, by an export, so all of it was checked and is where the page keeps it. The clock
//! starts where the address changes on the start page, which is loaded and idle, and stops when messages are in the list. *Busy* is
//! the longest stretch in which the page did nothing else, from there to two seconds later. The bare page draws names and texts, without
//! anything to press.
//!
//! `cargo xtask bench page` builds what it needs. Fails if our median is over that of the bare page and [`MORE_MAX_MILLIS`].

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, ensure};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use bench::{pages::forget_open, percentile};
use clap::Parser;
use mesh::sim::History;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::RoomCode;
use tests::{
    browser::{Browser, Engine, Setup},
    page::Page,
    room::enter,
    server::Server,
    wait::until,
};

/// How much longer than the bare page ours may take, in milliseconds.
const MORE_MAX_MILLIS: f64 = 150.0;

/// How many messages the bare page draws: what ours draws at first.
const NEWEST: usize = 200;

/// A step that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(300);

/// Opens a room with a long history.
#[derive(Debug, Parser)]
struct Args {
    /// How many messages it has
    #[arg(long, default_value_t = 10_000)]
    messages: u64,
    /// Runs of each page
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// What was measured when the room was opened, in milliseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Times {
    shown: f64,
    longest: f64,
    rows: usize,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let mut is_kept = true;
    for engine in [Engine::Chromium, Engine::Firefox] {
        let (ours, bare) = measure(engine, &args).await?;
        let median = |of: fn(&Times) -> f64| percentile(&ours.iter().map(of).collect::<Vec<_>>(), 50);
        let (shown, longest) = (median(|run| run.shown), median(|run| run.longest));
        let (bare, rows) = (percentile(&bare, 50), ours.last().map_or(0, |run| run.rows));
        print(&format!(
            "{engine:?}, {} messages: list of {rows} after {shown:.0} ms, busy at most {longest:.0} ms; bare {bare:.0} ms (bound: {:.0})",
            args.messages,
            bare + MORE_MAX_MILLIS
        ))?;
        is_kept &= shown <= bare + MORE_MAX_MILLIS;
    }
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(line: &str) -> Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}").context("cannot print")
}

/// The pages in turn, after one round that warms caches up.
async fn measure(engine: Engine, args: &Args) -> Result<(Vec<Times>, Vec<f64>)> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let page = enter(&browser, &format!("{}#/r/lobby", server.url()), "Ann").await?;
    fill(&page, args.messages).await?;
    page.run(include_str!("bare.js"), Vec::new()).await?;
    let fill = "const [count, done] = arguments; window.bareFill(count).then(done)";
    page.run_async(fill, vec![json!(args.messages)]).await?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for run in 0..=args.runs {
        // Anew: what the page before held is gone.
        page.goto(&format!("{}healthz", server.url())).await?;
        forget_open(&page).await?;
        page.goto(&server.url()).await?;
        page.wait("the start page", |view| view.field("Room").is_some()).await?;
        for script in [include_str!("bare.js"), include_str!("stopwatch.js")] {
            page.run(script, Vec::new()).await?;
        }
        let show = "const [newest, done] = arguments; window.bareShow(newest).then(done)";
        let shown = page.run_async(show, vec![json!(NEWEST)]).await?;
        page.run("window.watchPage('#/r/lobby')", Vec::new()).await?;
        let times = until(PATIENCE, || async {
            let times = page.run("return window.pageTimes", Vec::new()).await?;
            ensure!(times["done"] == true, "no list yet: {times}");
            Ok(serde_json::from_value(times)?)
        });
        let times = times.await?;
        if run > 0 {
            ours.push(times);
            bare.push(shown.as_f64().context("the bare page shows nothing")?);
        }
    }
    Ok((ours, bare))
}

/// Brings so many messages into the room.
async fn fill(page: &Page, messages: u64) -> Result<()> {
    let authors = 50;
    let history = History::new(authors, messages / authors);
    let record = |record: &[u8]| json!({"record": Base64UrlUnpadded::encode_string(record)});
    let room = RoomCode::parse("lobby").context("no room")?.open().id();
    let export = json!({
        "version": 1,
        "room_id": room.to_text(),
        "messages": history.records().map(record).collect::<Vec<Value>>(),
    });
    page.choose("Export").await?;
    page.choose_file("dialog input[accept]", &export.to_string()).await?;
    until(PATIENCE, || async {
        let said = page.run(
            "return document.querySelector('dialog [role=status]').innerText",
            Vec::new(),
        );
        let said = said.await?;
        ensure!(said.as_str().is_some_and(|said| said.contains("are back")), "{said}");
        Ok(())
    })
    .await?;
    // What was written last is on disk: it waits for a twentieth of a second at most.
    page.click("Done").await?;
    page.reload().await?;
    page.wait_for(PATIENCE, "the messages", |view| !view.messages.is_empty())
        .await?;
    Ok(())
}
