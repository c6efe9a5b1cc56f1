//! What most tests begin with.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tests::{
    browser::Browser,
    page::{PATIENCE, Page, View},
    wait::until,
};
use tokio::{runtime::Builder, time::timeout};

/// A test that takes longer hangs.
const TEST: Duration = Duration::from_secs(120);

/// Runs a test, one at a time.
pub(crate) fn run(test: impl Future<Output = Result<()>>) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let result = runtime.block_on(async { timeout(TEST, test).await.context("the test hangs")? });
    if let Err(error) = result {
        panic!("{error:#}");
    }
}

/// Opens the start page in a new tab and makes a room; gives the tab and the room's address.
pub(crate) async fn found(browser: &Browser, url: &str, name: &str) -> Result<(Page, String)> {
    let page = browser.open(url).await?;
    page.paste("Your name", name).await?;
    page.click("New room").await?;
    page.wait("the room", |view| view.me().is_some()).await?;
    let room = page.url().await?;
    Ok((page, room))
}

/// Opens a room's address in a new tab and goes in under a name.
pub(crate) async fn enter(browser: &Browser, room: &str, name: &str) -> Result<Page> {
    let page = browser.open(room).await?;
    answer(&page, name).await?;
    Ok(page)
}

/// Goes through the door of a room that asks for a name.
pub(crate) async fn answer(page: &Page, name: &str) -> Result<()> {
    page.wait("the question for a name", |view| view.field("Your name").is_some())
        .await?;
    page.paste("Your name", name).await?;
    page.click("Join room").await?;
    page.wait("the room", |view| view.me().is_some()).await?;
    Ok(())
}

/// Waits until each of these pages has all the others "Here", and all are registered with the server.
pub(crate) async fn gathered(pages: &[&Page]) -> Result<()> {
    for page in pages {
        page.wait("everyone here", |view| {
            others_here(view) == pages.len() - 1 && view.connection_says("introduces newcomers")
        })
        .await?;
    }
    Ok(())
}

fn others_here(view: &View) -> usize {
    view.people
        .iter()
        .filter(|person| !person.you && person.state == "Here")
        .count()
}

/// Whispers to someone.
pub(crate) async fn whisper(page: &Page, to: &str, text: &str) -> Result<()> {
    let name = format!("Whisper to {to}");
    page.click(&name).await?;
    page.paste(&name, text).await?;
    page.click("Send").await
}

/// Waits until either page shows what is `expected`.
pub(crate) async fn either(pages: [&Page; 2], what: &str, expected: impl Fn(&View) -> bool) -> Result<()> {
    let seen = until(PATIENCE, || async {
        for page in pages {
            if page.look().await.is_ok_and(|view| expected(&view)) {
                return Ok(());
            }
        }
        Err(())
    });
    if seen.await.is_err() {
        bail!(
            "neither shows {what}: {:#?} {:#?}",
            pages[0].look().await?,
            pages[1].look().await?
        );
    }
    Ok(())
}
