//! How a test with browsers runs, and what it writes down.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{runtime::Builder, time::timeout};

/// A test that takes longer hangs.
const TEST: Duration = Duration::from_secs(300);

/// Runs a test, one at a time.
///
/// # Panics
/// If the test fails.
pub fn run(test: impl Future<Output = Result<()>>) {
    run_within(TEST, test);
}

/// Runs a test that may take so long.
///
/// # Panics
/// If the test fails.
pub fn run_within(most: Duration, test: impl Future<Output = Result<()>>) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
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
