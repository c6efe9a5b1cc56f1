//! Browsers that are killed, and browsers that store no more.

use anyhow::{Result, ensure};
use futures_util::future::try_join;
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    page::Page,
    server::Server,
};

use super::{BOTH, SAY_MANY, TWO_FACED, browsers, come_back, is_own, notices, shows, spare, texts};
use crate::lab::{all_have, come_in, enter, found, gathered, note, run, set_quota, together};

const FULL: &str = "no space left to store what is said";
const CLOSED: &str = "can no longer store what is said";

/// One after the other, while the driver does something else. The tab may be hidden, so a timer would be too slow.
const GO_ON_SAYING: &str = "
    const [beginning, count] = arguments;
    const field = document.querySelector('textarea[aria-label=Message]');
    const { port1, port2 } = new MessageChannel();
    let number = 0, due = 0;
    port1.onmessage = () => {
        if (performance.now() > due) {
            due = performance.now() + 5;
            field.value = `${beginning}${number++}`;
            document.querySelector('[aria-label=Send]').click();
        }
        if (number < count) port2.postMessage(0);
    };
    port2.postMessage(0);";

/// Kills the browser of someone who is talking to Bob, and starts it again.
async fn is_killed_and_comes_back(engine: Engine, room: &str, name: &str, bob: &Page) -> Result<()> {
    let profile = tempfile::tempdir()?;
    let setup = Setup::new(engine).profile(profile.path());
    let killed = Browser::start(&setup).await?;
    let page = enter(&killed, room, name).await?;
    gathered(&[&page, bob]).await?;
    page.run(GO_ON_SAYING, vec![json!(name), json!(120)]).await?;
    bob.wait("some of it", |view| view.messages.len() > 10).await?;
    killed.kill()?;
    drop((page, killed));
    let at_kill = bob.look().await?.messages.len();
    // At once: the others still take the killed one for here.
    let again = Browser::start(&setup).await?;
    let page = come_back(&again, room).await?;
    together(&[&page, bob]).await?;
    page.say("back").await?;
    all_have(&[&page, bob], "back").await?;
    let (back, heard) = (page.look().await?, bob.look().await?);
    note(&format!(
        "{engine:?} was killed when {at_kill} were heard, and has {}",
        back.messages.len()
    ));
    ensure!(texts(&back) == texts(&heard), "{back:#?} {heard:#?}");
    ensure!(back.messages.iter().all(is_own), "{back:#?}");
    let said = (0..back.messages.len() - 1).map(|number| format!("{name}{number}"));
    ensure!(said.chain(["back".to_owned()]).eq(texts(&back)), "{back:#?}");
    ensure!(back.messages.len() > at_kill, "{back:#?}");
    for view in [back, heard] {
        ensure!(notices(&view, TWO_FACED) == 0, "{view:#?}");
    }
    Ok(())
}

#[test]
fn a_browser_killed_amid_talking_comes_back_with_all_that_others_have_and_is_trusted() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (red, blue) = (
            found(&browser, &server.url(), "Bob").await?,
            enter_open(&browser, &server).await?,
        );
        try_join(
            is_killed_and_comes_back(Engine::Chromium, &red.1, "Ann", &red.0),
            is_killed_and_comes_back(Engine::Firefox, &blue.1, "Fay", &blue.0),
        )
        .await?;
        Ok(())
    });
}

/// Another room for another Bob.
async fn enter_open(browser: &Browser, server: &Server) -> Result<(Page, String)> {
    let room = format!("{}#/r/blue", server.url());
    Ok((enter(browser, &room, "Bob").await?, room))
}

/// Everybody goes on to hear each other; who stores nothing any more is told once.
async fn go_on(pages: [&Page; 2], topic: &str, told: &[(&Page, &str)]) -> Result<()> {
    for round in 0..3 {
        for (page, name) in pages.into_iter().zip(["Ann", "Bob"]) {
            let text = format!("{name} {topic} {round}");
            page.say(&text).await?;
            page.wait(&text, |view| view.is_delivered(&text, "delivered to 1 of 1"))
                .await?;
            all_have(&pages, &text).await?;
        }
        for (page, notice) in told {
            page.wait(notice, |view| notices(view, notice) == 1).await?;
        }
    }
    for page in pages {
        let view = page.look().await?;
        ensure!(notices(&view, TWO_FACED) == 0, "{view:#?}");
    }
    Ok(())
}

#[test]
fn a_full_disk_is_told_once_and_stops_no_chat() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = browsers(BOTH).await?;
        // Not the page itself: once Chromium has looked how much is left, it relies on that for half a minute.
        let ann = spare(&here, &server).await?;
        set_quota(&ann, &server, Some(200_000)).await?;
        ann.goto(&server.url()).await?;
        let room = format!("{}#/r/full", server.url());
        come_in(&ann, &room, "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        ann.say("before").await?;
        all_have(&[&ann, &bob], "before").await?;
        ensure!(notices(&ann.look().await?, FULL) == 0, "there was space");
        bob.run(SAY_MANY, vec![json!("b"), json!(100), json!("x".repeat(4_000))])
            .await?;
        ann.wait("all of it", |view| view.messages.len() == 101).await?;
        go_on([&ann, &bob], "unstored", &[(&ann, FULL)]).await?;

        set_quota(&ann, &server, None).await?;
        let before = bob.look().await?;
        ann.reload().await?;
        together(&[&ann, &bob]).await?;
        shows(&ann, &texts(&before)).await?;
        go_on([&ann, &bob], "stored", &[]).await?;
        ensure!(notices(&ann.look().await?, FULL) == 0, "there is space");
        Ok(())
    });
}

#[test]
fn a_store_that_is_closed_under_an_open_room_is_told_once_and_stops_no_chat() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = browsers(BOTH).await?;
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        for (page, text) in [(&ann, "one"), (&bob, "two")] {
            page.say(text).await?;
            page.wait(text, |view| view.is_delivered(text, "delivered to 1 of 1"))
                .await?;
        }
        // As a person does in the settings.
        let data = json!({"origin": server.url().trim_end_matches('/'), "storageTypes": "indexeddb"});
        ann.devtools("Storage.clearDataForOrigin", data).await?;
        // As a later version of the page would.
        let delete = "const done = arguments[0];
            const asked = indexedDB.deleteDatabase('starling');
            asked.onsuccess = () => done(true);
            // It may be blocked for a moment: by what is being written.
            asked.onerror = () => done(false);";
        let other = spare(&there, &server).await?;
        ensure!(
            other.run_async(delete, Vec::new()).await? == true,
            "the database is open"
        );
        go_on([&ann, &bob], "unstored", &[(&ann, CLOSED), (&bob, CLOSED)]).await
    });
}
