//! Something like WebRTC: descriptions with credentials and a certificate's fingerprint, candidates, and a connection that comes up
//! some round trips after both sides know each other's, if a path exists and the fingerprints are those of the certificates.

use std::{collections::BTreeMap, rc::Rc};

use crate::io::{Candidate, Input, LinkEnd, LinkId, Path};

use shared::PeerId;

use super::{Body, Life, Pairs, Simulation, Who, pair};

/// From both descriptions to the verdict that there is no path, in milliseconds.
const ICE_TIMEOUT_MILLIS: u64 = 10_000;

/// One side of a connection, as its driver holds it.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Of our latest description; 0 before the first.
    credentials: u64,
    remote: Option<Description>,
    remote_candidates: usize,
    connection: Option<usize>,
    pub(super) open: bool,
    /// Whom it is meant for, once that can be told.
    pub(super) towards: Option<PeerId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Description {
    credentials: u64,
    fingerprint: String,
}

#[derive(Debug, Default)]
pub(super) struct Net {
    credentials: BTreeMap<u64, Side>,
    connections: Vec<Connection>,
    /// Pairs between whom nothing gets through.
    blocked: Pairs,
    /// On which side of a partition somebody is; nothing gets through between sides.
    sides: BTreeMap<Who, u8>,
    /// Whether only those who came one after the other can reach each other.
    chain: bool,
    altered: BTreeMap<Who, Alteration>,
    records: bool,
    recorded: Vec<(Who, Who, Rc<[u8]>)>,
}

/// How long messages are on their way.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Latency {
    /// 2 to 60 ms, drawn for each connection.
    Drawn,
    /// The same for a pair whenever it connects: see [`pair_latency`].
    Fixed {
        /// To draw it by.
        seed: u64,
        /// Gives it in milliseconds, by the seed and the two machines.
        of: fn(u64, Who, Who) -> u64,
    },
}

/// The latency between two machines: 10 to 50 ms, drawn by `seed`, the same both ways.
pub(crate) fn pair_latency(seed: u64, one: Who, other: Who) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for number in [seed, one.min(other) as u64, one.max(other) as u64] {
        hasher.update(&number.to_be_bytes());
    }
    10 + u64::from(hasher.finalize().as_bytes()[0]) * 41 / 256
}

/// What a peer of another build makes of its fragments.
pub(crate) type Alteration = fn(&[u8]) -> Vec<u8>;

type Side = (Who, Life, LinkId);

#[derive(Debug)]
struct Connection {
    sides: [Side; 2],
    /// Those it runs on: a broken connection heals with new ones only.
    credentials: [u64; 2],
    /// Until both sides gather new candidates.
    broken: bool,
    /// Nothing gets through, and ICE does not notice.
    clogged: bool,
    /// What waits for the connection to carry again.
    held: [Vec<Rc<[u8]>>; 2],
    /// When the last message to each side arrives: the channel is ordered.
    busy_until: [u64; 2],
    delay: u64,
}

#[derive(Debug)]
pub(super) enum Happening {
    /// A driver has made a description.
    Description {
        side: Side,
    },
    Candidates {
        side: Side,
        count: usize,
    },
    /// The set-up's round trips are over.
    Handshake {
        connection: usize,
    },
    Open {
        connection: usize,
        to: usize,
    },
    Arrival {
        connection: usize,
        to: usize,
        bytes: Rc<[u8]>,
    },
    Closed {
        connection: usize,
        to: usize,
    },
    IceTimeout {
        side: Side,
    },
    Path {
        connection: usize,
        path: Path,
    },
    Healed {
        connection: usize,
        credentials: [u64; 2],
    },
}

impl Net {
    /// Who causes something and whom it reaches.
    pub(super) fn ends_of(&self, happening: &Happening) -> (Who, Who) {
        match happening {
            Happening::Description { side } | Happening::Candidates { side, .. } | Happening::IceTimeout { side } => {
                (side.0, side.0)
            }
            Happening::Handshake { connection }
            | Happening::Path { connection, .. }
            | Happening::Healed { connection, .. } => {
                let [one, other] = self.connections[*connection].sides;
                (one.0, other.0)
            }
            Happening::Open { connection, to }
            | Happening::Arrival { connection, to, .. }
            | Happening::Closed { connection, to } => {
                let sides = self.connections[*connection].sides;
                (sides[1 - to].0, sides[*to].0)
            }
        }
    }
}

impl<B: Body> Simulation<B> {
    /// Nothing gets through between the two, on old links and new ones.
    pub(crate) fn block(&mut self, one: Who, other: Who) {
        self.net.blocked.insert(pair(one, other));
    }

    pub(crate) fn unblock(&mut self, one: Who, other: Who) {
        self.net.blocked.remove(&pair(one, other));
        for connection in self.connections_between(one, other) {
            self.flush_held(connection);
        }
    }

    /// Their present link dies without a sign.
    pub(crate) fn clog(&mut self, one: Who, other: Who) {
        for connection in self.connections_between(one, other) {
            self.net.connections[connection].clogged = true;
        }
    }

    /// Their present link loses its path, and ICE notices.
    pub(crate) fn break_path(&mut self, one: Who, other: Who) {
        for connection in self.connections_between(one, other) {
            self.net.connections[connection].broken = true;
            self.schedule_wire(
                500,
                Happening::Path {
                    connection,
                    path: Path::Disconnected,
                },
            );
        }
    }

    /// The path comes back by itself.
    pub(crate) fn regain_path(&mut self, one: Who, other: Who) {
        for connection in self.connections_between(one, other) {
            self.net.connections[connection].broken = false;
            self.schedule_wire(
                100,
                Happening::Path {
                    connection,
                    path: Path::Connected,
                },
            );
            self.flush_held(connection);
        }
    }

    /// The browser of `who` gives up the present link, which `other` sees as closed.
    pub(crate) fn fail_link(&mut self, who: Who, other: Who) {
        let links: Vec<_> = self
            .open_links(who)
            .into_iter()
            .filter(|(_, far)| *far == other)
            .collect();
        for (link, _) in links {
            self.close_end(who, link);
            self.input(
                who,
                Input::LinkClosed {
                    link,
                    end: LinkEnd::Failed,
                },
            );
        }
    }

    /// From now on every fragment that `who` sends is made something else.
    pub(crate) fn alter_fragments(&mut self, who: Who, alter: Alteration) {
        self.net.altered.insert(who, alter);
    }

    /// The fragments that arrived from `from` at `to`, kept since [`Simulation::record`].
    pub(crate) fn recorded(&self, from: Who, to: Who) -> Vec<Rc<[u8]>> {
        let recorded = self.net.recorded.iter();
        let between = recorded.filter(|(sender, recipient, _)| (*sender, *recipient) == (from, to));
        between.map(|(_, _, bytes)| Rc::clone(bytes)).collect()
    }

    pub(crate) fn record(&mut self) {
        self.net.records = true;
    }

    /// Sends `bytes` on the open link from `from` to `to`, whatever they are. Says whether there is one.
    pub(crate) fn inject_fragment(&mut self, from: Who, to: Who, bytes: Vec<u8>) -> bool {
        for connection in self.connections_between(from, to) {
            let side = usize::from(self.net.connections[connection].sides[1].0 == to);
            let (_, _, link) = self.net.connections[connection].sides[side];
            if self.machines[to].ends.get(&link).is_some_and(|end| end.open) {
                self.send(connection, side, bytes.into());
                return true;
            }
        }
        false
    }

    /// The open links of `who`, with whom they reach.
    pub(crate) fn open_links(&self, who: Who) -> Vec<(LinkId, Who)> {
        let ends = self.machines[who].ends.iter().filter(|(_, end)| end.open);
        ends.filter_map(|(link, end)| {
            let sides = self.net.connections[end.connection?].sides;
            Some((
                *link,
                sides.into_iter().find(|side| (side.0, side.2) != (who, *link))?.0,
            ))
        })
        .collect()
    }

    /// How many connections were ever made.
    pub(crate) fn connections_made(&self) -> usize {
        self.net.connections.len()
    }

    /// One way between two machines, in milliseconds.
    fn delay_between(&mut self, one: Who, other: Who) -> u64 {
        match self.latency {
            Latency::Drawn => self.chance(one, 2, 60),
            Latency::Fixed { seed, of } => of(seed, one, other),
        }
    }

    fn connections_between(&self, one: Who, other: Who) -> Vec<usize> {
        let connections = self.net.connections.iter().enumerate();
        let between = connections
            .filter(|(_, connection)| pair(connection.sides[0].0, connection.sides[1].0) == pair(one, other));
        between.map(|(index, _)| index).collect()
    }

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
        self.schedule_wire(ICE_TIMEOUT_MILLIS, Happening::IceTimeout { side });
        self.try_connect(side);
    }

    pub(super) fn remote_candidates(&mut self, who: Who, link: LinkId, count: usize) {
        let side = (who, self.machines[who].life, link);
        self.end(who, link).remote_candidates += count;
        self.try_connect(side);
    }

    /// Sends what a node wants to send, or what a misbehaving machine makes of it.
    pub(super) fn transmit_as(&mut self, who: Who, link: LinkId, bytes: Rc<[u8]>) {
        let machine = &mut self.machines[who];
        machine.frames += 1;
        machine.bytes += bytes.len() as u64;
        let Some(mischief) = &mut machine.mischief else {
            return self.transmit(who, link, bytes);
        };
        let links: Vec<_> = machine
            .ends
            .iter()
            .filter(|(_, end)| end.open)
            .map(|(link, _)| *link)
            .collect();
        for (link, bytes) in mischief.act(self.millis, &links, link, &bytes) {
            self.transmit(who, link, bytes.into());
        }
    }

    fn transmit(&mut self, who: Who, link: LinkId, bytes: Rc<[u8]>) {
        let end = self.end(who, link);
        assert!(end.open, "transmits on a link that is not open");
        let connection = end.connection.unwrap();
        let to = self.far_side(connection, (who, link));
        if self.net.records {
            let far = self.net.connections[connection].sides[to].0;
            self.net.recorded.push((who, far, Rc::clone(&bytes)));
        }
        let bytes = match self.net.altered.get(&who) {
            Some(alter) => alter(&bytes).into(),
            None => bytes,
        };
        self.send(connection, to, bytes);
    }

    /// Closes a link once what was sent on it is sent.
    pub(super) fn close_end(&mut self, who: Who, link: LinkId) {
        let end = self.machines[who].ends.remove(&link);
        let end = end.unwrap_or_else(|| panic!("{who} hangs up {link:?}, which it does not have"));
        let Some(connection) = end.connection else { return };
        let to = self.far_side(connection, (who, link));
        let state = &self.net.connections[connection];
        let at = state.busy_until[to].max(self.millis + state.delay) + 1;
        let after = at - self.millis;
        self.schedule_wire(after, Happening::Closed { connection, to });
    }

    pub(super) fn note_dialled(&mut self, who: Who, to: PeerId, sdp: &str) {
        let credentials = parse(sdp).credentials;
        for end in self.machines[who]
            .ends
            .values_mut()
            .filter(|end| end.credentials == credentials)
        {
            end.towards = Some(to);
        }
    }

    pub(super) fn happen_on_wire(&mut self, happening: Happening) {
        match happening {
            Happening::Description { side } => {
                let (who, life, link) = side;
                let later = |()| super::Happening::Wire(Happening::Description { side });
                if self.awake(who, life, (), later).is_none() || !self.machines[who].ends.contains_key(&link) {
                    return;
                }
                let credentials = self.make_number(who);
                self.net.credentials.insert(credentials, side);
                self.end(who, link).credentials = credentials;
                let sdp = description(credentials, &self.certificate(who));
                self.input(who, Input::LocalDescription { link, sdp });
                if self.machines[who].ends.contains_key(&link) {
                    self.try_connect(side);
                }
            }
            Happening::Candidates { side, count } => {
                let (who, life, link) = side;
                let later = |()| super::Happening::Wire(Happening::Candidates { side, count });
                if self.awake(who, life, (), later).is_some() && self.machines[who].ends.contains_key(&link) {
                    let candidate = |index| Candidate {
                        line: format!("candidate:{index} 1 udp 1 192.0.2.1 {} typ host", 1000 + index),
                        mid: Some("0".into()),
                    };
                    let candidates = (0..count).map(candidate).collect();
                    self.input(who, Input::LocalCandidates { link, candidates });
                }
            }
            Happening::Handshake { connection } => self.shake_hands(connection),
            Happening::Open { connection, to } => {
                let (who, life, link) = self.net.connections[connection].sides[to];
                let later = |()| super::Happening::Wire(Happening::Open { connection, to });
                if self.awake(who, life, (), later).is_none() {
                    return;
                }
                if let Some(end) = self.machines[who].ends.get_mut(&link) {
                    end.open = true;
                    self.input(who, Input::LinkOpen { link });
                    self.flush_held(connection);
                }
            }
            Happening::Arrival { connection, to, bytes } => self.arrive(connection, to, bytes),
            Happening::Closed { connection, to } => {
                let state = &self.net.connections[connection];
                let (who, life, link) = state.sides[to];
                // Who does not hear does not hear that either.
                if self.machines[who].asleep || !self.carries(connection) {
                    return;
                }
                if self.machines[who].life == life && self.machines[who].ends.remove(&link).is_some() {
                    self.input(
                        who,
                        Input::LinkClosed {
                            link,
                            end: LinkEnd::ClosedByPeer,
                        },
                    );
                }
            }
            Happening::IceTimeout { side } => {
                let (who, life, link) = side;
                let later = |()| super::Happening::Wire(Happening::IceTimeout { side });
                if self.awake(who, life, (), later).is_some()
                    && self.machines[who].ends.get(&link).is_some_and(|end| !end.open)
                {
                    self.fail_end(who, link);
                }
            }
            Happening::Path { connection, path } => {
                let state = &self.net.connections[connection];
                // What has changed meanwhile is not said.
                if state.broken == (path == Path::Connected) {
                    return;
                }
                for (who, life, link) in state.sides {
                    let machine = &self.machines[who];
                    if machine.life == life && machine.ends.get(&link).is_some_and(|end| end.open) {
                        let input = Input::LinkPath { link, path };
                        let from = who;
                        self.schedule(0, super::Happening::Input { from, who, life, input });
                    }
                }
            }
            Happening::Healed {
                connection,
                credentials,
            } => {
                let sides = self.net.connections[connection].sides;
                let now = sides.map(|(who, _, link)| self.machines[who].ends.get(&link).map(|end| end.credentials));
                let old = self.net.connections[connection].credentials;
                let renewed = now == credentials.map(Some) && (0..2).all(|side| old[side] != credentials[side]);
                if renewed && self.net.connections[connection].broken && self.may_carry(connection) {
                    self.net.connections[connection].broken = false;
                    self.net.connections[connection].credentials = credentials;
                    self.schedule_wire(
                        0,
                        Happening::Path {
                            connection,
                            path: Path::Connected,
                        },
                    );
                    self.flush_held(connection);
                }
            }
        }
    }

    /// The driver gives up a link, in one of the ways drivers do.
    fn fail_end(&mut self, who: Who, link: LinkId) {
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
    fn try_connect(&mut self, side: Side) {
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
            delay,
        });
        for (who, _, link) in [side, far] {
            self.end(who, link).connection = Some(connection);
        }
        self.schedule_wire(6 * delay, Happening::Handshake { connection });
    }

    fn shake_hands(&mut self, connection: usize) {
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

    fn send(&mut self, connection: usize, to: usize, bytes: Rc<[u8]>) {
        let state = &mut self.net.connections[connection];
        let at = state.busy_until[to].max(self.millis + state.delay);
        state.busy_until[to] = at;
        let after = at - self.millis;
        if let Some(digests) = &mut self.digests {
            let (from, to) = (state.sides[1 - to].0, state.sides[to].0);
            digests.note(from, to, self.millis, &bytes);
        }
        self.schedule_wire(after, Happening::Arrival { connection, to, bytes });
    }

    fn arrive(&mut self, connection: usize, to: usize, bytes: Rc<[u8]>) {
        let carries = self.carries(connection);
        let state = &mut self.net.connections[connection];
        let (who, life, link) = state.sides[to];
        let open = self.machines[who].ends.get(&link).is_some_and(|end| end.open);
        if !carries || !open || !state.held[to].is_empty() {
            state.held[to].push(bytes);
            return;
        }
        let later = |bytes| super::Happening::Wire(Happening::Arrival { connection, to, bytes });
        if let Some(bytes) = self.awake(who, life, bytes, later) {
            self.input(who, Input::Fragment { link, bytes });
        }
    }

    fn flush_held(&mut self, connection: usize) {
        if !self.carries(connection) {
            return;
        }
        for to in 0..2 {
            let (who, _, link) = self.net.connections[connection].sides[to];
            if self.machines[who].ends.get(&link).is_some_and(|end| end.open) {
                for bytes in std::mem::take(&mut self.net.connections[connection].held[to]) {
                    self.arrive(connection, to, bytes);
                }
            }
        }
    }

    /// Whether data flows now.
    fn carries(&self, connection: usize) -> bool {
        !self.net.connections[connection].broken && self.may_carry(connection)
    }

    /// Whether data flows, or would after an ICE restart.
    fn may_carry(&self, connection: usize) -> bool {
        let Connection {
            sides: [one, other],
            clogged,
            ..
        } = &self.net.connections[connection];
        !clogged && self.reach(one.0, other.0)
    }

    /// Whether there is a path between two machines.
    fn reach(&self, one: Who, other: Who) -> bool {
        let side = |who: &Who| self.net.sides.get(who);
        (self.net.blocked.is_empty() || !self.net.blocked.contains(&pair(one, other)))
            && (self.net.sides.is_empty() || side(&one) == side(&other))
            && (!self.net.chain || one.abs_diff(other) == 1)
    }

    /// Nothing gets through between those on different sides; without sides, everything does again.
    pub(crate) fn partition(&mut self, sides: BTreeMap<Who, u8>) {
        self.net.sides = sides;
        let mut connections: Vec<_> = (0..self.net.connections.len()).collect();
        connections.sort_by_key(|connection| self.net.connections[*connection].sides.map(|side| side.0));
        for connection in connections {
            self.flush_held(connection);
        }
    }

    /// From now on only those who came one after the other can reach each other.
    pub(crate) fn make_chain(&mut self) {
        self.net.chain = true;
    }

    fn far_side(&self, connection: usize, (who, link): (Who, LinkId)) -> usize {
        let (first, _, first_link) = self.net.connections[connection].sides[0];
        usize::from((first, first_link) == (who, link))
    }

    fn end(&mut self, who: Who, link: LinkId) -> &mut End {
        let end = self.machines[who].ends.get_mut(&link);
        end.unwrap_or_else(|| panic!("{who} uses {link:?}, which it does not have"))
    }

    fn certificate(&self, who: Who) -> String {
        let pairs: Vec<_> = self.machines[who]
            .id
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        pairs.join(":")
    }

    fn schedule_wire(&mut self, after: u64, happening: Happening) {
        self.schedule(after, super::Happening::Wire(happening));
    }
}

fn description(credentials: u64, fingerprint: &str) -> String {
    [
        "v=0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        &format!("a=ice-ufrag:{credentials}"),
        &format!("a=fingerprint:sha-256 {fingerprint}"),
        "",
    ]
    .join("\r\n")
}

fn parse(sdp: &str) -> Description {
    let value = |prefix| {
        sdp.lines()
            .find_map(|line| line.strip_prefix(prefix))
            .unwrap_or_default()
    };
    Description {
        credentials: value("a=ice-ufrag:").parse().unwrap_or(u64::MAX),
        fingerprint: value("a=fingerprint:sha-256 ").to_owned(),
    }
}
