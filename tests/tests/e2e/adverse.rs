//! A page where little is as it should be: small windows, wrong clocks, a browser that does not answer.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{browser::Browser, page::Page, room::make, server::Server};

use crate::lab::{changed, enter, found, gathered, go_in, run, two};

/// For the clock of a device that is two days ahead of all others.
const TWO_DAYS_AHEAD: &str = "const now = Date.now; Date.now = () => now() + 48 * 3600 * 1000;";

/// Whether the message box and its button come into the window as a whole, and two lines of what was said, and nothing is drawn over
/// something else. In a very small window the page scrolls for that.
async fn can_be_used(page: &Page, case: &str) -> Result<()> {
    const LOOK: &str = "
        const box = (selector) => {
            const element = document.querySelector(selector);
            element.scrollIntoView({ block: 'nearest' });
            return element.getBoundingClientRect();
        };
        const inside = (box) => box.left >= -1 && box.right <= innerWidth + 1 && box.top >= -1 && box.bottom <= innerHeight + 1;
        const line = parseFloat(getComputedStyle(document.querySelector('.message-text')).lineHeight);
        const log = box('[role=log]');
        const lines = (Math.min(log.bottom, innerHeight) - Math.max(log.top, 0)) / line;
        const strip = document.querySelector('.connection');
        return {
            squeezed: strip.scrollHeight > strip.clientHeight + 2,
            box: inside(box('.composer textarea')),
            send: inside(box('.composer .send')),
            lines,
            wider: document.documentElement.scrollWidth > innerWidth,
        };";
    let seen = page.run(LOOK, Vec::new()).await?;
    let fine = seen["box"] == Value::Bool(true)
        && seen["send"] == Value::Bool(true)
        && seen["wider"] == Value::Bool(false)
        && seen["squeezed"] == Value::Bool(false)
        && seen["lines"].as_f64().is_some_and(|lines| lines >= 2.0);
    ensure!(fine, "{case}: {seen}");
    Ok(())
}

#[test]
fn in_a_small_window_two_lines_are_to_be_read_and_the_whole_box_to_write_in() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        for text in ["one", "two", "three"] {
            bob.say(text).await?;
            ann.wait(text, |view| view.has(text)).await?;
        }
        // From now on the page has to say that, too.
        drop(server);
        ann.wait("that the server is gone", |view| view.connection_says("Server offline"))
            .await?;
        for (width, height) in [(320, 256), (360, 300), (390, 460), (1366, 625)] {
            let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true});
            ann.devtools("Emulation.setDeviceMetricsOverride", size).await?;
            can_be_used(&ann, &format!("{width} × {height}")).await?;
        }
        // Letters of twice the size, as a browser's settings make them.
        ann.run("document.documentElement.style.fontSize = '200%'", Vec::new())
            .await?;
        for (width, height) in [(320, 568), (390, 844), (1280, 800)] {
            let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true});
            ann.devtools("Emulation.setDeviceMetricsOverride", size).await?;
            can_be_used(&ann, &format!("large letters, {width} × {height}")).await?;
        }
        Ok(())
    });
}

#[test]
fn a_clock_two_days_ahead_changes_no_order_and_its_owner_is_told() {
    run(async {
        let server = Server::start().await?;
        let browsers = [Browser::chromium().await?, Browser::firefox().await?];
        let (bob, room) = found(&browsers[0], &server.url(), "Bob").await?;
        let cid = enter(&browsers[1], &room, "Cid").await?;
        let ann = changed(&browsers[0], TWO_DAYS_AHEAD, &room).await?;
        ann.paste("Your name", "Ann").await?;
        go_in(&ann).await?;
        gathered(&[&ann, &bob, &cid]).await?;
        let said = [(&ann, "A1"), (&bob, "B1"), (&cid, "C1"), (&ann, "A2")];
        for (from, text) in said {
            from.say(text).await?;
            for page in [&ann, &bob, &cid] {
                page.wait(text, |view| view.has(text)).await?;
            }
        }
        for page in [&ann, &bob, &cid] {
            let view = page.look().await?;
            let shown: Vec<_> = view.messages.iter().map(|message| message.text.as_str()).collect();
            ensure!(
                shown == said.map(|(_, text)| text),
                "{:?} shows {shown:?}",
                page.browser()
            );
        }
        ann.wait_for(Duration::from_secs(60), "word of the clock", |view| {
            view.says("The clock of this device is 2 days ahead")
        })
        .await?;
        Ok(())
    });
}

#[test]
fn a_browser_whose_storage_and_a_server_whose_answers_never_come_hold_nobody_up() {
    const SILENT: &str = "
        IDBFactory.prototype.open = () => new EventTarget();
        const real = fetch;
        window.fetch = (what, ...rest) => String(what.url ?? what).includes('api/config') ? new Promise(() => {}) : real(what, ...rest);";
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let ann = changed(&browser, SILENT, &server.url()).await?;
        let within = Duration::from_secs(6);
        ann.wait_for(within, "the start page", |view| view.field("Room").is_some())
            .await?;
        ann.wait("that nothing is stored", |view| {
            view.alerts("This browser stores nothing for the page now")
        })
        .await?;
        let room = make(&ann, "Ann").await?;
        let bob = enter(&Browser::chromium().await?, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await
    });
}
