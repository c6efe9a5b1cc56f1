//! What must hold after every step, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use mesh::{
    fragment::PACKET_BYTES_MAX,
    io::{Event, Message, Output},
};
use shared::{MessageId, PeerId, limits::LINKS_MAX};

use super::{Who, World};

/// What was said and what was shown.
#[derive(Default)]
pub(super) struct Ledger {
    said: BTreeMap<MessageId, (PeerId, Option<PeerId>, String)>,
    shown: BTreeMap<PeerId, BTreeSet<(PeerId, MessageId)>>,
}

impl Ledger {
    pub(super) fn note_said(&mut self, author: PeerId, id: MessageId, to: Option<PeerId>, text: &str) {
        self.said.insert(id, (author, to, text.to_owned()));
    }

    pub(super) fn forget_shown(&mut self, reader: PeerId) {
        self.shown.remove(&reader);
    }

    fn check_shown(&mut self, reader: PeerId, message: &Message) {
        let fresh = self
            .shown
            .entry(reader)
            .or_default()
            .insert((message.author, message.id));
        assert!(fresh, "shown twice: {message:?}");
        assert_eq!(message.own, message.author == reader);
        if !message.own {
            let (author, to, text) = self.said.get(&message.id).expect("a message that nobody said is shown");
            assert_eq!(
                (author, to, text),
                (&message.author, &message.whisper_to, &message.text)
            );
            assert!(to.is_none_or(|to| to == reader), "a whisper to another is shown");
        }
    }
}

impl World {
    pub(super) fn check_output(&mut self, who: Who, output: &Output) {
        let machine = &self.machines[who];
        assert!(!machine.left, "{who} says after it left: {output:?}");
        match output {
            Output::Transmit { bytes, .. } => assert!(bytes.len() <= PACKET_BYTES_MAX),
            Output::Event(Event::Message { message }) => self.ledger.check_shown(machine.id, message),
            Output::ConnectServer { .. }
            | Output::DisconnectServer { .. }
            | Output::Signal { .. }
            | Output::Dial { .. }
            | Output::Accept { .. }
            | Output::RemoteAnswer { .. }
            | Output::RemoteCandidates { .. }
            | Output::RestartIce { .. }
            | Output::HangUp { .. }
            | Output::RememberName { .. }
            | Output::Event(_) => {}
        }
    }

    pub(super) fn check_node(&self, who: Who) {
        let machine = &self.machines[who];
        assert!(machine.node.linked().count() <= LINKS_MAX);
        let towards: BTreeSet<_> = machine.ends.values().filter_map(|end| end.towards).collect();
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
