//! The page where hosts put it.

use tests::{
    browser::{Browser, Engine, Setup},
    room::found,
    server::{Server, dist},
};

use crate::lab::{enter, gathered, kept, run};

#[test]
fn the_page_runs_under_a_path_of_its_own() {
    for engine in [Engine::Chromium, Engine::Firefox] {
        run(async move {
            let mut server = Server::start_with(&dist()?, &["--base-path", "/chat"]).await?;
            let browser = Browser::start(&Setup::new(engine)).await?;
            let (ann, room) = found(&browser, &format!("{}chat/", server.url()), "Ann").await?;
            let bob = enter(&browser, &room, "Bob").await?;
            gathered(&[&ann, &bob]).await?;
            ann.say("hello").await?;
            bob.wait("it", |view| view.has("hello")).await?;
            // The worker keeps the page under that path, too.
            kept(&bob).await?;
            server.kill().await?;
            bob.run("setTimeout(() => location.reload())", vec![]).await?;
            bob.wait("what was said", |view| view.has("hello")).await?;
            Ok(())
        });
    }
}

#[test]
fn a_link_that_was_damaged_in_mail_leads_to_its_room() {
    for engine in [Engine::Chromium, Engine::Firefox] {
        run(async move {
            let server = Server::start().await?;
            let browser = Browser::start(&Setup::new(engine)).await?;
            let page = browser.open(&format!("{}%23/r/tea", server.url())).await?;
            page.run("document.querySelector('a').click()", vec![]).await?;
            page.wait("the door of the room", |view| view.field("Your name").is_some())
                .await?;
            Ok(())
        });
    }
}
