//! One room: a load of native peers, two tabs of each engine, and a native peer that says what is measured.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bench::percentile;
use serde_json::{Value, json};
use shared::Identity;
use tests::{
    browser::{Browser, Engine, Setup},
    native::{Peer, place},
    page::Page,
    room::{enter, found},
    server::Server,
    wait::until,
};
use tokio::time::sleep;

use crate::{
    Row, now_millis,
    program::{Talker, simulated, starling},
};

/// The bound on the time to the last tab, as a multiple of the simulator's to the last node of a room of that size.
const RATIO_MAX: f64 = 2.0;

/// The bound on the memory of a native peer, in MiB.
const MEMORY_MIB_MAX: f64 = 4.0;

/// The bound on what a native peer takes of a core while nothing is said, in percent.
const IDLE_PERCENT_MAX: f64 = 0.5;

/// In which engine each tab is.
const TABS: [Engine; 4] = [Engine::Chromium, Engine::Chromium, Engine::Firefox, Engine::Firefox];

/// How many native peers come in a second.
const ARRIVALS: u16 = 10;

/// How many messages the load says in a second, and for how long, in seconds. What is measured is said meanwhile.
const TALK: (u16, u32) = (2, 30);

/// Between two messages that are measured.
const PAUSE: Duration = Duration::from_millis(500);

/// What takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// Notes when each message that is measured is there, by the clock of the machine.
const WATCH: &str = "
    window.shownAt = {};
    new MutationObserver(() => {
        const now = performance.timeOrigin + performance.now();
        for (const article of document.querySelectorAll('[role=log] article')) {
            const found = article.textContent.match(/measured no (\\d+) now/);
            if (found) window.shownAt[found[1]] ??= now;
        }
    }).observe(document, { subtree: true, childList: true, characterData: true });";

pub(crate) async fn measure(peers: u16, messages: u32) -> Result<Vec<Row>> {
    ensure!(
        PAUSE * messages <= Duration::from_secs(TALK.1.into()),
        "the load talks for too short a time"
    );
    let server = Server::start().await?;
    let (tabs, room) = tabs(&server).await?;
    let (code, address) = place(&room)?;
    let speaker = Peer::enter(Identity::from_secret(&[7; 32]), "Speaker", &code, &address).await;
    let folder = tempfile::tempdir()?;
    let mut command = starling(folder.path())?;
    command.args(["--json", "load", &room, "--peers", &peers.to_string()]);
    command.args(["--arrivals", &ARRIVALS.to_string(), "--rate", &TALK.0.to_string()]);
    command.args(["--seconds", &TALK.1.to_string()]);
    let load = Talker::start(command)?;

    // The load talks once all of it know each other, or that has taken too long, which its figures say.
    until(PATIENCE, || async {
        let room = speaker.session.room();
        let talks = room.messages.iter().any(|entry| is_of_load(&entry.message.text));
        ensure!(talks, "the load says nothing");
        Ok(())
    })
    .await?;
    let mut said = Vec::new();
    for number in 0..messages {
        said.push(now_millis());
        speaker.session.say(None, &format!("measured no {number} now"))?;
        sleep(PAUSE).await;
    }
    let figures: Value = serde_json::from_str(load.rest().await?.trim()).context("the load does not end well")?;

    let order = texts(
        speaker
            .session
            .room()
            .messages
            .iter()
            .map(|entry| entry.message.text.clone()),
    );
    let mut last = vec![0.0_f64; said.len()];
    let mut disordered = 0;
    for tab in &tabs {
        let shown = tab.look().await?.messages.into_iter().map(|message| message.text);
        disordered += usize::from(texts(shown) != order);
        let shown_at = tab.run("return window.shownAt", vec![]).await?;
        for (number, (last, said)) in last.iter_mut().zip(&said).enumerate() {
            let at = shown_at[number.to_string()].as_f64();
            *last = last.max(at.map_or(f64::INFINITY, |at| at - said));
        }
    }
    let of_load = terminal::load::order_of(order.iter().map(String::as_str).filter(|text| is_of_load(text)));
    let is_one_order = disordered == 0 && figures["order"] == json!(of_load);
    speaker.leave().await;
    drop(tabs);
    let simulated = simulated(usize::from(peers) + TABS.len() + 1).await?;
    Ok(rows(peers, &figures, is_one_order, &last, &simulated))
}

/// Two tabs of each engine in one room, each in a browser of its own.
async fn tabs(server: &Server) -> Result<(Vec<Page>, String)> {
    let mut tabs: Vec<Page> = Vec::new();
    let mut address: Option<String> = None;
    for (number, engine) in (1..).zip(TABS) {
        let browser = Browser::start(&Setup::new(engine)).await?;
        let name = format!("Tab {number}");
        let tab = match &address {
            Some(address) => enter(&browser, address, &name).await?,
            None => {
                let (tab, made) = found(&browser, &server.url(), &name).await?;
                address = Some(made);
                tab
            }
        };
        tab.run(WATCH, vec![]).await?;
        tabs.push(tab);
    }
    Ok((tabs, address.context("a room")?))
}

fn is_of_load(text: &str) -> bool {
    text.starts_with("load ")
}

/// Those that this measures, and those of the load.
fn texts(all: impl Iterator<Item = String>) -> Vec<String> {
    all.filter(|text| is_of_load(text) || text.starts_with("measured no "))
        .collect()
}

fn rows(peers: u16, figures: &Value, is_one_order: bool, last: &[f64], simulated: &Value) -> Vec<Row> {
    let figure = |name: &str| figures[name].as_f64().unwrap_or(f64::NAN);
    let [p50, p95, longest] = [50, 95, 100].map(|percent| percentile(last, percent));
    let of_simulator = simulated["many_authors"]["last_node_millis"]
        .as_f64()
        .unwrap_or(f64::NAN);
    let ratio = p50 / of_simulator;
    let (memory, idle) = (figure("memory_mib_of_one"), figure("idle_percent_of_one"));
    let (joined, missing) = (figure("joined"), figure("missing"));
    let lost = last.iter().filter(|millis| millis.is_infinite()).count();
    let is_whole = joined >= f64::from(peers) && missing == 0.0 && lost == 0 && figures["good"] == true;
    vec![
        Row::new(
            format!("{peers} native peers and 4 tabs: everything reaches everyone"),
            format!("{joined} joined, {missing} missing, {lost} not at all tabs"),
            "all",
            is_whole,
        ),
        Row::new(
            "the same order at all of them",
            if is_one_order { "yes" } else { "no" },
            "yes",
            is_one_order,
        ),
        Row::told(
            "from saying to the last tab, p50 / p95 / longest",
            format!("{p50:.0} / {p95:.0} / {longest:.0} ms"),
        ),
        Row::new(
            "the same beside the simulator's last node",
            format!("{ratio:.2} (simulated: {of_simulator:.0} ms)"),
            format!("{RATIO_MAX}"),
            ratio <= RATIO_MAX,
        ),
        Row::told(
            "from saying to showing at native peers, p50 / p95 / longest",
            ["p50", "p95", "max"]
                .map(|which| format!("{:.0}", figures["delivery_millis"][which].as_f64().unwrap_or(f64::NAN)))
                .join(" / ")
                + " ms",
        ),
        Row::new(
            "memory of a native peer",
            format!("{memory:.2} MiB"),
            format!("{MEMORY_MIB_MAX} MiB"),
            memory <= MEMORY_MIB_MAX,
        ),
        Row::new(
            "of a core at rest, a native peer",
            format!("{idle:.2} %"),
            format!("{IDLE_PERCENT_MAX} %"),
            idle <= IDLE_PERCENT_MAX,
        ),
    ]
}
