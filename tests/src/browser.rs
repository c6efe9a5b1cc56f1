//! Real browsers, driven over WebDriver: one driver process and one browser with a fresh profile each.

mod dialer;
mod driver;
mod setup;

use std::{
    fmt, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use fantoccini::{
    Client, ClientBuilder,
    error::CmdError,
    wd::{WebDriverCompatibleCommand, WindowHandle},
};
use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::timeout,
};
use url::Url;

use crate::page::Page;
use dialer::Dialer;
use driver::Driver;

pub use self::setup::{BOTH, CHROMIUM, Engine, Engines, FIREFOX, Setup};

/// A browser that takes longer to start does not start.
const START: Duration = Duration::from_secs(120);

/// A command that takes longer has hung.
const COMMAND: Duration = Duration::from_secs(60);

/// A running browser with a profile of its own. Its tabs share that profile, as a person's do. Dropping the last handle ends it.
#[derive(Debug, Clone)]
pub struct Browser(Arc<Inner>);

struct Inner {
    engine: Engine,
    _driver: Driver,
    /// The browser's own process.
    process: Option<Pid>,
    client: Mutex<Focus>,
    first_window_taken: AtomicBool,
}

/// A WebDriver session talks to one window at a time.
struct Focus {
    client: Client,
    window: Option<WindowHandle>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.engine, self.process)
    }
}

impl Browser {
    /// Starts Chromium.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn chromium() -> Result<Self> {
        Self::start(&Setup::new(Engine::Chromium)).await
    }

    /// Starts Firefox.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn firefox() -> Result<Self> {
        Self::start(&Setup::new(Engine::Firefox)).await
    }

    /// Starts a browser.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn start(setup: &Setup) -> Result<Self> {
        let driver = Driver::start(setup).await?;
        let connect = async {
            ClientBuilder::new(Dialer(setup.place.clone()))
                .capabilities(setup.capabilities())
                .connect(&driver.url)
                .await
        };
        let client = timeout(START, connect)
            .await
            .context("the browser did not start in time")?
            .with_context(|| format!("cannot start {:?}", setup.engine))?;
        let process = client
            .capabilities()
            .and_then(|capabilities| {
                capabilities
                    .get("goog:processID")
                    .or_else(|| capabilities.get("moz:processID"))
            })
            .and_then(Value::as_i64)
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self(Arc::new(Inner {
            engine: setup.engine,
            _driver: driver,
            process,
            client: Mutex::new(Focus { client, window: None }),
            first_window_taken: AtomicBool::new(false),
        })))
    }

    /// Which browser it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.0.engine
    }

    /// An empty tab: the one that every browser starts with, later a new one.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn tab(&self) -> Result<Page> {
        let mut focus = self.0.client.lock().await;
        let handle = if self.0.first_window_taken.swap(true, Ordering::Relaxed) {
            answered(focus.client.new_window(true)).await?.handle
        } else {
            answered(focus.client.window()).await?
        };
        focus.window = None;
        drop(focus);
        Ok(Page::new(self.clone(), handle))
    }

    /// A tab that shows `url`.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn open(&self, url: &str) -> Result<Page> {
        let page = self.tab().await?;
        page.goto(url).await?;
        Ok(page)
    }

    /// The browser's own process, if the driver names it.
    #[must_use]
    pub fn process(&self) -> Option<Pid> {
        self.0.process
    }

    /// Kills the browser's process: nothing in it gets a chance to say goodbye.
    ///
    /// # Errors
    /// If the driver did not name the process.
    pub fn kill(&self) -> Result<()> {
        let process = self
            .0
            .process
            .context("the driver does not say which process the browser is")?;
        kill_process(process, Signal::KILL).context("the browser had ended already")
    }

    /// Takes the network away from Chromium, as lost Wi-Fi does: the page is told that it is offline, and the process through which all
    /// sockets and WebRTC packets go stands still.
    ///
    /// # Errors
    /// If there is no such process.
    pub async fn lose_network(&self, page: &Page) -> Result<()> {
        let conditions = json!({"offline": true, "latency": 0, "download_throughput": -1, "upload_throughput": -1});
        let body = json!({ "network_conditions": conditions });
        page.command(Method::POST, "chromium/network_conditions", Some(body))
            .await?;
        self.pause_network()
    }

    /// Gives the network back.
    ///
    /// # Errors
    /// If the process is gone.
    pub async fn regain_network(&self, page: &Page) -> Result<()> {
        self.resume_network()?;
        page.command(Method::DELETE, "chromium/network_conditions", None)
            .await?;
        Ok(())
    }

    /// Nothing goes in or out of Chromium any more, and it is not told.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn pause_network(&self) -> Result<()> {
        kill_process(self.network_process()?, Signal::STOP).context("cannot stop the network process")
    }

    /// The packets that were held back go on their way.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn resume_network(&self) -> Result<()> {
        kill_process(self.network_process()?, Signal::CONT).context("cannot continue the network process")
    }

    /// The child of Chromium's process that owns its sockets.
    fn network_process(&self) -> Result<Pid> {
        let browser = self
            .0
            .process
            .context("the driver does not say which process the browser is")?;
        for entry in fs::read_dir("/proc")? {
            let folder = entry?.path();
            let Some(id) = folder.file_name().and_then(|name| name.to_str()?.parse().ok()) else {
                continue;
            };
            // A process may end while it is looked at.
            let (Ok(command), Ok(stat)) = (
                fs::read_to_string(folder.join("cmdline")),
                fs::read_to_string(folder.join("stat")),
            ) else {
                continue;
            };
            // The parent is the second field after the name, which ends with the last bracket (proc(5)).
            let parent = stat
                .rsplit_once(')')
                .and_then(|(_, fields)| fields.split_whitespace().nth(1)?.parse().ok());
            if parent == Some(browser.as_raw_nonzero().get()) && command.contains("network.mojom.NetworkService") {
                return Pid::from_raw(id).context("not a process id");
            }
        }
        bail!("{browser:?} has no network process")
    }

    /// Everything since the last call that Chromium wrote to the consoles of its tabs: level and text.
    ///
    /// # Errors
    /// If the browser was not set up with [`Setup::logs`].
    pub async fn console(&self, page: &Page) -> Result<Vec<(String, String)>> {
        let entries = page
            .command(Method::POST, "se/log", Some(json!({"type": "browser"})))
            .await?;
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        Ok(entries
            .as_array()
            .context("no log")?
            .iter()
            .map(|entry| (text(entry, "level"), text(entry, "message")))
            .collect())
    }

    /// The addresses of everything since the last call that Chromium's tabs asked the network for, sockets included.
    ///
    /// # Errors
    /// If the browser was not set up with [`Setup::logs`].
    pub async fn requests(&self, page: &Page) -> Result<Vec<String>> {
        let entries = page
            .command(Method::POST, "se/log", Some(json!({"type": "performance"})))
            .await?;
        let mut addresses = Vec::new();
        for entry in entries.as_array().context("no log")? {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())?;
            let message = &message["message"];
            let address = match message["method"].as_str() {
                Some("Network.requestWillBeSent") => &message["params"]["request"]["url"],
                Some("Network.webSocketCreated") => &message["params"]["url"],
                Some(_) | None => continue,
            };
            addresses.push(address.as_str().unwrap_or_default().to_owned());
        }
        Ok(addresses)
    }

    /// The session, with `window` in its focus for as long as the guard lives.
    pub(crate) async fn focus(&self, window: &WindowHandle) -> Result<Focused<'_>> {
        let mut focus = self.0.client.lock().await;
        if focus.window.as_ref() != Some(window) {
            answered(focus.client.switch_to_window(window.clone())).await?;
            focus.window = Some(window.clone());
        }
        Ok(Focused(focus))
    }
}

/// A session that talks to one window.
pub(crate) struct Focused<'a>(MutexGuard<'a, Focus>);

impl Focused<'_> {
    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    /// The window is gone: the next command has to choose one.
    pub(crate) fn forget(&mut self) {
        self.0.window = None;
    }

    /// Sends a command that the client library does not know.
    pub(crate) async fn command(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let command = Custom {
            method,
            path: path.to_owned(),
            body,
        };
        answered(self.client().issue_cmd(command)).await
    }
}

/// The result of a command, if the browser answers in time.
pub(crate) async fn answered<T>(command: impl Future<Output = Result<T, CmdError>>) -> Result<T> {
    Ok(timeout(COMMAND, command)
        .await
        .context("the browser does not answer")??)
}

/// A command by its path below the session.
#[derive(Debug)]
struct Custom {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl WebDriverCompatibleCommand for Custom {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, url::ParseError> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (self.method.clone(), self.body.as_ref().map(Value::to_string))
    }
}
