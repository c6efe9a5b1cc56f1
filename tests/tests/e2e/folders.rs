//! Folders: one file each, with all that is in them.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Setup},
    page::Page,
    server::{Server, output_folder},
    wait::until,
};

use crate::{
    files::{PATIENCE, choose, shows},
    lab::{found, run, two},
};

/// What is in the folder "trip" in both tests.
const FILES: [(&str, &str); 3] = [
    ("trip/a.txt", "first"),
    ("trip/deep/b.txt", "second"),
    ("trip/deep/é.txt", "third"),
];

/// Fetches the only file, and gives all bytes that the browser is handed when it is saved.
async fn fetched(page: &Page) -> Result<Vec<u8>> {
    const SAVE: &str = "
        const done = arguments[0];
        const make = URL.createObjectURL;
        URL.createObjectURL = blob => {
            blob.arrayBuffer().then(all => done(Array.from(new Uint8Array(all))));
            return make.call(URL, blob);
        };
        HTMLAnchorElement.prototype.click = () => {};
        [...document.querySelectorAll('.file .button')].find(button => button.innerText === 'Save').click();";
    page.click("Download").await?;
    shows(page, "complete").await?;
    let bytes = page.run_async(SAVE, vec![]).await?;
    Ok(serde_json::from_value(bytes)?)
}

/// Whether this is an archive of those files, with their directory at its end.
fn holds_all(archive: &[u8]) -> Result<()> {
    let has = |part: &[u8]| archive.windows(part.len()).filter(|window| *window == part).count();
    for (path, content) in FILES {
        ensure!(
            has(path.as_bytes()) == 2,
            "{path} is there {} times",
            has(path.as_bytes())
        );
        ensure!(has(content.as_bytes()) == 1, "{content} is not in it");
    }
    let end = archive.len().checked_sub(22).context("it is empty")?;
    ensure!(archive.starts_with(b"PK\x03\x04") && archive[end..].starts_with(b"PK\x05\x06"));
    ensure!(archive[end + 10] == 3, "{} files", archive[end + 10]);
    Ok(())
}

/// Drops a folder, as browsers give it to a page. A script cannot make a real entry, so this one keeps the same interface, and gives what is in it in two parts.
async fn drop_folder(page: &Page) -> Result<()> {
    const DROP: &str = "
        const file = (path, text) => ({
            isDirectory: false, name: path.split('/').pop(), fullPath: '/' + path,
            file: done => done(new File([text], path.split('/').pop())),
        });
        const folder = (path, entries) => ({
            isDirectory: true, name: path.split('/').pop(), fullPath: '/' + path,
            createReader: () => {
                const parts = [entries.slice(0, 1), entries.slice(1), []];
                return {readEntries: done => setTimeout(() => done(parts.shift()))};
            },
        });
        const [a, b, c] = arguments[0].map(([path, text]) => file(path, text));
        const trip = folder('trip', [folder('trip/deep', [c, b]), a]);
        DataTransferItem.prototype.webkitGetAsEntry = () => trip;
        const data = new DataTransfer();
        data.items.add(new File([], 'trip'));
        const drop = new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: data});
        document.querySelector('.composer textarea').dispatchEvent(drop);";
    page.run(DROP, vec![json!(FILES)]).await?;
    Ok(())
}

async fn dropped(engine: Engine) -> Result<()> {
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, bob, _) = two(&browser, &server).await?;
    drop_folder(&ann).await?;
    until(PATIENCE, || async {
        let asked = ann
            .run("return document.querySelector('.files-bar')?.innerText ?? ''", vec![])
            .await?;
        let asked = asked.as_str().unwrap_or_default();
        // The name is isolated, so that it turns nothing around it.
        ensure!(asked.contains("trip.zip") && asked.contains("to everyone"), "{asked}");
        Ok(())
    })
    .await?;
    ann.click("Send to everyone").await?;
    shows(&bob, "trip.zip").await?;
    holds_all(&fetched(&bob).await?)
}

#[test]
fn a_dropped_folder_arrives_as_one_file_in_chromium() {
    run(dropped(Engine::Chromium));
}

#[test]
fn a_dropped_folder_arrives_as_one_file_in_firefox() {
    run(dropped(Engine::Firefox));
}

/// The event of a picker in which a folder without files was chosen: no driver chooses one.
async fn says_that_it_is_empty(engine: Engine) -> Result<()> {
    const PICKS_NOTHING: &str = "
        HTMLInputElement.prototype.click = function () { this.dispatchEvent(new Event('change')); };";
    let server = Server::start().await?;
    let browser = Browser::start(&Setup::new(engine)).await?;
    let (ann, _) = found(&browser, &server.url(), "Ann").await?;
    ann.run(PICKS_NOTHING, vec![]).await?;
    ann.choose("Send a folder").await?;
    let words = "There are no files in this folder, so nothing was sent.";
    ann.wait("that it is empty", |view| view.says(words)).await?;
    Ok(())
}

#[test]
fn an_empty_folder_is_told_of_in_chromium() {
    run(says_that_it_is_empty(Engine::Chromium));
}

#[test]
fn an_empty_folder_is_told_of_in_firefox() {
    run(says_that_it_is_empty(Engine::Firefox));
}

#[test]
fn a_picked_folder_arrives_as_one_file() {
    run(async {
        const CATCH: &str = "
            HTMLInputElement.prototype.click = function () { document.body.append(this); window.picker = this; };";
        let folder = output_folder("picked")?;
        for (path, content) in FILES {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().context("it is in a folder")?)?;
            fs::write(path, content)?;
        }
        let server = Server::start().await?;
        let browser = Browser::chromium().await?;
        let (ann, bob, _) = two(&browser, &server).await?;
        ann.run(CATCH, vec![]).await?;
        ann.choose("Send a folder").await?;
        choose(&ann, "return window.picker", &folder.join("trip")).await?;
        ann.click("Send to everyone").await?;
        shows(&bob, "trip.zip").await?;
        holds_all(&fetched(&bob).await?)
    });
}
