//! Network namespaces, in which homes behind routers are tested.

use super::debian;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process;

/// What a person does who may not make namespaces.
const WHAT_TO_DO: &str =
    "run as root, in a container with the capabilities NET_ADMIN and SYS_ADMIN (Docker: `--privileged`)";

/// Where systemd looks for units first.
const UNITS: &str = "/etc/systemd/system";

/// The unit of Debian's package coturn.
const RELAY: &str = "coturn.service";

/// Keeps the relay from being started as it is installed, and with the machine (`systemctl mask`): nobody has asked for one.
fn mask(units: &Path) -> Result<()> {
    let unit = units.join(RELAY);
    if !units.is_dir() || unit.is_symlink() || unit.exists() {
        return Ok(());
    }
    println!("masking {RELAY}: the tests start a relay of their own");
    symlink("/dev/null", &unit).with_context(|| format!("cannot mask {}", unit.display()))
}

/// Installs the programs that make networks, the one that relays between them and the one that has browsers trust it, and makes a namespace to see whether that is allowed.
pub(super) fn ensure() -> Result<()> {
    let is_there = |name: &str| shell::find(name).is_some();
    if !is_there("turnserver") && debian::is_root() {
        mask(Path::new(UNITS))?;
    }
    debian::install(
        "`ip`, `nft`, `turnserver` and `certutil`",
        "iproute2 nftables coturn libnss3-tools",
        || ["ip", "nft", "turnserver", "certutil"].into_iter().all(is_there),
    )?;
    let name = format!("starling-{}-probe", process::id());
    let netns = |verb: &str| shell::program("ip").args(["netns", verb, &name]).output();
    let added = netns("add").context("cannot start `ip`")?;
    if !added.status.success() {
        let reason = String::from_utf8_lossy(&added.stderr);
        bail!(
            "no network namespace can be made here ({}): {WHAT_TO_DO}",
            reason.trim()
        );
    }
    netns("del")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_unit_that_is_not_there_is_masked_and_one_that_is_stays() {
        let units = tempfile::tempdir().unwrap();
        mask(units.path()).unwrap();
        let unit = units.path().join(RELAY);
        assert_eq!(fs::read_link(&unit).unwrap(), Path::new("/dev/null"));
        mask(units.path()).unwrap();
        fs::remove_file(&unit).unwrap();
        fs::write(&unit, "[Unit]").unwrap();
        mask(units.path()).unwrap();
        assert_eq!(fs::read_to_string(&unit).unwrap(), "[Unit]");
        mask(&units.path().join("nowhere")).unwrap();
    }
}
