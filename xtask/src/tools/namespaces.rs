//! Network namespaces, in which homes behind routers are tested.

use super::debian;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::process;

/// What a person does who may not make namespaces.
const WHAT_TO_DO: &str =
    "run as root, in a container with the capabilities NET_ADMIN and SYS_ADMIN (Docker: `--privileged`)";

/// The unit of Debian's package coturn.
const RELAY: &str = "coturn.service";

/// Installs the programs that make networks, the one that relays between them and the one that has browsers trust it, and makes a namespace to see whether that is allowed.
pub(super) fn ensure() -> Result<()> {
    let is_there = |name: &str| shell::find(name).is_some();
    if !is_there("turnserver") {
        debian::mask(RELAY)?;
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
