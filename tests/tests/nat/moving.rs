//! Homes and hosts whose address changes while people talk.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::{
    browser::{CHROMIUM, Engines, FIREFOX},
    homes::{Lab, Nat},
    page::Page,
    run::{note, run},
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

async fn another_address(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let (here, mut there) = (lab.home(Nat::PortRestricted)?, lab.home(Nat::PortRestricted)?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server().await?;
    let (ann, bob) = two_people_at(&server, engines, hosts.each_ref()).await?;
    connected("two homes, one about to move", MET, &[&ann, &bob]).await?;
    talk(&ann, &bob).await?;
    let known = fingerprint(&ann).await?;
    lab.move_router(&mut there)?;
    let elapsed = heard_again("another address", &ann, &bob).await?;
    ensure!(elapsed <= MOVED, "{elapsed:?} instead of {MOVED:?}");
    ensure!(fingerprint(&ann).await? == known, "another person");
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
    let homes = [0; 3].map(|_| lab.home(Nat::PortRestricted));
    let [here, there, vpn] = homes;
    let (here, there, vpn) = (here?, there?, vpn?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server().await?;
    let (ann, bob) = two_people_at(&server, engines, hosts.each_ref()).await?;
    connected("two homes, one about to have a VPN", MET, &[&ann, &bob]).await?;
    talk(&ann, &bob).await?;
    let known = fingerprint(&ann).await?;
    lab.second_way(&hosts[1], &there, &vpn)?;
    heard_again("a VPN comes", &ann, &bob).await?;
    lab.end_second_way(&hosts[1])?;
    heard_again("a VPN goes", &ann, &bob).await?;
    ensure!(fingerprint(&ann).await? == known, "another person");
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
