//! What carries an envelope: a server, other peers, or the browser between its tabs; and what is checked before anything comes of one.
//!
//! Owns: which envelopes came before, and when other tabs were told of us. Every envelope is
//! opened, checked and counted here, but for texts by hand, which [`invitations`](super::invitations) reads.
//!
//! Invariant: an envelope counts once, and only if it was sealed for us in this room and signed by the sender that it names.

use chacha20::ChaCha20Rng;
use rand_core::Rng;
use shared::{PeerId, SessionId};

use super::contact::{Contact, Via};
use crate::{
    config::SEEN_ENVELOPES,
    context::Context,
    io::{Instant, Output, ServerId},
    model::Alert,
    random::{Stream, stream},
    seen::Seen,
    wire::{
        envelope::{Body, Envelope, EnvelopeError},
        nearby::Nearby,
    },
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Carriers {
    rng: ChaCha20Rng,
    seen: Seen<(PeerId, u64)>,
    /// When other tabs of this browser were last told of us.
    nearby_told: Option<Instant>,
}

impl Carriers {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            rng: stream(seed, Stream::Envelopes),
            seen: Seen::new(SEEN_ENVELOPES, seed),
            nearby_told: None,
        }
    }

    /// Opens an envelope that was carried to us. `None` if it does not count.
    pub(crate) fn open(&mut self, cx: &mut Context, via: Via, sealed: &str) -> Option<Envelope> {
        let envelope = match Envelope::open(sealed, &cx.identity, &cx.room) {
            Ok(envelope) => envelope,
            Err(EnvelopeError::Sealed | EnvelopeError::Forged) => {
                cx.counters.envelopes_forged += 1;
                note_tampering(cx, via);
                return None;
            }
            Err(EnvelopeError::Malformed) => {
                cx.counters.envelopes_refused += 1;
                return None;
            }
        };
        if !self.seen.insert(&(envelope.from, envelope.nonce)) {
            cx.counters.envelopes_replayed += 1;
            note_tampering(cx, via);
            return None;
        }
        Some(envelope)
    }

    /// Seals what is to be carried to a peer. `None` if its id is no key: a server can name what it likes.
    pub(crate) fn seal(&mut self, cx: &Context, to: PeerId, session: SessionId, body: Body) -> Option<String> {
        let nonce = self.rng.next_u64();
        let envelope = Envelope {
            from: cx.me,
            to,
            session,
            nonce,
            body,
        };
        envelope.seal(&cx.identity, &cx.room, &mut self.rng).ok()
    }

    /// Tells the other tabs of this browser that we are here, unless they were told lately. `asks`: whether they should say so, too.
    pub(crate) fn tell_nearby(&mut self, cx: &mut Context, asks: bool) {
        let now = cx.instant();
        let lately = |told: Instant| now.since(told) < cx.timing.crossing_window;
        if self.nearby_told.is_some_and(lately) {
            return;
        }
        self.nearby_told = Some(now);
        let bytes = Nearby::Here { peer: cx.me, asks }.encode();
        cx.output(Output::Nearby { bytes });
    }
}

/// What carries an attempt at a peer: the mesh if it reaches the peer, else a server, else the browser between its tabs. After a failure
/// the next of them has its turn. `meshed`: whether the mesh reaches it; `server`: which server would.
pub(crate) fn choose(contact: &Contact, meshed: bool, server: Option<ServerId>) -> Option<Via> {
    let ways = [
        meshed.then_some(Via::Mesh),
        server.map(Via::Server),
        contact.is_nearby().then_some(Via::Nearby),
    ];
    let ways: Vec<_> = ways.into_iter().flatten().collect();
    let turn = usize::try_from(contact.failures()).unwrap_or(0);
    ways.get(turn % ways.len().max(1)).copied()
}

/// A server that brings what is not genuine is told of, the first time and then each time the count has grown tenfold. What
/// peers and tabs bring is dropped only: any member could make it up, to have a server accused.
fn note_tampering(cx: &mut Context, via: Via) {
    if !matches!(via, Via::Server(_)) {
        return;
    }
    cx.counters.envelopes_tampered += 1;
    let dropped = cx.counters.envelopes_tampered;
    if is_power_of_ten(dropped) {
        cx.alert(Alert::Tampering { dropped });
    }
}

/// For alerts that thin out as their number grows.
fn is_power_of_ten(number: u64) -> bool {
    number
        .checked_ilog10()
        .is_some_and(|exponent| 10u64.pow(exponent) == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::test::peer;

    const SERVER: Via = Via::Server(ServerId(0));

    fn carried(cx: &Context, to: &Context) -> String {
        let body = Body::Decline {
            reason: crate::wire::envelope::DeclineReason::Full,
            version: shared::signal::PROTOCOL_VERSION,
        };
        Carriers::new([7; 32])
            .seal(cx, to.me, SessionId::from_bytes([1; 16]), body)
            .unwrap()
    }

    #[test]
    fn an_envelope_counts_once() {
        let (ann, mut bob) = (Context::test(1), Context::test(2));
        let sealed = carried(&ann, &bob);
        let mut carriers = Carriers::new([8; 32]);
        assert_eq!(
            carriers
                .open(&mut bob, Via::Mesh, &sealed)
                .map(|envelope| envelope.from),
            Some(ann.me)
        );
        assert_eq!(carriers.open(&mut bob, Via::Mesh, &sealed), None);
        assert_eq!(bob.counters.envelopes_replayed, 1);
        assert_eq!(bob.outputs(), [], "no server is to blame");
    }

    #[test]
    fn a_server_that_tampers_is_told_of_at_each_power_of_ten() {
        let mut bob = Context::test(2);
        let mut carriers = Carriers::new([8; 32]);
        for _ in 0..10 {
            assert_eq!(carriers.open(&mut bob, SERVER, "forged"), None);
        }
        let told: Vec<_> = [1, 10]
            .map(|dropped| {
                Output::Event(crate::model::Event::Alert {
                    alert: Alert::Tampering { dropped },
                })
            })
            .into();
        assert_eq!(bob.outputs(), told);
        assert_eq!(bob.counters.envelopes_forged, 10);
    }

    #[test]
    fn each_failure_gives_the_next_carrier_its_turn() {
        let mut contact = Contact::new(None, Instant::default());
        let server = Some(ServerId(1));
        assert_eq!(choose(&contact, false, None), None);
        contact.note_nearby();
        let mut rng = stream([1; 32], Stream::Attempts);
        let mut tried = Vec::new();
        for _ in 0..4 {
            tried.push(choose(&contact, true, server));
            let timing = crate::Timing::default();
            contact.fail(Instant::default(), &timing, &mut rng);
        }
        let ways = [Via::Mesh, Via::Server(ServerId(1)), Via::Nearby, Via::Mesh];
        assert_eq!(tried, ways.map(Some));
    }

    #[test]
    fn other_tabs_are_not_told_twice_within_a_moment() {
        let mut cx = Context::test(1);
        let mut carriers = Carriers::new([8; 32]);
        carriers.tell_nearby(&mut cx, true);
        carriers.tell_nearby(&mut cx, false);
        let bytes = Nearby::Here {
            peer: peer(1),
            asks: true,
        }
        .encode();
        assert_eq!(cx.outputs(), [Output::Nearby { bytes }]);
        cx.wait(1_000);
        carriers.tell_nearby(&mut cx, false);
        assert_eq!(cx.outputs().len(), 1);
    }
}
