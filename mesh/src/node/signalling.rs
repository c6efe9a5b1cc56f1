//! What two peers tell each other before they are linked, and how that is carried: every envelope is opened, checked and counted
//! here before anything comes of it.

use std::time::Duration;

use rand_core::Rng;
use shared::{
    PeerId, SessionId,
    signal::{PROTOCOL_VERSION, Request},
};

use super::{Node, Phase};
use crate::{
    envelope::{Body, DeclineReason, Envelope, EnvelopeError},
    io::{Alert, Output, ServerId},
    membership::{Need, grants},
    nearby::Nearby,
    record::Cargo,
    route::Way,
};

/// What carries an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// A rendezvous server.
    Server(ServerId),
    /// Other peers: see [`route`](crate::route).
    Mesh,
    /// The browser, between its tabs.
    Nearby,
}

/// How often a peer may make us start an attempt in the long run: each costs us a connection, of which a page has some
/// hundreds.
const ATTEMPT_SPACING: Duration = Duration::from_secs(1);

/// How many attempts a peer may make us start at once. After an outage, what was sent meanwhile arrives in a burst, and only
/// the last of it is of use.
const ATTEMPT_BURST: u32 = 8;

impl Node {
    /// A sealed envelope came.
    pub(super) fn on_payload(&mut self, via: Via, payload: &str) {
        if self.phase != Phase::Here {
            return;
        }
        let envelope = match Envelope::open(payload, &self.me, &self.room) {
            Ok(envelope) => envelope,
            Err(EnvelopeError::Sealed | EnvelopeError::Forged) => {
                self.counters.envelopes_forged += 1;
                return self.on_tampering(via);
            }
            Err(EnvelopeError::Malformed) => {
                self.counters.envelopes_refused += 1;
                return;
            }
        };
        if !self.seen_envelopes.insert((envelope.from, envelope.nonce)) {
            self.counters.envelopes_replayed += 1;
            return self.on_tampering(via);
        }
        self.on_envelope(via, envelope);
    }

    /// A server that brings what is not genuine is told of, the first time and then each time the count has grown tenfold. What
    /// peers and tabs bring is dropped only: any member could make it up, to have a server accused.
    fn on_tampering(&mut self, via: Via) {
        if !matches!(via, Via::Server(_)) {
            return;
        }
        self.counters.envelopes_tampered += 1;
        let dropped = self.counters.envelopes_tampered;
        if power_of_ten(dropped) {
            self.alert(Alert::Tampering { dropped });
        }
    }

    fn on_envelope(&mut self, via: Via, envelope: Envelope) {
        let Envelope {
            from, session, body, ..
        } = envelope;
        let now = self.now.instant;
        if self.contacts.get(&from).is_some_and(|contact| contact.is_shunned(now)) {
            self.counters.envelopes_refused += 1;
            return;
        }
        match body {
            Body::Knock { version, urgent } => {
                if self.admit(via, from, session, version, urgent) && !self.has_crossed(&from) {
                    self.drop_session(from);
                    self.start_with(from, session);
                }
            }
            Body::Offer {
                version,
                round: 0,
                sdp,
                urgent,
            } => {
                if self.admit(via, from, session, version, urgent) {
                    self.drop_session(from);
                    self.answer(from, session, sdp);
                }
            }
            Body::Offer { round, sdp, .. } => {
                let ice_servers = self.ice_servers();
                self.with_session(from, session, |session, _, out| {
                    session.on_restart(round, sdp, ice_servers, out)
                });
            }
            Body::Answer { round, sdp } => {
                self.with_session(from, session, |session, timing, out| {
                    session.on_answer(round, sdp, timing, out)
                });
            }
            Body::Candidates { candidates } => {
                self.with_session(from, session, |session, _, out| session.on_candidates(candidates, out));
            }
            Body::Decline { reason, version } => self.on_declined(from, session, reason, version),
            // These go by hand, to whoever awaits them.
            Body::Invitation { .. } | Body::Acceptance { .. } => self.counters.envelopes_refused += 1,
        }
    }

    /// Whether a knock or first offer is taken up: our version, not too often, and a place for it.
    fn admit(&mut self, via: Via, from: PeerId, session: SessionId, version: u16, urgent: bool) -> bool {
        if version != PROTOCOL_VERSION {
            self.decline(via, from, session, DeclineReason::Version);
            self.refuse_version(from, version);
            return false;
        }
        let now = self.now.instant;
        let busy = self.busy_contacts();
        let Some(contact) = self.contact(from, Some(via)) else {
            self.counters.envelopes_refused += 1;
            return false;
        };
        // A leaky bucket, kept as the time at which it will be empty (GCRA, ITU-T I.371).
        let attempts_from = contact.attempts_until.max(now);
        if attempts_from > now + ATTEMPT_SPACING * (ATTEMPT_BURST - 1) {
            self.counters.envelopes_refused += 1;
            return false;
        }
        let need = if urgent { Need::High } else { Need::Low };
        if !contact.is_busy() && !grants(busy, need) {
            self.decline(via, from, session, DeclineReason::Full);
            return false;
        }
        contact.attempts_until = attempts_from + ATTEMPT_SPACING;
        true
    }

    /// Whether a knock crossed our own offer on the way, or came before it was made: that offer will do.
    fn has_crossed(&self, peer: &PeerId) -> bool {
        let session = self.contacts.get(peer).and_then(|contact| contact.session.as_ref());
        session.is_some_and(|session| {
            session.is_describing() || self.now.instant.since(session.started()) < self.config.timing.crossing_window
        })
    }

    fn on_declined(&mut self, from: PeerId, session: SessionId, reason: DeclineReason, version: u16) {
        let known = self.contacts.get(&from).and_then(|contact| contact.session.as_ref());
        if known.is_none_or(|known| known.id() != session) {
            return;
        }
        match reason {
            DeclineReason::Full => self.refused_by(from),
            DeclineReason::Version => {
                self.fail_session(from, false);
                self.refuse_version(from, version);
            }
        }
    }

    /// `peer` speaks a version that we do not: it is not sought for a while, but may come by itself, brought up to date.
    pub(super) fn refuse_version(&mut self, peer: PeerId, theirs: u16) {
        let quiet_until = self.now.instant + self.config.timing.shun;
        let Some(contact) = self.contact(peer, None) else {
            return;
        };
        contact.retry_at = Some(quiet_until);
        if contact.told_version.replace(theirs) != Some(theirs) {
            self.alert(Alert::PeerVersion { peer, theirs });
        }
    }

    /// `peer` speaks our version, by now.
    pub(super) fn accept_version(&mut self, peer: PeerId) {
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.told_version = None;
        }
    }

    pub(super) fn send_envelope(&mut self, via: Via, to: PeerId, session: SessionId, body: Body) {
        let nonce = self.random.envelopes.next_u64();
        let envelope = Envelope {
            from: self.me,
            to,
            session,
            nonce,
            body,
        };
        let payload = envelope.seal(&self.identity, &self.room, &mut self.random.envelopes);
        match via {
            Via::Server(server) => self.request(Some(server), Request::Relay { to, payload }),
            Via::Mesh => {
                // Who was not reached before is sought everywhere. So is who has a link with us, or it would not be needed.
                let known = self.contacts.get(&to);
                let tried = known.is_some_and(|contact| contact.failures > 0 || contact.linked.is_some());
                let way = if tried { Way::Flooded } else { Way::Learned };
                self.send_packet(to, Cargo::Envelope { payload }, way);
            }
            Via::Nearby => {
                let bytes = Nearby::Envelope { to, payload }.encode();
                self.outbox.push_back(Output::Nearby { bytes });
            }
        }
    }

    fn decline(&mut self, via: Via, to: PeerId, session: SessionId, reason: DeclineReason) {
        self.send_envelope(
            via,
            to,
            session,
            Body::Decline {
                reason,
                version: PROTOCOL_VERSION,
            },
        );
    }
}

/// For alerts that thin out as their number grows.
fn power_of_ten(number: u64) -> bool {
    number
        .checked_ilog10()
        .is_some_and(|exponent| 10u64.pow(exponent) == number)
}
