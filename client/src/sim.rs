//! A person's program on a machine of the simulator, which is its platform.

use std::collections::{BTreeSet, VecDeque};

use mesh::{
    Node, NodeConfig,
    io::{Change, Input, Instant, Now, Output, Priority, ServerId},
    model::{CloseError, Invitation, InvitationError, Retention, SendError, Vanish},
    sim::Body,
};
use shared::{Identity, MessageId, PeerId, Room};

use crate::{
    core::{Core, Request, Step},
    store::{StoreError, StoredRecord},
};

/// A [`Core`] whose requests are given back as what the node asked for.
#[derive(Debug)]
pub struct SimulatedClient {
    core: Core,
    /// The servers with an open socket: one that broke needs no closing.
    sockets: BTreeSet<ServerId>,
    /// What the simulator is to store next, and how much it was given to store, ever.
    changes: VecDeque<Change>,
    written: u64,
}

impl SimulatedClient {
    /// The program.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// What the simulator has to do for a request, if anything.
    fn on_request(&mut self, request: Request) -> Option<Output> {
        Some(match request {
            Request::OpenSocket { server, address } => {
                self.sockets.insert(server);
                Output::ConnectServer { server, address }
            }
            Request::CloseSocket { server } => {
                self.sockets.take(&server)?;
                Output::DisconnectServer { server }
            }
            Request::Signal { server, request } => Output::Signal { server, request },
            Request::Connect {
                link,
                ice_servers,
                step: Step::Accept { sdp },
            } => Output::Accept { link, ice_servers, sdp },
            Request::Connect { link, ice_servers, .. } => Output::Dial { link, ice_servers },
            Request::Step { link, step } => match step {
                Step::Servers { .. } => return None,
                Step::Offer | Step::Restart => Output::RestartIce {
                    link,
                    ice_servers: Vec::new(),
                },
                Step::Accept { sdp } => Output::Accept {
                    link,
                    ice_servers: Vec::new(),
                    sdp,
                },
                Step::Answer { sdp } => Output::RemoteAnswer { link, sdp },
                Step::Candidates { candidates } => Output::RemoteCandidates { link, candidates },
            },
            Request::Transmit { link, bytes } => Output::Transmit { link, bytes },
            Request::TransmitFile { link, bytes } => Output::TransmitFile { link, bytes },
            Request::ReadPiece { root, piece } => Output::ReadPiece { root, piece },
            Request::WritePiece { root, piece, bytes } => Output::WritePiece { root, piece, bytes },
            Request::ForgetFile { root } => Output::ForgetFile { root },
            Request::HangUp { link } => Output::HangUp { link },
            Request::Nearby { bytes } => Output::Nearby { bytes },
            Request::Write { changes, .. } => {
                self.written += changes.len() as u64;
                self.changes.extend(changes);
                return None;
            }
            Request::RememberClosed { statement } => Output::RememberClosed { statement },
            Request::Drop { .. } | Request::Show { .. } => return None,
        })
    }
}

impl Body for SimulatedClient {
    fn start(identity: Identity, room: Room, config: NodeConfig, seed: [u8; 32], now: Now) -> Self {
        Self {
            core: Core::new(identity, room, config, seed, now),
            sockets: BTreeSet::new(),
            changes: VecDeque::new(),
            written: 0,
        }
    }

    fn restore(&mut self, now: Now, records: Vec<(Vec<u8>, Vec<u8>)>) {
        let records = records.into_iter().map(|(key, value)| StoredRecord { key, value });
        self.core.restore(now, records.collect());
    }

    fn node(&self) -> &Node {
        self.core.node()
    }

    fn handle_input(&mut self, now: Now, input: Input) {
        if let Input::ServerDown { server, .. } = &input {
            self.sockets.remove(server);
        }
        if let Input::Stored { changes } = &input {
            if *changes == self.written {
                self.core.handle_written(now, Ok(()));
            }
        } else if input == Input::NotStored {
            self.core.handle_written(now, Err(StoreError::Full));
        } else {
            self.core.handle_input(now, input);
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        self.core.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        loop {
            if let Some(change) = self.changes.pop_front() {
                let priority = Priority::AtOnce;
                return Some(Output::Store { change, priority });
            }
            if let Some(event) = self.core.poll_event() {
                return Some(Output::Event(event));
            }
            let Some(request) = self.core.poll_output() else {
                return self.core.poll_event().map(Output::Event);
            };
            if let Some(output) = self.on_request(request) {
                return Some(output);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.core.poll_timeout()
    }

    fn say(&mut self, now: Now, text: &str) -> Result<MessageId, SendError> {
        self.core.say(now, text)
    }

    fn edit(&mut self, now: Now, of: MessageId, text: &str) -> Result<(), SendError> {
        self.core.edit(now, of, text)
    }

    fn delete(&mut self, now: Now, of: MessageId) -> Result<(), SendError> {
        self.core.delete(now, of)
    }

    fn react(&mut self, now: Now, to: MessageId, emoji: Vec<String>) -> Result<(), SendError> {
        emoji.iter().try_for_each(|emoji| self.core.react(now, to, emoji))
    }

    fn whisper(&mut self, now: Now, to: PeerId, text: &str) -> Result<MessageId, SendError> {
        self.core.whisper(now, to, text)
    }

    fn invite(&mut self, now: Now) -> Result<(), InvitationError> {
        self.core.invite(now)
    }

    fn take_invitation(&mut self, now: Now, text: &str) -> Result<Invitation, InvitationError> {
        self.core.take_invitation(now, text)
    }

    fn name_room(&mut self, now: Now, name: &str) -> Result<(), SendError> {
        self.core.name_room(now, name)
    }

    fn set_topic(&mut self, now: Now, topic: &str) -> Result<(), SendError> {
        self.core.set_topic(now, topic)
    }

    fn note_typing(&mut self, now: Now) {
        self.core.note_typing(now);
    }

    fn set_pins(&mut self, now: Now, ids: Vec<MessageId>) -> Result<(), SendError> {
        self.core.set_pins(now, ids)
    }

    fn set_vanish(&mut self, now: Now, after: Vanish) -> Result<(), SendError> {
        self.core.set_vanish(now, after)
    }

    fn set_retention(&mut self, now: Now, keep: Retention) {
        self.core.set_retention(now, keep);
    }

    fn rename(&mut self, now: Now, name: &str) {
        self.core.rename(now, name.to_owned());
    }

    fn close_room(&mut self, now: Now) -> Result<(), CloseError> {
        self.core.close_room(now)
    }

    fn leave(&mut self, now: Now) {
        self.core.leave(now);
    }
}

#[cfg(test)]
mod tests {
    use mesh::sim::{LinkDigest, Scenario, run, run_bodies};

    use super::*;

    #[test]
    fn whole_programs_keep_what_is_promised_and_say_on_every_link_what_bare_nodes_say() {
        for scenario in [Scenario::Churn, Scenario::Partition, Scenario::Sleeper] {
            for seed in 1..3 {
                let report = run_bodies::<SimulatedClient>(scenario, 12, seed, LinkDigest::Taken);
                assert_eq!(report.broken, [], "{scenario:?}, seed {seed}");
                let nodes = run(scenario, 12, seed, LinkDigest::Taken);
                assert_eq!(report.digest, nodes.digest, "{scenario:?}, seed {seed}");
            }
        }
    }
}
