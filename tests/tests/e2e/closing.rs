//! The founder closes a room.

use futures_util::future::try_join;
use tests::{
    browser::Browser,
    page::{Page, view::View},
    server::Server,
};

use crate::lab::{enter, found, gathered, run};

fn is_closed(view: &View) -> bool {
    view.connection_says("This room was closed by its founder.")
        && view.says("This room was closed by its founder, for everyone and for good")
}

#[test]
fn a_room_that_its_founder_closes_is_closed_for_everyone_and_for_good() {
    run(async {
        let server = Server::start().await?;
        let (chromium, firefox) = try_join(Browser::chromium(), Browser::firefox()).await?;
        let (ann, room) = found(&chromium, &server.url(), "Ann").await?;
        let mut pages = vec![ann];
        for (browser, name) in [(&chromium, "Bob"), (&firefox, "Cid"), (&firefox, "Dan")] {
            pages.push(enter(browser, &room, name).await?);
        }
        let all: Vec<&Page> = pages.iter().collect();
        gathered(&all).await?;
        all[1].say("a last word").await?;
        for page in &all {
            page.wait("it", |view| view.has("a last word")).await?;
        }
        // Asked first: kept open, the room goes on.
        all[0].choose("Close room").await?;
        all[0].click("Keep it open").await?;
        all[0].say("not yet").await?;
        for page in &all {
            page.wait("it", |view| view.has("not yet")).await?;
        }
        all[0].choose("Close room").await?;
        all[0].click("Close for everyone").await?;
        for page in &all {
            // The messages can still be read.
            page.wait("that it is closed", |view| is_closed(view) && view.has("a last word"))
                .await?;
        }
        // Whoever was in it knows, also in a new tab of either browser, and in the founder's own.
        for (browser, name) in [(&firefox, "Cid"), (&chromium, "Bob")] {
            let again = enter(browser, &room, name).await?;
            again.wait("that it is closed", is_closed).await?;
        }
        all[0].reload().await?;
        all[0].wait("that it is closed", is_closed).await?;
        // Nobody who was there is there any more: the server tells who has only the link.
        let elsewhere = Browser::chromium().await?;
        let eve = enter(&elsewhere, &room, "Eve").await?;
        eve.wait("that it is closed", is_closed).await?;
        Ok(())
    });
}
