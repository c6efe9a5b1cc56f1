//! What arrives on links. Every frame is checked before anything comes of it; an invalid one is a strike against its peer.

use shared::{MessageId, PeerId, signal::PROTOCOL_VERSION};

use super::{Node, Phase, shown};
use crate::{
    frame::{DecodeError, Frame, GoodbyeReason, Hello, Said, Signed, open_whisper, valid_name},
    io::{Alert, Event, LinkId, Output, PersonState},
    roster::NameNews,
};

impl Node {
    /// Takes a packet of a link's control lane.
    pub(super) fn handle_packet(&mut self, id: LinkId, bytes: &[u8]) {
        let now = self.now.instant;
        let Some(link) = self.links.get_mut(&id) else { return };
        link.handle_heard(now);
        let frame = match link.reassembly.push(bytes) {
            Ok(Some(frame)) => frame,
            Ok(None) => return,
            Err(_) => return self.strike(id),
        };
        match Frame::decode(&frame) {
            Ok(frame) => self.on_frame(id, frame),
            Err(DecodeError::Unknown) => self.counters.frames_unknown += 1,
            Err(_) => self.strike(id),
        }
    }

    fn on_frame(&mut self, id: LinkId, frame: Frame) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let (peer, greeted, closing) = (link.peer(), link.name.is_some(), link.closing.is_some());
        match frame {
            Frame::GoodbyeAck {} if closing => self.hang_up(id),
            Frame::Goodbye { reason } => self.on_goodbye(id, peer, reason),
            // After a goodbye, nothing else counts: what was said before it came before it.
            _ if closing => {}
            // Once: a second one could change names, and screens, without end.
            Frame::Hello(hello) if !greeted => self.on_hello(id, peer, hello),
            Frame::Hello(_) => self.strike(id),
            _ if !greeted => self.strike(id),
            Frame::Ping { nonce } => self.transmit(id, &Frame::Pong { nonce }.encode()),
            Frame::Pong { nonce } => {
                if link.on_pong(self.now.instant, nonce) {
                    let (round_trip, mut events) = (link.round_trip(), Vec::new());
                    self.roster.set_round_trip(peer, round_trip, &mut events);
                    self.emit_all(events);
                }
            }
            Frame::Chat(signed) => {
                let said = self.open_chat(peer, &signed);
                self.on_said(id, peer, said);
            }
            Frame::Whisper { sealed } => {
                let opened = open_whisper(&self.identity, &self.room, &sealed);
                // Nothing is forwarded yet, so a whisper's author is the peer it came from.
                let said = opened.and_then(|(author, said)| {
                    if author == peer {
                        Ok(said)
                    } else {
                        Err(DecodeError::Forged)
                    }
                });
                self.on_said(id, peer, said);
            }
            Frame::Ack { id } => self.on_ack(peer, id),
            Frame::GoodbyeAck {} => self.strike(id),
        }
    }

    fn on_hello(&mut self, id: LinkId, peer: PeerId, hello: Hello) {
        if hello.version != PROTOCOL_VERSION {
            self.refuse_version(peer, hello.version);
            self.say_goodbye(id, GoodbyeReason::Version);
            self.set_state(peer, PersonState::Gone);
            return self.shun(peer);
        }
        if !valid_name(&hello.name) {
            return self.strike(id);
        }
        let Some(link) = self.links.get_mut(&id) else { return };
        link.name = Some(hello.name.clone());
        let in_trouble = link.is_in_trouble();
        self.accept_version(peer);
        // Listed before named, should they have been forgotten while the link was made.
        self.set_state(peer, PersonState::Connecting);
        let mut events = Vec::new();
        let news = self.roster.set_name(peer, &hello.name, &mut events);
        self.emit_all(events);
        self.set_state(
            peer,
            if in_trouble {
                PersonState::Reconnecting
            } else {
                PersonState::Here
            },
        );
        if news == NameNews::New {
            self.outbox.push_back(Output::RememberName { peer, name: hello.name });
        }
        for frame in self.chat.frames_for(peer) {
            self.transmit(id, &frame);
        }
    }

    fn open_chat(&self, peer: PeerId, signed: &Signed) -> Result<Said, DecodeError> {
        // Nothing is forwarded yet, so a message's author is the peer it came from.
        if signed.author != peer {
            return Err(DecodeError::Forged);
        }
        signed.open(&self.room, None)
    }

    fn on_said(&mut self, link: LinkId, author: PeerId, said: Result<Said, DecodeError>) {
        let Ok(said) = said else { return self.strike(link) };
        // Acknowledged also when it came before: the first acknowledgement may be lost.
        self.transmit(link, &Frame::Ack { id: said.id }.encode());
        if self.chat.hear(author, said.id) {
            self.emit(Event::Message {
                message: shown(self.me, said, author),
            });
        } else {
            self.counters.messages_repeated += 1;
        }
    }

    fn on_ack(&mut self, peer: PeerId, id: MessageId) {
        if let Some((id, delivery)) = self.chat.on_ack(self.now.instant, peer, id, &self.config.timing) {
            self.emit(Event::Delivery { id, delivery });
        }
    }

    fn on_goodbye(&mut self, id: LinkId, peer: PeerId, reason: GoodbyeReason) {
        self.transmit(id, &Frame::GoodbyeAck {}.encode());
        if self.phase != Phase::Here {
            // Both are leaving.
            return self.hang_up(id);
        }
        let until = self.now.instant + self.config.timing.linger;
        if let Some(link) = self.links.get_mut(&id) {
            // Not put off by a second goodbye.
            link.closing.get_or_insert(until);
        }
        match reason {
            GoodbyeReason::Leaving => {
                self.set_state(peer, PersonState::Left);
                self.unwant(peer);
            }
            GoodbyeReason::Misbehaving | GoodbyeReason::Version => {
                self.set_state(peer, PersonState::Gone);
                self.unwant(peer);
            }
            // Their newer link is about to open here too; if not, the end of this one is noticed.
            GoodbyeReason::Replaced => {}
        }
    }

    /// The peer sent what it should not; too often, and the link is closed with that reason.
    fn strike(&mut self, id: LinkId) {
        self.counters.frames_refused += 1;
        let Some(link) = self.links.get_mut(&id) else { return };
        let peer = link.peer();
        if link.closing.is_none() && link.strike() {
            self.say_goodbye(id, GoodbyeReason::Misbehaving);
            self.set_state(peer, PersonState::Gone);
            self.shun(peer);
            self.alert(Alert::Misbehaving { peer });
        }
    }
}
