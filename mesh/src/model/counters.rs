//! What a node counts, for "Copy diagnostics" and for tests.

/// What was dropped and what came about, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Payloads that did not open, or were not signed by the sender they name.
    pub envelopes_forged: u64,
    /// Payloads that came before.
    pub envelopes_replayed: u64,
    /// Those of both that a server brought.
    pub envelopes_tampered: u64,
    /// Well-signed payloads that are out of bounds, too late, too many at once or from a peer that is shunned; also what other tabs sent
    /// and was not understood.
    pub envelopes_refused: u64,
    /// Frames and records that are invalid, each a violation of its peer, and whispers that do not open.
    pub frames_refused: u64,
    /// Frames of a later version, ignored.
    pub frames_unknown: u64,
    /// Entries whose payload was broadcast to us, new or not.
    pub entries_broadcast: u64,
    /// Those of them that we had.
    pub entries_repeated: u64,
    /// Requests of neighbors that had been answered with too much lately.
    pub answers_put_off: u64,
    /// Records that were not taken when they came, because as many of the kind had come lately.
    pub records_put_off: u64,
    /// Entries that came by sync instead.
    pub entries_synced: u64,
    /// Over how many links the last entry came that was broadcast to us and new; 0 if it was grafted.
    pub entry_hops: u64,
    /// Packets that could not be handed on.
    pub packets_dropped: u64,
    /// Links that opened.
    pub links_opened: u64,
    /// Attempts to link that failed.
    pub sessions_failed: u64,
}
