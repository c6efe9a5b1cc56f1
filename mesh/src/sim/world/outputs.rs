//! What becomes of what comes out of a node.

use std::hash::Hash;

use super::{Body, Happening, Simulation, Who};
use crate::io::{Input, Output};
use crate::model::Event;

impl<B: Body> Simulation<B> {
    pub(super) fn on_output(&mut self, who: Who, output: Output) {
        match output {
            Output::ConnectServer { server, .. } => self.open_socket(who, server),
            Output::DisconnectServer { server } => self.close_socket(who, server),
            Output::Signal { server, request } => self.send_to_server(who, server, request),
            Output::Dial { link, .. } => self.dial(who, link),
            Output::Accept { link, sdp, .. } => self.accept(who, link, &sdp),
            Output::RemoteAnswer { link, sdp } => self.remote_description(who, link, &sdp),
            Output::RemoteCandidates { link, candidates } => self.remote_candidates(who, link, candidates.len()),
            Output::RestartIce { link, .. } => self.describe(who, link),
            Output::Transmit { link, bytes } => self.transmit_as(who, link, bytes),
            Output::HangUp { link } => self.close_end(who, link),
            Output::Store { change, .. } => self.store(who, change),
            Output::RememberClosed { statement } => self.machines[who].closed = Some(statement),
            Output::TransmitFile { link, bytes } => self.transmit_file(who, link, bytes),
            Output::ReadPiece { root, piece } => self.read_piece(who, root, piece),
            Output::WritePiece { root, piece, bytes } => self.write_piece(who, root, piece, bytes),
            Output::ForgetFile { root } => self.forget_file(who, root),
            Output::Nearby { bytes } => self.tell_nearby(who, &bytes),
            Output::Event(event) => self.on_event(who, event),
        }
    }

    /// Every other tab hears what one says, if they are tabs of one browser.
    fn tell_nearby(&mut self, from: Who, bytes: &[u8]) {
        if !self.nearby {
            return;
        }
        for who in (0..self.machines.len()).filter(|who| *who != from) {
            let (life, input) = (self.machines[who].life, Input::Nearby { bytes: bytes.to_vec() });
            let after = self.chance(from, 1, 5);
            self.schedule(after, Happening::Input { from, who, life, input });
        }
    }

    fn on_event(&mut self, who: Who, event: Event) {
        let machine = &mut self.machines[who];
        match &event {
            Event::Person { person } if self.strict => {
                machine.people.insert(person.peer, person.clone());
            }
            Event::Person { .. } => {}
            Event::PersonForgotten { peer } => {
                machine.people.remove(peer);
            }
            Event::Left => machine.left = true,
            Event::Message { .. }
            | Event::Recalled { .. }
            | Event::Annotated { .. }
            | Event::Deleted { .. }
            | Event::Renumbered { .. }
            | Event::Delivery { .. }
            | Event::File { .. }
            | Event::Server { .. }
            | Event::Alert { .. }
            | Event::Invitation { .. }
            | Event::InvitationAnswer { .. }
            | Event::RoomNamed { .. }
            | Event::Topic { .. }
            | Event::Typing { .. }
            | Event::Pinned { .. }
            | Event::CatchingUp { .. }
            | Event::Vanishing { .. }
            | Event::Retention { .. }
            | Event::Dropped { .. }
            | Event::RoomClosed => {}
        }
        let kept = self.strict || matches!(event, Event::Invitation { .. } | Event::InvitationAnswer { .. });
        if kept {
            self.machines[who].events.push((self.millis, event));
        }
    }

    pub(super) fn hash_output(&mut self, who: Who, output: &Output) {
        (who, self.millis).hash(&mut self.transcript);
        match output {
            Output::Transmit { link, bytes } | Output::TransmitFile { link, bytes } => {
                (link, bytes).hash(&mut self.transcript)
            }
            Output::WritePiece { root, piece, bytes } => (root, piece, bytes).hash(&mut self.transcript),
            other => format!("{other:?}").hash(&mut self.transcript),
        }
    }
}
