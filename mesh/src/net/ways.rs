//! What an attempt at a peer goes by: what carries its envelopes, and which ICE servers it asks. See the [net](super) for the layers that say so.

use shared::{PeerId, signal::IceServer};

use super::{
    Net, carriers,
    contact::{Contact, Via},
    evidence::Evidence,
    link::Link,
};
use crate::{context::Context, door::View, io::TransportPolicy, model::InvitationError};

impl Net {
    /// Which servers an attempt at a peer may ask. With whom others connect us, a relay would do no more than they do.
    pub(super) fn ice_servers_for(&self, cx: &Context, view: View<'_>, peer: &PeerId) -> Vec<IceServer> {
        let mut ice_servers = self.servers.ice_servers();
        if cx.transport_policy == TransportPolicy::All && view.is_reached(peer) {
            ice_servers.retain_mut(IceServer::drop_relays);
        }
        ice_servers
    }

    /// A text that goes by hand has to name a way in.
    pub(super) fn demand_way_in(&self, cx: &Context) -> Result<(), InvitationError> {
        if Evidence::of(&self.servers.ice_servers()).lacks_relay(cx.transport_policy) {
            return Err(InvitationError::NoRelay);
        }
        Ok(())
    }

    /// What carries an attempt at a peer now, if anything does.
    pub(super) fn choose_via(&self, cx: &Context, view: View<'_>, peer: &PeerId) -> Option<Via> {
        let contact = self.peers.get(peer)?;
        let registered = self.servers.registered();
        // Right after a loss a server knows better who is there.
        let doubted = self.membership.is_suspecting(cx.instant()) && registered.is_some();
        let server = match contact.via() {
            Some(Via::Server(server)) if self.servers.is_registered(server) => Some(server),
            _ => registered,
        };
        let there = view.is_reached(peer) || (server.is_none() && view.is_present(peer));
        let meshed = !doubted && self.has_other_link(peer) && there;
        carriers::choose(contact, meshed, server)
    }

    /// Has a link look for another path, if something carries the offer for it.
    pub(super) fn restart_ice(&mut self, cx: &mut Context, peer: PeerId) {
        // The server by which they are known, for another one may not know them.
        let known = match self.peers.get(&peer).and_then(Contact::via) {
            Some(Via::Server(server)) if self.servers.is_registered(server) => Some(server),
            Some(Via::Server(_) | Via::Mesh | Via::Nearby) | None => None,
        };
        let via = match known.or_else(|| self.servers.registered()) {
            Some(server) => Via::Server(server),
            None if self.has_other_link(&peer) => Via::Mesh,
            // The offer could not be carried: then silence decides.
            None => return,
        };
        let ice_servers = self.servers.ice_servers();
        let (mut scope, attempts) = self.attempts(cx);
        attempts.restart_ice(&mut scope, peer, via, ice_servers);
    }

    /// The machine has another network, or the same again: each link of ours looks for the path that there is now, before it is missed.
    pub(super) fn restart_all(&mut self, cx: &mut Context) {
        let linked: Vec<_> = self.peers.usable_links().map(Link::peer).collect();
        for peer in linked {
            self.restart_ice(cx, peer);
        }
    }

    fn has_other_link(&self, peer: &PeerId) -> bool {
        self.peers.usable_links().any(|link| link.peer() != *peer)
    }
}
