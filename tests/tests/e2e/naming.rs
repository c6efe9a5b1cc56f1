//! Names that are given later, and how the page looks: what a person changes from within a room.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    page::{Page, view::View},
    server::Server,
};

use crate::lab::{enter, found, run, two};

async fn rename(page: &Page, item: &str, field: &str, name: &str) -> Result<()> {
    page.choose(item).await?;
    page.paste(field, name).await?;
    page.click("Save").await
}

async fn names_are_changed(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, room) = two(&browser, &server).await?;
    rename(&ann, "Rename room", "Name of the room", "Roost").await?;
    for page in [&ann, &bob] {
        page.wait("the room's name", |view| view.heading.as_deref() == Some("Roost"))
            .await?;
    }
    rename(&bob, "Rename yourself", "Your name", "Robert").await?;
    ann.wait("Bob's new name", |view| view.is("Robert", "Here")).await?;
    bob.say("it is me").await?;
    ann.wait("the message", |view| {
        view.messages.iter().any(|message| message.author == "Robert")
    })
    .await?;
    // What it is about, and what everybody is to find.
    rename(&ann, "Topic", "Topic", "tea at five").await?;
    for page in [&ann, &bob] {
        page.wait("the topic", |view| view.topic == "tea at five").await?;
    }
    ann.choose_of("it is me", "Pin for everyone").await?;
    let pinned = |view: &View| view.pinned == ["Robert: it is me"];
    bob.wait("what is pinned", pinned).await?;
    let eve = enter(&browser, &room, "Eve").await?;
    eve.wait("both, as a newcomer", |view| {
        pinned(view) && view.topic == "tea at five"
    })
    .await?;
    ann.choose_of("it is me", "Unpin").await?;
    rename(&ann, "Topic", "Topic", " ").await?;
    for page in [&ann, &bob, &eve] {
        page.wait("neither", |view| view.pinned.is_empty() && view.topic.is_empty())
            .await?;
    }
    // A name that cannot be is told at its field, and nothing happens.
    bob.choose("Rename yourself").await?;
    bob.paste("Your name", "").await?;
    bob.click("Save").await?;
    bob.wait("what is wrong", |view| {
        view.field("Your name")
            .is_some_and(|field| field.invalid && field.description.contains("Type a name"))
    })
    .await?;
    // Who comes later, and who comes back, finds both names.
    bob.reload().await?;
    let cid = enter(&browser, &room, "Cid").await?;
    for page in [&bob, &cid] {
        page.wait("both names", |view| {
            view.heading.as_deref() == Some("Roost") && view.people.iter().any(|person| person.name == "Robert")
        })
        .await?;
    }
    Ok(())
}

#[test]
fn chromium_shows_names_that_are_given_later() {
    run(names_are_changed(Engine::Chromium));
}

#[test]
fn firefox_shows_names_that_are_given_later() {
    run(names_are_changed(Engine::Firefox));
}

#[test]
fn a_chosen_theme_and_size_of_text_and_a_folded_network_hold_after_a_reload() {
    run(async {
        const LOOKS: &str = "
            const root = document.documentElement;
            return [getComputedStyle(root).colorScheme, getComputedStyle(root).fontSize];";
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, _) = found(&browser, &server.url(), "Ann").await?;
        let other = browser.open(&server.url()).await?;
        ensure!(ann.run(LOOKS, vec![]).await? == json!(["light", "16px"]));
        ann.choose("Appearance").await?;
        ann.pick("Dark").await?;
        ann.pick("Large").await?;
        ann.click("Done").await?;
        ann.click("Network").await?;
        let chosen = json!(["dark", "19px"]);
        ensure!(ann.run(LOOKS, vec![]).await? == chosen);
        ann.reload().await?;
        ann.wait("a network that is folded up", |view| {
            let folded = view.network.as_ref().filter(|network| !network.map);
            folded.is_some_and(|network| network.says == ["Network size: 1"])
        })
        .await?;
        for page in [&ann, &other] {
            ensure!(page.run(LOOKS, vec![]).await? == chosen, "{page:?}");
        }
        Ok(())
    });
}
