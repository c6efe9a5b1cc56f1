//! Routing: packets for a peer that is no neighbor find their way through others.
//!
//! Every node learns the next hop to a peer from the link over which that peer's newest record came first: a beacon, which
//! every node sends now and then, or a packet. This is reverse-path learning, as bridges and AODV (RFC 3561 §6.5) do it; the
//! tree of the beacons is the routing tree. Where no next hop is known, or a packet is tried again, it is *flooded*: handed on by
//! everyone once, until its recipient has it.
//!
//! Owns: the next hops, which packets were handed on, and the rate of our own. Not here: what a packet carries; that a whisper is tried
//! again ([`delivery`](super::delivery)).
//!
//! Invariants: a packet is handed on by a node at most once each way (learned, flooded); it makes at most [`HOPS_MAX`] hops; a next
//! hop is a link that is open.
//!
//! Deviation from AODV: no route requests. Beacons come from everyone anyway, and a flooded packet is its own request.

use std::rc::Rc;

use chacha20::ChaCha20Rng;
use rand_core::Rng;
use shared::PeerId;

use super::neighbors::Neighbors;
use crate::{
    bucket::Bucket,
    config::{
        HOPS_MAX, OWN_BYTES_BURST, OWN_BYTES_PER_SECOND, OWN_PACKETS_BURST, OWN_PACKETS_PER_SECOND, ROUTES_MAX,
        SEEN_PACKETS,
    },
    context::Context,
    door::Forwarding,
    io::LinkId,
    lookup::{Key, Lookup},
    random::{Stream, stream},
    seen::Seen,
    wire::{
        fragment::Fragments,
        frame::Frame,
        id::ShortId,
        record::{Packet, Payload, Record},
    },
};

/// A packet, and which way it was handed on.
impl Key for (ShortId, Forwarding) {
    fn pack(&self) -> u128 {
        (u128::from(self.0.0) << 1) | u128::from(self.1 == Forwarding::Flooded)
    }
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Routing {
    rng: ChaCha20Rng,
    /// By short id: a peer that had another's would get its packets to hand on.
    next: Lookup<ShortId, LinkId>,
    handed_on: Seen<(ShortId, Forwarding)>,
    /// The packets that we send.
    own: Bucket,
    own_bytes: Bucket,
}

impl Routing {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            next: Lookup::new(seed),
            rng: stream(seed, Stream::Routing),
            handed_on: Seen::new(SEEN_PACKETS, seed),
            own: Bucket::per_second(OWN_PACKETS_PER_SECOND, OWN_PACKETS_BURST),
            own_bytes: Bucket::per_second(OWN_BYTES_PER_SECOND, OWN_BYTES_BURST),
        }
    }

    /// A record of `peer`, newer than any before, came over `link`.
    pub(crate) fn learn(&mut self, peer: PeerId, link: LinkId) {
        let peer = ShortId::of_peer(&peer);
        if self.next.len() < ROUTES_MAX || self.next.contains(&peer) {
            self.next.insert(&peer, link);
        }
    }

    /// A peer is no longer known.
    pub(crate) fn forget_peer(&mut self, peer: &PeerId) {
        self.next.remove(&ShortId::of_peer(peer));
    }

    /// The link towards `peer`, if it is still open: a link that is over leads nowhere.
    pub(crate) fn next_hop(&self, neighbors: &Neighbors, peer: &PeerId) -> Option<LinkId> {
        let next = self.next.get(&ShortId::of_peer(peer));
        next.filter(|link| neighbors.peer(*link).is_some())
    }

    /// Whether a packet was handed on this way before.
    pub(crate) fn was_handed_on(&self, id: ShortId, forwarding: Forwarding) -> bool {
        self.handed_on.contains(&(id, forwarding))
    }

    /// Notes that a packet was proven, and is about to be handed on: else a forgery would keep the true one out.
    pub(crate) fn note_handed_on(&mut self, id: ShortId, forwarding: Forwarding) {
        self.handed_on.insert(&(id, forwarding));
    }

    /// Sends something to a peer, by a link of ours or through others.
    pub(crate) fn send(
        &mut self,
        cx: &mut Context,
        neighbors: &Neighbors,
        to: PeerId,
        payload: Payload,
        forwarding: Forwarding,
    ) {
        // Others can make us answer, but not more than our neighbors bear with. Who misses the answer asks again.
        if !self.own_bytes.has(cx.instant()) || !self.own.take(cx.instant()) {
            cx.counters.packets_dropped += 1;
            return;
        }
        let nonce = self.rng.next_u64();
        let record = Record::sign(&cx.identity, &cx.room, Packet { to, nonce, payload });
        self.own_bytes.charge(cx.instant(), record.wire.len());
        self.note_handed_on(record.short(), forwarding);
        self.hand_on(cx, neighbors, &record, HOPS_MAX, forwarding, None);
    }

    /// Hands a packet on that came over `from`, if it may go any further.
    pub(crate) fn pass_on(
        &mut self,
        cx: &mut Context,
        neighbors: &Neighbors,
        record: &Rc<Record<Packet>>,
        hops_left: u8,
        forwarding: Forwarding,
        from: LinkId,
    ) {
        if hops_left > 0 {
            self.hand_on(cx, neighbors, record, hops_left.min(HOPS_MAX), forwarding, Some(from));
        } else {
            cx.counters.packets_dropped += 1;
        }
    }

    /// Straight to its recipient, else to the next hop, else to everyone.
    fn hand_on(
        &mut self,
        cx: &mut Context,
        neighbors: &Neighbors,
        record: &Rc<Record<Packet>>,
        hops_left: u8,
        forwarding: Forwarding,
        from: Option<LinkId>,
    ) {
        let carries = |link: &LinkId| Some(*link) != from && neighbors.carries(*link);
        let to = &record.content.to;
        let direct = neighbors.link_to(to).filter(carries);
        let learned = self.next_hop(neighbors, to);
        let learned = learned.filter(|_| forwarding == Forwarding::Learned).filter(carries);
        let (forwarding, links) = match direct.or(learned) {
            Some(link) => (forwarding, vec![link]),
            None => (Forwarding::Flooded, neighbors.links().filter(carries).collect()),
        };
        let flooded = forwarding == Forwarding::Flooded;
        if flooded {
            self.note_handed_on(record.short(), forwarding);
        }
        if links.is_empty() {
            cx.counters.packets_dropped += 1;
            return;
        }
        let frame = Fragments::of(&Frame::Packet {
            hops_left: hops_left.saturating_sub(1),
            flooded,
            wire: record.wire.as_slice().into(),
        });
        for link in links {
            cx.transmit(link, &frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        context::test::{identity, peer},
        io::Output,
    };
    use shared::MessageId;

    fn receipt(number: u8) -> Payload {
        let id = MessageId::from_bytes([number; 16]);
        Payload::Receipt { id }
    }

    /// Linked with the people 2 and 3 over links of the same numbers.
    fn neighbors() -> Neighbors {
        let mut neighbors = Neighbors::default();
        neighbors.up(LinkId(2), peer(2), false);
        neighbors.up(LinkId(3), peer(3), false);
        neighbors
    }

    /// Over which links packets went out, and whether flooded.
    fn sent(cx: &mut Context) -> Vec<(u64, bool)> {
        let sent = |output| {
            let Output::Transmit { link, bytes } = output else {
                panic!("{output:?}");
            };
            match Frame::decode(&bytes[1..]) {
                Ok(Frame::Packet { flooded, .. }) => (link.0, flooded),
                other => panic!("{other:?}"),
            }
        };
        cx.outputs().into_iter().map(sent).collect()
    }

    #[test]
    fn the_link_of_the_newest_record_is_the_next_hop() {
        let (mut routing, mut neighbors) = (Routing::new([1; 32]), neighbors());
        routing.learn(peer(9), LinkId(3));
        routing.learn(peer(9), LinkId(2));
        assert_eq!(routing.next_hop(&neighbors, &peer(9)), Some(LinkId(2)));
        neighbors.down(LinkId(2));
        assert_eq!(routing.next_hop(&neighbors, &peer(9)), None, "the link is over");
    }

    #[test]
    fn a_packet_is_handed_on_once_each_way() {
        let mut routing = Routing::new([1; 32]);
        routing.note_handed_on(ShortId(7), Forwarding::Learned);
        assert!(routing.was_handed_on(ShortId(7), Forwarding::Learned));
        assert!(!routing.was_handed_on(ShortId(7), Forwarding::Flooded));
    }

    #[test]
    fn a_packet_goes_straight_else_along_the_next_hop_else_to_everyone() {
        let (mut cx, neighbors) = (Context::test(1), neighbors());
        let mut routing = Routing::new([1; 32]);
        routing.send(&mut cx, &neighbors, peer(3), receipt(1), Forwarding::Learned);
        assert_eq!(sent(&mut cx), [(3, false)]);
        routing.learn(peer(9), LinkId(2));
        routing.send(&mut cx, &neighbors, peer(9), receipt(2), Forwarding::Learned);
        assert_eq!(sent(&mut cx), [(2, false)]);
        routing.send(&mut cx, &neighbors, peer(9), receipt(3), Forwarding::Flooded);
        assert_eq!(sent(&mut cx), [(2, true), (3, true)]);
        routing.send(&mut cx, &neighbors, peer(8), receipt(4), Forwarding::Learned);
        assert_eq!(sent(&mut cx), [(2, true), (3, true)], "no next hop is known");
    }

    #[test]
    fn a_packet_never_goes_back_nor_over_a_link_in_trouble_nor_too_far() {
        let (mut cx, mut neighbors) = (Context::test(1), neighbors());
        let mut routing = Routing::new([1; 32]);
        let (to, nonce) = (peer(9), 1);
        let packet = Packet {
            to,
            nonce,
            payload: receipt(1),
        };
        let record = Record::sign(&identity(2), &cx.room, packet);
        routing.pass_on(&mut cx, &neighbors, &record, 5, Forwarding::Flooded, LinkId(2));
        assert_eq!(sent(&mut cx), [(3, true)]);
        neighbors.set_trouble(LinkId(3), true);
        routing.pass_on(&mut cx, &neighbors, &record, 5, Forwarding::Flooded, LinkId(2));
        neighbors.set_trouble(LinkId(3), false);
        routing.pass_on(&mut cx, &neighbors, &record, 0, Forwarding::Flooded, LinkId(2));
        assert_eq!((sent(&mut cx), cx.counters.packets_dropped), (vec![], 2));
    }

    #[test]
    fn our_own_packets_have_a_rate() {
        let (mut cx, neighbors) = (Context::test(1), neighbors());
        let mut routing = Routing::new([1; 32]);
        for _ in 0..OWN_PACKETS_BURST + 1 {
            routing.send(&mut cx, &neighbors, peer(2), receipt(1), Forwarding::Learned);
        }
        assert_eq!(cx.counters.packets_dropped, 1);
    }
}
