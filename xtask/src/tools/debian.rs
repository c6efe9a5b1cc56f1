//! Programs from the machine or from Debian's packages.

use super::retry::with_retries;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// Installs `packages`, separated by spaces, unless what they bring is there.
pub(super) fn install(what: &str, packages: &str, is_there: impl Fn() -> bool) -> Result<()> {
    if is_there() {
        return Ok(());
    }
    let by_hand = format!("install {what} (on Debian as root: `apt-get install {packages}`)");
    if shell::find("apt-get").is_none() || !is_root() {
        bail!("{what} is missing: {by_hand}");
    }
    println!("installing {packages} (once; about 1 min)");
    let log = format!("install-{}", packages.replace(' ', "-"));
    with_retries(&log, || Ok(apt_get(&["update"]))).with_context(|| by_hand.clone())?;
    let arguments: Vec<&str> = ["install", "-y"].into_iter().chain(packages.split(' ')).collect();
    with_retries(&log, || Ok(apt_get(&arguments))).with_context(|| by_hand.clone())?;
    if !is_there() {
        bail!("{packages} did not bring {what}: {by_hand}");
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = shell::program("apt-get");
    command
        .args(["-o", "Acquire::Retries=3"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether packages can be installed at all.
pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
