//! The active view: open links, from the opened channel to the last goodbye.
//!
//! A link opens, says hello, is watched, loses its path, falls silent, is closed. The healing ladder: ICE says `disconnected` → wait →
//! ICE restart (by the offerer, through a server or other peers) → silence for too long → a fresh connection, to the same peer or
//! another, which [`membership`](super::membership) decides.
//!
//! Owns: the frames that concern the link alone (hello, ping, pong, goodbye), what becomes of violations, and the end of links.
//!
//! Invariants: never two open links to one peer (a newer one replaces the older, which is hung up in the same step); nothing is sent
//! on a link after its goodbye but the acknowledgement of the peer's; a violation costs its peer and nobody else.

use std::{borrow::Cow, rc::Rc};

use shared::{PeerId, limits::LINKS_MAX, signal::PROTOCOL_VERSION};

use super::{
    contact::Closed,
    link::{Due, Link},
    scope::{Event, Scope},
};
use crate::{
    door::{LinkState, Loss, ToRoom},
    io::{LinkEnd, LinkId, Output, Path},
    model::Alert,
    wire::{
        codec::{DecodeError, valid_name},
        frame::{Digests, Frame, GoodbyeReason, Hello},
    },
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct ActiveView {
    /// Whether the person was told that the browser makes no more connections.
    exhausted: bool,
    /// Whether we are leaving the room.
    leaving: bool,
}

impl ActiveView {
    /// The channel of an attempt is open: it becomes the peer's link, in place of an older one.
    pub(crate) fn handle_open(&mut self, net: &mut Scope<'_>, link: LinkId, digests: Digests) {
        let Some((peer, _)) = net.peers.session_of(link) else {
            return;
        };
        let attempt = net.peers.get(&peer).and_then(|contact| contact.attempt());
        let Some(session) = attempt.filter(|session| session.link() == link) else {
            return;
        };
        let binding = session.binding(net.cx.me, peer);
        let opened = Link::new(link, peer, net.cx.instant(), &net.cx.timing).expecting(binding.reversed());
        if let Some(older) = net.peers.open(&peer, opened) {
            // One that was said goodbye on may linger.
            if older.was_in_use {
                let reason = GoodbyeReason::Replaced;
                let neighbors = Vec::new();
                net.cx.send(older.link.id(), &Frame::Goodbye { reason, neighbors });
            }
            let (id, peer) = (older.link.id(), older.link.peer());
            net.cx.output(Output::HangUp { link: id });
            net.out.tell_room(ToRoom::LinkClosed { link: id });
            net.out.push(Event::ClosedInOrder { peer });
        }
        net.cx.counters.links_opened += 1;
        self.exhausted = false;
        let hello = Hello {
            version: PROTOCOL_VERSION,
            name: net.cx.name.clone(),
            digests,
            proof: binding.sign(&net.cx.identity, &net.cx.room),
            unix_millis: net.cx.now.unix_millis,
        };
        net.cx.send(link, &Frame::Hello(hello));
    }

    /// A fragment arrived: gives the frame that it completes.
    pub(crate) fn handle_fragment<'a>(
        &mut self,
        net: &mut Scope<'_>,
        id: LinkId,
        fragment: &'a Rc<[u8]>,
    ) -> Option<Cow<'a, [u8]>> {
        let now = net.cx.instant();
        let link = net.peers.link_mut(id)?;
        link.handle_heard(now, &net.cx.timing);
        let frame = if link.takes_fragment(now) {
            link.reassemble(fragment).ok()
        } else {
            None
        };
        match frame {
            Some(frame) => frame,
            None => {
                self.note_violation(net, id);
                None
            }
        }
    }

    /// A frame arrived. Gives it back if it is for the room. `digests`: what we have.
    pub(crate) fn handle_frame<'a>(
        &mut self,
        net: &mut Scope<'_>,
        id: LinkId,
        frame: Result<Frame<'a>, DecodeError>,
        digests: Digests,
    ) -> Option<Frame<'a>> {
        let now = net.cx.instant();
        let link = net.peers.link_mut(id)?;
        let (peer, greeted, closing) = (link.peer(), link.name().is_some(), link.is_closing());
        match frame {
            Err(DecodeError::Unknown) => net.cx.counters.frames_unknown += 1,
            Err(_) => self.note_violation(net, id),
            Ok(Frame::GoodbyeAck {}) if closing => self.hang_up(net, id),
            Ok(Frame::Goodbye { reason, neighbors }) => self.on_goodbye(net, id, peer, reason, neighbors),
            // After a goodbye, nothing else counts: what was said before it came before it.
            Ok(_) if closing => {}
            // Once: a second one could change names, and screens, without end.
            Ok(Frame::Hello(hello)) if !greeted => self.on_hello(net, id, peer, hello),
            Ok(Frame::Hello(_) | Frame::GoodbyeAck {}) => self.note_violation(net, id),
            Ok(_) if !greeted => self.note_violation(net, id),
            Ok(Frame::Ping { nonce, digests: theirs }) => {
                net.cx.send(id, &Frame::Pong { nonce, digests });
                net.out.tell_room(ToRoom::Digests {
                    link: id,
                    digests: theirs,
                });
            }
            Ok(Frame::Pong { nonce, digests }) => {
                if link.on_pong(now, nonce, &net.cx.timing) {
                    let round_trip = link.round_trip();
                    net.out.tell_room(ToRoom::RoundTrip { peer, round_trip });
                }
                net.out.tell_room(ToRoom::Digests { link: id, digests });
            }
            Ok(frame) => return Some(frame),
        }
        None
    }

    fn on_hello(&mut self, net: &mut Scope<'_>, id: LinkId, peer: PeerId, hello: Hello) {
        let Hello {
            version,
            name,
            digests,
            proof,
            unix_millis,
        } = hello;
        if version != PROTOCOL_VERSION {
            net.out.push(Event::VersionRefused { peer, theirs: version });
            self.say_goodbye(net, id, GoodbyeReason::Version);
            net.out.link_state(peer, LinkState::None);
            net.out.push(Event::Shunned { peer });
            return;
        }
        if !valid_name(&name) {
            return self.note_violation(net, id);
        }
        let awaited = net.peers.link(id).and_then(Link::awaited);
        if !awaited.is_some_and(|binding| binding.is_signed(&net.cx.room, &proof)) {
            // Whoever is there is not who we take it for, or takes us for another.
            return self.note_violation(net, id);
        }
        let Some(link) = net.peers.link_mut(id) else { return };
        link.greet(name.clone());
        let state = if link.is_in_trouble() {
            LinkState::Trouble
        } else {
            LinkState::Up
        };
        if let Some(contact) = net.peers.get_mut(&peer) {
            contact.accept_version();
        }
        net.out.tell_room(ToRoom::NeighborUp {
            link: id,
            peer,
            name,
            state,
            digests,
            unix_millis,
        });
    }

    fn on_goodbye(
        &mut self,
        net: &mut Scope<'_>,
        id: LinkId,
        peer: PeerId,
        reason: GoodbyeReason,
        neighbors: Vec<PeerId>,
    ) {
        net.cx.send(id, &Frame::GoodbyeAck {});
        if self.leaving {
            // Both are leaving.
            return self.hang_up(net, id);
        }
        if let Some(link) = net.peers.link_mut(id) {
            link.begin_closing(net.cx.now.instant, &net.cx.timing);
        }
        net.out.tell_room(ToRoom::NeighborDown { link: id });
        match reason {
            GoodbyeReason::Leaving => {
                net.out.tell_room(ToRoom::Left { peer });
                net.out.link_state(peer, LinkState::None);
                net.out.push(Event::Unwanted { peer });
                net.out.push(Event::LeftBehind { peer, neighbors });
            }
            GoodbyeReason::Misbehaving | GoodbyeReason::Version => {
                net.out.link_state(peer, LinkState::None);
                net.out.push(Event::Unwanted { peer });
            }
            // Their newer link is about to open here too; if not, the end of this one is noticed.
            GoodbyeReason::Replaced => {}
            GoodbyeReason::Excess => net.out.push(Event::Refused { peer }),
        }
    }

    /// ICE lost or regained a link's path, or an attempt's last one.
    pub(crate) fn handle_path(&mut self, net: &mut Scope<'_>, id: LinkId, path: Path) {
        let now = net.cx.instant();
        let Some(link) = net.peers.link_mut(id) else {
            // An attempt whose every path failed need not wait for its deadline.
            if path == Path::Failed
                && let Some((peer, _)) = net.peers.session_of(id)
            {
                net.out.push(Event::AttemptFailed { peer });
            }
            return;
        };
        link.handle_path(now, path, &net.cx.timing);
        let (peer, usable, in_trouble) = (link.peer(), link.is_usable(), link.is_in_trouble());
        if usable {
            let state = if path == Path::Connected {
                LinkState::Up
            } else {
                LinkState::Trouble
            };
            net.out.tell_room(ToRoom::NeighborTrouble { link: id, in_trouble });
            net.out.link_state(peer, state);
            if in_trouble {
                tell_if_all_silent(net);
            }
        }
    }

    /// The driver gave up an open link. Says whether there was one.
    pub(crate) fn handle_closed(&mut self, net: &mut Scope<'_>, id: LinkId, end: LinkEnd) -> bool {
        if end == LinkEnd::Exhausted && !std::mem::replace(&mut self.exhausted, true) {
            net.cx.alert(Alert::LinksExhausted);
        }
        let Some(closed) = net.peers.close(id) else {
            return false;
        };
        self.lose(net, closed, Loss::Closed);
        true
    }

    /// Does what is due on one link, the first on which something is. `digests`: what we have.
    pub(crate) fn handle_timeout(&mut self, net: &mut Scope<'_>, digests: Digests) {
        let now = net.cx.instant();
        let due = net.peers.links().find(|link| now >= link.poll_timeout(&net.cx.timing));
        let Some(id) = due.map(Link::id) else { return };
        let Some(link) = net.peers.link_mut(id) else { return };
        let peer = link.peer();
        match link.due(now, &net.cx.timing) {
            Some(Due::Ping { nonce }) => {
                net.cx.send(id, &Frame::Ping { nonce, digests });
                tell_if_all_silent(net);
            }
            Some(Due::Restart) => net.out.push(Event::RestartIce { peer }),
            Some(Due::Dead) => {
                net.cx.output(Output::HangUp { link: id });
                if let Some(closed) = net.peers.close(id) {
                    self.lose(net, closed, Loss::Silence);
                }
            }
            Some(Due::Close) => self.hang_up(net, id),
            None => {}
        }
    }

    /// The machine slept, or its network came back: each link gets a moment to prove itself.
    pub(crate) fn grant_grace(&self, net: &mut Scope<'_>) {
        let ids: Vec<_> = net.peers.links().map(Link::id).collect();
        for id in ids {
            if let Some(link) = net.peers.link_mut(id) {
                link.grant_grace(net.cx.now.instant, &net.cx.timing);
            }
        }
    }

    /// Says goodbye to everyone: we leave the room.
    pub(crate) fn leave(&mut self, net: &mut Scope<'_>) {
        self.leaving = true;
        for id in net.peers.links().map(Link::id).collect::<Vec<_>>() {
            self.say_goodbye(net, id, GoodbyeReason::Leaving);
        }
    }

    /// The peer sent what it should not; too often, and the link is closed with that reason.
    pub(crate) fn note_violation(&mut self, net: &mut Scope<'_>, id: LinkId) {
        net.cx.counters.frames_refused += 1;
        let Some(link) = net.peers.link_mut(id) else { return };
        let peer = link.peer();
        if !link.is_closing() && link.note_violation(net.cx.now.instant) {
            self.say_goodbye(net, id, GoodbyeReason::Misbehaving);
            net.out.tell_room(ToRoom::NeighborDown { link: id });
            net.out.link_state(peer, LinkState::None);
            net.out.push(Event::Shunned { peer });
            net.cx.alert(Alert::Misbehaving { peer });
        }
    }

    /// Tells the peer why and closes the link once it has heard, or a little later.
    pub(crate) fn say_goodbye(&mut self, net: &mut Scope<'_>, id: LinkId, reason: GoodbyeReason) {
        let Some(link) = net.peers.link_mut(id) else { return };
        if link.begin_closing(net.cx.now.instant, &net.cx.timing) {
            let neighbors = match reason {
                GoodbyeReason::Leaving => greeted(net),
                GoodbyeReason::Misbehaving
                | GoodbyeReason::Version
                | GoodbyeReason::Replaced
                | GoodbyeReason::Excess => Vec::new(),
            };
            net.cx.send(id, &Frame::Goodbye { reason, neighbors });
        }
    }

    /// Takes a link out of use whose goodbye was said: it no longer counts.
    pub(crate) fn release(&self, net: &mut Scope<'_>, peer: PeerId) {
        let contact = net.peers.get_mut(&peer);
        if let Some(link) = contact.and_then(|contact| contact.release()) {
            net.out.tell_room(ToRoom::NeighborDown { link });
            net.out.link_state(peer, LinkState::None);
        }
    }

    /// Closes a link without more ado. What its peer still lacks stays pending.
    fn hang_up(&mut self, net: &mut Scope<'_>, id: LinkId) {
        let closed = net.peers.close(id);
        net.cx.output(Output::HangUp { link: id });
        if let Some(closed) = closed {
            let peer = closed.link.peer();
            self.note_closed(net, &closed);
            net.out.push(Event::ClosedInOrder { peer });
        }
    }

    fn note_closed(&self, net: &mut Scope<'_>, closed: &Closed) {
        net.out.tell_room(ToRoom::LinkClosed { link: closed.link.id() });
        if closed.was_in_use {
            net.out.push(Event::LinkEnded);
        }
    }

    /// A link is gone that nobody said goodbye on: others hear of it, and another link takes its place.
    fn lose(&self, net: &mut Scope<'_>, closed: Closed, loss: Loss) {
        self.note_closed(net, &closed);
        let peer = closed.link.peer();
        if closed.link.is_closing() {
            net.out.push(Event::ClosedInOrder { peer });
        } else {
            let age = closed.link.age(net.cx.instant());
            net.out.push(Event::LinkLost { peer, age, loss });
            tell_if_all_silent(net);
        }
    }
}

/// Says so if no link brings anything any more, or there is none left.
fn tell_if_all_silent(net: &mut Scope<'_>) {
    let (now, timing) = (net.cx.instant(), &net.cx.timing);
    if net.peers.links().all(|link| link.is_silent(now, timing)) {
        net.out.push(Event::AllSilent);
    }
}

/// Whom we have links with, in the order of their ids, also those that we have just said goodbye on.
fn greeted(net: &Scope<'_>) -> Vec<PeerId> {
    let links = net.peers.iter().filter_map(|(_, contact)| contact.link());
    let greeted = links.filter(|link| link.name().is_some());
    greeted.map(Link::peer).take(LINKS_MAX).collect()
}

#[cfg(test)]
mod tests;
