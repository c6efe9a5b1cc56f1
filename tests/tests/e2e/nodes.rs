//! A network whose servers have an address each: the people of a room end at the same one, whichever they came to.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use signal::config::Acquaintance;
use tests::{
    browser::{Browser, Engine, Setup},
    native::place,
    network::Network,
};

use crate::lab::{enter, found, gathered, note, run};

/// How soon the people of a server that is killed are registered elsewhere.
const PROMISED: Duration = Duration::from_secs(10);

/// How soon people are where their room is to be; the one that they came to is left a few seconds later.
const SETTLED: Duration = Duration::from_secs(20);

/// How soon a server that is back has its people back: while they are elsewhere they look for it ever less often.
const BACK: Duration = Duration::from_secs(70);

/// Where `people` of one room are at rest, of these servers in the order of the room.
fn at_rest(acquaintance: Acquaintance, order: &[usize], people: u64) -> Vec<(usize, u64)> {
    let kept = match acquaintance {
        Acquaintance::Known => 1,
        // Each of two has everybody, for neither can tell of the people of the other.
        Acquaintance::Strangers => 2,
    };
    let of = |(place, node): (usize, &usize)| (*node, if place < kept { people } else { 0 });
    order.iter().enumerate().map(of).collect()
}

async fn go_where_their_room_is(engine: Engine, acquaintance: Acquaintance) -> Result<()> {
    let mut network = Network::start(3, acquaintance).await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, room) = found(&browser, &network.nodes[0].url(), "Ann").await?;
    let bob = enter(&browser, &network.at(1, &room), "Bob").await?;
    let cid = enter(&browser, &network.at(2, &room), "Cid").await?;
    gathered(&[&ann, &bob, &cid]).await?;
    let order = network.order_of(&place(&room)?.0);
    let rest = at_rest(acquaintance, &order, 3);
    network.until_people(SETTLED, &rest).await?;
    ann.say("where are you").await?;
    cid.wait("the message", |view| view.has("where are you")).await?;

    network.nodes[order[0]].kill().await?;
    let killed = Instant::now();
    network.until_people(PROMISED, &[(order[1], 3)]).await?;
    note(&format!(
        "{acquaintance:?}, {engine:?}: all at the second after {:?}",
        killed.elapsed()
    ));
    let took = killed.elapsed();
    ensure!(took < PROMISED, "too late: {took:?}");
    // Whoever comes to any of those that are left finds everybody.
    let dot = enter(&browser, &network.at(order[2], &room), "Dot").await?;
    gathered(&[&ann, &bob, &cid, &dot]).await?;
    let rest = at_rest(acquaintance, &order[1..], 4);
    network.until_people(SETTLED, &rest).await?;

    network.nodes[order[0]].restart().await?;
    let rest = at_rest(acquaintance, &order, 4);
    network.until_people(BACK, &rest).await?;
    gathered(&[&ann, &bob, &cid, &dot]).await
}

#[test]
fn people_of_a_room_go_to_one_server_and_to_the_next_when_it_is_killed_in_chromium() {
    run(go_where_their_room_is(Engine::Chromium, Acquaintance::Known));
}

#[test]
fn people_of_a_room_go_to_one_server_and_to_the_next_when_it_is_killed_in_firefox() {
    run(go_where_their_room_is(Engine::Firefox, Acquaintance::Known));
}

#[test]
fn without_redis_two_servers_have_everybody_and_one_that_is_killed_is_missed_by_nobody_in_chromium() {
    run(go_where_their_room_is(Engine::Chromium, Acquaintance::Strangers));
}

#[test]
fn without_redis_two_servers_have_everybody_and_one_that_is_killed_is_missed_by_nobody_in_firefox() {
    run(go_where_their_room_is(Engine::Firefox, Acquaintance::Strangers));
}
