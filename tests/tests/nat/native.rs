//! A native peer and a browser, each in a network of its own.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use mesh::model::Delivery;
use shared::Identity;
use tests::{
    browser::{Browser, Engine, Setup},
    homes::{Lab, Namespace, Nat},
    native::{Lower, Peer, identity, place},
    page::Page,
    room::found,
    run::{note, run},
    server::Server,
};
use tokio::{runtime::Builder, task::LocalSet};

use crate::people::MET;

/// What is promised of a native peer in the same network, from its start to the link.
const LINKED: Duration = Duration::from_secs(2);

/// How often it comes there with each order of ids.
const ROUNDS: u8 = 25;

/// A native peer at a host comes in, says something, and leaves. Gives the time from its coming to its link.
fn comes_in(host: &Namespace, room: &str, identity: Identity, text: &str) -> Result<Duration> {
    let (code, server) = place(room)?;
    // Its sockets are made by the thread that is in the network of the host.
    host.inside(|| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, async {
            let started = Instant::now();
            let mut peer = Peer::enter(identity, "Nat", &code, &server).await;
            peer.until("a link", |room| room.people.iter().any(|person| person.linked))
                .await;
            let took = started.elapsed();
            let id = peer.session.say(None, text)?;
            let everybody = Some(Delivery::Sent { delivered: 1, of: 1 });
            peer.until("the delivery", |room| {
                let mut messages = room.messages.iter();
                messages.any(|entry| entry.message.id == id && entry.delivery == everybody)
            })
            .await;
            peer.leave().await;
            Ok(took)
        })
    })?
}

async fn come_in(
    (server, host): (&Server, &Namespace),
    browser: &Browser,
    (rounds, within): (u8, Duration),
) -> Result<()> {
    let (ann, room): (Page, String) = found(browser, &server.url(), "Ann").await?;
    for lower in [Lower::Native, Lower::Browser] {
        let mut took = Vec::new();
        for round in 0..rounds {
            let text = format!("{lower:?} {round}");
            took.push(comes_in(host, &room, identity(lower, round), &text)?);
            ann.wait("what it said, and its leave", |view| {
                view.has(&text) && !view.is("Nat", "Here")
            })
            .await?;
        }
        took.sort();
        let middle = took[took.len() / 2];
        note(&format!(
            "terminal and {:?} in networks of their own, lower id {lower:?}: {} of {rounds}, median {middle:?}, longest {:?}",
            browser.engine(),
            took.iter().filter(|took| **took <= within).count(),
            took[took.len() - 1],
        ));
        ensure!(took.iter().all(|took| *took <= within), "{took:?}");
    }
    Ok(())
}

/// Two hosts of one home. No STUN server: what they have are their own addresses, the browser's behind a name.
async fn one_home(engine: Engine) -> Result<()> {
    let mut lab = Lab::new()?;
    let home = lab.home(Nat::PortRestricted)?;
    let [here, there] = [lab.host(&home)?, lab.host(&home)?];
    let server = lab.server_with(&["--stun", "off"]).await?;
    let browser = Browser::start(&Setup::new(engine).inside(&here)).await?;
    come_in((&server, &there), &browser, (ROUNDS, LINKED)).await
}

#[test]
fn a_native_peer_and_chromium_at_two_hosts_link() {
    run(one_home(Engine::Chromium));
}

#[test]
fn a_native_peer_and_firefox_at_two_hosts_link() {
    run(one_home(Engine::Firefox));
}

/// Two homes behind ordinary routers, which learn their addresses outside from the server.
async fn homes(engine: Engine) -> Result<()> {
    let mut lab = Lab::new()?;
    let [here, there] = lab.two_homes(Nat::PortRestricted)?;
    let server = lab.server().await?;
    let browser = Browser::start(&Setup::new(engine).inside(&here)).await?;
    come_in((&server, &there), &browser, (1, MET)).await
}

#[test]
fn a_native_peer_and_chromium_in_two_homes_link() {
    run(homes(Engine::Chromium));
}

#[test]
fn a_native_peer_and_firefox_in_two_homes_link() {
    run(homes(Engine::Firefox));
}
