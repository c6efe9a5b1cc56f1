//! The contract of the page with assistive technology and other programs: roles and names, no accessibility faults, a quiet console, and
//! nothing fetched from elsewhere.

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use fantoccini::key::Key;
use serde_json::{Value, json};
use tests::{
    browser::{Browser, Engine, Setup},
    page::{PATIENCE, Page},
    server::Server,
    wait::until,
};
use url::Url;

use crate::lab::{found, gathered, run, two, whisper, without};

/// Every control and landmark of the contract.
const PARTS: &str = "button, input, textarea, [role=list], [role=log], [role=status], article, li";

/// Waits until the browser computes each of these roles and names for exactly one element.
async fn has_parts(page: &Page, expected: &[(&str, &str)]) -> Result<()> {
    let seen = until(PATIENCE, || async {
        let computed = page.computed(PARTS).await?;
        for (role, name) in expected {
            let count = computed.iter().filter(|(r, n)| r == role && n == name).count();
            ensure!(
                count == 1,
                "{count} × {role} “{name}” in {:?}: {computed:#?}",
                page.browser()
            );
        }
        Ok(())
    });
    seen.await
}

/// The dialog "Invite" and the menu of the room.
async fn opens_what_the_bar_offers(page: &Page) -> Result<()> {
    page.click("Invite").await?;
    until(PATIENCE, || async {
        let computed = page.computed("dialog [role=img]").await?;
        let is_link =
            |(role, name): &(String, String)| (role == "image" || role == "img") && name == "Link as a QR code";
        ensure!(computed.iter().any(is_link), "{computed:?}");
        Ok(())
    })
    .await?;
    has_parts(page, &[("button", "Copy link"), ("button", "Connect without a server")]).await?;
    page.click("Done").await?;
    page.click("Room menu").await?;
    let menu = [
        "Rename room",
        "Rename yourself",
        "Connect without a server",
        "What is kept",
        "Appearance",
        "Check connection",
        "Export",
        "Copy diagnostics",
        "Close room",
        "Forget this room",
        "Leave room",
    ];
    has_parts(page, &menu.map(|item| ("menuitem", item))).await?;
    page.press([Key::Escape]).await?;
    Ok(())
}

async fn keeps_the_contract(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let start = browser.open(&server.url()).await?;
    start
        .wait("the start page", |view| view.field("Room").is_some())
        .await?;
    has_parts(
        &start,
        &[
            ("textbox", "Your name"),
            ("textbox", "Room"),
            ("button", "Join room"),
            ("button", "New room"),
        ],
    )
    .await?;
    let (ann, _bob, _) = two(&browser, &server).await?;
    let in_room = [
        ("list", "People"),
        ("log", "Messages"),
        ("status", "Connection"),
        ("button", "Send"),
        ("button", "Whisper to Bob"),
        ("button", "About Bob"),
        ("button", "Invite"),
        ("button", "Room menu"),
    ];
    has_parts(&ann, &in_room).await?;
    has_parts(&ann, &[("textbox", "Message")]).await?;
    ann.say("hello").await?;
    ann.wait("the delivery", |view| view.is_delivered("hello", "delivered to 1 of 1"))
        .await?;
    ann.click("Whisper to Bob").await?;
    ann.wait("the whisper", |view| view.field("Whisper to Bob").is_some())
        .await?;
    has_parts(&ann, &in_room).await?;
    has_parts(&ann, &[("textbox", "Whisper to Bob")]).await?;
    opens_what_the_bar_offers(&ann).await?;
    let items = ann.computed("[role=list][aria-label=People] > li").await?;
    ensure!(
        items.len() == 2 && items.iter().all(|(role, _)| role == "listitem"),
        "{items:?}"
    );
    let articles = ann.computed("[role=log] article").await?;
    ensure!(articles.len() == 1 && articles[0].0 == "article", "{articles:?}");
    // A message's parts as they are read out.
    let read = ann
        .run(
            "return document.querySelector('[role=log] article').innerText",
            Vec::new(),
        )
        .await?;
    let read = read.as_str().unwrap_or_default();
    for part in ["Ann (you)", ":", "hello", "delivered to 1 of 1"] {
        ensure!(read.contains(part), "{part} is not in {read:?}");
    }
    Ok(())
}

#[test]
fn chromium_computes_the_roles_and_names_of_the_contract() {
    run(keeps_the_contract(Engine::Chromium));
}

#[test]
fn firefox_computes_the_roles_and_names_of_the_contract() {
    run(keeps_the_contract(Engine::Firefox));
}

/// The checker's program text.
pub(crate) fn axe() -> Result<String> {
    let path = env::var_os("AXE_CORE").map(PathBuf::from);
    let path = path.context("the variable AXE_CORE does not say where axe.min.js is: `cargo xtask test` sets it")?;
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// Has axe look at the page in both colour schemes; nothing may be found.
pub(crate) async fn is_accessible(page: &Page, axe: &str, what: &str) -> Result<()> {
    const CHECK: &str = "
        const done = arguments[arguments.length - 1];
        axe.run(document, {resultTypes: ['violations']}).then(
            ({violations}) => done(violations
                .map(({id, impact, nodes}) => [id, impact, nodes.map(n => [n.html, n.failureSummary])])),
            error => done(String(error)),
        );";
    for scheme in ["light", "dark"] {
        // Moving parts would be looked at while they fade.
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        page.devtools("Emulation.setEmulatedMedia", media).await?;
        page.run(&format!("{axe}; return null"), Vec::new()).await?;
        let found = page.run_async(CHECK, Vec::new()).await?;
        ensure!(found == json!([]), "{what} in {scheme}: {found:#}");
    }
    Ok(())
}

/// What people do with messages, where Ann said "see https://example.org" and Bob "seen".
async fn answers_are_accessible([ann, bob]: [&Page; 2], axe: &str) -> Result<()> {
    bob.choose_of("seen", "Edit").await?;
    is_accessible(bob, axe, "another text").await?;
    bob.paste("New text", "seen it").await?;
    bob.click("Save").await?;
    bob.choose_of("see https://example.org", "👍").await?;
    ann.choose_of("seen it", "Reply").await?;
    is_accessible(ann, axe, "a room with an answer under way, an edit and a reaction").await?;
    ann.say("good").await?;
    ann.open_actions("good").await?;
    ann.menu().await?;
    is_accessible(ann, axe, "what can be done with a message").await?;
    ann.press([Key::Escape]).await?;
    ann.say("oops").await?;
    ann.choose_of("oops", "Delete").await?;
    is_accessible(ann, axe, "whether to delete a message").await?;
    ann.click("Delete for everyone").await?;
    ann.choose("Search messages").await?;
    ann.paste("Search messages", "see").await?;
    ann.wait("what is found", |view| view.says("2 messages")).await?;
    is_accessible(ann, axe, "messages that were found, and a deleted one").await?;
    ann.click("Done").await
}

/// What stands out in a message, whom it calls, and what is offered meanwhile.
async fn texts_are_accessible([ann, bob]: [&Page; 2], axe: &str) -> Result<()> {
    let text = "**b** *i* `c` @Bob, @Ann\n1. [x](https://a.example)\n- y\n> z https://\u{430}.example\n```\nlong\n```";
    ann.say(text).await?;
    bob.say(text).await?;
    for page in [ann, bob] {
        page.wait("both texts", |view| {
            view.messages
                .iter()
                .filter(|message| message.text.starts_with("b i c"))
                .count()
                == 2
        })
        .await?;
    }
    ann.paste("Message", "@b").await?;
    has_parts(ann, &[("option", "Bob")]).await?;
    is_accessible(
        ann,
        axe,
        "a room with texts in which much stands out, and with names offered",
    )
    .await?;
    ann.press([Key::Enter]).await?;
    ann.paste("Message", "").await
}

/// What the founder of a room chooses from its menu.
async fn menus_are_accessible(ann: &Page, axe: &str) -> Result<()> {
    for item in [
        "Rename room",
        "Rename yourself",
        "Notifications",
        "Appearance",
        "Close room",
    ] {
        ann.choose(item).await?;
        is_accessible(ann, axe, item).await?;
        ann.press([Key::Escape]).await?;
    }
    ann.click("Room menu").await?;
    is_accessible(ann, axe, "the menu").await?;
    ann.press([Key::Escape]).await?;
    Ok(())
}

#[test]
fn axe_finds_nothing_in_light_and_dark() {
    run(async {
        let axe = axe()?;
        let mut server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let start = browser.open(&server.url()).await?;
        start
            .wait("the start page", |view| view.field("Room").is_some())
            .await?;
        is_accessible(&start, &axe, "the start page").await?;
        start.click("New room").await?;
        start
            .wait("a complaint", |view| {
                view.field("Your name").is_some_and(|field| field.invalid)
            })
            .await?;
        is_accessible(&start, &axe, "the start page with a mistake").await?;

        let (ann, room) = found(&browser, &server.url(), "Ann").await?;
        is_accessible(&ann, &axe, "an empty room").await?;
        let bob = browser.open(&room).await?;
        bob.wait("the invitation", |view| view.field("Your name").is_some())
            .await?;
        is_accessible(&bob, &axe, "an invitation").await?;
        bob.paste("Your name", "Bob").await?;
        bob.click("Join room").await?;
        gathered(&[&ann, &bob]).await?;
        ann.say("see https://example.org").await?;
        bob.say("seen").await?;
        whisper(&ann, "Bob", "and this is for you").await?;
        for page in [&ann, &bob] {
            page.wait("all messages", |view| view.messages.len() == 3).await?;
        }
        ann.click("Send").await?;
        ann.wait("a complaint", |view| view.says("nothing to send")).await?;
        is_accessible(&ann, &axe, "a room with messages").await?;
        answers_are_accessible([&ann, &bob], &axe).await?;
        texts_are_accessible([&ann, &bob], &axe).await?;
        ann.click("Invite").await?;
        is_accessible(&ann, &axe, "the link").await?;
        ann.click("Done").await?;
        ann.click("About Bob").await?;
        is_accessible(&ann, &axe, "somebody").await?;
        ann.click("Done").await?;
        ann.choose("Connect without a server").await?;
        ann.click("Make an invitation").await?;
        ann.wait("the invitation", |view| view.field("Invitation").is_some())
            .await?;
        is_accessible(&ann, &axe, "the way in without a server").await?;
        ann.click("Done").await?;
        menus_are_accessible(&ann, &axe).await?;
        is_accessible(&bob, &axe, "a room with a whisper to oneself").await?;
        let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
        bob.devtools("Emulation.setDeviceMetricsOverride", phone).await?;
        is_accessible(&bob, &axe, "a room on a phone").await?;
        bob.click("People, here now: 2").await?;
        is_accessible(&bob, &axe, "people on a phone").await?;
        bob.press([Key::Escape]).await?;
        without(&mut server, &[&bob]).await?;
        is_accessible(&bob, &axe, "a room without a server").await
    });
}

#[test]
fn an_ordinary_visit_logs_no_errors_and_fetches_nothing_from_elsewhere() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::start(&Setup::new(Engine::Chromium).logs()).await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        ann.say("an image? https://example.org/x.png").await?;
        bob.wait("the message", |view| view.messages.len() == 1).await?;
        whisper(&bob, "Ann", "psst").await?;
        ann.wait("the whisper", |view| view.messages.len() == 2).await?;
        ann.click("Invite").await?;
        ann.click("Copy link").await?;
        ann.click("Done").await?;
        bob.reload().await?;
        gathered(&[&ann, &bob]).await?;
        ann.choose("Leave room").await?;
        ann.wait("the start page", |view| view.field("Room").is_some()).await?;

        let mut requests = 0;
        for page in [&ann, &bob] {
            let console: Vec<(String, String)> = browser.console(page).await?;
            let errors: Vec<_> = console.iter().filter(|(level, _)| level == "SEVERE").collect();
            ensure!(errors.is_empty(), "{errors:#?}");
            for address in browser.requests(page).await? {
                let url = Url::parse(&address)?;
                let own = url.host_str() == Some("127.0.0.1") && url.port() == Some(server.address().port());
                ensure!(own || url.scheme() == "data", "{address} was fetched");
                requests += usize::from(own);
            }
        }
        // The log does work: page, script, style sheet, app and socket of two tabs at least.
        ensure!(requests >= 10, "only {requests} requests were seen");
        let _: Value = ann.run("return null", Vec::new()).await?;
        Ok(())
    });
}
