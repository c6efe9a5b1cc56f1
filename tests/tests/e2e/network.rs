//! Servers and networks that go and come back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tests::{
    browser::{Browser, Engine, Setup},
    page::Page,
    server::Server,
};

use crate::lab::{changed, enter, found, gathered, run, two};

/// How soon a server that is back is used, and how soon a dead link is noticed.
const PROMISED: Duration = Duration::from_secs(10);

/// How long the network stays away after the loss was noticed.
const OUTAGE: Duration = Duration::from_secs(7);

/// How soon a page that has its network back has its people back: an attempt that began before has to be given up first, and the wait after
/// it grows with each that failed.
const HEALED: Duration = Duration::from_secs(30);

#[test]
fn a_killed_server_stops_no_chat_and_the_page_says_so() {
    run(async {
        let mut server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        server.kill().await?;
        for page in [&ann, &bob] {
            page.wait("the loss of the server", |view| {
                view.connection_says("2 people here. Server offline. Your chat keeps working")
            })
            .await?;
        }
        ann.say("without a server").await?;
        bob.wait("the message", |view| view.has("without a server")).await?;
        bob.say("indeed").await?;
        ann.wait("the answer", |view| view.has("indeed")).await?;
        // Long past every time-out: nothing about a link depends on the server.
        bob.holds(PROMISED, "Ann is here", |view| view.is("Ann", "Here"))
            .await?;
        Ok(())
    });
}

#[test]
fn a_server_that_is_back_is_used_within_ten_seconds_without_a_click() {
    run(async {
        let mut server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, room) = two(&browser, &server).await?;
        server.kill().await?;
        // Down for long enough that the waits between attempts have grown to their full length.
        for page in [&ann, &bob] {
            page.holds(Duration::from_secs(8), "linked", |view| {
                view.connection_says("2 people here.")
            })
            .await?;
        }
        let back = server.restart().await?;
        for page in [&ann, &bob] {
            page.wait_for(PROMISED, "registered again", |view| view.is_registered())
                .await?;
            println!("registered again after {:?}", back.elapsed());
            ensure!(back.elapsed() < PROMISED, "too late: {:?}", back.elapsed());
        }
        // And it introduces.
        let eve = enter(&browser, &room, "Eve").await?;
        gathered(&[&ann, &bob, &eve]).await?;
        Ok(())
    });
}

/// Clocks that tick ten times a second, as a browser has them that hides who it is.
const COARSE: &str = "
    for (const clock of [Date, performance]) {
        const now = clock.now.bind(clock);
        clock.now = () => Math.floor(now() / 100) * 100;
    }";

/// Loses the server for a while, alone in a room.
async fn is_used_again(page: &Page, mut server: Server) -> Result<()> {
    const ALONE: &str = "Only you are here.";
    page.paste("Your name", "Ann").await?;
    page.click("New room").await?;
    page.wait("the server", |view| {
        view.connection.as_deref().is_some_and(|text| text.trim() == ALONE)
    })
    .await?;
    server.kill().await?;
    page.wait("its loss", |view| view.connection_says("Server offline"))
        .await?;
    page.holds(Duration::from_secs(8), "it is away", |view| {
        view.connection_says("Server offline")
    })
    .await?;
    server.restart().await?;
    page.wait_for(PROMISED, "the server again", |view| {
        view.connection.as_deref().is_some_and(|text| text.trim() == ALONE)
    })
    .await?;
    Ok(())
}

#[test]
fn clocks_that_tick_ten_times_a_second_keep_no_server_away_in_chromium() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let page = changed(&browser, COARSE, &server.url()).await?;
        is_used_again(&page, server).await
    });
}

#[test]
fn clocks_that_tick_ten_times_a_second_keep_no_server_away_in_firefox() {
    run(async {
        let server = Server::start().await?;
        let setup = Setup::new(Engine::Firefox)
            .preference("privacy.resistFingerprinting", true)
            .preference(
                "privacy.resistFingerprinting.reduceTimerPrecision.microseconds",
                100_000,
            );
        let browser = Browser::start(&setup).await?;
        let page = browser.open(&server.url()).await?;
        is_used_again(&page, server).await
    });
}

#[test]
fn a_lost_network_heals_without_a_reload() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = (Browser::chromium().await?, Browser::chromium().await?);
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        let mark = "return window.mark = window.mark ?? Math.random()";
        let before = bob.run(mark, Vec::new()).await?;
        there.lose_network(&bob).await?;
        let lost = Instant::now();
        for page in [&ann, &bob] {
            let other = if std::ptr::eq(page, &ann) { "Bob" } else { "Ann" };
            page.wait_for(PROMISED, "the other gone", |view| view.is(other, "Gone"))
                .await?;
        }
        println!("a lost network is noticed after {:?}", lost.elapsed());
        ann.say("while you were away").await?;
        // Long enough for both to have tried again: what they sent meanwhile arrives all at once.
        ann.holds(OUTAGE, "Bob gone", |view| view.is("Bob", "Gone")).await?;
        there.regain_network(&bob).await?;
        let regained = Instant::now();
        for page in [&ann, &bob] {
            let other = if std::ptr::eq(page, &ann) { "Bob" } else { "Ann" };
            page.wait_for(HEALED, "the other back", |view| view.is(other, "Here"))
                .await?;
        }
        println!("a lost network is healed after {:?}", regained.elapsed());
        bob.say("back").await?;
        ann.wait("the message", |view| view.has("back")).await?;
        ensure!(bob.run(mark, Vec::new()).await? == before, "the page was loaded anew");
        Ok(())
    });
}
