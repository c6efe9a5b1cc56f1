//! A file from one browser to another: our app, verified and stored, beside a bare page that pumps as many bytes over a data channel, counts them
//! and throws them away.
//!
//! Two browsers of one engine, each with a tab of our app and a tab of the bare page, all of them connected before anything is measured. Ours and
//! bare take turns. Ours: the clock starts when "Download" is clicked, and stops when the page says that the file is complete: all pieces verified,
//! and their transactions done. Bare: from its request to the last byte, with the size of messages with which it was fastest before the first turn.
//! What is sent is in the sender's memory with the bare page, and in its store with ours.
//!
//! Meanwhile the sender talks. A message of ours is late by the time from the key that sends it until the receiver's page shows it; one of the bare
//! page, on a channel of its own, until the receiver's script has it. So ours draws, signs and sends receipts, and the bare one does not.
//!
//! With `--rate-mbit`, `--rtt-ms` or `--loss` each browser has a network of its own, and all that leaves it is shaped so. With `--receivers` above
//! one there is no bare page: a file to one receiver takes turns with a file to all of them at once.
//!
//! `cargo xtask bench files` builds what it needs. Fails if the median of the ratios is below [`RATIO_MIN`], or with more receivers above [`MANY_RATIO_MAX`],
//! or if the receiver's memory grows by more than [`GROWTH_MIB_MAX`] over a file of a gigabyte.

mod many;
mod site;
mod usage;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use tests::{
    browser::{Browser, Engine},
    page::Page,
    room::{enter, found, others_here},
    server::Server,
    wait::until,
};
use tokio::time::sleep;

use self::{site::Site, usage::Processes};

/// The bound, on the median of the ratios of ours to bare.
const RATIO_MIN: f64 = 0.9;

/// The bound on the time that a file takes to all receivers at once, as a multiple of that to one.
const MANY_RATIO_MAX: f64 = 1.6;

/// The bound on the growth of the receiver's memory, for files from [`GROWTH_FROM_MIB`] on.
const GROWTH_MIB_MAX: f64 = 64.0;

/// Of smaller files the growth says little: all of one may wait in buffers.
const GROWTH_FROM_MIB: u32 = 1024;

/// Between two looks of the measuring program, and between two messages of the chat.
const LOOK: Duration = Duration::from_millis(250);

/// How long everything is left alone before it is measured.
const SETTLE: Duration = Duration::from_secs(2);

/// A transfer that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// The sizes of messages that the bare page tries, in KiB.
const MESSAGE_SIZES: [u32; 3] = [16, 64, 256];

const MIB: u32 = 1024 * 1024;

/// Measures how fast a file goes from one browser to another.
#[derive(Debug, Parser)]
struct Args {
    /// In which browsers
    #[arg(long, value_enum, default_values_t = [Kind::Chromium, Kind::Firefox])]
    engine: Vec<Kind>,
    /// Turns of each page
    #[arg(long, default_value_t = 5)]
    pairs: u32,
    /// MiB a turn
    #[arg(long, default_value_t = 256)]
    mib: u32,
    /// Receivers at once; above one, a file to all of them is compared with a file to one
    #[arg(long, default_value_t = 1)]
    receivers: usize,
    /// What each browser can send, in Mbit/s
    #[arg(long)]
    rate_mbit: Option<u32>,
    /// The time there and back between two browsers, in milliseconds
    #[arg(long, default_value_t = 0)]
    rtt_ms: u32,
    /// How many of a hundred packets are lost
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What `tc` is told for everything that leaves a browser's network, if that is shaped. The kernel has to have that queue: for delay and loss `netem`.
    fn queue(&self) -> Option<String> {
        if self.rtt_ms > 0 || self.loss > 0.0 {
            let (delay, loss) = (f64::from(self.rtt_ms) / 2.0, self.loss);
            let rate = self.rate_mbit.map(|rate| format!(" rate {rate}mbit"));
            let rate = rate.unwrap_or_default();
            return Some(format!("netem limit 20000 delay {delay}ms loss {loss}%{rate}"));
        }
        let rate = self.rate_mbit?;
        Some(format!("tbf rate {rate}mbit burst 64kb latency 200ms"))
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Chromium,
    Firefox,
}

/// One turn.
#[derive(Debug, Clone, Default)]
struct Turn {
    mib_per_second: f64,
    /// Of sender and receiver, seconds of processor time for a GiB.
    cpu: [f64; 2],
    /// By how much the receiver's memory was larger at worst than before, in MiB.
    growth_mib: f64,
    latencies: Vec<f64>,
}

/// All turns in one engine.
#[derive(Debug)]
struct Measured {
    engine: Engine,
    message_kib: u32,
    /// Our page's, then the bare one's.
    turns: [Vec<Turn>; 2],
}

/// A sender and a receiver, with the browsers they are in.
#[derive(Debug)]
struct Pair {
    pages: [Page; 2],
    browsers: [Processes; 2],
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let mut code = ExitCode::SUCCESS;
    for kind in &args.engine {
        let engine = match kind {
            Kind::Chromium => Engine::Chromium,
            Kind::Firefox => Engine::Firefox,
        };
        if args.receivers > 1 {
            let ratio = many::measure(engine, &args)
                .await
                .with_context(|| format!("{engine:?}"))?;
            if ratio > MANY_RATIO_MAX {
                code = ExitCode::FAILURE;
            }
            continue;
        }
        let measured = measure(engine, &args).await.with_context(|| format!("{engine:?}"))?;
        print(&measured.report(&args))?;
        let grows = args.mib >= GROWTH_FROM_MIB && measured.growth_mib() > GROWTH_MIB_MAX;
        if measured.ratio() < RATIO_MIN || grows {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn print(report: &str) -> Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{report}").context("cannot print")
}

async fn measure(engine: Engine, args: &Args) -> Result<Measured> {
    let site = Site::start(engine, args, 2).await?;
    let [one, other] = &site.browsers[..] else {
        bail!("not two browsers");
    };
    let (server, browsers) = (&site.server, [one, other]);
    let processes = [process(one)?, process(other)?];
    let pumps = Pair {
        pages: pumps(server, browsers).await?,
        browsers: processes,
    };
    let message_kib = best_size(&pumps, args.mib).await?;
    let ours = Pair {
        pages: room(server, browsers).await?,
        browsers: processes,
    };
    let mut turns = [Vec::new(), Vec::new()];
    for number in 0..args.pairs {
        turns[0].push(our_turn(&ours, args.mib, number).await.context("our page")?);
        turns[1].push(
            bare_turn(&pumps, args.mib, message_kib)
                .await
                .context("the bare page")?,
        );
    }
    Ok(Measured {
        engine,
        message_kib,
        turns,
    })
}

fn process(browser: &Browser) -> Result<Processes> {
    let id = browser
        .process()
        .context("the driver does not say which process the browser is")?;
    Ok(Processes(id))
}

// --- our page ---

async fn room(server: &Server, browsers: [&Browser; 2]) -> Result<[Page; 2]> {
    let (ann, room) = found(browsers[0], &server.url(), "Ann").await?;
    let bob = enter(browsers[1], &room, "Bob").await?;
    let pages = [ann, bob];
    for page in &pages {
        page.wait("the other one", |view| others_here(view) == 1).await?;
        page.run(include_str!("ours.js"), vec![]).await?;
    }
    Ok(pages)
}

async fn our_turn(pair: &Pair, mib: u32, number: u32) -> Result<Turn> {
    let [sender, receiver] = &pair.pages;
    let name = offer([sender, receiver], mib, number).await?;
    pair.turn(mib, "window.fetchFile(...arguments)", vec![name]).await
}

/// The first of the pages offers a file that nobody has seen before, and all of them know of it.
async fn offer(pages: impl IntoIterator<Item = &Page>, mib: u32, number: u32) -> Result<Value> {
    let mut pages = pages.into_iter().peekable();
    let name = json!(format!("film {number}.bin"));
    let send = vec![name.clone(), json!(mib * MIB), json!(number + 1)];
    let sender = pages.peek().context("nobody is there")?;
    sender.run("window.sendFile(...arguments)", send).await?;
    for page in pages {
        until(PATIENCE, || async {
            let offered = page
                .run("return window.isOffered(arguments[0])", vec![name.clone()])
                .await?;
            ensure!(offered == true, "the file is not offered");
            Ok(())
        })
        .await?;
    }
    Ok(name)
}

// --- the bare page ---

async fn pumps(server: &Server, browsers: [&Browser; 2]) -> Result<[Page; 2]> {
    let url = format!("{}pump.html", server.url());
    let pages = [browsers[0].open(&url).await?, browsers[1].open(&url).await?];
    let [one, other] = &pages;
    const DESCRIBE: &str = "const done = arguments[0]; describe().then(done)";
    const ACCEPT: &str = "const [description, done] = arguments; accept(description).then(done)";
    let offer = one.run_async(DESCRIBE, vec![]).await?;
    other.run_async(ACCEPT, vec![offer]).await?;
    let answer = other.run_async(DESCRIBE, vec![]).await?;
    one.run_async(ACCEPT, vec![answer]).await?;
    for page in &pages {
        page.run_async("const done = arguments[0]; opened.then(() => done(null))", vec![])
            .await?;
    }
    Ok(pages)
}

/// The size of messages with which the bare page is fastest.
async fn best_size(pair: &Pair, mib: u32) -> Result<u32> {
    let mut best = (0.0, MESSAGE_SIZES[0]);
    // The first turn warms the connection up.
    bare_turn(pair, mib.min(64), MESSAGE_SIZES[0]).await?;
    for kib in MESSAGE_SIZES {
        let mut speeds = [0.0; 3];
        for speed in &mut speeds {
            *speed = bare_turn(pair, mib.min(64), kib).await?.mib_per_second;
        }
        let speed = median(speeds.to_vec());
        if speed > best.0 {
            best = (speed, kib);
        }
    }
    Ok(best.1)
}

async fn bare_turn(pair: &Pair, mib: u32, message_kib: u32) -> Result<Turn> {
    let arguments = vec![json!(mib * MIB), json!(message_kib * 1024)];
    pair.turn(mib, "window.fetchBytes(...arguments)", arguments).await
}

// --- both ---

impl Pair {
    /// Has the receiver fetch, and watches.
    async fn turn(&self, mib: u32, fetch: &str, arguments: Vec<Value>) -> Result<Turn> {
        let [sender, receiver] = &self.pages;
        for page in &self.pages {
            to_front(page).await?;
        }
        sleep(SETTLE).await;
        let every = vec![json!(u64::try_from(LOOK.as_millis())?)];
        receiver
            .run("window.latencies = []; window.startListening?.()", vec![])
            .await?;
        sender.run("window.startTalking(arguments[0])", every).await?;
        let before = self
            .browsers
            .map(|browser| (browser.cpu_seconds(), browser.memory_mib()));
        receiver.run(fetch, arguments).await?;
        let started = Instant::now();
        let mut most = before[1].1;
        let millis = loop {
            sleep(LOOK).await;
            most = most.max(self.browsers[1].memory_mib());
            let took = receiver.run("return window.took ?? null", vec![]).await?;
            if let Some(took) = took.as_f64() {
                break took;
            }
            ensure!(started.elapsed() < PATIENCE, "it takes too long");
        };
        let after = self.browsers.map(Processes::cpu_seconds);
        sender.run("window.stopTalking()", vec![]).await?;
        // What is on its way.
        sleep(SETTLE).await;
        let latencies = receiver
            .run("window.stopListening?.(); return window.latencies", vec![])
            .await?;
        let mib = f64::from(mib);
        Ok(Turn {
            mib_per_second: mib * 1000.0 / millis,
            cpu: [0, 1].map(|end| (after[end] - before[end].0) * 1024.0 / mib),
            growth_mib: most - before[1].1,
            latencies: serde_json::from_value(latencies)?,
        })
    }
}

/// Puts a tab in front: the timers of a hidden page are slow. Firefox does so when it is talked to.
async fn to_front(page: &Page) -> Result<()> {
    if page.browser().engine() == Engine::Chromium {
        page.devtools("Page.bringToFront", json!({})).await?;
    }
    Ok(())
}

impl Measured {
    /// The median over the rounds, of which each compares two neighbouring turns.
    fn ratio(&self) -> f64 {
        let [ours, bare] = &self.turns;
        let ratios = ours
            .iter()
            .zip(bare)
            .map(|(ours, bare)| ours.mib_per_second / bare.mib_per_second);
        median(ratios.collect())
    }

    /// How much the receiver's memory grows with ours.
    fn growth_mib(&self) -> f64 {
        median(self.turns[0].iter().map(|turn| turn.growth_mib).collect())
    }

    fn report(&self, args: &Args) -> String {
        let rows = ["ours", "bare"].into_iter().zip(&self.turns).map(|(name, turns)| {
            let of = |what: fn(&Turn) -> f64| median(turns.iter().map(what).collect());
            let mut latencies: Vec<f64> = turns.iter().flat_map(|turn| turn.latencies.clone()).collect();
            latencies.sort_by(f64::total_cmp);
            let at = |percent: usize| latencies.get((latencies.len() * percent).div_ceil(100).saturating_sub(1));
            json!({
                "page": name,
                "mib_per_second": of(|turn| turn.mib_per_second),
                "sender_cpu_seconds_per_gib": of(|turn| turn.cpu[0]),
                "receiver_cpu_seconds_per_gib": of(|turn| turn.cpu[1]),
                "receiver_growth_mib": of(|turn| turn.growth_mib),
                "chat_median_millis": at(50),
                "chat_p99_millis": at(99),
                "messages": latencies.len(),
            })
        });
        let rows: Vec<Value> = rows.collect();
        let (engine, ratio) = (format!("{:?}", self.engine), self.ratio());
        if args.json {
            let message_kib = self.message_kib;
            return json!({"engine": engine, "mib": args.mib, "pairs": args.pairs, "message_kib": message_kib, "rows": rows, "ratio": ratio, "ratio_min": RATIO_MIN}).to_string();
        }
        let mut table = format!(
            "{engine}, {} MiB, {} turns each\n{:<28} {:>9} {:>9}\n",
            args.mib, args.pairs, "", "ours", "bare"
        );
        for (title, key) in [
            ("MiB/s", "mib_per_second"),
            ("sender, CPU s/GiB", "sender_cpu_seconds_per_gib"),
            ("receiver, CPU s/GiB", "receiver_cpu_seconds_per_gib"),
            ("receiver grows by, MiB", "receiver_growth_mib"),
            ("chat, median ms", "chat_median_millis"),
            ("chat, p99 ms", "chat_p99_millis"),
        ] {
            let value = |row: usize| rows[row][key].as_f64().unwrap_or(f64::NAN);
            table += &format!("{title:<28} {:>9.1} {:>9.1}\n", value(0), value(1));
        }
        let messages = self.message_kib;
        table + &format!("median of the ratios: {ratio:.2} (bound: {RATIO_MIN}; bare messages of {messages} KiB)\n")
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
