//! The browsers, from the machine or from Debian's packages.

use super::debian;
use crate::shell;
use anyhow::{Context, Result};
use std::path::PathBuf;

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
        debian::install(self.name(), self.packages(), || self.is_there())
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
