//! A server that is one of several: it may be left for a better one, and be tried again when that one is gone.

use std::time::Duration;

use chacha20::ChaCha20Rng;

use super::{Action, Registration, State};
use crate::{
    back_off::jittered,
    config::{NODE_LEFT_AFTER, Timing},
    io::Instant,
    net::affinity::{Standing, Wish},
};

impl Registration {
    /// A server of a network, not to be connected until it is wished for.
    pub(crate) fn spare(address: String, network: usize) -> Self {
        let mut spare = Self::new(address, network, Instant::default());
        spare.state = State::Spare;
        spare
    }

    /// At which address we reach the server.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Of which network it is, by the number of the server that we came to.
    pub(crate) const fn network(&self) -> usize {
        self.network
    }

    /// Whether it is connected in no way, nor to be connected.
    pub(crate) fn is_spare(&self) -> bool {
        self.state == State::Spare
    }

    /// Whether there is a socket.
    pub(crate) fn is_open(&self) -> bool {
        match self.state {
            State::Opening { .. } | State::Greeting { .. } | State::Registered { .. } => true,
            State::Waiting { .. } | State::Spare | State::Stopped => false,
        }
    }

    /// Whether our hello is with the server, and no answer yet.
    pub(crate) fn is_greeting(&self) -> bool {
        match self.state {
            State::Greeting { .. } => true,
            State::Waiting { .. }
            | State::Opening { .. }
            | State::Registered { .. }
            | State::Spare
            | State::Stopped => false,
        }
    }

    /// See [`Standing`].
    pub(crate) fn standing(&self) -> Standing {
        match self.state {
            State::Registered { .. } => Standing::Registered,
            State::Stopped => Standing::Failing,
            State::Waiting { .. } | State::Opening { .. } | State::Greeting { .. } | State::Spare => {
                if self.failures == 0 {
                    Standing::Untried
                } else {
                    Standing::Failing
                }
            }
        }
    }

    /// Does what is wished of one of several. `others`: with how many others of the network we are registered. A spare that is wished for is
    /// connected `after` that time.
    pub(crate) fn handle_wish(
        &mut self,
        (now, timing): (Instant, &Timing),
        (wish, others): (Wish, usize),
        after: Duration,
        rng: &mut ChaCha20Rng,
        out: &mut Vec<Action>,
    ) {
        self.others = others;
        let wait_alone = self.wait_alone(timing);
        match wish {
            Wish::Registered => {
                self.leave_at = None;
                match &mut self.state {
                    State::Spare => {
                        self.state = State::Waiting { retry_at: now + after };
                        out.push(Action::Changed(self.shown()));
                    }
                    // It was put off because there were others.
                    State::Waiting { retry_at } if others == 0 && *retry_at > now + wait_alone => {
                        *retry_at = now + jittered(timing.server_retry_min, rng);
                        out.push(Action::Changed(self.shown()));
                    }
                    State::Waiting { .. }
                    | State::Opening { .. }
                    | State::Greeting { .. }
                    | State::Registered { .. }
                    | State::Stopped => {}
                }
            }
            Wish::Kept => {
                self.leave_at = None;
                if let State::Waiting { .. } = self.state {
                    self.rest(out);
                }
            }
            Wish::Spare => match self.state {
                State::Registered { .. } => {
                    self.leave_at.get_or_insert(now + NODE_LEFT_AFTER);
                }
                State::Opening { .. } | State::Greeting { .. } => {
                    out.push(Action::Disconnect);
                    self.rest(out);
                }
                State::Waiting { .. } => self.rest(out),
                State::Spare | State::Stopped => {}
            },
        }
    }

    /// The longest wait of a server that nobody stands in for.
    const fn wait_alone(&self, timing: &Timing) -> Duration {
        if self.was_refused {
            timing.server_refused_retry
        } else {
            timing.server_retry_max
        }
    }

    /// Another server of the network has us: this one is left, or has left us.
    pub(crate) fn rest(&mut self, out: &mut Vec<Action>) {
        self.leave_at = None;
        self.state = State::Spare;
        out.push(Action::Changed(self.shown()));
    }

    /// Another node lives by our key in this network.
    pub(crate) fn give_up(&mut self, out: &mut Vec<Action>) {
        if self.state == State::Stopped {
            return;
        }
        if self.is_open() {
            out.push(Action::Disconnect);
        }
        self.leave_at = None;
        self.state = State::Stopped;
        out.push(Action::Changed(self.shown()));
    }
}
