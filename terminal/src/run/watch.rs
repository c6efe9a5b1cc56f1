//! Whether it is known who is there, and whether what was said has reached them.

use std::collections::BTreeMap;

use client::room::RoomState;
use mesh::model::{Network, PersonState, ServerState};
use shared::MessageId;

use super::Outcome;
use crate::report::{DeliveryReport, DeliveryState, Report};

/// Whether everybody is here of whom a server knows.
pub(super) fn has_settled(room: &RoomState) -> bool {
    let here = room.people.iter().filter(|person| person.state == PersonState::Here);
    let here = here.count() + 1;
    let known = room.servers.values().filter_map(|state| match state {
        ServerState::Registered { room_size } => Some(*room_size as usize),
        ServerState::Connecting | ServerState::Waiting { .. } | ServerState::Spare | ServerState::Stopped => None,
    });
    // A peer that listens is registered with itself long before anybody else answers.
    let is_asking = room.servers.values().any(|state| *state == ServerState::Connecting);
    let known = known.max().filter(|known| *known > 1 || !is_asking);
    known.is_some_and(|known| here >= known)
}

/// Whether everybody in the network is known to be linked with somebody.
pub(super) fn is_mapped(network: &Network) -> bool {
    let is_linked = |place: usize| {
        let mut ends = network.edges.iter().flat_map(|edge| [edge.one, edge.other]);
        ends.any(|end| end as usize == place)
    };
    network.nodes.len() < 2 || (0..network.nodes.len()).all(is_linked)
}

/// The messages that were said on this visit, and how far they got.
#[derive(Debug, Default)]
pub(super) struct Deliveries(BTreeMap<String, Option<DeliveryReport>>);

impl Deliveries {
    /// A message was said.
    pub(super) fn expect(&mut self, id: &str) {
        self.0.entry(id.to_owned()).or_default();
    }

    pub(super) fn note(&mut self, report: &Report) {
        if let Report::Renumbered { before, id } = report {
            if let Some(known) = self.0.remove(before) {
                self.0.insert(id.clone(), known);
            }
        } else if let Report::Delivery(delivery) = report
            && let Some(known) = self.0.get_mut(&delivery.id)
        {
            *known = Some(delivery.clone());
            // What has reached all is of no more interest.
            if delivery.is_complete() {
                self.0.remove(&delivery.id);
            }
        }
    }

    /// Whether nobody is waited for any more: all have everything, or have left.
    pub(super) fn are_over(&self, is_awaited: impl Fn(&MessageId) -> bool) -> bool {
        let is_over = |id: &String| id.parse().is_ok_and(|id| !is_awaited(&id));
        self.0.keys().all(is_over)
    }

    pub(super) fn outcome(&self) -> Outcome {
        let waits = |delivery: &Option<DeliveryReport>| {
            delivery.as_ref().is_none_or(|known| {
                known.state == DeliveryState::Waiting || known.of == 0 && known.state == DeliveryState::Sent
            })
        };
        if self.0.is_empty() {
            Outcome::Done
        } else if self.0.values().all(waits) {
            Outcome::NobodyThere
        } else {
            Outcome::NotDelivered
        }
    }
}

#[cfg(test)]
mod tests {
    use mesh::{io::ServerId, model::Person};
    use shared::PeerId;

    use super::*;

    fn delivery(id: &str, state: DeliveryState, delivered: u32, of: u32) -> Report {
        Report::Delivery(DeliveryReport {
            id: id.to_owned(),
            state,
            delivered,
            of,
            whispered: false,
        })
    }

    #[test]
    fn it_is_done_once_all_have_everything_also_under_another_id() {
        use DeliveryState::{Failed, Sent, Waiting};

        let [a, b, c, d, other] = [1, 2, 3, 4, 5].map(|byte| MessageId::from_bytes([byte; 16]).to_text());
        let mut deliveries = Deliveries::default();
        let is_over = |deliveries: &Deliveries| deliveries.are_over(|_| true);
        assert!(is_over(&deliveries));
        deliveries.expect(&a);
        deliveries.expect(&b);
        assert_eq!(deliveries.outcome(), Outcome::NobodyThere);
        deliveries.note(&delivery(&a, Waiting, 0, 0));
        deliveries.note(&delivery(&b, Sent, 1, 2));
        assert_eq!(deliveries.outcome(), Outcome::NotDelivered);
        deliveries.note(&Report::Renumbered {
            before: a,
            id: c.clone(),
        });
        deliveries.note(&delivery(&c, Sent, 2, 2));
        deliveries.note(&delivery(&other, Sent, 0, 2));
        assert!(!is_over(&deliveries));
        // Whoever does not have it has left.
        assert!(deliveries.are_over(|_| false));
        deliveries.note(&delivery(&b, Sent, 2, 2));
        assert_eq!((is_over(&deliveries), deliveries.outcome()), (true, Outcome::Done));
        deliveries.expect(&d);
        deliveries.note(&delivery(&d, Failed, 0, 0));
        assert_eq!(
            (is_over(&deliveries), deliveries.outcome()),
            (false, Outcome::NotDelivered)
        );
    }

    #[test]
    fn it_is_known_who_is_there_once_all_are_here_of_whom_the_server_knows() {
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "me".to_owned());
        assert!(!has_settled(&room));
        room.servers
            .insert(ServerId(0), ServerState::Registered { room_size: 2 });
        assert!(!has_settled(&room));
        for (state, settled) in [(PersonState::Connecting, false), (PersonState::Here, true)] {
            room.people = vec![
                Person {
                    peer: PeerId::from_bytes([1; 32]),
                    name: None,
                    state,
                    linked: false,
                    round_trip: None,
                    archive: false,
                }
                .into(),
            ];
            assert_eq!(has_settled(&room), settled);
        }
        // Nobody else is registered with one of them, and another has not answered yet.
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "me".to_owned());
        room.servers
            .insert(ServerId(0), ServerState::Registered { room_size: 1 });
        for (state, settled) in [
            (ServerState::Connecting, false),
            (ServerState::Registered { room_size: 1 }, true),
            (ServerState::Stopped, true),
            (ServerState::Registered { room_size: 2 }, false),
        ] {
            room.servers.insert(ServerId(1), state);
            assert_eq!(has_settled(&room), settled);
        }
    }
}
