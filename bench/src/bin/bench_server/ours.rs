//! Our server: without limits on rates, to measure what the server can do, and with them, to measure what it allows.

use std::time::Duration;

use anyhow::Result;
use signal::{
    Config,
    config::{EmbeddedFile, Limits, Rate, WebApp},
};

use crate::{server::announce, tls};

/// A file that the public server has: one so large that no buffer of the system takes it.
pub(crate) const LARGE_FILE: &str = "large.wasm";

static LARGE_APP: [EmbeddedFile; 1] = [EmbeddedFile {
    path: LARGE_FILE,
    content: &[0; 8 * 1024 * 1024],
}];

/// Serves with the limits that it has by default, but for fewer places, until the benchmark ends.
pub(crate) async fn run_public() -> Result<()> {
    let config = Config {
        web_app: WebApp::Embedded(&LARGE_APP),
        limits: Limits {
            connections_max: 1_000,
            ..Limits::default()
        },
        ..Config::default()
    };
    serve(config).await
}

/// Serves until the benchmark ends.
pub(crate) async fn run() -> Result<()> {
    serve(without_limits()).await
}

/// The same with TLS.
pub(crate) async fn run_tls() -> Result<()> {
    let config = Config {
        tls: Some(tls::load()?),
        ..without_limits()
    };
    serve(config).await
}

fn without_limits() -> Config {
    let limits = Limits {
        connections_max: usize::MAX >> 8,
        connections_per_address_max: usize::MAX,
        socket_rate: Rate::Unlimited,
        socket_bytes_rate: Rate::Unlimited,
        address_rate: Rate::Unlimited,
        address_bytes_rate: Rate::Unlimited,
        registration_rate: Rate::Unlimited,
        // An idle socket is to be idle.
        heartbeat: Duration::from_secs(3_600),
        ..Limits::default()
    };
    Config {
        limits,
        ..Config::default()
    }
}

async fn serve(config: Config) -> Result<()> {
    let app = signal::app(config)?;
    let listener = announce().await?;
    signal::serve::serve(listener, app, std::future::pending()).await?;
    Ok(())
}
