//! Messages to everyone, and whispers.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use shared::limits::TEXT_BYTES_MAX;
use tests::{
    browser::{Browser, Engine, Setup},
    page::{Page, view::View},
    server::Server,
};
use tokio::time::sleep;

use crate::lab::{SPREAD, enter, found, gathered, run, two, whisper};

/// A peer that says nothing for longer is taken for dead, in milliseconds. On a machine on which a bare field takes half as long or longer, no
/// page could do better.
const STILL_MILLIS: f64 = 7_500.0;

#[test]
fn two_tabs_talk_both_ways_at_the_same_instant() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        ann.paste("Message", "from Ann").await?;
        bob.paste("Message", "from Bob").await?;
        // A browser's tabs hear each other's broadcasts without delay, so one word makes both send.
        for page in [&ann, &bob] {
            let on_word = "window.word = new BroadcastChannel('word');
                word.onmessage = () => document.querySelector('[aria-label=Send]').click();";
            page.run(on_word, Vec::new()).await?;
        }
        ann.run("new BroadcastChannel('word').postMessage('now')", Vec::new())
            .await?;
        for (page, own) in [(&ann, "from Ann"), (&bob, "from Bob")] {
            page.wait("both messages", |view| {
                view.messages.len() == 2
                    && view.has("from Ann")
                    && view.has("from Bob")
                    && view.is_delivered(own, "delivered to 1 of 1")
            })
            .await?;
        }
        Ok(())
    });
}

/// Goes on typing until that is seen: who has just given a sign gives the next a little later.
async fn types_until_seen(writer: &Page, reader: &Page, expected: &str) -> Result<()> {
    for _ in 0..40 {
        writer.type_into("Message", "c").await?;
        if reader.look().await?.typing == expected {
            return Ok(());
        }
        sleep(Duration::from_millis(500)).await;
    }
    bail!("{reader:?} does not show: {expected}")
}

async fn who_types_is_seen(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, _) = two(&browser, &server).await?;
    ann.type_into("Message", "tea").await?;
    bob.wait("that Ann is typing", |view| view.typing == "Ann is typing")
        .await?;
    ann.click("Send").await?;
    let nobody_types = |view: &View| view.typing.is_empty();
    bob.wait("what she typed, and nothing more", |view| {
        view.has("tea") && nobody_types(view)
    })
    .await?;
    // Who thinks better of it types no longer.
    types_until_seen(&ann, &bob, "Ann is typing").await?;
    bob.wait("that she is not", nobody_types).await?;
    // Nobody is told of a whisper, nor of anything by who does not want that: a sign of somebody else would come after theirs.
    whisper(&ann, "Bob", "between us").await?;
    bob.choose("Appearance").await?;
    bob.pick("Neither show nor tell").await?;
    bob.click("Done").await?;
    bob.type_into("Message", "tea").await?;
    ensure!(ann.look().await?.typing.is_empty());
    bob.choose("Appearance").await?;
    bob.pick("Show and tell").await?;
    bob.click("Done").await?;
    types_until_seen(&bob, &ann, "Bob is typing").await
}

#[test]
fn chromium_shows_who_types() {
    run(who_types_is_seen(Engine::Chromium));
}

#[test]
fn firefox_shows_who_types() {
    run(who_types_is_seen(Engine::Firefox));
}

#[test]
fn three_tabs_all_hear_everyone() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, room) = found(&browser, &server.url(), "Ann").await?;
        let bob = enter(&browser, &room, "Bob").await?;
        let eve = enter(&browser, &room, "Eve").await?;
        let all = [&ann, &bob, &eve];
        gathered(&all).await?;
        for (page, text) in all.into_iter().zip(["one", "two", "three"]) {
            page.say(text).await?;
            page.wait("the delivery to both", |view| {
                view.is_delivered(text, "delivered to 2 of 2")
            })
            .await?;
        }
        for page in all {
            let view = page.wait("all messages", |view| view.messages.len() == 3).await?;
            ensure!(view.has("one") && view.has("two") && view.has("three"), "{view:#?}");
        }
        Ok(())
    });
}

#[test]
fn chromium_and_firefox_share_a_room() {
    run(async {
        let server = Server::start().await?;
        let chromium = Browser::chromium().await?;
        let firefox = Browser::firefox().await?;
        let (ann, room) = found(&chromium, &server.url(), "Ann").await?;
        let bob = enter(&firefox, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        ann.say("from Chromium").await?;
        bob.say("from Firefox").await?;
        for (page, own) in [(&ann, "from Chromium"), (&bob, "from Firefox")] {
            page.wait("both messages", |view| {
                view.has("from Chromium") && view.has("from Firefox") && view.is_delivered(own, "delivered to 1 of 1")
            })
            .await?;
        }
        Ok(())
    });
}

#[test]
fn what_is_said_while_alone_waits_and_is_delivered_later() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, room) = found(&browser, &server.url(), "Ann").await?;
        ann.say("first").await?;
        ann.say("second").await?;
        for text in ["first", "second"] {
            ann.wait("waiting", |view| {
                view.is_delivered(text, "Will be delivered when someone joins")
            })
            .await?;
        }
        let bob = enter(&browser, &room, "Bob").await?;
        let view = bob.wait("both messages", |view| view.messages.len() == 2).await?;
        let texts: Vec<&str> = view.messages.iter().map(|message| message.text.as_str()).collect();
        ensure!(texts == ["first", "second"], "{texts:?}");
        for text in texts {
            ann.wait("delivered", |view| view.is_delivered(text, "delivered to 1 of 1"))
                .await?;
        }
        Ok(())
    });
}

#[test]
fn the_author_sees_how_many_have_it_already() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = (Browser::chromium().await?, Browser::chromium().await?);
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&here, &room, "Bob").await?;
        let eve = enter(&there, &room, "Eve").await?;
        gathered(&[&ann, &bob, &eve]).await?;
        there.pause_network()?;
        ann.say("who has it?").await?;
        ann.wait("one of two", |view| {
            view.is_delivered("who has it?", "delivered to 1 of 2")
        })
        .await?;
        // Who that is, and who it is not.
        ann.click("delivered to 1 of 2").await?;
        let told = ann.run("return document.querySelector('dialog').innerText", vec![]);
        let told = told.await?;
        let told = told.as_str().unwrap_or_default();
        let place = |part: &str| told.find(part).with_context(|| format!("{part} is not in {told:?}"));
        let [has, bob_has, has_not, eve_has_not] =
            [place("Delivered to")?, place("Bob")?, place("Not yet")?, place("Eve")?];
        ensure!(has < bob_has && bob_has < has_not && has_not < eve_has_not, "{told:?}");
        ann.click("Done").await?;
        there.resume_network()?;
        // Her link may have been given up meanwhile.
        ann.wait_for(SPREAD, "both", |view| {
            view.is_delivered("who has it?", "delivered to 2 of 2")
        })
        .await?;
        eve.wait("the message", |view| view.has("who has it?")).await?;
        Ok(())
    });
}

#[test]
fn a_whisper_reaches_its_recipient_and_nobody_else() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, room) = found(&browser, &server.url(), "Ann").await?;
        let bob = enter(&browser, &room, "Bob").await?;
        let eve = enter(&browser, &room, "Eve").await?;
        gathered(&[&ann, &bob, &eve]).await?;
        whisper(&ann, "Bob", "only you").await?;
        let view = bob.wait("the whisper", |view| view.has("only you")).await?;
        ensure!(
            view.messages[0].whisper.as_deref() == Some("Whisper to you"),
            "{view:#?}"
        );
        let view = ann
            .wait("the delivery", |view| view.is_delivered("only you", "delivered"))
            .await?;
        ensure!(
            view.messages[0].whisper.as_deref() == Some("Whisper to Bob"),
            "{view:#?}"
        );
        // A later message on the same link shows that nothing else is on its way.
        ann.click("Back to everyone").await?;
        ann.say("for all").await?;
        for page in [&bob, &eve] {
            page.wait("the message for all", |view| view.has("for all")).await?;
        }
        let view = eve.look().await?;
        ensure!(view.messages.len() == 1, "{view:#?}");
        Ok(())
    });
}

#[test]
fn a_whisper_to_someone_gone_is_said_to_wait_before_and_after_it_is_sent() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        ann.click("Whisper to Bob").await?;
        ann.paste("Whisper to Bob", "are you there?").await?;
        bob.choose("Leave room").await?;
        ann.wait("Bob left", |view| view.is("Bob", "Left")).await?;
        ann.wait("what becomes of a whisper", |view| {
            view.says("is not here now. What you whisper is kept, sealed")
        })
        .await?;
        ann.click("Send").await?;
        let view = ann.wait("the whisper", |view| !view.messages.is_empty()).await?;
        let waits = |delivery: &str| delivery.contains("Will be delivered when they come back");
        ensure!(view.messages[0].delivery.as_deref().is_some_and(waits), "{view:#?}");
        ensure!(
            view.field("Whisper to Bob").is_some_and(|field| field.value.is_empty()),
            "{view:#?}"
        );
        Ok(())
    });
}

#[test]
fn two_rooms_of_one_server_stay_apart() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, red) = found(&browser, &server.url(), "Ann").await?;
        // An open room beside a generated one.
        let blue = format!("{}#/r/blue", server.url());
        let eve = enter(&browser, &blue, "Eve").await?;
        let bob = enter(&browser, &red, "Bob").await?;
        let dan = enter(&browser, &blue, "Dan").await?;
        gathered(&[&ann, &bob]).await?;
        gathered(&[&eve, &dan]).await?;
        ann.say("red").await?;
        eve.say("blue").await?;
        for (page, text, other) in [(&bob, "red", "Ann"), (&dan, "blue", "Eve")] {
            let view = page.wait("its message", |view| view.has(text)).await?;
            ensure!(view.messages.len() == 1 && view.people.len() == 2, "{view:#?}");
            ensure!(view.person(other).is_some(), "{view:#?}");
        }
        Ok(())
    });
}

#[test]
fn the_longest_message_arrives_whole_and_a_longer_one_is_refused() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        // Bytes count, not characters: three a sign here, and one to fill up.
        let longest = format!("{}.", "€".repeat(TEXT_BYTES_MAX / 3));
        assert_eq!(longest.len(), TEXT_BYTES_MAX);
        let too_long = format!("{longest}!");
        ann.paste("Message", &too_long).await?;
        ann.click("Send").await?;
        let view = ann
            .wait("the refusal", |view| view.alerts("1 byte too long. Shorten it"))
            .await?;
        ensure!(view.messages.is_empty(), "it was sent");
        ensure!(
            view.field("Message")
                .is_some_and(|field| field.value == too_long && field.invalid),
            "the text is lost"
        );
        ann.paste("Message", &longest).await?;
        ann.click("Send").await?;
        bob.wait("the message", |view| view.messages.len() == 1).await?;
        bob.click("Show all").await?;
        bob.wait("the whole text", |view| view.has(&longest)).await?;
        ann.wait("its delivery", |view| {
            view.messages
                .iter()
                .any(|message| message.delivery.as_deref() == Some("delivered to 1 of 1"))
        })
        .await?;
        Ok(())
    });
}

#[test]
fn a_pasted_book_is_refused_in_words_and_stays_in_the_box() {
    for engine in [Engine::Chromium, Engine::Firefox] {
        run(async move {
            let server = Server::start().await?;
            let browser = Browser::start(&Setup::new(engine)).await?;
            let (ann, bob, _) = two(&browser, &server).await?;
            // A page that stands still answers nobody, and is taken for dead.
            let watch = "window.still = 0; let before = performance.now();
                setInterval(() => {
                    const now = performance.now();
                    [window.still, before] = [Math.max(window.still, now - before), now];
                }, 50)";
            ann.run(watch, Vec::new()).await?;
            // The time that a bare field of the browser takes for the same text.
            let (mut bare, mut still) = (0_f64, 0_f64);
            for (bytes, excess) in [(300_000, "229 KB too long"), (2_000_000, "1890 KB too long")] {
                let text = "lorem ipsum ".repeat(bytes / 12);
                ann.copy_by_keys(&text).await?;
                // The test's own field is none of the page's.
                let standing = ann
                    .run("return [window.still, window.still = 0][0]", Vec::new())
                    .await?;
                bare = bare.max(standing.as_f64().unwrap_or_default());
                ann.paste_by_keys("Message").await?;
                ann.wait("the text in the box", |view| {
                    view.field("Message").is_some_and(|field| field.value == text)
                })
                .await?;
                ann.click("Send").await?;
                let view = ann.wait("the refusal", |view| view.alerts(excess)).await?;
                ensure!(
                    view.alerts("A message can have 64 KB at most") && view.messages.is_empty(),
                    "{:#?}",
                    view.notices
                );
                ensure!(
                    view.field("Message")
                        .is_some_and(|field| field.value == text && field.invalid),
                    "the text is lost"
                );
                let standing = ann
                    .run("return [window.still, window.still = 0][0]", Vec::new())
                    .await?;
                still = still.max(standing.as_f64().unwrap_or(f64::INFINITY));
            }
            println!("{engine:?} stands still for {still} ms at most, for {bare} ms with a bare field");
            ensure!(
                still < STILL_MILLIS.max(2.0 * bare),
                "the page stood still for {still} ms"
            );
            // Nothing of it went anywhere.
            ann.paste("Message", "in short").await?;
            ann.click("Send").await?;
            let view = bob.wait("what fits", |view| view.has("in short")).await?;
            ensure!(view.messages.len() == 1, "{} messages", view.messages.len());
            Ok(())
        });
    }
}
