//! The way in without a server: two texts that people carry to each other.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::{try_join, try_join_all, try_join3};
use http::Method;
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    native::{Peer, identities, place},
    page::{Page, view::View},
    server::Server,
};
use tokio::{task::LocalSet, time::sleep};

use crate::lab::{LONG, all_have, come_in, crowd, found, gathered, outside, run_alone, together, whispers, without};

/// How long people take to hand a text over: in a chat, and across a table.
const QUICK: Duration = Duration::from_secs(4);
const SLOW: Duration = Duration::from_secs(20);

/// How soon a newcomer has more than the link that it came by.
const LINKED: Duration = Duration::from_secs(30);

/// Takes a newcomer in by hand, both in the room's page.
async fn invite(host: &Page, newcomer: &Page, carrying: Duration) -> Result<()> {
    host.choose("Connect without a server").await?;
    host.click("Make an invitation").await?;
    let invitation = text_in(host, "Invitation").await?;
    scans(host, "Invitation as a QR code", &invitation).await?;
    sleep(carrying).await;
    newcomer.choose("Connect without a server").await?;
    newcomer.paste("Paste an invitation", &invitation).await?;
    newcomer.click("Use invitation").await?;
    let answer = text_in(newcomer, "Your answer").await?;
    scans(newcomer, "Answer as a QR code", &answer).await?;
    sleep(carrying).await;
    host.paste("Answer", &answer).await?;
    host.click("Connect").await?;
    host.click("Done").await?;
    newcomer.click("Done").await
}

/// The text in a box to be copied, once the text is there.
async fn text_in(page: &Page, field: &str) -> Result<String> {
    let text = |view: &View| {
        view.field(field)
            .map(|field| field.value.clone())
            .filter(|text| !text.is_empty())
    };
    let view = page.wait(field, |view| text(view).is_some()).await?;
    text(&view).context("it was there a moment ago")
}

/// A camera in front of the screen gets the same text.
async fn scans(page: &Page, image: &str, text: &str) -> Result<()> {
    page.click("Show as QR code").await?;
    let scanned = page.scan(image).await?;
    ensure!(scanned == text, "{image} says {scanned}, not {text}");
    Ok(())
}

/// A browser and a native peer, each inviting the other.
async fn with_natives(browser: &Browser) -> Result<()> {
    let mut server = Server::start().await?;
    let (ann, room) = found(browser, &server.url(), "Ann").await?;
    let (code, at) = place(&room)?;
    server.kill().await?;
    let [ben, cid] = <[_; 2]>::try_from(identities(2)).ok().context("two people")?;

    let mut ben = Peer::enter(ben, "Ben", &code, &at).await;
    ann.choose("Connect without a server").await?;
    ann.click("Make an invitation").await?;
    let invitation = text_in(&ann, "Invitation").await?;
    ben.session.take_invitation(&invitation)?;
    let answered = ben.until("the answer", |room| room.answer.is_some()).await;
    let answer = answered.answer.as_deref().context("an answer")?.to_owned();
    ann.paste("Answer", &answer).await?;
    ann.click("Connect").await?;
    ann.click("Done").await?;
    ben.until_here(1).await;

    let mut cid = Peer::enter(cid, "Cid", &code, &at).await;
    cid.session.invite()?;
    let invited = cid.until("the invitation", |room| room.invitation.is_some()).await;
    let invitation = invited.invitation.as_deref().context("an invitation")?.to_owned();
    ann.choose("Connect without a server").await?;
    ann.paste("Paste an invitation", &invitation).await?;
    ann.click("Use invitation").await?;
    let answer = text_in(&ann, "Your answer").await?;
    cid.session.take_invitation(&answer)?;
    ann.click("Done").await?;
    cid.until_here(2).await;

    ann.say("from the page").await?;
    for peer in [&mut ben, &mut cid] {
        peer.until_said("from the page").await;
    }
    ben.session.say(None, "from the terminal")?;
    cid.until_said("from the terminal").await;
    ann.wait("the answer", |view| view.has("from the terminal")).await?;
    for peer in [ben, cid] {
        peer.leave().await;
    }
    Ok(())
}

#[test]
fn a_browser_and_native_peers_invite_each_other_by_hand() {
    run_alone(LONG, async {
        for engine in [Engine::Chromium, Engine::Firefox] {
            let browser = Browser::start(&Setup::new(engine)).await?;
            let test = LocalSet::new();
            let test = test.run_until(with_natives(&browser));
            test.await.with_context(|| format!("with {engine:?}"))?;
        }
        Ok(())
    });
}

/// Makes the window as small as a phone's, as far as the browser does.
async fn as_on_a_phone(page: &Page) -> Result<()> {
    let size = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
    match page.browser().engine() {
        Engine::Chromium => page.devtools("Emulation.setDeviceMetricsOverride", size).await,
        Engine::Firefox => page.command(Method::POST, "window/rect", Some(size)).await,
    }?;
    Ok(())
}

#[test]
fn two_people_on_phones_meet_by_hand_while_nobody_else_is_there() {
    run_alone(LONG, async {
        for [here, there] in [[Engine::Chromium, Engine::Firefox], [Engine::Firefox, Engine::Chromium]] {
            let mut server = Server::start().await?;
            let (here, there) = try_join(Browser::start(&Setup::new(here)), Browser::start(&Setup::new(there))).await?;
            let (ann, room) = found(&here, &server.url(), "Ann").await?;
            let bob = outside(&there, &server).await?;
            server.kill().await?;
            for page in [&ann, &bob] {
                as_on_a_phone(page).await?;
            }
            come_in(&bob, &room, "Bob").await?;
            for page in [&ann, &bob] {
                page.wait("that nobody comes by link", |view| {
                    view.connection_says("Server offline")
                })
                .await?;
            }
            invite(&ann, &bob, QUICK).await?;
            bob.say("I am in").await?;
            ann.wait("the newcomer's words", |view| view.has("I am in")).await?;
            ann.say("Welcome!").await?;
            bob.wait("the welcome", |view| view.has("Welcome!")).await?;
        }
        Ok(())
    });
}

#[test]
fn newcomers_of_both_engines_come_in_by_hand_and_find_more_by_themselves() {
    run_alone(LONG, async {
        let mut server = Server::start().await?;
        let (room_browsers, newcomers_1, newcomers_2) = try_join3(
            try_join(Browser::chromium(), Browser::firefox()),
            try_join(Browser::chromium(), Browser::firefox()),
            try_join(Browser::chromium(), Browser::firefox()),
        )
        .await?;
        let (pages, room) = crowd(&server, &[(&room_browsers.0, 4), (&room_browsers.1, 4)]).await?;
        let mut all: Vec<&Page> = pages.iter().collect();
        together(&all).await?;
        gathered(&all).await?;
        all[3].say("said before").await?;
        all_have(&all, "said before").await?;

        // Their pages are open before: nobody serves them afterwards. Each has a browser of its own, for tabs of one
        // browser would find each other without an invitation.
        let browsers = [&newcomers_1.0, &newcomers_1.1, &newcomers_2.0, &newcomers_2.1];
        let mut newcomers = Vec::new();
        for browser in browsers {
            newcomers.push(outside(browser, &server).await?);
        }
        without(&mut server, &all).await?;
        let names = ["q0", "q1", "q2", "q3"];
        for (newcomer, name) in newcomers.iter().zip(names) {
            come_in(newcomer, &room, name).await?;
        }
        for newcomer in &newcomers {
            newcomer
                .wait("how to get in", |view| {
                    view.connection_says("Someone in the room can connect with you without it.")
                })
                .await?;
        }
        // A person in Chromium is invited by one in Firefox, and the other way round.
        let invitations = [(4, QUICK), (0, QUICK), (5, SLOW), (1, SLOW)];
        let invitations = newcomers.iter().zip(invitations).map(|(newcomer, (host, carrying))| {
            ensure_other_engine(all[host], newcomer);
            invite(all[host], newcomer, carrying)
        });
        try_join_all(invitations).await?;

        let members = all.len();
        all.extend(&newcomers);
        together(&all).await?;
        for (newcomer, name) in newcomers.iter().zip(names) {
            let view = newcomer
                .wait_for(LINKED, "what was said before, and a second link", |view| {
                    view.has("said before") && view.network.as_ref().is_some_and(|network| network.links.len() >= 2)
                })
                .await?;
            let stranger = view
                .people
                .iter()
                .find(|person| person.through_others && person.name.starts_with('p'));
            let stranger = stranger.with_context(|| format!("linked with everyone: {view:#?}"))?;
            let number: usize = stranger.name[1..].parse()?;
            ensure!(number < members, "{stranger:?}");
            whispers(newcomer, all[number], &stranger.name, &format!("{name} was here")).await?;
            let text = format!("hello from {name}");
            newcomer.say(&text).await?;
            all_have(&all, &text).await?;
        }
        Ok(())
    });
}

fn ensure_other_engine(host: &Page, newcomer: &Page) {
    assert_ne!(host.browser().engine(), newcomer.browser().engine());
}
