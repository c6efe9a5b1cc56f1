//! What people do with messages: they answer, change and mark them.

use anyhow::{Result, ensure};
use fantoccini::key::Key;
use tests::{
    browser::Browser,
    page::{
        Page,
        view::{MessageShown, View},
    },
    server::Server,
};

use crate::lab::{come_in, found, gathered, outside, run, two, whisper};

/// Waits until the message of this text is as expected.
async fn is(page: &Page, text: &str, expected: impl Fn(&MessageShown) -> bool) -> Result<()> {
    let what = format!("{text} as expected");
    page.wait(&what, |view| view.messages(text).any(&expected)).await?;
    Ok(())
}

/// Chooses to answer a message, until the cursor is in the box for the answer.
async fn reply_to(page: &Page, text: &str) -> Result<()> {
    page.choose_of(text, "Reply").await?;
    let is_ready = |view: &View| view.field("Message").is_some_and(|field| field.focused);
    page.wait("the cursor in the message box", is_ready).await?;
    Ok(())
}

/// Ann and Bob in a room, each in one of the browsers.
async fn across([here, there]: &[Browser; 2], server: &Server) -> Result<(Page, Page, String)> {
    let (ann, room) = found(here, &server.url(), "Ann").await?;
    let bob = outside(there, server).await?;
    come_in(&bob, &room, "Bob").await?;
    gathered(&[&ann, &bob]).await?;
    Ok((ann, bob, room))
}

fn has(message: &MessageShown, reactions: &[&str]) -> bool {
    message.reactions == reactions
}

#[test]
fn a_message_is_answered_changed_and_marked_in_both_engines_and_after_a_reload() {
    run(async {
        let server = Server::start().await?;
        let browsers = [Browser::chromium().await?, Browser::firefox().await?];
        let (ann, bob, room) = across(&browsers, &server).await?;
        ann.say("teh plan").await?;
        reply_to(&bob, "teh plan").await?;
        bob.say("which one?").await?;
        let answers = |text: &'static str| move |message: &MessageShown| message.quote.as_deref() == Some(text);
        for page in [&ann, &bob] {
            is(page, "which one?", answers("Ann: teh plan")).await?;
        }
        // One answer is one answer.
        bob.say("hello?").await?;
        is(&ann, "hello?", |message| message.quote.is_none()).await?;

        ann.choose_of("teh plan", "Edit").await?;
        ann.wait("the cursor", |view| {
            view.field("New text").is_some_and(|field| field.focused)
        })
        .await?;
        ann.paste("New text", "the plan").await?;
        // What others do meanwhile leaves it alone.
        bob.say("meanwhile").await?;
        ann.wait("what comes meanwhile", |view| view.has("meanwhile")).await?;
        ann.click("Save").await?;
        for page in [&ann, &bob] {
            is(page, "the plan", |message| message.former == ["teh plan"]).await?;
            is(page, "which one?", answers("Ann: the plan")).await?;
        }

        bob.choose_of("the plan", "👍").await?;
        is(&ann, "the plan", |message| has(message, &["👍 1 from Bob"])).await?;
        ann.click("👍 1 from Bob").await?;
        is(&bob, "the plan", |message| has(message, &["👍 2 from you, Ann"])).await?;
        bob.choose_of("the plan", "👍").await?;
        bob.choose_of("the plan", "🎉").await?;
        is(&ann, "the plan", |message| {
            has(message, &["👍 1 from you", "🎉 1 from Bob"])
        })
        .await?;

        // All of it is history, also for who comes later.
        for page in [&ann, &bob] {
            page.reload().await?;
        }
        let eve = outside(&browsers[0], &server).await?;
        come_in(&eve, &room, "Eve").await?;
        for (page, reactions) in [
            (&ann, ["👍 1 from you", "🎉 1 from Bob"]),
            (&bob, ["👍 1 from Ann", "🎉 1 from you"]),
            (&eve, ["👍 1 from Ann", "🎉 1 from Bob"]),
        ] {
            is(page, "the plan", |message| {
                message.former == ["teh plan"] && has(message, &reactions)
            })
            .await?;
            is(page, "which one?", answers("Ann: the plan")).await?;
        }
        Ok(())
    });
}

#[test]
fn any_emoji_is_found_by_its_name_in_both_engines() {
    run(async {
        let server = Server::start().await?;
        let browsers = [Browser::chromium().await?, Browser::firefox().await?];
        let (ann, bob, _) = across(&browsers, &server).await?;
        ann.say("look").await?;
        bob.wait("the message", |view| view.has("look")).await?;
        for (page, wanted, name) in [(&ann, "parr", "parrot"), (&bob, "cat fac", "cat face")] {
            page.choose_of("look", "More emoji").await?;
            page.wait("the cursor in the box", |view| {
                view.field("Look for an emoji").is_some_and(|field| field.focused)
            })
            .await?;
            page.paste("Look for an emoji", wanted).await?;
            page.click(name).await?;
        }
        is(&ann, "look", |message| {
            has(message, &["🦜 1 from you", "🐱 1 from Bob"])
        })
        .await?;
        is(&bob, "look", |message| {
            has(message, &["🦜 1 from Ann", "🐱 1 from you"])
        })
        .await?;
        // By keys alone: the first is the one that was taken last.
        bob.choose_of("look", "More emoji").await?;
        let recent = "const done = arguments[0];
            const first = () => document.querySelector('.emoji-list h3')?.textContent;
            const look = () => first() === 'Recent' ? done() : setTimeout(look, 20);
            look();";
        bob.run_async(recent, vec![]).await?;
        bob.press([Key::Tab, Key::Right, Key::Enter]).await?;
        is(&ann, "look", |message| has(message, &["🦜 1 from you"])).await?;
        Ok(())
    });
}

#[test]
fn a_deleted_message_is_gone_for_all_in_both_engines_and_for_who_was_away() {
    run(async {
        let server = Server::start().await?;
        let browsers = [Browser::chromium().await?, Browser::firefox().await?];
        let (ann, bob, room) = across(&browsers, &server).await?;
        ann.say("the secret plan").await?;
        reply_to(&bob, "the secret plan").await?;
        bob.say("which one?").await?;
        bob.choose_of("the secret plan", "👍").await?;
        is(&ann, "the secret plan", |message| has(message, &["👍 1 from Bob"])).await?;
        // Bob is away meanwhile.
        bob.goto("about:blank").await?;
        ann.choose_of("the secret plan", "Delete").await?;
        ann.click("Keep it").await?;
        ann.say("not yet").await?;
        is(&ann, "the secret plan", |message| has(message, &["👍 1 from Bob"])).await?;
        ann.choose_of("the secret plan", "Delete").await?;
        ann.click("Delete for everyone").await?;
        is(&ann, "Deleted message", |message| has(message, &[])).await?;
        bob.goto(&room).await?;
        let eve = outside(&browsers[0], &server).await?;
        come_in(&eve, &room, "Eve").await?;
        ann.reload().await?;
        for page in [&ann, &bob, &eve] {
            is(page, "Deleted message", |message| has(message, &[])).await?;
            is(page, "which one?", |message| {
                message.quote.as_deref() == Some("Ann: Deleted message")
            })
            .await?;
            ensure!(!page.look().await?.has("the secret plan"));
        }
        Ok(())
    });
}

/// What is offered to be done with the message of this text.
async fn offered(page: &Page, text: &str) -> Result<String> {
    page.open_actions(text).await?;
    let items = page.menu().await?;
    page.press([Key::Escape]).await?;
    Ok(items)
}

#[test]
fn what_cannot_be_done_with_a_message_is_not_offered() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        ann.say("for all").await?;
        whisper(&ann, "Bob", "for Bob").await?;
        let emoji = "👍 ❤️ 😂 😮 😢 🎉 More emoji";
        let whispered = "Copy text Cancel";
        ensure!(
            offered(&ann, "for all").await? == format!("{emoji} Reply Copy text Pin for everyone Edit Delete Cancel")
        );
        ensure!(offered(&ann, "for Bob").await? == whispered);
        ensure!(offered(&bob, "for all").await? == format!("{emoji} Reply Copy text Cancel"));
        ensure!(offered(&bob, "for Bob").await? == whispered);
        // An answer that is not wanted after all is a message.
        reply_to(&bob, "for all").await?;
        bob.press([Key::Escape]).await?;
        bob.say("to nobody").await?;
        is(&ann, "to nobody", |message| message.quote.is_none()).await
    });
}
