//! How long a node waits for what. Tests change it, nobody else does.

use std::time::Duration;

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
    /// How long after losing a link a server is asked for peers. Default 1 s.
    pub discover_soon: Duration,
    /// From the first message of a link set-up to an open link. Default 15 s (ICE alone may take 10 s behind NATs).
    pub session_timeout: Duration,
    /// From an offer to its answer. Default 6 s.
    pub answer_timeout: Duration,
    /// For how long an offer is taken to have crossed ours on the way. Default 1 s.
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
    /// From ICE's `disconnected` to an ICE restart. Default 1 s (it often recovers by itself).
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
            answer_timeout: Duration::from_secs(6),
            crossing_window: Duration::from_secs(1),
            session_retry_min: Duration::from_secs(1),
            session_retry_max: Duration::from_secs(20),
            session_retry_for: Duration::from_secs(60),
            hello_timeout: Duration::from_secs(5),
            ping_interval: Duration::from_millis(2_500),
            measure_interval: Duration::from_secs(15),
            link_dead: Duration::from_millis(7_500),
            restart_after: Duration::from_secs(1),
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
