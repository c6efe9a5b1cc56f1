//! The node: a net, a room and the files, and the context that all work in. It hands one's words to the others.
//!
//! Rules: one mutation, then [`Node::poll_output`] until it gives `None`, then one timer for [`Node::poll_timeout`]. The same seed and
//! calls give the same bytes out. Time only comes in, and never runs back: an earlier one is clamped.
//!
//! Invariant: after [`Node::leave`] is done, nothing comes out any more.

mod files;
mod keeping;
mod saying;
mod view;

use std::time::Duration;

use shared::{Identity, Room as RoomKeys};

use crate::{
    config::{FIRINGS_MAX, HAND_IN, NodeConfig},
    context::Context,
    door::{ToNet, ToRoom},
    files::Files,
    io::{Input, Instant, LinkId, Now, Output},
    model::{CloseError, Event, Invitation, InvitationError, SendError},
    net::Net,
    room::Room,
    timers::Timer,
    wire::{codec::valid_name, frame::Frame, stored::order_of},
};

use self::files::of_room;

/// One peer of one room. See the [crate documentation](crate) for how to drive it.
#[derive(Debug)]
pub struct Node {
    cx: Context,
    net: Net,
    room: Room,
    files: Files,
    phase: Phase,
    /// What was read so far of what is kept of files, while the rest is.
    of_files: Vec<Kept>,
}

/// Something that was kept: its key and its value.
type Kept = (Vec<u8>, Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Here,
    /// The room was closed on a former visit: servers are told, nobody is met.
    HandingIn {
        until: Instant,
    },
    /// We are about to leave; what we said last waits for the store.
    Settling {
        until: Instant,
    },
    Leaving {
        until: Instant,
    },
    Left,
}

impl Node {
    /// Makes a node that is about to enter `room`: its first time-out is due at once.
    ///
    /// `seed` must be unpredictable, and never used twice, wherever the node meets real peers.
    ///
    /// # Panics
    /// If the configured name is not a [valid one](crate::wire::codec::valid_name).
    #[must_use]
    pub fn new(identity: Identity, room: RoomKeys, config: NodeConfig, seed: [u8; 32], now: Now) -> Self {
        assert!(valid_name(&config.name), "the name must be checked with `valid_name`");
        let mut cx = Context::new(identity, room, config.name, config.timing, now);
        cx.extent = config.keeps;
        cx.transport_policy = config.transport_policy;
        Self {
            net: Net::new(config.servers, seed, now),
            room: Room::new(&cx, config.closed, seed),
            files: Files::new(cx.me, seed),
            cx,
            phase: Phase::Here,
            of_files: Vec::new(),
        }
    }

    /// Reads a part of what was kept on former visits, the latest first; [`Node::restore`] with the last part follows. A first part with what is
    /// [no entry](Node::order_of), and the latest entries, is shown at once: so a long history need not be read at one go.
    pub fn recall(&mut self, now: Now, records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        self.advance(now);
        let of_room = of_room(records, &mut self.of_files);
        self.room.recall_part(&mut self.cx, of_room);
        self.exchange();
    }

    /// Where an entry stands in the room's order, if what is kept by this key is one. Only to choose what is read first: nothing is checked.
    #[must_use]
    pub fn order_of(key: &[u8], value: &[u8]) -> Option<u64> {
        order_of(key, value)
    }

    /// Goes on, before the first input, from what was kept on former visits, as keys and values, and has what comes kept: see
    /// [`Output::Store`]. What is damaged is left out.
    pub fn restore(&mut self, now: Now, records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        self.advance(now);
        self.restore_all(records);
        self.exchange();
    }

    /// Has what is said wait until [`Node::restore`], or until [`Input::NotStored`] if there turns out to be no store.
    pub fn await_store(&mut self) {
        self.room.await_store();
    }

    // --- commands ---

    /// Gives the room a name, as its founder: [`Event::RoomNamed`] comes here and to everyone, also to whoever comes later.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted.
    ///
    /// # Panics
    /// If it is not a [valid name](crate::wire::codec::valid_name).
    pub fn name_room(&mut self, now: Now, name: &str) -> Result<(), SendError> {
        assert!(valid_name(name), "the name must be checked with `valid_name`");
        self.say_of_room(now, |room, cx| room.name_room(cx, name))
    }

    /// Calls ourselves by another name. The others learn it with our next beacon, which comes at once.
    ///
    /// # Panics
    /// If it is not a [valid name](crate::wire::codec::valid_name).
    pub fn rename(&mut self, now: Now, name: &str) {
        assert!(valid_name(name), "the name must be checked with `valid_name`");
        self.advance(now);
        name.clone_into(&mut self.cx.name);
        self.room.on_renamed(&self.cx);
    }

    /// Makes an invitation for one person, to be handed over by hand: [`Event::Invitation`] brings its text.
    ///
    /// # Errors
    /// [`InvitationError::Left`], or [`InvitationError::NoRelay`].
    pub fn invite(&mut self, now: Now) -> Result<(), InvitationError> {
        self.advance(now);
        self.demand_here(InvitationError::Left)?;
        self.net.invite(&mut self.cx)
    }

    /// Takes an invitation, or the answer to one of ours, whichever `text` is. An invitation is answered with
    /// [`Event::InvitationAnswer`]; after an answer the link opens.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub fn take_invitation(&mut self, now: Now, text: &str) -> Result<Invitation, InvitationError> {
        self.advance(now);
        self.demand_here(InvitationError::Left)?;
        let taken = self.net.take_invitation(&mut self.cx, &self.room, text);
        self.exchange();
        taken
    }

    /// Leaves the room: waits a moment until what we said last is stored and sent, tells every peer, waits a moment until they have heard
    /// it, closes everything. [`Event::Left`] comes last.
    pub fn leave(&mut self, now: Now) {
        self.advance(now);
        if self.phase == Phase::Here {
            self.files.handle_leaving(&mut self.cx);
            self.start_leaving();
            self.finish_leaving();
        } else if let Phase::HandingIn { until } = &mut self.phase {
            *until = self.cx.now.instant;
            self.finish_leaving();
        }
    }

    /// The same for a program that ends now: says goodbye at once. What waits for the store is sent at the next visit.
    pub fn leave_at_once(&mut self, now: Now) {
        self.leave(now);
        self.say_goodbye();
        self.finish_leaving();
    }

    /// Closes the room for everyone, now and for good, and leaves it. [`Event::RoomClosed`] and [`Event::Left`] follow.
    ///
    /// # Errors
    /// [`CloseError::NotFounder`] or [`CloseError::Left`].
    pub fn close_room(&mut self, now: Now) -> Result<(), CloseError> {
        self.advance(now);
        self.demand_here(CloseError::Left)?;
        self.room.close(&mut self.cx)?;
        self.exchange();
        self.finish_leaving();
        Ok(())
    }

    /// Tries every server again now instead of at the end of its wait.
    pub fn retry_now(&mut self, now: Now) {
        self.advance(now);
        self.net.retry_now(self.cx.instant());
        self.handle_timeout(now);
    }

    // --- the world ---

    /// Takes what happened in the world.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        self.advance(now);
        if self.phase == Phase::Left {
            return;
        }
        let (cx, view) = (&mut self.cx, &self.room);
        match input {
            Input::Signal { server, event } => self.net.handle_signal(cx, view, server, event),
            Input::ServerDown { server, code } => self.net.handle_server_down(cx, view, server, code),
            Input::LocalDescription { link, sdp } => self.net.handle_description(cx, view, link, sdp),
            Input::LocalCandidates { link, candidates } => self.net.handle_candidates(cx, view, link, candidates),
            Input::LinkOpen { link } => self.net.handle_open(cx, view, link),
            Input::LinkPath { link, path } => {
                self.net.handle_path(cx, view, link, path);
                self.exchange();
                self.fire_if_due(Timer::Links);
            }
            Input::LinkClosed { link, end } => self.net.handle_closed(cx, view, link, end),
            Input::LinkKind { link, kind } => self.net.handle_kind(link, kind),
            Input::Fragment { link, bytes } => {
                if let Some(frame) = self.net.handle_fragment(cx, view, link, &bytes) {
                    self.handle_frame(link, &frame);
                }
            }
            Input::Nearby { bytes } if self.phase == Phase::Here => {
                self.net.handle_nearby(cx, view, &bytes);
                self.exchange();
                self.fire_if_due(Timer::Seek);
            }
            Input::Nearby { .. } => {}
            Input::FilesOpen { .. }
            | Input::FileFragment { .. }
            | Input::FileWritable { .. }
            | Input::PieceRead { .. }
            | Input::PieceWritten { .. } => self.handle_file_input(input),
            Input::Stored { changes } => self.room.handle_stored(cx, changes),
            Input::NotStored => self.room.handle_not_stored(cx),
            Input::Network { online } => {
                self.net.handle_network(cx, online);
                self.handle_timeout(now);
            }
        }
        self.exchange();
        self.finish_leaving();
    }

    fn handle_frame(&mut self, link: LinkId, bytes: &[u8]) {
        let frame = Frame::decode(bytes);
        let frame = self.net.handle_frame(&mut self.cx, &self.room, link, frame);
        if let Some(frame) = frame.filter(|_| self.has_room()) {
            self.room.handle_frame(&mut self.cx, link, frame);
        }
    }

    /// Does what is due. Calling it early or again does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        if self.phase == Phase::Here
            && let Some(closing) = self.room.recall_closing(&mut self.cx)
        {
            // A server that was started anew knows nothing of it.
            self.net.hand_in(&mut self.cx, &closing);
            self.net.leave(&mut self.cx, &self.room);
            let now = self.cx.instant();
            let has_servers = self.net.servers_due(&self.room, now).is_some();
            let until = now + if has_servers { HAND_IN } else { Duration::ZERO };
            self.phase = Phase::HandingIn { until };
        }
        for timer in Timer::ALL {
            self.fire_if_due(timer);
        }
    }

    /// The next thing for the driver to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.cx.outbox.pop()
    }

    /// When to call [`Node::handle_timeout`] next. Ask again after every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        Timer::ALL.into_iter().filter_map(|timer| self.deadline(timer)).min()
    }

    // --- timers ---

    /// The table of deadlines: when each timer is due, and who knows.
    fn deadline(&self, timer: Timer) -> Option<Instant> {
        let (net, room, now) = (&self.net, &self.room, self.cx.instant());
        match (self.phase, timer) {
            (Phase::Left, _) => None,
            (Phase::Settling { until } | Phase::Leaving { until } | Phase::HandingIn { until }, Timer::Leaving) => {
                Some(until)
            }
            (Phase::HandingIn { .. }, Timer::Servers) => net.servers_due(room, now),
            (Phase::HandingIn { .. }, _) => None,
            (Phase::Settling { .. } | Phase::Leaving { .. }, _) | (Phase::Here, Timer::Leaving) => None,
            (Phase::Here, Timer::Split) => net.split_due(room),
            (Phase::Here, Timer::Servers) => net.servers_due(room, now),
            (Phase::Here, Timer::Links) => net.links_due(&self.cx),
            (Phase::Here, Timer::Attempts) => net.attempts_due(),
            (Phase::Here, Timer::Invitations) => net.invitations_due(),
            (Phase::Here, Timer::Broadcast) => room.broadcast_due(),
            (Phase::Here, Timer::Roster) => room.roster_due(),
            (Phase::Here, Timer::Delivery) => room.delivery_due(),
            (Phase::Here, Timer::Retention) => room.retention_due(),
            (Phase::Here, Timer::Files) => self.files.poll_timeout(),
            (Phase::Here, Timer::Seek) => net.seek_due(room, now),
            (Phase::Here, Timer::Beacon) => room.beacon_due(),
            (Phase::Here, Timer::Typing) => room.typing_due(),
        }
    }

    /// Lets a timer go off as long as it is due. Each time moves its deadline; the bound is only for what we have not thought of.
    fn fire_if_due(&mut self, timer: Timer) {
        for _ in 0..FIRINGS_MAX {
            if self.deadline(timer).is_none_or(|at| self.cx.instant() < at) {
                return;
            }
            self.fire(timer);
            self.exchange();
        }
        debug_assert!(false, "invariant: a timer that goes off moves its deadline: {timer:?}");
    }

    fn fire(&mut self, timer: Timer) {
        let (cx, net, room) = (&mut self.cx, &mut self.net, &mut self.room);
        match timer {
            Timer::Split => net.on_split_due(cx, room),
            Timer::Servers => net.on_servers_due(cx, room),
            Timer::Links => net.on_links_due(cx, room),
            Timer::Attempts => net.on_attempts_due(cx, room),
            Timer::Invitations => net.on_invitations_due(cx),
            Timer::Broadcast => room.on_broadcast_due(cx),
            Timer::Roster => room.on_roster_due(cx),
            Timer::Delivery => room.on_delivery_due(cx),
            Timer::Retention => room.on_retention_due(cx),
            Timer::Files => self.files.handle_timeout(cx),
            Timer::Seek => net.on_seek_due(cx, room),
            Timer::Beacon => room.on_beacon_due(cx),
            Timer::Typing => room.on_typing_due(cx),
            Timer::Leaving => self.finish_leaving(),
        }
    }

    /// Moves the clock on. If it jumped over what was due, or the wall clock ran ahead of it, the machine slept.
    fn advance(&mut self, now: Now) {
        let threshold = self.cx.timing.sleep_threshold;
        // What waited for something else than time, a server say, may be long overdue when it can be done at last.
        let passed = now.instant.since(self.cx.instant());
        let jumped = passed > threshold;
        // There are systems on which the monotonic clock stands still meanwhile. A person who sets their clock does no harm: links have to show
        // that they work, which they do.
        let by_wall = Duration::from_millis(now.unix_millis.saturating_sub(self.cx.now.unix_millis));
        let slept = by_wall.saturating_sub(passed) > threshold;
        let due = if jumped { self.poll_timeout() } else { None };
        let due = due.map(|due| due.max(self.cx.instant()));
        self.cx.now.instant = self.cx.instant().max(now.instant);
        self.cx.now.unix_millis = now.unix_millis;
        let overslept = due.is_some_and(|due| self.cx.instant().since(due) > threshold);
        if self.phase == Phase::Here && (overslept || slept) {
            self.net.handle_wake(&mut self.cx);
            self.files.handle_wake(self.cx.instant());
        }
    }

    // --- between net and room ---

    /// Hands one's words to the other until neither has anything to say.
    fn exchange(&mut self) {
        loop {
            if let Some(word) = self.net.poll_event() {
                self.tell_room(word);
            } else if let Some(word) = self.room.poll_event() {
                self.tell_net(word);
            } else if let Some(word) = self.files.poll_event() {
                self.tell_net(word);
            } else if let Some((root, deleted_by)) = self.room.poll_forgotten_file() {
                match deleted_by {
                    Some(author) => self.files.withdraw(&mut self.cx, root, author),
                    None => self.files.cancel(&mut self.cx, root),
                }
            } else if let Some(link) = self.cx.outbox.pop_overflowed() {
                self.net.handle_overflow(&mut self.cx, &self.room, link);
            } else if !self.net.proceed(&mut self.cx, &self.room) {
                return;
            }
        }
    }

    fn tell_room(&mut self, word: ToRoom) {
        if self.has_room() {
            self.files.handle_net(&mut self.cx, &word);
            self.room.handle_net(&mut self.cx, word);
        }
    }

    fn tell_net(&mut self, word: ToNet) {
        match word {
            ToNet::Violation { link } => self.net.handle_violation(&mut self.cx, &self.room, link),
            ToNet::FileLink { peer, sources } => self.net.handle_file_link(&mut self.cx, &self.room, peer, sources),
            ToNet::FileLinkOver { peer } => self.net.handle_file_link_over(&mut self.cx, &self.room, peer),
            ToNet::LinksWanted => self.net.handle_links_wanted(self.cx.instant()),
            ToNet::Envelope { from, sealed } if self.phase == Phase::Here => {
                self.net.handle_routed(&mut self.cx, &self.room, from, &sealed);
            }
            ToNet::Envelope { .. } => {}
            ToNet::Close { statement } => {
                self.net.hand_in(&mut self.cx, &statement);
                self.start_leaving();
            }
        }
    }

    // --- the end ---

    fn demand_here<E>(&self, error: E) -> Result<(), E> {
        if self.phase == Phase::Here { Ok(()) } else { Err(error) }
    }

    fn has_room(&self) -> bool {
        matches!(self.phase, Phase::Here | Phase::Settling { .. })
    }

    fn start_leaving(&mut self) {
        if self.phase != Phase::Here {
            return;
        }
        self.room.prepare_to_leave(&mut self.cx);
        let until = self.cx.instant() + self.cx.timing.goodbye_timeout;
        self.phase = Phase::Settling { until };
        if self.room.has_sent_all() {
            self.say_goodbye();
        }
    }

    /// Says goodbye, if that is not done. A peer that has heard our goodbye takes nothing more from us.
    fn say_goodbye(&mut self) {
        if let Phase::Settling { until } = self.phase {
            self.room.leave(&mut self.cx);
            self.phase = Phase::Leaving { until };
            self.net.leave(&mut self.cx, &self.room);
        }
    }

    /// Says goodbye once all that we said is on its way; closes down once every peer has heard it. The time for both is bounded.
    fn finish_leaving(&mut self) {
        let now = self.cx.instant();
        if matches!(self.phase, Phase::Settling { until } if self.room.has_sent_all() || now >= until) {
            self.say_goodbye();
        }
        let done = match self.phase {
            Phase::Leaving { until } => self.net.is_quiet() || now >= until,
            Phase::HandingIn { until } => now >= until,
            Phase::Here | Phase::Settling { .. } | Phase::Left => false,
        };
        if done {
            self.net.close(&mut self.cx);
            self.phase = Phase::Left;
            self.cx.event(Event::Left);
        }
    }
}

#[cfg(test)]
mod tests;
