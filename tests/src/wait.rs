//! Waiting for something to hold, within bounds.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::time::sleep;

/// Between two looks: short beside what a person notices, long beside what a look costs.
const INTERVAL: Duration = Duration::from_millis(40);

/// Asks `look` until it gives `Ok`, at most for `patience`.
///
/// # Errors
/// The error of the last look.
pub async fn until<T, E, F>(patience: Duration, mut look: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    loop {
        match look().await {
            Err(_) if started.elapsed() < patience => sleep(INTERVAL).await,
            result => return result,
        }
    }
}

/// Asks `look` for the whole `duration` whether something still holds.
///
/// # Errors
/// The error of the first look that failed.
pub async fn throughout<E, F>(duration: Duration, mut look: impl FnMut() -> F) -> Result<(), E>
where
    F: Future<Output = Result<(), E>>,
{
    let started = Instant::now();
    while started.elapsed() < duration {
        look().await?;
        sleep(INTERVAL).await;
    }
    Ok(())
}
