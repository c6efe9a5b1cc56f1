//! A node of the model: a hub, and what a bus does for it, with everything that can go wrong on the way.

use std::time::Instant;

use signal::{
    bus::{Answer, Cause, Change, NodeId, Word},
    config::{Limits, Rate},
    hub::{Hub, IceServers, Now, Outbox, Output},
};

use crate::directory::Directory;

pub(crate) struct Node {
    pub(crate) hub: Hub,
    /// How the directory knows it, if it is connected.
    pub(crate) id: Option<NodeId>,
    before: Option<NodeId>,
    /// Words on their way here.
    pub(crate) inbox: Vec<Word>,
    /// What the directory was told, with its answers on their way here.
    asked: Vec<(Change, Answer)>,
    /// Words on their way to the directory.
    outgoing: Vec<signal::hub::Carried>,
    pub(crate) outputs: Vec<Output>,
}

/// What the hub of the model does depends on no year.
pub(crate) fn clock(instant: Instant) -> Now {
    Now {
        instant,
        unix_seconds: 0,
    }
}

impl Node {
    pub(crate) fn new(number: u8) -> Self {
        let hour = std::time::Duration::from_secs(3_600);
        let limits = Limits {
            socket_rate: Rate::Unlimited,
            address_rate: Rate::Unlimited,
            socket_bytes_rate: Rate::Unlimited,
            address_bytes_rate: Rate::Unlimited,
            registration_rate: Rate::Unlimited,
            heartbeat: hour,
            hello_timeout: hour,
            ..Limits::default()
        };
        let mut hub = Hub::new(limits, Vec::new(), IceServers::default(), [number; 32]);
        hub.expect_others([number; 32]);
        Self {
            hub,
            id: None,
            before: None,
            inbox: Vec::new(),
            asked: Vec::new(),
            outgoing: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Calls the hub; what is for clients waits in `outputs`.
    pub(crate) fn call<T>(&mut self, call: impl FnOnce(&mut Hub, &mut Outbox) -> T) -> T {
        let mut outbox = Outbox::default();
        let result = call(&mut self.hub, &mut outbox);
        for output in outbox.drain() {
            match output {
                Output::Carry(carried) => self.outgoing.push(*carried),
                output @ (Output::Send { .. } | Output::Relay { .. } | Output::Close { .. }) => {
                    self.outputs.push(output);
                }
            }
        }
        result
    }

    pub(crate) fn connect(&mut self, now: Instant, id: NodeId, directory: &mut Directory) {
        let nodes = directory.first_beat(now, id, self.before.replace(id));
        self.id = Some(id);
        self.inbox.clear();
        self.call(|hub, _| hub.handle_connected(clock(now), id, nodes));
    }

    pub(crate) fn cut_off(&mut self, now: Instant) {
        if self.id.take().is_some() {
            self.inbox.clear();
            self.asked.clear();
            self.call(|hub, outbox| hub.handle_cut_off(clock(now), outbox));
            self.give_back(Cause::Busy);
        }
    }

    fn give_back(&mut self, cause: Cause) {
        for carried in std::mem::take(&mut self.outgoing) {
            let sender = carried.sender.conn;
            self.call(|hub, outbox| hub.handle_not_carried(sender, &carried.word, cause, outbox));
        }
    }

    pub(crate) fn beat(&mut self, now: Instant, directory: &mut Directory) {
        if let Some(id) = self.id {
            let nodes = directory.beat(now, id);
            if nodes.contains(&id) {
                self.call(|hub, _| hub.handle_nodes(nodes));
            } else {
                self.cut_off(now);
            }
        }
    }

    /// Tells the directory of some rooms, or hands on its answers if there are any on their way; sends what is to be sent.
    pub(crate) fn tell(&mut self, now: Instant, directory: &mut Directory) {
        let Some(id) = self.id else {
            return self.give_back(Cause::Busy);
        };
        if self.asked.is_empty() {
            for change in self.call(|hub, _| hub.poll_changes(now, 2)) {
                let answer = directory.change(now, id, &change);
                self.asked.push((change, answer));
            }
        } else {
            for (change, answer) in std::mem::take(&mut self.asked) {
                self.call(|hub, outbox| hub.handle_answer(clock(now), id, &change, answer, outbox));
            }
        }
        for carried in std::mem::take(&mut self.outgoing) {
            if !directory.send(now, id, &carried.word) {
                let sender = carried.sender.conn;
                self.call(|hub, outbox| {
                    hub.handle_not_carried(sender, &carried.word, Cause::NotHere, outbox);
                });
            }
        }
    }

    /// Hands on the word at this place.
    pub(crate) fn hear(&mut self, now: Instant, index: usize) {
        let word = self.inbox.swap_remove(index);
        self.call(|hub, outbox| hub.handle_word(clock(now), word, outbox));
    }

    pub(crate) fn has_work(&self) -> bool {
        self.id.is_some()
            && (self.hub.has_changes() || !self.outgoing.is_empty() || !self.inbox.is_empty() || !self.asked.is_empty())
    }
}
