//! What must hold after every step, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::{AHEAD_MAX, FRAGMENT_BYTES_MAX},
    io::{Output, millis},
    model::{Alert, Delivery, Event, Message},
    wire::{frame::Frame, timestamp::Timestamp},
};
use shared::{MessageId, PeerId, limits::LINKS_MAX};

use super::{Body, Simulation, Who, misbehave::Trait};

/// What was said and what was shown: the reference model.
#[derive(Default)]
pub(super) struct Ledger {
    said: BTreeMap<MessageId, Said>,
    /// In the order said.
    order: Vec<MessageId>,
    shown: BTreeMap<PeerId, BTreeMap<MessageId, Timestamp>>,
    /// What its author was told last: delivered to so many, of so many.
    told: BTreeMap<MessageId, (u32, u32)>,
    /// To whom else it was ever shown.
    readers: BTreeMap<MessageId, BTreeSet<PeerId>>,
    /// Breaches, where they are counted rather than asserted.
    breaches: Breaches,
}

struct Said {
    author: PeerId,
    to: Option<PeerId>,
    text: String,
    order: Timestamp,
    /// Whether its author deleted it.
    deleted: bool,
}

/// What must never happen, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Breaches {
    /// Messages shown twice to one person in one life.
    pub(crate) duplicated: u64,
    /// Messages shown that their author did not say so.
    pub(crate) forged: u64,
    /// Messages that come before what their author had read.
    pub(crate) disordered: u64,
    /// Nodes with more links than the most.
    pub(crate) overlinked: u64,
    /// Authors who were told that more people have a message than were shown it.
    pub(crate) untrue: u64,
    /// Honest people who were taken for misbehaving.
    pub(crate) blamed: u64,
}

impl Ledger {
    fn note_shown(&mut self, reader: PeerId, message: &Message) -> Breaches {
        let mut breaches = Breaches::default();
        let shown = self.shown.entry(reader).or_default();
        if message.own && !self.said.contains_key(&message.id) {
            // What a person says comes after everything that person was shown, but for what is dated far ahead.
            let due = |earlier: &Timestamp| earlier.unix_millis() <= message.order.unix_millis() + millis(AHEAD_MAX);
            let before = |earlier: &Timestamp| *earlier >= message.order && due(earlier);
            if message.whisper_to.is_none() && shown.values().any(before) {
                breaches.disordered += 1;
            }
            let said = Said {
                author: reader,
                to: message.whisper_to,
                text: message.text.clone(),
                order: message.order,
                deleted: false,
            };
            self.said.insert(message.id, said);
            self.order.push(message.id);
        }
        if !message.own {
            self.readers.entry(message.id).or_default().insert(reader);
        }
        if shown.insert(message.id, message.order).is_some() {
            breaches.duplicated += 1;
        }
        let genuine = self.said.get(&message.id).is_some_and(|said| {
            said.author == message.author
                && said.to == message.whisper_to
                && (said.text == message.text && !message.deleted || said.deleted && message.deleted)
                && said.order == message.order
                && said.to.is_none_or(|to| to == reader || message.own)
        });
        if !genuine || message.own != (message.author == reader) {
            breaches.forged += 1;
        }
        breaches
    }

    /// An author deletes what they said.
    pub(super) fn delete(&mut self, id: MessageId) {
        if let Some(said) = self.said.get_mut(&id) {
            said.deleted = true;
        }
    }

    /// A message that was shown to its author alone has another id and place.
    fn renumber(&mut self, author: PeerId, before: MessageId, id: MessageId, order: Timestamp) {
        if let Some(shown) = self.shown.get_mut(&author) {
            shown.remove(&before);
            shown.insert(id, order);
        }
        if let Some(said) = self.said.remove(&before) {
            self.said.insert(id, Said { order, ..said });
        }
        for known in self.order.iter_mut().filter(|known| **known == before) {
            *known = id;
        }
    }

    pub(super) fn forget_shown(&mut self, reader: PeerId) {
        self.shown.remove(&reader);
    }
}

/// How one message travels.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Who sent what a machine handles at the moment.
    pub(super) from: Option<Who>,
    message: Option<MessageId>,
    /// Over how many links it came to whom.
    hops: BTreeMap<Who, u32>,
    /// When it was shown to whoever got it last.
    pub(crate) last_millis: u64,
}

impl Trace {
    /// From now on, the next message that its author is shown.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }

    fn note(&mut self, who: Who, message: MessageId, millis: u64) {
        let known = *self.message.get_or_insert(message);
        if known != message || self.hops.contains_key(&who) {
            return;
        }
        let before = self.from.and_then(|from| self.hops.get(&from));
        self.hops.insert(who, before.map_or(0, |hops| hops + 1));
        self.last_millis = millis;
    }

    /// How many have it, its author included.
    pub(crate) fn count(&self) -> usize {
        self.hops.len()
    }

    /// The most links that it came over.
    pub(crate) fn hops_max(&self) -> u32 {
        self.hops.values().copied().max().unwrap_or(0)
    }
}

impl<B: Body> Simulation<B> {
    pub(super) fn check_output(&mut self, who: Who, output: &Output) {
        let machine = &self.machines[who];
        assert!(!self.strict || !machine.left, "{who} says after it left: {output:?}");
        match output {
            Output::Transmit { link, bytes } => {
                assert!(bytes.len() <= FRAGMENT_BYTES_MAX);
                if self.strict
                    && let Ok(Frame::Goodbye { .. } | Frame::GoodbyeAck {}) = Frame::decode(&bytes[1..])
                    && let Some(end) = self.machines[who].ends.get_mut(link)
                {
                    end.parting = true;
                }
            }
            Output::Event(Event::Delivery {
                id,
                delivery: Delivery::Sent { delivered, of },
            }) => {
                self.ledger.told.insert(*id, (*delivered, *of));
                self.check_delivery(who, *id, *delivered);
            }
            Output::Event(Event::Alert {
                alert: Alert::Misbehaving { peer } | Alert::Equivocated { peer },
            }) => {
                // In small worlds tests put words into the mouths of the honest.
                let mischief = machine.mischief.is_some() || self.misbehaves(peer);
                if !self.strict && !mischief {
                    self.ledger.breaches.blamed += 1;
                }
            }
            // What a machine that misbehaves is said to have said is no honest person's word.
            Output::Event(Event::Message { message }) if self.misbehaves(&message.author) => {}
            Output::Event(Event::Message { message }) => {
                let breaches = self.ledger.note_shown(machine.id, message);
                self.trace.note(who, message.id, self.millis);
                self.count(breaches, &format!("{who} is shown {message:?}"));
            }
            Output::Event(Event::Recalled { messages }) => {
                for message in messages {
                    let breaches = self.ledger.note_shown(self.machines[who].id, message);
                    self.count(breaches, &format!("{who} recalls {message:?}"));
                }
            }
            Output::Event(Event::Renumbered { before, id, order }) => {
                let author = machine.id;
                self.ledger.renumber(author, *before, *id, *order);
            }
            Output::ConnectServer { .. }
            | Output::DisconnectServer { .. }
            | Output::Signal { .. }
            | Output::Dial { .. }
            | Output::Accept { .. }
            | Output::RemoteAnswer { .. }
            | Output::RemoteCandidates { .. }
            | Output::RestartIce { .. }
            | Output::HangUp { .. }
            | Output::Store { .. }
            | Output::RememberClosed { .. }
            | Output::Nearby { .. }
            | Output::TransmitFile { .. }
            | Output::ReadPiece { .. }
            | Output::WritePiece { .. }
            | Output::ForgetFile { .. }
            | Output::Event(_) => {}
        }
    }

    /// Nobody is told that more have a message than were shown it.
    fn check_delivery(&mut self, who: Who, id: MessageId, delivered: u32) {
        let readers = self.ledger.readers.get(&id).into_iter().flatten();
        let readers = readers.filter(|reader| !self.misbehaves(reader)).count();
        // Those who misbehave may say what they like of themselves.
        let liars = self.machines.iter().filter(|machine| machine.mischief.is_some());
        if delivered as usize > readers + liars.count() {
            let untrue = Breaches {
                untrue: 1,
                ..Breaches::default()
            };
            self.count(untrue, &format!("{who} is told that {id:?} is with {delivered}"));
        }
    }

    /// In a small world a breach is the end; in a large one it is counted.
    fn count(&mut self, breaches: Breaches, what: &str) {
        if breaches == Breaches::default() {
            return;
        }
        assert!(!self.strict, "{breaches:?}: {what}");
        let sum = &mut self.ledger.breaches;
        sum.duplicated += breaches.duplicated;
        sum.forged += breaches.forged;
        sum.disordered += breaches.disordered;
        sum.overlinked += breaches.overlinked;
        sum.untrue += breaches.untrue;
    }

    fn misbehaves(&self, peer: &PeerId) -> bool {
        match self.by_id.get(peer) {
            Some(who) => self.machines[*who].mischief.is_some(),
            // Somebody made them up.
            None => self.has(Trait::FloodsAsAnother) || self.has(Trait::Fills),
        }
    }

    /// What its author was told last of a message: delivered to so many, of so many.
    pub(crate) fn told_of(&self, id: &MessageId) -> Option<(u32, u32)> {
        self.ledger.told.get(id).copied()
    }

    pub(crate) fn breaches(&self) -> Breaches {
        self.ledger.breaches
    }

    /// What was said to everyone, by those who do not misbehave now, in the order in which it was said.
    pub(crate) fn said_to_all(&self) -> Vec<MessageId> {
        let said = self.ledger.order.iter();
        let to_all = said.filter(|id| self.ledger.said[id].to.is_none());
        let honest = to_all.filter(|id| !self.misbehaves(&self.ledger.said[id].author));
        honest.copied().collect()
    }

    /// Whether this was shown to `who` in its present life.
    pub(crate) fn was_shown(&self, who: Who, id: &MessageId) -> bool {
        let shown = self.ledger.shown.get(&self.machines[who].id);
        shown.is_some_and(|shown| shown.contains_key(id))
    }

    /// How many messages were shown to `who` in its present life.
    pub(crate) fn shown_count(&self, who: Who) -> usize {
        self.ledger.shown.get(&self.machines[who].id).map_or(0, BTreeMap::len)
    }

    /// What was shown to `who` in its present life, in its order: that of the timestamps that `who` was told. Of two people who were shown
    /// the same it can only be the same; to test the order itself it is compared with what [`Simulation::said_to_all`] gives.
    pub(crate) fn order_of(&self, who: Who) -> Vec<MessageId> {
        let mut order: Vec<_> = match self.ledger.shown.get(&self.machines[who].id) {
            Some(shown) => shown.iter().map(|(id, order)| (*order, *id)).collect(),
            None => Vec::new(),
        };
        order.sort_unstable();
        order
            .into_iter()
            .map(|(_, id)| id)
            .filter(|id| self.ledger.said[id].to.is_none())
            .collect()
    }

    pub(super) fn check_node(&mut self, who: Who) {
        let machine = &self.machines[who];
        if !self.strict {
            if machine.body.node().linked().count() > LINKS_MAX {
                self.ledger.breaches.overlinked += 1;
            }
            return;
        }
        assert!(machine.body.node().linked().count() <= LINKS_MAX);
        let ends = machine.ends.values().filter(|end| !end.parting);
        let towards: BTreeSet<_> = ends.filter_map(|end| end.towards).collect();
        assert!(
            towards.len() <= LINKS_MAX,
            "{who} has links and attempts to {} peers",
            towards.len()
        );
        // At most one open link to a peer, and one attempt to replace it.
        for peer in towards {
            let ends: Vec<_> = machine.ends.values().filter(|end| end.towards == Some(peer)).collect();
            assert!(ends.len() <= 2, "{who} has {} links to {peer}", ends.len());
            assert!(
                ends.iter().filter(|end| end.open).count() <= 1,
                "{who} has two open links to {peer}"
            );
        }
        assert!(machine.ends.len() <= 2 * LINKS_MAX);
        assert!(!machine.left || machine.ends.is_empty(), "{who} left and kept links");
    }
}
