//! Rooms too large for everyone to be linked with everyone.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use futures_util::future::{try_join, try_join_all};
use serde_json::json;
use shared::limits::{LINKS_MAX, TEXT_BYTES_MAX};
use tests::{
    browser::{Browser, Engine, Setup},
    page::{PATIENCE, Page, view::View},
    server::Server,
    wait::until,
};

use crate::{
    lab::{
        LONG, SPREAD, all_have, come_in, crowd, gathered, note, others_here, outside, run_alone, together, whispers,
    },
    wires,
};

/// How soon the remaining tabs have enough links again, read in one tab after the other: each has to come to the front first, which takes
/// about a second. How soon it is in itself is the simulator's to say.
const HEALED: Duration = Duration::from_secs(60);

/// The largest distance between two messages that are said at the same time, in milliseconds.
const AT_ONCE_MILLIS: f64 = 1_000.0;

/// How many links everyone has at least, where there are that many people.
const LINKS_MIN: usize = 3;

/// For how long nobody looks at a tab.
const IN_THE_BACKGROUND: Duration = Duration::from_secs(60);

/// Twelve tabs of four browsers go through all that a large room has to stand: starting them takes longer than any of it.
#[test]
fn twelve_tabs_of_two_engines_are_one_room_and_no_full_mesh() {
    run_alone(LONG, async {
        let server = Server::start().await?;
        let ((chromium, firefox), (chromium_lost, firefox_lost)) = try_join(
            try_join(Browser::chromium(), Browser::firefox()),
            try_join(Browser::chromium(), Browser::firefox()),
        )
        .await?;
        let browsers = [(&chromium, 4), (&firefox, 3), (&chromium_lost, 2), (&firefox_lost, 3)];
        let (pages, _) = crowd(&server, &browsers).await?;
        let all: Vec<&Page> = pages.iter().collect();
        together(&all).await?;

        everyone_hears_everyone_in_one_order(&all).await?;
        links_are_few(&all).await?;
        whispers_cross_the_room(&all).await?;
        sizes_are_kept(&all).await?;
        the_same_words_twice_are_two_messages(&all).await?;

        let (remaining, lost) = all.split_at(7);
        chromium_lost.kill()?;
        firefox_lost.kill()?;
        the_others_close_ranks(remaining, lost.len()).await
    });
}

async fn everyone_hears_everyone_in_one_order(all: &[&Page]) -> Result<()> {
    let texts: Vec<String> = (0..all.len()).map(|number| format!("this is p{number}")).collect();
    try_join_all(all.iter().zip(&texts).map(|(page, text)| page.say(text))).await?;
    let said = |view: &View| -> Vec<String> { view.messages.iter().map(|message| message.text.clone()).collect() };
    let mut first = None;
    for page in all {
        let view = page
            .wait("every message", |view| texts.iter().all(|text| view.has(text)))
            .await?;
        ensure!(view.messages.len() == texts.len(), "{view:#?}");
        let order = first.get_or_insert_with(|| said(&view));
        ensure!(said(&view) == *order, "another order than {order:?}: {:?}", said(&view));
    }
    Ok(())
}

async fn links_are_few(all: &[&Page]) -> Result<()> {
    let size = format!("Network size: {}", all.len());
    let mut counts = Vec::new();
    for page in all {
        let view = page
            .wait_for(SPREAD, "the size of the network, and links", |view| {
                view.network_says(&size) && links(view) >= LINKS_MIN
            })
            .await?;
        counts.push(links(&view));
    }
    note(&format!("links of each of {} tabs: {counts:?}", all.len()));
    ensure!(counts.iter().all(|count| *count <= LINKS_MAX), "{counts:?}");
    let full = all.len() * (all.len() - 1);
    ensure!(counts.iter().sum::<usize>() < full, "a full mesh: {counts:?}");
    Ok(())
}

/// Between the engines and within each, wherever there are two that share no link.
async fn whispers_cross_the_room(all: &[&Page]) -> Result<()> {
    let mut crossed = Vec::new();
    for (from, page) in all.iter().enumerate() {
        let Some(to) = unlinked(page).await? else { continue };
        let other = all[to];
        let same = page.browser().engine() == other.browser().engine();
        if crossed.contains(&(page.browser().engine(), same)) {
            continue;
        }
        crossed.push((page.browser().engine(), same));
        let text = format!("from p{from} to p{to} only");
        whispers(page, other, &format!("p{to}"), &text).await?;
        // Nobody else hears the whisper, not even a tab that passes it on.
        for (number, page) in all.iter().enumerate() {
            let view = page.look().await?;
            ensure!(
                view.has(&text) == (number == from || number == to),
                "p{number} {view:#?}"
            );
        }
    }
    ensure!(!crossed.is_empty(), "everybody is linked with everybody");
    note(&format!(
        "whispers without a link, and whether within one engine: {crossed:?}"
    ));
    Ok(())
}

async fn sizes_are_kept(all: &[&Page]) -> Result<()> {
    let longest = format!("{}.", "€".repeat(TEXT_BYTES_MAX / 3));
    ensure!(longest.len() == TEXT_BYTES_MAX, "{}", longest.len());
    all[0].paste("Message", &longest).await?;
    all[0].click("Send").await?;
    for page in all {
        page.click("Show all").await?;
        page.wait("the whole text", |view| view.has(&longest)).await?;
        page.click("Show less").await?;
    }
    Ok(())
}

async fn the_same_words_twice_are_two_messages(all: &[&Page]) -> Result<()> {
    // One of each engine.
    let (one, other) = (all[0], all[4]);
    for page in [one, other] {
        page.paste("Message", "snap").await?;
    }
    // By the pages' own clock, which on one machine is the same: how long drivers take to be told is another matter.
    let snap = "setTimeout(() => {
            window.snapped = Date.now();
            document.querySelector('[aria-label=Send]').click();
        }, arguments[0] - Date.now())";
    let at = (SystemTime::now() + Duration::from_secs(5)).duration_since(UNIX_EPOCH)?;
    for page in [one, other] {
        page.run(snap, vec![json!(u64::try_from(at.as_millis())?)]).await?;
    }
    let mut snapped = Vec::new();
    for page in [one, other] {
        let at = until(PATIENCE, || async {
            let at = page.run("return window.snapped ?? null", Vec::new()).await?;
            at.as_f64().context("nothing was said yet")
        });
        snapped.push(at.await?);
    }
    let apart = (snapped[0] - snapped[1]).abs();
    note(&format!("the same words twice within {apart} ms"));
    ensure!(apart < AT_ONCE_MILLIS, "too far apart: {apart} ms");
    for page in all {
        page.wait("both", |view| view.messages("snap").count() == 2).await?;
    }
    Ok(())
}

async fn the_others_close_ranks(remaining: &[&Page], lost: usize) -> Result<()> {
    let killed = Instant::now();
    let (size, people) = (format!("Network size: {}", remaining.len()), remaining.len() - 1);
    for page in remaining {
        let left = HEALED.saturating_sub(killed.elapsed()).max(PATIENCE);
        let view = page
            .wait_for(left, "the lost gone, the others here, and links enough", |view| {
                let gone = view.people.iter().filter(|person| person.state == "Gone").count();
                gone == lost && others_here(view) == people && view.network_says(&size) && links(view) >= LINKS_MIN
            })
            .await?;
        ensure!(links(&view) <= LINKS_MAX, "{view:#?}");
    }
    note(&format!(
        "{lost} lost of {}: healed after {:?}",
        lost + remaining.len(),
        killed.elapsed()
    ));
    remaining[0].say("who is left?").await?;
    all_have(remaining, "who is left?").await?;
    remaining[0]
        .wait("its delivery", |view| {
            view.is_delivered("who is left?", &format!("delivered to {people} of {people}"))
        })
        .await?;
    Ok(())
}

fn links(view: &View) -> usize {
    view.network.as_ref().map_or(0, |network| network.links.len())
}

/// The number of someone whom a tab reaches through others only.
async fn unlinked(page: &Page) -> Result<Option<usize>> {
    let view = page.look().await?;
    let person = view.people.iter().find(|person| person.through_others);
    person
        .map(|person| {
            let number = person.name.strip_prefix('p').and_then(|number| number.parse().ok());
            number.with_context(|| format!("no number: {}", person.name))
        })
        .transpose()
}

/// Ann, Bob, Cid and Dan in a line: what goes from one end to the other goes through the two in the middle, whom nobody looks at.
#[test]
fn tabs_in_the_background_hand_on_what_others_say() {
    run_alone(LONG, async {
        let server = Server::start().await?;
        // Chromium slows down the timers of hidden pages to one a minute after five minutes: here after a second.
        let slow =
            Setup::new(Engine::Chromium).argument("--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1");
        let (ends, (slow, firefox)) = try_join(
            try_join(Browser::chromium(), Browser::chromium()),
            try_join(Browser::start(&slow), Browser::firefox()),
        )
        .await?;
        let bob = outside(&slow, &server).await?;
        let cid = outside(&firefox, &server).await?;
        let ann = outside(&ends.0, &server).await?;
        let dan = outside(&ends.1, &server).await?;
        for page in [&ann, &bob, &cid, &dan] {
            wires::hold(page).await?;
        }
        let room = format!("{}#/r/line", server.url());
        come_in(&bob, &room, "Bob").await?;
        come_in(&cid, &room, "Cid").await?;
        gathered(&[&bob, &cid]).await?;
        wires::wall(&cid, true).await?;
        come_in(&ann, &room, "Ann").await?;
        together(&[&ann, &bob, &cid]).await?;
        for page in [&ann, &bob] {
            wires::wall(page, true).await?;
        }
        // The earlier attempt of Ann and Cid is over.
        wires::settled(&ann).await?;
        wires::wall(&cid, false).await?;
        come_in(&dan, &room, "Dan").await?;
        together(&[&ann, &bob, &cid, &dan]).await?;
        for (page, far) in [(&ann, ["Cid", "Dan"]), (&dan, ["Ann", "Bob"])] {
            page.wait("a line", |view| {
                far.iter()
                    .all(|name| view.person(name).is_some_and(|person| person.through_others))
            })
            .await?;
        }

        // Another tab in front, as people do.
        slow.open("about:blank").await?.look().await?;
        firefox.open("about:blank").await?.look().await?;
        let hidden = Instant::now();
        ann.holds(IN_THE_BACKGROUND, "Dan is here", |view| view.is("Dan", "Here"))
            .await?;
        ann.say("over two").await?;
        dan.wait("it", |view| view.has("over two")).await?;
        dan.say("and back").await?;
        ann.wait("it", |view| view.has("and back")).await?;
        whispers(&ann, &dan, "Dan", "psst").await?;
        println!("handed on after {:?} in the background", hidden.elapsed());
        // Asked afterwards, since a driver that asks a tab brings it to the front.
        for page in [&bob, &cid] {
            let view = page.wait("both messages", |view| view.messages.len() == 2).await?;
            ensure!(view.has("over two") && view.has("and back"), "{view:#?}");
        }
        Ok(())
    });
}
