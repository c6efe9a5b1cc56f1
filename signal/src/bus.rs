//! Several servers that are one network: a peer is registered with any of them, and finds everybody of its room.
//!
//! Each server, here called a node, has a [`Hub`](crate::hub::Hub) of its own, which decides what it decides alone. Beyond that there are two things, and Redis is
//! both. The *directory* knows of each room which nodes have peers of it, how many, and a sample of them; at which node each peer is registered; and the
//! founder's closing. The *bus* carries words from node to node: a payload for a peer of another node, and what has changed in a room that both have.
//!
//! Invariants:
//!
//! - Of a room whose peers are all at one node, nothing is sent to any other node.
//! - A word may get lost, or come twice, or late: what it was about is mended when the node next looks after the room, within 10 s
//!   ([`ROOM_REFRESH`](crate::config)), and payloads are sent again by peers themselves.
//! - What a node has told holds as long as the node says that it lives. After a break it comes back under a new id and tells everything again.
//! - A join, a relay and a sample cost the same in a room of two and in a room of thousands, and grow with the nodes that have the room.
//! - Whoever can write to Redis is trusted: see SECURITY.md. A closing is checked all the same.
//!
//! `word` is what nodes tell each other, `directory` what they tell Redis, and hear; the three scripts are what Redis does with that. `queue` is what waits
//! for its way, `redis` carries it, to the servers that `find` finds. On a cluster the directory has parts: see `section`. Not here: what a hub makes of it (`hub/several.rs`, `hub/abroad.rs`).

#[cfg(test)]
mod contract;
mod directory;
mod find;
mod queue;
mod redis;
mod script;
mod section;
mod word;

use tokio::sync::watch;

use crate::{App, config::RedisUrl};

pub(crate) use queue::CarriedQueue;

pub use directory::{Answer, Change, Joined, News};
pub use word::{Cause, NodeId, Share, Word};

/// The tie of a server to the others of its network.
#[derive(Debug)]
pub struct Bus {
    app: App,
    url: RedisUrl,
}

impl Bus {
    /// Has `app` expect others, whom it finds by Redis at `url`. To be called before it serves anybody, and followed by [`Bus::run`].
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn new(app: App, url: RedisUrl) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        app.hub().call(|hub, _, _| hub.expect_others(key));
        Ok(Self { app, url })
    }

    /// Keeps `app` in touch with the others until `stop` has a value. A Redis that is away is tried again and again. Then tells the others that
    /// this node is gone.
    pub async fn run(self, stop: watch::Receiver<()>) {
        redis::run(self.app.hub(), &self.url, stop).await;
    }
}
