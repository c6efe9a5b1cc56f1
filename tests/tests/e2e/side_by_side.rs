//! Several rooms in one tab.

use anyhow::{Result, ensure};
use fantoccini::key::Key;
use tests::{
    browser::Browser,
    page::{Page, view::View},
    room::make,
    server::Server,
};

use crate::lab::{come_in, enter, found, gathered, others_here, outside, run};

/// The rooms as they are shown: name, what is unread, and which is shown.
fn rooms(view: &View) -> Vec<(&str, Option<&str>, bool)> {
    let rooms = view.rooms.iter();
    rooms
        .map(|room| (&*room.name, room.unread.as_deref(), room.shown))
        .collect()
}

async fn shows(page: &Page, expected: &[(&str, Option<&str>, bool)]) -> Result<View> {
    page.wait(&format!("{expected:?}"), |view| rooms(view) == expected)
        .await
}

/// Goes from a room to the start page, and stays in the room.
async fn to_start(page: &Page) -> Result<()> {
    page.choose("Make or choose another room").await?;
    page.wait("the start page", |view| view.field("Room").is_some()).await?;
    Ok(())
}

/// Ann is in two rooms at once, with somebody else in each.
// Long because: it is one story.
async fn a_person_in_two_rooms(here: &Browser, there: &Browser) -> Result<()> {
    let server = Server::start().await?;
    let ann = outside(here, &server).await?;
    come_in(&ann, "attic", "Ann").await?;
    let attic = ann.url().await?;
    let bob = enter(there, &attic, "Bob").await?;
    gathered(&[&ann, &bob]).await?;
    ann.type_into("Message", "half a thought").await?;
    to_start(&ann).await?;
    shows(&ann, &[("attic", None, false)]).await?;
    come_in(&ann, "barn", "Ann").await?;
    let cy = enter(there, &ann.url().await?, "Cy").await?;
    gathered(&[&ann, &cy]).await?;
    ensure!(bob.look().await?.is("Ann", "Here"), "she left when she went elsewhere");

    // What is said where she does not look is counted, and reaches her.
    bob.say("are you there?").await?;
    bob.say("hello?").await?;
    bob.wait("the delivery", |view| {
        view.is_delivered("hello?", "delivered to 1 of 1")
    })
    .await?;
    let view = shows(&ann, &[("attic", Some("2 unread"), false), ("barn", None, true)]).await?;
    ensure!(!view.has("hello?"), "it is shown in the wrong room");
    ann.wait("the count in the title", |view| view.title == "(2) Starling")
        .await?;

    ann.press_with(Key::Alt, Key::Up).await?;
    let view = shows(&ann, &[("attic", None, true), ("barn", None, false)]).await?;
    ensure!(view.has("hello?") && view.is("Bob", "Here") && view.person("Cy").is_none());
    ensure!(
        view.field("Message")
            .is_some_and(|field| field.value == "half a thought")
    );
    ann.wait("nothing unread", |view| view.title == "Starling").await?;
    cy.say("and here?").await?;
    shows(&ann, &[("attic", None, true), ("barn", Some("1 unread"), false)]).await?;

    // A reload comes back to both.
    ann.reload().await?;
    for other in [&bob, &cy] {
        other
            .wait("Ann again", |view| others_here(view) == 1 && view.is("Ann", "Here"))
            .await?;
    }
    ann.wait("the room that was shown", |view| {
        view.has("hello?") && view.is("Bob", "Here")
    })
    .await?;
    ann.press_with(Key::Alt, Key::Down).await?;
    ann.wait("the other one", |view| view.has("and here?") && view.is("Cy", "Here"))
        .await?;

    // What is handed on waits in the other room's box, after what stands there.
    ann.choose_of("and here?", "Forward").await?;
    ann.click("attic").await?;
    ann.wait("it in the message box", |view| {
        let expected = "half a thought\n> Cy: and here?\n";
        view.field("Message").is_some_and(|field| field.value == expected)
    })
    .await?;
    ann.click("Send").await?;
    bob.wait("what was handed on", |view| {
        view.messages
            .iter()
            .any(|message| message.text.contains("Cy: and here?"))
    })
    .await?;
    ann.press_with(Key::Alt, Key::Down).await?;
    ann.wait("the other one again", |view| view.is("Cy", "Here")).await?;

    // Another name is another name in each.
    ann.choose("Rename yourself").await?;
    ann.paste("Your name", "Anna").await?;
    ann.click("Save").await?;
    for other in [&bob, &cy] {
        other.wait("the other name", |view| view.is("Anna", "Here")).await?;
    }
    // One room is left, the other stays.
    ann.choose("Leave room").await?;
    cy.wait("that she left", |view| view.is("Anna", "Left")).await?;
    ann.wait("the room that is left to her", |view| {
        view.rooms.is_empty() && view.has("hello?")
    })
    .await?;
    ensure!(bob.look().await?.is("Anna", "Here"), "she left the wrong room");
    // The other one from the start page.
    to_start(&ann).await?;
    ann.click("Leave attic with Bob").await?;
    bob.wait("that she left", |view| view.is("Anna", "Left")).await?;
    ann.wait("no room", |view| view.rooms.is_empty()).await?;
    Ok(())
}

#[test]
fn one_is_in_two_rooms_at_once_in_chromium() {
    run(async { a_person_in_two_rooms(&Browser::chromium().await?, &Browser::firefox().await?).await });
}

#[test]
fn one_is_in_two_rooms_at_once_in_firefox() {
    run(async { a_person_in_two_rooms(&Browser::firefox().await?, &Browser::chromium().await?).await });
}

#[test]
fn eight_rooms_in_one_tab_keep_their_links_and_a_ninth_takes_the_place_of_one() {
    run(async {
        let server = Server::start().await?;
        let [here, there] = [Browser::chromium().await?, Browser::chromium().await?];
        let (ann, first) = found(&here, &server.url(), "Ann").await?;
        let mut others = vec![enter(&there, &first, "p0").await?];
        for number in 1..8 {
            to_start(&ann).await?;
            let room = make(&ann, "Ann").await?;
            others.push(enter(&there, &room, &format!("p{number}")).await?);
        }
        for (number, other) in others.iter().enumerate() {
            other.wait("Ann", |view| view.is("Ann", "Here")).await?;
            other.say(&format!("said in {number}")).await?;
        }
        for other in &others {
            other
                .wait("the delivery", |view| {
                    let mut own = view.messages.iter().filter(|message| message.delivery.is_some());
                    own.all(|message| message.delivery.as_deref() == Some("delivered to 1 of 1"))
                })
                .await?;
        }
        ann.wait("all that was said", |view| view.title == "(7) Starling")
            .await?;
        to_start(&ann).await?;
        make(&ann, "Ann").await?;
        ann.wait("that a room was left, and which", |view| {
            view.says("A tab can be in no more rooms at once, so you have left \u{2068}Private room with p0\u{2069}")
        })
        .await?;
        others[0].wait("that Ann left", |view| view.is("Ann", "Left")).await?;
        let view = others[1].look().await?;
        ensure!(view.is("Ann", "Here"), "{view:#?}");
        Ok(())
    });
}

#[test]
fn a_founder_moves_the_room_without_somebody() {
    run(async {
        let server = Server::start().await?;
        let (here, there) = (Browser::firefox().await?, Browser::chromium().await?);
        let (ann, room) = found(&here, &server.url(), "Ann").await?;
        let bob = enter(&there, &room, "Bob").await?;
        let eve = outside(&there, &server).await?;
        come_in(&eve, &room, "Eve").await?;
        gathered(&[&ann, &bob, &eve]).await?;
        ann.choose("Move room").await?;
        let without = "const labels = [...document.querySelectorAll('dialog .choice label')];
            labels.find((label) => label.textContent.includes('Eve')).click();";
        ann.run(without, vec![]).await?;
        ann.click("Move room").await?;
        ann.wait("the new room", |view| view.rooms.len() == 2 && others_here(view) == 0)
            .await?;
        let new = ann.url().await?;
        ensure!(new != room);
        let told = bob
            .wait("the way there", |view| {
                view.messages.iter().any(|message| message.text.contains(&new))
            })
            .await?;
        ensure!(
            told.messages
                .iter()
                .any(|message| message.text.starts_with("We are moving to another room"))
        );
        let next = enter(&there, &new, "Bob").await?;
        next.wait("Ann", |view| view.is("Ann", "Here")).await?;
        // Whoever is not to come along is in the old room, and has heard nothing.
        ensure!(
            !eve.look()
                .await?
                .messages
                .iter()
                .any(|message| message.text.contains("another room"))
        );
        Ok(())
    });
}
