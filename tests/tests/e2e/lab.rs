//! The beginning of most tests: browsers, tabs, a room.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use tests::{
    browser::Browser,
    page::{PATIENCE, Page, view::View},
    server::Server,
    wait::until,
};

pub(crate) use tests::{
    room::{at_the_door, enter, found, go_in, others_here},
    run::{note, run, run_alone},
};

/// A test with many tabs, which share few processors with their browsers, that takes longer hangs.
pub(crate) const LONG: Duration = Duration::from_secs(900);

/// How long what everybody has to hear of may take in a room of a dozen tabs, all on one machine.
pub(crate) const SPREAD: Duration = Duration::from_secs(40);

/// Founds a room in the first of these browsers and lets the others in all at once, so many tabs into each. The tabs are called
/// by number, `p0` first.
pub(crate) async fn crowd(server: &Server, browsers: &[(&Browser, usize)]) -> Result<(Vec<Page>, String)> {
    let (first, room) = found(browsers[0].0, &server.url(), "p0").await?;
    let mut next = 1;
    let groups = browsers.iter().zip(0..).map(|((browser, tabs), place)| {
        let names = next..next + tabs - usize::from(place == 0);
        next = names.end;
        let room = &room;
        async move {
            let mut pages = Vec::new();
            for name in names {
                pages.push(enter(browser, room, &format!("p{name}")).await?);
            }
            Ok::<_, anyhow::Error>(pages)
        }
    });
    let groups = try_join_all(groups.collect::<Vec<_>>()).await?;
    let pages: Vec<Page> = [first].into_iter().chain(groups.into_iter().flatten()).collect();
    Ok((pages, room))
}

/// Ann founds a room in this browser, and Bob is with her in another tab of it; gives their tabs and the room's address.
pub(crate) async fn two(browser: &Browser, server: &Server) -> Result<(Page, Page, String)> {
    let (ann, room) = found(browser, &server.url(), "Ann").await?;
    let bob = enter(browser, &room, "Bob").await?;
    gathered(&[&ann, &bob]).await?;
    Ok((ann, bob, room))
}

/// Sets how much Chromium stores for the pages of a server, `None` as much as it likes.
pub(crate) async fn set_quota(page: &Page, server: &Server, bytes: Option<u32>) -> Result<()> {
    let mut quota = json!({"origin": server.url().trim_end_matches('/')});
    if let Some(bytes) = bytes {
        quota["quotaSize"] = json!(bytes);
    }
    page.devtools("Storage.overrideQuotaForOrigin", quota).await?;
    Ok(())
}

/// Opens the start page for someone who will come in later, by hand or through another tab.
pub(crate) async fn outside(browser: &Browser, server: &Server) -> Result<Page> {
    let page = browser.open(&server.url()).await?;
    page.wait("the start page", |view| view.field("Room").is_some()).await?;
    Ok(page)
}

/// A tab of Chromium in which a script runs before every page, and then this page.
pub(crate) async fn changed(browser: &Browser, script: &str, url: &str) -> Result<Page> {
    let page = browser.tab().await?;
    let source = json!({ "source": script });
    page.devtools("Page.addScriptToEvaluateOnNewDocument", source).await?;
    page.goto(url).await?;
    Ok(page)
}

/// Goes from the start page into a room whose link one was given.
pub(crate) async fn come_in(page: &Page, room: &str, name: &str) -> Result<()> {
    page.paste("Your name", name).await?;
    page.paste("Room", room).await?;
    page.click("Join room").await?;
    page.wait("the room", |view| view.me().is_some()).await?;
    Ok(())
}

/// Until the browser keeps the page, so that it comes without a server.
pub(crate) async fn kept(page: &Page) -> Result<()> {
    let script = "const done = arguments[arguments.length - 1]; navigator.serviceWorker.ready.then(() => done(true), () => done(false));";
    ensure!(page.run_async(script, vec![]).await? == true, "the page is not kept");
    Ok(())
}

/// Kills the server and waits until every page has noticed.
pub(crate) async fn without(server: &mut Server, pages: &[&Page]) -> Result<()> {
    server.kill().await?;
    for page in pages {
        page.wait("the loss of the server", |view| {
            view.connection_says("Your chat keeps working")
        })
        .await?;
    }
    Ok(())
}

/// Waits until each of these pages has all the others "Here", and all are registered with the server.
pub(crate) async fn gathered(pages: &[&Page]) -> Result<()> {
    for page in pages {
        page.wait("everyone here", |view| {
            others_here(view) == pages.len() - 1 && view.is_registered()
        })
        .await?;
    }
    Ok(())
}

/// Waits until each of these pages has all the others "Here", in whatever way it reaches them.
pub(crate) async fn together(pages: &[&Page]) -> Result<()> {
    for page in pages {
        page.wait_for(SPREAD, "everyone here", |view| others_here(view) == pages.len() - 1)
            .await?;
    }
    Ok(())
}

/// Waits until each of these pages shows a message exactly once.
pub(crate) async fn all_have(pages: &[&Page], text: &str) -> Result<()> {
    for page in pages {
        page.wait(text, |view| view.has(text)).await?;
    }
    Ok(())
}

/// Whispers to someone, waits until it arrives, and goes back to talking to everyone.
pub(crate) async fn whispers(from: &Page, to: &Page, to_name: &str, text: &str) -> Result<()> {
    whisper(from, to_name, text).await?;
    let view = to.wait_for(SPREAD, text, |view| view.has(text)).await?;
    ensure!(
        view.messages(text)
            .all(|message| message.whisper.as_deref() == Some("Whisper to you")),
        "{view:#?}"
    );
    from.wait("its receipt", |view| view.is_delivered(text, "delivered"))
        .await?;
    from.click("Back to everyone").await
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
