//! Homes that reach each other.

use anyhow::Result;
use tests::{
    browser::{BOTH, CHROMIUM, Engines, FIREFOX},
    homes::{Lab, Namespace, Nat},
    room::found,
    run::run,
};

use crate::people::{MET, browsers, checks, connected, join, talk, two_people_at};

/// Two people at two hosts meet and talk.
async fn meet(case: &str, engines: Engines, lab: &mut Lab, hosts: [&Namespace; 2]) -> Result<()> {
    let server = lab.server().await?;
    let (ann, bob) = two_people_at(&server, engines, hosts).await?;
    connected(case, MET, &[&ann, &bob]).await?;
    talk(&ann, &bob).await
}

async fn ordinary(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let hosts = lab.two_homes(Nat::PortRestricted)?;
    let server = lab.server().await?;
    let (ann, bob) = two_people_at(&server, engines, hosts.each_ref()).await?;
    connected("two homes", MET, &[&ann, &bob]).await?;
    talk(&ann, &bob).await?;
    for page in [&ann, &bob] {
        checks(page, "others can connect to you directly").await?;
    }
    Ok(())
}

#[test]
fn two_homes_connect_in_chromium() {
    run(ordinary(CHROMIUM));
}

#[test]
fn two_homes_connect_in_firefox() {
    run(ordinary(FIREFOX));
}

#[test]
fn two_homes_connect_between_the_engines() {
    run(ordinary(BOTH));
}

/// One home has IPv6, too, and prefers it for what it reaches that way.
async fn one_with_ipv6(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let (here, there) = (
        lab.dual_stack_home(Nat::PortRestricted)?,
        lab.home(Nat::PortRestricted)?,
    );
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    meet("IPv6 on one side", engines, &mut lab, hosts.each_ref()).await
}

#[test]
fn a_home_with_ipv6_and_one_without_connect_in_chromium() {
    run(one_with_ipv6(CHROMIUM));
}

#[test]
fn a_home_with_ipv6_and_one_without_connect_in_firefox() {
    run(one_with_ipv6(FIREFOX));
}

/// Neither home has IPv4.
async fn ipv6_only(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let (here, there) = (lab.ipv6_home()?, lab.ipv6_home()?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let (_server, url) = lab.dual_stack_server().await?;
    let browsers = browsers(engines, hosts.each_ref()).await?;
    let (ann, room) = found(&browsers[0], &url, "Ann").await?;
    let bob = join(&browsers[1], &room, "Bob", 1).await?;
    connected("IPv6 only", MET, &[&ann, &bob]).await?;
    talk(&ann, &bob).await
}

#[test]
fn two_homes_with_ipv6_only_connect_in_chromium() {
    run(ipv6_only(CHROMIUM));
}

#[test]
fn two_homes_with_ipv6_only_connect_in_firefox() {
    run(ipv6_only(FIREFOX));
}

/// Both providers have NAT, too.
async fn carriers(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let mut hosts = Vec::new();
    for _ in 0..2 {
        let carrier = lab.home(Nat::PortRestricted)?;
        let home = lab.home_within(&carrier, Nat::PortRestricted)?;
        hosts.push(lab.host(&home)?);
    }
    meet("two NATs in a row", engines, &mut lab, [&hosts[0], &hosts[1]]).await
}

#[test]
fn homes_behind_two_nats_in_a_row_connect_in_chromium() {
    run(carriers(CHROMIUM));
}

#[test]
fn homes_behind_two_nats_in_a_row_connect_in_firefox() {
    run(carriers(FIREFOX));
}

/// One is in the open, and the other behind a NAT of this kind.
async fn open_and_home(case: &str, engines: Engines, nat: Nat) -> Result<()> {
    let mut lab = Lab::new()?;
    let home = lab.home(nat)?;
    let hosts = [lab.host(&home)?, lab.open_host()?];
    meet(case, engines, &mut lab, hosts.each_ref()).await
}

#[test]
fn a_symmetric_nat_and_an_open_host_connect_in_chromium() {
    run(open_and_home("symmetric and open", CHROMIUM, Nat::Symmetric));
}

#[test]
fn a_symmetric_nat_and_an_open_host_connect_in_firefox() {
    run(open_and_home("symmetric and open", FIREFOX, Nat::Symmetric));
}

/// Two hosts of one home.
async fn one_home(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let home = lab.home(Nat::PortRestricted)?;
    let hosts = [lab.host(&home)?, lab.host(&home)?];
    meet("one home", engines, &mut lab, hosts.each_ref()).await
}

#[test]
fn two_hosts_of_one_home_connect_in_chromium() {
    run(one_home(CHROMIUM));
}

#[test]
fn two_hosts_of_one_home_connect_in_firefox() {
    run(one_home(FIREFOX));
}

#[test]
fn two_hosts_of_one_home_connect_between_the_engines() {
    run(one_home(BOTH));
}

/// Two networks behind one router, as those of guests and of the house, that sends back what its hosts send to its own address outside.
async fn hairpin(engines: Engines) -> Result<()> {
    let mut lab = Lab::new()?;
    let home = lab.home(Nat::FullCone)?;
    let beside = lab.beside(&home)?;
    let hosts = [lab.host(&home)?, lab.host(&beside)?];
    meet("two networks behind one router", engines, &mut lab, hosts.each_ref()).await
}

#[test]
fn two_networks_behind_one_router_connect_in_chromium() {
    run(hairpin(CHROMIUM));
}

#[test]
fn two_networks_behind_one_router_connect_in_firefox() {
    run(hairpin(FIREFOX));
}
