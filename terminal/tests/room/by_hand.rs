//! Processes that meet by texts that people carry.

use crate::program::{Machine, Talker};

/// Waits for a text that is to be handed over: the line after the one that begins so.
async fn text_after(talker: &mut Talker, line: &str) -> String {
    talker.hear(line).await;
    talker.hear("").await;
    talker.heard.last().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_meet_by_an_invitation_and_its_answer_and_a_third_through_them() {
    let machine = Machine::start().await;
    let alone = ["--no-server"];
    let mut ann = machine.talk("tea", "Ann", &alone);
    ann.hear("* Nobody is asked who is here. /connect makes an invitation.")
        .await;
    let mut ben = machine.talk("tea", "Ben", &alone);
    let mut cid = machine.talk("tea", "Cid", &alone);
    for command in ["/connect", "/invite --by-hand"] {
        ann.type_in(command).await;
        let invitation = text_after(&mut ann, "* Give this invitation to one person.").await;
        let newcomer = if command == "/connect" { &mut ben } else { &mut cid };
        // As mail wraps it.
        let (start, end) = invitation.split_at(80);
        newcomer.type_in(&format!("{command} {start} {end}")).await;
        let answer = text_after(newcomer, "* Send this answer back").await;
        ann.type_in(&format!("{command} {answer}")).await;
        newcomer.hear("* Ann is here").await;
        newcomer.type_in("hello by hand").await;
        ann.hear(if command == "/connect" {
            "Ben: hello by hand"
        } else {
            "Cid: hello by hand"
        })
        .await;
        if command != "/connect" {
            ben.hear("Cid: hello by hand").await;
        }
    }
    // Cut off, and for another room.
    ann.type_in("/connect abc").await;
    ann.hear("* request cannot be fulfilled: ").await;
    let mut eve = machine.talk("coffee", "Eve", &alone);
    eve.type_in("/connect").await;
    let other = text_after(&mut eve, "* Give this invitation to one person.").await;
    ann.type_in(&format!("/connect {other}")).await;
    ann.hear("* request cannot be fulfilled: ").await;
    for mut talker in [eve, ann, ben, cid] {
        talker.type_in("/quit").await;
        talker.end().await;
    }
}
