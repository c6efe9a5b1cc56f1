//! What a relay costs a server: in full batches, as in a storm of link set-up, and in small bursts, as on any other day.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    PATIENCE,
    client::{open_pair, return_messages},
    row::{Bound, Row, median, median_ratio},
    server::{Role, Server},
};

/// Clients that relay to each other, two by two.
const PAIRS: u32 = 16;

/// Messages of one pair under way at once.
const FULL: usize = 32;
const SMALL: usize = 2;

/// Measurements of each server, taken in turns.
const ROUNDS: u32 = 5;

/// Before each measurement, for connections and caches to warm up, and the measurement itself.
const WARM_UP: Duration = Duration::from_millis(200);
const MEASURED: Duration = Duration::from_millis(1_200);

/// Of the processor time. Relays a second are told only: how they compare depends on the machine and on what else it does.
const FULL_BARE_BOUND: f64 = 1.6;
const SMALL_MATCHBOX_BOUND: f64 = 1.3;

pub(crate) async fn measure() -> Result<Vec<Row>> {
    let roles = [Role::Ours, Role::Bare, Role::Axum, Role::Matchbox];
    let servers = roles.into_iter().filter(|role| role.is_there()).map(Server::start);
    let servers = servers.collect::<Result<Vec<_>>>()?;
    let mut rows = of_window(&servers, FULL, "full batches", (Role::Bare, FULL_BARE_BOUND)).await?;
    rows.extend(of_window(&servers, SMALL, "small bursts", (Role::Matchbox, SMALL_MATCHBOX_BOUND)).await?);
    Ok(rows)
}

async fn of_window(servers: &[Server], window: usize, what: &str, (other, at_most): (Role, f64)) -> Result<Vec<Row>> {
    let mut rates = vec![Vec::new(); servers.len()];
    let mut costs = rates.clone();
    for round in 0..ROUNDS {
        for (index, server) in servers.iter().enumerate() {
            let measured = timeout(PATIENCE, measure_once(server, window, round)).await??;
            rates[index].push(measured.relays_per_second);
            costs[index].push(measured.cost_micros);
        }
    }
    let index = |role: Role| servers.iter().position(|server| server.role() == role);
    let mut note = String::new();
    let bounds = match (index(Role::Ours), index(other)) {
        (Some(ours), Some(index)) => vec![Bound {
            of: format!("ours / {}", other.name()),
            value: median_ratio(&costs[ours], &costs[index]),
            at_most,
        }],
        _ => {
            note = format!("{} is not there to be measured beside", other.name());
            Vec::new()
        }
    };
    let medians = |values: &[Vec<f64>]| {
        let names = servers.iter().map(|server| server.role().name());
        names.zip(values.iter().cloned().map(median)).collect()
    };
    Ok(vec![
        Row {
            name: format!("processor time of the server for one relay of 1 KB, {what}"),
            unit: "us",
            values: medians(&costs),
            bounds,
            note,
        },
        Row {
            name: format!("relays of 1 KB, {what}"),
            unit: "1/s",
            values: medians(&rates),
            bounds: Vec::new(),
            note: String::new(),
        },
    ])
}

struct Measured {
    relays_per_second: f64,
    cost_micros: f64,
}

async fn measure_once(server: &Server, window: usize, round: u32) -> Result<Measured> {
    let relayed = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    // A room of its own in each round: those who left the one before may not be forgotten yet.
    let first_room = (round + 1) * 1_000 + u32::try_from(window)? * 100_000;
    for pair in 0..PAIRS {
        let [one, other] = open_pair(server, [2 * pair, 2 * pair + 1], first_room + pair).await?;
        for (socket, to, first) in [(one.socket, other.name, window), (other.socket, one.name, 0)] {
            clients.spawn(return_messages(server.role(), socket, to, first, Arc::clone(&relayed)));
        }
    }
    // Time is what is measured here, not waited for.
    tokio::time::sleep(WARM_UP).await;
    let (start, before, time_before) = (
        Instant::now(),
        relayed.load(Ordering::Relaxed),
        server.processor_time()?,
    );
    tokio::time::sleep(MEASURED).await;
    let count = (relayed.load(Ordering::Relaxed) - before) as f64;
    let time = server.processor_time()?.saturating_sub(time_before);
    let seconds = start.elapsed().as_secs_f64();
    if let Some(ended) = clients.try_join_next() {
        ended??;
        bail!("a client was dropped during the measurement");
    }
    ensure!(count > 0.0, "nothing was relayed");
    clients.shutdown().await;
    Ok(Measured {
        relays_per_second: count / seconds,
        cost_micros: time.as_secs_f64() * 1e6 / count,
    })
}
