//! What stands out in a text, whom it calls, emoji by their names, and the days between messages.

use anyhow::{Context, Result, ensure};
use fantoccini::key::Key;
use serde_json::{Value, json};
use tests::{
    browser::{Browser, Engine, Setup},
    page::{PATIENCE, Page},
    server::Server,
    wait::until,
};

use crate::lab::{changed, come_in, found, gathered, outside, run};

/// A room of two, the one in this engine and the other in the other.
async fn with_each(test: impl AsyncFn(&Page, &Page) -> Result<()>) -> Result<()> {
    let server = Server::start().await?;
    let chromium = Browser::chromium().await?;
    let firefox = Browser::start(&Setup::new(Engine::Firefox)).await?;
    for [one, other] in [[&chromium, &firefox], [&firefox, &chromium]] {
        let (ann, room) = found(one, &server.url(), "Ann").await?;
        let bob = outside(other, &server).await?;
        come_in(&bob, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        test(&ann, &bob).await.with_context(|| format!("Ann is in {one:?}"))?;
    }
    Ok(())
}

/// The texts of all elements that fit.
async fn texts(page: &Page, selector: &str) -> Result<Value> {
    let script = "return [...document.querySelectorAll(arguments[0])].map((element) => element.textContent)";
    page.run(script, vec![json!(selector)]).await
}

/// Waits until the texts of all elements that fit are these.
async fn shows(page: &Page, selector: &str, expected: &[&str]) -> Result<()> {
    let seen = until(PATIENCE, || async {
        let texts = texts(page, selector).await?;
        ensure!(texts == json!(expected), "{selector}: {texts}");
        Ok(())
    });
    seen.await
}

/// What is chosen among what is offered, as the browser computes it for those who listen.
async fn is_offered(page: &Page, expected: &[&str]) -> Result<()> {
    let seen = until(PATIENCE, || async {
        let options = page.computed("[role=listbox] > [role=option]").await?;
        let names: Vec<_> = options.iter().map(|(_, name)| name.as_str()).collect();
        ensure!(names == expected, "{options:?}");
        ensure!(options.iter().all(|(role, _)| role == "option"), "{options:?}");
        Ok(())
    });
    seen.await
}

async fn stands_out(ann: &Page, bob: &Page) -> Result<()> {
    let typed = "**the plan** for *today*:\n1. see [this](https://a.example/x)\n2. run `ls *.rs`\n> not > that\n```\nlet x = 2 * 3 * 4;\n```\nand https://bank.example@evil.example/";
    ann.say(typed).await?;
    for page in [ann, bob] {
        for (selector, expected) in [
            (".message-text strong", &["the plan"][..]),
            (".message-text em", &["today"]),
            (
                ".message-text ol > li",
                &["see this (leads to a.example)", "run ls *.rs"],
            ),
            (".message-text li code", &["ls *.rs"]),
            (".message-text blockquote", &["not > that"]),
            (".message-text pre", &["let x = 2 * 3 * 4;"]),
            (".leads-to bdi", &["a.example", "evil.example"]),
        ] {
            shows(page, selector, expected).await?;
        }
    }
    bob.reload().await?;
    shows(bob, ".message-text strong", &["the plan"]).await?;
    // What is stored, and changed, is what was typed.
    let shown = texts(ann, "[role=log] .message-text").await?;
    ann.choose_of(shown[0].as_str().unwrap_or_default(), "Edit").await?;
    ann.wait("what was typed", |view| {
        view.field("New text").is_some_and(|field| field.value == typed)
    })
    .await?;
    ann.click("Cancel").await?;
    // Where the page may use the clipboard, and where it may not, the person is told.
    bob.click("Copy code").await?;
    let is_told = |text: &str| text.contains("Copied.") || text.contains("The text is selected");
    bob.wait("what to do next", |view| {
        view.notices.iter().any(|notice| is_told(&notice.text))
    })
    .await?;
    Ok(())
}

#[test]
fn what_stands_out_is_shown_alike_in_both_engines_and_stored_as_typed() {
    run(with_each(stands_out));
}

async fn is_called(ann: &Page, bob: &Page) -> Result<()> {
    ann.focus("Message").await?;
    ann.type_anywhere("hi @b").await?;
    is_offered(ann, &["Bob"]).await?;
    let box_of = ann.focused().await?;
    ensure!(box_of == ("textbox".to_owned(), "Message".to_owned()), "{box_of:?}");
    ann.press([Key::Enter]).await?;
    ann.type_anywhere("and @nobody").await?;
    is_offered(ann, &[]).await?;
    ann.press([Key::Enter]).await?;
    bob.wait("the message", |view| view.has("hi @Bob and @nobody")).await?;
    shows(bob, "mark.me", &["@Bob"]).await?;
    shows(ann, "mark", &["@Bob"]).await?;
    shows(ann, "mark.me", &[]).await
}

#[test]
fn who_is_called_is_offered_by_name_and_sees_it_in_both_engines() {
    run(with_each(is_called));
}

async fn has_emoji(ann: &Page, bob: &Page) -> Result<()> {
    ann.focus("Message").await?;
    ann.type_anywhere(":smi").await?;
    is_offered(ann, &["😄 smile", "😏 smirk"]).await?;
    ann.press([Key::Down, Key::Tab]).await?;
    ann.type_anywhere(" :tada:").await?;
    ann.wait("the emoji", |view| {
        view.field("Message").is_some_and(|field| field.value == "😏 🎉")
    })
    .await?;
    ann.press([Key::Enter]).await?;
    for page in [ann, bob] {
        shows(page, ".lone-emoji", &["😏 🎉"]).await?;
    }
    Ok(())
}

#[test]
fn emoji_are_typed_by_their_names_in_both_engines() {
    run(with_each(has_emoji));
}

async fn is_dated(ann: &Page, bob: &Page) -> Result<()> {
    ann.say("one").await?;
    bob.say("two").await?;
    for page in [ann, bob] {
        page.wait("both", |view| view.messages.len() == 2).await?;
        let days = page.computed("[role=log] > [role=separator]").await?;
        // Firefox names a separator's role after its tag's.
        ensure!(matches!(&days[..], [(_, name)] if name == "Today"), "{days:?}");
    }
    ann.reload().await?;
    ann.wait("both again", |view| view.messages.len() == 2).await?;
    shows(ann, "[role=separator]", &["Today"]).await
}

#[test]
fn a_day_stands_over_its_messages_in_both_engines() {
    run(with_each(is_dated));
}

/// A clock that can be set ahead, and a minute that is short.
const CLOCK: &str = "
    const Real = Date;
    let ahead = 0;
    window.setAhead = (millis) => { ahead = millis; };
    window.Date = class extends Real {
        constructor(...given) { given.length ? super(...given) : super(Real.now() + ahead); }
        static now() { return Real.now() + ahead; }
    };
    const every = window.setInterval;
    window.setInterval = (callback, millis, ...rest) => every(callback, millis === 60000 ? 50 : millis, ...rest);";

#[test]
fn a_day_that_ends_while_the_room_is_open_becomes_yesterday_and_then_a_date() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let ann = changed(&browser, CLOCK, &server.url()).await?;
        ann.paste("Your name", "Ann").await?;
        ann.click("New room").await?;
        ann.wait("the room", |view| view.me().is_some()).await?;
        ann.say("one").await?;
        shows(&ann, "[role=separator]", &["Today"]).await?;
        ann.run("setAhead(24 * 3600 * 1000)", vec![]).await?;
        shows(&ann, "[role=separator]", &["Yesterday"]).await?;
        ann.say("two").await?;
        shows(&ann, "[role=separator]", &["Yesterday", "Today"]).await?;
        ann.run("setAhead(40 * 24 * 3600 * 1000)", vec![]).await?;
        let dates = ann
            .run(
                "const format = new Intl.DateTimeFormat([], {dateStyle: 'full'});
                 return [...document.querySelectorAll('article time')].map((time) => format.format(new Date(time.dateTime)))",
                vec![],
            )
            .await?;
        let dates: Vec<&str> = dates
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        ensure!(dates.len() == 2, "{dates:?}");
        shows(&ann, "[role=separator]", &dates).await
    });
}
