//! Native peers and browsers in one room.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use client::{room::RoomState, route::Route};
use mesh::model::FileState;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::{Identity, RoomCode};
use tests::{
    browser::{Browser, Engine, Setup},
    native::{Lower, Peer, identity, place},
    page::Page,
    server::Server,
};
use tokio::task::LocalSet;

use crate::{
    files::{saved, send, shows},
    lab::{at_the_door, found, go_in, note, others_here, run},
};

/// How long it takes at most from coming in until people see each other.
const LINKED: Duration = Duration::from_secs(2);

/// How often the native peer comes in.
const ROUNDS: u8 = 5;

async fn native(room: &str, lower: Lower, round: u8) -> Result<Peer> {
    let (code, server) = place(room)?;
    Ok(Peer::enter(identity(lower, round), "Nat", &code, &server).await)
}

/// The native peer comes into a browser's room, again and again.
async fn comes_in(browser: &Browser) -> Result<()> {
    let server = Server::start().await?;
    let (ann, room) = found(browser, &server.url(), "Ann").await?;
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        for lower in [Lower::Native, Lower::Browser] {
            let started = Instant::now();
            let mut nat = native(&room, lower, round).await?;
            nat.until_here(1).await;
            took.push(started.elapsed());
            ann.wait("the native peer", |view| view.is("Nat", "Here")).await?;
            talk(&ann, &mut nat, &format!("{lower:?} {round}")).await?;
            nat.leave().await;
            ann.wait("its leave", |view| !view.is("Nat", "Here")).await?;
        }
    }
    note(&format!("linked with {:?} after {took:?}", browser.engine()));
    ensure!(took.iter().all(|took| *took <= LINKED), "{took:?}");
    Ok(())
}

/// A browser comes into the native peer's room.
async fn is_there(browser: &Browser) -> Result<()> {
    let server = Server::start().await?;
    for lower in [Lower::Native, Lower::Browser] {
        let room = format!("{}#/r/a-room-of-{lower:?}", server.url()).to_lowercase();
        let mut nat = native(&room, lower, 0).await?;
        // A new profile, for the one before has a name.
        let browser = Browser::start(&Setup::new(browser.engine())).await?;
        let ann = at_the_door(&browser, &room, "Ann").await?;
        let started = Instant::now();
        go_in(&ann).await?;
        nat.until_here(1).await;
        let took = started.elapsed();
        note(&format!(
            "{:?} linked after {took:?}, its start included",
            browser.engine()
        ));
        ensure!(took <= LINKED, "{took:?}");
        ann.wait("the native peer", |view| others_here(view) == 1).await?;
        talk(&ann, &mut nat, "hello").await?;
        nat.leave().await;
    }
    Ok(())
}

/// Both ways, to all and in private.
async fn talk(page: &Page, native: &mut Peer, text: &str) -> Result<()> {
    let [said, back, whispered] = ["", "back: ", "in private: "].map(|before| format!("{before}{text}"));
    page.say(&said).await?;
    native.until_said(&said).await;
    native.session.say(None, &back)?;
    let ann = native
        .session
        .room()
        .people
        .iter()
        .map(|person| person.peer)
        .next_back();
    native.session.say(ann, &whispered)?;
    page.wait("both answers", |view| view.has(&back) && view.has(&whispered))
        .await?;
    page.wait("the delivery", |view| view.is_delivered(&said, "delivered to 1 of 1"))
        .await?;
    Ok(())
}

/// As a browser gives it.
fn sha256(bytes: &[u8]) -> Value {
    json!(Sha256::digest(bytes).to_vec())
}

async fn files(browser: &Browser) -> Result<()> {
    let server = Server::start().await?;
    let (ann, room) = found(browser, &server.url(), "Ann").await?;
    let mut nat = native(&room, Lower::Native, 0).await?;
    nat.until_here(1).await;

    let bytes: Vec<u8> = (0..5_000_001_u32)
        .flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes().into_iter().take(1))
        .collect();
    let started = Instant::now();
    let info = nat.offer(&bytes).await;
    shows(&ann, &info.name).await?;
    ann.click("Download").await?;
    shows(&ann, "complete").await?;
    note(&format!("5 MB to {:?} after {:?}", browser.engine(), started.elapsed()));
    let (_, received) = saved(&ann).await?;
    ensure!(received == sha256(&bytes), "what arrived is not what was sent");

    let hash = send(&ann, "back.pdf", 5_000_001).await?;
    let is_offered = |room: &RoomState| {
        let mut files = room.messages.iter().filter_map(|entry| entry.message.file.as_ref());
        files.any(|file| file.name == "back.pdf")
    };
    let shown = nat.until("the offer", is_offered).await;
    let mut files = shown.messages.iter().filter_map(|entry| entry.message.file.clone());
    let info = files.find(|file| file.name == "back.pdf").context("the offer")?;
    let started = Instant::now();
    nat.session.fetch_file(info.clone())?;
    let is_whole = |room: &RoomState| {
        let progress = room.files.get(&info.root);
        progress.is_some_and(|progress| progress.state == FileState::Whole)
    };
    nat.until("the file", is_whole).await;
    note(&format!(
        "5 MB from {:?} after {:?}",
        browser.engine(),
        started.elapsed()
    ));
    ensure!(
        sha256(&nat.file(&info).await) == hash,
        "what arrived is not what was sent"
    );
    nat.leave().await;
    Ok(())
}

/// With a browser of each engine.
fn with_each(test: impl AsyncFn(&Browser) -> Result<()>) {
    let all = async {
        for engine in [Engine::Chromium, Engine::Firefox] {
            let browser = Browser::start(&Setup::new(engine)).await?;
            test(&browser).await.with_context(|| format!("with {engine:?}"))?;
        }
        Ok(())
    };
    run(async { LocalSet::new().run_until(all).await });
}

#[test]
fn a_native_peer_comes_into_a_room_of_browsers() {
    with_each(comes_in);
}

#[test]
fn a_browser_comes_into_a_room_of_native_peers() {
    with_each(is_there);
}

#[test]
fn files_go_both_ways_between_native_peers_and_browsers() {
    with_each(files);
}

#[test]
fn a_room_is_found_by_its_link_whatever_that_ends_with() {
    for byte in 0..=u8::MAX {
        let code = RoomCode::Generated {
            secret: [byte; 16],
            founder: Identity::from_secret(&[byte; 32]).peer_id(),
        };
        let route = Route::Room { code: code.to_text() };
        let (found, server) = place(&format!("http://host/{}", route.to_fragment())).expect("a room");
        assert_eq!((found, server.as_str()), (code, "ws://host/ws"));
    }
}
