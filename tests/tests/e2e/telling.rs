//! A person is told of what is said while they look elsewhere.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    page::Page,
    server::Server,
};

use crate::lab::{enter, found, gathered, run, whisper};

const FOR_ME: &str = "Whispers, and messages that mention you";

/// A browser that lets every page show notifications, or none.
async fn browser(engine: Engine, is_allowed: bool) -> Result<Browser> {
    let setup = Setup::new(engine);
    let setup = match engine {
        Engine::Chromium => setup,
        Engine::Firefox => setup.preference(
            "permissions.default.desktop-notification",
            if is_allowed { 1 } else { 2 },
        ),
    };
    Browser::start(&setup).await
}

/// The same for a page, where the browser cannot be started so.
async fn allow(browser: &Browser, page: &Page, is_allowed: bool) -> Result<()> {
    if browser.engine() == Engine::Chromium {
        let setting = if is_allowed { "granted" } else { "denied" };
        let permission = json!({"permission": {"name": "notifications"}, "setting": setting});
        page.devtools("Browser.setPermission", permission).await?;
    }
    Ok(())
}

/// Notes what the browser is asked to show, and has it show that.
const NOTE: &str = "window.told = [];
    window.Notification = class extends Notification {
        constructor(title, options) {
            super(title, options);
            told.push([title, options.body, this.tag === options.tag]);
        }
    };";

async fn is_told(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let here = Browser::chromium().await?;
    let there = browser(engine, true).await?;
    let (ann, room) = found(&here, &server.url(), "Ann").await?;
    let bob = enter(&there, &room, "Bob").await?;
    gathered(&[&ann, &bob]).await?;
    allow(&there, &bob, true).await?;
    bob.choose("Notifications").await?;
    bob.pick(FOR_ME).await?;
    let kept = "const done = arguments[0];
        const look = () => localStorage['starling rooms'].includes('\\tme\\n') ? done() : setTimeout(look, 20);
        look();";
    bob.run_async(kept, vec![]).await?;
    bob.click("Done").await?;
    bob.run(NOTE, vec![]).await?;
    ann.say("while Bob looks, @Bob").await?;
    bob.wait("what is seen", |view| view.has("while Bob looks, @Bob"))
        .await?;
    bob.minimise().await?;
    bob.wait("hidden", |view| view.visibility == "hidden").await?;
    ann.say("for nobody").await?;
    ann.say("hi @bob!").await?;
    bob.wait("both", |view| view.has("hi @bob!")).await?;
    whisper(&ann, "Bob", "psst").await?;
    bob.wait("the whisper", |view| view.has("psst")).await?;
    let told = bob.run("return told", vec![]).await?;
    ensure!(
        told == json!([
            ["Starling", "Ann: hi @bob!", true],
            ["Starling", "Ann whispers: psst", true]
        ]),
        "{told}"
    );
    Ok(())
}

#[test]
fn what_is_for_a_person_is_told_while_they_look_elsewhere_in_chromium() {
    run(is_told(Engine::Chromium));
}

#[test]
fn what_is_for_a_person_is_told_while_they_look_elsewhere_in_firefox() {
    run(is_told(Engine::Firefox));
}

/// Whether this is what is chosen.
async fn is_chosen(page: &Page, option: &str) -> Result<bool> {
    let chosen = "return document.querySelector('[name=told]:checked').parentElement.textContent";
    Ok(page.run(chosen, vec![]).await? == option)
}

async fn is_refused(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = browser(engine, false).await?;
    let (ann, _) = found(&browser, &server.url(), "Ann").await?;
    allow(&browser, &ann, false).await?;
    ann.choose("Notifications").await?;
    ann.pick("All messages").await?;
    ann.wait("why not", |view| {
        view.alerts("Allow notifications for this page in the browser's settings")
    })
    .await?;
    ensure!(is_chosen(&ann, "Nothing").await?);
    // Closed without an answer.
    let ignored = "Notification.requestPermission = async () => 'default';
        Object.defineProperty(Notification, 'permission', { get: () => 'default' });";
    ann.run(ignored, vec![]).await?;
    ann.pick("All messages").await?;
    ann.wait("what to do", |view| view.alerts("Choose again, and allow it"))
        .await?;
    ensure!(is_chosen(&ann, "Nothing").await?);
    ann.run("delete window.Notification", vec![]).await?;
    ann.pick(FOR_ME).await?;
    ann.wait("that there are none", |view| view.alerts("There are none here"))
        .await?;
    ensure!(is_chosen(&ann, "Nothing").await?);
    Ok(())
}

#[test]
fn where_the_browser_says_no_one_is_told_what_to_do_in_chromium() {
    run(is_refused(Engine::Chromium));
}

#[test]
fn where_the_browser_says_no_one_is_told_what_to_do_in_firefox() {
    run(is_refused(Engine::Firefox));
}
