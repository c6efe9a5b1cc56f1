//! What every layer is handed to work with: who and where we are, the time, the counters, and the way out.

use std::time::Duration;

use shared::{Identity, PeerId, Room};

use crate::{
    config::{Keeps, Timing},
    io::{Change, Instant, LinkId, Now, Output, Priority, TransportPolicy},
    model::{Alert, Counters, Event},
    outbox::Outbox,
    wire::{fragment::Fragments, frame::Frame},
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) identity: Identity,
    pub(crate) me: PeerId,
    pub(crate) room: Room,
    /// Our person's name.
    pub(crate) name: String,
    pub(crate) timing: Timing,
    /// Set by the node before anything else happens. Its instant never runs back.
    pub(crate) now: Now,
    /// When this node came in.
    came: Instant,
    /// What is added to our wall clock to have the room's time, in milliseconds. See [`RoomTime`](crate::room::time::RoomTime).
    pub(crate) clock_correction: i64,
    pub(crate) counters: Counters,
    pub(crate) outbox: Outbox,
    /// Whether anything is kept for the next visit.
    pub(crate) keeps: bool,
    /// How much of the room, and for whom.
    pub(crate) extent: Keeps,
    /// By which candidates we can be reached.
    pub(crate) transport_policy: TransportPolicy,
    /// How many changes the driver was asked to store.
    pub(crate) stores: u64,
}

impl Context {
    pub(crate) fn new(identity: Identity, room: Room, name: String, timing: Timing, now: Now) -> Self {
        Self {
            me: identity.peer_id(),
            identity,
            room,
            name,
            timing,
            now,
            came: now.instant,
            clock_correction: 0,
            counters: Counters::default(),
            outbox: Outbox::default(),
            keeps: false,
            extent: Keeps::default(),
            transport_policy: TransportPolicy::default(),
            stores: 0,
        }
    }

    /// The time by the monotonic clock.
    pub(crate) fn instant(&self) -> Instant {
        self.now.instant
    }

    /// The room's time, in milliseconds since 1970.
    pub(crate) fn room_millis(&self) -> u64 {
        self.now.unix_millis.saturating_add_signed(self.clock_correction)
    }

    /// Whether something of this time was said since we came in.
    pub(crate) fn is_recent(&self, unix_millis: u64) -> bool {
        let here_for = self.instant().since(self.came);
        Duration::from_millis(self.room_millis().saturating_sub(unix_millis)) <= here_for
    }

    /// Something for the driver to do.
    pub(crate) fn output(&mut self, output: Output) {
        self.outbox.push(output);
    }

    /// Something for the app.
    pub(crate) fn event(&mut self, event: Event) {
        self.outbox.push(Output::Event(event));
    }

    /// Something that the person should know.
    pub(crate) fn alert(&mut self, alert: Alert) {
        self.event(Event::Alert { alert });
    }

    /// Something to be kept. Where nothing is, that is no matter.
    pub(crate) fn store(&mut self, priority: Priority, change: Change) {
        if self.keeps {
            self.stores += 1;
            self.output(Output::Store { change, priority });
        }
    }

    /// Sends a frame on one link.
    pub(crate) fn send(&mut self, link: LinkId, frame: &Frame<'_>) {
        self.outbox.transmit(link, &Fragments::of(frame));
    }

    /// Sends a frame that goes over several links.
    pub(crate) fn transmit(&mut self, link: LinkId, frame: &Fragments) {
        self.outbox.transmit(link, frame);
    }
}

/// A context for tests of a single layer: Ann, in the lobby, a while after the start of time.
#[cfg(test)]
pub(crate) mod test {
    use shared::RoomCode;

    use super::*;

    impl Context {
        /// A context of the person whose secret key is made of this byte.
        pub(crate) fn test(byte: u8) -> Self {
            let now = Now {
                instant: Instant::from_millis(100_000),
                unix_millis: 1_800_000_000_000,
            };
            let room = RoomCode::parse("lobby").unwrap().open();
            Self::new(identity(byte), room, "Ann".into(), Timing::default(), now)
        }

        /// Lets time pass.
        pub(crate) fn wait(&mut self, millis: u64) {
            self.now.instant = Instant::from_millis(self.now.instant.as_millis() + millis);
            self.now.unix_millis += millis;
        }

        /// Everything that came out since the last time.
        pub(crate) fn outputs(&mut self) -> Vec<Output> {
            std::iter::from_fn(|| self.outbox.pop()).collect()
        }
    }

    /// The person whose secret key is made of this byte.
    pub(crate) fn identity(byte: u8) -> Identity {
        Identity::from_secret(&[byte; 32])
    }

    /// Their public key.
    pub(crate) fn peer(byte: u8) -> PeerId {
        identity(byte).peer_id()
    }
}
