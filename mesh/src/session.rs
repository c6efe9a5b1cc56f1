//! Setting up one link to one peer: who offers, what is awaited, when it is given up.
//!
//! The peer with the lower id makes the offer, always; the one with the higher id *knocks* to ask for it. So two peers who
//! discover each other in the same instant never offer to each other (no glare):
//!
//! ```text
//! low  (offers)                     high (knocks)
//!   |  <------------ Knock ----------- |    only if high starts
//!   |  Dial -> offer                   |
//!   |  ------------- Offer ----------> |
//!   |                 Accept -> answer |
//!   |  <------------ Answer ---------- |
//!   |  <--------- Candidates --------> |
//!   |  ========= lane open ========= |
//! ```
//!
//! A session is one attempt; it has an id, one link of the driver and a deadline. What comes after a failure is decided by
//! [`Node`](crate::Node), which keeps the waits between attempts.

use shared::{PeerId, SessionId, signal::IceServer, signal::PROTOCOL_VERSION};

use crate::{
    config::Timing,
    envelope::{Body, CANDIDATES_MAX},
    io::{Candidate, Instant, LinkId, Output},
};

/// Whether we offer to, or knock at, `peer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Our id is the lower one.
    Offerer,
    /// Our id is the higher one.
    Answerer,
}

impl Role {
    /// Our role towards `peer`.
    #[must_use]
    pub fn towards(me: &PeerId, peer: &PeerId) -> Self {
        if me < peer { Self::Offerer } else { Self::Answerer }
    }
}

/// What the layer asks of [`Node`](crate::Node).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// For the driver.
    Output(Output),
    /// To the peer, in an envelope of this session.
    Send(Body),
}

/// One attempt to link.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    link: LinkId,
    role: Role,
    stage: Stage,
    /// Whether we have few links.
    urgent: bool,
    started: Instant,
    deadline: Instant,
    /// Counts ICE restarts; an answer must name the round it answers.
    round: u32,
    /// Found before our description was sent, and to be sent after it.
    held_candidates: Vec<Candidate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Answerer: the offer is awaited.
    Knocking,
    /// The driver is making our description.
    Describing,
    /// Offerer: the answer is awaited.
    Offered,
    /// Both descriptions are known; the lane is about to open, or is open.
    Agreed,
}

impl Session {
    /// Starts an attempt: the offerer dials, the answerer knocks.
    #[expect(
        clippy::too_many_arguments,
        reason = "a layer is handed its surroundings, it holds none"
    )]
    pub fn start(
        role: Role,
        id: SessionId,
        link: LinkId,
        ice_servers: Vec<IceServer>,
        urgent: bool,
        now: Instant,
        timing: &Timing,
        out: &mut Vec<Action>,
    ) -> Self {
        let (stage, wait) = match role {
            Role::Offerer => {
                out.push(Action::Output(Output::Dial { link, ice_servers }));
                (Stage::Describing, timing.session_timeout)
            }
            Role::Answerer => {
                out.push(Action::Send(Body::Knock {
                    version: PROTOCOL_VERSION,
                    urgent,
                }));
                (Stage::Knocking, timing.knock_timeout)
            }
        };
        Self {
            id,
            link,
            role,
            stage,
            urgent,
            started: now,
            deadline: now + wait,
            round: 0,
            held_candidates: Vec::new(),
        }
    }

    /// Goes on with an attempt that was agreed on by hand.
    #[must_use]
    pub fn agreed(role: Role, id: SessionId, link: LinkId, now: Instant, deadline: Instant) -> Self {
        Self {
            id,
            link,
            role,
            stage: Stage::Agreed,
            urgent: true,
            started: now,
            deadline,
            round: 0,
            held_candidates: Vec::new(),
        }
    }

    /// Starts an attempt with a peer's offer.
    pub fn answer(
        id: SessionId,
        link: LinkId,
        ice_servers: Vec<IceServer>,
        sdp: String,
        now: Instant,
        timing: &Timing,
        out: &mut Vec<Action>,
    ) -> Self {
        out.push(Action::Output(Output::Accept { link, ice_servers, sdp }));
        Self {
            id,
            link,
            role: Role::Answerer,
            stage: Stage::Describing,
            urgent: false,
            started: now,
            deadline: now + timing.session_timeout,
            round: 0,
            held_candidates: Vec::new(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The driver's link.
    #[must_use]
    pub fn link(&self) -> LinkId {
        self.link
    }

    /// When it began.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// When it has failed unless the link is open.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the driver was given the link: a session that only knocks has none yet.
    #[must_use]
    pub fn has_link(&self) -> bool {
        self.stage != Stage::Knocking
    }

    /// Whether our description is still being made: what we have to say is yet to come.
    #[must_use]
    pub fn is_describing(&self) -> bool {
        self.stage == Stage::Describing
    }

    /// Whether both descriptions are known.
    #[must_use]
    pub fn is_agreed(&self) -> bool {
        self.stage == Stage::Agreed
    }

    /// Whether this side restarts ICE when the path is lost. Also when an earlier restart was not answered: its offer or
    /// the answer may have been lost on the way, and a newer offer takes its place.
    #[must_use]
    pub fn restarts(&self) -> bool {
        let unanswered = self.stage == Stage::Offered && self.round > 0;
        self.role == Role::Offerer && (self.is_agreed() || unanswered)
    }

    /// Makes a new offer for the open link, with fresh ICE credentials.
    pub fn restart(&mut self, out: &mut Vec<Action>) {
        self.round += 1;
        self.stage = Stage::Describing;
        out.push(Action::Output(Output::RestartIce { link: self.link }));
    }

    /// The driver made our description.
    pub fn handle_description(&mut self, sdp: String, now: Instant, timing: &Timing, out: &mut Vec<Action>) {
        if self.stage != Stage::Describing {
            return;
        }
        match self.role {
            Role::Offerer => {
                self.stage = Stage::Offered;
                // Who is there answers soon; what then takes time is finding a path.
                if self.round == 0 {
                    self.deadline = self.deadline.min(now + timing.answer_timeout);
                }
                out.push(Action::Send(Body::Offer {
                    version: PROTOCOL_VERSION,
                    round: self.round,
                    sdp,
                    urgent: self.urgent,
                }));
            }
            Role::Answerer => {
                self.stage = Stage::Agreed;
                out.push(Action::Send(Body::Answer { round: self.round, sdp }));
            }
        }
        let held = std::mem::take(&mut self.held_candidates);
        send_candidates(held, out);
    }

    /// The driver found candidates.
    pub fn handle_candidates(&mut self, candidates: Vec<Candidate>, out: &mut Vec<Action>) {
        if self.stage == Stage::Describing {
            self.held_candidates.extend(candidates);
        } else {
            send_candidates(candidates, out);
        }
    }

    /// The peer answered. Says whether the answer was awaited.
    pub fn on_answer(&mut self, round: u32, sdp: String, timing: &Timing, out: &mut Vec<Action>) -> bool {
        if self.stage != Stage::Offered || round != self.round {
            return false;
        }
        self.stage = Stage::Agreed;
        self.deadline = self.deadline.max(self.started + timing.session_timeout);
        out.push(Action::Output(Output::RemoteAnswer { link: self.link, sdp }));
        true
    }

    /// The peer made a further offer for this session: an ICE restart. Says whether it was acceptable.
    pub fn on_restart(&mut self, round: u32, sdp: String, ice_servers: Vec<IceServer>, out: &mut Vec<Action>) -> bool {
        if self.role != Role::Answerer || self.stage != Stage::Agreed || round <= self.round {
            return false;
        }
        self.round = round;
        self.stage = Stage::Describing;
        out.push(Action::Output(Output::Accept {
            link: self.link,
            ice_servers,
            sdp,
        }));
        true
    }

    /// The peer found candidates. Says whether they can be used.
    pub fn on_candidates(&self, candidates: Vec<Candidate>, out: &mut Vec<Action>) -> bool {
        if !self.has_link() {
            return false;
        }
        out.push(Action::Output(Output::RemoteCandidates {
            link: self.link,
            candidates,
        }));
        true
    }
}

/// Sends candidates in envelopes of an accepted size.
fn send_candidates(candidates: Vec<Candidate>, out: &mut Vec<Action>) {
    for chunk in candidates.chunks(CANDIDATES_MAX) {
        out.push(Action::Send(Body::Candidates {
            candidates: chunk.to_vec(),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SessionId = SessionId::from_bytes([1; 16]);
    const LINK: LinkId = LinkId(1);
    const NOW: Instant = Instant::from_millis(0);

    fn start(role: Role) -> (Session, Vec<Action>) {
        let mut out = Vec::new();
        let session = Session::start(role, ID, LINK, vec![], false, NOW, &Timing::default(), &mut out);
        (session, out)
    }

    fn candidate(line: &str) -> Candidate {
        Candidate {
            line: line.into(),
            mid: None,
        }
    }

    #[test]
    fn the_offerer_dials_offers_and_applies_one_answer() {
        let (mut session, mut out) = start(Role::Offerer);
        assert_eq!(
            out,
            [Action::Output(Output::Dial {
                link: LINK,
                ice_servers: vec![]
            })]
        );
        out.clear();
        session.handle_candidates(vec![candidate("early")], &mut out);
        assert_eq!(out, [], "candidates wait for the offer");
        session.handle_description("offer".into(), NOW, &Timing::default(), &mut out);
        assert_eq!(
            out,
            [
                Action::Send(Body::Offer {
                    version: PROTOCOL_VERSION,
                    round: 0,
                    sdp: "offer".into(),
                    urgent: false,
                }),
                Action::Send(Body::Candidates {
                    candidates: vec![candidate("early")]
                }),
            ]
        );
        out.clear();
        assert!(!session.on_answer(1, "wrong round".into(), &Timing::default(), &mut out));
        assert!(session.on_answer(0, "answer".into(), &Timing::default(), &mut out));
        assert!(!session.on_answer(0, "again".into(), &Timing::default(), &mut out));
        assert_eq!(
            out,
            [Action::Output(Output::RemoteAnswer {
                link: LINK,
                sdp: "answer".into()
            })]
        );
    }

    #[test]
    fn the_answerer_knocks_and_has_no_link_until_an_offer_comes() {
        let (session, out) = start(Role::Answerer);
        assert_eq!(
            out,
            [Action::Send(Body::Knock {
                version: PROTOCOL_VERSION,
                urgent: false,
            })]
        );
        assert!(!session.has_link());
        assert!(!session.on_candidates(vec![candidate("x")], &mut Vec::new()));
    }

    #[test]
    fn an_ice_restart_is_offered_and_answered_in_a_new_round() {
        let (mut offerer, mut out) = start(Role::Offerer);
        offerer.handle_description("offer".into(), NOW, &Timing::default(), &mut out);
        offerer.on_answer(0, "answer".into(), &Timing::default(), &mut out);
        out.clear();
        offerer.restart(&mut out);
        offerer.handle_description("offer 1".into(), NOW, &Timing::default(), &mut out);
        assert_eq!(
            out[1],
            Action::Send(Body::Offer {
                version: PROTOCOL_VERSION,
                round: 1,
                sdp: "offer 1".into(),
                urgent: false,
            })
        );

        let mut out = Vec::new();
        let mut answerer = Session::answer(ID, LINK, vec![], "offer".into(), NOW, &Timing::default(), &mut out);
        answerer.handle_description("answer".into(), NOW, &Timing::default(), &mut out);
        out.clear();
        assert!(!answerer.on_restart(0, "replayed".into(), vec![], &mut out));
        assert!(answerer.on_restart(1, "offer 1".into(), vec![], &mut out));
        answerer.handle_description("answer 1".into(), NOW, &Timing::default(), &mut out);
        assert_eq!(
            out[1],
            Action::Send(Body::Answer {
                round: 1,
                sdp: "answer 1".into()
            })
        );
    }
}
