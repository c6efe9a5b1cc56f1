//! Rooms whose server is dead, and links that break meanwhile.

use std::{fs, time::Duration};

use anyhow::ensure;
use futures_util::future::try_join;
use tests::{
    browser::{Browser, Engine, Setup},
    page::view::View,
    server::{Server, dist, output_folder},
};

use crate::{
    lab::{all_have, come_in, enter, gathered, kept, outside, run, together, whispers, without},
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
            move |view: &View| {
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
fn a_reload_without_a_server_brings_the_page_and_the_room() {
    for engine in [Engine::Chromium, Engine::Firefox] {
        run(async move {
            let mut server = Server::start().await?;
            let browser = Browser::start(&Setup::new(engine)).await?;
            let room = format!("{}#/r/kept", server.url());
            let (ann, bob) = (
                enter(&browser, &room, "Ann").await?,
                enter(&browser, &room, "Bob").await?,
            );
            gathered(&[&ann, &bob]).await?;
            ann.say("said before").await?;
            all_have(&[&ann, &bob], "said before").await?;
            kept(&ann).await?;
            ann.type_into("Message", "half a page").await?;
            without(&mut server, &[&ann, &bob]).await?;
            // Not the driver's reload: in Firefox that one goes past what is kept.
            ann.run("setTimeout(() => location.reload())", vec![]).await?;
            let back = |view: &View| {
                view.has("said before") && view.person("Bob").is_some_and(|person| person.state == "Here")
            };
            ann.wait_for(RELINKED, "the room", back).await?;
            ann.click("Send").await?;
            all_have(&[&ann, &bob], "half a page").await?;
            // And what comes after the first paint.
            ann.choose("Search messages").await?;
            ann.wait("the sheet", |view| view.field("Search messages").is_some())
                .await?;
            // The start page, too.
            let start = browser.open(&server.url()).await?;
            start
                .wait("the start page", |view| view.field("Your name").is_some())
                .await?;
            Ok(())
        });
    }
}

/// The person decides when.
#[test]
fn a_newer_page_is_told_of_and_comes_with_the_next_reload() {
    for engine in [Engine::Chromium, Engine::Firefox] {
        run(async move {
            fs::remove_dir_all(output_folder("newer-page")?)?;
            let root = output_folder("newer-page")?;
            for file in fs::read_dir(dist()?)? {
                let file = file?;
                fs::copy(file.path(), root.join(file.file_name()))?;
            }
            let server = Server::start_with(&root, &[]).await?;
            let browser = Browser::start(&Setup::new(engine)).await?;
            let page = browser.open(&server.url()).await?;
            kept(&page).await?;
            // Another build.
            let worker = root.join("sw.js");
            let newer = fs::read_to_string(&worker)?.replacen("BUILD=\"", "BUILD=\"newer", 1);
            fs::write(&worker, newer)?;
            for compressed in ["sw.js.br", "sw.js.gz"] {
                fs::remove_file(root.join(compressed))?;
            }
            page.run("setTimeout(() => location.reload())", vec![]).await?;
            page.wait("the news", |view| view.says("A newer version of this page is ready"))
                .await?;
            page.click("Reload the page").await?;
            page.wait("the newer page", |view| {
                view.field("Your name").is_some() && !view.says("A newer version")
            })
            .await?;
            let names =
                "const done = arguments[arguments.length - 1]; caches.keys().then((names) => done(names.join()));";
            let names = page.run_async(names, vec![]).await?;
            ensure!(
                names
                    .as_str()
                    .is_some_and(|names| names.starts_with("starling page / newer")),
                "{names}"
            );
            Ok(())
        });
    }
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
