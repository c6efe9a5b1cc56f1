//! The program: arguments, logs, listener, signals.

mod args;

use std::{
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    path::PathBuf,
};

use anyhow::Context;
use args::Args;
use clap::Parser;
use listenfd::ListenFd;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal::{
    App, Config,
    bus::Bus,
    config::{EmbeddedFile, OwnHosts, RedisUrl, Turn, TurnUrl, WebApp, WhileStopping},
    stun::StunSockets,
    tls::Tls,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal as unix_signal},
    sync::watch,
    task::JoinHandle,
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

    let (listen, stun) = (args.listen, args.stun.clone().unwrap_or_default());
    let (admin_listen, redis) = (args.hosting.admin_listen, args.hosting.redis.clone());
    let (nodes, acquaintance) = (args.hosting.nodes.clone(), args.hosting.acquaintance());
    let tls = args.hosting.tls()?;
    let turn = Turn::read(args.turn.clone(), args.turn_secret_file.as_deref())?;
    let mut config = args.config(default_web_app());
    if let Some(turn) = &turn {
        let urls: Vec<&str> = turn.urls.iter().map(TurnUrl::as_str).collect();
        tracing::info!(?urls, "naming TURN servers, with credentials for each client");
    }
    config.turn = turn;
    config.join_nodes(&nodes, acquaintance)?;
    config.tls.clone_from(&tls);
    tell_web_app(&config.web_app);
    // Installed before the address is announced: a program that waits for that line may signal at once.
    let mut terminate = unix_signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = unix_signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    reload_at_hangup(tls.clone())?;
    let (listener, while_stopping) = listener(listen).await?;
    config.while_stopping = while_stopping;
    let address = listener.local_addr()?;
    // Only now are the ports known that welcomes name.
    let stun = StunSockets::bind(address, stun).await?;
    announce(&stun, &mut config);
    if config.hosts == OwnHosts::Any {
        tracing::warn!(
            "answering to any name: say --host with the name of this server, or a page elsewhere can pass for one of this server"
        );
    }
    let app = signal::app(config)?;
    let bus = redis.map(|url| join_network(&app, url)).transpose()?;
    let administering = match admin_listen {
        Some(address) => Some(administer(address, app.clone()).await?),
        None => None,
    };
    let watching = tokio::spawn(signal::turn::watch(app.clone()));
    let answering = tokio::spawn(signal::stun::serve(stun, app.clone()));
    let scheme = if tls.is_some() { "https" } else { "http" };
    writeln!(io::stdout(), "listening on {scheme}://{address}").context("cannot print the address")?;

    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    };
    signal::serve::serve(listener, app, stop).await?;
    if let Some(bus) = bus {
        bus.leave().await;
    }
    watching.abort();
    answering.abort();
    if let Some(administering) = administering {
        administering.abort();
    }
    tracing::info!("stopped");
    Ok(())
}

/// The listener that systemd hands over, if it does so, else one on `address`.
async fn listener(address: SocketAddr) -> anyhow::Result<(TcpListener, WhileStopping)> {
    let handed_over = ListenFd::from_env().take_tcp_listener(0);
    if let Some(listener) = handed_over.context("systemd has handed over something that is no listening socket")? {
        listener.set_nonblocking(true)?;
        return Ok((TcpListener::from_std(listener)?, WhileStopping::Left));
    }
    let bound = TcpListener::bind(address).await;
    let listener = bound.with_context(|| format!("cannot listen on {address}; is another server running there?"))?;
    Ok((listener, WhileStopping::Told))
}

/// Has new connections get a new certificate, for as long as the program runs. A server without one does nothing: without a handler, the signal would end it.
fn reload_at_hangup(tls: Option<Tls>) -> anyhow::Result<()> {
    let mut hangup = unix_signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match tls.as_ref().map(Tls::reload) {
                None => tracing::info!("there is no certificate to read again"),
                Some(Ok(())) => tracing::info!("read the certificate again"),
                Some(Err(error)) => {
                    let error = anyhow::Error::from(error);
                    tracing::error!("the certificate stays the one before: {error:#}");
                }
            }
        }
    });
    Ok(())
}

/// The tie to the other servers of the network.
struct Membership {
    stop: watch::Sender<()>,
    running: JoinHandle<()>,
}

/// Has the server be one of several.
fn join_network(app: &App, redis: RedisUrl) -> anyhow::Result<Membership> {
    let bus = Bus::new(app.clone(), redis).context("the system gives no randomness")?;
    let (stop, stopped) = watch::channel(());
    let running = tokio::spawn(bus.run(stopped));
    Ok(Membership { stop, running })
}

impl Membership {
    /// Tells the others that this server is gone.
    async fn leave(self) {
        drop(self.stop);
        // It does not panic; and there would be nothing left to do.
        _ = self.running.await;
    }
}

/// Lets operators in at their own address.
async fn administer(address: SocketAddr, app: App) -> anyhow::Result<JoinHandle<()>> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen for operators on {address}; is something else running there?"))?;
    let address = listener.local_addr()?;
    tracing::info!("metrics and status are at http://{address}/metrics and http://{address}/api/status");
    Ok(tokio::spawn(signal::admin::serve(listener, app)))
}

/// The app that the build put in, as a list of files.
const WEB_APP: &[EmbeddedFile] = include!(concat!(env!("OUT_DIR"), "/web_app.rs"));

/// The app that is built in, else that of the current folder.
fn default_web_app() -> WebApp {
    if !WEB_APP.is_empty() {
        return WebApp::Embedded(WEB_APP);
    }
    let dist = PathBuf::from("dist");
    if dist.is_dir() {
        WebApp::Folder(dist)
    } else {
        WebApp::Absent
    }
}

/// Says which web app is served.
fn tell_web_app(app: &WebApp) {
    match app {
        WebApp::Embedded(_) => tracing::info!("serving the web app that is built in"),
        WebApp::Folder(root) if root.join("index.html").is_file() => {
            tracing::info!(root = %root.display(), "serving the web app");
        }
        WebApp::Folder(root) => {
            tracing::warn!(root = %root.display(), "the web root has no index.html: build the web app first");
        }
        WebApp::Absent => tracing::warn!("no web root: serving no web app"),
    }
}

/// Has welcomes name the STUN ports, and says so.
fn announce(stun: &StunSockets, config: &mut Config) {
    config.stun = stun.announcement(&config.trusted_proxies);
    let ports = stun.ports();
    match &config.stun {
        _ if ports.is_empty() => {}
        Some(announced) => {
            let host = announced.host.as_deref().unwrap_or("the host by which a page came");
            tracing::info!(?ports, host, "answering STUN");
        }
        None => tracing::info!(
            ?ports,
            "answering STUN, and naming the ports to nobody: others cannot reach 127.0.0.1, and behind a proxy only --stun HOST:PORT tells where we are"
        ),
    }
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
