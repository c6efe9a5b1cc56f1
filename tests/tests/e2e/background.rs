//! A page that nobody looks at.

use std::time::Duration;

use anyhow::ensure;
use tests::{
    browser::{Browser, Engine, Setup},
    server::Server,
};

use crate::lab::{enter, found, gathered, run};

/// Twice the silence after which a link is taken for dead.
const QUIET: Duration = Duration::from_secs(15);

/// Far from the minute that lies between the timers of a page that nobody looks at.
const ACKNOWLEDGED: Duration = Duration::from_secs(10);

#[test]
fn a_hidden_page_still_answers() {
    run(async {
        let server = Server::start().await?;
        let here = Browser::chromium().await?;
        // Chromium slows down the timers of hidden pages to one a minute after five minutes: here after a second.
        let there =
            Setup::new(Engine::Chromium).argument("--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1");
        let there = Browser::start(&there).await?;
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        bob.minimise().await?;
        bob.wait("hidden", |view| view.visibility == "hidden").await?;
        // The browser does treat it as hidden: ten timers of 50 ms would be done in half a second.
        let timers = "const done = arguments[0], started = performance.now(); let left = 10;
            const next = () => left-- ? setTimeout(next, 50) : done(performance.now() - started);
            next()";
        let took = bob.run_async(timers, Vec::new()).await?;
        println!("ten timers of a hidden page take {took} ms");
        ensure!(took.as_f64() > Some(3_000.0), "timers are not slowed down: {took} ms");
        // Pings are answered, and sent.
        ann.holds(QUIET, "Bob is here", |view| view.is("Bob", "Here")).await?;
        bob.wait("Ann here", |view| view.is("Ann", "Here")).await?;
        // Messages are acknowledged.
        ann.say("psst").await?;
        ann.wait_for(ACKNOWLEDGED, "the delivery", |view| {
            view.is_delivered("psst", "delivered to 1 of 1")
        })
        .await?;
        let view = bob
            .wait("the message, counted in the title", |view| {
                view.has("psst") && view.title == "(1) Starling"
            })
            .await?;
        ensure!(view.visibility == "hidden", "the page was not hidden all the time");
        // And whom the server introduces is answered.
        let eve = enter(&here, &room, "Eve").await?;
        gathered(&[&ann, &bob, &eve]).await?;
        Ok(())
    });
}
