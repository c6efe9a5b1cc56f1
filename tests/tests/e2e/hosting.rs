//! The page where hosts put it.

use anyhow::ensure;
use serde_json::{Value, json};
use tests::{
    browser::{Browser, Engine, Setup},
    room::found,
    server::{Server, dist},
};

use crate::lab::{enter, gathered, kept, note, run, two};

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

/// What would make text markup or the address of a script; the names of what the browser lets pass, or nothing if it has no Trusted Types.
const INJECT: &str = r#"
    const done = arguments[arguments.length - 1];
    const ways = {
        markup: () => { document.createElement("div").innerHTML = "<b>bold</b>"; },
        script: () => { document.createElement("script").src = "sw.js?other"; },
        text: () => { document.createElement("script").text = "1"; },
        worker: () => navigator.serviceWorker.register("other.js"),
        policy: () => { trustedTypes.createPolicy("other", {}); },
        default: () => { trustedTypes.createPolicy("default", {}); },
    };
    const passed = async () => {
        const names = [];
        for (const [name, way] of Object.entries(ways)) {
            try {
                await way();
                names.push(name);
            } catch (error) {
                if (error.name !== "TypeError") names.push(name + ": " + error);
            }
        }
        return names;
    };
    globalThis.trustedTypes ? passed().then(done) : done(null);
"#;

#[test]
fn text_becomes_neither_markup_nor_script() {
    for engine in [Engine::Chromium, Engine::Firefox] {
        run(async move {
            let server = Server::start().await?;
            let setup = match engine {
                Engine::Chromium => Setup::new(engine).logs(),
                Engine::Firefox => Setup::new(engine),
            };
            let browser = Browser::start(&setup).await?;
            // All that the page itself does passes, its worker too.
            let (ann, bob, _) = two(&browser, &server).await?;
            ann.say("<b>hello</b>").await?;
            bob.wait("it", |view| view.has("<b>hello</b>")).await?;
            kept(&ann).await?;
            if engine == Engine::Chromium {
                let console = browser.console(&ann).await?;
                let reported: Vec<_> = console
                    .iter()
                    .filter(|(_, text)| text.contains("Content Security Policy") || text.contains("TrustedScript"))
                    .collect();
                ensure!(reported.is_empty(), "{reported:#?}");
            }
            let passed = ann.run_async(INJECT, vec![]).await?;
            note(&format!("{engine:?} lets pass, of what the page never does: {passed}"));
            // A browser without Trusted Types has the rest of the policy.
            let is_held = passed == json!([]) || (passed == Value::Null && engine == Engine::Firefox);
            ensure!(is_held, "{engine:?} lets pass {passed}");
            Ok(())
        });
    }
}
