//! Which bootnodes answer. Each is told of when it does not, and when it does again.

use std::collections::{BTreeMap, BTreeSet};

use client::room::RoomState;
use mesh::{io::ServerId, model::ServerState};

use crate::report::{NoticeLevel, Report};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Bootnodes {
    names: BTreeMap<ServerId, String>,
    /// Of these it was told that they do not answer.
    silent: BTreeSet<ServerId>,
}

impl Bootnodes {
    /// These, by the numbers that they have as servers.
    pub(super) fn new(names: BTreeMap<ServerId, String>) -> Self {
        let silent = BTreeSet::new();
        Self { names, silent }
    }

    /// What is new.
    pub(super) fn update(&mut self, room: &RoomState) -> Vec<Report> {
        let mut reports = Vec::new();
        for (server, name) in &self.names {
            let text = match room.servers.get(server) {
                Some(ServerState::Waiting { .. }) if self.silent.insert(*server) => {
                    format!("{name} does not answer, or does not take you in. It is asked again and again.")
                }
                Some(ServerState::Registered { .. }) if self.silent.remove(server) => format!("{name} answers."),
                Some(
                    ServerState::Waiting { .. }
                    | ServerState::Registered { .. }
                    | ServerState::Connecting
                    | ServerState::Spare
                    | ServerState::Stopped,
                )
                | None => continue,
            };
            let level = NoticeLevel::Info;
            reports.push(Report::Notice { level, text });
        }
        reports
    }
}

#[cfg(test)]
mod tests {
    use mesh::io::Instant;
    use shared::PeerId;

    use super::*;

    #[test]
    fn each_is_told_of_once_when_it_falls_silent_and_when_it_answers_again() {
        let one = ServerId(1);
        let mut bootnodes = Bootnodes::new(BTreeMap::from([(one, "a:1".to_owned())]));
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "me".to_owned());
        let retry_at = Instant::from_millis(1);
        let waiting = ServerState::Waiting { retry_at };
        let mut told = Vec::new();
        for state in [
            ServerState::Connecting,
            waiting.clone(),
            ServerState::Connecting,
            waiting,
            ServerState::Registered { room_size: 1 },
            ServerState::Registered { room_size: 2 },
        ] {
            room.servers.insert(ServerId(0), state.clone());
            room.servers.insert(one, state);
            told.extend(
                bootnodes
                    .update(&room)
                    .iter()
                    .map(|report| serde_json::to_value(report).unwrap()),
            );
        }
        let told: Vec<_> = told.iter().filter_map(|report| report["text"].as_str()).collect();
        assert_eq!(
            told,
            [
                "a:1 does not answer, or does not take you in. It is asked again and again.",
                "a:1 answers."
            ]
        );
    }
}
