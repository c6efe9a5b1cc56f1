//! People meet, talk, exchange a file, leave and are lost.

use std::time::Instant;

use client::room::RoomState;
use mesh::model::{FileState, PersonState};
use shared::RoomCode;
use tests::native::{Peer, identities};
use tokio::task::LocalSet;

use crate::server::Server;

const NAMES: [&str; 5] = ["Ann", "Ben", "Cid", "Dot", "Eve"];

/// So many people in a room of their own, all of whom see all the others.
async fn meet(server: &Server, code: &RoomCode, order: impl IntoIterator<Item = usize>) -> Vec<Peer> {
    let identities = identities(5);
    let mut people = Vec::new();
    for (at, name) in order.into_iter().zip(NAMES) {
        people.push(Peer::enter(identities[at].clone(), name, code, &server.url()).await);
    }
    let others = people.len() - 1;
    for peer in &mut people {
        peer.until_here(others).await;
    }
    people
}

fn code() -> RoomCode {
    RoomCode::parse("a-room-of-native-peers").expect("an open room")
}

#[tokio::test]
async fn two_meet_and_talk_whoever_has_the_lower_id() {
    for order in [[0, 1], [1, 0]] {
        let all = async {
            let server = Server::start().await;
            let started = Instant::now();
            let mut people = meet(&server, &code(), order).await;
            println!("linked after {:?}", started.elapsed());
            let [ann, ben] = &mut people[..] else { panic!() };
            ann.session.say(None, "to all").unwrap();
            ben.until_said("to all").await;
            ben.session.say(Some(ann.id), "to you").unwrap();
            ann.until_said("to you").await;
        };
        LocalSet::new().run_until(all).await;
    }
}

#[tokio::test]
async fn five_talk_exchange_a_file_leave_and_are_lost() {
    let all = async {
        let server = Server::start().await;
        let mut people = meet(&server, &code(), [2, 0, 4, 1, 3]).await;
        people[4].session.say(None, "to all").unwrap();
        for peer in &mut people {
            peer.until_said("to all").await;
        }

        // A file, from one to another.
        let bytes: Vec<u8> = (0..3_000_000_u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let info = people[0].offer(&bytes).await;
        let is_offered = |room: &RoomState| room.messages.iter().any(|entry| entry.message.file.is_some());
        people[3].until("the offer", is_offered).await;
        people[3].session.fetch_file(info.clone()).unwrap();
        let whole = |room: &RoomState| {
            let progress = room.files.get(&info.root);
            progress.is_some_and(|progress| progress.state == FileState::Whole)
        };
        people[3].until("the file", whole).await;
        assert_eq!(blake3::hash(&people[3].file(&info).await), blake3::hash(&bytes));

        // One leaves, and one is gone.
        let (eve, dot) = (people.pop().unwrap(), people.pop().unwrap());
        let (left, lost) = (eve.id, dot.id);
        eve.leave().await;
        for peer in &mut people {
            peer.until_is(left, &[PersonState::Left]).await;
        }
        dot.crash();
        for peer in &mut people {
            peer.until_is(lost, &[PersonState::Gone, PersonState::Reconnecting])
                .await;
        }
        people[1].session.say(None, "we go on").unwrap();
        for peer in &mut people {
            peer.until_said("we go on").await;
        }
    };
    LocalSet::new().run_until(all).await;
}
