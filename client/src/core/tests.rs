//! Two programs of one machine that find each other nearby, on a wire of paper.

use mesh::Timing;
use shared::{RoomCode, signal::IceServer};

use super::*;
use crate::notice::NoticeKind;

/// What must not be in the diagnostics: what is said, who is called what, and what a description holds.
const SECRETS: [&str; 6] = [
    "the eagle has landed",
    "only for you",
    "Annabelle",
    "Bartholomew",
    "192.0.2.77",
    "aa:bb:cc:dd",
];

/// Two cores, and what carries their requests to each other.
struct Pair {
    cores: [Core; 2],
    now: Now,
    /// The link that each side has to the other.
    links: [Option<LinkId>; 2],
    shown: [Option<Rc<RoomState>>; 2],
}

impl Pair {
    fn new() -> Self {
        let now = Now {
            instant: Instant::from_millis(50),
            unix_millis: 1_700_000_000_000,
        };
        let core = |number: u8, name: &str| {
            let config = NodeConfig {
                name: name.to_owned(),
                servers: vec!["rooms.example".to_owned()],
                closed: None,
                timing: Timing::default(),
                keeps: mesh::config::Keeps::default(),
                transport_policy: mesh::io::TransportPolicy::All,
            };
            let room = RoomCode::parse("core").unwrap().open();
            Core::new(Identity::from_secret(&[number; 32]), room, config, [number; 32], now)
        };
        Self {
            cores: [core(1, SECRETS[2]), core(2, SECRETS[3])],
            now,
            links: [None; 2],
            shown: [None, None],
        }
    }

    /// Drains both and carries what they say, until neither says anything.
    fn settle(&mut self) {
        let mut quiet = 0;
        let mut side = 0;
        while quiet < 2 {
            side = 1 - side;
            quiet += 1;
            while let Some(request) = self.cores[side].poll_output() {
                quiet = 0;
                self.carry(side, request);
            }
        }
    }

    fn carry(&mut self, side: usize, request: Request) {
        let other = 1 - side;
        let described = |link, number: usize| Input::LocalDescription { link, sdp: sdp(number) };
        match request {
            Request::Nearby { bytes } => self.input(other, Input::Nearby { bytes }),
            Request::Connect { link, step, .. } => {
                self.links[side] = Some(link);
                assert!(matches!(step, Step::Offer | Step::Accept { .. }));
                self.input(side, described(link, side));
            }
            Request::Step {
                link,
                step: Step::Answer { .. },
            } => {
                let links = [link, self.links[other].unwrap()];
                for (side, link) in [side, other].into_iter().zip(links) {
                    self.input(side, Input::LinkOpen { link });
                }
            }
            Request::Transmit { link, bytes } => {
                assert_eq!(Some(link), self.links[side]);
                let link = self.links[other].unwrap();
                self.input(other, Input::Fragment { link, bytes });
            }
            Request::Show { room } => self.shown[side] = Some(room),
            // Servers, stores and candidates are not needed here.
            _ => {}
        }
    }

    fn input(&mut self, side: usize, input: Input) {
        self.cores[side].handle_input(self.now, input);
    }

    /// Lets time pass, as the cores ask for it.
    fn pass(&mut self, millis: u64) {
        let end = Instant::from_millis(self.now.instant.as_millis() + millis);
        loop {
            self.settle();
            let next = self.cores.iter().filter_map(Core::poll_timeout).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now.instant = next.max(self.now.instant);
            for core in &mut self.cores {
                core.handle_timeout(self.now);
            }
        }
        self.now.instant = end;
    }

    fn linked() -> Self {
        let mut pair = Self::new();
        pair.pass(2_000);
        assert!(pair.links.iter().all(Option::is_some), "they did not find each other");
        pair
    }

    fn shown(&self, side: usize) -> &RoomState {
        self.shown[side].as_ref().unwrap()
    }
}

/// A description with what descriptions need: a fingerprint and credentials.
fn sdp(number: usize) -> String {
    let address = SECRETS[4];
    let fingerprint = [SECRETS[5]; 8].join(":");
    format!(
        "v=0\r\no=- {number} 2 IN IP4 {address}\r\ns=-\r\nt=0 0\r\na=ice-ufrag:u{number}\r\na=ice-pwd:0123456789012345678901\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
         c=IN IP4 {address}\r\na=mid:0\r\na=sctp-port:5000\r\n"
    )
}

#[test]
fn two_programs_find_each_other_and_show_what_is_said() {
    let mut pair = Pair::linked();
    let now = pair.now;
    pair.cores[0].say(now, SECRETS[0]).unwrap();
    pair.pass(3_000);
    let [mine, theirs] = [0, 1].map(|side| pair.shown(side).messages[0].clone());
    assert_eq!((mine.message.own, theirs.message.own), (true, false));
    assert_eq!(theirs.message.text, SECRETS[0]);
    assert_eq!(pair.shown(0).name_of(&pair.shown(1).me), SECRETS[3]);
    assert!(mine.delivery.is_some() && theirs.delivery.is_none());
}

#[test]
fn diagnostics_tell_what_happened_and_nothing_about_anybody() {
    let mut pair = Pair::linked();
    let now = pair.now;
    let me = pair.shown(0).me;
    pair.cores[0].say(now, SECRETS[0]).unwrap();
    pair.cores[1].whisper(now, me, SECRETS[1]).unwrap();
    let link = pair.links[0].unwrap();
    let line = format!("candidate:1 1 udp 1 {} 9 typ host", SECRETS[4]);
    let candidates = vec![Candidate { line, mid: None }];
    pair.input(0, Input::LocalCandidates { link, candidates });
    pair.pass(3_000);
    for side in 0..2 {
        let text = pair.cores[side].diagnostics(pair.now);
        let [command, message] = [
            ["person: said", "peer 0: whisper"],
            ["person: whispered", "peer 0: message"],
        ][side];
        for line in [
            "network links: 1",
            "people here: 1",
            "network size: 2",
            command,
            message,
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        let keys = pair.cores.iter().flat_map(|core| {
            let peer = core.room().me;
            [peer.to_text(), peer.fingerprint(), peer.to_text()[..8].to_owned()]
        });
        for secret in SECRETS.map(str::to_owned).into_iter().chain(keys) {
            assert!(!text.contains(&secret), "{secret} is in {text}");
        }
    }
}

#[test]
fn the_room_is_shown_once_for_what_happens_at_once() {
    let mut pair = Pair::new();
    let now = pair.now;
    let core = &mut pair.cores[0];
    core.handle_timeout(now);
    core.say(now, "one").unwrap();
    core.say(now, "two").unwrap();
    let shows = |core: &mut Core| {
        std::iter::from_fn(|| core.poll_output())
            .filter_map(|request| match request {
                Request::Show { room } => Some(room),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(shows(core), []);
    assert_eq!(core.poll_timeout(), Some(now.instant + TELL_MESSAGE_AFTER));
    let later = Now {
        instant: now.instant + TELL_MESSAGE_AFTER,
        ..now
    };
    core.handle_timeout(later);
    let shown = shows(core);
    assert_eq!(shown.iter().map(|room| room.messages.len()).collect::<Vec<_>>(), [2]);
    assert_eq!(shows(core), [], "nothing has changed");
    assert!(Rc::ptr_eq(&shown[0], core.room()), "it is not copied");
}

#[test]
fn what_the_person_does_is_shown_at_once() {
    let mut pair = Pair::new();
    let now = pair.now;
    let core = &mut pair.cores[0];
    core.notify(now, NoticeKind::NotPersistent.into());
    let id = core.room().notices[0].id;
    let request = core.poll_output();
    assert!(matches!(request, Some(Request::Show { .. })), "{request:?}");
    core.dismiss(now, id);
    assert!(core.room().notices.is_empty());
}

#[test]
fn whoever_looks_has_seen_everything() {
    let mut pair = Pair::linked();
    let now = pair.now;
    pair.cores[1].set_visibility(now, Visibility::Hidden);
    pair.cores[0].say(now, "psst").unwrap();
    pair.pass(1_000);
    assert_eq!(pair.shown(1).unread, 1);
    let now = pair.now;
    pair.cores[1].set_visibility(now, Visibility::Shown);
    pair.settle();
    assert_eq!(pair.shown(1).unread, 0);
}

#[test]
fn an_offer_on_a_link_with_a_connection_is_a_step_and_nothing_is_asked_of_one_without() {
    let mut pair = Pair::new();
    let core = &mut pair.cores[0];
    let (link, sdp) = (LinkId(9), "v=0".to_owned());
    let accept = Output::Accept {
        link,
        ice_servers: Vec::new(),
        sdp: sdp.clone(),
    };
    let step = Step::Accept { sdp: sdp.clone() };
    let ice_servers = vec![IceServer {
        urls: vec!["stun:example.org".to_owned()],
        username: None,
        credential: None,
    }];
    let restart = Output::RestartIce {
        link,
        ice_servers: ice_servers.clone(),
    };
    assert_eq!(core.on_output(restart.clone()), None);
    assert_eq!(core.on_output(Output::HangUp { link }), None);
    assert_eq!(
        core.on_output(accept.clone()),
        Some(Request::Connect {
            link,
            ice_servers: Vec::new(),
            step: step.clone()
        })
    );
    let step_with = |step| Some(Request::Step { link, step });
    let none = Step::Servers { ice_servers: vec![] };
    assert_eq!(core.on_output(accept), step_with(none));
    assert_eq!(core.outbox.pop_front(), step_with(step));
    assert_eq!(core.on_output(restart), step_with(Step::Servers { ice_servers }));
    assert_eq!(core.outbox.pop_front(), step_with(Step::Restart));
    let bytes = vec![1].into();
    assert_eq!(
        core.on_output(Output::Transmit { link, bytes }),
        Some(Request::Transmit {
            link,
            bytes: vec![1].into()
        })
    );
    assert_eq!(core.on_output(Output::HangUp { link }), Some(Request::HangUp { link }));
    assert_eq!(core.on_output(Output::RemoteAnswer { link, sdp }), None);
}

#[test]
fn what_is_down_is_dropped_before_anything_else_is_done() {
    let mut pair = Pair::new();
    let now = pair.now;
    let core = &mut pair.cores[0];
    let (link, server, code) = (LinkId(9), ServerId(0), 1006);
    core.connections.insert(link, ());
    let end = mesh::io::LinkEnd::Failed;
    core.handle_input(now, Input::LinkClosed { link, end });
    core.handle_input(now, Input::LinkClosed { link, end });
    core.handle_input(now, Input::ServerDown { server, code });
    assert_eq!(core.poll_output(), Some(Request::Drop { link }));
    assert_eq!(core.poll_output(), Some(Request::CloseSocket { server }));
}

#[test]
fn leaving_is_shown_without_waiting() {
    let mut pair = Pair::new();
    let now = pair.now;
    pair.cores[0].handle_timeout(now);
    pair.cores[0].leave(now);
    pair.settle();
    assert!(pair.shown(0).left);
    assert!(pair.cores[0].diagnostics(now).contains("we are left: 1"));
}

/// What is to be written now: so many changes each time, and how.
fn writes(core: &mut Core) -> Vec<(usize, Durability)> {
    let requests = std::iter::from_fn(|| core.poll_output());
    let writes = requests.filter_map(|request| match request {
        Request::Write { changes, durability } => Some((changes.len(), durability)),
        _ => None,
    });
    writes.collect()
}

/// What the person is told.
fn told(core: &Core) -> Vec<NoticeKind> {
    let notices = core.room().notices.iter();
    notices.map(|pinned| pinned.notice.kind.clone()).collect()
}

#[test]
fn what_is_kept_goes_out_in_batches_and_a_failure_is_told_once() {
    let mut pair = Pair::new();
    let now = pair.now;
    let core = &mut pair.cores[0];
    core.restore(now, Vec::new());
    core.say(now, "hello").unwrap();
    assert!(core.room().kept && !core.room().would_be_lost());
    assert_eq!(
        writes(core),
        [(2, Durability::Strict)],
        "the message, and where the feed has got to"
    );
    core.say(now, "again").unwrap();
    assert_eq!(writes(core), [], "one batch at a time");
    core.handle_written(now, Ok(()));
    assert_eq!(writes(core), [(2, Durability::Strict)]);
    core.handle_written(now, Err(StoreError::Full));
    let error = StoreError::Full;
    assert_eq!(told(core), [NoticeKind::NotStored { error }]);
    assert!(!core.room().kept && core.room().would_be_lost());
    core.say(now, "a third").unwrap();
    assert_eq!(writes(core), []);
    let texts: Vec<_> = core
        .room()
        .messages
        .iter()
        .map(|entry| entry.message.text.as_str())
        .collect();
    assert_eq!(texts, ["hello", "again", "a third"]);
}

/// Nothing is written any more, whatever is said.
fn assert_keeps_nothing(core: &mut Core, now: Now) {
    core.handle_written(now, Ok(()));
    core.say(now, "not kept").unwrap();
    assert_eq!(writes(core), []);
    assert!(!core.room().kept && core.has_written_all());
}

#[test]
fn a_store_that_takes_nothing_any_more_is_given_up_once_too_much_waits() {
    let mut pair = Pair::new();
    let now = pair.now;
    let core = &mut pair.cores[0];
    core.restore(now, Vec::new());
    core.say(now, "hello").unwrap();
    assert_eq!(writes(core).len(), 1, "this one is never written");
    let store = |core: &mut Core, key: u8| {
        let change = Change {
            owner: mesh::io::Owner::Room,
            key: vec![key],
            value: Some(vec![0; crate::config::WAITING_BYTES_MAX / 4].into()),
        };
        let priority = mesh::io::Priority::Soon;
        core.on_output(Output::Store { change, priority });
    };
    for key in 0..3 {
        store(core, key);
    }
    assert_eq!((told(core), core.room().kept), (vec![], true));
    store(core, 3);
    let error = StoreError::Stalled;
    let stalled = [NoticeKind::NotStored { error }];
    assert_eq!(told(core), stalled);
    assert_keeps_nothing(core, now);
    core.handle_written(now, Err(StoreError::Full));
    assert_eq!(told(core), stalled, "it was told already");
}

#[test]
fn who_lost_the_identity_to_another_tab_keeps_nothing_and_leaves() {
    let mut pair = Pair::new();
    let now = pair.now;
    let core = &mut pair.cores[0];
    core.restore(now, Vec::new());
    let before = core.say(now, "hello").unwrap();
    writes(core);
    for _ in 0..2 {
        core.handle_slot_lost(now);
        assert_eq!(told(core), [NoticeKind::SlotLost]);
    }
    core.handle_written(now, Ok(()));
    assert_eq!(writes(core), []);
    assert!(core.say(now, "not kept").is_err() && core.has_written_all());
    let room = core.room();
    assert!(room.left && !room.kept);
    let ids: Vec<_> = room.messages.iter().map(|entry| entry.message.id).collect();
    assert!(
        ids.len() == 1 && !ids.contains(&before),
        "it was said again, in another feed"
    );
}

#[test]
fn a_room_that_is_forgotten_elsewhere_is_left_and_kept_no_more() {
    let mut pair = Pair::new();
    let now = pair.now;
    let core = &mut pair.cores[0];
    core.restore(now, Vec::new());
    core.say(now, "hello").unwrap();
    for _ in 0..2 {
        core.handle_forgotten(now);
        assert_eq!(writes(core), []);
        assert_eq!(told(core), [NoticeKind::ForgottenElsewhere]);
        let room = core.room();
        assert!(room.left && room.forgotten && !room.kept && room.messages.len() == 1);
    }
    // Our own word comes back to us.
    let core = &mut pair.cores[1];
    core.forget(now);
    core.handle_forgotten(now);
    assert!(core.room().forgotten && !core.room().left && told(core).is_empty());
}
