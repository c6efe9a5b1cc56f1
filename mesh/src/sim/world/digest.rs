//! What went over each directed link, as one number: two builds that do the same give the same.

use std::collections::BTreeMap;

use super::{Body, Simulation, Who};

/// A running hash for each pair that ever sent something, by sender and recipient.
#[derive(Debug, Default)]
pub(super) struct Digests {
    links: BTreeMap<(Who, Who), [u8; 32]>,
}

impl Digests {
    /// `from` sends `bytes` to `to`.
    pub(super) fn note(&mut self, from: Who, to: Who, millis: u64, bytes: &[u8]) {
        let link = self.links.entry((from, to)).or_default();
        *link = *blake3::Hasher::new()
            .update(link)
            .update(&millis.to_be_bytes())
            .update(bytes)
            .finalize()
            .as_bytes();
    }
}

impl<B: Body> Simulation<B> {
    /// From now on everything that goes over links counts for [`Simulation::digest`].
    pub(crate) fn digest_links(&mut self) {
        self.digests = Some(Digests::default());
    }

    /// A hash of every message on every directed link, with its time, in the order sent; empty if that was not asked for.
    pub(crate) fn digest(&self) -> String {
        let Some(digests) = &self.digests else {
            return String::new();
        };
        let mut hasher = blake3::Hasher::new();
        for ((from, to), link) in &digests.links {
            hasher.update(&(*from as u64).to_be_bytes());
            hasher.update(&(*to as u64).to_be_bytes());
            hasher.update(link);
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}
