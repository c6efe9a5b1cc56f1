//! How it shows that someone leaves, on purpose or not.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::future::try_join;
use tests::{browser::Browser, page::PATIENCE, server::Server, wait::until};

use crate::lab::{enter, found, gathered, run, two};

/// "At once", for a machine that runs two browsers, and sooner than silence would be noticed.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A peer that says nothing any more is gone after this at the latest.
const GONE: Duration = Duration::from_secs(10);

#[test]
fn leaving_is_seen_at_once_and_leads_back_to_the_start() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        bob.choose("Leave room").await?;
        ann.wait_for(AT_ONCE, "Bob left", |view| view.is("Bob", "Left")).await?;
        bob.wait_for(AT_ONCE, "the start page", |view| {
            view.field("Room").is_some() && view.field("Your name").is_some_and(|name| name.value == "Bob")
        })
        .await?;
        Ok(())
    });
}

#[test]
fn a_room_once_left_is_a_click_away_until_it_is_forgotten() {
    run(async {
        const LISTED: &str = "return document.querySelectorAll('[aria-label=\"Your rooms\"] li').length";
        let server = Server::start().await?;
        let (here, there) = try_join(Browser::chromium(), Browser::firefox()).await?;
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        let leave = async || {
            bob.choose("Leave room").await?;
            bob.wait("the start page", |view| view.field("Room").is_some()).await
        };
        leave().await?;
        bob.click("Private room with Ann").await?;
        gathered(&[&ann, &bob]).await?;
        leave().await?;
        ensure!(bob.run(LISTED, vec![]).await? == 1);
        bob.click("Forget Private room with Ann").await?;
        // What is kept of the room goes first.
        let forgotten = until(PATIENCE, || async {
            ensure!(bob.run(LISTED, vec![]).await? == 0, "the room is still listed");
            Ok(())
        });
        forgotten.await?;
        bob.reload().await?;
        bob.wait("the start page", |view| view.field("Room").is_some()).await?;
        ensure!(bob.run(LISTED, vec![]).await? == 0);
        Ok(())
    });
}

#[test]
fn closing_the_tab_is_leaving() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        // Not a page that has yet to draw what came before.
        bob.look().await?;
        bob.close().await?;
        ann.wait_for(AT_ONCE, "Bob left", |view| view.is("Bob", "Left")).await?;
        Ok(())
    });
}

#[test]
fn a_browser_killed_without_goodbye_is_gone_within_ten_seconds() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = (Browser::chromium().await?, Browser::chromium().await?);
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        there.kill()?;
        let killed = Instant::now();
        ann.wait_for(GONE, "Bob gone", |view| view.is("Bob", "Gone")).await?;
        println!("a killed browser is shown as gone after {:?}", killed.elapsed());
        ensure!(killed.elapsed() < GONE, "too late: {:?}", killed.elapsed());
        Ok(())
    });
}
