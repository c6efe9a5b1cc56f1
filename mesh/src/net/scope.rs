//! What the layers of the net are handed to work with, and what they say to each other through it.

use std::{collections::VecDeque, time::Duration};

use shared::{PeerId, SessionId};

use super::{contact::Via, peers::Peers};
use crate::{
    context::Context,
    door::{LinkState, Loss, ToRoom},
    wire::envelope::Body,
};

/// The node's context, the peers' table, and the way to the other layers and to the room.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) cx: &'a mut Context,
    pub(crate) peers: &'a mut Peers,
    pub(crate) out: &'a mut Events,
}

/// What one layer of the net says to the others. The [`Net`](super::Net) hands it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// For the room.
    ToRoom(ToRoom),
    /// A message of a link set-up has to be carried to a peer.
    Send {
        via: Via,
        to: PeerId,
        session: SessionId,
        body: Body,
    },
    /// An attempt failed, or its link could not be made.
    AttemptFailed { peer: PeerId },
    /// A link in use is closed: another may have to take its place.
    LinkEnded,
    /// A link was closed after its goodbye.
    ClosedInOrder { peer: PeerId },
    /// A link was lost, after this age.
    LinkLost { peer: PeerId, age: Duration, loss: Loss },
    /// A link needs another path.
    RestartIce { peer: PeerId },
    /// No link brings anything any more: rather our network than all of theirs.
    AllSilent,
    /// A peer has no slot for us.
    Refused { peer: PeerId },
    /// A peer ended the link, and is not to be tried again.
    Unwanted { peer: PeerId },
    /// A peer misbehaved, or speaks another version: nothing is accepted from it for a while.
    Shunned { peer: PeerId },
    /// A peer leaves and names its neighbors.
    LeftBehind { peer: PeerId, neighbors: Vec<PeerId> },
    /// A peer speaks a version that we do not.
    VersionRefused { peer: PeerId, theirs: u16 },
}

/// What is to be handed on, in order. The net empties it within every call.
#[derive(Debug, Default)]
pub(crate) struct Events(VecDeque<Event>);

impl Events {
    pub(crate) fn push(&mut self, event: Event) {
        self.0.push_back(event);
    }

    /// For the room.
    pub(crate) fn tell_room(&mut self, word: ToRoom) {
        self.push(Event::ToRoom(word));
    }

    /// Our link with someone stands differently.
    pub(crate) fn link_state(&mut self, peer: PeerId, state: LinkState) {
        self.tell_room(ToRoom::LinkState { peer, state });
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.0.pop_front()
    }
}
