//! Programs from the machine or from Debian's packages.

use super::retry::with_retries;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Command;

/// Where systemd looks for units first.
const UNITS: &str = "/etc/systemd/system";

/// Installs a service, unless its program is there, without the service being started: the tests start one of their own.
pub(super) fn install_service(program: &str, package: &str, unit: &str) -> Result<()> {
    let is_there = || shell::find(program).is_some() || Path::new("/usr/sbin").join(program).exists();
    if !is_there() {
        mask(unit)?;
    }
    install(&format!("`{program}`"), package, is_there)
}

/// Keeps a service from being started as it is installed, and with the machine (`systemctl mask`): nobody has asked for one.
pub(super) fn mask(unit: &str) -> Result<()> {
    if is_root() {
        mask_in(Path::new(UNITS), unit)?;
    }
    Ok(())
}

fn mask_in(units: &Path, name: &str) -> Result<()> {
    let unit = units.join(name);
    if !units.is_dir() || unit.is_symlink() || unit.exists() {
        return Ok(());
    }
    println!("masking {name}: the tests start a service of their own");
    symlink("/dev/null", &unit).with_context(|| format!("cannot mask {}", unit.display()))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_that_is_not_there_is_masked_and_one_that_is_stays() {
        let units = tempfile::tempdir().unwrap();
        let mask = || mask_in(units.path(), "coturn.service").unwrap();
        mask();
        let unit = units.path().join("coturn.service");
        assert_eq!(fs::read_link(&unit).unwrap(), Path::new("/dev/null"));
        mask();
        fs::remove_file(&unit).unwrap();
        fs::write(&unit, "[Unit]").unwrap();
        mask();
        assert_eq!(fs::read_to_string(&unit).unwrap(), "[Unit]");
        mask_in(&units.path().join("nowhere"), "coturn.service").unwrap();
    }
}
