//! A server that knows the room's code and tampers with what it carries gets nowhere, and the page says why.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::try_join;
use shared::Room;
use tests::{
    browser::Browser,
    hostile::{Mischief, Proxy},
    native::place,
    page::view::View,
    server::Server,
};

use crate::lab::{either, enter, found, gathered, run};

/// For how long no link comes about: many times what an honest set-up takes.
const NO_LINK: Duration = Duration::from_secs(3);

/// The room behind an address.
fn room_of(url: &str) -> Result<Room> {
    let (code, _) = place(url)?;
    Ok(code.open())
}

fn warns_of_the_server(view: &View) -> bool {
    view.alerts("Do not trust this server: connection messages were altered, forged or replayed")
}

fn nobody_here(view: &View) -> bool {
    view.people.iter().all(|person| person.you || person.state != "Here")
}

/// Ann founds a room, the proxy learns its code and turns hostile, Bob comes: no link, and a warning.
async fn no_link_but_a_warning(mischief: Mischief) -> Result<()> {
    let server = Server::start().await?;
    let proxy = Proxy::start(server.address(), Mischief::None).await?;
    // Tabs of one browser could do without the server.
    let (here, there) = try_join(Browser::chromium(), Browser::chromium()).await?;
    let (ann, room) = found(&here, &proxy.url(), "Ann").await?;
    proxy.betray(room_of(&room)?);
    proxy.turn(mischief);
    let bob = enter(&there, &room, "Bob").await?;
    either([&ann, &bob], "a warning of the server", warns_of_the_server).await?;
    for page in [&ann, &bob] {
        page.holds(NO_LINK, "no link", nobody_here).await?;
    }
    ensure!(proxy.done() > 0, "nothing was tampered with");
    Ok(())
}

#[test]
fn a_certificate_of_the_servers_own_gives_no_link_and_a_warning() {
    run(no_link_but_a_warning(Mischief::PutOffers));
}

#[test]
fn corrupted_messages_give_no_link_and_a_warning() {
    run(no_link_but_a_warning(Mischief::Corrupt));
}

#[test]
fn replayed_offers_give_no_link_and_a_warning() {
    run(async {
        let server = Server::start().await?;
        let proxy = Proxy::start(server.address(), Mischief::None).await?;
        let (here, there) = try_join(Browser::chromium(), Browser::chromium()).await?;
        let (ann, room) = found(&here, &proxy.url(), "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        // The same proxy is harmless while it only carries.
        gathered(&[&ann, &bob]).await?;
        bob.choose("Leave room").await?;
        let view = ann.wait("Bob left", |view| view.is("Bob", "Left")).await?;
        ensure!(!warns_of_the_server(&view), "{view:#?}");
        ensure!(proxy.replay() > 0, "nothing was replayed");
        ann.wait("a warning of the server", warns_of_the_server).await?;
        ann.holds(NO_LINK, "no link", nobody_here).await?;
        Ok(())
    });
}

#[test]
fn a_server_of_another_version_is_explained() {
    run(async {
        let server = Server::start().await?;
        let proxy = Proxy::start(server.address(), Mischief::OtherVersion).await?;
        let browser = Browser::chromium().await?;
        let (ann, _) = found(&browser, &proxy.url(), "Ann").await?;
        ann.wait("words about the version", |view| {
            view.alerts("another version of Starling (protocol 2 to 3) than this page. Reload the page")
        })
        .await?;
        ensure!(proxy.done() > 0, "nothing was refused");
        Ok(())
    });
}
