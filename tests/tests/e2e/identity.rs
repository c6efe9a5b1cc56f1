//! Tabs are people: each has an identity, and keeps the identity.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    browser::Browser,
    page::{PATIENCE, Page},
    server::Server,
    wait::until,
};

use crate::lab::{enter, found, gathered, run, two};

/// The fingerprint of a tab's own key.
async fn fingerprint(page: &Page) -> Result<String> {
    let view = page.wait("the own item", |view| view.me().is_some()).await?;
    Ok(view.me().context("just seen")?.fingerprint.clone())
}

#[test]
fn a_reload_keeps_identity_and_name_and_asks_nothing() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        let before = fingerprint(&bob).await?;
        bob.reload().await?;
        // Nobody answers a question for a name here.
        gathered(&[&ann, &bob]).await?;
        let view = bob.look().await?;
        let me = view.me().context("the own item")?;
        ensure!(me.fingerprint == before && me.name == "Bob", "{view:#?}");
        let view = ann.look().await?;
        ensure!(view.people.len() == 2, "Bob is listed twice: {view:#?}");
        ann.say("still there?").await?;
        bob.wait("the message", |view| view.has("still there?")).await?;
        Ok(())
    });
}

#[test]
fn each_tab_of_a_browser_is_another_person_also_after_reloads() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, room) = found(&browser, &server.url(), "Ann").await?;
        // Asked for a name, since this tab is nobody yet.
        let bob = enter(&browser, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        let before = [fingerprint(&ann).await?, fingerprint(&bob).await?];
        ensure!(before[0] != before[1], "both tabs are {before:?}");
        for (first, second) in [(&ann, &bob), (&bob, &ann)] {
            first.reload().await?;
            second.reload().await?;
            gathered(&[&ann, &bob]).await?;
            let after = [fingerprint(&ann).await?, fingerprint(&bob).await?];
            ensure!(before == after, "{before:?} became {after:?}");
        }
        let names = [&ann, &bob].map(Page::look);
        let [ann, bob] = names;
        let (ann, bob) = (ann.await?, bob.await?);
        ensure!(ann.me().is_some_and(|me| me.name == "Ann"), "{ann:#?}");
        ensure!(bob.me().is_some_and(|me| me.name == "Bob"), "{bob:#?}");
        Ok(())
    });
}

#[test]
fn who_comes_back_another_day_is_known() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::firefox().await?;
        let (ann, room) = found(&browser, &server.url(), "Ann").await?;
        let before = fingerprint(&ann).await?;
        let other = browser.tab().await?;
        ann.close().await?;
        // A browser may take a moment to let go of what a closed tab held.
        other.goto(&format!("{}healthz", server.url())).await?;
        let free = until(PATIENCE, || async {
            let held = "const done = arguments[0]; navigator.locks.query().then(({held}) => done(held.length))";
            let held = other.run_async(held, Vec::new()).await?;
            ensure!(held == json!(0), "{held} locks are held");
            Ok(())
        });
        free.await?;
        other.goto(&room).await?;
        // The only identity of this browser is free again, so this new tab is it, and joins without a question.
        let after = fingerprint(&other).await?;
        ensure!(before == after, "{before} became {after}");
        Ok(())
    });
}
