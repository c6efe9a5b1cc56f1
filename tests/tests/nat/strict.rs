//! Homes that cannot reach each other, and a third person who can reach both.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    browser::{CHROMIUM, Engine, Engines, FIREFOX},
    homes::{Lab, Namespace, Nat},
    page::Page,
    room::others_here,
    run::run,
    server::Server,
    wait,
};

use crate::people::{CONNECTED, MET, TOLD, browsers, checks, connected, hears, join, two_people, two_people_at};
use crate::plain::{SAVE, SEND, shows};

/// How long two people are watched after their pages have given up hope.
const WATCHED: Duration = Duration::from_secs(5);

/// Why two people do not reach each other, as the page of one of them has to say.
const BOTH_SYMMETRIC: &str = "neither router lets a direct connection in";
const SYMMETRIC_HERE: &str = "your router lets no direct connection in";
const SYMMETRIC_THERE: &str = "their router lets no direct connection in";
const NO_STUN: &str = "no server knows a way between your networks";
const UDP_BLOCKED_HERE: &str = "your network lets no direct connection out";
const BETWEEN: &str = "a firewall or router stands between you";
const UDP_BLOCKED_THERE: &str = "their network lets no direct connection out";

/// Waits until the page says why somebody is out of reach.
async fn explained(page: &Page, why: &str) -> Result<()> {
    page.wait_for(TOLD, why, |view| view.connection_says(why)).await?;
    Ok(())
}

/// Waits until somebody's details say this.
async fn about(page: &Page, name: &str, text: &str) -> Result<()> {
    const DETAILS: &str = "return document.querySelector('dialog[open]')?.textContent ?? ''";
    page.click(&format!("About {name}")).await?;
    wait::until(CONNECTED, || async {
        let details = page.run(DETAILS, Vec::new()).await?;
        ensure!(
            details.as_str().is_some_and(|details| details.contains(text)),
            "{details}"
        );
        Ok(())
    })
    .await?;
    page.click("Done").await
}

/// Nobody comes, however often it is tried.
async fn alone(page: &Page) -> Result<()> {
    page.holds(WATCHED, "nobody else here", |view| others_here(view) == 0)
        .await
}

/// Two people at two hosts do not see each other, and each of them is told why.
async fn strangers(server: &Server, engines: Engines, hosts: [&Namespace; 2], why: [&str; 2]) -> Result<()> {
    let (ann, bob) = two_people_at(server, engines, hosts).await?;
    for (page, why) in [(&ann, why[0]), (&bob, why[1])] {
        explained(page, why).await?;
    }
    alone(&ann).await
}

async fn symmetric(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let hosts = lab.two_homes(Nat::Symmetric)?;
    let server = lab.server().await?;
    strangers(&server, engines, hosts.each_ref(), [BOTH_SYMMETRIC; 2]).await
}

#[test]
fn symmetric_nats_do_not_connect_in_chromium() {
    run(symmetric(CHROMIUM));
}

#[test]
fn symmetric_nats_do_not_connect_in_firefox() {
    run(symmetric(FIREFOX));
}

/// One router has another port for each destination, and the other one lets in only whom it knows: the pair that fails most often.
async fn symmetric_and_restricted(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let (here, there) = (lab.home(Nat::Symmetric)?, lab.home(Nat::PortRestricted)?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server().await?;
    strangers(&server, engines, hosts.each_ref(), [SYMMETRIC_HERE, SYMMETRIC_THERE]).await
}

#[test]
fn a_symmetric_nat_and_a_restricted_one_do_not_connect_in_chromium() {
    run(symmetric_and_restricted(CHROMIUM));
}

#[test]
fn a_symmetric_nat_and_a_restricted_one_do_not_connect_in_firefox() {
    run(symmetric_and_restricted(FIREFOX));
}

/// Who runs the server has switched STUN off.
async fn without_stun(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let hosts = lab.two_homes(Nat::PortRestricted)?;
    let server = lab.server_with(&["--stun", "off"]).await?;
    strangers(&server, engines, hosts.each_ref(), [NO_STUN; 2]).await
}

#[test]
fn two_homes_do_not_connect_without_stun_in_chromium() {
    run(without_stun(CHROMIUM));
}

#[test]
fn two_homes_do_not_connect_without_stun_in_firefox() {
    run(without_stun(FIREFOX));
}

/// Two networks behind one router that does not send back what its hosts send to its own address outside.
async fn no_hairpin(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let home = lab.home(Nat::PortRestricted)?;
    let beside = lab.beside(&home)?;
    let hosts = [lab.host(&home)?, lab.host(&beside)?];
    let server = lab.server().await?;
    strangers(&server, engines, hosts.each_ref(), [BETWEEN; 2]).await
}

#[test]
fn two_networks_behind_one_router_without_hairpinning_do_not_connect_in_chromium() {
    run(no_hairpin(CHROMIUM));
}

#[test]
fn two_networks_behind_one_router_without_hairpinning_do_not_connect_in_firefox() {
    run(no_hairpin(FIREFOX));
}

/// With Eve, who is in the open, two homes with symmetric NATs are one room.
async fn symmetric_with_third(engine: Engine) -> Result<()> {
    let mut lab = Lab::new()?;
    let [here, there] = lab.two_homes(Nat::Symmetric)?;
    let hosts = [here, there, lab.open_host()?];
    let server = lab.server().await?;
    let [ann, bob, eve] = browsers([engine; 3], hosts.each_ref()).await?;
    let (ann, bob, room) = two_people(&server, &[ann, bob]).await?;
    let eve = join(&eve, &room, "Eve", 2).await?;
    connected("symmetric, and a third in the open", MET, &[&ann, &bob, &eve]).await?;
    hears(&ann, &bob, "hello from Ann").await?;
    hears(&bob, &ann, "hello from Bob").await?;
    about(&ann, "Bob", "Reached through \u{2068}Eve\u{2069}").await?;
    ann.click("Whisper to Bob").await?;
    ann.paste("Whisper to Bob", "between us").await?;
    ann.click("Send").await?;
    bob.wait("the whisper", |view| view.has("between us")).await?;
    eve.holds(WATCHED, "no whisper of others", |view| !view.has("between us"))
        .await?;
    // Files are for everyone.
    ann.click("Back to everyone").await?;
    let sent = ann.run(SEND, vec![json!(10_000_000)]).await?;
    shows(&bob, "report.pdf").await?;
    bob.click("Download").await?;
    shows(&bob, "complete").await?;
    let saved = bob.run_async(SAVE, Vec::new()).await?;
    ensure!(saved == sent, "{saved} is not {sent}");
    checks(&ann, "Your router lets hardly any direct connection in").await
}

#[test]
fn symmetric_nats_and_a_third_person_are_one_room_in_chromium() {
    run(symmetric_with_third(Engine::Chromium));
}

#[test]
fn symmetric_nats_and_a_third_person_are_one_room_in_firefox() {
    run(symmetric_with_third(Engine::Firefox));
}

/// A home without UDP reaches nobody, not even Eve, who is in the open: a browser waits for nobody to connect by TCP.
async fn udp_blocked(engine: Engine) -> Result<()> {
    let mut lab = Lab::new()?;
    let (here, there) = (lab.home(Nat::UdpBlocked)?, lab.home(Nat::PortRestricted)?);
    let hosts = [lab.host(&here)?, lab.host(&there)?, lab.open_host()?];
    let server = lab.server().await?;
    let [ann, bob, eve] = browsers([engine; 3], hosts.each_ref()).await?;
    let (bob, eve, room) = two_people(&server, &[bob, eve]).await?;
    connected("a home and the open", MET, &[&bob, &eve]).await?;
    let ann = join(&ann, &room, "Ann without UDP", 2).await?;
    explained(&ann, UDP_BLOCKED_HERE).await?;
    for page in [&bob, &eve] {
        explained(page, UDP_BLOCKED_THERE).await?;
    }
    alone(&ann).await?;
    checks(&ann, "Your network lets no direct connection out").await?;
    // The others are none the worse for it.
    hears(&bob, &eve, "hello from Bob").await
}

#[test]
fn a_home_without_udp_reaches_nobody_in_chromium() {
    run(udp_blocked(Engine::Chromium));
}

#[test]
fn a_home_without_udp_reaches_nobody_in_firefox() {
    run(udp_blocked(Engine::Firefox));
}
