//! Somebody who is reached only through a relay: nobody learns where they are.

use anyhow::{Context, Result, ensure};
use serde_json::from_value;
use tests::{
    browser::{BOTH, Browser, CHROMIUM, Engines, FIREFOX},
    homes::{Lab, Nat, Transport},
    page::Page,
    room::{at_the_door, go_in, make},
    run::run,
    server::Server,
};

use crate::people::{CONNECTED, TOLD, browsers, checks, hears, talk};

/// Has a page keep what it hands its browser of others: descriptions and candidates.
const LISTEN: &str = "
    window.heard = [];
    for (const name of ['setRemoteDescription', 'addIceCandidate']) {
        const plain = RTCPeerConnection.prototype[name];
        RTCPeerConnection.prototype[name] = function (told) {
            window.heard.push(told?.sdp ?? told?.candidate ?? '');
            return plain.call(this, told);
        };
    }";

/// Opens the start page and chooses there to be reached through a relay only.
async fn hide(browser: &Browser, server: &Server) -> Result<Page> {
    let page = browser.open(&server.url()).await?;
    page.wait("the start page", |view| view.field("Your name").is_some())
        .await?;
    page.run("document.querySelector('.privacy > summary').click()", Vec::new())
        .await?;
    page.pick("Only through a relay").await?;
    Ok(page)
}

/// Ann is hidden and founds a room, and Bob goes in, in whose page all is kept that comes of Ann.
async fn two_people(server: &Server, [ann, bob]: &[Browser; 2]) -> Result<(Page, Page)> {
    let ann = hide(ann, server).await?;
    let room = make(&ann, "Ann").await?;
    let bob = at_the_door(bob, &room, "Bob").await?;
    bob.run(LISTEN, Vec::new()).await?;
    go_in(&bob).await?;
    Ok((ann, bob))
}

/// All that Bob's browser was handed of Ann names the relay and no other address.
async fn heard_of_the_relay_only(bob: &Page, secrets: [&str; 2]) -> Result<()> {
    let heard: Vec<String> = from_value(bob.run("return window.heard", Vec::new()).await?)?;
    let lines = || heard.iter().flat_map(|text| text.lines());
    let candidates: Vec<_> = lines().filter(|line| line.contains("candidate:")).collect();
    ensure!(!candidates.is_empty(), "nothing was heard of Ann: {heard:?}");
    ensure!(
        candidates.iter().all(|line| line.contains(" typ relay ")),
        "{candidates:?}"
    );
    for address in secrets {
        ensure!(lines().all(|line| !line.contains(address)), "{address} is in {heard:?}");
    }
    Ok(())
}

async fn hidden(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    // They would connect directly.
    let (here, there) = (lab.home(Nat::PortRestricted)?, lab.home(Nat::PortRestricted)?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server_with_relay(Transport::Udp).await?;
    let browsers = browsers(engines, hosts.each_ref()).await?;
    let (ann, bob) = two_people(&server, &browsers).await?;
    talk(&ann, &bob).await?;
    for (page, person) in [(&ann, "Bob"), (&bob, "Ann")] {
        page.wait_for(CONNECTED, "a link that is relayed", |view| {
            view.link(person).is_some_and(|link| link.kind == "relayed")
        })
        .await
        .with_context(|| format!("the link with {person}"))?;
    }
    checks(&ann, "none of them learns your address").await?;
    // It is kept, and so is silence about the address when the link is made anew.
    ann.reload().await?;
    bob.wait_for(CONNECTED, "Ann is back", |view| view.is("Ann", "Here"))
        .await?;
    hears(&bob, &ann, "are you back?").await?;
    hears(&ann, &bob, "with the same name").await?;
    heard_of_the_relay_only(&bob, [here.address(), lab.prefix(&here)]).await
}

#[test]
fn whoever_is_reached_through_a_relay_only_shows_nobody_an_address_in_chromium() {
    run(hidden(CHROMIUM));
}

#[test]
fn whoever_is_reached_through_a_relay_only_shows_nobody_an_address_in_firefox() {
    run(hidden(FIREFOX));
}

#[test]
fn whoever_is_reached_through_a_relay_only_shows_nobody_an_address_between_the_engines() {
    run(hidden(BOTH));
}

/// There is no relay: both are told why, and who chose it can choose otherwise.
async fn without_relay(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let (here, there) = (lab.home(Nat::PortRestricted)?, lab.home(Nat::PortRestricted)?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server().await?;
    let browsers = browsers(engines, hosts.each_ref()).await?;
    let (ann, bob) = two_people(&server, &browsers).await?;
    for (page, why) in [
        (
            &ann,
            "you chose to be reached only through a relay, and this server has none",
        ),
        (
            &bob,
            "they chose to be reached only through a relay, and none works for them",
        ),
    ] {
        page.wait_for(TOLD, why, |view| view.connection_says(why)).await?;
    }
    checks(&ann, "no server names one: you reach nobody").await?;
    ann.choose("Check connection").await?;
    ann.pick("Directly").await?;
    ann.click("Reload the page").await?;
    for (page, person) in [(&ann, "Bob"), (&bob, "Ann")] {
        page.wait_for(CONNECTED, "the other here", |view| view.is(person, "Here"))
            .await?;
    }
    talk(&ann, &bob).await
}

#[test]
fn without_a_relay_both_are_told_that_one_of_them_wants_one_in_chromium() {
    run(without_relay(CHROMIUM));
}

#[test]
fn without_a_relay_both_are_told_that_one_of_them_wants_one_in_firefox() {
    run(without_relay(FIREFOX));
}
