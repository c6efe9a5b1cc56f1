//! How long it takes from a native peer's coming until it and a browser's tab see each other. Candidates are those of the browsers as people have them:
//! names of mDNS in place of addresses, and no STUN server.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bench::percentile;
use tests::{
    browser::{Browser, Engine, Setup},
    native::{Lower, Peer, identity, place},
    room::found,
    server::Server,
};
use tokio::time::{sleep, timeout};

use crate::Row;

/// The bound, on the longest.
const LINKED_MAX: Duration = Duration::from_secs(2);

/// A try that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it is looked for the link.
const STEP: Duration = Duration::from_millis(1);

pub(crate) async fn measure(tries: u16) -> Result<Vec<Row>> {
    ensure!(tries <= 256, "256 tries at most: each peer is another one");
    let mut rows = Vec::new();
    for engine in [Engine::Chromium, Engine::Firefox] {
        let server = Server::start().await?;
        let browser = Browser::start(&Setup::new(engine)).await?;
        let (page, room) = found(&browser, &server.url(), "Ann").await?;
        let (code, address) = place(&room)?;
        for lower in [Lower::Native, Lower::Browser] {
            let mut times = Vec::new();
            for number in 0..tries {
                let identity = identity(lower, u8::try_from(number)?);
                let started = Instant::now();
                let peer = Peer::enter(identity, "Nat", &code, &address).await;
                let linked = async {
                    while !peer.session.room().people.iter().any(|person| person.linked) {
                        sleep(STEP).await;
                    }
                };
                if timeout(PATIENCE, linked).await.is_ok() {
                    times.push(started.elapsed());
                }
                page.wait("the native peer", |view| view.is("Nat", "Here")).await?;
                peer.leave().await;
                page.wait("its leave", |view| !view.is("Nat", "Here")).await?;
            }
            rows.push(row(engine, lower, tries, &times));
        }
    }
    Ok(rows)
}

fn row(engine: Engine, lower: Lower, tries: u16, times: &[Duration]) -> Row {
    let millis: Vec<_> = times.iter().map(|time| time.as_secs_f64() * 1_000.0).collect();
    let [p50, p95, longest] = [50, 95, 100].map(|percent| percentile(&millis, percent));
    let whose = match lower {
        Lower::Native => "the terminal's",
        Lower::Browser => "the browser's",
    };
    let in_time = times.iter().filter(|time| **time <= LINKED_MAX).count();
    Row::new(
        format!("terminal and {engine:?}, {whose} id is the lower one"),
        format!("{in_time} of {tries}: {p50:.0} / {p95:.0} / {longest:.0} ms"),
        "all within 2 s (p50/p95/longest)",
        in_time == usize::from(tries),
    )
}
