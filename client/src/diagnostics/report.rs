//! The diagnostics as text.

use std::{fmt::Write, time::Duration};

use mesh::{
    Counters,
    io::{Instant, ServerId},
    model::{Delivery, PersonState},
};
use shared::signal::PROTOCOL_VERSION;

use super::{Happening, OwnState, Recorder, word};
use crate::room::{RoomState, Visibility};

/// How a program stands.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// When.
    pub at: Instant,
    /// Whether it is in the room.
    pub own_state: OwnState,
    /// The room as shown. Only states and counts are taken from it.
    pub room: &'a RoomState,
    /// How many links there are.
    pub links: usize,
    /// How many people can be reached, us included.
    pub reachable: usize,
    /// How many people are known to be in the room, us included.
    pub network_size: u32,
    /// What the node counts.
    pub counters: Counters,
}

/// All of it as text, a fact a line.
#[must_use]
pub fn report(snapshot: &Snapshot<'_>, recorder: &Recorder) -> String {
    let Snapshot {
        at, room, own_state, ..
    } = snapshot;
    let mut text = String::from("Starling diagnostics: no texts, names, keys or addresses\n");
    let mut line = |scope: &str, what: &str, value: u64| {
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{scope} {what}: {value}");
    };
    line("protocol", "version", PROTOCOL_VERSION.into());
    line("ms", "since the start", as_millis(at.since(recorder.start)));
    let own_state = match own_state {
        OwnState::Here => "here",
        OwnState::Leaving => "leaving",
        OwnState::Left => "left",
    };
    line("we are", own_state, 1);
    line("room", "closed", room.closed.into());
    for (server, state) in &room.servers {
        line("server", word::server(state), server.0.into());
    }
    let blocked = word::OBSTACLES.map(|obstacle| PersonState::OutOfReach { obstacle });
    let others = [
        PersonState::Here,
        PersonState::Connecting,
        PersonState::Reconnecting,
        PersonState::Gone,
        PersonState::Left,
        PersonState::Away,
    ];
    for state in others.into_iter().chain(blocked) {
        let count = room.people.iter().filter(|person| person.state == state).count();
        line("people", word::person(state), count as u64);
    }
    line("messages", "shown", room.messages.len() as u64);
    line("network", "links", snapshot.links as u64);
    line("network", "reachable", snapshot.reachable as u64);
    line("network", "size", snapshot.network_size.into());
    for (scope, what, count) in counts(&snapshot.counters) {
        line(scope, what, count);
    }
    text.push_str("\nms, what happened\n");
    for (after, happening) in recorder.moments() {
        let line = describe(happening);
        let _ = write!(text, "{} {}", as_millis(after), line.subject);
        append(&mut text, " ", line.number);
        let _ = write!(text, ": {}", line.what);
        append(&mut text, " ", line.detail);
        append(&mut text, " of ", line.of);
        text.push('\n');
    }
    text
}

fn append(text: &mut String, before: &str, number: Option<u64>) {
    if let Some(number) = number {
        let _ = write!(text, "{before}{number}");
    }
}

/// A happening in words and numbers: `SUBJECT NUMBER: WHAT DETAIL of OF`.
#[derive(Default)]
struct Line {
    subject: &'static str,
    number: Option<u64>,
    what: &'static str,
    detail: Option<u64>,
    of: Option<u64>,
}

fn describe(happening: Happening) -> Line {
    let line = |subject, what| Line {
        subject,
        what,
        ..Line::default()
    };
    let numbered = |subject, number, what| Line {
        number: Some(number),
        ..line(subject, what)
    };
    let server = |server: ServerId, what| numbered("server", server.0.into(), what);
    let peer = |peer: usize, what| numbered("peer", peer as u64, what);
    match happening {
        Happening::Command { command } => line("person", word::command(command)),
        Happening::Visible { visibility } => match visibility {
            Visibility::Shown => line("page", "shown"),
            Visibility::Hidden => line("page", "hidden"),
        },
        Happening::Network { online } => line("machine", if online { "online" } else { "offline" }),
        Happening::SocketOpening { server: id } => server(id, "socket opening"),
        Happening::SocketDown { server: id, code } => Line {
            detail: Some(code.into()),
            ..server(id, "socket down")
        },
        Happening::Server { server: id, state } => server(id, state),
        Happening::Link { link, what } => numbered("link", link.0, what),
        Happening::Person {
            peer: number,
            state,
            linked,
        } => Line {
            // 1 with a link of ours, 0 without.
            detail: Some(linked.into()),
            ..peer(number, word::person(state))
        },
        Happening::Forgotten { peer: number } => peer(number, "forgotten"),
        Happening::Message {
            peer: number,
            whispered,
        } => peer(number, if whispered { "whisper" } else { "message" }),
        Happening::Delivery { delivery } => match delivery {
            Delivery::Waiting => line("message", "waits"),
            Delivery::Sent { delivered, of } => Line {
                detail: Some(delivered.into()),
                of: Some(of.into()),
                ..line("message", "delivered to")
            },
            Delivery::Failed => line("message", "not delivered"),
        },
        Happening::Told { what } => line("told", what),
    }
}

fn counts(counters: &Counters) -> [(&'static str, &'static str, u64); 15] {
    [
        ("envelopes", "forged", counters.envelopes_forged),
        ("envelopes", "replayed", counters.envelopes_replayed),
        ("envelopes", "tampered", counters.envelopes_tampered),
        ("envelopes", "refused", counters.envelopes_refused),
        ("frames", "refused", counters.frames_refused),
        ("frames", "unknown", counters.frames_unknown),
        ("entries", "broadcast", counters.entries_broadcast),
        ("entries", "repeated", counters.entries_repeated),
        ("answers", "put off", counters.answers_put_off),
        ("records", "put off", counters.records_put_off),
        ("entries", "synced", counters.entries_synced),
        ("entry", "hops", counters.entry_hops),
        ("packets", "dropped", counters.packets_dropped),
        ("links", "opened", counters.links_opened),
        ("sessions", "failed", counters.sessions_failed),
    ]
}

fn as_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use mesh::io::Input;
    use mesh::model::ServerState;
    use shared::PeerId;

    use super::*;

    #[test]
    fn a_report_has_a_fact_a_line() {
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "Me".to_owned());
        room.servers
            .insert(ServerId(1), ServerState::Registered { room_size: 2 });
        let mut recorder = Recorder::new(Instant::from_millis(500));
        let down = Input::ServerDown {
            server: ServerId(0),
            code: 1006,
        };
        recorder.note_input(Instant::from_millis(1_750), &down);
        let delivery = Delivery::Sent { delivered: 1, of: 2 };
        recorder.note(Instant::from_millis(2_000), Happening::Delivery { delivery });
        let snapshot = Snapshot {
            at: Instant::from_millis(3_500),
            own_state: OwnState::Leaving,
            room: &room,
            links: 3,
            reachable: 4,
            network_size: 5,
            counters: Counters {
                links_opened: 6,
                ..Counters::default()
            },
        };
        let text = report(&snapshot, &recorder);
        let lines: Vec<_> = text.lines().collect();
        for line in [
            &*format!("protocol version: {PROTOCOL_VERSION}"),
            "ms since the start: 3000",
            "we are leaving: 1",
            "room closed: 0",
            "server registered: 1",
            "people here: 0",
            "network links: 3",
            "network reachable: 4",
            "network size: 5",
            "links opened: 6",
            "1250 server 0: socket down 1006",
            "1500 message: delivered to 1 of 2",
        ] {
            assert!(lines.contains(&line), "{line} is not in {text}");
        }
    }
}
