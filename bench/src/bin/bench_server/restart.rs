//! The program itself: how soon it listens, and how soon everybody is back after it was killed.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use futures_util::StreamExt;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    PATIENCE,
    client::open_at,
    row::{Bound, Row},
    server::{Role, Server, free_address, our_program},
};

const STARTS: usize = 5;
const START_BOUND_MILLIS: f64 = 200.0;

const CLIENTS: u32 = 5_000;
const REJOIN_BOUND: f64 = 10.0;

/// How long clients wait before they come back, as pages do: doubled with each failure, drawn from the upper half.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(8);

/// Between two looks at who is back.
const LOOK: Duration = Duration::from_millis(10);

/// From the start of a program that never ran to the line that says where it listens. Each start is one of a new copy.
pub(crate) fn measure_start() -> Result<Row> {
    let program = our_program()?;
    let folder = tempfile::tempdir()?;
    let mut times = Vec::new();
    for number in 0..STARTS {
        let copy = folder.path().join(number.to_string());
        fs::write(&copy, fs::read(&program)?)?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        let start = Instant::now();
        let _server = Server::start_program(&copy, &["--listen", "127.0.0.1:0"])?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let slowest = times.iter().copied().fold(0.0, f64::max);
    Ok(Row {
        name: format!("first start to listening, slowest of {STARTS}"),
        unit: "ms",
        values: vec![("ours", slowest)],
        bounds: vec![Bound {
            of: "ours".to_owned(),
            value: slowest,
            at_most: START_BOUND_MILLIS,
        }],
        note: String::new(),
    })
}

#[derive(Default)]
pub(crate) struct Counts {
    /// Registrations in all.
    registered: AtomicU32,
    /// Attempts that the server refused or did not answer.
    failed: AtomicU32,
}

/// From the end of the killed program until all of its clients are registered with the next one.
pub(crate) async fn measure_rejoin() -> Result<Row> {
    let program = our_program()?;
    let address = free_address()?;
    let listen = address.to_string();
    let start = || Server::start_program(&program, &["--listen", &listen, "--stun", "off"]);
    let server = start()?;
    let counts = Arc::new(Counts::default());
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(stay(number, address, Arc::clone(&counts)));
    }
    until_registered(&counts, CLIENTS).await?;
    counts.failed.store(0, Ordering::Relaxed);
    drop(server);
    let killed = Instant::now();
    let server = start()?;
    until_registered(&counts, 2 * CLIENTS).await?;
    let seconds = killed.elapsed().as_secs_f64();
    let failed = counts.failed.load(Ordering::Relaxed);
    drop((clients, server));
    Ok(Row {
        name: format!("{CLIENTS} clients rejoin after kill -9 and a restart"),
        unit: "s",
        values: vec![("ours", seconds)],
        bounds: vec![Bound {
            of: "ours".to_owned(),
            value: seconds,
            at_most: REJOIN_BOUND,
        }],
        note: format!("{failed} attempts failed and were made again after a back-off"),
    })
}

pub(crate) async fn until_registered(counts: &Counts, count: u32) -> Result<()> {
    let start = Instant::now();
    while counts.registered.load(Ordering::Relaxed) < count {
        let registered = counts.registered.load(Ordering::Relaxed);
        ensure!(
            start.elapsed() < PATIENCE,
            "only {registered} of {count} are registered"
        );
        sleep(LOOK).await;
    }
    Ok(())
}

/// Registers whenever it is not registered, each client from an address of its own, ten to a room.
pub(crate) async fn stay(number: u32, address: SocketAddr, counts: Arc<Counts>) {
    let [_, _, high, low] = number.to_be_bytes();
    let own = Ipv4Addr::new(127, 4, high, low);
    let mut failures = 0;
    // At first not all at once.
    sleep(Duration::from_millis(number.into())).await;
    loop {
        let registering = timeout(PATIENCE, open_at(own, Role::Public, address, number, number / 10));
        if let Ok(Ok(mut socket)) = registering.await {
            counts.registered.fetch_add(1, Ordering::Relaxed);
            failures = 0;
            while socket.next().await.is_some_and(|message| message.is_ok()) {}
        } else {
            counts.failed.fetch_add(1, Ordering::Relaxed);
        }
        sleep(wait(failures, number)).await;
        failures += 1;
    }
}

fn wait(failures: u32, number: u32) -> Duration {
    let longest = RETRY_MIN.saturating_mul(2u32.saturating_pow(failures)).min(RETRY_MAX);
    // Drawn by the number, so that each run is like the others.
    let share = f64::from(number.wrapping_mul(2_654_435_761).wrapping_add(failures)) / f64::from(u32::MAX);
    longest.mul_f64(0.5 + share / 2.0)
}
