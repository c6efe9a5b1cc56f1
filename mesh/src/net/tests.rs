use shared::signal::Nonce;

use super::{
    contact::Via,
    link::Link,
    membership::test::Here,
    peers::test::{above, attempt, link},
    scope::Event,
    session::Role,
    *,
};
use crate::{
    context::test::{identity, peer},
    door::{LinkState, Loss},
    io::{LinkEnd, LinkId},
    wire::{
        envelope::{Body, Envelope},
        fragment::Fragments,
        frame::{Frame, GoodbyeReason},
        sdp::test::sdp,
    },
};

pub(super) const SERVER: ServerId = ServerId(0);

/// As many people as the server knows in the room.
const ROOM_SIZE: u32 = 20;

/// A net with its context, and the room as it sees it.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) cx: Context,
    pub(super) net: Net,
    pub(super) here: Here,
}

impl Rig {
    /// With one server that does not answer yet.
    pub(super) fn new(here: Here) -> Self {
        let cx = Context::test(1);
        let net = Net::new(vec!["server".to_owned()], [1; 32], cx.now);
        Self { cx, net, here }
    }

    /// Registered with the server.
    pub(super) fn registered(here: Here) -> Self {
        let mut rig = Self::new(here);
        rig.register(vec![]);
        rig.cx.outputs();
        let clock = ToRoom::ServerClock {
            unix_millis: 1_800_000_000_000,
        };
        assert_eq!(rig.told(), [clock, ToRoom::Registered(true)]);
        rig
    }

    /// Lets the server take us in and name these.
    pub(super) fn register(&mut self, peers: Vec<PeerId>) {
        self.net.on_servers_due(&mut self.cx, &self.here);
        self.signal(signal::Event::Challenge {
            nonce: Nonce::from_bytes([5; 32]),
            version_min: 1,
            version_max: 1,
        });
        self.signal(signal::Event::Welcome {
            room_size: ROOM_SIZE,
            peers,
            ice_servers: vec![],
            heartbeat_seconds: 20,
            unix_seconds: 1_800_000_000,
            nodes: None,
        });
    }

    pub(super) fn signal(&mut self, event: signal::Event) {
        self.net.handle_signal(&mut self.cx, &self.here, SERVER, event);
    }

    /// Lets the server name a peer.
    pub(super) fn name(&mut self, peer: PeerId) {
        let (room_size, peers) = (ROOM_SIZE, vec![peer]);
        self.signal(signal::Event::Peers { room_size, peers });
    }

    pub(super) fn link(&mut self, peer: PeerId, role: Role) -> LinkId {
        link(&self.cx, &mut self.net.peers, peer, role)
    }

    pub(super) fn want(&mut self, peer: PeerId) {
        self.net.peers.want(&self.cx, peer, None).unwrap();
    }

    pub(super) fn start(&mut self, peer: PeerId) {
        self.want(peer);
        self.net.start(&mut self.cx, &self.here, peer);
    }

    /// Hands on what a layer says.
    pub(super) fn say(&mut self, event: Event) {
        self.net.events.push(event);
        self.net.settle(&mut self.cx, &self.here);
    }

    pub(super) fn handle(&mut self, link: LinkId, frame: Frame<'_>) {
        assert_eq!(self.net.handle_frame(&mut self.cx, &self.here, link, Ok(frame)), None);
    }

    /// Goes on with what waited until the room was told.
    pub(super) fn proceed(&mut self) -> bool {
        self.net.proceed(&mut self.cx, &self.here)
    }

    /// What the room was told since the last time.
    pub(super) fn told(&mut self) -> Vec<ToRoom> {
        std::iter::from_fn(|| self.net.poll_event()).collect()
    }

    /// The carrier of the attempt at a peer.
    pub(super) fn via(&self, peer: &PeerId) -> Option<Via> {
        let contact = self.net.peers.get(peer)?;
        contact.attempt()?;
        contact.via()
    }

    /// Starts an attempt at a peer and makes its offer: gives what is put out with the offer.
    pub(super) fn offers(&mut self, peer: PeerId) -> Vec<Output> {
        self.start(peer);
        self.cx.outputs();
        self.describe(peer);
        self.cx.outputs()
    }

    /// Makes the offer of the attempt at a peer.
    pub(super) fn describe(&mut self, peer: PeerId) {
        let attempt = self.net.peers.get(&peer).and_then(|contact| contact.attempt());
        let link = attempt.unwrap().link();
        self.net.handle_description(&mut self.cx, &self.here, link, sdp());
    }

    /// What an envelope that is carried to `to` says.
    pub(super) fn opened(&self, to: PeerId, sealed: &str) -> Body {
        let to = (1..).map(identity).find(|identity| identity.peer_id() == to).unwrap();
        Envelope::open(sealed, &to, &self.cx.room).unwrap().body
    }
}

pub(super) fn dial(link: u64) -> Output {
    let (link, ice_servers) = (LinkId(link), vec![]);
    Output::Dial { link, ice_servers }
}

pub(super) fn sent(link: LinkId, frame: &Frame<'_>) -> Output {
    let fragments = Fragments::of(frame);
    let bytes = fragments.iter().next().unwrap().clone();
    Output::Transmit { link, bytes }
}

pub(super) fn link_state(peer: PeerId, state: LinkState) -> ToRoom {
    ToRoom::LinkState { peer, state }
}

#[test]
fn the_room_is_told_whether_a_server_takes_requests() {
    let mut rig = Rig::registered(Here::default());
    assert_eq!(rig.net.room_size(), 20);
    rig.net.handle_server_down(&mut rig.cx, &rig.here, SERVER, 1006);
    assert_eq!((rig.told(), rig.net.room_size()), (vec![ToRoom::Registered(false)], 0));
}

#[test]
fn a_link_that_overflows_is_hung_up_and_lost() {
    let above = above(1)[0];
    let mut rig = Rig::registered(Here::default());
    let link = rig.link(above, Role::Offerer);
    rig.net.handle_overflow(&mut rig.cx, &rig.here, LinkId(9));
    assert_eq!(rig.cx.outputs(), [], "no such link");
    rig.net.handle_overflow(&mut rig.cx, &rig.here, link);
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }]);
    let (peer, loss) = (above, Loss::Closed);
    assert_eq!(rig.told(), [ToRoom::LinkClosed { link }, ToRoom::Lost { peer, loss }]);
}

#[test]
fn another_tab_is_answered_and_tried_and_what_it_garbles_is_only_counted() {
    let above = above(1)[0];
    let mut rig = Rig::new(Here::default());
    let here = |peer, asks| Nearby::Here { peer, asks }.encode();
    let handle = |rig: &mut Rig, bytes: &[u8]| rig.net.handle_nearby(&mut rig.cx, &rig.here, bytes);
    handle(&mut rig, &here(peer(1), true));
    let sealed = "for another".to_owned();
    handle(&mut rig, &Nearby::Envelope { to: above, sealed }.encode());
    assert_eq!((rig.cx.outputs(), rig.cx.counters.envelopes_refused), (vec![], 0));
    handle(&mut rig, &[1, 2, 3]);
    assert_eq!((rig.cx.outputs(), rig.cx.counters.envelopes_refused), (vec![], 1));
    handle(&mut rig, &here(above, true));
    let bytes = here(peer(1), false);
    assert_eq!(rig.cx.outputs(), [Output::Nearby { bytes }]);
    assert_eq!(rig.net.seek_due(&rig.here, rig.cx.instant()), Some(rig.cx.instant()));
    rig.net.on_seek_due(&mut rig.cx, &rig.here);
    assert_eq!((rig.cx.outputs(), rig.via(&above)), (vec![dial(1)], Some(Via::Nearby)));
}

#[test]
fn who_leaves_drops_attempts_says_goodbye_and_heeds_no_server_any_more() {
    let people = above(3);
    let mut rig = Rig::registered(Here::default());
    let link = rig.link(people[0], Role::Offerer);
    let tried = attempt(&rig.cx, &mut rig.net.peers, people[1], Role::Offerer);
    rig.net.leave(&mut rig.cx, &rig.here);
    let (reason, neighbors) = (GoodbyeReason::Leaving, vec![people[0]]);
    let goodbye = sent(link, &Frame::Goodbye { reason, neighbors });
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link: tried }, goodbye]);
    rig.name(people[2]);
    assert_eq!(rig.cx.outputs(), []);
    assert!(!rig.net.is_quiet());
    rig.handle(link, Frame::GoodbyeAck {});
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }]);
    assert!(rig.net.is_quiet());
    rig.net.close(&mut rig.cx);
    assert_eq!(rig.cx.outputs(), [Output::DisconnectServer { server: SERVER }]);
}

#[test]
fn at_the_end_every_link_is_hung_up() {
    let mut rig = Rig::new(Here::default());
    let links: Vec<_> = above(2)
        .into_iter()
        .map(|person| rig.link(person, Role::Offerer))
        .collect();
    assert_eq!(rig.net.links().map(Link::id).collect::<Vec<_>>(), links);
    rig.net.close(&mut rig.cx);
    let expected: Vec<_> = links.into_iter().map(|link| Output::HangUp { link }).collect();
    assert_eq!(rig.cx.outputs(), expected);
    assert!(rig.net.is_quiet());
}

#[test]
fn who_is_wanted_without_being_here_is_not_wanted_for_longer_because_it_is_tried() {
    let people = above(2);
    let mut rig = Rig::registered(Here::of([people[1]]));
    rig.want(people[0]);
    let wanted_until = rig.net.peers.get(&people[0]).unwrap().wanted_until();
    rig.cx.wait(1_000);
    rig.net.on_seek_due(&mut rig.cx, &rig.here);
    let contacts = [people[0], people[1]].map(|person| rig.net.peers.get(&person).unwrap());
    assert!(contacts.iter().all(|contact| contact.attempt().is_some()));
    let renewed = rig.cx.instant() + rig.cx.timing.session_retry_for;
    assert_eq!(contacts.map(|contact| contact.wanted_until()), [wanted_until, renewed]);
}

#[test]
fn the_room_is_not_told_that_a_link_is_gone_which_a_newer_one_replaces() {
    let above = above(1)[0];
    let mut rig = Rig::registered(Here::default());
    let older = rig.link(above, Role::Offerer);
    let newer = attempt(&rig.cx, &mut rig.net.peers, above, Role::Offerer);
    rig.net.handle_open(&mut rig.cx, &rig.here, newer);
    assert_eq!(rig.told(), [ToRoom::LinkClosed { link: older }]);
    rig.net
        .handle_closed(&mut rig.cx, &rig.here, older, LinkEnd::ClosedByPeer);
    assert_eq!(rig.told(), [], "it is known no more");
}
