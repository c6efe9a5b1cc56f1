//! Our server, without limits on rates: the benchmark measures what the server can do, not what it allows.

use std::time::Duration;

use anyhow::Result;
use signal::{
    Config,
    config::{Limits, Rate},
};

use crate::server::announce;

/// Serves until the benchmark ends.
pub(crate) async fn run() -> Result<()> {
    let limits = Limits {
        connections_max: usize::MAX >> 8,
        connections_per_address_max: usize::MAX,
        socket_rate: Rate::Unlimited,
        address_rate: Rate::Unlimited,
        // An idle socket is to be idle.
        heartbeat: Duration::from_secs(3_600),
        ..Limits::default()
    };
    let config = Config {
        limits,
        ..Config::default()
    };
    let app = signal::app(config)?;
    let listener = announce().await?;
    signal::serve::serve(listener, app, std::future::pending()).await?;
    Ok(())
}
