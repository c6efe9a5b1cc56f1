//! Tabs that end, or are told by another tab that something has ended: what they keep, and what they do not.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    page::{PATIENCE, Page},
    server::Server,
    wait::until,
};

use super::{ALONE, AWAY, BOTH, browsers, come_back, in_both, leave, notices, shows, spare};
use crate::lab::{changed, come_in, enter, found, gathered, run, together, two, whisper};

const FORGOTTEN: &str = "You forgot this room in another tab";
/// Longer than a lease.
const LEASE_MAX: Duration = Duration::from_secs(40);

const LOST: &str = "Another tab of this browser goes on as you";

/// Says something, and leaves before anything else happens. The menu is open.
const SAY_AND_GO: &str = "
    document.querySelector('textarea[aria-label=Message]').value = arguments[0];
    document.querySelector('[aria-label=Send]').click();
    [...document.querySelectorAll('[role=menuitem]')].find((item) => item.textContent === 'Leave room').click();";

/// How much is kept of rooms in this browser: what was said, and what stands in lists and boxes.
const KEPT: &str = "
    const done = arguments[0];
    const asked = indexedDB.open('starling');
    asked.onsuccess = () => {
        const count = asked.result.transaction('records').objectStore('records').count();
        const listed = Object.entries(localStorage).filter(([key, value]) => /draft|rooms/.test(key) && value);
        count.onsuccess = () => done(count.result + listed.length);
    };";

async fn is_kept(page: &Page) -> Result<bool> {
    let kept = page.run_async(KEPT, Vec::new()).await?;
    Ok(kept.as_u64().with_context(|| format!("{kept}"))? > 0)
}

async fn forget_in_one_of_two_tabs(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let at_home = spare(&browser, &server).await?;
    let (ann, bob, room) = two(&browser, &server).await?;
    ann.say("said before").await?;
    ann.wait("its delivery", |view| {
        view.is_delivered("said before", "delivered to 1 of 1")
    })
    .await?;
    bob.paste("Message", "half a letter").await?;
    ensure!(is_kept(&at_home).await?, "nothing was kept");
    ann.choose("Forget this room").await?;
    ann.click("Leave and forget").await?;
    ann.wait("the start page", |view| view.field("Room").is_some()).await?;
    let view = bob.wait(FORGOTTEN, |view| notices(view, FORGOTTEN) == 1).await?;
    ensure!(view.has("said before") && view.field("Message").is_none(), "{view:#?}");
    ensure!(!is_kept(&at_home).await?, "something is kept");
    // Whoever looks at it again is not in it again.
    bob.holds(Duration::from_secs(2), "Bob is out", |view| {
        notices(view, FORGOTTEN) == 1
    })
    .await?;
    ensure!(!is_kept(&at_home).await?, "something is kept again");
    come_in(&ann, &room, "Ann").await?;
    ann.wait("nobody and nothing", |view| {
        view.connection_says("Only you are here.") && view.messages.is_empty() && view.people.len() == 1
    })
    .await?;
    Ok(())
}

#[test]
fn a_room_that_is_forgotten_in_one_tab_is_left_in_the_other_and_not_kept_again() {
    in_both(forget_in_one_of_two_tabs);
}

async fn say_and_go(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, room) = two(&browser, &server).await?;
    for round in 0..3 {
        let text = format!("the last word, {round}");
        ann.click("Room menu").await?;
        ann.menu().await?;
        ann.run(SAY_AND_GO, vec![json!(text)]).await?;
        bob.wait("what was said last", |view| view.has(&text)).await?;
        bob.wait("Ann left", |view| view.is("Ann", "Left")).await?;
        ann.goto(&room).await?;
        together(&[&ann, &bob]).await?;
    }
    let all = ["the last word, 0", "the last word, 1", "the last word, 2"];
    shows(&ann, &all).await?;
    shows(&bob, &all).await?;
    Ok(())
}

#[test]
fn what_is_said_right_before_leaving_is_sent() {
    in_both(say_and_go);
}

#[test]
fn who_was_met_is_away_after_a_reload_alone_and_can_be_whispered_to() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = browsers(BOTH).await?;
        let away = spare(&there, &server).await?;
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        // Never to everyone.
        whisper(&bob, "Ann", "psst").await?;
        ann.wait("the whisper", |view| view.has("psst")).await?;
        leave(bob, &away, 0).await?;
        // A tab that is closed may be gone before its goodbye is.
        ann.wait("Bob's end", |view| view.is("Bob", "Left") || view.is("Bob", "Gone"))
            .await?;
        ann.reload().await?;
        let view = ann.wait("Bob is away", |view| view.is("Bob", "Away")).await?;
        ensure!(view.messages[0].author.contains("Bob"), "{view:#?}");
        whisper(&ann, "Bob", "for you alone").await?;
        let view = ann
            .wait("it waits", |view| view.is_delivered("for you alone", AWAY))
            .await?;
        let label = view.messages[1].whisper.as_deref();
        ensure!(label == Some("Whisper to Bob"), "{view:#?}");
        let bob = come_back(&there, &room).await?;
        shows(&bob, &["psst", "for you alone"]).await?;
        ann.wait("its delivery", |view| {
            view.is_delivered("for you alone", "delivered") && view.is("Bob", "Here")
        })
        .await?;
        Ok(())
    });
}

/// As over plain http.
const WITHOUT_LOCKS: &str = "delete Navigator.prototype.locks";

/// The tab is somebody else in each try, until the lease on Ann's identity has run out.
async fn becomes_ann(page: &Page) -> Result<()> {
    let taken = until(LEASE_MAX, || async {
        let view = page
            .wait("a page", |view| {
                view.me().is_some() || view.field("Your name").is_some()
            })
            .await?;
        if view.me().is_none() {
            page.run("sessionStorage.clear()", Vec::new()).await?;
            page.reload().await?;
        }
        ensure!(view.me().is_some(), "Ann's lease has not run out");
        Ok(())
    });
    taken.await
}

#[test]
fn where_there_are_no_locks_a_reload_is_the_same_person_and_another_tab_is_not() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let room = format!("{}#/r/reloaders", server.url());
        let ann = changed(&browser, WITHOUT_LOCKS, &server.url()).await?;
        come_in(&ann, &room, "Ann").await?;
        for said in ["one", "two", "three"] {
            ann.say(said).await?;
            ann.wait("it waits", |view| view.is_delivered(said, ALONE)).await?;
            ann.reload().await?;
            // Who is somebody else is asked for a name first.
            ann.wait("what Ann said", |view| view.me().is_some() && view.has(said))
                .await?;
        }
        let bob = changed(&browser, WITHOUT_LOCKS, &server.url()).await?;
        come_in(&bob, &room, "Bob").await?;
        for (page, other) in [(&ann, "Bob"), (&bob, "Ann")] {
            page.wait("the other", |view| view.is(other, "Here")).await?;
        }
        Ok(())
    });
}

#[test]
fn a_tab_whose_identity_another_took_while_it_slept_leaves_and_says_so() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let room = format!("{}#/r/sleepers", server.url());
        let ann = changed(&browser, WITHOUT_LOCKS, &server.url()).await?;
        come_in(&ann, &room, "Ann").await?;
        ann.say("before").await?;
        ann.wait("it waits", |view| view.is_delivered("before", ALONE)).await?;
        ann.devtools("Page.setWebLifecycleState", json!({"state": "frozen"}))
            .await?;
        let again = changed(&browser, WITHOUT_LOCKS, &room).await?;
        becomes_ann(&again).await?;
        again.wait("what Ann said", |view| view.has("before")).await?;
        ann.devtools("Page.setWebLifecycleState", json!({"state": "active"}))
            .await?;
        ann.wait_for(2 * PATIENCE, LOST, |view| notices(view, LOST) == 1)
            .await?;
        ann.wait("it is out of the room", |view| view.field("Message").is_none())
            .await?;
        again.say("kept").await?;
        again.wait("it waits", |view| view.is_delivered("kept", ALONE)).await?;
        // Neither takes the other's place with the server: the one that is out has no socket any more.
        again
            .holds(Duration::from_secs(5), "Ann is here", |view| {
                view.notices.is_empty() && view.connection_says("Only you are here.")
            })
            .await?;
        again.reload().await?;
        again.wait("what was kept", |view| view.has("kept")).await?;
        ann.close().await?;
        again.reload().await?;
        again.wait("what was kept", |view| view.has("kept")).await?;
        Ok(())
    });
}
