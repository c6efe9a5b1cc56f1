//! A text is shown as it was written, and does nothing.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{browser::Browser, page::Page, server::Server};

use crate::lab::{enter, found, run, two};

/// Texts that break pages which take them for more than text.
const ODD: [&str; 9] = [
    "<img src=x onerror=\"window.executed = 1\">",
    "<script>window.executed = 1</script><b>bold</b> &amp; {{7*7}} ${7*7}",
    "\u{202e}desrever si siht\u{202c}, this not",
    "\u{202e}never closed",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🦜 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎",
    "zero\u{200b}width\u{200d}and\u{feff}marks",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘ é",
    "مرحبا بالعالم, שלום עולם, hello",
    "line one\n  line two, indented\n\nline four",
];

/// Whether something that a peer sent was run, or became an element.
async fn is_inert(page: &Page) -> Result<()> {
    let found = page
        .run(
            "const inside = '[role=log] .message-text *, [role=list] bdi *';
             return [window.executed ?? null, document.querySelectorAll(inside + ':not(a)').length,
                 [...document.querySelectorAll(inside)].map(e => e.outerHTML)]",
            Vec::new(),
        )
        .await?;
    ensure!(found[0] == Value::Null && found[1] == json!(0), "{found}");
    Ok(())
}

/// Whether nothing sticks out of the page.
async fn fits(page: &Page) -> Result<()> {
    let sizes = page
        .run(
            "const e = document.documentElement;
             const out = [...document.querySelectorAll('article, article *, [role=list] *')]
                 .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className);
             return [e.scrollWidth, innerWidth, out]",
            Vec::new(),
        )
        .await?;
    ensure!(
        sizes[0].as_u64() <= sizes[1].as_u64() && sizes[2] == json!([]),
        "the page is wider than its window: {sizes}"
    );
    Ok(())
}

#[test]
fn markup_and_odd_characters_are_shown_literally() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        for text in ODD {
            ann.say(text).await?;
            bob.wait(text, |view| view.has(text)).await?;
        }
        let unbroken = "W".repeat(2_000);
        ann.say(&unbroken).await?;
        bob.wait("a long word", |view| view.messages.len() == ODD.len() + 1)
            .await?;
        bob.click("Show all").await?;
        bob.wait("the whole word", |view| view.has(&unbroken)).await?;
        is_inert(&bob).await?;
        is_inert(&ann).await?;
        fits(&bob).await?;
        let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
        bob.devtools("Emulation.setDeviceMetricsOverride", phone).await?;
        fits(&bob).await
    });
}

#[test]
fn names_with_markup_and_odd_characters_are_shown_literally() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, room) = found(&browser, &server.url(), "<b onclick=x>Ann</b>").await?;
        let names = [
            "<img src=x onerror=executed=1>",
            "\u{5e9}\u{5e8}\u{5d4} (!)",
            "🦜 Zoë\u{301}\u{301} 𝔘",
        ];
        let mut pages = Vec::new();
        for name in names {
            let page = enter(&browser, &room, name).await?;
            page.say(&format!("I am {name}")).await?;
            pages.push(page);
        }
        let view = ann
            .wait("everyone and their words", |view| {
                names
                    .iter()
                    .all(|name| view.is(name, "Here") && view.has(&format!("I am {name}")))
            })
            .await?;
        for name in names {
            ensure!(
                view.messages(&format!("I am {name}"))
                    .all(|message| message.author == name),
                "{view:#?}"
            );
        }
        is_inert(&ann).await?;
        fits(&ann).await?;
        // A name that is read from the right turns nothing around it.
        ann.click(&format!("Whisper to {}", names[1])).await?;
        ann.wait("the whisper", |view| {
            view.field(&format!("Whisper to {}", names[1])).is_some()
        })
        .await?;
        pages[0]
            .wait("Ann's name", |view| view.is("<b onclick=x>Ann</b>", "Here"))
            .await?;
        is_inert(&pages[0]).await
    });
}

#[test]
fn only_web_addresses_can_be_clicked() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        let text =
            "https://example.org/a?b=1 javascript:alert(1) data:text/html,x http://example.com file:///etc/passwd";
        ann.say(text).await?;
        bob.wait("the message", |view| view.has(text)).await?;
        let links = bob
            .run(
                "return [...document.querySelectorAll('[role=log] a')]
                    .map(a => [a.getAttribute('href'), a.textContent, a.target, a.rel.split(' ').sort().join(' ')])",
                Vec::new(),
            )
            .await?;
        let rel = "nofollow noopener noreferrer";
        let expected = json!([
            ["https://example.org/a?b=1", "https://example.org/a?b=1", "_blank", rel],
            ["http://example.com", "http://example.com", "_blank", rel],
        ]);
        ensure!(links == expected, "{links}");
        Ok(())
    });
}
