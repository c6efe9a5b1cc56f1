//! What is shown of files, at every state of theirs, and that nothing in them runs.

use anyhow::{Result, ensure};
use fantoccini::key::Key;
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    page::Page,
    server::Server,
    wait::until,
};

use crate::{
    contract::{axe, is_accessible},
    files::{PATIENCE, SLOW, comes, counts, let_flow, remove, send, shows},
    keyboard::tab_to,
    lab::{run, set_quota, two},
};

/// Chooses a file with this content, in the language of the page.
async fn send_made(page: &Page, name: &str, media_type: &str, content: &str) -> Result<()> {
    let script = format!(
        "const [name, type] = arguments;
        const content = {content};
        const data = new DataTransfer();
        data.items.add(new File([content], name, {{type}}));
        const box = document.querySelector('input[type=file]');
        box.files = data.files;
        box.dispatchEvent(new Event('change', {{bubbles: true}}));"
    );
    page.run(&script, vec![json!(name), json!(media_type)]).await?;
    Ok(())
}

/// A second of silence.
const SOUND: &str = "(() => {
    const [rate, head] = [8000, new DataView(new ArrayBuffer(44))];
    const text = (at, text) => [...text].forEach((char, i) => head.setUint8(at + i, char.charCodeAt(0)));
    text(0, 'RIFF'); head.setUint32(4, 36 + rate, true); text(8, 'WAVEfmt '); head.setUint32(16, 16, true);
    head.setUint16(20, 1, true); head.setUint16(22, 1, true); head.setUint32(24, rate, true);
    head.setUint32(28, rate, true); head.setUint16(32, 1, true); head.setUint16(34, 8, true);
    text(36, 'data'); head.setUint32(40, rate, true);
    return new Blob([head.buffer, new Uint8Array(rate).fill(128)]);
})()";

/// The beginning of a picture of 900 million pixels.
const HUGE_PICTURE: &str = "new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 117, 48, 0, 0, 117, 48, 8, 6, 0, 0, 0, 0, 0, 0, 0])";

const PAGE: &str = "'<!doctype html><script>window.ran = 1</script><b id=bold>bold</b>'";

async fn fetch(page: &Page, name: &str) -> Result<()> {
    shows(page, name).await?;
    page.click("Download").await?;
    shows(page, "complete").await
}

async fn previews(engine: Engine) -> Result<()> {
    // Metadata come only where the policy of the page lets the sound be loaded.
    const LENGTH: &str = "
        const done = arguments[0];
        const sound = document.querySelector('[role=log] audio');
        const asked = [sound.controls, sound.autoplay, sound.preload];
        sound.onloadedmetadata = () => done([asked, sound.duration]);
        sound.onerror = () => done(String(sound.error?.message));
        sound.preload = 'metadata';
        sound.load();";
    const TEXT: &str = "
        const text = document.querySelector('[role=log] pre');
        return text ? [text.textContent, text.children.length, window.ran ?? null, document.querySelector('#bold')] : null";
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, _) = two(&browser, &server).await?;
    send_made(&ann, "silence.wav", "audio/wav", SOUND).await?;
    fetch(&bob, "silence.wav").await?;
    counts(&bob, "[role=log] audio", 1).await?;
    let found = bob.run_async(LENGTH, vec![]).await?;
    ensure!(found == json!([[true, false, "none"], 1]), "{found}");
    send_made(&ann, "page.html", "text/html", PAGE).await?;
    fetch(&bob, "page.html").await?;
    until(PATIENCE, || async {
        let found = bob.run(TEXT, vec![]).await?;
        let letters = "<!doctype html><script>window.ran = 1</script><b id=bold>bold</b>";
        ensure!(found == json!([letters, 0, null, null]), "{found}");
        Ok(())
    })
    .await?;
    // Small enough to come by itself, and too large to be decoded.
    send_made(&ann, "bomb.png", "image/png", HUGE_PICTURE).await?;
    shows(&bob, "This picture is too large to be shown here").await?;
    let pictures = bob
        .run("return document.querySelectorAll('[role=log] img').length", vec![])
        .await?;
    ensure!(pictures == 0, "{pictures} pictures are decoded");
    if engine == Engine::Chromium {
        is_accessible(&bob, &axe()?, "previews").await?;
    }
    Ok(())
}

#[test]
fn sounds_and_texts_are_shown_and_nothing_runs_in_chromium() {
    run(previews(Engine::Chromium));
}

#[test]
fn sounds_and_texts_are_shown_and_nothing_runs_in_firefox() {
    run(previews(Engine::Firefox));
}

#[test]
fn a_small_picture_that_was_removed_does_not_come_back() {
    run(async {
        const PICTURE: &str = "Uint8Array.from(atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII='), char => char.charCodeAt(0))";
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        send_made(&ann, "dot.png", "image/png", PICTURE).await?;
        shows(&bob, "complete").await?;
        bob.choose("Files").await?;
        remove(&bob).await?;
        bob.click("Done").await?;
        shows(&bob, "Download").await?;
        bob.reload().await?;
        shows(&bob, "Download").await?;
        // It would have come within moments: a newer one does.
        send_made(
            &ann,
            "other.png",
            "image/png",
            &PICTURE.replace(
                "char => char.charCodeAt(0))",
                "char => char.charCodeAt(0)).subarray(0, 60)",
            ),
        )
        .await?;
        shows(&bob, "complete").await?;
        let left = bob
            .run(
                "return [...document.querySelectorAll('[role=log] .file .button')].map(button => button.innerText)",
                vec![],
            )
            .await?;
        ensure!(left == json!(["Download", "Save"]), "{left}");
        Ok(())
    });
}

#[test]
fn every_state_of_a_file_is_accessible_and_led_through_by_keys() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let axe = axe()?;
        let (ann, bob, _) = two(&browser, &server).await?;
        send(&ann, "film.mkv", 60_000_000).await?;
        shows(&bob, "film.mkv").await?;
        is_accessible(&bob, &axe, "a file that is offered").await?;
        is_accessible(&ann, &axe, "a file of one's own").await?;
        let_flow(&ann, Some(SLOW)).await?;
        tab_to(&bob, "button", "Download").await?;
        bob.press([Key::Enter]).await?;
        comes(&bob, 1).await?;
        // The cursor stays where it was.
        tab_to(&bob, "button", "Pause").await?;
        bob.press([Key::Enter]).await?;
        shows(&bob, "paused").await?;
        is_accessible(&bob, &axe, "a file that is paused").await?;
        ann.close().await?;
        tab_to(&bob, "button", "Resume").await?;
        bob.press([Key::Enter]).await?;
        shows(&bob, "waiting for someone who has the rest").await?;
        is_accessible(&bob, &axe, "a file that waits").await?;
        tab_to(&bob, "button", "Cancel").await?;
        bob.press([Key::Enter]).await?;
        shows(&bob, "Download").await?;
        Ok(())
    });
}

#[test]
fn a_file_that_has_no_space_comes_or_is_here_is_accessible() {
    run(async {
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let axe = axe()?;
        let (ann, bob, _) = two(&browser, &server).await?;
        send(&ann, "film.mkv", 60_000_000).await?;
        shows(&bob, "film.mkv").await?;
        set_quota(&bob, &server, Some(90_000_000)).await?;
        // What Ann sent takes most of it. The page asks before it begins: as if there were space.
        bob.run(
            "navigator.storage.estimate = async () => ({usage: 0, quota: 1e9})",
            vec![],
        )
        .await?;
        // Pieces come in any order, and a browser sets space aside up to the last of them: how many find room is chance.
        bob.click("Download").await?;
        shows(&bob, "no space left on this device").await?;
        is_accessible(&bob, &axe, "a file without space").await?;
        set_quota(&bob, &server, None).await?;
        // However little is left.
        let_flow(&ann, Some(SLOW / 5)).await?;
        tab_to(&bob, "button", "Resume").await?;
        bob.press([Key::Enter]).await?;
        tab_to(&bob, "button", "Pause").await?;
        is_accessible(&bob, &axe, "a file that comes").await?;
        let_flow(&ann, None).await?;
        shows(&bob, "complete").await?;
        is_accessible(&bob, &axe, "a file that is here").await?;
        tab_to(&bob, "button", "Save").await?;
        Ok(())
    });
}
