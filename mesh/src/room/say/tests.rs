//! What our person says, by a room with its neighbors.

use chacha20::ChaCha20Rng;

use super::{
    super::rig::{BOB, CID, Rig, beacon_frame, entry_frame, sent, shown, tree},
    *,
};
use crate::{
    config::{HOPS_MAX, MESSAGES_BURST, OWN_BYTES_BURST},
    context::test::{identity, peer},
    door::{LinkState, ToRoom},
    io::{LinkId, Output},
    model::Delivery,
    random::{Stream, stream},
    wire::{frame::Frame, record::Packet},
};

fn rng() -> ChaCha20Rng {
    stream([9; 32], Stream::Whispers)
}

fn delivery(id: MessageId, delivery: Delivery) -> Output {
    Output::Event(Event::Delivery { id, delivery })
}

/// The packets among what is to be done, each with its link.
fn packets(rig: &mut Rig) -> Vec<(LinkId, Packet)> {
    let mut packets = Vec::new();
    for output in rig.cx.outputs() {
        if let Output::Transmit { link, bytes } = output
            && let Ok(Frame::Packet { wire, .. }) = Frame::decode(&bytes[1..])
        {
            let record = Record::<Packet>::open(wire, &rig.cx.room).unwrap();
            packets.push((link, record.content.clone()));
        }
    }
    packets
}

/// Bob whispers to the person with this number: gives the sealed whisper.
fn whispered(rig: &Rig, to: u8) -> (Whisper, Vec<u8>) {
    let whisper = Whisper {
        id: MessageId::from_bytes([7; 16]),
        unix_millis: rig.cx.now.unix_millis,
        name: "P2".into(),
        to: peer(to),
        text: "psst".into(),
        order: Timestamp::from_unix_millis(rig.cx.now.unix_millis + 5_000),
        since: rig.room.presence.born() + 1,
    };
    let sealed = seal_whisper(&identity(2), &rig.cx.room, &whisper, &mut rng()).unwrap();
    (whisper, sealed)
}

/// Hands us a whisper in a packet of the person with this number.
fn hand(rig: &mut Rig, link: LinkId, person: u8, nonce: u64, sealed: &[u8]) {
    let sealed = sealed.to_vec().into();
    let (to, payload) = (peer(1), Payload::Whisper { sealed });
    let packet = Record::sign(&identity(person), &rig.cx.room, Packet { to, nonce, payload });
    let (hops_left, flooded, wire) = (5, false, packet.wire.as_slice().into());
    rig.handle(
        link,
        Frame::Packet {
            hops_left,
            flooded,
            wire,
        },
    );
}

#[test]
fn what_is_said_is_shown_followed_and_sent_to_every_neighbor() {
    let mut rig = Rig::linked(&[2, 3]);
    let id = rig.room.say(&mut rig.cx, "hi").unwrap();
    let outputs = rig.cx.outputs();
    let Output::Transmit { bytes, .. } = &outputs[2] else {
        panic!("{outputs:?}");
    };
    let Ok(Frame::Entry { wire, .. }) = Frame::decode(&bytes[1..]) else {
        panic!("{bytes:?}");
    };
    let entry = Record::<Entry>::open(wire, &rig.cx.room).unwrap();
    assert_eq!((entry.message_id(), entry.author), (id, peer(1)));
    assert_eq!((entry.content.seq, entry.content.text()), (0, Some("hi")));
    let frame = entry_frame(&entry, 1, tree(1));
    let followed = delivery(id, Delivery::Sent { delivered: 0, of: 2 });
    assert_eq!(outputs, [shown(&entry), followed, sent(BOB, &frame), sent(CID, &frame)]);
}

#[test]
fn what_is_said_to_nobody_waits() {
    let mut rig = Rig::new();
    let id = rig.room.say(&mut rig.cx, "hi").unwrap();
    assert_eq!(rig.cx.outputs()[1..], [delivery(id, Delivery::Waiting)]);
}

#[test]
fn what_is_said_comes_after_all_that_was_read() {
    let mut rig = Rig::linked(&[2]);
    // Its place is a minute ahead of our clock.
    let order = Timestamp::from_unix_millis(rig.cx.now.unix_millis + 60_000);
    let entry = Entry {
        order,
        ..rig.entry_of(2, 0, "hi").content.clone()
    };
    let entry = Record::sign(&identity(2), &rig.cx.room, entry);
    rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    assert_eq!(rig.cx.outputs(), [shown(&entry)]);
    rig.room.say(&mut rig.cx, "hi").unwrap();
    let Output::Event(Event::Message { message }) = &rig.cx.outputs()[0] else {
        panic!("nothing was shown");
    };
    assert!(message.order > entry.content.order);
    assert_eq!(
        message.unix_millis, rig.cx.now.unix_millis,
        "what is shown as its time is ours"
    );
}

#[test]
fn a_text_that_cannot_be_said_is_an_error_and_changes_nothing() {
    let mut rig = Rig::linked(&[2]);
    let digest = rig.room.log_digest();
    let (bytes, max) = (TEXT_BYTES_MAX + 1, TEXT_BYTES_MAX);
    for (text, error) in [
        (String::new(), SendError::Empty),
        (" \n\t".into(), SendError::Empty),
        ("x".repeat(bytes), SendError::TooLong { bytes, max }),
    ] {
        assert_eq!(rig.room.say(&mut rig.cx, &text), Err(error));
        assert_eq!(rig.room.whisper(&mut rig.cx, peer(2), &text), Err(error));
    }
    assert_eq!(
        (rig.cx.outputs(), rig.told(), rig.room.log_digest()),
        (vec![], vec![], digest)
    );
    assert_eq!((rig.room.next_seq, rig.room.delivery_due()), (0, None));
    for _ in 0..MESSAGES_BURST {
        rig.room.say(&mut rig.cx, "hi").unwrap();
    }
    rig.cx.outputs();
    let digest = rig.room.log_digest();
    assert_eq!(rig.room.say(&mut rig.cx, "one too many"), Err(SendError::Full));
    assert_eq!((rig.cx.outputs(), rig.room.log_digest()), (vec![], digest));
    assert_eq!(rig.room.next_seq, u64::from(MESSAGES_BURST));
    rig.cx.wait(100);
    assert!(rig.room.say(&mut rig.cx, "a little later").is_ok());
}

#[test]
fn many_long_texts_are_too_much_at_once() {
    let mut rig = Rig::linked(&[2]);
    let text = "x".repeat(TEXT_BYTES_MAX);
    let fit = OWN_BYTES_BURST as usize / TEXT_BYTES_MAX;
    for _ in 0..fit {
        rig.room.say(&mut rig.cx, &text).unwrap();
    }
    assert_eq!(rig.room.say(&mut rig.cx, "hi"), Err(SendError::Full));
    assert_eq!(rig.room.whisper(&mut rig.cx, peer(2), "hi"), Err(SendError::Full));
    rig.cx.wait(1_000);
    assert!(rig.room.say(&mut rig.cx, &text).is_ok());
}

#[test]
fn what_is_whispered_to_somebody_who_is_not_here_waits_in_the_log_sealed() {
    let mut rig = Rig::linked(&[2, 3]);
    let unknown = Err(SendError::NotReachable);
    assert_eq!(rig.room.whisper(&mut rig.cx, peer(9), "psst"), unknown);
    let (absent, state) = (peer(2), LinkState::None);
    rig.tell(ToRoom::LinkState { peer: absent, state });
    rig.cx.outputs();
    let (bytes, max) = (HELD_TEXT_BYTES_MAX + 1, HELD_TEXT_BYTES_MAX);
    let text = "x".repeat(bytes);
    let too_long = Err(SendError::TooLong { bytes, max });
    assert_eq!(rig.room.whisper(&mut rig.cx, absent, &text), too_long);
    assert_eq!(rig.cx.outputs(), []);

    let id = rig.room.whisper(&mut rig.cx, absent, &text[1..]).unwrap();
    let outputs = rig.cx.outputs();
    assert_eq!(outputs[1], delivery(id, Delivery::Waiting));
    assert!(!outputs.is_empty());
    let entry = rig.room.log.iter().next().unwrap();
    assert_eq!(entry.content.text(), None);
    let sealed = entry.content.sealed().unwrap();
    let (author, whisper) = open_whisper(&identity(2), &rig.cx.room, sealed).unwrap();
    assert_eq!((author, whisper.id, whisper.text.len()), (peer(1), id, max));
    assert!(open_whisper(&identity(3), &rig.cx.room, sealed).is_err());
}

#[test]
fn a_whisper_goes_to_its_recipient_alone_until_the_receipt_comes() {
    let mut rig = Rig::linked(&[2, 3]);
    let id = rig.room.whisper(&mut rig.cx, peer(2), "psst").unwrap();
    let outputs = rig.cx.outputs();
    let Output::Event(Event::Message { message }) = &outputs[0] else {
        panic!("{outputs:?}");
    };
    assert_eq!((message.own, message.whisper_to, message.id), (true, Some(peer(2)), id));
    assert_eq!(outputs[1], delivery(id, Delivery::Sent { delivered: 0, of: 1 }));
    let [Output::Transmit { link: BOB, bytes }] = &outputs[2..] else {
        panic!("{outputs:?}");
    };
    let Ok(Frame::Packet {
        hops_left,
        flooded: false,
        wire,
    }) = Frame::decode(&bytes[1..])
    else {
        panic!("{bytes:?}");
    };
    assert_eq!(hops_left, HOPS_MAX - 1);
    let packet = Record::<Packet>::open(wire, &rig.cx.room).unwrap();
    let Payload::Whisper { sealed } = &packet.content.payload else {
        panic!("{packet:?}");
    };
    let (author, whisper) = open_whisper(&identity(2), &rig.cx.room, sealed).unwrap();
    assert_eq!((author, whisper.id, whisper.text.as_str()), (peer(1), id, "psst"));

    let again = rig.room.delivery_due().unwrap();
    rig.cx
        .wait(u64::try_from(again.since(rig.cx.instant()).as_millis()).unwrap());
    rig.room.on_delivery_due(&mut rig.cx);
    let tried: Vec<_> = packets(&mut rig)
        .into_iter()
        .map(|(link, packet)| (link, packet.payload))
        .collect();
    let [(BOB, Payload::Whisper { sealed: again })] = &tried[..] else {
        panic!("{tried:?}");
    };
    assert_ne!(again, sealed, "it is sealed anew");
    assert_eq!(open_whisper(&identity(2), &rig.cx.room, again), Ok((author, whisper)));

    let (to, nonce, payload) = (peer(1), 1, Payload::Receipt { id });
    let receipt = Record::sign(&identity(2), &rig.cx.room, Packet { to, nonce, payload });
    let wire = receipt.wire.as_slice().into();
    rig.handle(
        BOB,
        Frame::Packet {
            hops_left,
            flooded: false,
            wire,
        },
    );
    assert_eq!(rig.cx.outputs(), [delivery(id, Delivery::Sent { delivered: 1, of: 1 })]);
    assert_eq!(rig.room.delivery_due(), None);
}

#[test]
fn a_whisper_is_for_the_life_of_its_recipient_that_its_author_knows() {
    let mut rig = Rig::linked(&[2, 3]);
    rig.handle(BOB, beacon_frame(&rig.beacon_of(2, 50), 1, tree(2)));
    rig.cx.outputs();
    rig.room.whisper(&mut rig.cx, peer(2), "psst").unwrap();
    let since = |rig: &mut Rig| {
        let sent = packets(rig);
        let [
            (
                _,
                Packet {
                    payload: Payload::Whisper { sealed },
                    ..
                },
            ),
        ] = &sent[..]
        else {
            panic!("{sent:?}");
        };
        let (_, whisper) = open_whisper(&identity(2), &rig.cx.room, sealed).unwrap();
        whisper.since
    };
    assert_eq!(since(&mut rig), 50);
    rig.handle(BOB, beacon_frame(&rig.beacon_of(2, 900), 1, tree(2)));
    rig.cx.outputs();
    rig.cx.wait(2_000);
    rig.room.on_delivery_due(&mut rig.cx);
    assert_eq!(since(&mut rig), 900, "after a reload");

    let (mut whisper, sealed) = whispered(&rig, 1);
    whisper.since -= 1;
    let old = seal_whisper(&identity(2), &rig.cx.room, &whisper, &mut rng()).unwrap();
    hand(&mut rig, BOB, 2, 8, &old);
    assert_eq!(rig.cx.outputs(), [], "no receipt either: the author tries again");
    hand(&mut rig, BOB, 2, 9, &sealed);
    assert_eq!(rig.cx.outputs().len(), 2);
}

#[test]
fn a_whisper_is_shown_once_and_acknowledged_each_time() {
    let mut rig = Rig::linked(&[2, 3]);
    let (whisper, sealed) = whispered(&rig, 1);
    for (nonce, shown) in [(1, true), (2, false)] {
        hand(&mut rig, BOB, 2, nonce, &sealed);
        let outputs = rig.cx.outputs();
        assert!(matches!(outputs[0], Output::Transmit { link: BOB, .. }));
        let message = Message {
            id: whisper.id,
            author: peer(2),
            author_name: "P2".into(),
            own: false,
            whisper_to: Some(peer(1)),
            order: whisper.order,
            unix_millis: whisper.unix_millis,
            dated_ahead: false,
            recent: true,
            text: "psst".into(),
            file: None,
            reply_to: None,
            vanish: None,
            deleted: false,
        };
        let expected = if shown {
            vec![Output::Event(Event::Message { message })]
        } else {
            vec![]
        };
        assert_eq!(outputs[1..], expected);
    }
    hand(&mut rig, CID, 2, 3, &sealed);
    let receipts = packets(&mut rig);
    let [(BOB, Packet { to, payload, .. })] = &receipts[..] else {
        panic!("{receipts:?}");
    };
    assert_eq!(
        (*to, payload),
        (peer(2), &Payload::Receipt { id: whisper.id }),
        "by the link of its author"
    );
    rig.room.say(&mut rig.cx, "hi").unwrap();
    let Output::Event(Event::Message { message }) = &rig.cx.outputs()[0] else {
        panic!("nothing was shown");
    };
    assert!(message.order > whisper.order, "the answer comes after it");
}

#[test]
fn a_whisper_that_another_sends_on_is_dropped_and_so_is_one_for_another() {
    let mut rig = Rig::linked(&[2, 3]);
    let (_, sealed) = whispered(&rig, 1);
    hand(&mut rig, CID, 3, 1, &sealed);
    let (_, to_cid) = whispered(&rig, 3);
    hand(&mut rig, BOB, 2, 2, &to_cid);
    hand(&mut rig, BOB, 2, 3, &[1, 2, 3]);
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
    assert_eq!(rig.cx.counters.frames_refused, 3);
    hand(&mut rig, BOB, 2, 4, &sealed);
    assert_eq!(rig.cx.outputs().len(), 2, "the true one still counts");
}

/// What was told of messages.
fn annotated(rig: &mut Rig) -> Vec<Annotation> {
    let outputs = rig.cx.outputs().into_iter();
    let annotations = outputs.filter_map(|output| {
        let Output::Event(Event::Annotated { annotations }) = output else {
            return None;
        };
        Some(annotations)
    });
    annotations.flatten().collect()
}

#[test]
fn a_reply_is_a_message_and_an_edit_and_a_reaction_are_about_one() {
    let mut rig = Rig::linked(&[2]);
    let id = rig.room.say(&mut rig.cx, "teh plan").unwrap();
    rig.cx.outputs();
    rig.room.reply(&mut rig.cx, id, "which?").unwrap();
    let Output::Event(Event::Message { message }) = &rig.cx.outputs()[0] else {
        panic!("nothing was shown");
    };
    assert_eq!((message.reply_to, message.text.as_str()), (Some(id), "which?"));
    rig.room.edit(&mut rig.cx, id, "the plan").unwrap();
    rig.room.react(&mut rig.cx, id, vec!["👍".into()]).unwrap();
    let told = annotated(&mut rig);
    let emoji = vec!["👍".into()];
    let says = [
        Says::Text {
            text: "the plan".into(),
        },
        Says::Reactions { emoji },
    ];
    assert_eq!(told.iter().map(|one| one.says.clone()).collect::<Vec<_>>(), says);
    assert!(told.iter().all(|one| one.to == id && one.author == peer(1)));
}

#[test]
fn what_cannot_be_said_of_a_message_is_an_error_and_what_others_should_not_say_is_not_shown() {
    let mut rig = Rig::linked(&[2]);
    let to = MessageId::from_bytes([7; 16]);
    let bytes = RELATED_TEXT_BYTES_MAX + 1;
    let max = RELATED_TEXT_BYTES_MAX;
    let long = "x".repeat(bytes);
    assert_eq!(rig.room.reply(&mut rig.cx, to, " "), Err(SendError::Empty));
    assert_eq!(
        rig.room.edit(&mut rig.cx, to, &long),
        Err(SendError::TooLong { bytes, max })
    );
    let as_long_as_it_gets = "x".repeat(max);
    rig.room.reply(&mut rig.cx, to, &as_long_as_it_gets).unwrap();
    rig.cx.outputs();
    let text = |text: &str| text.to_owned();
    for emoji in [
        vec![text("")],
        vec![text("a b")],
        vec![text("\u{7}")],
        vec![text("👍"), text("👍")],
        vec!["x".repeat(49)],
        (0..9).map(|number| number.to_string()).collect(),
    ] {
        let reactions = Reactions {
            to,
            emoji: emoji.clone(),
        };
        assert_eq!(rig.room.react(&mut rig.cx, to, emoji), Err(SendError::NoReaction));
        let entry = Entry {
            kind: Entry::REACTIONS,
            body: EntryBody::of(encode(&reactions)),
            ..rig.entry_of(2, 0, "hi").content.clone()
        };
        let entry = Record::sign(&identity(2), &rig.cx.room, entry);
        assert_eq!(annotation(&entry), None);
    }
    let blank = Related { to, text: " ".into() };
    for (kind, body) in [
        (Entry::EDIT, encode(&blank)),
        (Entry::REPLY, encode(&blank)),
        (Entry::EDIT, vec![1]),
    ] {
        let entry = Entry {
            kind,
            body: EntryBody::of(body),
            ..rig.entry_of(2, 0, "hi").content.clone()
        };
        let entry = Record::sign(&identity(2), &rig.cx.room, entry);
        assert_eq!((annotation(&entry), message(&rig.cx, &entry)), (None, None));
    }
}
