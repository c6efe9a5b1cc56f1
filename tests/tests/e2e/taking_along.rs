//! What a person takes to another device: who they are, and what was said.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    browser::{Browser, Engine, Setup},
    page::{PATIENCE, Page, view::View},
    server::Server,
    wait::until,
};

use crate::lab::{all_have, come_in, either, found, note, outside, run};

/// Keeps the text of what is saved, rather than have the browser save it.
const WATCH: &str = "
    window.handed = null;
    const make = URL.createObjectURL;
    URL.createObjectURL = blob => { blob.text().then(text => { window.handed = text; }); return make.call(URL, blob); };
    const click = HTMLAnchorElement.prototype.click;
    HTMLAnchorElement.prototype.click = function () { if (!this.download) click.call(this); };";

const OPEN: &str = "document.querySelector('.take-along').open = true";

/// What is saved by this button, as text.
async fn saved(page: &Page, button: &str) -> Result<String> {
    page.run(WATCH, vec![]).await?;
    page.click(button).await?;
    until(PATIENCE, || async {
        let text = page.run("return window.handed ?? null", vec![]).await?;
        Ok::<_, anyhow::Error>(text.as_str().context("nothing is saved yet")?.to_owned())
    })
    .await
}

/// Waits until these words are in the page.
async fn says(page: &Page, selector: &str, words: &str) -> Result<()> {
    until(PATIENCE, || async {
        let text = page
            .run(
                "return document.querySelector(arguments[0])?.innerText ?? ''",
                vec![json!(selector)],
            )
            .await?;
        ensure!(
            text.as_str().is_some_and(|text| text.contains(words)),
            "{words:?} is not in {text}"
        );
        Ok(())
    })
    .await
}

fn fingerprint(view: &View) -> Result<String> {
    Ok(view.me().context("the own item")?.fingerprint.clone())
}

/// Somebody founds a room here, goes on there, and comes back here.
async fn goes(here: Engine, there: Engine) -> Result<()> {
    let server = Server::start().await?;
    let (here, there) = (
        Browser::start(&Setup::new(here)).await?,
        Browser::start(&Setup::new(there)).await?,
    );
    let (ann, room) = found(&here, &server.url(), "Ann").await?;
    let before = fingerprint(&ann.look().await?)?;
    ann.choose("Leave room").await?;
    ann.wait("the start page", |view| view.field("Room").is_some()).await?;
    ann.run(OPEN, vec![]).await?;
    ann.paste("Passphrase of the file", "short").await?;
    ann.click("Save identity").await?;
    says(&ann, ".take-along", "too short").await?;
    ann.paste("Passphrase of the file", "correct horse").await?;
    let file = saved(&ann, "Save identity").await?;

    let away = outside(&there, &server).await?;
    let file_box = ".take-along input[type=file]";
    away.run(OPEN, vec![]).await?;
    away.paste("Passphrase of the file", "wrong horse").await?;
    away.choose_file(file_box, &file).await?;
    says(&away, ".take-along", "not the passphrase").await?;
    away.choose_file(file_box, "{}").await?;
    says(&away, ".take-along", "not the file of an identity").await?;
    away.paste("Passphrase of the file", "correct horse").await?;
    away.choose_file(file_box, &file).await?;
    says(&away, ".take-along", &before).await?;
    away.click("Be that person here").await?;
    until(PATIENCE, || async {
        // The page is loaded anew.
        let open = away
            .run("return document.querySelector('.take-along')?.open ?? true", vec![])
            .await?;
        ensure!(open == false, "the page is still the one before");
        Ok(())
    })
    .await?;
    away.goto(&room).await?;
    let there = away.wait("the room", |view| view.me().is_some()).await?;
    ensure!(fingerprint(&there)? == before, "{there:#?}");
    ensure!(there.me().is_some_and(|me| me.name == "Ann"), "{there:#?}");
    away.say("from there").await?;
    // The founder's word.
    away.choose("Rename room").await?;
    away.paste("Name of the room", "Roost").await?;
    away.click("Save").await?;
    away.wait("the name", |view| view.has("from there")).await?;

    ann.goto(&room).await?;
    ann.wait("the room", |view| view.me().is_some()).await?;
    let is_told = |view: &View| view.notices.iter().any(|notice| notice.text.contains("somewhere else"));
    either([&ann, &away], "that there are two", is_told).await
}

#[test]
fn an_identity_goes_from_chromium_to_firefox_and_two_that_live_at_once_are_told() {
    run(goes(Engine::Chromium, Engine::Firefox));
}

#[test]
fn an_identity_goes_from_firefox_to_chromium_and_two_that_live_at_once_are_told() {
    run(goes(Engine::Firefox, Engine::Chromium));
}

fn with_another_letter(text: &str) -> String {
    let middle = text.len() / 2;
    let letter = if text.as_bytes()[middle] == b'A' { "B" } else { "A" };
    format!("{}{letter}{}", &text[..middle], &text[middle + 1..])
}

/// What was said is exported, forgotten, and brought back, by its author and by somebody else.
async fn comes_back(engine: Engine, other: Engine) -> Result<()> {
    let server = Server::start().await?;
    let (here, there) = (
        Browser::start(&Setup::new(engine)).await?,
        Browser::start(&Setup::new(other)).await?,
    );
    let (ann, room) = found(&here, &server.url(), "Ann").await?;
    for text in ["one", "two", "three"] {
        ann.say(text).await?;
        all_have(&[&ann], text).await?;
    }
    ann.choose("Export").await?;
    let export = saved(&ann, "As JSON").await?;
    ann.click("Done").await?;
    ann.choose("Forget this room").await?;
    ann.click("Leave and forget").await?;
    ann.wait("the start page", |view| view.field("Room").is_some()).await?;

    let bob = outside(&there, &server).await?;
    come_in(&bob, &room, "Bob").await?;
    let file_box = "dialog input[accept]";
    let read: Value = serde_json::from_str(&export)?;
    let mut altered = read.clone();
    let record = altered["messages"][1]["record"].as_str().context("a record")?;
    altered["messages"][1]["record"] = json!(with_another_letter(record));
    // What stands beside is believed in nothing.
    altered["messages"][0]["text"] = json!("I agree");
    let mut elsewhere = read;
    elsewhere["room_id"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    bob.choose("Export").await?;
    for (text, words) in [
        ("{".to_owned(), "no JSON export"),
        (elsewhere.to_string(), "export of another room"),
        (
            altered.to_string(),
            "2 messages are back. Could not be verified, and left out: 1.",
        ),
        (
            export.clone(),
            "1 message is back. Already here, or had to make room for newer ones: 2.",
        ),
    ] {
        bob.choose_file(file_box, &text).await?;
        says(&bob, "dialog", words).await?;
    }
    bob.click("Done").await?;
    bob.reload().await?;
    let view = bob
        .wait("what came back, after a reload", |view| view.messages.len() == 3)
        .await?;
    let texts: Vec<_> = view.messages.iter().map(|message| message.text.as_str()).collect();
    ensure!(texts == ["one", "two", "three"], "{view:#?}");
    note(&format!("{engine:?}'s export is {} bytes", export.len()));

    ann.goto(&room).await?;
    let view = ann.wait("what Bob has", |view| view.messages.len() == 3).await?;
    ensure!(
        view.messages.iter().all(|message| message.author.contains("(you)")),
        "{view:#?}"
    );
    ann.choose("Export").await?;
    let again = saved(&ann, "As JSON").await?;
    let public = |text: &str| text.split("\"private\"").next().map(str::to_owned);
    ensure!(public(&again) == public(&export), "{again}");
    // Both engines write the same bytes of what both have.
    bob.choose("Export").await?;
    let bobs = saved(&bob, "As JSON").await?;
    ensure!(public(&bobs) == public(&export), "{bobs}");
    Ok(())
}

#[test]
fn what_was_exported_in_chromium_is_brought_back_in_firefox() {
    run(comes_back(Engine::Chromium, Engine::Firefox));
}

#[test]
fn what_was_exported_in_firefox_is_brought_back_in_chromium() {
    run(comes_back(Engine::Firefox, Engine::Chromium));
}
