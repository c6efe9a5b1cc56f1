//! What tests and reports ask of a world.

use std::hash::Hasher;

use shared::{Identity, MessageId, PeerId, Room};

use super::{Body, START_MILLIS, Simulation, Who};
use crate::{
    Node,
    model::{Alert, Delivery, Event, Message, PersonState, ServerState},
};

impl<B: Body> Simulation<B> {
    pub(crate) fn id(&self, who: Who) -> PeerId {
        self.machines[who].id
    }

    pub(crate) fn identity(&self, who: Who) -> Identity {
        self.machines[who].identity.clone()
    }

    pub(crate) fn room(&self) -> Room {
        self.room.clone()
    }

    pub(crate) fn millis(&self) -> u64 {
        self.millis
    }

    /// What `who` makes of `of`.
    pub(crate) fn state(&self, who: Who, of: Who) -> Option<PersonState> {
        Some(self.machines[who].people.get(&self.machines[of].id)?.state)
    }

    pub(crate) fn node(&self, who: Who) -> &Node {
        self.machines[who].body.node()
    }

    /// The states of `of` that `who` was shown since `since`, in order, repetitions left out.
    pub(crate) fn states_since(&self, who: Who, of: Who, since: u64) -> Vec<PersonState> {
        let id = self.machines[of].id;
        let mut states: Vec<_> = self.machines[who]
            .events
            .iter()
            .filter_map(|(at, event)| match event {
                Event::Person { person } if *at >= since && person.peer == id => Some(person.state),
                _ => None,
            })
            .collect();
        states.dedup();
        states
    }

    pub(crate) fn messages(&self, who: Who) -> Vec<Message> {
        let shown = |(_, event): &(u64, Event)| match event {
            Event::Message { message } => vec![message.clone()],
            Event::Recalled { messages } => messages.clone(),
            _ => Vec::new(),
        };
        self.machines[who].events.iter().flat_map(shown).collect()
    }

    /// The texts of others, in the order shown.
    pub(crate) fn heard(&self, who: Who) -> Vec<String> {
        let others = self.messages(who).into_iter().filter(|message| !message.own);
        others.map(|message| message.text).collect()
    }

    pub(crate) fn has_heard(&self, who: Who, text: &str) -> bool {
        self.heard(who).iter().any(|heard| heard == text)
    }

    pub(crate) fn deliveries(&self, who: Who, id: MessageId) -> Vec<Delivery> {
        let deliveries = self.machines[who].events.iter().filter_map(|(_, event)| match event {
            Event::Delivery { id: of, delivery } if *of == id => Some(*delivery),
            _ => None,
        });
        deliveries.collect()
    }

    pub(crate) fn delivery(&self, who: Who, id: MessageId) -> Delivery {
        *self.deliveries(who, id).last().unwrap()
    }

    pub(crate) fn alerts(&self, who: Who) -> Vec<Alert> {
        let alerts = self.machines[who].events.iter().filter_map(|(_, event)| match event {
            Event::Alert { alert } => Some(alert.clone()),
            _ => None,
        });
        alerts.collect()
    }

    pub(crate) fn server_state(&self, who: Who, server: u8) -> Option<ServerState> {
        let events = self.machines[who].events.iter().rev();
        events
            .filter_map(|(_, event)| match event {
                Event::Server { server: of, state } if of.0 == server => Some(state.clone()),
                _ => None,
            })
            .next()
    }

    pub(crate) fn is_registered(&self, who: Who, server: u8) -> bool {
        matches!(self.server_state(who, server), Some(ServerState::Registered { .. }))
    }

    pub(crate) fn has_left(&self, who: Who) -> bool {
        self.machines[who].left
    }

    /// Whether both see each other here and have a link that carries messages.
    pub(crate) fn linked(&self, one: Who, other: Who) -> bool {
        let sees = |who: Who, of: Who| {
            self.machines[who].alive
                && self.state(who, of) == Some(PersonState::Here)
                && self.machines[who]
                    .body
                    .node()
                    .linked()
                    .any(|peer| peer == self.machines[of].id)
        };
        sees(one, other) && sees(other, one)
    }

    pub(crate) fn all_linked(&self, who: &[Who]) -> bool {
        who.iter()
            .all(|one| who.iter().all(|other| one == other || self.linked(*one, *other)))
    }

    /// The texts said to everyone that `who` was shown in this life, its own too, as they are listed.
    pub(crate) fn listed(&self, who: Who) -> Vec<String> {
        let mut messages = self.messages(who);
        messages.retain(|message| message.whisper_to.is_none());
        messages.sort_by_key(|message| (message.order, message.id));
        messages.into_iter().map(|message| message.text).collect()
    }

    /// Whether each of `who` sees each other one here, linked or not.
    pub(crate) fn all_here(&self, who: &[Who]) -> bool {
        let here = |one: Who, other: Who| one == other || self.state(one, other) == Some(PersonState::Here);
        who.iter().all(|one| who.iter().all(|other| here(*one, *other)))
    }

    /// A number that differs if anything that came out of a node did.
    pub(crate) fn transcript(&self) -> u64 {
        self.transcript.finish()
    }

    /// Who has this id.
    pub(crate) fn who(&self, id: &PeerId) -> Option<Who> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn is_up(&self, who: Who) -> bool {
        let machine = &self.machines[who];
        machine.alive && !machine.asleep && !machine.left
    }

    /// For the message of a failed test.
    pub(super) fn picture(&self) -> String {
        let mut lines = Vec::new();
        for (who, machine) in self.machines.iter().enumerate() {
            lines.push(format!(
                "{who} {} {} alive={} links={} ends={:?} {:?}",
                machine.name,
                machine.id,
                machine.alive,
                machine.body.node().linked().count(),
                machine.ends.keys().collect::<Vec<_>>(),
                machine.body.node().counters(),
            ));
            for person in machine.people.values() {
                lines.push(format!("    {} {:?} {:?}", person.peer, person.name, person.state));
            }
            for (at, event) in machine.events.iter().rev().take(12).rev() {
                let text = format!("{event:?}");
                lines.push(format!("    {:>8} {:.160}", at - START_MILLIS, text));
            }
        }
        lines.join("\n")
    }
}
