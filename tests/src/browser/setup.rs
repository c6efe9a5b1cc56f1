//! Which browser, and with what preferences and arguments.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use crate::{
    authority::Authority,
    homes::{Namespace, Place},
};

/// Chromium's arguments: no network traffic of its own, no process in store, and no sandbox, which does not work for root.
const CHROMIUM_ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // The same for a tab that may be opened some time.
    "--disable-features=SpareRendererForSitePerProcess",
    "--window-size=1280,900",
];

/// Switches that the driver would add by itself. With them Chromium treats hidden pages like visible ones, as it does for nobody else.
const CHROMEDRIVER_SWITCHES: [&str; 3] = [
    "disable-background-timer-throttling",
    "disable-backgrounding-occluded-windows",
    "disable-renderer-backgrounding",
];

/// Firefox's preference for candidates on loopback.
const LOOPBACK: &str = "media.peerconnection.ice.loopback";

/// Which browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Chromium.
    Chromium,
    /// Firefox.
    Firefox,
}

/// The browsers of two people.
pub type Engines = [Engine; 2];

/// Chromium for both.
pub const CHROMIUM: Engines = [Engine::Chromium, Engine::Chromium];
/// Firefox for both.
pub const FIREFOX: Engines = [Engine::Firefox, Engine::Firefox];
/// One of each.
pub const BOTH: Engines = [Engine::Chromium, Engine::Firefox];

/// Which browser, and how it is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    pub(super) engine: Engine,
    preferences: BTreeMap<String, Value>,
    arguments: Vec<String>,
    logs: bool,
    pub(super) home: Option<PathBuf>,
    pub(super) place: Place,
}

impl Setup {
    /// The usual set-up.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        let preferences = match engine {
            Engine::Chromium => BTreeMap::new(),
            Engine::Firefox => [
                // Without it, Firefox gathers no candidates on a machine that has only loopback.
                (LOOPBACK, json!(true)),
                ("datareporting.policy.dataSubmissionEnabled", json!(false)),
                // A process for a tab that may be opened some time: it starts while the first one is busy with the page.
                ("dom.ipc.processPrelaunch.enabled", json!(false)),
            ]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        };
        Self {
            engine,
            preferences,
            arguments: Vec::new(),
            logs: false,
            home: None,
            place: Place::Here,
        }
    }

    /// With the network of a namespace, in which the driver runs, too.
    #[must_use]
    pub fn inside(mut self, namespace: &Namespace) -> Self {
        self.place = Place::Inside(namespace.clone());
        // There are other networks than loopback.
        self.preferences.remove(LOOPBACK);
        self
    }

    /// With a preference of the browser's profile.
    #[must_use]
    pub fn preference(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.preferences.insert(name.to_owned(), value.into());
        self
    }

    /// With another argument on the command line.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// With this folder as its profile, which outlives the browser.
    #[must_use]
    pub fn profile(self, folder: &Path) -> Self {
        let folder = folder.display();
        match self.engine {
            Engine::Chromium => self.argument(&format!("--user-data-dir={folder}")),
            Engine::Firefox => self.argument("-profile").argument(&folder.to_string()),
        }
    }

    /// Trusting an authority. There can be one such Firefox at a time.
    #[must_use]
    pub fn trusting(mut self, authority: &Authority) -> Self {
        match self.engine {
            Engine::Chromium => {
                self.home = Some(authority.home());
                self
            }
            Engine::Firefox => self.profile(&authority.profile()),
        }
    }

    /// Has Chromium keep its console and the network requests, for [`console`](super::Browser::console) and [`requests`](super::Browser::requests).
    #[must_use]
    pub const fn logs(mut self) -> Self {
        self.logs = true;
        self
    }

    pub(super) fn capabilities(&self) -> Map<String, Value> {
        let mut capabilities = Map::new();
        match self.engine {
            Engine::Chromium => {
                let arguments: Vec<&str> = CHROMIUM_ARGUMENTS
                    .into_iter()
                    .chain(self.arguments.iter().map(String::as_str))
                    .collect();
                capabilities.insert(
                    "goog:chromeOptions".into(),
                    json!({
                        "args": arguments,
                        "prefs": self.preferences,
                        "excludeSwitches": CHROMEDRIVER_SWITCHES,
                    }),
                );
                if self.logs {
                    capabilities.insert(
                        "goog:loggingPrefs".into(),
                        json!({"browser": "ALL", "performance": "ALL"}),
                    );
                }
            }
            Engine::Firefox => {
                let arguments: Vec<&str> = ["-headless"]
                    .into_iter()
                    .chain(self.arguments.iter().map(String::as_str))
                    .collect();
                capabilities.insert(
                    "moz:firefoxOptions".into(),
                    json!({"args": arguments, "prefs": self.preferences}),
                );
            }
        }
        capabilities
    }
}
