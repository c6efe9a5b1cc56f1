//! Files: offered, fetched, saved, and there when their sender has gone.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    browser::{Browser, Engine, Setup},
    page::Page,
    server::Server,
    wait::until,
};

use crate::lab::{enter, found, gathered, run};

const PATIENCE: Duration = Duration::from_secs(60);

/// Chooses a file of so many bytes in the box "Send file". Gives the SHA-256 of what is in it.
pub(crate) async fn send(page: &Page, name: &str, bytes: u32) -> Result<Value> {
    const SEND: &str = "
        const [name, bytes, done] = arguments;
        const content = new Uint8Array(bytes);
        for (let i = 0; i < bytes; i++) content[i] = (i * 2654435761) >>> 13;
        const data = new DataTransfer();
        data.items.add(new File([content], name, {type: 'application/pdf'}));
        const box = document.querySelector('input[type=file]');
        box.files = data.files;
        box.dispatchEvent(new Event('change', {bubbles: true}));
        crypto.subtle.digest('SHA-256', content).then(hash => done(Array.from(new Uint8Array(hash))));";
    page.run_async(SEND, vec![json!(name), json!(bytes)]).await
}

/// Saves the file that is here. Gives its name and the SHA-256 of what the browser is handed.
pub(crate) async fn saved(page: &Page) -> Result<(Value, Value)> {
    const WATCH: &str = "
        const make = URL.createObjectURL;
        URL.createObjectURL = blob => { window.handed = blob; return make.call(URL, blob); };
        const click = HTMLAnchorElement.prototype.click;
        HTMLAnchorElement.prototype.click = function () {
            if (this.download) window.handedName = this.download; else click.call(this);
        };";
    const HANDED: &str = "
        const [done] = arguments;
        const look = () => window.handed && window.handedName
            ? window.handed.arrayBuffer().then(all => crypto.subtle.digest('SHA-256', all))
                .then(hash => done([window.handedName, Array.from(new Uint8Array(hash))]))
            : setTimeout(look, 50);
        look();";
    page.run(WATCH, vec![]).await?;
    page.click("Save").await?;
    let handed = page.run_async(HANDED, vec![]).await?;
    Ok((handed[0].clone(), handed[1].clone()))
}

/// Waits until the log shows these words of a file.
pub(crate) async fn shows(page: &Page, words: &str) -> Result<()> {
    const LOG: &str = "return document.querySelector('[role=log]')?.innerText ?? ''";
    until(PATIENCE, || async {
        let log = page.run(LOG, vec![]).await?;
        let log = log.as_str().unwrap_or_default();
        ensure!(log.contains(words), "{words} is not in {log}");
        Ok(())
    })
    .await
}

async fn between(engines: [Engine; 2]) -> Result<()> {
    let server = Server::start().await?;
    let [one, other] = engines;
    let (one, other) = (
        Browser::start(&Setup::new(one)).await?,
        Browser::start(&Setup::new(other)).await?,
    );
    let (ann, room) = found(&one, &server.url(), "Ann").await?;
    let bob = enter(&other, &room, "Bob").await?;
    gathered(&[&ann, &bob]).await?;
    let hash = send(&ann, "../report 2026.pdf", 5_000_001).await?;
    shows(&ann, "offered while you are in the room").await?;
    shows(&bob, "report 2026.pdf").await?;
    bob.click("Download").await?;
    shows(&bob, "complete").await?;
    // A reload later it is still here, on both sides.
    for page in [&ann, &bob] {
        page.reload().await?;
    }
    shows(&bob, "complete").await?;
    shows(&ann, "offered while you are in the room").await?;
    let (name, received) = saved(&bob).await?;
    ensure!(name == "report 2026.pdf", "{name}");
    ensure!(received == hash, "{received} is not {hash}");
    Ok(())
}

#[test]
fn a_file_from_chromium_arrives_whole_in_firefox() {
    run(between([Engine::Chromium, Engine::Firefox]));
}

#[test]
fn a_file_from_firefox_arrives_whole_in_chromium() {
    run(between([Engine::Firefox, Engine::Chromium]));
}

#[test]
fn a_file_outlives_its_sender() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, room) = found(&browser, &server.url(), "Ann").await?;
        let bob = enter(&browser, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        let hash = send(&ann, "holiday.jpg", 1_000_000).await?;
        shows(&bob, "holiday.jpg").await?;
        bob.click("Download").await?;
        shows(&bob, "complete").await?;
        let cid = enter(&browser, &room, "Cid").await?;
        ann.close().await?;
        shows(&cid, "holiday.jpg").await?;
        cid.click("Download").await?;
        shows(&cid, "complete").await?;
        let (_, received) = saved(&cid).await?;
        ensure!(received == hash, "{received} is not {hash}");
        Ok(())
    });
}

/// Sent to everyone only if that is meant; an empty one arrives, too.
#[test]
fn nothing_goes_to_everyone_while_the_box_whispers_and_an_empty_file_arrives() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, room) = found(&browser, &server.url(), "Ann").await?;
        let bob = enter(&browser, &room, "Bob").await?;
        gathered(&[&ann, &bob]).await?;
        send(&ann, "empty.txt", 0).await?;
        shows(&bob, "empty.txt").await?;
        bob.click("Download").await?;
        shows(&bob, "complete").await?;
        ann.click("Whisper to Bob").await?;
        let boxes = ann
            .run("return document.querySelectorAll('input[type=file]').length", vec![])
            .await?;
        ensure!(boxes == 0, "files are for everyone");
        Ok(())
    });
}
