//! The beginning of most tests: browsers in their homes, and a room.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use tests::{
    browser::{Browser, Engine, Engines, Setup},
    homes::Namespace,
    page::Page,
    room::{at_the_door, found, go_in, others_here},
    run::note,
    server::Server,
};

/// How long people wait for each other where nothing is promised.
pub(crate) const CONNECTED: Duration = Duration::from_secs(20);

// What is promised is about half of these, and `cargo xtask bench nat` measures it: here, a machine that is busy breaks nothing.

/// Where there is a direct way, and where the only way is another person: 5 s are promised.
pub(crate) const MET: Duration = Duration::from_secs(10);
/// Where the only way is a TURN server: 6 s are promised.
pub(crate) const RELAYED: Duration = Duration::from_secs(12);
/// When everybody knows why there is no way: 12 s are promised.
pub(crate) const TOLD: Duration = Duration::from_secs(20);
/// When people hear each other again after an address has changed: 8 s are promised, and a link counts as lost after 7.5. An attempt that nobody
/// answers takes 6 s more.
pub(crate) const MOVED: Duration = Duration::from_secs(20);

/// Starts one browser at each of these hosts.
pub(crate) async fn browsers<const N: usize>(engines: [Engine; N], hosts: [&Namespace; N]) -> Result<[Browser; N]> {
    let setups: Vec<Setup> = engines
        .into_iter()
        .zip(hosts)
        .map(|(engine, host)| Setup::new(engine).inside(host))
        .collect();
    started(&setups).await
}

/// Starts browsers.
pub(crate) async fn started<const N: usize>(setups: &[Setup]) -> Result<[Browser; N]> {
    let started = try_join_all(setups.iter().map(Browser::start)).await?;
    started.try_into().ok().context("as many as hosts")
}

/// Ann founds a room, and Bob goes in; gives their tabs and the room's address.
pub(crate) async fn two_people(server: &Server, [ann, bob]: &[Browser; 2]) -> Result<(Page, Page, String)> {
    let (ann, room) = found(ann, &server.url(), "Ann").await?;
    let bob = join(bob, &room, "Bob", 1).await?;
    Ok((ann, bob, room))
}

/// The same by browsers at these hosts.
pub(crate) async fn two_people_at(server: &Server, engines: Engines, hosts: [&Namespace; 2]) -> Result<(Page, Page)> {
    let browsers = browsers(engines, hosts).await?;
    let (ann, bob, _) = two_people(server, &browsers).await?;
    Ok((ann, bob))
}

/// Goes into a room in which so many others will be, and starts the page's clock at the click.
pub(crate) async fn join(browser: &Browser, room: &str, name: &str, others: usize) -> Result<Page> {
    const CLOCK: &str = "
        const [others] = arguments;
        addEventListener('click', () => { window.joined ??= performance.now(); }, true);
        const look = () => {
            const people = [...document.querySelectorAll('[role=list][aria-label=People] > li')];
            const here = people.filter((item) =>
                !item.textContent.includes('(you)') && item.querySelector('.person-state')?.textContent.trim() === 'Here');
            if (here.length === others) window.connected ??= performance.now();
        };
        new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });";
    let page = at_the_door(browser, room, name).await?;
    page.run(CLOCK, vec![json!(others)]).await?;
    go_in(&page).await?;
    Ok(page)
}

/// Waits until each of these pages has all the others "Here"; the last one is the newcomer's, who must not wait for longer than `within`.
pub(crate) async fn connected(case: &str, within: Duration, pages: &[&Page]) -> Result<()> {
    for page in pages {
        page.wait_for(CONNECTED, "everyone here", |view| others_here(view) == pages.len() - 1)
            .await?;
    }
    let newcomer = pages.last().context("nobody")?;
    let millis = newcomer
        .run("return Math.round(window.connected - window.joined)", Vec::new())
        .await?
        .as_u64()
        .context("no clock")?;
    let engines: Vec<_> = pages.iter().map(|page| page.browser().engine()).collect();
    note(&format!("{case}, {engines:?}: connected after {millis} ms"));
    ensure!(
        Duration::from_millis(millis) <= within,
        "{millis} ms instead of {within:?}"
    );
    Ok(())
}

/// Waits until “Check connection” says this of the network that a page is in.
pub(crate) async fn checks(page: &Page, verdict: &str) -> Result<()> {
    page.choose("Check connection").await?;
    page.wait(verdict, |view| view.says(verdict)).await?;
    page.click("Done").await
}

/// Waits until a message has gone each way.
pub(crate) async fn talk(ann: &Page, bob: &Page) -> Result<()> {
    hears(ann, bob, "hello from Ann").await?;
    hears(bob, ann, "hello from Bob").await
}

/// Waits until what one says is delivered to the other.
pub(crate) async fn hears(from: &Page, to: &Page, text: &str) -> Result<()> {
    from.say(text).await?;
    to.wait_for(CONNECTED, text, |view| view.has(text)).await?;
    Ok(())
}
