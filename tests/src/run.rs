//! How a test with browsers runs, and what it writes down.

use std::{
    future::Future,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{runtime::Builder, time::timeout};

/// A test that takes longer hangs.
const TEST: Duration = Duration::from_secs(300);

/// Shared by tests that may run beside others, and held alone by those that may not.
static MACHINE: RwLock<()> = RwLock::new(());

/// Runs a test, beside others if the runner has several at once: for most of its time a test waits.
///
/// # Panics
/// If the test fails.
pub fn run(test: impl Future<Output = Result<()>>) {
    let _shared = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
    run_within(TEST, test);
}

/// Runs a test that may take so long, and needs the whole machine for it.
///
/// # Panics
/// If the test fails.
pub fn run_alone(most: Duration, test: impl Future<Output = Result<()>>) {
    let _whole = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    run_within(most, test);
}

fn run_within(most: Duration, test: impl Future<Output = Result<()>>) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let result = runtime.block_on(async { timeout(most, test).await.context("the test hangs")? });
    if let Err(error) = result {
        panic!("{error:#}");
    }
}

/// Writes a figure into the log that no test depends on.
#[expect(clippy::print_stdout, reason = "the log of a test is what it prints")]
pub fn note(figure: &str) {
    println!("{figure}");
}
