//! Files: offered, fetched, saved, and there when their sender has gone.

use std::{
    fs::{self, File},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::{
    browser::{Browser, Engine, Setup},
    page::Page,
    server::{Server, output_folder},
    wait::until,
};

use crate::{
    contract::{axe, is_accessible},
    lab::{enter, found, gathered, run, set_quota, two},
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

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

/// How fast a file comes while a test looks at what is half done, in bytes a second.
pub(crate) const SLOW: u32 = 500_000;

/// Lets a page send files at so many bytes a second, `None` as fast as it can: as if its connections took no more.
pub(crate) async fn let_flow(page: &Page, rate: Option<u32>) -> Result<()> {
    const LET_FLOW: &str = "
        const [rate] = arguments;
        const channels = RTCDataChannel.prototype;
        if (!window.flow) {
            const {send} = channels;
            const buffered = Object.getOwnPropertyDescriptor(channels, 'bufferedAmount').get;
            const held = new Map();
            const bytesIn = queue => (queue ?? []).reduce((sum, message) => sum + message.byteLength, 0);
            channels.send = function (message) {
                if (this.label !== 'files') return send.call(this, message);
                held.set(this, [...(held.get(this) ?? []), message.slice()]);
                flow.go();
            };
            Object.defineProperty(channels, 'bufferedAmount', {
                get() { return buffered.call(this) + bytesIn(held.get(this)); },
            });
            window.flow = {last: performance.now(), left: 0};
            flow.go = () => {
                const now = performance.now();
                flow.left = Math.min(flow.left + (now - flow.last) / 1000 * flow.rate, flow.rate);
                flow.last = now;
                for (const [channel, queue] of held) {
                    while (queue.length && flow.left >= queue[0].byteLength) {
                        const message = queue.shift();
                        flow.left -= message.byteLength;
                        if (channel.readyState === 'open') send.call(channel, message);
                    }
                    if (queue.length) continue;
                    held.delete(channel);
                    channel.dispatchEvent(new Event('bufferedamountlow'));
                }
            };
            setInterval(flow.go, 100);
        }
        flow.rate = rate ?? 1e12;";
    page.run(LET_FLOW, vec![json!(rate)]).await?;
    Ok(())
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

/// Chooses what is at this path of the machine in a box for files, as a person does. `find`: the script that gives the box.
pub(crate) async fn choose(page: &Page, find: &str, path: &Path) -> Result<()> {
    let element = page.run(find, vec![]).await?;
    let id = element
        .as_object()
        .and_then(|element| element.values().next())
        .and_then(Value::as_str);
    let command = format!("element/{}/value", id.context("there is no such box")?);
    let text = json!({"text": path.to_string_lossy()});
    page.command(Method::POST, &command, Some(text)).await?;
    Ok(())
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

/// Waits until so many elements are in the page.
pub(crate) async fn counts(page: &Page, selector: &str, expected: usize) -> Result<()> {
    const COUNT: &str = "return document.querySelectorAll(arguments[0]).length";
    until(PATIENCE, || async {
        let count = page.run(COUNT, vec![json!(selector)]).await?;
        ensure!(count == expected, "{count} of {selector}");
        Ok(())
    })
    .await
}

/// Removes the first file of the list that can be.
pub(crate) async fn remove(page: &Page) -> Result<()> {
    const REMOVE: &str = "
        const button = [...document.querySelectorAll('dialog .file .button')].find(button => button.innerText === 'Remove');
        button?.click();
        return !!button";
    until(PATIENCE, || async {
        ensure!(page.run(REMOVE, vec![]).await? == true, "there is nothing to remove");
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
        let (ann, bob, room) = two(&browser, &server).await?;
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
        let (ann, bob, _) = two(&browser, &server).await?;
        send(&ann, "empty.txt", 0).await?;
        shows(&bob, "empty.txt").await?;
        bob.click("Download").await?;
        shows(&bob, "complete").await?;
        ann.click("Whisper to Bob").await?;
        // Files are for everyone.
        counts(&ann, "input[type=file]", 0).await
    });
}

/// Waits until so many percent of the file that is coming are here.
pub(crate) async fn comes(page: &Page, percent: u32) -> Result<()> {
    const PERCENT: &str = "return document.querySelector('[role=log] progress')?.value ?? -1";
    until(PATIENCE, || async {
        let seen = page.run(PERCENT, vec![]).await?.as_f64().unwrap_or(-1.0);
        ensure!(seen >= f64::from(percent), "{seen} % are here");
        Ok(())
    })
    .await
}

async fn goes_on(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, _) = two(&browser, &server).await?;
    let hash = send(&ann, "film.mkv", 30_000_000).await?;
    shows(&bob, "film.mkv").await?;
    let_flow(&ann, Some(2 * SLOW)).await?;
    bob.click("Download").await?;
    comes(&bob, 10).await?;
    bob.reload().await?;
    comes(&bob, 11).await?;
    ann.reload().await?;
    shows(&bob, "complete").await?;
    let (_, received) = saved(&bob).await?;
    ensure!(received == hash, "{received} is not {hash}");
    Ok(())
}

#[test]
fn a_reload_of_the_receiver_and_of_the_sender_goes_on_in_chromium() {
    run(goes_on(Engine::Chromium));
}

#[test]
fn a_reload_of_the_receiver_and_of_the_sender_goes_on_in_firefox() {
    run(goes_on(Engine::Firefox));
}

#[test]
fn the_author_leaves_in_the_middle_and_the_rest_comes_from_who_has_it() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, room) = two(&browser, &server).await?;
        let cid = enter(&browser, &room, "Cid").await?;
        let hash = send(&ann, "film.mkv", 30_000_000).await?;
        for page in [&bob, &cid] {
            shows(page, "film.mkv").await?;
        }
        let_flow(&ann, Some(SLOW)).await?;
        cid.click("Download").await?;
        comes(&cid, 1).await?;
        cid.click("Pause").await?;
        shows(&cid, "paused").await?;
        let_flow(&ann, None).await?;
        bob.click("Download").await?;
        shows(&bob, "complete").await?;
        ann.close().await?;
        cid.click("Resume").await?;
        shows(&cid, "complete").await?;
        let (_, received) = saved(&cid).await?;
        ensure!(received == hash, "{received} is not {hash}");
        Ok(())
    });
}

#[test]
fn three_files_come_at_once_and_one_that_was_cancelled_or_removed_comes_again() {
    run(async {
        const ALL: &str = "for (const button of document.querySelectorAll('.file .button.primary')) button.click()";
        const LISTED: &str =
            "return [...document.querySelectorAll('[role=list][aria-label=Files] > li')].map(item => item.innerText)";
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        send(&ann, "film.mkv", 20_000_000).await?;
        shows(&bob, "film.mkv").await?;
        let_flow(&ann, Some(SLOW)).await?;
        bob.click("Download").await?;
        comes(&bob, 1).await?;
        bob.click("Cancel").await?;
        let_flow(&ann, None).await?;
        counts(&bob, "progress", 0).await?;
        for (name, bytes) in [("one.bin", 1_500_000), ("two.bin", 1_600_000)] {
            send(&ann, name, bytes).await?;
            shows(&bob, name).await?;
        }
        shows(&bob, "1.5 MB").await?;
        bob.run(ALL, vec![]).await?;
        for words in ["20 MB · complete", "1.5 MB · complete", "1.6 MB · complete"] {
            shows(&bob, words).await?;
        }
        bob.choose("Files").await?;
        until(PATIENCE, || async {
            let listed: Vec<String> = serde_json::from_value(bob.run(LISTED, vec![]).await?)?;
            ensure!(listed.len() == 3 && listed[0].starts_with("two.bin"), "{listed:?}");
            Ok(())
        })
        .await?;
        is_accessible(&bob, &axe()?, "the list of files").await?;
        remove(&bob).await?;
        bob.click("Done").await?;
        bob.click("Download").await?;
        shows(&bob, "1.6 MB · complete").await?;
        Ok(())
    });
}

#[test]
fn a_full_disk_is_told_and_the_file_goes_on_once_there_is_space() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        send(&ann, "film.mkv", 5_000_000).await?;
        shows(&bob, "film.mkv").await?;
        set_quota(&bob, &server, Some(2_000_000)).await?;
        bob.click("Download").await?;
        shows(&bob, "no space left on this device").await?;
        set_quota(&bob, &server, None).await?;
        bob.click("Resume").await?;
        shows(&bob, "complete").await?;
        Ok(())
    });
}

/// A picture of its own kind, as another program puts it on the clipboard.
const PASTE_PICTURE: &str = "
    const done = arguments[0];
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [320, 200];
    const pen = canvas.getContext('2d');
    pen.fillStyle = '#2a7';
    pen.fillRect(20, 20, 200, 120);
    canvas.toBlob(blob => {
        const data = new DataTransfer();
        data.items.add(new File([blob], 'image.png', {type: 'image/png'}));
        // Firefox makes no such event with files for a script: there the picture is dropped.
        const paste = new ClipboardEvent('paste', {bubbles: true, cancelable: true, clipboardData: data});
        const named = new DataTransfer();
        named.items.add(new File([blob], 'Picture 20.png', {type: 'image/png'}));
        const drop = new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: named});
        const event = paste.clipboardData?.files.length ? paste : drop;
        document.querySelector('.composer textarea').dispatchEvent(event);
        done(null);
    });";

async fn pictures(engine: Engine) -> Result<()> {
    const DRAWN: &str = "return document.querySelector('[role=log] .picture img')?.naturalWidth ?? 0";
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, _) = two(&browser, &server).await?;
    ann.run_async(PASTE_PICTURE, vec![]).await?;
    // Seen, and asked for, before it is sent.
    until(PATIENCE, || async {
        let seen = ann
            .run(
                "return document.querySelector('.files-bar img')?.naturalWidth ?? 0",
                vec![],
            )
            .await?;
        ensure!(seen == 320, "the picture is {seen} wide");
        Ok(())
    })
    .await?;
    ann.click("Send to everyone").await?;
    shows(&bob, "Picture 20").await?;
    until(PATIENCE, || async {
        let seen = bob.run(DRAWN, vec![]).await?;
        ensure!(seen == 320, "the picture is {seen} wide");
        Ok(())
    })
    .await?;
    if engine == Engine::Chromium {
        is_accessible(&bob, &axe()?, "a picture").await?;
    }
    // What is not only a picture is none, and is asked for; and so is all if the person wants that.
    const SEND_SVG: &str = "
        const data = new DataTransfer();
        data.items.add(new File(['<svg xmlns=\"http://www.w3.org/2000/svg\"><script>window.ran = 1</script></svg>'], 'drawing.svg', {type: 'image/svg+xml'}));
        const box = document.querySelector('input[type=file]');
        box.files = data.files;
        box.dispatchEvent(new Event('change', {bubbles: true}));";
    ann.run(SEND_SVG, vec![]).await?;
    shows(&bob, "drawing.svg").await?;
    bob.click("Download").await?;
    shows(&bob, "complete").await?;
    let shown = bob
        .run("return document.querySelectorAll('[role=log] img').length", vec![])
        .await?;
    ensure!(shown == 1, "{shown} pictures are shown");
    Ok(())
}

#[test]
fn a_pasted_picture_is_asked_for_named_and_shown_in_chromium() {
    run(pictures(Engine::Chromium));
}

#[test]
fn a_pasted_picture_is_asked_for_named_and_shown_in_firefox() {
    run(pictures(Engine::Firefox));
}

/// A file of the machine's own, chosen as a person does it, that changes while it is read.
async fn changes(engine: Engine) -> Result<()> {
    const NOTICES: &str = "return document.querySelector('.notices')?.innerText ?? ''";
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, _) = two(&browser, &server).await?;
    let path = output_folder("changing")?.join("film.mkv");
    let file = File::create(&path)?;
    file.set_len(400_000_000)?;
    choose(&ann, "return document.querySelector('input[type=file]')", &path).await?;
    until(PATIENCE, || async {
        let bar = ann
            .run("return document.querySelector('.files-bar')?.innerText ?? ''", vec![])
            .await?;
        ensure!(bar.as_str().is_some_and(|bar| bar.contains("Reading")), "{bar}");
        Ok(())
    })
    .await?;
    file.set_len(1_000)?;
    until(PATIENCE, || async {
        let told = ann.run(NOTICES, vec![]).await?;
        let told = told.as_str().unwrap_or_default();
        ensure!(told.contains("can't be read") || told.contains("was changed"), "{told}");
        Ok(())
    })
    .await?;
    fs::remove_file(&path)?;
    // What is said later is there, and the file is not.
    ann.say("no film today").await?;
    shows(&bob, "no film today").await?;
    for page in [&ann, &bob] {
        let cards = page
            .run("return document.querySelectorAll('[role=log] .file').length", vec![])
            .await?;
        ensure!(cards == 0, "{cards} files are offered");
    }
    Ok(())
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told_and_not_offered_in_chromium() {
    run(changes(Engine::Chromium));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told_and_not_offered_in_firefox() {
    run(changes(Engine::Firefox));
}
