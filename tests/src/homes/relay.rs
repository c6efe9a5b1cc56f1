//! A TURN server: coturn, as operators run it beside the server.

use std::{
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::process::Child;

use super::{Namespace, Place};
use crate::{authority::Authority, wait};

/// A start that takes longer has failed.
const START: Duration = Duration::from_secs(20);

/// The port for clients, by UDP and by TCP.
const PORT: u16 = 3478;

/// Its name where it has TLS: Firefox asks no TURN server for TLS that is named by its address.
pub(super) const NAME: &str = "relay.test";

/// The port for clients by TLS.
const TLS_PORT: u16 = 5349;

/// What the server knows, and the TURN server has to.
pub(super) const SECRET: &str = "north wind";

/// How people's browsers reach the TURN server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// As they reach most others.
    Udp,
    /// Where no UDP gets through.
    Tcp,
    /// Where only what looks like the web gets through.
    Tls,
}

/// A running TURN server; killed when dropped.
#[derive(Debug)]
pub(super) struct Relay {
    _child: Child,
    folder: TempDir,
    address: SocketAddr,
}

impl Relay {
    /// Starts it at a host with this address and this secret, with TLS if there is an authority to certify it.
    pub(super) async fn start(
        host: Namespace,
        address: &str,
        secret: &str,
        authority: Option<&Authority>,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("starling-nat-").tempdir()?;
        let relay = SocketAddr::new(address.parse()?, PORT);
        fs::write(secret_file(&folder), format!("{SECRET}\n"))?;
        let (port, database, process) = (PORT.to_string(), folder.path().join("db"), folder.path().join("pid"));
        let place = Place::Inside(host);
        let tls = match authority.map(|authority| authority.certify(NAME)).transpose()? {
            Some([certificate, key]) => vec![
                "--cert".into(),
                certificate.into_os_string(),
                "--pkey".into(),
                key.into_os_string(),
                "--tls-listening-port".into(),
                TLS_PORT.to_string().into(),
            ],
            None => vec![OsString::from("--no-tls")],
        };
        let child = place
            .command(Path::new("turnserver"))
            // `-n`: no file with other settings.
            .args(["-n", "--use-auth-secret", "--realm=starling"])
            .arg(format!("--static-auth-secret={secret}"))
            .args(["--listening-ip", address, "--relay-ip", address])
            .args(["--listening-port", &port, "--min-port", "50000", "--max-port", "50100"])
            .args(["--no-dtls", "--no-cli", "--log-file", "stdout"])
            .args(tls)
            .arg("--userdb")
            .arg(database)
            .arg("--pidfile")
            .arg(process)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start `turnserver`")?;
        wait::until(START, || place.clone().connect(relay))
            .await
            .context("`turnserver` does not listen; is the package coturn installed?")?;
        Ok(Self {
            _child: child,
            folder,
            address: relay,
        })
    }

    /// Its URL for clients.
    pub(super) fn url(&self, transport: Transport) -> String {
        match transport {
            Transport::Udp => format!("turn:{}?transport=udp", self.address),
            Transport::Tcp => format!("turn:{}?transport=tcp", self.address),
            Transport::Tls => format!("turns:{NAME}:{TLS_PORT}?transport=tcp"),
        }
    }

    /// The file that the server reads the secret from.
    pub(super) fn secret_file(&self) -> PathBuf {
        secret_file(&self.folder)
    }
}

fn secret_file(folder: &TempDir) -> PathBuf {
    folder.path().join("secret")
}
