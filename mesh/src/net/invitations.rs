//! Invitations by hand: a way in without a server.
//!
//! An invitation is a complete offer, sealed under the room's key and addressed to nobody; whoever has the room's link can answer it,
//! once. Both go by hand, as text. One link is enough: from there the newcomer hears who is here, and finds more through the mesh.
//!
//! Owns: invitations and answers that are being made or wait. Invariants: at most [`INVITATIONS_MAX`], of which the oldest is withdrawn
//! first; an invitation is answered once; a text is handed out once.

use chacha20::ChaCha20Rng;
use shared::{
    PeerId, SessionId,
    signal::{IceServer, PROTOCOL_VERSION},
};

use super::{
    evidence::Evidence,
    session::{Certificates, Role, Session},
};
use crate::{
    config::{CANDIDATES_MAX, GATHER, INVITATION_CHARS_MIN, INVITATIONS_MAX},
    context::Context,
    io::{Candidate, Instant, LinkId, Output},
    model::{Invitation, InvitationError},
    random::{Stream, stream},
    wire::{
        candidate::{Loopback, is_usable, shown},
        envelope::{Body, Envelope, EnvelopeError},
        sdp,
    },
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Invitations {
    rng: ChaCha20Rng,
    all: Vec<Invited>,
}

/// An invitation, or an answer to one, that is being made or waits.
#[derive(Debug)]
struct Invited {
    session: SessionId,
    link: LinkId,
    /// Whom it answers; `None` if it is an invitation of ours.
    answers: Option<PeerId>,
    sdp: Option<String>,
    certificates: Certificates,
    candidates: Vec<Candidate>,
    evidence: Evidence,
    /// When it is handed out, complete or not; `None` once it was.
    gathered_at: Option<Instant>,
    until: Instant,
}

/// A text to be handed out: whom it answers, its session and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HandedOut {
    pub(crate) answers: Option<PeerId>,
    pub(crate) session: SessionId,
    pub(crate) body: Body,
}

/// What a text by hand turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) kind: Invitation,
    pub(crate) from: PeerId,
    pub(crate) session: SessionId,
    pub(crate) sdp: String,
    pub(crate) candidates: Vec<Candidate>,
}

impl Invited {
    fn poll_timeout(&self) -> Instant {
        // Without a description there is nothing to hand out yet.
        let gathered_at = self.gathered_at.filter(|_| self.sdp.is_some());
        gathered_at.map_or(self.until, |at| at.min(self.until))
    }
}

impl Invitations {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            rng: stream(seed, Stream::Invitations),
            all: Vec::new(),
        }
    }

    /// Reads a text that a person was handed.
    ///
    /// # Errors
    /// [`InvitationError`] if it cannot be one for us.
    pub(crate) fn read(cx: &Context, text: &str) -> Result<Text, InvitationError> {
        // People copy line breaks, quotation marks and the like along.
        let is_code = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let text: String = text.chars().filter(is_code).collect();
        let envelope = match Envelope::open_invitation(&text, &cx.room) {
            Err(EnvelopeError::Sealed) => Envelope::open(&text, &cx.identity, &cx.room),
            opened => opened,
        };
        let envelope = envelope.map_err(|error| match error {
            EnvelopeError::Sealed if text.len() < INVITATION_CHARS_MIN => InvitationError::Damaged,
            EnvelopeError::Sealed => InvitationError::OtherRoom,
            EnvelopeError::Forged | EnvelopeError::Malformed => InvitationError::Damaged,
        })?;
        let (from, session) = (envelope.from, envelope.session);
        let (kind, sdp, mut candidates) = match envelope.body {
            Body::Invitation { .. } if from == cx.me => return Err(InvitationError::Own),
            Body::Invitation { version, .. } if version != PROTOCOL_VERSION => return Err(InvitationError::Version),
            Body::Invitation { sdp, candidates, .. } => (Invitation::Invited, sdp, candidates),
            Body::Acceptance { sdp, candidates } => (Invitation::Answered, sdp, candidates),
            Body::Offer { .. } | Body::Answer { .. } | Body::Candidates { .. } | Body::Decline { .. } => {
                return Err(InvitationError::Damaged);
            }
        };
        candidates.retain(|candidate| is_usable(candidate, Loopback::Refused));
        Ok(Text {
            kind,
            from,
            session,
            sdp,
            candidates,
        })
    }

    /// Makes an invitation on `link`, which is to be dialled with these servers.
    pub(crate) fn invite(&mut self, cx: &mut Context, link: LinkId, ice_servers: &[IceServer]) {
        let session = SessionId::random(&mut self.rng);
        let evidence = Evidence::of(ice_servers);
        self.push(cx, session, link, None, Certificates::default(), evidence);
    }

    /// Whether this session's invitation was taken already. Taken twice by a person in doubt: the first answer is the one that counts.
    pub(crate) fn is_taken(&self, session: SessionId) -> bool {
        self.all.iter().any(|invited| invited.session == session)
    }

    /// Makes the answer to an invitation with this description on `link`, which is to be accepted.
    pub(crate) fn answer(&mut self, cx: &mut Context, session: SessionId, link: LinkId, to: PeerId, sdp: &str) {
        let mut certificates = Certificates::default();
        certificates.note_theirs(sdp);
        // Its way to the one who invited is a person's: when it fails, nobody knows whether it has arrived.
        self.push(cx, session, link, Some(to), certificates, Evidence::default());
    }

    fn push(
        &mut self,
        cx: &mut Context,
        session: SessionId,
        link: LinkId,
        answers: Option<PeerId>,
        certificates: Certificates,
        evidence: Evidence,
    ) {
        if self.all.len() >= INVITATIONS_MAX {
            let oldest = self.all.remove(0);
            cx.output(Output::HangUp { link: oldest.link });
        }
        let now = cx.instant();
        self.all.push(Invited {
            session,
            link,
            answers,
            sdp: None,
            certificates,
            candidates: Vec::new(),
            evidence,
            gathered_at: Some(now + GATHER),
            until: now + cx.timing.invitation_timeout,
        });
    }

    fn place_of_ours(&self, session: SessionId) -> Option<usize> {
        let ours = |invited: &Invited| invited.session == session && invited.answers.is_none();
        self.all.iter().position(ours)
    }

    /// Whether an invitation of ours waits for this answer.
    pub(crate) fn awaits(&self, session: SessionId) -> bool {
        self.place_of_ours(session).is_some()
    }

    /// An invitation of ours was answered with this description and these candidates: gives the session to go on with.
    pub(crate) fn accepted(
        &mut self,
        cx: &Context,
        session: SessionId,
        sdp: &str,
        candidates: &[Candidate],
    ) -> Option<Session> {
        let place = self.place_of_ours(session)?;
        let mut invited = self.all.remove(place);
        invited.certificates.note_theirs(sdp);
        invited.evidence.theirs.note(candidates);
        let (link, certificates) = (invited.link, invited.certificates);
        let session = Session::agreed(cx, Role::Offerer, session, link, certificates);
        Some(session.with_evidence(invited.evidence))
    }

    /// The channel of an invitation's link opened: gives the peer that it answers, which has it now, and the session to go on with.
    pub(crate) fn handle_open(&mut self, cx: &Context, link: LinkId) -> Option<(PeerId, Session)> {
        let place = self.all.iter().position(|invited| invited.link == link)?;
        let peer = self.all[place].answers?;
        let invited = self.all.remove(place);
        let session = Session::agreed(cx, Role::Answerer, invited.session, link, invited.certificates);
        Some((peer, session))
    }

    /// The driver made a description. Says whether it is of an invitation's link.
    pub(crate) fn handle_description(&mut self, link: LinkId, sdp: &str) -> bool {
        let invited = self.all.iter_mut().find(|invited| invited.link == link);
        invited.is_some_and(|invited| {
            invited.certificates.note_ours(sdp);
            invited.sdp = Some(sdp::without_candidates(sdp));
            true
        })
    }

    /// The driver found candidates. Says whether they are of an invitation's link.
    pub(crate) fn handle_candidates(&mut self, cx: &Context, link: LinkId, candidates: &[Candidate]) -> bool {
        let Some(invited) = self.all.iter_mut().find(|invited| invited.link == link) else {
            return false;
        };
        invited.evidence.ours.note(candidates);
        for candidate in candidates {
            if candidate.line.is_empty() {
                // That was all: it can be handed out.
                invited.gathered_at = invited.gathered_at.map(|at| at.min(cx.instant()));
            } else if invited.candidates.len() < CANDIDATES_MAX {
                let shown = shown(candidate.clone(), Loopback::Refused, cx.transport_policy);
                invited.candidates.extend(shown);
            }
        }
        true
    }

    /// The driver gave up an invitation's link.
    pub(crate) fn handle_closed(&mut self, link: LinkId) {
        self.all.retain(|invited| invited.link != link);
    }

    /// When a text is complete or an invitation runs out.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.all.iter().map(Invited::poll_timeout).min()
    }

    /// Gives what is complete, and withdraws what has run out.
    pub(crate) fn handle_timeout(&mut self, cx: &mut Context) -> Vec<HandedOut> {
        let now = cx.instant();
        let mut handed_out = Vec::new();
        for invited in &mut self.all {
            if invited.gathered_at.is_some_and(|at| now >= at)
                && let Some(sdp) = invited.sdp.take()
            {
                invited.gathered_at = None;
                let candidates = std::mem::take(&mut invited.candidates);
                let body = match invited.answers {
                    None => Body::Invitation {
                        version: PROTOCOL_VERSION,
                        sdp,
                        candidates,
                    },
                    Some(_) => Body::Acceptance { sdp, candidates },
                };
                handed_out.push(HandedOut {
                    answers: invited.answers,
                    session: invited.session,
                    body,
                });
            }
        }
        self.all.retain(|invited| {
            let open = now < invited.until;
            if !open {
                cx.output(Output::HangUp { link: invited.link });
            }
            open
        });
        handed_out
    }

    /// Withdraws all.
    pub(crate) fn drop_all(&mut self, cx: &mut Context) {
        for invited in std::mem::take(&mut self.all) {
            cx.output(Output::HangUp { link: invited.link });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        context::test::{identity, peer},
        io::TransportPolicy,
        model::Obstacle,
        wire::envelope::ANYONE,
    };

    fn candidate(line: &str) -> Candidate {
        Candidate {
            line: format!("candidate:1 1 udp 1 192.0.2.1 9 typ host {line}"),
            mid: None,
        }
    }

    fn invitation(candidates: Vec<Candidate>) -> Body {
        Body::Invitation {
            version: PROTOCOL_VERSION,
            sdp: "offer".into(),
            candidates,
        }
    }

    #[test]
    fn an_invitation_is_handed_out_once_as_soon_as_its_candidates_are_complete() {
        let mut cx = Context::test(1);
        let mut invitations = Invitations::new([1; 32]);
        invitations.invite(&mut cx, LinkId(1), &[]);
        assert!(invitations.handle_description(LinkId(1), "offer"));
        assert!(invitations.handle_candidates(&cx, LinkId(1), &[candidate("one")]));
        assert_eq!(invitations.handle_timeout(&mut cx), []);
        invitations.handle_candidates(&cx, LinkId(1), &[Candidate::end()]);
        assert_eq!(invitations.poll_timeout(), Some(cx.instant()));
        let out = invitations.handle_timeout(&mut cx);
        assert_eq!((out.len(), &out[0].answers), (1, &None));
        assert_eq!(out[0].body, invitation(vec![candidate("one")]));
        assert_eq!(invitations.handle_timeout(&mut cx), []);
    }

    #[test]
    fn candidates_are_gathered_for_a_while_only_and_a_text_needs_its_description() {
        let mut cx = Context::test(1);
        let mut invitations = Invitations::new([1; 32]);
        invitations.invite(&mut cx, LinkId(1), &[]);
        let made = cx.instant();
        assert_eq!(invitations.poll_timeout(), Some(made + cx.timing.invitation_timeout));
        invitations.handle_description(LinkId(1), "offer");
        assert_eq!(invitations.poll_timeout(), Some(made + GATHER));
        cx.wait(2_000);
        assert_eq!(invitations.handle_timeout(&mut cx)[0].body, invitation(vec![]));
    }

    #[test]
    fn the_oldest_of_too_many_is_withdrawn_and_so_is_what_runs_out() {
        let mut cx = Context::test(1);
        let mut invitations = Invitations::new([1; 32]);
        for link in 0..=INVITATIONS_MAX as u64 {
            invitations.invite(&mut cx, LinkId(link), &[]);
        }
        assert_eq!(cx.outputs(), [Output::HangUp { link: LinkId(0) }]);
        let timeout = cx.timing.invitation_timeout + Duration::from_millis(1);
        cx.wait(u64::try_from(timeout.as_millis()).unwrap());
        invitations.handle_timeout(&mut cx);
        assert_eq!(cx.outputs().len(), INVITATIONS_MAX);
        assert_eq!(invitations.poll_timeout(), None);
    }

    #[test]
    fn an_answer_counts_once_and_only_for_an_invitation_of_ours() {
        let mut cx = Context::test(1);
        let mut invitations = Invitations::new([1; 32]);
        let session = SessionId::from_bytes([9; 16]);
        invitations.answer(&mut cx, session, LinkId(1), peer(2), "offer");
        assert!(invitations.is_taken(session) && !invitations.awaits(session));
        assert!(invitations.accepted(&cx, session, "answer", &[]).is_none());
        let (to, opened) = invitations.handle_open(&cx, LinkId(1)).unwrap();
        assert_eq!((to, opened.link(), opened.id()), (peer(2), LinkId(1), session));
        assert!(invitations.handle_open(&cx, LinkId(1)).is_none());
    }

    #[test]
    fn a_text_that_was_cut_off_is_told_from_one_for_another_room() {
        let cx = Context::test(1);
        assert_eq!(Invitations::read(&cx, "abc"), Err(InvitationError::Damaged));
        assert_eq!(
            Invitations::read(&cx, &"A".repeat(400)),
            Err(InvitationError::OtherRoom)
        );
    }

    #[test]
    fn what_comes_along_when_a_text_is_copied_does_not_matter() {
        let cx = Context::test(1);
        let inviter = identity(2);
        let envelope = Envelope {
            from: inviter.peer_id(),
            to: ANYONE,
            session: SessionId::from_bytes([9; 16]),
            nonce: 1,
            body: Body::Invitation {
                version: PROTOCOL_VERSION,
                sdp: sdp::test::sdp(),
                candidates: vec![],
            },
        };
        let text = envelope
            .seal(&inviter, &cx.room, &mut stream([3; 32], Stream::Invitations))
            .unwrap();
        let (start, end) = text.split_at(76);
        for copied in [
            format!("> {start}\r\n> {end}\n"),
            format!("“{start}\u{a0}{end}”."),
            format!("<{text}>\u{200b}"),
        ] {
            assert_eq!(Invitations::read(&cx, &copied).unwrap().from, peer(2), "{copied}");
        }
    }

    #[test]
    fn under_the_policy_relay_an_invitation_names_relays_only() {
        let mut cx = Context::test(1);
        cx.transport_policy = TransportPolicy::Relay;
        let mut invitations = Invitations::new([1; 32]);
        invitations.invite(&mut cx, LinkId(1), &[]);
        invitations.handle_description(LinkId(1), "offer");
        let relayed = Candidate {
            line: "candidate:2 1 udp 9 198.51.100.4 9 typ relay raddr 0.0.0.0 rport 9".into(),
            mid: None,
        };
        let found = [candidate("own"), relayed.clone(), Candidate::end()];
        invitations.handle_candidates(&cx, LinkId(1), &found);
        let out = invitations.handle_timeout(&mut cx);
        assert_eq!(out[0].body, invitation(vec![relayed]));
    }

    #[test]
    fn what_stands_in_the_way_of_an_invitation_is_known_by_the_candidates_of_both() {
        let mut cx = Context::test(1);
        let mut invitations = Invitations::new([1; 32]);
        let stun = IceServer {
            urls: vec!["stun:example.org".into()],
            username: None,
            credential: None,
        };
        invitations.invite(&mut cx, LinkId(1), &[stun]);
        invitations.handle_description(LinkId(1), "offer");
        invitations.handle_candidates(&cx, LinkId(1), &[Candidate::end()]);
        let session = invitations.handle_timeout(&mut cx)[0].session;
        let mapped = Candidate {
            line: "candidate:2 1 udp 9 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0".into(),
            mid: None,
        };
        let accepted = invitations.accepted(&cx, session, "answer", &[mapped]).unwrap();
        assert_eq!(accepted.obstacle(), Some(Obstacle::OwnNetwork));
    }
}
