//! Members who use the log against the others, within all rates.

use shared::limits::TEXT_BYTES_MAX;

use crate::{
    model::{Alert, Delivery},
    sim::world::{Who, World, millis, seconds, seeds},
    wire::{
        entry::{Entry, EntryBody, RecordId},
        fragment::Fragments,
        frame::Frame,
        id::ShortId,
        record::Record,
        timestamp::Timestamp,
    },
};

/// The year 3000.
const FAR_AHEAD: u64 = 32_503_680_000_000;

/// Hands `to` an entry of `from` that its node never said.
fn hand(world: &mut World, from: Who, to: Who, entry: Entry) -> RecordId {
    let record = Record::sign(&world.identity(from), &world.room(), entry);
    let frame = Frame::Entry {
        hops: 1,
        fan_out: 0,
        tree: ShortId::of_peer(&world.id(from)),
        wire: record.wire.as_slice().into(),
    };
    for fragment in Fragments::of(&frame).iter() {
        world.inject_fragment(from, to, fragment.to_vec());
    }
    record.id.into()
}

fn entry(seq: u64, kind: u32, body: Vec<u8>) -> Entry {
    Entry {
        feed: 666,
        seq,
        prev: None,
        order: Timestamp::from_unix_millis(FAR_AHEAD + seq),
        unix_millis: FAR_AHEAD,
        name: "Mallory".into(),
        kind,
        body: EntryBody::of(body),
    }
}

/// A room of eight, the last of whom is to misbehave, and the others.
fn room_of_eight(seed: u64) -> (World, Who, Vec<Who>) {
    let mut world = World::new(seed);
    let mut who: Vec<_> = (0..8).map(|number| world.add(&format!("P{number}"))).collect();
    world.run_until(seconds(30), "all here", |world| world.all_here(&who));
    let mallory = who.pop().expect("eight were added");
    (world, mallory, who)
}

/// Everyone says something; everyone hears everything, and authors are told so only then.
fn everyone_is_heard(world: &mut World, honest: &[Who], what: &str) {
    let mut said = Vec::new();
    for who in honest {
        let text = format!("{what} by {who}");
        said.push((*who, world.say(*who, &text), text));
        world.run_for(millis(300));
    }
    world.run_until(seconds(30), "everyone hears everything", |world| {
        let heard = |author: Who, text: &str| honest.iter().all(|who| *who == author || world.has_heard(*who, text));
        said.iter().all(|(author, _, text)| heard(*author, text))
    });
    world.run_until(seconds(60), "and authors know", |world| {
        said.iter().all(|(author, id, _)| {
            let delivery = world.delivery(*author, *id);
            matches!(delivery, Delivery::Sent { delivered, of } if delivered == of && of == 7)
        })
    });
    for who in honest {
        let is_alert = |alert: &Alert| match alert {
            Alert::Misbehaving { peer } | Alert::Equivocated { peer } => world.who(peer) != Some(7),
            _ => true,
        };
        assert!(!world.alerts(*who).iter().any(is_alert), "{:?}", world.alerts(*who));
    }
}

/// More than the whole log takes, of a kind that nobody shows, dated ahead of all that is said ever after.
#[test]
fn a_flood_dated_ahead_mutes_nobody() {
    let (mut world, mallory, honest) = room_of_eight(1);
    everyone_is_heard(&mut world, &honest, "before");
    let victim = world.open_links(mallory)[0].1;
    let mut prev = None;
    for seq in 0..540 {
        let entry = Entry {
            prev,
            ..entry(seq, 999, vec![0; TEXT_BYTES_MAX])
        };
        prev = Some(hand(&mut world, mallory, victim, entry));
        world.run_for(millis(50));
    }
    everyone_is_heard(&mut world, &honest, "after");
    // Who comes now gets what was said, not only the flood.
    let newcomer = world.add("Newcomer");
    world.run_until(seconds(60), "the newcomer has all", |world| {
        world.shown_count(newcomer) >= 2 * honest.len()
    });
}

/// Feed after feed with one entry each, more than the log takes.
#[test]
fn the_feeds_of_one_member_leave_room_for_everyone_elses() {
    let (mut world, mallory, honest) = room_of_eight(2);
    let victim = world.open_links(mallory)[0].1;
    for feed in 0..8_400 {
        let entry = Entry {
            feed,
            ..entry(0, 999, vec![0])
        };
        hand(&mut world, mallory, victim, entry);
        world.run_for(millis(51));
    }
    everyone_is_heard(&mut world, &honest, "after");
}

/// One who has fallen behind grafts hundreds of messages from their author itself.
#[test]
fn an_author_of_much_is_not_taken_for_a_misbehaving_one() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (author, reader) = world.add_pair();
        world.run_until_linked(seconds(5), &[author, reader]);
        // More feeds than one frame takes.
        for feed in 0..300 {
            let entry = Entry {
                feed,
                order: Timestamp::from_unix_millis(5 + feed),
                ..entry(0, 999, b"old".to_vec())
            };
            hand(&mut world, reader, author, entry);
            world.run_for(millis(60));
        }
        for number in 0..400 {
            world.say(author, &format!("{number}"));
            world.run_for(millis(200));
        }
        let newcomer = world.add("Newcomer");
        world.run_until(seconds(120), "the newcomer has all", |world| {
            world.shown_count(newcomer) >= 400
        });
        assert_eq!(world.alerts(newcomer), []);
    }
}

/// One half of the room gets one chain of entries, the other half another: of one length, and not.
#[test]
fn who_says_two_things_is_found_out_by_all() {
    for (lengths, seed) in [([1, 1], 1), ([3, 3], 2), ([2, 5], 3), ([1, 40], 4)] {
        let (mut world, mallory, honest) = room_of_eight(seed);
        let links = world.open_links(mallory);
        let victims = [links[0].1, links[1].1];
        for (victim, length) in victims.into_iter().zip(lengths) {
            let mut prev = None;
            for seq in 0..length {
                let said = format!("to {victim}, {seq}");
                let entry = Entry {
                    prev,
                    ..entry(seq, 999, said.into())
                };
                prev = Some(hand(&mut world, mallory, victim, entry));
            }
        }
        let peer = world.id(mallory);
        world.run_until(seconds(20), "everybody knows", |world| {
            let mut honest = honest.iter();
            honest.all(|who| world.alerts(*who).contains(&Alert::Equivocated { peer }))
        });
        world.run_for(seconds(5));
        let digest = world.node(honest[0]).log_digest();
        assert!(honest.iter().all(|who| world.node(*who).log_digest() == digest));
        everyone_is_heard(&mut world, &honest, "after");
    }
}
