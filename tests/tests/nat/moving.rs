//! A home whose address changes while people talk.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::{
    browser::{CHROMIUM, Engines, FIREFOX},
    homes::{Lab, Nat},
    run::{note, run},
};

use crate::people::{CONNECTED, MET, MOVED, connected, talk, two_people_at};

async fn another_address(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let (here, mut there) = (lab.home(Nat::PortRestricted)?, lab.home(Nat::PortRestricted)?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server().await?;
    let (ann, bob) = two_people_at(&server, engines, hosts.each_ref()).await?;
    connected("two homes, one about to move", MET, &[&ann, &bob]).await?;
    talk(&ann, &bob).await?;
    let known = ann
        .look()
        .await?
        .person("Bob")
        .context("Bob is here")?
        .fingerprint
        .clone();

    lab.move_router(&mut there)?;
    let moved = Instant::now();
    for (from, text) in [(&bob, "from another address"), (&ann, "to another address")] {
        from.say(text).await?;
    }
    for (to, text) in [(&ann, "from another address"), (&bob, "to another address")] {
        to.wait_for(CONNECTED, text, |view| view.has(text)).await?;
    }
    let elapsed = moved.elapsed();
    note(&format!(
        "another address, {engines:?}: heard again after {} ms",
        elapsed.as_millis()
    ));
    ensure!(elapsed <= MOVED, "{elapsed:?} instead of {MOVED:?}");
    let view = ann
        .wait_for(CONNECTED, "Bob here", |view| view.is("Bob", "Here"))
        .await?;
    ensure!(view.people.len() == 2, "another person: {view:#?}");
    ensure!(
        view.person("Bob").is_some_and(|bob| bob.fingerprint == known),
        "{view:#?}"
    );
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
