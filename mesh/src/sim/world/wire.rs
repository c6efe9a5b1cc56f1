//! Something like WebRTC: descriptions with credentials and a certificate's fingerprint, candidates, and a connection that comes up
//! some round trips after both sides know each other's, if a path exists and the fingerprints are those of the certificates.

use std::{collections::BTreeMap, rc::Rc};

use crate::io::{Candidate, Input, LinkEnd, LinkId, Path};

use shared::PeerId;

use super::{Body, Life, Pairs, Simulation, Who, pair};

/// One side of a connection, as its driver holds it.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Of our latest description; 0 before the first.
    pub(super) credentials: u64,
    pub(super) remote: Option<Description>,
    pub(super) remote_candidates: usize,
    pub(super) connection: Option<usize>,
    pub(super) open: bool,
    /// Whom it is meant for, once that can be told.
    pub(super) towards: Option<PeerId>,
    /// Whether it has said goodbye, or acknowledged one, and waits for the other side to close.
    pub(super) parting: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) credentials: u64,
    pub(super) fingerprint: String,
}

#[derive(Debug, Default)]
pub(super) struct Net {
    pub(super) credentials: BTreeMap<u64, Side>,
    pub(super) connections: Vec<Connection>,
    /// Pairs between whom nothing gets through.
    pub(super) blocked: Pairs,
    /// On which side of a partition somebody is; nothing gets through between sides.
    pub(super) sides: BTreeMap<Who, u8>,
    /// Whether only those who came one after the other can reach each other.
    pub(super) chain: bool,
    pub(super) altered: BTreeMap<Who, Alteration>,
    pub(super) records: bool,
    pub(super) recorded: Vec<(Who, Who, Rc<[u8]>)>,
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

pub(super) type Side = (Who, Life, LinkId);

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sides: [Side; 2],
    /// Those it runs on: a broken connection heals with new ones only.
    pub(super) credentials: [u64; 2],
    /// Until both sides gather new candidates.
    pub(super) broken: bool,
    /// Nothing gets through, and ICE does not notice.
    pub(super) clogged: bool,
    /// What waits for the connection to carry again.
    pub(super) held: [Vec<Rc<[u8]>>; 2],
    /// When the last message to each side arrives: the channel is ordered.
    pub(super) busy_until: [u64; 2],
    pub(super) delay: u64,
    /// The channels for files, to each side.
    pub(super) files: [super::files::Lane; 2],
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
    /// A message has left the channel for files.
    FileLeft {
        connection: usize,
        to: usize,
        length: usize,
    },
    FileArrival {
        connection: usize,
        to: usize,
        bytes: Rc<[u8]>,
    },
    /// The sender is told that little waits in the channel for files.
    FileWritable {
        connection: usize,
        to: usize,
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
            | Happening::FileArrival { connection, to, .. }
            | Happening::Closed { connection, to } => {
                let sides = self.connections[*connection].sides;
                (sides[1 - to].0, sides[*to].0)
            }
            Happening::FileLeft { connection, to, .. } | Happening::FileWritable { connection, to } => {
                let sender = self.connections[*connection].sides[1 - to].0;
                (sender, sender)
            }
        }
    }
}

impl<B: Body> Simulation<B> {
    /// One way between two machines, in milliseconds.
    pub(super) fn delay_between(&mut self, one: Who, other: Who) -> u64 {
        match self.latency {
            Latency::Drawn => self.chance(one, 2, 60),
            Latency::Fixed { seed, of } => of(seed, one, other),
        }
    }

    pub(super) fn connections_between(&self, one: Who, other: Who) -> Vec<usize> {
        let connections = self.net.connections.iter().enumerate();
        let between = connections
            .filter(|(_, connection)| pair(connection.sides[0].0, connection.sides[1].0) == pair(one, other));
        between.map(|(index, _)| index).collect()
    }

    /// Sends what a node wants to send, or what a misbehaving machine makes of it.
    pub(super) fn transmit_as(&mut self, who: Who, link: LinkId, bytes: Rc<[u8]>) {
        let machine = &mut self.machines[who];
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
        let machine = &mut self.machines[who];
        machine.frames += 1;
        machine.bytes += bytes.len() as u64;
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

    // Long because: it has an arm for each thing that can happen.
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
                    if self.machines[who].ends.contains_key(&link) {
                        self.input(who, Input::FilesOpen { link });
                    }
                    self.flush_held(connection);
                }
            }
            Happening::Arrival { connection, to, bytes } => self.arrive(connection, to, bytes),
            Happening::FileLeft { .. } | Happening::FileArrival { .. } | Happening::FileWritable { .. } => {
                self.happen_to_file(happening);
            }
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

    pub(super) fn send(&mut self, connection: usize, to: usize, bytes: Rc<[u8]>) {
        let behind = self.behind_files(connection, to);
        let state = &mut self.net.connections[connection];
        let at = state.busy_until[to].max(self.millis + state.delay + behind);
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
            self.trace.from = Some(self.net.connections[connection].sides[1 - to].0);
            self.input(who, Input::Fragment { link, bytes });
            self.trace.from = None;
        }
    }

    pub(super) fn flush_held(&mut self, connection: usize) {
        if !self.carries(connection) {
            return;
        }
        for to in 0..2 {
            let (who, _, link) = self.net.connections[connection].sides[to];
            if self.machines[who].ends.get(&link).is_some_and(|end| end.open) {
                for bytes in std::mem::take(&mut self.net.connections[connection].held[to]) {
                    self.arrive(connection, to, bytes);
                }
                self.flush_held_files(connection, to);
            }
        }
    }

    /// Whether data flows now.
    pub(super) fn carries(&self, connection: usize) -> bool {
        !self.net.connections[connection].broken && self.may_carry(connection)
    }

    /// Whether data flows, or would after an ICE restart.
    pub(super) fn may_carry(&self, connection: usize) -> bool {
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

    pub(super) fn far_side(&self, connection: usize, (who, link): (Who, LinkId)) -> usize {
        let (first, _, first_link) = self.net.connections[connection].sides[0];
        usize::from((first, first_link) == (who, link))
    }

    pub(super) fn end(&mut self, who: Who, link: LinkId) -> &mut End {
        let end = self.machines[who].ends.get_mut(&link);
        end.unwrap_or_else(|| panic!("{who} uses {link:?}, which it does not have"))
    }

    pub(super) fn schedule_wire(&mut self, after: u64, happening: Happening) {
        self.schedule(after, super::Happening::Wire(happening));
    }
}

pub(super) fn description(credentials: u64, fingerprint: &str) -> String {
    [
        "v=0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        &format!("a=ice-ufrag:{credentials}"),
        &format!("a=fingerprint:sha-256 {fingerprint}"),
        "",
    ]
    .join("\r\n")
}

pub(super) fn parse(sdp: &str) -> Description {
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
