//! The part of the page that comes after the first paint.

use std::fs;

use anyhow::{Result, ensure};
use tests::{
    browser::{Browser, Engine, Setup},
    server::{Server, dist, output_folder},
};

use crate::lab::{all_have, enter, gathered, run};

/// What the page says where a part of it is missing.
const MISSING: &str = "This part of the page could not be loaded";

/// A later part that is not there hinders nobody who talks, and is tried again at the next use.
async fn is_missed_and_then_had(engine: Engine) -> Result<()> {
    let name = format!("later-{engine:?}");
    fs::remove_dir_all(output_folder(&name)?)?;
    let root = output_folder(&name)?;
    let mut later = Vec::new();
    for file in fs::read_dir(dist()?)? {
        let file = file?;
        let to = root.join(file.file_name());
        if file.file_name().to_string_lossy().contains("_later.wasm") {
            later.push((file.path(), to));
        } else {
            fs::copy(file.path(), to)?;
        }
    }
    ensure!(!later.is_empty(), "the build has no later part");
    let mut server = Server::start_with(&root, &[]).await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let room = format!("{}#/r/later", server.url());
    let ann = enter(&browser, &room, "Ann").await?;
    ann.click("Room menu").await?;
    ann.wait("what is wrong", |view| view.says(MISSING)).await?;
    ann.click("Done").await?;
    // Everything else goes on.
    let bob = enter(&browser, &room, "Bob").await?;
    gathered(&[&ann, &bob]).await?;
    ann.say("still talking").await?;
    all_have(&[&ann, &bob], "still talking").await?;

    for (from, to) in later {
        fs::copy(from, to)?;
    }
    server.kill().await?;
    server.restart().await?;
    ann.wait("the server", |view| view.is_registered()).await?;
    ann.choose("Search messages").await?;
    ann.wait("the sheet", |view| {
        view.field("Search messages").is_some() && !view.says(MISSING)
    })
    .await?;
    all_have(&[&ann, &bob], "still talking").await
}

#[test]
fn a_part_that_cannot_be_loaded_is_told_of_and_tried_again_in_chromium() {
    run(is_missed_and_then_had(Engine::Chromium));
}

#[test]
fn a_part_that_cannot_be_loaded_is_told_of_and_tried_again_in_firefox() {
    run(is_missed_and_then_had(Engine::Firefox));
}
