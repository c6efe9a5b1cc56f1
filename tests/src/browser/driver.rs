//! The process that remote-controls a browser.

use std::{env, path::PathBuf, process::Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::process::Child;

use super::{Engine, Setup};
use crate::server::first_line;

/// A driver process and everything that the driver started: one process group, killed as one.
pub(super) struct Driver {
    child: Child,
    pub(super) url: String,
    /// Where the browser keeps its profile.
    _folder: TempDir,
}

/// How often a driver is started before its failure counts.
const STARTS: usize = 3;

impl Driver {
    /// Starts a driver. Chromium's draws a port that is free for IPv4 and then takes it for IPv6, too: where another program has it there, the
    /// driver ends, and another one is started.
    pub(super) async fn start(setup: &Setup) -> Result<Self> {
        for _ in 1..STARTS {
            if let Ok(driver) = Self::start_once(setup).await {
                return Ok(driver);
            }
        }
        Self::start_once(setup).await
    }

    async fn start_once(setup: &Setup) -> Result<Self> {
        let (variable, usual, arguments, announcement) = match setup.engine {
            Engine::Chromium => (
                "CHROMEDRIVER",
                "/usr/bin/chromedriver",
                &["--port=0"][..],
                "started successfully on port",
            ),
            Engine::Firefox => (
                "GECKODRIVER",
                "geckodriver",
                &["--port=0", "--websocket-port=0", "--host=127.0.0.1"][..],
                "Listening on 127.0.0.1:",
            ),
        };
        let program = env::var_os(variable).map_or_else(|| PathBuf::from(usual), PathBuf::from);
        let folder = tempfile::Builder::new().prefix("starling-e2e-").tempdir()?;
        let home = setup.home.as_ref().map(|home| ("HOME", home));
        let mut child = setup
            .place
            .command(&program)
            .args(arguments)
            .env("TMPDIR", folder.path())
            .envs(home)
            // Else a desktop's settings and services would be part of the test.
            .env_remove("DISPLAY")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {} (variable {variable})", program.display()))?;
        let rest = first_line(&mut child, announcement).await?;
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if port.is_empty() {
            bail!("{} does not say its port: {rest}", program.display());
        }
        Ok(Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            _folder: folder,
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Nobody has waited for the driver yet, so no other process has its id.
        if let Some(group) = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            // Fails only if all of it has ended already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
