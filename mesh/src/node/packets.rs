//! What is for one peer alone and carried by others: whispers and their receipts, and the setting up of links.

use std::rc::Rc;

use rand_core::Rng;
use shared::{MessageId, PeerId};

use super::{Node, Phase, shown_whisper, signalling::Via};
use crate::{
    frame::{Frame, open_whisper},
    io::{Event, LinkId},
    link::Link,
    record::{Cargo, Packet, Record, Unchecked},
    route::{HOPS_MAX, Way},
};

impl Node {
    /// Sends something to a peer, by a link of ours or through others.
    pub(super) fn send_packet(&mut self, to: PeerId, cargo: Cargo, way: Way) {
        // Others can make us answer, but not more than our neighbors bear with. Who misses the answer asks again.
        if !self.packets.take(self.now.instant) {
            self.counters.packets_dropped += 1;
            return;
        }
        let nonce = self.random.routing.next_u64();
        let record = Record::sign(&self.identity, &self.room, Packet { to, nonce, cargo });
        self.routes.hand_on(record.short(), way);
        self.hand_on(&record, HOPS_MAX, way, None);
    }

    /// Hands a packet on: straight to its recipient, else to the next hop, else to everyone.
    fn hand_on(&mut self, record: &Rc<Record<Packet>>, hops_left: u8, way: Way, from: Option<LinkId>) {
        let carries = |id: &LinkId| {
            let link = self.links.get(id);
            Some(*id) != from && link.is_some_and(|link| link.is_usable() && !link.is_in_trouble())
        };
        let to = &record.content.to;
        let direct = self.usable_link(to).filter(carries);
        let learned = self.routes.next_hop(to).filter(|_| way == Way::Learned).filter(carries);
        let (way, links) = match direct.or(learned) {
            Some(link) => (way, vec![link]),
            None => {
                let links = self.usable_links().map(Link::id).filter(carries).collect();
                (Way::Flooded, links)
            }
        };
        if way == Way::Flooded {
            self.routes.hand_on(record.short(), way);
        }
        if links.is_empty() {
            self.counters.packets_dropped += 1;
        }
        for link in links {
            let frame = Frame::Packet {
                hops_left: hops_left.saturating_sub(1),
                flooded: way == Way::Flooded,
                wire: record.wire.clone().into(),
            };
            self.send(link, &frame);
        }
    }

    /// A packet came, for us or for another.
    pub(super) fn on_packet(&mut self, link: LinkId, hops_left: u8, flooded: bool, wire: &[u8]) {
        let way = if flooded { Way::Flooded } else { Way::Learned };
        let Ok(unchecked) = Unchecked::read(wire) else {
            return self.strike(link);
        };
        let id = unchecked.short();
        if self.routes.was_handed_on(id, way) {
            return;
        }
        let Some(record) = self.open_record::<Packet>(link, &unchecked) else {
            return;
        };
        // Only now that it is proven: else a forgery would keep the true one out.
        self.routes.hand_on(id, way);
        if record.author == self.me {
            return;
        }
        self.routes.learn(record.author, link);
        if record.content.to == self.me {
            self.on_cargo(record.author, &record.content.cargo);
        } else if hops_left > 0 {
            self.hand_on(&record, hops_left.min(HOPS_MAX), way, Some(link));
        } else {
            self.counters.packets_dropped += 1;
        }
    }

    fn on_cargo(&mut self, author: PeerId, cargo: &Cargo) {
        if self.phase != Phase::Here {
            return;
        }
        match cargo {
            Cargo::Envelope { payload } => self.on_payload(Via::Mesh, payload),
            Cargo::Whisper { sealed } => self.on_whisper(author, sealed),
            Cargo::Receipt { id } => self.on_receipt(author, *id),
        }
    }

    fn on_whisper(&mut self, from: PeerId, sealed: &[u8]) {
        // Who sends another's whisper on has taken it out of its box: the author did not mean that.
        let opened = open_whisper(&self.identity, &self.room, sealed);
        let Some((author, whisper)) = opened.ok().filter(|(author, _)| *author == from) else {
            self.counters.frames_refused += 1;
            return;
        };
        let id = whisper.id;
        // A receipt also when it came before: the first may be lost.
        self.send_packet(author, Cargo::Receipt { id }, Way::Learned);
        if self.chat.hear(author, id) {
            self.clock.observe(whisper.order, self.now.unix_millis);
            self.emit(Event::Message {
                message: shown_whisper(self.me, whisper, author),
            });
        }
    }

    fn on_receipt(&mut self, author: PeerId, id: MessageId) {
        if let Some((id, delivery)) = self.chat.on_receipt(author, id) {
            self.emit(Event::Delivery { id, delivery });
        }
    }
}
