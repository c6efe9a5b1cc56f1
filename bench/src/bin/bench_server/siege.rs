//! The server under attack, with the limits that it has by default, and a tenth of the places for WebSockets: what honest people notice of it.
//!
//! Pairs of people relay to each other all the time, each from an address of their own, and newcomers register. First all is quiet, then an attack goes
//! on, from one address, or from fifty with a twentieth of the rate each. The server has a processor for itself; attack and honest people share another, so
//! the times hold what the attack itself costs here. A time of some milliseconds is noise; the bounds leave room for it, for fifty attackers as much more
//! as they do together.

mod attack;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use shared::signal::Request;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{Socket, identity, open_at},
    server::{Role, Server},
};
use attack::Attack;

/// Pairs of honest people, and how often each pair relays.
const PAIRS: u8 = 100;
const RELAY_PACE: Duration = Duration::from_millis(100);
const PAYLOAD_BYTES: usize = 1024;

/// How often a newcomer comes.
const NEWCOMER_PACE: Duration = Duration::from_millis(100);

/// Before an attack, and during it.
const QUIET: Duration = Duration::from_secs(2);
const SIEGE: Duration = Duration::from_secs(6);

/// How often an attack is tried before its bound counts as broken.
const TRIES: u32 = 3;

/// A newcomer who waits longer is not served.
const NEWCOMER_BOUND: Duration = Duration::from_secs(1);

/// Times as long as in quiet that a relay may take, at the 99th percentile; and what nobody notices in any case, for each attacker of full rate.
const RELAY_RATIO_BOUND: f64 = 3.0;
const RELAY_UNNOTICED: Duration = Duration::from_millis(20);

/// What became of honest people.
pub(crate) struct Row {
    attack: Attack,
    addresses: u8,
    quiet: Duration,
    attacked: Duration,
    /// The slowest newcomer.
    newcomer: Duration,
    /// Newcomers not served in time, and people whose socket ended.
    lost: usize,
}

impl Row {
    pub(crate) fn is_kept(&self) -> bool {
        self.lost == 0 && self.newcomer <= NEWCOMER_BOUND && self.attacked <= self.relay_bound()
    }

    fn relay_bound(&self) -> Duration {
        let unnoticed = RELAY_UNNOTICED.mul_f64(attack::full_rates(self.addresses));
        self.quiet.mul_f64(RELAY_RATIO_BOUND).max(unnoticed)
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({
            "attack": self.attack.name(),
            "addresses": self.addresses,
            "relay_p99_quiet_ms": millis(self.quiet),
            "relay_p99_attacked_ms": millis(self.attacked),
            "newcomer_max_ms": millis(self.newcomer),
            "lost": self.lost,
            "kept": self.is_kept(),
        })
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn print_table(rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!(
        "\n{:<44} {:>5} {:>9} {:>9} {:>9} {:>9} {:>5}",
        "under attack", "from", "quiet ms", "p99 ms", "bound", "newcomer", "lost"
    );
    for row in rows {
        let verdict = if row.is_kept() { "ok" } else { "BROKEN" };
        println!(
            "{:<44} {:>5} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>5}  {verdict}",
            row.attack.name(),
            row.addresses,
            millis(row.quiet),
            millis(row.attacked),
            millis(row.relay_bound()),
            millis(row.newcomer),
            row.lost,
        );
    }
}

/// All attacks with `name` in their names.
pub(crate) async fn run(name: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for attack in Attack::ALL.into_iter().filter(|attack| attack.name().contains(name)) {
        for addresses in [1, attack::ADDRESSES] {
            let mut row = besiege(attack, addresses).await?;
            // What else a machine does breaks a bound once; what an attack does breaks it each time.
            for _ in 1..TRIES {
                if row.is_kept() {
                    break;
                }
                row = besiege(attack, addresses).await?;
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

async fn besiege(attack: Attack, addresses: u8) -> Result<Row> {
    // Each attack finds a server of its own, so that none is easier for what came before.
    let server = Server::start(Role::Public)?;
    let address = server.address();
    let (relays, newcomers) = (Times::default(), Times::default());
    let mut people = JoinSet::new();
    for pair in 1..=PAIRS {
        let [one, other] = open_pair(address, pair).await?;
        people.spawn(relay_for_ever(pair, one, other, relays.clone()));
    }
    // Time is what is measured here, not waited for.
    sleep(QUIET).await;
    let quiet = percentile_99(relays.take());
    let mut attackers = attack.begin(address, addresses);
    let coming = tokio::spawn(come_for_ever(address, newcomers.clone()));
    sleep(SIEGE).await;
    let attacked = percentile_99(relays.take());
    coming.abort();
    attackers.shutdown().await;
    let newcomers = newcomers.take();
    let mut lost = newcomers.iter().filter(|time| **time > NEWCOMER_BOUND).count();
    while people.try_join_next().is_some() {
        lost += 1;
    }
    let newcomer = newcomers.into_iter().max().context("no newcomer was served")?;
    Ok(Row {
        attack,
        addresses,
        quiet,
        attacked,
        newcomer,
        lost,
    })
}

/// What several tasks measure.
#[derive(Clone, Default)]
struct Times(Arc<Mutex<Vec<Duration>>>);

impl Times {
    fn add(&self, time: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(time);
    }

    fn take(&self) -> Vec<Duration> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn percentile_99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() * 99 / 100).copied().unwrap_or(Duration::MAX)
}

/// The numbers of a pair, as peers.
const fn numbers(pair: u8) -> [u32; 2] {
    [2 * pair as u32, 2 * pair as u32 + 1]
}

async fn open_pair(address: SocketAddr, pair: u8) -> Result<[Socket; 2]> {
    let [one, other] = numbers(pair);
    let at = |last| Ipv4Addr::new(127, 1, pair, last);
    Ok([
        open_at(at(1), Role::Public, address, one, pair.into()).await?,
        open_at(at(2), Role::Public, address, other, pair.into()).await?,
    ])
}

/// Says something at each tick, and measures when it is heard. Ends only if somebody is thrown out or not heard.
async fn relay_for_ever(pair: u8, mut one: Socket, mut other: Socket, times: Times) -> Result<()> {
    let request = Request::Relay {
        to: identity(numbers(pair)[1]).peer_id(),
        payload: "y".repeat(PAYLOAD_BYTES),
    };
    let message = Message::text(request.to_text());
    // Not all pairs at once.
    sleep(RELAY_PACE * u32::from(pair) / u32::from(PAIRS)).await;
    let mut pace = interval(RELAY_PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let start = Instant::now();
        one.send(message.clone()).await?;
        loop {
            let heard = timeout(crate::PATIENCE, other.next()).await?.context("thrown out")??;
            // An attacker who has the link of the room is heard, too.
            if heard.to_text()?.contains("yyyy") {
                break;
            }
        }
        times.add(start.elapsed());
    }
}

/// At each tick a newcomer registers, each from an address of their own, and leaves.
async fn come_for_ever(address: SocketAddr, times: Times) {
    let mut pace = interval(NEWCOMER_PACE);
    let mut visits = JoinSet::new();
    for number in 0.. {
        pace.tick().await;
        let times = times.clone();
        visits.spawn(async move {
            let start = Instant::now();
            let [_, _, high, low] = u32::to_be_bytes(number);
            let own = Ipv4Addr::new(127, 2, high, low.max(1));
            let visit = open_at(own, Role::Public, address, 1_000_000 + number, 1_000_000 + number);
            let served = matches!(timeout(NEWCOMER_BOUND * 2, visit).await, Ok(Ok(_)));
            times.add(if served { start.elapsed() } else { NEWCOMER_BOUND * 2 });
        });
    }
}
