//! Homes and hosts whose address changes while people talk.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::{
    browser::{CHROMIUM, Engines, FIREFOX},
    homes::{Home, Lab, Namespace, Nat},
    page::Page,
    run::{note, run},
    server::Server,
};

use crate::people::{CONNECTED, MET, MOVED, connected, talk, two_people_at};

/// How long it may take at the most, where no time is promised.
const HEARD: Duration = Duration::from_secs(40);

/// What each says when Bob's address has just changed is heard, and Bob is who he was.
async fn heard_again(case: &str, ann: &Page, bob: &Page) -> Result<Duration> {
    let changed = Instant::now();
    let engine = bob.browser().engine();
    let texts = [
        (bob, ann, format!("from Bob: {case}")),
        (ann, bob, format!("to Bob: {case}")),
    ];
    for (from, _, text) in &texts {
        from.say(text).await?;
    }
    for (_, to, text) in &texts {
        to.wait_for(HEARD, text, |view| view.has(text)).await?;
    }
    let elapsed = changed.elapsed();
    note(&format!(
        "{case}, {engine:?}: heard again after {} ms",
        elapsed.as_millis()
    ));
    let view = ann
        .wait_for(CONNECTED, "Bob here", |view| view.is("Bob", "Here"))
        .await?;
    ensure!(view.people.len() == 2, "another person: {view:#?}");
    Ok(elapsed)
}

async fn fingerprint(ann: &Page) -> Result<String> {
    let view = ann.look().await?;
    Ok(view.person("Bob").context("Bob is here")?.fingerprint.clone())
}

/// Ann and Bob talk, each at a host of a home.
struct Talk {
    homes: [Home; 2],
    bobs_host: Namespace,
    _server: Server,
    ann: Page,
    bob: Page,
    /// Of Bob's key.
    fingerprint: String,
}

async fn talking(lab: &mut Lab, engines: Engines) -> Result<Talk> {
    let homes = [lab.home(Nat::PortRestricted)?, lab.home(Nat::PortRestricted)?];
    let hosts = [lab.host(&homes[0])?, lab.host(&homes[1])?];
    let server = lab.server().await?;
    let (ann, bob) = two_people_at(&server, engines, hosts.each_ref()).await?;
    connected("two homes, one about to change its way out", MET, &[&ann, &bob]).await?;
    talk(&ann, &bob).await?;
    let [_, bobs_host] = hosts;
    Ok(Talk {
        homes,
        bobs_host,
        _server: server,
        fingerprint: fingerprint(&ann).await?,
        ann,
        bob,
    })
}

async fn another_address(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let mut talk = talking(&mut lab, engines).await?;
    lab.move_router(&mut talk.homes[1])?;
    let elapsed = heard_again("another address", &talk.ann, &talk.bob).await?;
    ensure!(elapsed <= MOVED, "{elapsed:?} instead of {MOVED:?}");
    ensure!(fingerprint(&talk.ann).await? == talk.fingerprint, "another person");
    Ok(())
}

#[test]
fn a_home_with_another_address_is_heard_again_in_chromium() {
    run(another_address(CHROMIUM));
}

#[test]
fn a_home_with_another_address_is_heard_again_in_firefox() {
    run(another_address(FIREFOX));
}

/// All that Bob's machine sends takes a second way, as with a VPN; then that way is gone, as when one goes out of the reach of Wi-Fi.
async fn second_way(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let talk = talking(&mut lab, engines).await?;
    let vpn = lab.home(Nat::PortRestricted)?;
    lab.second_way(&talk.bobs_host, &talk.homes[1], &vpn)?;
    heard_again("a VPN comes", &talk.ann, &talk.bob).await?;
    lab.end_second_way(&talk.bobs_host)?;
    heard_again("a VPN goes", &talk.ann, &talk.bob).await?;
    ensure!(fingerprint(&talk.ann).await? == talk.fingerprint, "another person");
    Ok(())
}

#[test]
fn who_takes_another_way_out_and_loses_it_is_heard_again_each_time_in_chromium() {
    run(second_way(CHROMIUM));
}

#[test]
fn who_takes_another_way_out_and_loses_it_is_heard_again_each_time_in_firefox() {
    run(second_way(FIREFOX));
}
