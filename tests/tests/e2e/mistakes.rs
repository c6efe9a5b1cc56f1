//! A mistake of a person or of a browser gets words that say what is wrong and what to do next.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    page::{Page, view::View},
    server::Server,
};

use crate::lab::{enter, found, gathered, run};

/// Whether a field is marked, has the cursor, and is described by these words.
fn complains(view: &View, name: &str, words: &str) -> bool {
    view.field(name)
        .is_some_and(|field| field.invalid && field.focused && field.description.contains(words))
}

async fn complaint(page: &Page, field: &str, words: &str) -> Result<()> {
    page.wait(words, |view| complains(view, field, words)).await?;
    Ok(())
}

#[test]
fn a_name_or_room_that_cannot_be_used_gets_words() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let page = browser.open(&server.url()).await?;
        page.click("New room").await?;
        complaint(&page, "Your name", "Type a name, so that others know who is talking.").await?;
        page.paste("Your name", &"ä".repeat(33)).await?;
        page.click("New room").await?;
        complaint(
            &page,
            "Your name",
            "Names can have up to 32 characters. This one has 33.",
        )
        .await?;
        // It would be read from the right, and so would what stands after it.
        page.paste("Your name", "\u{202e}nnA").await?;
        page.click("New room").await?;
        complaint(
            &page,
            "Your name",
            "This name has invisible characters in it. Type it again by hand.",
        )
        .await?;
        page.paste("Your name", &"ä".repeat(32)).await?;
        page.click("Join room").await?;
        complaint(&page, "Room", "Type the name of a room or paste its link.").await?;
        page.paste("Room", &"r".repeat(65)).await?;
        page.click("Join room").await?;
        complaint(&page, "Room", "64 characters is the most. Shorten it.").await?;
        page.paste("Room", &format!("{}#/r/1.half-a-link", server.url()))
            .await?;
        page.click("Join room").await?;
        complaint(
            &page,
            "Room",
            "This room link is damaged or incomplete. Ask whoever sent it",
        )
        .await?;
        // And once all is well, in.
        page.paste("Room", &"r".repeat(64)).await?;
        page.click("Join room").await?;
        let view = page.wait("the room", |view| view.me().is_some()).await?;
        ensure!(view.heading == Some("r".repeat(64)), "{view:#?}");
        Ok(())
    });
}

#[test]
fn a_damaged_room_link_gets_words() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, room) = found(&browser, &server.url(), "Ann").await?;
        let damaged = &room[..room.len() - 3];
        let bob = browser.open(damaged).await?;
        complaint(&bob, "Room", "This room link is damaged or incomplete.").await?;
        // Also for someone who is in a room already.
        ann.goto(damaged).await?;
        complaint(&ann, "Room", "This room link is damaged or incomplete.").await
    });
}

#[test]
fn an_empty_message_gets_words() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, _) = found(&browser, &server.url(), "Ann").await?;
        for nothing in ["", " \n "] {
            ann.paste("Message", nothing).await?;
            ann.click("Send").await?;
            let view = ann
                .wait("words", |view| {
                    view.says("There is nothing to send yet. Type a message first.")
                })
                .await?;
            ensure!(view.messages.is_empty(), "{view:#?}");
        }
        Ok(())
    });
}

#[test]
fn a_program_that_has_stopped_says_so_also_from_within_a_dialog() {
    run(async {
        let server = Server::start().await?;
        for engine in [Engine::Chromium, Engine::Firefox] {
            let browser = Browser::start(&Setup::new(engine)).await?;
            let (ann, _) = found(&browser, &server.url(), "Ann").await?;
            ann.say("kept").await?;
            ann.wait("the message", |view| view.has("kept")).await?;
            ann.click("Invite").await?;
            let words = "Starling has stopped, by a fault of its own.";
            // Other errors are none of the program's: extensions throw them, too.
            ann.run("setTimeout(() => { throw new Error('of an extension') })", vec![])
                .await?;
            ann.holds(Duration::from_millis(300), "no alarm", |view| !view.alerts(words))
                .await?;
            // What a panic is to the page: a module of one function whose body is `unreachable`. Firefox keeps the page's own objects from scripts of
            // the driver.
            let stop = "const { WebAssembly, Uint8Array, setTimeout } = window.wrappedJSObject ?? window; \
                        const bytes = new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,7,5,1,1,102,0,0,10,5,1,3,0,0,11]); \
                        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes)); setTimeout(exports.f)";
            ann.run(stop, vec![]).await?;
            ann.wait("words", |view| view.alerts(words)).await?;
            ann.click("Reload the page").await?;
            ann.wait("the room, as it was", |view| view.has("kept") && !view.alerts(words))
                .await?;
        }
        Ok(())
    });
}

#[test]
fn a_browser_without_webrtc_gets_words() {
    run(async {
        let server = Server::start().await?;
        let setup = Setup::new(Engine::Firefox).preference("media.peerconnection.enabled", false);
        let browser = Browser::start(&setup).await?;
        let page = browser.open(&server.url()).await?;
        let view = page
            .wait("words", |view| {
                view.alerts("it has no WebRTC, or WebRTC is switched off. Switch it on, or open this page in a current")
            })
            .await?;
        ensure!(view.fields.is_empty(), "it asks for what it cannot use: {view:#?}");
        Ok(())
    });
}

#[test]
fn denied_storage_gets_words_and_the_room_works() {
    run(async {
        let server = Server::start().await?;
        let setups = [
            Setup::new(Engine::Chromium).preference("profile.default_content_setting_values.cookies", 2),
            // All cookies and site data are refused.
            Setup::new(Engine::Firefox).preference("network.cookie.cookieBehavior", 2),
        ];
        for setup in setups {
            let browser = Browser::start(&setup).await?;
            let page = browser.open(&server.url()).await?;
            let words = "This browser stores nothing for the page now, so you are a new person each time you open it.";
            page.wait("words", |view| view.alerts(words)).await?;
            let (ann, room) = found(&browser, &server.url(), "Ann").await?;
            ann.wait("the words in the room", |view| view.alerts(words)).await?;
            let bob = enter(&browser, &room, "Bob").await?;
            gathered(&[&ann, &bob]).await?;
            ann.say("it works").await?;
            bob.wait("the message", |view| view.has("it works")).await?;
        }
        Ok(())
    });
}

/// Drops or pastes something that a script makes, as the browser tells a page of it. Gives whether the page kept the browser from
/// doing what it does of itself: it would leave the page for a dropped file.
async fn hand_over(page: &Page, kind: &str, files: bool, text: Option<&str>) -> Result<bool> {
    const HAND_OVER: &str = "
        const [kind, files, text] = arguments;
        const data = new DataTransfer();
        if (files) data.items.add(new File(['x'], 'cat.png', {type: 'image/png'}));
        if (text) data.setData('text/plain', text);
        const options = {bubbles: true, cancelable: true, dataTransfer: data};
        const event = kind === 'paste' ? new ClipboardEvent(kind, options) : new DragEvent(kind, options);
        // Firefox takes no data for an event of the clipboard that a script makes.
        if (kind === 'paste') Object.defineProperty(event, 'clipboardData', {value: data});
        return !document.querySelector('.composer textarea').dispatchEvent(event);";
    let kept = page
        .run(HAND_OVER, vec![json!(kind), json!(files), json!(text)])
        .await?;
    Ok(kept == json!(true))
}

async fn files_are_asked_for(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, _) = found(&browser, &server.url(), "Ann").await?;
    ann.paste("Message", "half a letter").await?;
    let asked = |view: &View| view.says("to everyone in the room?");
    // Text is text, also beside a picture.
    for (kind, files) in [("paste", false), ("paste", true), ("drop", false)] {
        ensure!(!hand_over(&ann, kind, files, Some("hello")).await?, "{kind} {files}");
    }
    ensure!(!asked(&ann.look().await?));
    for kind in ["dragover", "drop", "paste"] {
        ensure!(hand_over(&ann, kind, true, None).await?, "{kind}");
        if kind != "dragover" {
            ann.wait("the question", asked).await?;
            ann.click("Cancel").await?;
            ann.wait("nothing more", |view| !asked(view)).await?;
        }
    }
    ann.wait("the draft", |view| {
        view.field("Message")
            .is_some_and(|field| field.value == "half a letter")
    })
    .await?;
    Ok(())
}

#[test]
fn files_that_are_dropped_or_pasted_are_asked_for_in_chromium() {
    run(files_are_asked_for(Engine::Chromium));
}

#[test]
fn files_that_are_dropped_or_pasted_are_asked_for_in_firefox() {
    run(files_are_asked_for(Engine::Firefox));
}
