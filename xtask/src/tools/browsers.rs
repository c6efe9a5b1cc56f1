//! The browsers, from the machine or from Debian's packages.

use super::retry::with_retries;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

/// The engines that Starling is tested in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Browser {
    /// Chromium, driven by chromedriver.
    Chromium,
    /// Firefox, driven by geckodriver (which is no Debian package, see [`packages`](crate::packages)).
    Firefox,
}

impl Browser {
    /// Installs the browser if neither it nor a relative of it is there.
    pub(super) fn ensure(self) -> Result<()> {
        if self.is_there() {
            return Ok(());
        }
        let packages = self.packages();
        let by_hand = format!("install {self:?} and its driver (on Debian as root: `apt-get install {packages}`)");
        if shell::find("apt-get").is_none() || !is_root() {
            bail!("{self:?} is missing: {by_hand}");
        }
        println!("installing {packages} (once; about 1 min)");
        let log = format!("install-{}", self.name());
        with_retries(&log, || Ok(apt_get(&["update"]))).with_context(|| by_hand.clone())?;
        let arguments: Vec<&str> = ["install", "-y"].into_iter().chain(packages.split(' ')).collect();
        with_retries(&log, || Ok(apt_get(&arguments))).with_context(|| by_hand.clone())?;
        if !self.is_there() {
            bail!("{packages} did not bring {self:?}: {by_hand}");
        }
        Ok(())
    }

    fn is_there(self) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| shell::find(name).is_some());
        match self {
            Self::Chromium => any(&["chromium", "google-chrome", "chrome"]) && any(&["chromedriver"]),
            Self::Firefox => any(&["firefox", "firefox-esr"]),
        }
    }

    fn packages(self) -> &'static str {
        match self {
            Self::Chromium => "chromium chromium-driver",
            Self::Firefox => "firefox-esr",
        }
    }

    /// The name in steps and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }

    /// The environment variable by which test runners learn where the driver is.
    pub(crate) fn driver_variable(self) -> &'static str {
        match self {
            Self::Chromium => "CHROMEDRIVER",
            Self::Firefox => "GECKODRIVER",
        }
    }

    /// The driver's program.
    pub(crate) fn driver(self) -> Result<PathBuf> {
        let name = match self {
            Self::Chromium => "chromedriver",
            Self::Firefox => "geckodriver",
        };
        shell::find(name).with_context(|| format!("{name} is missing"))
    }
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = shell::program("apt-get");
    command
        .args(["-o", "Acquire::Retries=3"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
