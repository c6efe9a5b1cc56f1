//! Everything can be done without a mouse.

use anyhow::{Result, bail, ensure};
use fantoccini::key::Key;
use tests::{
    browser::Browser,
    page::{PATIENCE, Page},
    server::Server,
    wait::until,
};

use crate::lab::{enter, run};

/// Presses Tab until the cursor is at an element of this role and name.
pub(crate) async fn tab_to(page: &Page, role: &str, name: &str) -> Result<()> {
    const STOPS_MAX: usize = 40;
    let mut passed = Vec::new();
    for _ in 0..STOPS_MAX {
        let stop = page.focused().await?;
        if stop == (role.to_owned(), name.to_owned()) {
            return Ok(());
        }
        passed.push(stop);
        page.press([Key::Tab]).await?;
    }
    bail!("Tab does not lead to {role} “{name}”, only to {passed:?}")
}

#[test]
fn the_keyboard_alone_leads_from_the_start_through_chat_and_whisper_back() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let ann = browser.open(&server.url()).await?;
        ann.wait("the cursor in the first field", |view| {
            view.field("Your name").is_some_and(|field| field.focused)
        })
        .await?;
        ann.type_anywhere("Ann").await?;
        tab_to(&ann, "button", "New room").await?;
        ann.press([Key::Enter]).await?;
        ann.wait("the cursor in the message box", |view| {
            view.field("Message").is_some_and(|field| field.focused)
        })
        .await?;
        let other = Browser::chromium().await?;
        let bob = enter(&other, &ann.url().await?, "Bob").await?;
        ann.wait("Bob", |view| view.is("Bob", "Here")).await?;

        ann.type_anywhere("hello").await?;
        ann.press([Key::Enter]).await?;
        bob.wait("the message", |view| view.has("hello")).await?;
        tab_to(&ann, "button", "Whisper to Bob").await?;
        ann.press([Key::Enter]).await?;
        ann.wait("the cursor in the whisper box", |view| {
            view.field("Whisper to Bob").is_some_and(|field| field.focused)
        })
        .await?;
        ann.type_anywhere("secret").await?;
        ann.press([Key::Enter]).await?;
        let view = bob.wait("the whisper", |view| view.has("secret")).await?;
        ensure!(
            view.messages("secret").all(|message| message.whisper.is_some()),
            "{view:#?}"
        );
        ann.press([Key::Escape]).await?;
        ann.wait("the cursor in the message box", |view| {
            view.field("Message").is_some_and(|field| field.focused)
        })
        .await?;
        // Shift and Enter make a line, not a message.
        ann.type_anywhere("one").await?;
        ann.press([Key::Shift]).await?;
        tab_to(&ann, "button", "Room menu").await?;
        ann.press([Key::Enter]).await?;
        // Up from the first item is the last.
        let [first, last] = ["Rename room", "Leave room"].map(|name| ("menuitem".to_owned(), name.to_owned()));
        let leads_to = async |item: &(String, String)| {
            until(PATIENCE, || async {
                let focused = ann.focused().await?;
                ensure!(focused == *item, "{focused:?}");
                Ok(())
            })
            .await
        };
        leads_to(&first).await?;
        ann.press([Key::End, Key::Home, Key::Down, Key::Up, Key::Up]).await?;
        leads_to(&last).await?;
        ann.press([Key::Enter]).await?;
        ann.wait("the start page", |view| view.field("Room").is_some()).await?;
        bob.wait("that Ann left", |view| view.is("Ann", "Left")).await?;
        Ok(())
    });
}
