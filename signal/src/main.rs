//! The program: arguments, logs, listener, signals.

mod args;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use anyhow::Context;
use args::Args;
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal as unix_signal},
};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // Only events of `tracing`, not records of `log`: the WebSocket library would log whole messages there.
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
    allow_open_files();

    let listen = args.listen;
    let default_web_root = PathBuf::from("dist");
    let config = args.config(default_web_root.is_dir().then_some(default_web_root));
    match &config.web_root {
        Some(root) if root.join("index.html").is_file() => {
            tracing::info!(root = %root.display(), "serving the web app")
        }
        Some(root) => tracing::warn!(root = %root.display(), "the web root has no index.html: build the web app first"),
        None => tracing::warn!("no web root: serving no web app"),
    }
    // Installed before the address is announced: a program that waits for that line may signal at once.
    let mut terminate = unix_signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = unix_signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let app = signal::app(config)?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; is another server running there?"))?;
    let address = listener.local_addr()?;
    writeln!(io::stdout(), "listening on http://{address}").context("cannot print the address")?;

    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    };
    signal::serve::serve(listener, app, stop).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Raises the number of files this process may open to what the system allows it: each socket is one.
fn allow_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
    if let Err(error) = raised {
        tracing::warn!(%error, ?current, "the limit of open files stays as it is");
    }
}
