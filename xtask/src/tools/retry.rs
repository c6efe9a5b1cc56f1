//! Registries are slow or refuse for a moment: another attempt mostly helps.

use crate::shell::{self, Sink};
use crate::workspace;
use anyhow::{Result, bail};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Pauses between attempts.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(20)];

/// Runs a command that talks to a registry, again after a pause when it failed.
pub(super) fn with_retries(log: &str, command: impl Fn() -> Result<Command>) -> Result<()> {
    let sink = Sink::log(log)?;
    let mut pauses = RETRY_PAUSES.iter();
    loop {
        let Err(error) = sink.run(&mut command()?) else {
            return Ok(());
        };
        let Some(pause) = pauses.next() else {
            let path = workspace::log(log);
            bail!(
                "{error:#}\n{}\nthe whole log: {}",
                shell::tail(&path, 20),
                path.display()
            );
        };
        thread::sleep(*pause);
    }
}
