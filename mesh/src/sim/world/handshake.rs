//! How a simulated connection comes up: descriptions, candidates, and some round trips after both sides know each other's.

use crate::{
    config::SIM_ICE_TIMEOUT,
    io::{Input, LinkEnd, LinkId, Path},
};

use super::{
    Body, Simulation, Who,
    wire::{Connection, End, Happening, Side, parse},
};

impl<B: Body> Simulation<B> {
    pub(super) fn dial(&mut self, who: Who, link: LinkId) {
        let before = self.machines[who].ends.insert(link, End::default());
        assert!(before.is_none(), "{who} dials {link:?} twice");
        self.describe(who, link);
    }

    pub(super) fn accept(&mut self, who: Who, link: LinkId, sdp: &str) {
        self.machines[who].ends.entry(link).or_default();
        self.remote_description(who, link, sdp);
        let remote = self.machines[who].ends[&link]
            .remote
            .as_ref()
            .map(|remote| remote.credentials);
        let from = remote
            .and_then(|credentials| self.net.credentials.get(&credentials))
            .map(|side| side.0);
        let towards = from.map(|from| self.machines[from].id);
        self.end(who, link).towards = towards;
        self.describe(who, link);
    }

    pub(super) fn describe(&mut self, who: Who, link: LinkId) {
        let side = (who, self.machines[who].life, link);
        assert!(
            self.machines[who].ends.contains_key(&link),
            "{who} describes a link it does not have"
        );
        let after = self.chance(who, 2, 60);
        self.schedule_wire(after, Happening::Description { side });
        for _ in 0..2 {
            let (after, count) = (
                self.chance(who, 1, 150),
                usize::try_from(self.chance(who, 1, 4)).unwrap(),
            );
            self.schedule_wire(after, Happening::Candidates { side, count });
        }
    }

    pub(super) fn remote_description(&mut self, who: Who, link: LinkId, sdp: &str) {
        let remote = parse(sdp);
        let side = (who, self.machines[who].life, link);
        self.end(who, link).remote = Some(remote);
        self.schedule_wire(SIM_ICE_TIMEOUT.as_millis() as u64, Happening::IceTimeout { side });
        self.try_connect(side);
    }

    pub(super) fn remote_candidates(&mut self, who: Who, link: LinkId, count: usize) {
        let side = (who, self.machines[who].life, link);
        self.end(who, link).remote_candidates += count;
        self.try_connect(side);
    }

    /// The driver gives up a link, in one of the ways drivers do.
    pub(super) fn fail_end(&mut self, who: Who, link: LinkId) {
        if self.chance(who, 0, 1) == 0 {
            self.input(
                who,
                Input::LinkPath {
                    link,
                    path: Path::Failed,
                },
            );
        } else {
            self.machines[who].ends.remove(&link);
            self.input(
                who,
                Input::LinkClosed {
                    link,
                    end: LinkEnd::Failed,
                },
            );
        }
    }

    /// Begins the set-up, or the healing, once both sides mean each other's latest description.
    pub(super) fn try_connect(&mut self, side: Side) {
        let (who, _, link) = side;
        let Some(end) = self.machines[who].ends.get(&link) else {
            return;
        };
        let Some(far) = end
            .remote
            .as_ref()
            .and_then(|remote| self.net.credentials.get(&remote.credentials))
            .copied()
        else {
            return;
        };
        let Some(far_end) = self.machines[far.0]
            .ends
            .get(&far.2)
            .filter(|_| self.machines[far.0].life == far.1)
        else {
            return;
        };
        let means = |one: &End, other: &End| {
            one.remote
                .as_ref()
                .is_some_and(|remote| remote.credentials == other.credentials)
        };
        if end.credentials == 0 || !means(end, far_end) || !means(far_end, end) {
            return;
        }
        if let Some(connection) = end.connection {
            let delay = 4 * self.net.connections[connection].delay;
            let credentials = self.net.connections[connection]
                .sides
                .map(|(who, _, link)| self.machines[who].ends[&link].credentials);
            return self.schedule_wire(
                delay,
                Happening::Healed {
                    connection,
                    credentials,
                },
            );
        }
        if end.remote_candidates == 0 && far_end.remote_candidates == 0 {
            return;
        }
        let credentials = [end.credentials, far_end.credentials];
        let delay = self.delay_between(who, far.0);
        let connection = self.net.connections.len();
        self.net.connections.push(Connection {
            sides: [side, far],
            credentials,
            broken: false,
            clogged: false,
            held: [Vec::new(), Vec::new()],
            busy_until: [0, 0],
            files: Default::default(),
            delay,
        });
        for (who, _, link) in [side, far] {
            self.end(who, link).connection = Some(connection);
        }
        self.schedule_wire(6 * delay, Happening::Handshake { connection });
    }

    pub(super) fn shake_hands(&mut self, connection: usize) {
        let sides = self.net.connections[connection].sides;
        for (who, life, link) in sides {
            if self.machines[who].life != life || !self.machines[who].ends.contains_key(&link) {
                return;
            }
        }
        if !self.may_carry(connection) || sides.iter().any(|side| self.machines[side.0].asleep) {
            // ICE keeps trying; the time-out decides.
            return self.schedule_wire(1_000, Happening::Handshake { connection });
        }
        let [one, other] = sides;
        let sees = |(who, _, link): Side, far: Side| {
            let remote = self.machines[who].ends[&link].remote.as_ref();
            remote.is_some_and(|remote| remote.fingerprint == self.certificate(far.0))
        };
        if !sees(one, other) || !sees(other, one) {
            for (who, _, link) in sides {
                self.fail_end(who, link);
            }
            return;
        }
        for (to, side) in sides.iter().enumerate() {
            let after = self.chance(side.0, 0, 80);
            self.schedule_wire(after, Happening::Open { connection, to });
        }
    }

    pub(super) fn certificate(&self, who: Who) -> String {
        let pairs: Vec<_> = self.machines[who]
            .id
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        pairs.join(":")
    }
}
