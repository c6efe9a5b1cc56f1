//! A box for one peer in a simulation: as long as a real one, it opens for the same recipient in the same context and not if it was altered,
//! and costs two hashes. With X25519 two thirds of a simulator's time would go into boxes. Real ones are tested where they are made.

use std::cell::Cell;

use shared::{PeerId, seal::BOX_OVERHEAD_BYTES};

// No limit: as of a real box.
const TAG_LEN: usize = 16;
// No limit: what is left of that.
const NONCE_LEN: usize = BOX_OVERHEAD_BYTES - TAG_LEN;

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
}

/// From now on, on this thread.
pub(crate) fn turn_on() {
    ON.set(true);
}

pub(super) fn is_on() -> bool {
    ON.get()
}

pub(super) fn seal(recipient: &PeerId, context: &[u8], bytes: &[u8], rng: &mut impl rand_core::CryptoRng) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    rng.fill_bytes(&mut nonce);
    let mut hidden = bytes.to_vec();
    apply_stream(recipient, context, &nonce, &mut hidden);
    let tag = tag(recipient, context, &nonce, &hidden);
    [nonce.as_slice(), &hidden, &tag].concat()
}

pub(super) fn open(recipient: &PeerId, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let (hidden, theirs) = rest.split_last_chunk::<TAG_LEN>()?;
    if tag(recipient, context, nonce, hidden) != *theirs {
        return None;
    }
    let mut bytes = hidden.to_vec();
    apply_stream(recipient, context, nonce, &mut bytes);
    Some(bytes)
}

fn hasher(recipient: &PeerId, context: &[u8], nonce: &[u8]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(recipient.as_bytes()).update(nonce).update(context);
    hasher
}

fn apply_stream(recipient: &PeerId, context: &[u8], nonce: &[u8], bytes: &mut [u8]) {
    let mut stream = vec![0; bytes.len()];
    hasher(recipient, context, nonce).finalize_xof().fill(&mut stream);
    for (byte, mask) in bytes.iter_mut().zip(stream) {
        *byte ^= mask;
    }
}

fn tag(recipient: &PeerId, context: &[u8], nonce: &[u8], hidden: &[u8]) -> [u8; TAG_LEN] {
    let mut hasher = hasher(recipient, context, nonce);
    let mut tag = [0; TAG_LEN];
    hasher.update(&[0]).update(hidden).finalize_xof().fill(&mut tag);
    tag
}
