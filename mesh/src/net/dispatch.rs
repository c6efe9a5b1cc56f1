//! What one layer of the net says, and what it means for the others. See the [net](super) for the layers themselves.

use std::time::Duration;

use shared::{PeerId, SessionId, limits::LINKS_MAX, signal::Request};

use super::{
    Later, Net,
    active_view::ActiveView,
    attempts::{Attempts, refuse_version},
    budget::Cause,
    contact::{Alone, Contact, Purpose, Via},
    invitations::Text,
    link::Link,
    membership::{Need, need_beyond, successor},
    scope::{Event, Scope},
    servers,
    session::Session,
};
use crate::{
    config::{LINKS_TARGET, SUPERSEDED_DOUBTED},
    context::Context,
    door::{Forwarding, LinkState, Sources, ToRoom, View},
    io::{Instant, LinkId, Output, ServerId},
    model::{Alert, InvitationError},
    wire::{envelope::Body, frame::GoodbyeReason, nearby::Nearby},
};

impl Net {
    /// Hands on what the layers have said, until nobody says anything more.
    pub(super) fn settle(&mut self, cx: &mut Context, view: View<'_>) {
        self.hand_on(cx);
        while let Some(event) = self.servers.poll_event() {
            self.on_server_event(cx, view, event);
            self.hand_on(cx);
        }
        if self.registered != self.is_registered() {
            self.registered = !self.registered;
            self.to_room.push_back(ToRoom::Registered(self.registered));
        }
        self.conclude_superseded(cx);
    }

    /// Another node that speaks with our key takes our place with all servers and, link by link, with our neighbors. As long as one of them still has
    /// us, a server that says so may be lying.
    fn conclude_superseded(&mut self, cx: &mut Context) {
        let is_said = self.superseded_until.is_some_and(|until| cx.instant() < until);
        if is_said && !self.leaving && !self.is_registered() && self.peers.usable_links().next().is_none() {
            self.superseded_until = None;
            cx.alert(Alert::Superseded);
            self.to_room.push_back(ToRoom::Superseded);
        }
    }

    /// What layers have said to each other takes effect before the next peer has its turn.
    fn hand_on(&mut self, cx: &mut Context) {
        while let Some(event) = self.events.pop() {
            self.on_event(cx, event);
        }
        for peer in self.peers.take_displaced() {
            let state = LinkState::None;
            self.to_room.push_back(ToRoom::LinkState { peer, state });
        }
    }

    fn on_server_event(&mut self, cx: &mut Context, view: View<'_>, event: servers::Event) {
        if self.leaving {
            return;
        }
        match event {
            servers::Event::Peers { server, peers } => self.on_peers(cx, view, server, peers),
            servers::Event::Clock { unix_millis } => self.to_room.push_back(ToRoom::ServerClock { unix_millis }),
            servers::Event::NotHere { server, peer } => {
                let contact = self.peers.get(&peer);
                let by_it =
                    contact.filter(|contact| contact.attempt().is_some() && contact.via() == Some(Via::Server(server)));
                if by_it.is_some() {
                    self.fail(cx, peer);
                    // Whoever is not there is not in the way of anything.
                    self.end_search(cx, peer);
                }
            }
            servers::Event::Closed { statement } => self.to_room.push_back(ToRoom::Closed { statement }),
            servers::Event::Superseded => self.superseded_until = Some(cx.instant() + SUPERSEDED_DOUBTED),
            servers::Event::Relayed { server, payload } => {
                self.handle_envelope(cx, view, (Via::Server(server), Cause::Server(server)), &payload);
            }
        }
    }

    fn on_event(&mut self, cx: &mut Context, event: Event) {
        match event {
            Event::ToRoom(word) => self.to_room.push_back(word),
            Event::Send { via, to, session, body } => self.send(cx, via, to, session, body),
            Event::AttemptFailed { peer } => self.fail(cx, peer),
            Event::LinkEnded => self.servers.discover_soon(cx),
            Event::ClosedInOrder { peer } => self.on_closed_in_order(cx, peer),
            Event::LinkLost { peer, age, loss } if !self.leaving => {
                self.membership.suspect(cx.instant());
                self.to_room.push_back(ToRoom::Lost { peer, loss });
                self.later.push_back(Later::Replace { peer, age });
            }
            Event::LinkLost { .. } => {}
            Event::RestartIce { peer } => self.restart_ice(cx, peer),
            Event::AllSilent => self.servers.prove(cx),
            Event::Refused { peer } => self.on_refused(cx, peer),
            Event::Unwanted { peer } => {
                self.drop_attempt(cx, &peer);
                if let Some(contact) = self.peers.get_mut(&peer) {
                    contact.unwant(cx.instant());
                }
            }
            Event::Shunned { peer } => {
                let until = cx.instant() + cx.timing.shun;
                self.drop_attempt(cx, &peer);
                if let Some(contact) = self.peers.get_mut(&peer) {
                    contact.shun(until);
                }
            }
            Event::LeftBehind { peer, neighbors } => self.later.push_back(Later::Succeed { peer, neighbors }),
            Event::VersionRefused { peer, theirs } => refuse_version(&mut self.attempts(cx).0, peer, theirs),
        }
    }

    /// A server named peers of the room.
    fn on_peers(&mut self, cx: &mut Context, view: View<'_>, server: ServerId, peers: Vec<PeerId>) {
        let now = cx.instant();
        let since = self.servers.registered_since(server);
        for peer in peers {
            if peer == cx.me {
                continue;
            }
            let via_before = self.peers.get(&peer).and_then(|contact| contact.via());
            let Some(contact) = self.peers.want(cx, peer, Some(Via::Server(server))) else {
                continue;
            };
            let stale = contact.is_stale(via_before, server, since);
            let eligible = contact.is_eligible(now);
            // Who is not here although the server has it is on the other side of a split.
            let bridges = !view.is_present(&peer);
            // Whom a server names is alive. Whom we are trying to reach otherwise may not be.
            let agreed = self.peers.agreed();
            let wanted = need_beyond(agreed, now, &self.peers, &self.servers, view) > Need::None;
            if stale || (eligible && (bridges || wanted)) {
                self.drop_attempt(cx, &peer);
                if self.peers.slots_used() >= LINKS_MAX
                    && let Some(oldest) = self.peers.oldest_unanswered()
                {
                    self.fail(cx, oldest);
                }
                self.start(cx, view, peer);
            }
        }
    }

    /// An envelope was carried to us.
    pub(super) fn handle_envelope(
        &mut self,
        cx: &mut Context,
        view: View<'_>,
        (via, cause): (Via, Cause),
        sealed: &str,
    ) {
        if let Some(envelope) = self.carriers.open(cx, via, sealed) {
            // A link that is there may need its relay to go on.
            let ice_servers = if matches!(envelope.body, Body::Offer { round: 0, .. }) {
                self.ice_servers_for(cx, view, &envelope.from)
            } else {
                self.servers.ice_servers()
            };
            let (mut scope, attempts) = self.attempts(cx);
            attempts.handle_envelope(&mut scope, via, cause, envelope, ice_servers);
            self.settle(cx, view);
        }
    }

    fn send(&mut self, cx: &mut Context, via: Via, to: PeerId, session: SessionId, body: Body) {
        let Some(sealed) = self.carriers.seal(cx, to, session, body) else {
            return self.fail(cx, to);
        };
        match via {
            Via::Server(server) => {
                let payload = sealed;
                self.servers.request(cx, server, Request::Relay { to, payload });
            }
            Via::Mesh => {
                // Who was not reached before is sought everywhere. So is who has a link with us, or it would not be needed.
                let contact = self.peers.get(&to);
                let tried = contact.is_some_and(|contact| contact.failures() > 0 || contact.is_linked());
                let forwarding = if tried {
                    Forwarding::Flooded
                } else {
                    Forwarding::Learned
                };
                self.to_room.push_back(ToRoom::Route { to, sealed, forwarding });
            }
            Via::Nearby => {
                let bytes = Nearby::Envelope { to, sealed }.encode();
                cx.output(Output::Nearby { bytes });
            }
        }
    }

    fn on_refused(&mut self, cx: &mut Context, peer: PeerId) {
        let (mut scope, attempts) = self.attempts(cx);
        attempts.refused_by(&mut scope, peer);
        let soon = cx.timing.crossing_window;
        self.membership.seek_within(cx.instant(), soon);
        if self.is_quiet() {
            // Those that a server named may all be full while a room fills up: others are not.
            self.servers.discover_soon(cx);
        }
    }

    /// A link ended as one side had announced: another takes its place if need be.
    fn on_closed_in_order(&mut self, cx: &mut Context, peer: PeerId) {
        let in_use = self.peers.get(&peer).is_some_and(|contact| contact.uses_slot());
        if !self.leaving && !in_use {
            let state = LinkState::None;
            self.to_room.push_back(ToRoom::LinkState { peer, state });
        }
        self.membership.seek_within(cx.instant(), cx.timing.session_retry_min);
    }

    /// Another link takes the place of a lost one. Where there is nobody else to link with, that is tried with the same peer at once,
    /// unless the last links were short-lived too.
    pub(super) fn replace(&mut self, cx: &mut Context, view: View<'_>, peer: PeerId, age: Duration) {
        let alone = if self.membership.is_alone_with(&self.peers, view, &peer) {
            Alone::Yes
        } else {
            Alone::No
        };
        let (mut scope, attempts) = self.attempts(cx);
        if attempts.lost(&mut scope, &peer, age, alone) {
            self.start(cx, view, peer);
        }
        self.membership.seek_now(cx.instant());
    }

    /// A neighbor left: we link with the next of its neighbors, if we are linked with that one no other way.
    pub(super) fn succeed(&mut self, cx: &mut Context, view: View<'_>, from: PeerId, neighbors: &[PeerId]) {
        let (mut scope, active_view) = self.active_view(cx);
        active_view.release(&mut scope, from);
        let Some(next) = successor(neighbors, cx.me).filter(|next| *next != from) else {
            return;
        };
        let linked = self.peers.get(&next).is_some_and(|contact| contact.uses_slot());
        // Known to us, or this would be a way to make many call one.
        let wanted = !linked && self.need(view, cx.instant()) > Need::None && view.is_present(&next);
        if wanted && self.peers.want(cx, next, None).is_some() {
            self.start(cx, view, next);
        }
    }

    pub(super) fn on_invitation(&mut self, cx: &mut Context, text: Text) -> Result<(), InvitationError> {
        let Text {
            from,
            session,
            sdp,
            candidates,
            ..
        } = text;
        if self.invitations.is_taken(session) {
            return Ok(());
        }
        self.demand_way_in(cx)?;
        if !self.has_place(cx, from) {
            return Err(InvitationError::Full);
        }
        let (link, ice_servers) = (self.peers.next_link(), self.servers.ice_servers());
        self.invitations.answer(cx, session, link, from, &sdp);
        cx.output(Output::Accept { link, ice_servers, sdp });
        cx.output(Output::RemoteCandidates { link, candidates });
        Ok(())
    }

    pub(super) fn on_acceptance(
        &mut self,
        cx: &mut Context,
        view: View<'_>,
        text: Text,
    ) -> Result<(), InvitationError> {
        let Text {
            from,
            session,
            sdp,
            candidates,
            ..
        } = text;
        if !self.invitations.awaits(session) {
            return Err(InvitationError::RunOut);
        }
        if !self.make_place(cx, view, from) {
            return Err(InvitationError::Full);
        }
        let session = self
            .invitations
            .accepted(cx, session, &sdp, &candidates)
            .ok_or(InvitationError::RunOut)?;
        let link = session.link();
        self.take_up(cx, from, session);
        cx.output(Output::RemoteAnswer { link, sdp });
        cx.output(Output::RemoteCandidates { link, candidates });
        Ok(())
    }

    /// Whether there is a slot for a link by hand with `peer`, who is wanted then.
    fn has_place(&mut self, cx: &Context, peer: PeerId) -> bool {
        self.peers.has_slot_for(&peer) && self.peers.want(cx, peer, None).is_some()
    }

    /// The same, if need be in place of another link.
    pub(super) fn make_place(&mut self, cx: &mut Context, view: View<'_>, peer: PeerId) -> bool {
        if !self.peers.has_slot_for(&peer) {
            self.free_slot(cx, view);
        }
        self.has_place(cx, peer)
    }

    /// Goes on with what was agreed on by hand, in place of an attempt.
    pub(super) fn take_up(&mut self, cx: &mut Context, peer: PeerId, session: Session) {
        let (mut scope, attempts) = self.attempts(cx);
        attempts.drop(&mut scope, &peer);
        attempts.adopt(&mut scope, peer, session, Vec::new());
    }

    /// Ends the link that is missed least: its peer has most others.
    fn free_slot(&mut self, cx: &mut Context, view: View<'_>) {
        let for_mesh = |link: &&Link| {
            let contact = self.peers.get(&link.peer());
            contact.is_none_or(|contact| contact.purpose() == Purpose::Mesh)
        };
        let links = self.peers.usable_links().filter(for_mesh);
        let links = links.map(|link| (view.links_of(&link.peer()), link.id(), link.peer()));
        let Some((_, link, peer)) = links.max() else { return };
        let (mut scope, active_view) = self.active_view(cx);
        active_view.say_goodbye(&mut scope, link, GoodbyeReason::Excess);
        active_view.release(&mut scope, peer);
    }

    /// Starts an attempt at a peer, by what carries it now. If none can be started and none follows, the peer is sought no longer.
    pub(super) fn start(&mut self, cx: &mut Context, view: View<'_>, peer: PeerId) {
        let via = self.choose_via(cx, view, &peer);
        // Without a link, who is said to be present was there a while ago.
        let is_present = view.is_present(&peer) && self.peers.usable_links().next().is_some();
        let ice_servers = self.ice_servers_for(cx, view, &peer);
        let (mut scope, attempts) = self.attempts(cx);
        // Whoever made us believe in them, they may not be there at all.
        let via = via.filter(|via| {
            let cause = match via {
                Via::Server(server) if !is_present => Cause::Server(*server),
                Via::Nearby => Cause::Nearby,
                Via::Server(_) | Via::Mesh => Cause::Presence,
            };
            scope.peers.has_slot_for(&peer) && attempts.may_be_caused(&mut scope, &peer, cause)
        });
        attempts.start(&mut scope, peer, via, ice_servers);
        let contact = scope.peers.get_mut(&peer);
        if contact.is_some_and(|contact| contact.end_idle_search()) {
            scope.out.link_state(peer, LinkState::None);
        }
        self.hand_on(cx);
    }

    pub(super) fn fail(&mut self, cx: &mut Context, peer: PeerId) {
        let (mut scope, attempts) = self.attempts(cx);
        attempts.fail(&mut scope, peer);
    }

    pub(super) fn end_search(&mut self, cx: &mut Context, peer: PeerId) {
        let (mut scope, attempts) = self.attempts(cx);
        attempts.end_search(&mut scope, peer);
    }

    fn drop_attempt(&mut self, cx: &mut Context, peer: &PeerId) {
        let (mut scope, attempts) = self.attempts(cx);
        attempts.drop(&mut scope, peer);
    }

    /// An attempt at whoever this link is with opened, and costs less.
    pub(super) fn note_opened(&mut self, cx: &mut Context, link: LinkId) {
        if let Some(peer) = self.peers.link(link).map(Link::peer) {
            let (mut scope, attempts) = self.attempts(cx);
            attempts.note_opened(&mut scope, &peer);
        }
    }

    /// Tells the founder's closing to every server that we are registered with, now and later.
    pub(crate) fn hand_in(&mut self, cx: &mut Context, closing: &shared::Closing) {
        self.servers.hand_in(cx, closing);
    }

    /// How badly we want another link.
    pub(super) fn need(&self, view: View<'_>, now: Instant) -> Need {
        need_beyond(self.peers.slots_used(), now, &self.peers, &self.servers, view)
    }

    /// Whether servers are asked for peers now and then: we have few links, or the room is split.
    pub(super) fn wants_peers(&self, view: View<'_>, now: Instant) -> bool {
        self.need(view, now) > Need::None || self.is_split(view)
    }

    // --- files ---

    /// Something arrived on a link by its channel for files.
    pub(crate) fn handle_heard(&mut self, cx: &Context, link: LinkId) {
        if let Some(link) = self.peers.link_mut(link) {
            link.handle_heard(cx.instant(), &cx.timing);
        }
    }

    /// A link is wanted for files: it is made if there is a free slot. If nobody else has the file, a link that the mesh can do without
    /// makes room: one of those beyond what it wants.
    pub(crate) fn handle_file_link(&mut self, cx: &mut Context, view: View<'_>, peer: PeerId, sources: Sources) {
        if !view.is_present(&peer) || self.peers.get(&peer).is_some_and(Contact::uses_slot) {
            return;
        }
        if self.peers.slots_used() >= LINKS_MAX
            && sources == Sources::None
            && self.peers.usable_links().count() > LINKS_TARGET
        {
            self.free_slot(cx, view);
        }
        if self.peers.slots_used() < LINKS_MAX
            && let Some(contact) = self.peers.want(cx, peer, None)
        {
            contact.set_purpose(Purpose::Files);
            if contact.is_eligible(cx.instant()) {
                self.start(cx, view, peer);
                self.settle(cx, view);
            }
        }
    }

    /// A link is wanted for files no longer: it ends, unless the mesh has use for it.
    pub(crate) fn handle_file_link_over(&mut self, cx: &mut Context, view: View<'_>, peer: PeerId) {
        let Some(contact) = self.peers.get_mut(&peer) else {
            return;
        };
        contact.set_purpose(Purpose::Mesh);
        let link = contact.link().filter(|link| link.is_usable()).map(Link::id);
        if let Some(link) = link.filter(|_| self.peers.slots_used() > LINKS_TARGET) {
            let (mut scope, active_view) = self.active_view(cx);
            active_view.say_goodbye(&mut scope, link, GoodbyeReason::Excess);
            active_view.release(&mut scope, peer);
            self.settle(cx, view);
        }
    }

    // --- one layer and what it is handed ---

    pub(super) fn attempts<'a>(&'a mut self, cx: &'a mut Context) -> (Scope<'a>, &'a mut Attempts) {
        let scope = Scope {
            cx,
            peers: &mut self.peers,
            out: &mut self.events,
        };
        (scope, &mut self.attempts)
    }

    pub(super) fn active_view<'a>(&'a mut self, cx: &'a mut Context) -> (Scope<'a>, &'a mut ActiveView) {
        let scope = Scope {
            cx,
            peers: &mut self.peers,
            out: &mut self.events,
        };
        (scope, &mut self.active_view)
    }
}

#[cfg(test)]
mod tests;
