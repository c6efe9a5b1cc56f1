//! What a node is told at its start, and how long it waits for what. Every default has its unit and its reason.

use std::time::Duration;

/// What a node is told at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// The person's name: 1 to [`NAME_CHARS_MAX`](shared::limits::NAME_CHARS_MAX) characters, none of them a control
    /// character. See [`valid_name`](crate::frame::valid_name).
    pub name: String,
    /// How many rendezvous servers the driver knows.
    pub servers: u8,
    /// The founder's statement that this room is closed, if one was remembered: see
    /// [`Output::RememberClosed`](crate::io::Output::RememberClosed).
    pub closed: Option<Vec<u8>>,
    /// How long to wait for what.
    pub timing: Timing,
}

/// How long a node waits for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// From asking for a socket to the welcome. Default 8 s (guess: several round trips of a bad mobile network).
    pub register_timeout: Duration,
    /// The first wait before a server is tried again. Default 0.5 s.
    pub server_retry_min: Duration,
    /// The longest wait before a server is tried again. Default 8 s, so that a server that comes back is used within 10 s.
    pub server_retry_max: Duration,
    /// The wait after a server refused us (full, bad signature). Default 30 s.
    pub server_refused_retry: Duration,
    /// How often a server is asked for more peers while we have fewer links than we could have. Default 15 s.
    pub discover_interval: Duration,
    /// How long after losing a link, or after the network came back, a server is asked for peers. Default 1 s.
    pub discover_soon: Duration,
    /// From the first message of a link set-up to an open link. Default 15 s (ICE alone may take 10 s behind NATs).
    pub session_timeout: Duration,
    /// From a knock to the offer. Default 5 s.
    pub knock_timeout: Duration,
    /// From an offer to its answer. Default 6 s.
    pub answer_timeout: Duration,
    /// For how long a knock is taken to have crossed our offer on the way. Default 1 s.
    pub crossing_window: Duration,
    /// The first wait before a link is tried again. Default 1 s.
    pub session_retry_min: Duration,
    /// The longest wait before a link is tried again. Default 20 s.
    pub session_retry_max: Duration,
    /// For how long a peer that no server names any more is tried. Default 60 s.
    pub session_retry_for: Duration,
    /// From an open link to the peer's hello. Default 5 s.
    pub hello_timeout: Duration,
    /// How often a link is pinged on which nothing was heard. Default 2.5 s: browsers throttle timers of background tabs to one a second,
    /// and three pings must fit into `link_dead`.
    pub ping_interval: Duration,
    /// How often a link is pinged at least, to know its round-trip time. Default 15 s.
    pub measure_interval: Duration,
    /// The silence after which a link is dead. Default 7.5 s, so that a lost peer is noticed within 10 s.
    pub link_dead: Duration,
    /// From ICE's `disconnected` to an ICE restart. Default 2 s (it often recovers by itself).
    pub restart_after: Duration,
    /// A timer this late means that the machine slept. Default 5 s.
    pub sleep_threshold: Duration,
    /// After sleep, the time a link gets to prove itself. Default 3 s.
    pub sleep_grace: Duration,
    /// How long a leaving node waits for its goodbyes to be acknowledged. Default 0.5 s.
    pub goodbye_timeout: Duration,
    /// How long a peer that said goodbye, or misbehaved, has to close the link before we do. Default 2 s.
    pub linger: Duration,
    /// How long a person who is gone stays listed. Default 2 min.
    pub gone_listed: Duration,
    /// How long a whisper is tried. Default 30 s.
    pub whisper_timeout: Duration,
    /// For how long a message said to nobody counts those who come after the first of them. Default 15 s.
    pub late_target_window: Duration,
    /// For how long an invitation by hand can be answered. Default 10 min.
    pub invitation_timeout: Duration,
    /// How long a peer that misbehaved is not linked to. Default 60 s.
    pub shun: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            register_timeout: Duration::from_secs(8),
            server_retry_min: Duration::from_millis(500),
            server_retry_max: Duration::from_secs(8),
            server_refused_retry: Duration::from_secs(30),
            discover_interval: Duration::from_secs(15),
            discover_soon: Duration::from_secs(1),
            session_timeout: Duration::from_secs(15),
            knock_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(6),
            crossing_window: Duration::from_secs(1),
            session_retry_min: Duration::from_secs(1),
            session_retry_max: Duration::from_secs(20),
            session_retry_for: Duration::from_secs(60),
            hello_timeout: Duration::from_secs(5),
            ping_interval: Duration::from_millis(2_500),
            measure_interval: Duration::from_secs(15),
            link_dead: Duration::from_millis(7_500),
            restart_after: Duration::from_secs(2),
            sleep_threshold: Duration::from_secs(5),
            sleep_grace: Duration::from_secs(3),
            goodbye_timeout: Duration::from_millis(500),
            linger: Duration::from_secs(2),
            gone_listed: Duration::from_secs(120),
            whisper_timeout: Duration::from_secs(30),
            late_target_window: Duration::from_secs(15),
            invitation_timeout: Duration::from_secs(600),
            shun: Duration::from_secs(60),
        }
    }
}

/// The most own messages whose delivery is followed; the oldest is then followed no longer. The most whispers that wait for a receipt,
/// past which `whisper` gives `SendError::Full`.
pub const PENDING_MESSAGES_MAX: usize = 256;

/// The most bytes of own whispers that wait for a receipt.
pub const PENDING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How many ids of whispers are remembered to recognise those that came before, at least; at most twice as many are.
pub const SEEN_WHISPERS: usize = 4_096;

/// How many link set-up messages are remembered to recognise replays, at least; at most twice as many are.
pub const SEEN_ENVELOPES: usize = 4_096;

/// How many records are remembered at least to recognise those that came before; at most twice as many are. Entries of the log
/// are recognised for longer, by the log.
pub const SEEN_RECORDS: usize = 1_024;

/// How many packets are remembered to hand none on twice, at least; at most twice as many are.
pub const SEEN_PACKETS: usize = 1_024;

/// How many people are listed, the gone included; the longest gone are forgotten first, and past that many who are here
/// nobody else is listed. What they say arrives all the same.
pub const PEOPLE_MAX: usize = 2_048;

/// How many peers are remembered whom we had, have or want a link with: the passive view; the longest unwanted are forgotten first.
pub const CONTACTS_MAX: usize = 64;

/// How many next hops are remembered.
pub const ROUTES_MAX: usize = PEOPLE_MAX;

/// The last stamps of how many people are kept after they were forgotten.
pub const TOMBSTONES_MAX: usize = 512;

/// How many names of former visits are kept.
pub const KNOWN_NAMES_MAX: usize = 256;

/// How many invalid frames a peer may send before its link is closed.
pub const STRIKES_MAX: u32 = 5;

/// How many failed attempts in a row make an [`Alert::NoPath`](crate::io::Alert::NoPath).
pub const NO_PATH_FAILURES: u32 = 3;

/// How many entries the log keeps; the earliest are let go first.
pub const LOG_ENTRIES_MAX: usize = 10_000;

/// How many bytes of entries the log keeps; the earliest are let go first.
pub const LOG_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How many origins (authors' incarnations) the log keeps; past it no new one is taken.
pub const LOG_ORIGINS_MAX: usize = 8_192;

/// How many entries of an origin are kept whose predecessors are missing; sync brings the others in order.
pub const AHEAD_MAX: usize = 256;

/// How many origins a beacon acknowledges: those that grew last.
pub const ACKS_MAX: usize = 16;

/// How many lost neighbors a beacon names.
pub const LOST_MAX: usize = 8;

/// How many ids wait to be announced to a neighbor; what is not announced is found by sync.
pub const ANNOUNCEMENTS_MAX: usize = 4_096;

/// How many authors' own trees are remembered; the longest unused is forgotten first, and floods once when it is used again.
pub const TREES_MAX: usize = 16;

/// How many ids an announcement or a graft names.
pub const GRAFT_IDS_MAX: usize = 256;

/// How many announced records are waited for at once; the others are found by sync.
pub const MISSING_MAX: usize = 1_024;

/// The largest version vector that is sent, in origins: some 12 KB. With more, logs are reconciled by ranges.
pub const VECTOR_SPANS_MAX: usize = 256;

/// How many spans are asked for at once.
pub const WANT_SPANS_MAX: usize = 64;

/// The largest batch of records, in bytes: of one link's sync, never more than this is on its way.
pub const BATCH_BYTES_MAX: usize = 64 * 1024;

/// The largest step of a reconciliation, in bytes.
pub const RECONCILE_BYTES_MAX: u64 = 48 * 1024;

/// How many records of its own a peer may hand us in a second, in the long run.
pub const RECORDS_PER_SECOND: u32 = 20;

/// How many records of its own a peer may hand us at once.
pub const RECORDS_BURST: u32 = 256;

/// How many packets of its own a peer may have us hand on in a second, in the long run.
pub const PACKETS_PER_SECOND: u32 = 100;

/// How many packets of its own a peer may have us hand on at once.
pub const PACKETS_BURST: u32 = 1_000;

/// How many packets we send in a second, in the long run: less than peers take, for others can make us answer.
pub const OWN_PACKETS_PER_SECOND: u32 = 50;

/// How many packets we send at once.
pub const OWN_PACKETS_BURST: u32 = 500;

/// How many messages a person may send in a second, in the long run: with the beacons, less than peers take.
pub const MESSAGES_PER_SECOND: u32 = 10;

/// How many messages a person may send at once.
pub const MESSAGES_BURST: u32 = 128;

/// How many frames a peer may send us in a second, in the long run.
pub const FRAMES_PER_SECOND: u32 = 2_000;

/// How many frames a peer may send us at once.
pub const FRAMES_BURST: u32 = 20_000;
