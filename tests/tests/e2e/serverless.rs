//! Rooms whose server is dead, and links that break meanwhile.

use std::time::Duration;

use anyhow::ensure;
use futures_util::future::try_join;
use tests::{
    browser::{Browser, Engine, Setup},
    server::Server,
};

use crate::{
    lab::{all_have, come_in, gathered, outside, run, together, whispers, without},
    wires,
};

/// How soon two tabs have a link again after they lost theirs: as long as it takes to notice, and to set up another.
const RELINKED: Duration = Duration::from_secs(30);

#[test]
fn two_who_lose_their_link_without_a_server_stay_in_touch_and_link_again() {
    run(async {
        let mut server = Server::start().await?;
        let (chromium, firefox) = try_join(Browser::chromium(), Browser::firefox()).await?;
        let room = format!("{}#/r/cut", server.url());
        let mut pages = Vec::new();
        for (browser, name) in [
            (&chromium, "Ann"),
            (&firefox, "Bob"),
            (&chromium, "Cid"),
            (&firefox, "Dan"),
        ] {
            let page = outside(browser, &server).await?;
            wires::hold(&page).await?;
            come_in(&page, &room, name).await?;
            pages.push(page);
        }
        let all: Vec<_> = pages.iter().collect();
        let (ann, bob) = (all[0], all[1]);
        gathered(&all).await?;
        wires::connected(ann, bob).await?;
        without(&mut server, &all).await?;

        wires::cut(ann, bob).await?;
        ann.say("can you hear me?").await?;
        bob.say("and you me?").await?;
        whispers(ann, bob, "Bob", "only you").await?;
        for text in ["can you hear me?", "and you me?"] {
            all_have(&all, text).await?;
        }
        let linked = |name: &'static str| {
            move |view: &tests::page::view::View| {
                view.person(name)
                    .is_some_and(|person| person.state == "Here" && !person.through_others)
            }
        };
        ann.wait_for(RELINKED, "a link with Bob", linked("Bob")).await?;
        bob.wait_for(RELINKED, "a link with Ann", linked("Ann")).await?;
        wires::connected(ann, bob).await?;
        whispers(bob, ann, "Ann", "there you are").await?;
        together(&all).await
    });
}

#[test]
fn another_tab_of_the_same_browser_gets_in_without_server_or_invitation() {
    for engine in [Engine::Chromium, Engine::Firefox] {
        run(async move {
            let mut server = Server::start().await?;
            let setup = Setup::new(engine);
            let (here, there) = try_join(Browser::start(&setup), Browser::start(&setup)).await?;
            let ann = outside(&here, &server).await?;
            let bob = outside(&there, &server).await?;
            // Open before, for nobody serves the page any more afterwards.
            let eve = outside(&here, &server).await?;
            let room = format!("{}#/r/nearby", server.url());
            come_in(&ann, &room, "Ann").await?;
            come_in(&bob, &room, "Bob").await?;
            gathered(&[&ann, &bob]).await?;
            ann.say("said before").await?;
            bob.wait("it", |view| view.has("said before")).await?;
            without(&mut server, &[&ann, &bob]).await?;

            come_in(&eve, &room, "Eve").await?;
            together(&[&ann, &bob, &eve]).await?;
            let view = eve.wait("what was said before", |view| view.has("said before")).await?;
            ensure!(view.messages.len() == 1, "{view:#?}");
            eve.say("hello from a new tab").await?;
            all_have(&[&ann, &bob, &eve], "hello from a new tab").await?;
            whispers(&eve, &bob, "Bob", "psst").await
        });
    }
}
