//! The people of a case: a browser in each home, and a tab with our page in it.

use anyhow::{Context, Result};
use bench::pages::{STOPWATCH, go_to, idle, introduce, leave};
use futures_util::future::try_join_all;
use tests::{
    browser::{Browser, Engine, Engines, Setup},
    homes::Namespace,
    page::Page,
    room::others_here,
    server::Server,
};

const NAMES: [&str; 3] = ["Ann", "Bob", "Cid"];

pub(crate) fn named(engines: Engines) -> &'static str {
    match engines {
        [Engine::Chromium, Engine::Chromium] => "Chromium",
        [Engine::Firefox, Engine::Firefox] => "Firefox",
        _ => "one of each",
    }
}

/// Starts one browser at each of these hosts. They take the server for a secure one: the bare page makes its keys by what browsers give only to such.
pub(crate) async fn browsers<'a>(
    server: &Server,
    engines: &[Engine],
    hosts: impl IntoIterator<Item = &'a Namespace>,
) -> Result<Vec<Browser>> {
    let address = server.address();
    let setup = |(engine, host): (&Engine, &Namespace)| {
        let setup = Setup::new(*engine).inside(host);
        match engine {
            Engine::Chromium => setup.argument(&format!("--unsafely-treat-insecure-origin-as-secure=http://{address}")),
            Engine::Firefox => setup.preference("dom.securecontext.allowlist", address.ip().to_string()),
        }
    };
    let setups: Vec<Setup> = engines.iter().zip(hosts).map(setup).collect();
    try_join_all(setups.iter().map(Browser::start)).await
}

/// Opens our page in each browser, with a name and with the stopwatch.
pub(crate) async fn tabs(server: &Server, browsers: &[Browser]) -> Result<Vec<Page>> {
    let mut tabs = Vec::new();
    for (browser, name) in browsers.iter().zip(NAMES) {
        let tab = browser.tab().await?;
        introduce(server, &tab, name).await?;
        start(server, &tab).await?;
        tabs.push(tab);
    }
    Ok(tabs)
}

/// Loads our page anew, with the stopwatch.
pub(crate) async fn start(server: &Server, tab: &Page) -> Result<()> {
    tab.goto(&server.url()).await?;
    tab.wait("the start page", |view| view.field("Room").is_some()).await?;
    tab.run(STOPWATCH, Vec::new()).await?;
    Ok(())
}

/// Has all people go on to another room, one after the other, and gives back when the last one has been told to join. All before have found each other.
pub(crate) async fn gather(pages: &[Page], room: &str) -> Result<()> {
    for page in pages {
        leave(page).await?;
    }
    let (last, others) = pages.split_last().context("nobody")?;
    for page in others {
        go_to(page, room).await?;
    }
    for page in others {
        page.wait("the others who are there", |view| {
            view.people.len() == others.len()
                && others_here(view) == others.len() - 1
                && (others.len() > 1 || view.connection_says("Only you are here."))
        })
        .await?;
        idle(page).await?;
    }
    go_to(last, room).await
}
