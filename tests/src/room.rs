//! What people do to get into a room, and how many they find there.

use anyhow::{Result, ensure};

use crate::{
    browser::Browser,
    page::{PATIENCE, Page, view::View},
    wait::until,
};

/// Opens the start page in a new tab and makes a room; gives the tab and the room's address.
///
/// # Errors
/// If it does not come to that.
pub async fn found(browser: &Browser, url: &str, name: &str) -> Result<(Page, String)> {
    let page = browser.open(url).await?;
    page.wait("the start page", |view| view.field("Your name").is_some())
        .await?;
    let room = make(&page, name).await?;
    Ok((page, room))
}

/// Makes a room on the start page; gives its address.
///
/// # Errors
/// If it does not come to that.
pub async fn make(page: &Page, name: &str) -> Result<String> {
    page.paste("Your name", name).await?;
    page.click("New room").await?;
    page.wait("the room", |view| view.me().is_some()).await?;
    // The address is another a moment after the room is shown.
    until(PATIENCE, || async {
        let room = page.url().await?;
        ensure!(room.contains("#/r/"), "{room} is no link of a room");
        Ok(room)
    })
    .await
}

/// Opens a room's address in a new tab and goes in under a name.
///
/// # Errors
/// If it does not come to that.
pub async fn enter(browser: &Browser, room: &str, name: &str) -> Result<Page> {
    let page = at_the_door(browser, room, name).await?;
    go_in(&page).await?;
    Ok(page)
}

/// Opens a room's address in a new tab and answers the question for a name, without going in yet.
///
/// # Errors
/// If the question does not come.
pub async fn at_the_door(browser: &Browser, room: &str, name: &str) -> Result<Page> {
    let page = browser.open(room).await?;
    page.wait("the question for a name", |view| view.field("Your name").is_some())
        .await?;
    page.paste("Your name", name).await?;
    Ok(page)
}

/// Goes through the door.
///
/// # Errors
/// If the room does not open.
pub async fn go_in(page: &Page) -> Result<()> {
    page.click("Join room").await?;
    page.wait("the room", |view| view.me().is_some()).await?;
    Ok(())
}

/// How many others are "Here".
#[must_use]
pub fn others_here(view: &View) -> usize {
    view.people
        .iter()
        .filter(|person| !person.you && person.state == "Here")
        .count()
}
