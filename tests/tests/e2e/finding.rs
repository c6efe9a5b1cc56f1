//! What was said is found again.

use anyhow::Result;
use fantoccini::key::Key;
use tests::{
    browser::{Browser, Engine, Setup},
    page::Page,
    server::Server,
};

use crate::lab::{run, two};

/// Opens the search and looks for these words.
async fn search(page: &Page, words: &str) -> Result<()> {
    page.choose("Search messages").await?;
    page.wait("the cursor in the box", |view| {
        view.field("Search messages").is_some_and(|field| field.focused)
    })
    .await?;
    page.type_anywhere(words).await
}

/// Until the text of what has the cursor is as expected.
async fn cursor_at(page: &Page, text: &str) -> Result<()> {
    let script = "const [text, done] = arguments;
        const look = () => {
            const shown = document.activeElement.querySelector('.message-text');
            const list = document.querySelector('[role=log]').getBoundingClientRect();
            const top = document.activeElement.getBoundingClientRect().top;
            const is_seen = list.top - 1 <= top && top < list.bottom;
            shown?.textContent === text && is_seen ? done(true) : setTimeout(look, 20);
        };
        look();";
    page.run_async(script, vec![text.into()]).await?;
    Ok(())
}

async fn finds(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, _) = two(&browser, &server).await?;
    ann.say("Meet me at the Café").await?;
    let long = "line\n".repeat(40);
    ann.say(&format!("{long}one")).await?;
    ann.say(&format!("{long}two")).await?;
    bob.wait("all of it", |view| view.messages.len() == 3).await?;

    search(&bob, "nothing like that").await?;
    bob.wait("that nothing is found", |view| {
        view.says("No message has that. Try fewer or other words.")
    })
    .await?;
    // The first empties the box.
    bob.press([Key::Escape, Key::Escape]).await?;
    bob.wait("the end of the search", |view| view.field("Search messages").is_none())
        .await?;
    search(&bob, "cafe ann").await?;
    bob.wait("what is found", |view| view.says("1 message")).await?;
    bob.press([Key::Tab, Key::Tab, Key::Enter]).await?;
    cursor_at(&bob, "Meet me at the Café").await
}

#[test]
fn words_lead_to_the_message_in_its_place_in_chromium() {
    run(finds(Engine::Chromium));
}

#[test]
fn words_lead_to_the_message_in_its_place_in_firefox() {
    run(finds(Engine::Firefox));
}
