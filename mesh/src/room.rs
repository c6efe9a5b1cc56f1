//! The room: who is there, what is said, and how it reaches everyone. Everything above links.
//!
//! Owns twelve layers: [`neighbors`] (who hands us what), [`roster`] and [`presence`] (who is here, and that we are), [`broadcast`] and
//! [`trees`] (to everyone), [`clock`] and [`log`] (what was said, in one order), [`sync`] (what broadcast missed), [`routing`] (to one
//! peer, through others), [`delivery`] (what became of what we said), [`typing`] (who is about to say something) and [`closing`]. A layer changes only itself; what it must know
//! of another it is handed to read.
//!
//! This file is the door to the node: words of the net, deadlines, the end. `receive.rs` takes the frames that the net hands on,
//! `feeds.rs` those with entries, `say.rs` what our person says, `settings.rs` what the founder says about the room, `retention.rs` drops
//! what is kept no longer, `view.rs` answers what others look up.

pub(crate) mod broadcast;
mod clock;
mod closing;
mod conversations;
mod delivery;
mod feeds;
mod import;
mod journal;
pub(crate) mod log;
mod neighbors;
pub(crate) mod presence;
mod recalled;
mod receive;
mod remember;
mod retention;
pub(crate) mod roster;
pub(crate) mod routing;
mod say;
mod settings;
mod sync;
pub(crate) mod time;
mod trees;
mod typing;
mod view;

use std::{collections::VecDeque, rc::Rc};

use chacha20::ChaCha20Rng;
use litemap::LiteMap;
use rand_core::Rng;
use shared::{MessageId, PeerId};

use self::{
    broadcast::{Action, Broadcast},
    clock::Clock,
    closing::Closing,
    conversations::Conversations,
    delivery::{Deliveries, News},
    journal::Journal,
    log::Log,
    neighbors::Neighbors,
    presence::{Facts, Presence},
    recalled::Recalled,
    retention::Keeping,
    roster::{NameNews, Roster},
    routing::Routing,
    settings::Settings,
    sync::{Lead, Sync, Urgency, backlog::Backlog},
    time::{RoomTime, ahead_of},
    trees::Trees,
    typing::Typists,
};
use crate::{
    bucket::Bucket,
    config::{MESSAGES_BURST, MESSAGES_PER_SECOND, OWN_BYTES_BURST, OWN_BYTES_PER_SECOND, RECENT_BEACONS},
    context::Context,
    door::{Forwarding, LinkState, Loss, ToNet, ToRoom},
    io::{Instant, LinkId, Priority},
    model::{CloseError, Event},
    random::{Stream, stream},
    wire::{
        entry::{Entry, RecordId},
        frame::{Digests, Frame},
        id::ShortId,
        record::{Payload, Record},
        span::Feed,
        stored::{Fate, Key},
        whisper::Whisper,
    },
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Room {
    me: PeerId,
    neighbors: Neighbors,
    roster: Roster,
    presence: Presence,
    trees: Trees,
    broadcast: Broadcast,
    clock: Clock,
    time: RoomTime,
    log: Log,
    /// Which feed of ours this is, the next number in it, and what was said last.
    feed: u64,
    next_seq: u64,
    head: Option<RecordId>,
    /// Draws the numbers of feeds.
    feeds: ChaCha20Rng,
    sync: Sync,
    backlog: Backlog,
    routing: Routing,
    deliveries: Deliveries,
    closing: Closing,
    journal: Journal,
    conversations: Conversations,
    /// Draws ids of whispers, and seals them.
    whispers: ChaCha20Rng,
    /// What our person may say, by number and by bytes.
    messages: Bucket,
    message_bytes: Bucket,
    on_server: bool,
    typists: Typists,
    settings: Settings,
    keeping: Keeping,
    /// Whether the store is about to be read: what our person says waits for that.
    awaits_store: bool,
    /// What was read of the store so far, while the rest is.
    recalled: Recalled,
    /// Whispers of former visits that are to wait in the log once somebody has shown how much of our feed there is.
    unheld: Vec<Rc<Whisper>>,
    /// The ids that messages of ours have from now on which were said anew.
    renumbered: LiteMap<MessageId, MessageId>,
    /// Sealed entries that another program of this machine may have stored for us, the latest first, and when the next are tried.
    untried: VecDeque<Rc<Record<Entry>>>,
    try_at: Instant,
    /// What waits for the net.
    to_net: VecDeque<ToNet>,
}

impl Room {
    pub(crate) fn new(cx: &Context, closed: Option<Vec<u8>>, seed: [u8; 32]) -> Self {
        let mut feeds = stream(seed, Stream::Log);
        let number = feeds.next_u64();
        Self {
            me: cx.me,
            neighbors: Neighbors::default(),
            roster: Roster::new(seed),
            presence: Presence::new(seed, cx.now.unix_millis),
            trees: Trees::new(ShortId::of_peer(&cx.me)),
            broadcast: Broadcast::new(seed),
            clock: Clock::default(),
            time: RoomTime::default(),
            log: Log::new(seed, Feed { author: cx.me, number }).within(cx.extent),
            feed: number,
            next_seq: 0,
            head: None,
            feeds,
            sync: Sync::default(),
            backlog: Backlog::default(),
            routing: Routing::new(seed),
            deliveries: Deliveries::new(seed),
            closing: Closing::new(closed),
            journal: Journal::default(),
            conversations: Conversations::default(),
            whispers: stream(seed, Stream::Whispers),
            messages: Bucket::per_second(MESSAGES_PER_SECOND, MESSAGES_BURST),
            message_bytes: Bucket::per_second(OWN_BYTES_PER_SECOND, OWN_BYTES_BURST),
            on_server: false,
            typists: Typists::default(),
            settings: Settings::default(),
            keeping: Keeping::default(),
            awaits_store: false,
            recalled: Recalled::default(),
            unheld: Vec::new(),
            renumbered: LiteMap::new(),
            untried: VecDeque::new(),
            try_at: Instant::default(),
            to_net: VecDeque::new(),
        }
    }

    /// What is next to be told to the net.
    pub(crate) fn poll_event(&mut self) -> Option<ToNet> {
        self.to_net.pop_front()
    }

    // --- deadlines: one function a timer ---

    pub(crate) fn broadcast_due(&self) -> Option<Instant> {
        self.broadcast.poll_timeout()
    }

    pub(crate) fn roster_due(&self) -> Option<Instant> {
        self.roster.poll_timeout()
    }

    pub(crate) fn delivery_due(&self) -> Option<Instant> {
        let sealed = (!self.untried.is_empty()).then_some(self.try_at);
        self.deliveries.poll_timeout().into_iter().chain(sealed).min()
    }

    pub(crate) fn beacon_due(&self) -> Option<Instant> {
        self.presence.poll_timeout()
    }

    /// Announces and grafts.
    pub(crate) fn on_broadcast_due(&mut self, cx: &mut Context) {
        let mut actions = Vec::new();
        self.broadcast.handle_timeout(cx.instant(), &mut actions);
        for action in actions {
            match action {
                Action::IHave { link, announced } => cx.send(link, &Frame::IHave { announced }),
                Action::Graft { link, tree, ids } => self.graft(cx, link, tree, ids),
            }
        }
    }

    /// Notices whose beacons are overdue, and forgets who is gone for long.
    pub(crate) fn on_roster_due(&mut self, cx: &mut Context) {
        let (now, gone_listed) = (cx.instant(), cx.timing.gone_listed);
        self.change_roster(cx, |roster, events| roster.handle_timeout(now, gone_listed, events));
        self.vouch(now);
    }

    /// Says soon whom we are linked with if by that alone others know that somebody is here.
    fn vouch(&mut self, now: Instant) {
        let said = self.presence.own().map(|own| &own.content.neighbors);
        let is_said = |peer: &PeerId| said.is_some_and(|said| said.contains(&ShortId::of_peer(peer)));
        let mut neighbors = self.neighbors.peers();
        if neighbors.any(|peer| !is_said(&peer) && !self.roster.is_neighbor_of_others(&peer)) {
            self.presence.hurry(now);
        }
    }

    /// Gives up what was tried for long enough, and tries whispers again.
    pub(crate) fn on_delivery_due(&mut self, cx: &mut Context) {
        let due = self.deliveries.handle_timeout(cx.instant());
        for id in due.failed {
            self.settle_whisper(cx, id, Fate::Failed);
        }
        self.hold_whispers(cx, &due.given_up);
        self.try_sealed(cx);
        for whisper in due.retries {
            self.send_whisper(cx, &whisper, Forwarding::Flooded);
        }
    }

    /// Says that we are here.
    pub(crate) fn on_beacon_due(&mut self, cx: &mut Context) {
        self.send_beacon(cx, false);
    }

    /// Our person has another name: who knows us is to know it.
    pub(crate) fn on_renamed(&mut self, cx: &Context) {
        if self.presence.own().is_some() {
            self.presence.hurry(cx.instant());
        }
    }

    // --- the net ---

    /// A word of the net.
    pub(crate) fn handle_net(&mut self, cx: &mut Context, word: ToRoom) {
        let now = cx.instant();
        match word {
            ToRoom::LinkState { peer, state } => self.set_link(cx, peer, state),
            ToRoom::NeighborUp {
                link,
                peer,
                name,
                state,
                digests,
                unix_millis,
            } => {
                self.on_neighbor_up(cx, link, peer, &name, state, digests);
                self.note_clock(cx, peer, unix_millis);
            }
            ToRoom::NeighborTrouble { link, in_trouble } => self.neighbors.set_trouble(link, in_trouble),
            ToRoom::NeighborDown { link } => self.on_neighbor_down(link),
            ToRoom::LinkClosed { link } => {
                self.on_neighbor_down(link);
                self.hasten_beacon(now);
            }
            ToRoom::Digests { link, digests } => self.compare(cx, link, digests, Urgency::Patient),
            ToRoom::RoundTrip { peer, round_trip } => {
                self.change_roster(cx, |roster, events| roster.set_round_trip(peer, round_trip, events));
            }
            ToRoom::Left { peer } => self.on_left(cx, peer),
            ToRoom::Lost { peer, loss } => self.on_lost(cx, peer, loss),
            ToRoom::Route { to, sealed, forwarding } => {
                self.send_packet(cx, to, Payload::Envelope { sealed }, forwarding);
            }
            ToRoom::Registered(registered) => self.on_server = registered,
            ToRoom::ServerClock { unix_millis } => {
                self.time.note_server(cx, unix_millis);
                self.time.review(cx, self.roster.clocks());
            }
            ToRoom::Superseded => self.handle_not_stored(cx),
            // A server is believed in nothing: the founder has signed it, or not.
            ToRoom::Closed { statement } if statement.verify(&cx.room).is_ok() => self.follow_closing(cx, statement),
            ToRoom::Closed { .. } => {}
        }
    }

    fn on_neighbor_up(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        peer: PeerId,
        name: &str,
        state: LinkState,
        digests: Digests,
    ) {
        let now = cx.instant();
        // Listed before named, should they have been forgotten while the link was made.
        self.set_link(cx, peer, LinkState::Connecting);
        self.set_name(cx, peer, name);
        self.neighbors.up(link, peer, state == LinkState::Trouble);
        self.set_link(cx, peer, state);
        self.routing.learn(peer, link);
        self.broadcast.neighbor_up(link);
        let lead = if self.me < peer { Lead::Ours } else { Lead::Theirs };
        self.sync.neighbor_up(link, lead);
        // Who had no link for a while may have heard of the same people and not of what they said last.
        self.trees.refresh(&self.roster);
        let own = self.presence.own().map(|own| own.short());
        let recent = self.roster.beacons_since(now - RECENT_BEACONS).chain(own);
        self.broadcast.announce(now, link, self.trees.nearest(), recent);
        self.presence.forget_lost(&peer);
        if self.neighbors.len() == 1 {
            self.presence.hurry(now);
        } else {
            self.hasten_beacon(now);
            self.vouch(now);
        }
        self.tell_settings(cx, link);
        self.compare(cx, link, digests, Urgency::AtOnce);
    }

    fn on_neighbor_down(&mut self, link: LinkId) {
        self.neighbors.down(link);
        self.broadcast.neighbor_down(link);
        self.sync.neighbor_down(link);
    }

    /// Someone said goodbye.
    fn on_left(&mut self, cx: &mut Context, peer: PeerId) {
        let now = cx.instant();
        self.change_roster(cx, |roster, events| roster.on_left(now, peer, events));
        self.give_up_on(cx, peer);
    }

    /// Nobody waits for `peer` any longer.
    fn give_up_on(&mut self, cx: &mut Context, peer: PeerId) {
        let (news, whispers) = self.deliveries.handle_gone(peer);
        tell_news(cx, news);
        self.hold_whispers(cx, &whispers);
    }

    /// Our link with `peer` was lost: the others are told, and it is gone unless it shows that it lives.
    fn on_lost(&mut self, cx: &mut Context, peer: PeerId, loss: Loss) {
        let now = cx.instant();
        self.set_link(cx, peer, LinkState::None);
        self.change_roster(cx, |roster, events| {
            roster.suspect(now, peer, events);
            if loss == Loss::Silence && !roster.is_neighbor_of_others(&peer) {
                // Nobody else could hear of it.
                roster.give_up(now, peer, events);
            }
        });
        self.presence.report_lost(now, peer);
    }

    /// Somebody says what time it is.
    fn note_clock(&mut self, cx: &mut Context, peer: PeerId, unix_millis: u64) {
        if self.roster.set_clock(&peer, ahead_of(cx, unix_millis)) {
            self.time.review(cx, self.roster.clocks());
        }
    }

    fn compare(&mut self, cx: &mut Context, link: LinkId, theirs: Digests, urgency: Urgency) {
        if theirs.log == self.log.digest() {
            self.hold_unheld(cx);
        }
        self.sync
            .handle_digests(cx, link, theirs, urgency, &self.log, &self.roster);
        self.tell_backlog(cx, 0);
    }

    // --- what several layers are told of ---

    /// Says that we are here, or that we leave.
    fn send_beacon(&mut self, cx: &mut Context, leaving: bool) {
        self.time.review(cx, self.roster.clocks());
        self.trees.refresh(&self.roster);
        let facts = Facts {
            people: self.roster.weight() + 1,
            is_root: self.trees.is_root(),
            neighbors: self.neighbors.peers().map(|peer| ShortId::of_peer(&peer)).collect(),
            on_server: self.on_server,
            digest: self.log.digest(),
            whole: self.log.is_whole() && self.journal.is_stored(),
            acks: self.journal.limit(self.log.acks(self.presence.acked())),
            accepted: self.journal.stored_of(self.log.accepted()),
            leaving,
        };
        let record = self.presence.send(cx, &self.roster, facts);
        let route = self.trees.own_beacon_route(leaving);
        self.pass_beacon(cx, &record, 0, route, None);
    }

    /// Something is news that the next beacon should say soon.
    fn hasten_beacon(&mut self, now: Instant) {
        self.presence.hasten(now, self.roster.weight() + 1);
    }

    fn send_packet(&mut self, cx: &mut Context, to: PeerId, payload: Payload, forwarding: Forwarding) {
        self.routing.send(cx, &self.neighbors, to, payload, forwarding);
    }

    /// Changes the roster, and tells what came of it.
    fn change_roster<T>(&mut self, cx: &mut Context, change: impl FnOnce(&mut Roster, &mut Vec<Event>) -> T) -> T {
        let mut events = Vec::new();
        let result = change(&mut self.roster, &mut events);
        self.tell(cx, events);
        for peer in self.roster.take_arrivals() {
            let name = self.roster.beacon(&peer).map(|beacon| beacon.content.name.clone());
            if let Some(name) = name {
                self.set_name(cx, peer, &name);
            }
            if self.roster.weighs(&peer) {
                let news = self.deliveries.on_arrival(cx.instant(), peer, &cx.timing);
                tell_news(cx, news);
            }
        }
        result
    }

    fn set_link(&mut self, cx: &mut Context, peer: PeerId, state: LinkState) {
        let now = cx.instant();
        self.change_roster(cx, |roster, events| roster.set_link(now, peer, state, events));
    }

    fn set_name(&mut self, cx: &mut Context, peer: PeerId, name: &str) {
        let news = self.change_roster(cx, |roster, events| roster.set_name(peer, name, events));
        if news == NameNews::New {
            cx.store(Priority::Soon, Key::Name { peer }.keep(&name));
        }
    }

    /// Tells the app, and the layers what concerns them.
    fn tell(&mut self, cx: &mut Context, events: Vec<Event>) {
        for event in events {
            if let Event::PersonForgotten { peer } = &event {
                self.routing.forget_peer(peer);
                self.give_up_on(cx, *peer);
            }
            cx.event(event);
        }
    }

    // --- the end ---

    /// We are about to leave: others may still reach those whom we did not.
    pub(crate) fn prepare_to_leave(&mut self, cx: &mut Context) {
        let whispers = self.deliveries.take_whispers();
        self.hold_whispers(cx, &whispers);
    }

    /// Whether nothing that is to be sent waits for the store.
    pub(crate) fn has_sent_all(&self) -> bool {
        self.journal.has_sent_all()
    }

    /// Says in a last beacon that we leave.
    pub(crate) fn leave(&mut self, cx: &mut Context) {
        self.send_beacon(cx, true);
    }

    /// Closes the room for everyone, as its founder.
    pub(crate) fn close(&mut self, cx: &mut Context) -> Result<(), CloseError> {
        if cx.room.founder() != Some(self.me) {
            return Err(CloseError::NotFounder);
        }
        let statement = Closing::state(cx);
        self.follow_closing(cx, statement);
        Ok(())
    }

    /// The statement by which the room was closed on a former visit; it is told once.
    pub(crate) fn recall_closing(&mut self, cx: &mut Context) -> Option<shared::Closing> {
        self.closing.recall(cx)
    }
}

fn tell_news(cx: &mut Context, news: impl IntoIterator<Item = News>) {
    for (id, delivery) in news {
        cx.event(Event::Delivery { id, delivery });
    }
}

#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;
