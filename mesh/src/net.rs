//! The net: how we get links and keep them. Everything below what people say.
//!
//! Owns: the [`servers`], the [`peers`] with their links, and five layers that work on them: [`attempts`] (setting up a link), [`active_view`] (open links),
//! [`membership`] (how many links, and with whom), [`carriers`] (what carries an envelope) and [`invitations`] (by hand). A layer changes only itself and the
//! table of peers; what it has to say to another layer, or to the room, it puts into [`scope::Events`], and this file hands it on.
//!
//! This file is the door to the node: inputs, commands and deadlines. `dispatch.rs` is the other half of the net's own code: what one layer's words mean for the others.
//!
//! Not here: who is in the room. The net looks that up through [`PassiveView`](crate::door::PassiveView).

mod active_view;
mod affinity;
mod attempts;
mod budget;
mod carriers;
mod contact;
mod dispatch;
mod evidence;
mod invitations;
mod link;
mod membership;
mod peers;
mod registration;
mod scope;
mod servers;
mod session;
mod ways;

use std::{borrow::Cow, collections::VecDeque, rc::Rc, time::Duration};

use shared::{PeerId, signal};

pub use self::evidence::Ways;
pub(crate) use self::link::Link;
use self::{
    active_view::ActiveView,
    attempts::Attempts,
    budget::Cause,
    carriers::Carriers,
    contact::Via,
    invitations::{HandedOut, Invitations},
    membership::{Membership, Need},
    peers::Peers,
    scope::Events,
    servers::Servers,
    session::Session,
};
use crate::{
    config::SEEK_FIRST,
    context::Context,
    door::{ToRoom, View},
    io::{Candidate, Instant, LinkEnd, LinkId, LinkKind, Now, Output, Path, ServerId},
    model::{self, Invitation, InvitationError},
    wire::{codec::DecodeError, envelope::ANYONE, frame::Frame, nearby::Nearby},
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Net {
    servers: Servers,
    peers: Peers,
    attempts: Attempts,
    active_view: ActiveView,
    membership: Membership,
    carriers: Carriers,
    invitations: Invitations,
    /// What the layers say to each other, emptied within every call.
    events: Events,
    /// What waits for the room.
    to_room: VecDeque<ToRoom>,
    /// What waits until the room was told.
    later: VecDeque<Later>,
    registered: bool,
    /// Until when a server is believed that says we are superseded, should nobody have us any more.
    superseded_until: Option<Instant>,
    leaving: bool,
}

/// What is decided only after the room was told, for it asks who is there.
#[derive(Debug)]
enum Later {
    /// Another link is to take the place of a lost one, of this age.
    Replace { peer: PeerId, age: Duration },
    /// A neighbor left, and named its neighbors.
    Succeed { peer: PeerId, neighbors: Vec<PeerId> },
}

impl Net {
    pub(crate) fn new(servers: Vec<String>, seed: [u8; 32], now: Now) -> Self {
        let seek_after = if servers.is_empty() { Duration::ZERO } else { SEEK_FIRST };
        Self {
            servers: Servers::new(servers, seed, now),
            peers: Peers::default(),
            attempts: Attempts::new(seed),
            active_view: ActiveView::default(),
            membership: Membership::new(seed, now.instant + seek_after),
            carriers: Carriers::new(seed),
            invitations: Invitations::new(seed),
            events: Events::default(),
            to_room: VecDeque::new(),
            later: VecDeque::new(),
            registered: false,
            superseded_until: None,
            leaving: false,
        }
    }

    // --- what the node asks ---

    /// The peers with a link that can carry messages, in the order of the links' ids.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Link> {
        self.peers.usable_links()
    }

    /// What servers name to find a path with.
    pub(crate) fn ice_servers(&self) -> Vec<signal::IceServer> {
        self.servers.ice_servers()
    }

    /// Whether a server takes our requests.
    pub(crate) fn is_registered(&self) -> bool {
        self.servers.registered().is_some()
    }

    /// How many people the servers know in the room; 0 if none is registered.
    pub(crate) fn room_size(&self) -> usize {
        self.servers.room_size()
    }

    /// Whether a server knows more people in the room than we reach.
    pub(crate) fn is_split(&self, view: View<'_>) -> bool {
        self.servers.room_size() > view.present() + 1
    }

    /// Whether nothing is left to wait for before the room is left.
    pub(crate) fn is_quiet(&self) -> bool {
        self.peers.links().next().is_none()
    }

    /// What is next to be told to the room.
    pub(crate) fn poll_event(&mut self) -> Option<ToRoom> {
        self.to_room.pop_front()
    }

    // --- deadlines: one function a timer ---

    pub(crate) fn servers_due(&self, view: View<'_>, now: Instant) -> Option<Instant> {
        self.servers.poll_timeout(self.wants_peers(view, now))
    }

    pub(crate) fn links_due(&self, cx: &Context) -> Option<Instant> {
        self.peers.links_due(&cx.timing)
    }

    pub(crate) fn attempts_due(&self) -> Option<Instant> {
        self.peers.poll_timeout()
    }

    pub(crate) fn invitations_due(&self) -> Option<Instant> {
        self.invitations.poll_timeout()
    }

    pub(crate) fn seek_due(&self, view: View<'_>, now: Instant) -> Option<Instant> {
        (self.need(view, now) > Need::None).then(|| self.membership.seek_timeout())
    }

    pub(crate) fn split_due(&self, view: View<'_>) -> Option<Instant> {
        self.is_split(view).then(|| self.membership.split_timeout())
    }

    /// Connects, gives up, pings and asks servers for peers.
    pub(crate) fn on_servers_due(&mut self, cx: &mut Context, view: View<'_>) {
        let wants_peers = self.wants_peers(view, cx.instant());
        self.servers.handle_timeout(cx, wants_peers);
        self.settle(cx, view);
    }

    /// Pings, restarts or closes the first link on which something is due.
    pub(crate) fn on_links_due(&mut self, cx: &mut Context, view: View<'_>) {
        let digests = view.digests();
        let (mut scope, active_view) = self.active_view(cx);
        active_view.handle_timeout(&mut scope, digests);
        self.settle(cx, view);
    }

    /// Gives up attempts that took too long, and makes attempts again.
    pub(crate) fn on_attempts_due(&mut self, cx: &mut Context, view: View<'_>) {
        let now = cx.instant();
        for peer in self.peers.due(now) {
            let Some(contact) = self.peers.get_mut(&peer) else {
                continue;
            };
            if let Some(deadline) = contact.attempt().map(Session::deadline) {
                let (mut scope, attempts) = self.attempts(cx);
                attempts.explain(&mut scope, peer);
                if now >= deadline {
                    attempts.fail(&mut scope, peer);
                }
                continue;
            }
            contact.end_wait();
            if contact.is_eligible(now) && self.need(view, now) > Need::None {
                self.start(cx, view, peer);
            }
            if self.peers.get(&peer).is_some_and(|contact| contact.attempt().is_none()) {
                self.end_search(cx, peer);
            }
        }
        self.settle(cx, view);
    }

    /// Hands out texts that are complete, and withdraws invitations that have run out.
    pub(crate) fn on_invitations_due(&mut self, cx: &mut Context) {
        for HandedOut { answers, session, body } in self.invitations.handle_timeout(cx) {
            let Some(text) = self.carriers.seal(cx, answers.unwrap_or(ANYONE), session, body) else {
                continue;
            };
            cx.event(match answers {
                None => model::Event::Invitation { text },
                Some(_) => model::Event::InvitationAnswer { text },
            });
        }
    }

    /// Starts as many attempts as links are wanted.
    pub(crate) fn on_seek_due(&mut self, cx: &mut Context, view: View<'_>) {
        let need = self.need(view, cx.instant());
        if self.servers.registered().is_none() {
            self.carriers.tell_nearby(cx, true);
        }
        for peer in self.membership.seek(cx, &self.peers, view, need) {
            // Who is not here is not wanted for longer because it is tried: else the dead were sought for ever.
            if view.is_present(&peer) {
                self.peers.want(cx, peer, None);
            }
            self.start(cx, view, peer);
        }
        self.settle(cx, view);
    }

    /// Asks servers for peers while the room is split, if the lot falls on us.
    pub(crate) fn on_split_due(&mut self, cx: &mut Context, view: View<'_>) {
        if self.membership.acts_on_split(cx.instant(), view.present() + 1) {
            self.servers.discover_soon(cx);
        }
    }

    // --- the world ---

    /// A server's message.
    pub(crate) fn handle_signal(&mut self, cx: &mut Context, view: View<'_>, server: ServerId, event: signal::Event) {
        self.servers.handle_event(cx, server, event);
        self.settle(cx, view);
    }

    /// The socket to a server closed, or could not be opened.
    pub(crate) fn handle_server_down(&mut self, cx: &mut Context, view: View<'_>, server: ServerId, code: u16) {
        self.servers.handle_down(cx, server, code);
        self.settle(cx, view);
    }

    /// The driver made a description.
    pub(crate) fn handle_description(&mut self, cx: &mut Context, view: View<'_>, link: LinkId, sdp: String) {
        if self.invitations.handle_description(link, &sdp) {
            return self.on_invitations_due(cx);
        }
        let (mut scope, attempts) = self.attempts(cx);
        attempts.handle_description(&mut scope, link, sdp);
        self.settle(cx, view);
    }

    /// The driver found candidates.
    pub(crate) fn handle_candidates(
        &mut self,
        cx: &mut Context,
        view: View<'_>,
        link: LinkId,
        candidates: Vec<Candidate>,
    ) {
        if self.invitations.handle_candidates(cx, link, &candidates) {
            return self.on_invitations_due(cx);
        }
        let (mut scope, attempts) = self.attempts(cx);
        attempts.handle_candidates(&mut scope, link, candidates);
        self.settle(cx, view);
    }

    /// The channel of an attempt or an invitation is open.
    pub(crate) fn handle_open(&mut self, cx: &mut Context, view: View<'_>, link: LinkId) {
        if let Some((peer, session)) = self.invitations.handle_open(cx, link) {
            // Others may have taken the slot while a person carried the answer.
            if !self.make_place(cx, view, peer) {
                // All slots are used by attempts that may still succeed.
                cx.output(Output::HangUp { link });
                return self.settle(cx, view);
            }
            self.take_up(cx, peer, session);
        }
        let digests = view.digests();
        let (mut scope, active_view) = self.active_view(cx);
        active_view.handle_open(&mut scope, link, digests);
        self.note_opened(cx, link);
        self.settle(cx, view);
    }

    /// ICE lost or regained a path.
    pub(crate) fn handle_path(&mut self, cx: &mut Context, view: View<'_>, link: LinkId, path: Path) {
        let (mut scope, active_view) = self.active_view(cx);
        active_view.handle_path(&mut scope, link, path);
        self.settle(cx, view);
    }

    /// The driver closed a link, an attempt or an invitation.
    pub(crate) fn handle_closed(&mut self, cx: &mut Context, view: View<'_>, link: LinkId, end: LinkEnd) {
        let (mut scope, active_view) = self.active_view(cx);
        if active_view.handle_closed(&mut scope, link, end) {
            return self.settle(cx, view);
        }
        if let Some((peer, _)) = self.peers.session_of(link) {
            // The driver has closed it already, so there is nothing to hang up.
            let (mut scope, attempts) = self.attempts(cx);
            attempts.note_failed(&mut scope, peer);
        } else {
            self.invitations.handle_closed(link);
        }
        self.settle(cx, view);
    }

    /// A link was to carry more than the outbox takes.
    pub(crate) fn handle_overflow(&mut self, cx: &mut Context, view: View<'_>, link: LinkId) {
        if self.peers.link(link).is_some() {
            cx.output(Output::HangUp { link });
            self.handle_closed(cx, view, link, LinkEnd::SlowReader);
        }
    }

    /// How a link reaches its peer, as ICE found out.
    pub(crate) fn handle_kind(&mut self, link: LinkId, kind: LinkKind) {
        if let Some(link) = self.peers.link_mut(link) {
            link.set_kind(kind);
        }
    }

    /// A fragment arrived on a link: gives the frame that it completes.
    pub(crate) fn handle_fragment<'a>(
        &mut self,
        cx: &mut Context,
        view: View<'_>,
        link: LinkId,
        fragment: &'a Rc<[u8]>,
    ) -> Option<Cow<'a, [u8]>> {
        let (mut scope, active_view) = self.active_view(cx);
        let frame = active_view.handle_fragment(&mut scope, link, fragment);
        self.settle(cx, view);
        frame
    }

    /// A frame arrived on a link. Gives it back if it is for the room.
    pub(crate) fn handle_frame<'a>(
        &mut self,
        cx: &mut Context,
        view: View<'_>,
        link: LinkId,
        frame: Result<Frame<'a>, DecodeError>,
    ) -> Option<Frame<'a>> {
        let digests = view.digests();
        let (mut scope, active_view) = self.active_view(cx);
        let frame = active_view.handle_frame(&mut scope, link, frame, digests);
        self.settle(cx, view);
        frame
    }

    /// Another tab of this browser said something.
    pub(crate) fn handle_nearby(&mut self, cx: &mut Context, view: View<'_>, bytes: &[u8]) {
        match Nearby::decode(bytes) {
            Ok(Nearby::Here { peer, asks }) if peer != cx.me => {
                if let Some(contact) = self.peers.want(cx, peer, None) {
                    contact.note_nearby();
                }
                if asks {
                    self.carriers.tell_nearby(cx, false);
                }
                // Who asks has no other way, or none yet.
                if self.servers.registered().is_none() {
                    self.membership.seek_now(cx.instant());
                }
            }
            Ok(Nearby::Envelope { to, sealed }) if to == cx.me => {
                self.handle_envelope(cx, view, (Via::Nearby, Cause::Nearby), &sealed);
            }
            Ok(_) => {}
            Err(_) => cx.counters.envelopes_refused += 1,
        }
    }

    /// The machine lost or regained its network.
    pub(crate) fn handle_network(&mut self, cx: &mut Context, online: bool) {
        self.servers.handle_network(cx, online);
        if online {
            self.grant_grace(cx);
            self.restart_all(cx);
        }
    }

    /// The machine slept.
    pub(crate) fn handle_wake(&mut self, cx: &mut Context) {
        // As if the network had gone and come back, which after sleep is likely.
        self.servers.handle_network(cx, false);
        self.servers.handle_network(cx, true);
        self.grant_grace(cx);
    }

    fn grant_grace(&mut self, cx: &mut Context) {
        let (mut scope, active_view) = self.active_view(cx);
        active_view.grant_grace(&mut scope);
    }

    /// A neighbor sent what it should not.
    pub(crate) fn handle_violation(&mut self, cx: &mut Context, view: View<'_>, link: LinkId) {
        let (mut scope, active_view) = self.active_view(cx);
        active_view.note_violation(&mut scope, link);
        self.settle(cx, view);
    }

    /// More people may be linked with.
    pub(crate) fn handle_links_wanted(&mut self, now: Instant) {
        self.membership.seek_now(now);
    }

    /// The mesh brought an envelope, by this neighbor.
    pub(crate) fn handle_routed(&mut self, cx: &mut Context, view: View<'_>, from: PeerId, sealed: &str) {
        self.handle_envelope(cx, view, (Via::Mesh, Cause::Neighbor(from)), sealed);
    }

    /// Goes on with what waited until the room was told. Says whether there was anything.
    pub(crate) fn proceed(&mut self, cx: &mut Context, view: View<'_>) -> bool {
        match self.later.pop_front() {
            None => return false,
            Some(Later::Replace { peer, age }) => self.replace(cx, view, peer, age),
            Some(Later::Succeed { peer, neighbors }) => self.succeed(cx, view, peer, &neighbors),
        }
        self.settle(cx, view);
        true
    }

    // --- commands ---

    /// Tries every server again now instead of at the end of its wait.
    pub(crate) fn retry_now(&mut self, now: Instant) {
        self.servers.retry_now(now);
    }

    /// Makes an invitation for one person.
    pub(crate) fn invite(&mut self, cx: &mut Context) -> Result<(), InvitationError> {
        self.demand_way_in(cx)?;
        let (link, ice_servers) = (self.peers.next_link(), self.servers.ice_servers());
        self.invitations.invite(cx, link, &ice_servers);
        cx.output(Output::Dial { link, ice_servers });
        Ok(())
    }

    /// Takes an invitation, or the answer to one of ours.
    pub(crate) fn take_invitation(
        &mut self,
        cx: &mut Context,
        view: View<'_>,
        text: &str,
    ) -> Result<Invitation, InvitationError> {
        let text = Invitations::read(cx, text)?;
        let kind = text.kind;
        let taken = match kind {
            Invitation::Invited => self.on_invitation(cx, text),
            Invitation::Answered => self.on_acceptance(cx, view, text),
        };
        self.settle(cx, view);
        taken.map(|()| kind)
    }

    /// Drops all attempts and invitations, and says goodbye on all links.
    pub(crate) fn leave(&mut self, cx: &mut Context, view: View<'_>) {
        self.leaving = true;
        let (mut scope, attempts) = self.attempts(cx);
        attempts.drop_all(&mut scope);
        self.invitations.drop_all(cx);
        let (mut scope, active_view) = self.active_view(cx);
        active_view.leave(&mut scope);
        self.settle(cx, view);
    }

    /// Closes everything.
    pub(crate) fn close(&mut self, cx: &mut Context) {
        let links: Vec<_> = self.peers.links().map(Link::id).collect();
        for link in links {
            self.peers.close(link);
            cx.output(Output::HangUp { link });
        }
        self.servers.close(cx);
    }
}

#[cfg(test)]
mod tests;
