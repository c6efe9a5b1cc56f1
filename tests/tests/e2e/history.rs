//! What was said is there again: after reloads, and after everyone left.

mod storage;
mod tabs;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join;
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    page::{
        PATIENCE, Page,
        view::{MessageShown, View},
    },
    server::Server,
    wait::until,
};

use crate::lab::{SPREAD, come_in, enter, found, gathered, kept, note, outside, run, together, two, whisper, whispers};

const BOTH: [Engine; 2] = [Engine::Chromium, Engine::Firefox];

const ALONE: &str = "Will be delivered when someone joins";
const AWAY: &str = "Will be delivered when they come back";
const TWO_FACED: &str = "said different things to different people";
/// Says many things at one go: beginning, how many, what is behind the number.
const SAY_MANY: &str = "
    const [beginning, count, end] = arguments;
    const field = document.querySelector('textarea[aria-label=Message]');
    for (let number = 0; number < count; number++) {
        field.value = `${beginning}${number}${end}`;
        document.querySelector('[aria-label=Send]').click();
    }";

/// All texts, or nothing while the page still leaves out earlier ones, which come once one looks further up.
const ALL_TEXTS: &str = "
    const log = document.querySelector('[role=log][aria-label=Messages]');
    log.scrollTop = 0;
    const texts = [...log.querySelectorAll('article .message-text')].map((text) => text.textContent);
    return log.querySelector('button.earlier') ? null : texts;";

/// Runs a test in both engines at the same time.
fn in_both<F: Future<Output = Result<()>>>(test: impl Fn(Engine) -> F) {
    run(async {
        try_join(test(Engine::Chromium), test(Engine::Firefox)).await?;
        Ok(())
    });
}

/// Starts two browsers.
async fn browsers([here, there]: [Engine; 2]) -> Result<(Browser, Browser)> {
    let (here, there) = (Setup::new(here), Setup::new(there));
    try_join(Browser::start(&here), Browser::start(&there)).await
}

/// A tab that keeps a browser open after its last person has left, and sees that they have.
async fn spare(browser: &Browser, server: &Server) -> Result<Page> {
    browser.open(&format!("{}healthz", server.url())).await
}

/// Closes someone's tab, and waits until the browser has let go of what the tab held. So many people stay.
async fn leave(page: Page, spare: &Page, stay: usize) -> Result<()> {
    // Not a page that has yet to draw what came before.
    page.look().await?;
    page.close().await?;
    let held = "const done = arguments[0]; navigator.locks.query().then(({held}) => done(held.length))";
    let left = until(PATIENCE, || async {
        let held = spare.run_async(held, Vec::new()).await?;
        ensure!(held == stay, "{held} tabs are still held");
        Ok(())
    });
    left.await
}

/// Comes back in a new tab, as who was there before.
async fn come_back(browser: &Browser, room: &str) -> Result<Page> {
    let page = browser.open(room).await?;
    page.wait("the room", |view| view.me().is_some()).await?;
    Ok(page)
}

fn texts(view: &View) -> Vec<&str> {
    view.messages.iter().map(|message| message.text.as_str()).collect()
}

/// Waits until these messages are shown, in this order, and no other.
async fn shows(page: &Page, expected: &[&str]) -> Result<View> {
    page.wait_for(SPREAD, &format!("{expected:?}"), |view| texts(view) == expected)
        .await
}

/// So many texts, once they are all there, in the order of the page.
async fn all_texts(page: &Page, count: usize) -> Result<Vec<String>> {
    let all = until(SPREAD, || async {
        let all = page.run(ALL_TEXTS, Vec::new()).await?;
        let all: Vec<String> = serde_json::from_value(all).context("there are earlier ones")?;
        ensure!(all.len() >= count, "{} messages", all.len());
        Ok(all)
    });
    all.await
}

fn is_own(message: &MessageShown) -> bool {
    message.author.contains("(you)")
}

/// How many notices say this.
fn notices(view: &View, text: &str) -> usize {
    view.notices.iter().filter(|notice| notice.text.contains(text)).count()
}

#[test]
fn who_comes_back_has_everything_in_order_although_its_author_has_left() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = browsers(BOTH).await?;
        let (at_home, away) = (spare(&here, &server).await?, spare(&there, &server).await?);
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let cid = enter(&here, &room, "Cid").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob, &cid]).await?;
        for (page, text) in [(&ann, "one"), (&bob, "two"), (&ann, "three")] {
            page.say(text).await?;
            page.wait(text, |view| view.is_delivered(text, "delivered to 2 of 2"))
                .await?;
        }
        leave(bob, &away, 0).await?;
        for text in ["four", "five"] {
            ann.say(text).await?;
        }
        let all = ["one", "two", "three", "four", "five"];
        shows(&cid, &all).await?;
        leave(ann, &at_home, 1).await?;
        cid.wait("Ann's end", |view| view.is("Ann", "Left") || view.is("Ann", "Gone"))
            .await?;
        let bob = come_back(&there, &room).await?;
        let view = shows(&bob, &all).await?;
        let own: Vec<bool> = view.messages.iter().map(is_own).collect();
        ensure!(own == [false, true, false, false, false], "{view:#?}");
        shows(&cid, &all).await?;
        Ok(())
    });
}

#[test]
fn everything_is_there_before_any_network_after_all_had_left_and_goes_on() {
    run(async {
        let mut server = Server::start().await?;
        let (here, there) = browsers(BOTH).await?;
        let (at_home, away) = (spare(&here, &server).await?, spare(&there, &server).await?);
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        for (page, text) in [(&ann, "one"), (&bob, "two"), (&ann, "three")] {
            page.say(text).await?;
            page.wait(text, |view| view.is_delivered(text, "delivered to 1 of 1"))
                .await?;
        }
        whispers(&ann, &bob, "Bob", "psst").await?;
        for page in [&ann, &bob] {
            kept(page).await?;
        }
        leave(ann, &at_home, 0).await?;
        leave(bob, &away, 0).await?;
        server.kill().await?;
        let (ann, bob) = (come_back(&here, &room).await?, come_back(&there, &room).await?);
        let before = ["one", "two", "three", "psst"];
        for (page, label) in [(&ann, "Whisper to Bob"), (&bob, "Whisper to you")] {
            let view = shows(page, &before).await?;
            ensure!(view.messages[3].whisper.as_deref() == Some(label), "{view:#?}");
            ensure!(!view.connection_says("people here"), "{view:#?}");
        }
        server.restart().await?;
        together(&[&ann, &bob]).await?;
        for (page, text) in [(&bob, "four"), (&ann, "five")] {
            page.say(text).await?;
            page.wait(text, |view| view.is_delivered(text, "delivered to 1 of 1"))
                .await?;
        }
        for page in [&ann, &bob] {
            let view = shows(page, &["one", "two", "three", "psst", "four", "five"]).await?;
            ensure!(notices(&view, TWO_FACED) == 0, "{view:#?}");
        }
        Ok(())
    });
}

#[test]
fn what_is_said_while_alone_waits_over_a_reload() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = browsers([Engine::Firefox, Engine::Chromium]).await?;
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        ann.say("anyone?").await?;
        ann.wait("it waits", |view| view.is_delivered("anyone?", ALONE)).await?;
        ann.reload().await?;
        ann.wait("it still waits", |view| view.is_delivered("anyone?", ALONE))
            .await?;
        let bob = enter(&there, &room, "Bob").await?;
        shows(&bob, &["anyone?"]).await?;
        ann.wait("its delivery", |view| {
            view.is_delivered("anyone?", "delivered to 1 of 1")
        })
        .await?;
        Ok(())
    });
}

#[test]
fn a_whisper_to_who_is_away_reaches_them_although_its_author_has_left() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = browsers([Engine::Firefox, Engine::Chromium]).await?;
        let (at_home, away) = (spare(&here, &server).await?, spare(&there, &server).await?);
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let cid = enter(&here, &room, "Cid").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob, &cid]).await?;
        leave(bob, &away, 0).await?;
        ann.wait("Bob's end", |view| view.is("Bob", "Left") || view.is("Bob", "Gone"))
            .await?;
        whisper(&ann, "Bob", "for you alone").await?;
        ann.wait("it waits", |view| view.is_delivered("for you alone", AWAY))
            .await?;
        // Who has this has what was said before.
        ann.click("Back to everyone").await?;
        ann.say("for all").await?;
        ann.wait("its delivery", |view| {
            view.is_delivered("for all", "delivered to 1 of 1")
        })
        .await?;
        leave(ann, &at_home, 1).await?;

        let bob = come_back(&there, &room).await?;
        let both = ["for you alone", "for all"];
        let view = shows(&bob, &both).await?;
        ensure!(
            view.messages[0].whisper.as_deref() == Some("Whisper to you"),
            "{view:#?}"
        );
        let ann = come_back(&here, &room).await?;
        shows(&ann, &both).await?;
        ann.wait("its delivery", |view| view.is_delivered("for you alone", "delivered"))
            .await?;
        cid.reload().await?;
        together(&[&ann, &bob, &cid]).await?;
        shows(&cid, &["for all"]).await?;
        Ok(())
    });
}

async fn two_tabs_reload(engine: Engine) -> Result<()> {
    let mut server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, _) = two(&browser, &server).await?;
    for (page, text) in [(&ann, "from Ann"), (&bob, "from Bob")] {
        page.say(text).await?;
        page.wait(text, |view| view.is_delivered(text, "delivered to 1 of 1"))
            .await?;
    }
    for page in [&ann, &bob] {
        kept(page).await?;
    }
    server.kill().await?;
    for page in [&ann, &bob] {
        page.run("setTimeout(() => location.reload())", Vec::new()).await?;
    }
    together(&[&ann, &bob]).await?;
    for (page, own) in [(&ann, "from Ann"), (&bob, "from Bob")] {
        let view = shows(page, &["from Ann", "from Bob"]).await?;
        ensure!(
            view.messages
                .iter()
                .all(|message| is_own(message) == (message.text == own)),
            "{view:#?}"
        );
    }
    Ok(())
}

#[test]
fn two_tabs_of_one_browser_have_their_past_and_stay_two_people() {
    in_both(two_tabs_reload);
}

async fn forget_a_room(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, room) = found(&browser, &server.url(), "Ann").await?;
    ann.say("said before").await?;
    ann.choose("Leave room").await?;
    // Until then, it is kept.
    ann.click("Private room").await?;
    ann.wait("the room", |view| view.is_delivered("said before", ALONE))
        .await?;
    ann.choose("Leave room").await?;
    ann.click("Forget Private room").await?;
    ann.wait("the start page", |view| view.field("Room").is_some()).await?;
    let listed = until(PATIENCE, || async {
        let listed = "return document.querySelectorAll('[aria-label=\"Your rooms\"] li').length";
        ensure!(ann.run(listed, Vec::new()).await? == 0, "the room is still listed");
        Ok(())
    });
    listed.await?;
    come_in(&ann, &room, "Ann").await?;
    for _ in 0..2 {
        ann.wait("nobody and nothing", |view| {
            view.connection_says("Only you are here.") && view.messages.is_empty()
        })
        .await?;
        ann.reload().await?;
    }
    Ok(())
}

#[test]
fn nothing_is_left_of_a_room_that_was_forgotten() {
    in_both(forget_a_room);
}

#[test]
fn a_reload_amid_a_backlog_loses_nothing_and_shows_nothing_twice() {
    /// As many as a person may say at once.
    const EACH: usize = 120;
    const RELOAD: &str = "
        new MutationObserver(() => {
            const shown = document.querySelectorAll('[role=log] article').length;
            if (shown > 2 && !window.reloads) {
                window.reloads = true;
                sessionStorage.setItem('shown', shown);
                location.reload();
            }
        }).observe(document.body, {childList: true, subtree: true});";
    run(async {
        let server = Server::start().await?;
        let (here, there) = browsers(BOTH).await?;
        let elsewhere = Browser::chromium().await?;
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&here, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        let filling = "x".repeat(1_000);
        for (page, beginning) in [(&ann, "a"), (&bob, "b")] {
            page.run(SAY_MANY, vec![json!(beginning), json!(EACH), json!(filling)])
                .await?;
            page.wait("their delivery", |view| {
                let last = view.messages.iter().rfind(|message| is_own(message));
                last.is_some_and(|message| message.delivery.as_deref() == Some("delivered to 1 of 1"))
            })
            .await?;
        }
        for browser in [&there, &elsewhere] {
            let page = outside(browser, &server).await?;
            page.run(RELOAD, Vec::new()).await?;
            come_in(&page, &room, "Cid").await?;
            let shown = until(PATIENCE, || async {
                let shown = page.run("return sessionStorage.getItem('shown')", Vec::new()).await?;
                ensure!(shown.is_string(), "there was no reload");
                Ok(shown)
            });
            note(&format!("{browser:?} was reloaded when {} were shown", shown.await?));
            let all = all_texts(&page, 2 * EACH).await?;
            let different: BTreeSet<_> = all.iter().collect();
            ensure!((all.len(), different.len()) == (2 * EACH, 2 * EACH), "{all:?}");
        }
        Ok(())
    });
}
