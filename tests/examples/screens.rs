//! Takes pictures of the app for people to look at, in `target/screens`: from a small phone to a wide screen, light and dark, with letters of
//! twice the size, from the start page to a lively room. Nothing is asserted.
//!
//! ```text
//! cargo run -p tests --features browsers --example screens
//! ```

use std::fs;

use anyhow::Result;
use fantoccini::key::Key;
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    hostile::{Mischief, Proxy},
    page::Page,
    server::{Server, output_folder},
};

/// Name, width, height, whether it is a phone, and the size of letters in percent.
const SIZES: [(&str, u32, u32, bool, u32); 7] = [
    ("320", 320, 568, true, 100),
    ("390", 390, 844, true, 100),
    ("390-large", 390, 844, true, 200),
    ("768", 768, 1024, true, 100),
    ("1280", 1280, 800, false, 100),
    ("1280-large", 1280, 800, false, 200),
    ("1920", 1920, 1080, false, 100),
];

// Long because: it is one story, told picture by picture.
#[tokio::main]
async fn main() -> Result<()> {
    let mut server = Server::start().await?;
    let setup = Setup::new(Engine::Chromium).argument("--force-prefers-reduced-motion");
    let browser = Browser::start(&setup).await?;

    let ann = browser.open(&server.url()).await?;
    ann.wait("the start page", |view| view.field("Room").is_some()).await?;
    shoot(&ann, "1-start").await?;
    ann.paste("Your name", &"A name that is much too long for anyone".repeat(2))
        .await?;
    ann.click("Join room").await?;
    ann.wait("mistakes", |view| view.field("Room").is_some_and(|field| field.invalid))
        .await?;
    shoot(&ann, "2-start-mistakes").await?;
    ann.paste("Your name", "Ann").await?;
    ann.click("New room").await?;
    ann.wait("alone", |view| view.connection_says("Only you are here"))
        .await?;
    shoot(&ann, "3-room-empty").await?;

    let room = ann.url().await?;
    let bob = browser.open(&room).await?;
    bob.wait("the invitation", |view| view.field("Your name").is_some())
        .await?;
    shoot(&bob, "4-invited").await?;
    enter(&bob, "Bob").await?;
    shoot(&bob, "5-room-two-silent").await?;
    let mut others = Vec::new();
    for name in ["Zoë 🦜", "مريم", "Maximilian-Alexander von und zu"] {
        let page = browser.open(&room).await?;
        enter(&page, name).await?;
        others.push(page);
    }
    ann.wait("everyone", |view| {
        view.people.iter().filter(|person| person.state == "Here").count() == 5
    })
    .await?;
    for (page, text) in [
        (
            &ann,
            "Hello everyone! The agenda is at https://example.org/agenda?day=2",
        ),
        (
            &bob,
            "Thanks.\nI have two questions:\n  1. when do we start?\n  2. who brings the cake? 🎂",
        ),
        (&others[1], "مرحبا، أنا هنا أيضا"),
        (&others[0], "<b>No</b> markup here, as it should be."),
        (&ann, "At three."),
        (&ann, "And the cake is mine."),
    ] {
        page.say(text).await?;
        bob.wait(text, |view| view.has(text)).await?;
    }
    ann.say(
        "**Please** read [this](https://example.org), @Bob:\n- it is *short*\n> and good\n```\nlet cake = 2 * 3;\n```",
    )
    .await?;
    bob.wait("what stands out", |view| view.messages.len() == 7).await?;
    bob.click("Whisper to Ann").await?;
    bob.paste("Whisper to Ann", "Is it a surprise for Zoë?").await?;
    bob.click("Send").await?;
    ann.wait("the whisper", |view| view.has("Is it a surprise for Zoë?"))
        .await?;
    ann.click("Whisper to Bob").await?;
    ann.paste("Whisper to Bob", "Not a word!").await?;
    ann.click("Send").await?;
    bob.wait("the answer", |view| view.has("Not a word!")).await?;
    shoot(&bob, "6-room-lively").await?;
    bob.paste("Whisper to Ann", "@m").await?;
    shoot(&bob, "6-names-offered").await?;
    bob.press([Key::Enter]).await?;
    shoot(&ann, "7-room-whispering").await?;
    bob.click("Larger map").await?;
    shoot(&bob, "7-map").await?;
    bob.click("Done").await?;
    bob.click("Room menu").await?;
    shoot(&bob, "7-menu").await?;
    bob.press([Key::Escape]).await?;
    bob.click("Invite").await?;
    shoot(&bob, "7-invite").await?;
    bob.click("Done").await?;
    bob.run("document.querySelector('.people-toggle').click()", Vec::new())
        .await?;
    shoot(&bob, "7-people").await?;
    bob.press([Key::Escape]).await?;
    ann.choose("Connect without a server").await?;
    ann.click("Make an invitation").await?;
    ann.wait("the invitation", |view| {
        view.field("Invitation").is_some_and(|field| !field.value.is_empty())
    })
    .await?;
    ann.click("Show as QR code").await?;
    shoot(&ann, "7-invitation").await?;
    ann.click("Done").await?;

    others.pop().unwrap_or_else(|| bob.clone()).choose("Leave room").await?;
    ann.wait("that one left", |view| {
        view.people.iter().any(|person| person.state == "Left")
    })
    .await?;
    server.kill().await?;
    ann.wait("that the server is lost", |view| view.connection_says("Server offline"))
        .await?;
    shoot(&ann, "8-room-server-lost").await?;
    server.restart().await?;

    let proxy = Proxy::start(server.address(), Mischief::Corrupt).await?;
    let hall = format!("{}#/r/town%20hall", proxy.url());
    let eve = browser.open(&hall).await?;
    enter(&eve, "Eve").await?;
    let dan = browser.open(&hall).await?;
    enter(&dan, "Dan").await?;
    for page in [&eve, &dan] {
        page.click("Send").await?;
    }
    // Which of the two is warned depends on whose id is lower.
    for _ in 0..100 {
        for (page, name) in [(&eve, "9-alert-a"), (&dan, "9-alert-b")] {
            if page.look().await?.alerts("Do not trust") {
                return shoot(page, name).await;
            }
        }
    }
    Ok(())
}

async fn enter(page: &Page, name: &str) -> Result<()> {
    page.wait("the question for a name", |view| view.field("Your name").is_some())
        .await?;
    page.paste("Your name", name).await?;
    page.click("Join room").await?;
    page.wait("the room", |view| view.me().is_some()).await?;
    Ok(())
}

/// Takes a picture in every size and colour scheme.
async fn shoot(page: &Page, name: &str) -> Result<()> {
    let folder = output_folder("screens")?;
    for (size, width, height, mobile, letters) in SIZES {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        page.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        page.run(
            &format!("document.documentElement.style.fontSize = '{letters}%'"),
            Vec::new(),
        )
        .await?;
        for scheme in ["light", "dark"] {
            let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            page.devtools("Emulation.setEmulatedMedia", media).await?;
            fs::write(
                folder.join(format!("{name}-{size}-{scheme}.png")),
                page.screenshot().await?,
            )?;
        }
    }
    page.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await?;
    page.run("document.documentElement.style.fontSize = ''", Vec::new())
        .await?;
    Ok(())
}
