//! Homes that cannot reach each other, and a host that runs a TURN server for them.

use anyhow::{Context, Result, ensure};
use tests::{
    authority::Authority,
    browser::{BOTH, CHROMIUM, Engine, Engines, FIREFOX, Setup},
    homes::{Lab, Nat, Transport},
    page::Page,
    run::run,
    server::Server,
    wait::until,
};

use crate::people::{CONNECTED, RELAYED, TOLD, checks, connected, started, talk, two_people, two_people_at};

/// The page says that its one link goes through the TURN server.
async fn says_relayed(page: &Page, person: &str) -> Result<()> {
    page.wait_for(CONNECTED, "a link that is relayed", |view| {
        view.link(person).is_some_and(|link| link.kind == "relayed")
    })
    .await
    .with_context(|| format!("the link with {person}"))?;
    Ok(())
}

/// Two people in homes of these kinds meet and talk by the TURN server.
async fn meet(case: &str, engines: Engines, nats: [Nat; 2], transport: Transport) -> Result<()> {
    let mut lab = Lab::new()?;
    let (here, there) = (lab.home(nats[0])?, lab.home(nats[1])?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server_with_relay(transport).await?;
    let (ann, bob) = two_people_at(&server, engines, hosts.each_ref()).await?;
    connected(case, RELAYED, &[&ann, &bob]).await?;
    talk(&ann, &bob).await?;
    says_relayed(&ann, "Bob").await?;
    says_relayed(&bob, "Ann").await?;
    health(&server, true).await?;
    works(&ann, transport).await?;
    checks(&ann, "The server's relay (TURN) connects you all the same").await
}

/// “Check connection” says that the TURN server is reached in this way.
async fn works(page: &Page, transport: Transport) -> Result<()> {
    let by = match transport {
        Transport::Udp => "Relay (TURN): by UDP works",
        Transport::Tcp => "Relay (TURN): by TCP works",
        Transport::Tls => "Relay (TURN): by TLS works",
    };
    page.choose("Check connection").await?;
    page.wait(by, |view| {
        view.field("Details").is_some_and(|details| details.value.contains(by))
    })
    .await?;
    page.click("Done").await
}

async fn symmetric(engines: Engines) -> Result<()> {
    let nats = [Nat::Symmetric, Nat::Symmetric];
    meet("symmetric NATs and a relay", engines, nats, Transport::Udp).await
}

#[test]
fn symmetric_nats_connect_by_a_relay_in_chromium() {
    run(symmetric(CHROMIUM));
}

#[test]
fn symmetric_nats_connect_by_a_relay_in_firefox() {
    run(symmetric(FIREFOX));
}

#[test]
fn symmetric_nats_connect_by_a_relay_between_the_engines() {
    run(symmetric(BOTH));
}

/// Who runs the server has given it another secret than the TURN server.
async fn refused(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let (here, there) = (lab.home(Nat::Symmetric)?, lab.home(Nat::Symmetric)?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server_with_refusing_relay(Transport::Udp).await?;
    let (ann, bob) = two_people_at(&server, engines, hosts.each_ref()).await?;
    let why = "the relay that should connect you does not answer";
    for page in [&ann, &bob] {
        page.wait_for(TOLD, why, |view| view.connection_says(why)).await?;
    }
    health(&server, false).await
}

#[test]
fn a_relay_that_refuses_everybody_is_said_to_be_at_fault_in_chromium() {
    run(refused(CHROMIUM));
}

#[test]
fn a_relay_that_refuses_everybody_is_said_to_be_at_fault_in_firefox() {
    run(refused(FIREFOX));
}

async fn without_udp(engines: Engines) -> Result<()> {
    let nats = [Nat::UdpBlocked, Nat::PortRestricted];
    meet("no UDP on one side, and a relay by TCP", engines, nats, Transport::Tcp).await
}

/// The server's metrics say so of its TURN server.
async fn health(server: &Server, works: bool) -> Result<()> {
    let line = |line: &str| line.starts_with("starling_turn_works{") && line.ends_with(if works { " 1" } else { " 0" });
    until(TOLD, || async {
        let metrics = server.metrics().await?;
        ensure!(metrics.lines().any(line), "{metrics}");
        Ok(())
    })
    .await
}

/// One home lets out nothing but what looks like the web, and the TURN server is certified by an authority of the person's own.
async fn by_tls(engine: Engine) -> Result<()> {
    let (mut lab, authority) = (Lab::new()?, Authority::new()?);
    let (here, there) = (lab.home(Nat::UdpBlocked)?, lab.home(Nat::PortRestricted)?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server_with_certified_relay(&authority).await?;
    // The profile of the authority is one browser's in Firefox.
    let second = Setup::new(engine).inside(&hosts[1]);
    let setups = [
        Setup::new(engine).inside(&hosts[0]).trusting(&authority),
        match engine {
            Engine::Chromium => second.trusting(&authority),
            Engine::Firefox => second,
        },
    ];
    let (ann, bob, _) = two_people(&server, &started(&setups).await?).await?;
    connected("no UDP on one side, and a relay by TLS", RELAYED, &[&ann, &bob]).await?;
    talk(&ann, &bob).await?;
    says_relayed(&ann, "Bob").await?;
    health(&server, true).await?;
    works(&ann, Transport::Tls).await
}

#[test]
fn a_home_without_udp_connects_by_a_relay_with_tls_in_firefox() {
    run(by_tls(Engine::Firefox));
}

#[test]
fn a_home_without_udp_connects_by_a_relay_with_tls_in_chromium() {
    run(by_tls(Engine::Chromium));
}

#[test]
fn a_home_without_udp_connects_by_a_relay_in_chromium() {
    run(without_udp(CHROMIUM));
}

#[test]
fn a_home_without_udp_connects_by_a_relay_in_firefox() {
    run(without_udp(FIREFOX));
}
