//! What comes of a refusal.

use chacha20::ChaCha20Rng;
use shared::signal::Refusal;

use super::{Action, Registration, State};
use crate::{back_off::jittered, config::Timing, io::Instant, model::Alert};

impl Registration {
    pub(super) fn on_refused(
        &mut self,
        now: Instant,
        refusal: Refusal,
        timing: &Timing,
        rng: &mut ChaCha20Rng,
        out: &mut Vec<Action>,
    ) {
        match refusal {
            Refusal::PeerNotHere { to } => out.push(Action::NotHere(to)),
            Refusal::UnsupportedVersion {
                version_min,
                version_max,
            } => {
                out.push(Action::Disconnect);
                self.stop(
                    Alert::ServerVersion {
                        version_min,
                        version_max,
                    },
                    out,
                );
            }
            Refusal::BadSignature {} | Refusal::WrongHost {} => {
                self.wait_after_refusal(now, Alert::HelloRefused, timing, rng, out)
            }
            Refusal::RoomFull {} => self.wait_after_refusal(now, Alert::RoomFull, timing, rng, out),
            Refusal::ServerFull {} => self.wait_after_refusal(now, Alert::ServerFull, timing, rng, out),
            // The server closes the socket after a refusal to let us in while it drains. The others concern one request, whose
            // purpose has a time-out and a retry of its own.
            Refusal::Draining {}
            | Refusal::Malformed {}
            | Refusal::NotRegistered {}
            | Refusal::AlreadyRegistered {}
            | Refusal::PeerBusy { .. }
            | Refusal::TooFast { .. }
            | Refusal::PayloadTooLarge {} => {}
        }
    }

    fn wait_after_refusal(
        &mut self,
        now: Instant,
        alert: Alert,
        timing: &Timing,
        rng: &mut ChaCha20Rng,
        out: &mut Vec<Action>,
    ) {
        out.push(Action::Disconnect);
        self.was_refused = true;
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting {
            retry_at: now + jittered(timing.server_refused_retry, rng),
        };
        out.push(Action::Changed(self.shown()));
        if self.alerted.as_ref() != Some(&alert) {
            self.alerted = Some(alert.clone());
            out.push(Action::Alert(alert));
        }
    }

    fn stop(&mut self, alert: Alert, out: &mut Vec<Action>) {
        self.state = State::Stopped;
        out.push(Action::Changed(self.shown()));
        out.push(Action::Alert(alert));
    }
}
