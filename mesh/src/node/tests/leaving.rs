//! Leaving and closing: what is said before, how long it is waited for, and that nothing comes after.

use super::*;

fn left() -> Output {
    Output::Event(Event::Left)
}

#[test]
fn who_leaves_without_a_link_has_left_at_once() {
    let mut rig = Rig::new(1);
    rig.node.handle_timeout(rig.now);
    rig.node.invite(rig.now).unwrap();
    rig.outputs();
    rig.node.leave(rig.now);
    let server = ServerId(0);
    assert_eq!(rig.outputs(), [hang_up(), Output::DisconnectServer { server }, left()]);
}

#[test]
fn who_leaves_says_goodbye_and_is_gone_when_everybody_has_heard() {
    let mut rig = Rig::linked();
    let bye = |rig: &mut Rig| {
        rig.node.leave(rig.now);
        let outputs = rig.outputs();
        let [Output::Transmit { link: LINK, bytes }, goodbye] = &outputs[..] else {
            panic!("{outputs:?}");
        };
        let Ok(Frame::Beacon { wire, .. }) = Frame::decode(&bytes[1..]) else {
            panic!("{bytes:?}");
        };
        assert!(Record::<Beacon>::open(wire, &rig.room).unwrap().content.leaving);
        let (reason, neighbors) = (GoodbyeReason::Leaving, vec![bob().peer_id()]);
        assert_eq!(*goodbye, sent(&Frame::Goodbye { reason, neighbors }));
        let until = rig.now.instant + Timing::default().goodbye_timeout;
        assert_eq!(rig.node.poll_timeout(), Some(until));
    };
    bye(&mut rig);
    let entry = rig.entry();
    rig.frame(&entry_frame(&entry));
    assert_eq!(rig.outputs(), [], "what is said meanwhile is not heard any more");
    rig.frame(&Frame::GoodbyeAck {});
    assert_eq!(rig.outputs(), [hang_up(), left()]);

    let mut rig = Rig::linked();
    bye(&mut rig);
    assert_eq!(rig.outputs_after(499), []);
    assert_eq!(
        rig.outputs_after(1),
        [hang_up(), left()],
        "who does not hear is not waited for"
    );
}

/// Linked with Bob, with something said that is not stored yet. Gives after how many changes it is.
fn said_and_not_stored() -> (Rig, u64) {
    let mut rig = Rig::linked();
    rig.node.restore(rig.now, []);
    rig.outputs();
    rig.node.say(rig.now, "the last word").unwrap();
    let outputs = rig.outputs();
    let is_change = |output: &&Output| matches!(output, Output::Store { .. });
    let changes = outputs.iter().filter(is_change).count() as u64;
    let is_sent = |output: &Output| matches!(output, Output::Transmit { .. });
    assert!(!outputs.iter().any(is_sent), "{outputs:?}");
    (rig, changes)
}

/// The words of these outputs, if all are something that Bob gets.
fn words(outputs: &[Output]) -> Vec<&'static str> {
    let word = |output: &Output| {
        let Output::Transmit { link: LINK, bytes } = output else {
            panic!("{output:?}");
        };
        match Frame::decode(&bytes[1..]) {
            Ok(Frame::Entry { .. }) => "entry",
            Ok(Frame::Beacon { .. }) => "beacon",
            Ok(Frame::Goodbye { .. }) => "goodbye",
            other => panic!("{other:?}"),
        }
    };
    outputs.iter().map(word).collect()
}

#[test]
fn what_was_said_right_before_is_stored_and_sent_before_the_goodbye() {
    let (mut rig, changes) = said_and_not_stored();
    rig.node.leave(rig.now);
    assert_eq!(rig.outputs(), []);
    assert_eq!(rig.node.say(rig.now, "one more"), Err(SendError::Left));
    rig.node.leave(rig.now);
    rig.input(Input::Stored { changes });
    assert_eq!(words(&rig.outputs()), ["entry", "beacon", "goodbye"]);
    rig.frame(&Frame::GoodbyeAck {});
    assert_eq!(rig.outputs(), [hang_up(), left()]);
}

#[test]
fn a_store_that_fails_or_is_silent_keeps_nobody_from_leaving() {
    let (mut rig, _) = said_and_not_stored();
    rig.node.leave(rig.now);
    rig.input(Input::NotStored);
    let outputs = rig.outputs();
    let is_told = |output: &&Output| matches!(output, Output::Event(Event::Renumbered { .. }));
    assert!(outputs.iter().take(1).all(|output| is_told(&output)), "{outputs:?}");
    assert_eq!(words(&outputs[1..]), ["entry", "beacon", "goodbye"]);

    let (mut rig, _) = said_and_not_stored();
    rig.node.leave(rig.now);
    let until = rig.now.instant + Timing::default().goodbye_timeout;
    assert_eq!(rig.node.poll_timeout(), Some(until));
    assert_eq!(rig.outputs_after(499), []);
    let outputs = rig.outputs_after(1);
    assert_eq!(words(&outputs[..2]), ["beacon", "goodbye"]);
    assert_eq!(outputs[2..], [hang_up(), left()]);
}

#[test]
fn a_program_that_ends_now_says_goodbye_at_once() {
    let (mut rig, _) = said_and_not_stored();
    rig.node.leave_at_once(rig.now);
    assert_eq!(words(&rig.outputs()), ["beacon", "goodbye"]);
    let mut rig = Rig::linked();
    rig.node.leave_at_once(rig.now);
    assert_eq!(words(&rig.outputs()), ["beacon", "goodbye"]);
    rig.frame(&Frame::GoodbyeAck {});
    rig.node.leave_at_once(rig.now);
    assert_eq!(rig.outputs(), [hang_up(), left()]);
}

#[test]
fn a_whisper_under_way_is_put_into_the_log_before_the_goodbye() {
    let mut rig = Rig::linked();
    rig.node.restore(rig.now, []);
    rig.node.whisper(rig.now, bob().peer_id(), "psst").unwrap();
    rig.outputs();
    rig.node.leave(rig.now);
    let outputs = rig.outputs();
    let is_change = |output: &Output| matches!(output, Output::Store { .. } | Output::Event(Event::Delivery { .. }));
    assert!(!outputs.is_empty() && outputs.iter().all(is_change), "{outputs:?}");
    rig.input(Input::Stored { changes: u64::MAX });
    assert_eq!(words(&rig.outputs()), ["entry", "beacon", "goodbye"]);
}

#[test]
fn after_it_has_left_nothing_comes_out_of_a_node() {
    let mut rig = Rig::linked();
    rig.node.leave(rig.now);
    rig.frame(&Frame::GoodbyeAck {});
    assert_eq!(rig.outputs().last(), Some(&left()));
    let (server, link, code, sdp) = (ServerId(0), LINK, 1006, sdp::test::sdp());
    let event = signal::Event::Ping {};
    let (path, end, kind) = (Path::Failed, LinkEnd::Exhausted, LinkKind::Local);
    let (peer, asks, candidates) = (bob().peer_id(), true, vec![Candidate::end()]);
    let nearby = Nearby::Here { peer, asks }.encode();
    let bytes = fragment(&Frame::GoodbyeAck {});
    for input in [
        Input::Signal { server, event },
        Input::ServerDown { server, code },
        Input::LocalDescription { link, sdp },
        Input::LocalCandidates { link, candidates },
        Input::LinkOpen { link },
        Input::LinkPath { link, path },
        Input::LinkClosed { link, end },
        Input::Fragment { link, bytes },
        Input::LinkKind { link, kind },
        Input::Nearby { bytes: nearby },
        Input::Network { online: false },
        Input::Network { online: true },
    ] {
        rig.input(input);
    }
    assert_eq!(rig.node.say(rig.now, "hi"), Err(SendError::Left));
    assert_eq!(rig.node.whisper(rig.now, bob().peer_id(), "hi"), Err(SendError::Left));
    assert_eq!(rig.node.invite(rig.now), Err(InvitationError::Left));
    assert_eq!(rig.node.take_invitation(rig.now, "text"), Err(InvitationError::Left));
    assert_eq!(rig.node.close_room(rig.now), Err(CloseError::Left));
    rig.node.leave(rig.now);
    rig.node.retry_now(rig.now);
    assert_eq!(rig.outputs_after(3_600_000), []);
    assert_eq!(rig.node.poll_timeout(), None);
}

#[test]
fn a_room_that_was_closed_on_a_former_visit_is_left_at_once() {
    let code = RoomCode::generate(peer(1), &mut stream([1; 32], Stream::Log));
    let closing = Closing::sign(&identity(1), &code.clone().open(), 1);
    let mut rig = Rig::in_room(code.clone().open(), 0, Some(closing.to_bytes()));
    assert_eq!(rig.outputs_after(0), [Output::Event(Event::RoomClosed), left()]);
    assert_eq!(rig.node.poll_timeout(), None);
    // A server hears of it first, and names nobody with whom anything comes of it.
    let mut rig = Rig::in_room(code.open(), 1, Some(closing.to_bytes()));
    assert_eq!(
        rig.outputs_after(0)[..2],
        [
            Output::Event(Event::RoomClosed),
            Output::ConnectServer {
                server: ServerId(0),
                address: "0".to_owned()
            }
        ]
    );
    rig.register(vec![bob().peer_id()]);
    let request = Request::Close {
        closing: closing.to_text(),
    };
    let server = ServerId(0);
    let outputs = rig.outputs();
    assert!(outputs.contains(&Output::Signal { server, request }));
    assert!(!outputs.iter().any(|output| matches!(output, Output::Dial { .. })));
    let outputs = rig.outputs_after(3_000);
    assert_eq!(outputs, [Output::DisconnectServer { server }, left()]);
    assert_eq!(rig.node.poll_timeout(), None);
}

#[test]
fn the_founder_closes_the_room_and_leaves_it_and_nobody_else_can() {
    let code = RoomCode::generate(peer(1), &mut stream([1; 32], Stream::Log));
    let mut rig = Rig::in_room(code.open(), 0, None);
    assert_eq!(rig.node.close_room(rig.now), Ok(()));
    let outputs = rig.outputs();
    let [
        Output::RememberClosed { .. },
        Output::Event(Event::RoomClosed),
        Output::Event(Event::Left),
    ] = outputs[..]
    else {
        panic!("{outputs:?}");
    };
    let mut rig = Rig::new(0);
    assert_eq!(rig.node.close_room(rig.now), Err(CloseError::NotFounder));
    assert_eq!(rig.outputs(), []);
}
