//! What one browser keeps of a room, and how it is taken along or forgotten.

use std::{fs, path::Path};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tests::{
    browser::{Browser, Engine, Setup},
    page::{PATIENCE, Page, view::View},
    server::Server,
    wait::until,
};

use crate::lab::{all_have, found, run};

fn has_draft(view: &View, text: &str) -> bool {
    view.field("Message").is_some_and(|field| field.value == text)
}

/// Waits for a file that the browser saves.
async fn saved(folder: &Path, ending: &str) -> Result<(String, String)> {
    until(PATIENCE, || async {
        for file in fs::read_dir(folder)? {
            let path = file?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(ending) {
                let text = fs::read_to_string(&path)?;
                // The browser holds the name by an empty file until it has all of it.
                ensure!(!text.is_empty(), "{name} is not saved yet");
                return Ok((name, text));
            }
        }
        bail!("no file ends with {ending}")
    })
    .await
}

#[test]
fn what_was_said_is_saved_as_files() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, _) = found(&browser, &server.url(), "Ann").await?;
        ann.say("hello <b>Bob</b>").await?;
        all_have(&[&ann], "hello <b>Bob</b>").await?;
        let folder = tempfile::tempdir()?;
        let to_folder = json!({"behavior": "allow", "downloadPath": folder.path()});
        ann.devtools("Browser.setDownloadBehavior", to_folder).await?;
        ann.choose("Export").await?;
        ann.click("As a page").await?;
        let (name, page) = saved(folder.path(), ".html").await?;
        ensure!(
            name.starts_with("starling-room-20") && page.contains("hello &lt;b&gt;Bob&lt;/b&gt;"),
            "{name}: {page}"
        );
        ann.click("As JSON").await?;
        let (_, json) = saved(folder.path(), ".json").await?;
        let json: Value = serde_json::from_str(&json)?;
        ensure!(json["messages"][0]["text"] == "hello <b>Bob</b>", "{json}");
        Ok(())
    });
}

/// The room is opened in a new tab, once the tab before is closed: nothing is left of that one.
async fn anew(browser: &Browser, before: Page, room: &str) -> Result<Page> {
    let page = browser.open("about:blank").await?;
    before.close().await?;
    page.goto(room).await?;
    page.wait("the room", |view| view.me().is_some()).await?;
    Ok(page)
}

async fn is_forgotten(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, room) = found(&browser, &server.url(), "Ann").await?;
    ann.say("hello").await?;
    ann.paste("Message", "half a letter").await?;
    ann.wait("the draft", |view| has_draft(view, "half a letter")).await?;
    let ann = anew(&browser, ann, &room).await?;
    ann.wait("what was kept", |view| {
        view.has("hello") && has_draft(view, "half a letter")
    })
    .await?;
    ann.choose("Forget this room").await?;
    ann.click("Leave and forget").await?;
    ann.wait("the start page", |view| view.field("Room").is_some()).await?;
    let listed = ann
        .run("return document.querySelectorAll('.known-rooms li').length", vec![])
        .await?;
    ensure!(listed == 0, "{listed} rooms are listed");
    ann.goto(&room).await?;
    let back = ann.wait("the room", |view| view.me().is_some()).await?;
    ensure!(!back.has("hello") && has_draft(&back, ""), "{back:#?}");
    Ok(())
}

#[test]
fn a_room_that_is_forgotten_leaves_nothing_here_in_chromium() {
    run(is_forgotten(Engine::Chromium));
}

#[test]
fn a_room_that_is_forgotten_leaves_nothing_here_in_firefox() {
    run(is_forgotten(Engine::Firefox));
}
