//! Joining a room, in our page and in the least page that could do it, which uses the same server for a plain offer and answer.
//!
//! A script that wraps the browser's own functions notes what happens when: neither page knows of it. Each tab has our page loaded and a name in it,
//! or has the bare page loaded with its keys, before it is told to join.

use std::{fs, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use shared::{
    Identity, RoomId,
    room::{FounderHash, RoomKey, RoomProof},
};
use tempfile::TempDir;
use tests::{
    page::Page,
    room::make,
    server::{Server, dist},
    wait::until,
};
use tokio::time::sleep;

/// How long a page is left alone before something is asked of it, as a person would read it first.
const SETTLE: Duration = Duration::from_millis(500);

/// A run that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes `window.times` of a page, once.
pub const STOPWATCH: &str = include_str!("pages/stopwatch.js");

/// When things happened in the joining tab, in milliseconds since its navigation began.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Times {
    /// The address changed. Zero, the start of the navigation, if the page is yet to be loaded.
    #[serde(default)]
    pub joining: f64,
    /// The first WebSocket was made.
    pub calling: f64,
    /// The first connection was made.
    pub dialling: f64,
    /// The first data channel opened.
    pub open: f64,
}

impl Times {
    /// From joining to the first open channel.
    #[must_use]
    pub fn channel(&self) -> f64 {
        self.open - self.joining
    }
}

/// The built app with the bare page beside it: one server has both.
///
/// # Errors
/// If no app was built.
pub fn web_root() -> Result<TempDir> {
    let web_root = tempfile::tempdir()?;
    for entry in fs::read_dir(dist()?)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), web_root.path().join(entry.file_name()))?;
        }
    }
    fs::write(web_root.path().join("bare.html"), include_str!("pages/bare.html"))?;
    fs::write(web_root.path().join("bare.js"), include_str!("pages/bare.js"))?;
    Ok(web_root)
}

/// Opens our page and gives it a name, so that it joins at once from then on.
///
/// # Errors
/// If the page does not come.
pub async fn introduce(server: &Server, tab: &Page, name: &str) -> Result<()> {
    tab.goto(&server.url()).await?;
    tab.wait("the start page", |view| view.field("Your name").is_some())
        .await?;
    make(tab, name).await?;
    Ok(())
}

/// Has a tab with our page go on to a room, and starts its clock.
///
/// # Errors
/// If the tab does not answer.
pub async fn go_to(tab: &Page, fragment: &str) -> Result<()> {
    let go_to = "window.times = { joining: performance.now() }; location.hash = arguments[0]";
    tab.run(go_to, vec![json!(fragment)]).await?;
    Ok(())
}

/// Has a tab with our page leave all its rooms.
///
/// # Errors
/// If the start page does not come.
pub async fn leave(tab: &Page) -> Result<()> {
    go_to(tab, "#/").await?;
    tab.wait("the start page", |view| view.field("Room").is_some()).await?;
    let leave = "document.querySelectorAll('[aria-label=\"Your rooms\"] [aria-label^=\"Leave \"]').forEach((leave) => leave.click())";
    tab.run(leave, Vec::new()).await?;
    tab.wait("no room", |view| view.rooms.is_empty()).await?;
    Ok(())
}

/// Has the next page of ours in a tab come back to no room.
///
/// # Errors
/// If the tab does not answer.
pub async fn forget_open(tab: &Page) -> Result<()> {
    tab.run("sessionStorage.removeItem('starling open')", Vec::new())
        .await?;
    Ok(())
}

/// Has both tabs, with our page, go on to another room.
///
/// # Errors
/// If no channel opens in time.
pub async fn run_ours(waiting: &Page, joining: &Page, room: &str) -> Result<Times> {
    for tab in [waiting, joining] {
        leave(tab).await?;
    }
    // The names are known, so an address is all that it takes to join.
    go_to(waiting, room).await?;
    is_alone(waiting).await?;
    idle(joining).await?;
    go_to(joining, room).await?;
    open(joining).await
}

/// Waits until our page is registered, alone, and has nothing more to do.
///
/// # Errors
/// If that does not come.
pub async fn is_alone(page: &Page) -> Result<()> {
    page.wait("registered", |view| {
        view.people.len() == 1 && view.connection_says("Only you are here.")
    })
    .await?;
    idle(page).await
}

/// Waits until a page has nothing more to do: what was loaded is compiled, the page before is gone.
///
/// # Errors
/// If the page does not answer.
pub async fn idle(page: &Page) -> Result<()> {
    sleep(SETTLE).await;
    let idle = "const done = arguments[0]; requestIdleCallback(() => done(null), {timeout: 2000})";
    page.run_async(idle, Vec::new()).await?;
    Ok(())
}

/// The keys of a room that nobody founded, as the bare page takes them: the secret one, the public one, the founder's hash, the room's id.
fn bare_room(number: u8) -> String {
    let seed = [number; 32];
    let key = *Identity::from_secret(&seed).peer_id().as_bytes();
    let proof = RoomProof {
        key: RoomKey::from_bytes(key),
        founder: FounderHash::from_bytes([0; 32]),
    };
    let room = proof.room();
    // Only for its text.
    let seed = RoomId::from_bytes(seed);
    [
        seed.to_text(),
        proof.key.to_text(),
        proof.founder.to_text(),
        room.to_text(),
    ]
    .join(".")
}

/// Loads the bare page in both tabs and has both join.
///
/// # Errors
/// If no channel opens in time.
pub async fn run_bare(server: &Server, waiting: &Page, joining: &Page, run: usize) -> Result<Times> {
    let url = format!(
        "{}bare.html?{run}#{}",
        server.url(),
        bare_room(u8::try_from(run % 256)?)
    );
    for tab in [waiting, joining] {
        tab.goto(&url).await?;
        tab.run(STOPWATCH, Vec::new()).await?;
        let ready = "const done = arguments[0]; window.ready.then(() => done(true), error => done(String(error)))";
        let ready = tab.run_async(ready, Vec::new()).await?;
        if ready != json!(true) {
            bail!("no keys: {ready}");
        }
    }
    waiting.run("window.join()", Vec::new()).await?;
    until(PATIENCE, || async {
        let registered = waiting.run("return window.registered === true", Vec::new()).await?;
        ensure!(registered == json!(true), "the waiting tab was not registered");
        Ok(())
    })
    .await?;
    idle(waiting).await?;
    idle(joining).await?;
    let join = "window.times = { joining: performance.now() }; window.join()";
    joining.run(join, Vec::new()).await?;
    open(joining).await
}

/// Waits for the open channel and reads the stopwatch.
///
/// # Errors
/// If none opens in time.
pub async fn open(joining: &Page) -> Result<Times> {
    until(PATIENCE, || async {
        let times = joining.run("return window.times", Vec::new()).await?;
        serde_json::from_value(times.clone()).with_context(|| format!("no channel is open: {times}"))
    })
    .await
}
