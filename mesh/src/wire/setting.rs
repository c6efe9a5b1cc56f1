//! For how long things are kept: as the founder says it to the room, and as a person wants it on one machine.

use std::time::Duration;

use minicbor::Encode;
use wire_derive::Decode;

use crate::config::{KEEP_BYTES_MIN, KEEP_ENTRIES_MIN, KEEP_SECONDS_MIN, LOG_BYTES_MAX, LOG_ENTRIES_MAX};

/// After how long what is said in a room vanishes, by its founder's word: the body of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, minicbor::Decode)]
#[cbor(index_only)]
pub enum Vanish {
    /// It stays.
    #[n(0)]
    #[default]
    Never,
    /// After an hour.
    #[n(1)]
    Hour,
    /// After 24 hours.
    #[n(2)]
    Day,
    /// After seven days.
    #[n(3)]
    Week,
    /// After thirty days.
    #[n(4)]
    Month,
}

impl Vanish {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Never, Self::Hour, Self::Day, Self::Week, Self::Month];

    /// After how long, if at all.
    #[must_use]
    pub const fn after(self) -> Option<Duration> {
        let hours = match self {
            Self::Never => return None,
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
        };
        Some(Duration::from_secs(hours * 60 * 60))
    }
}

/// What a person has one machine keep of a room. Nobody else notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Retention {
    /// How many entries of the log.
    #[n(0)]
    pub entries: u32,
    /// How many bytes of them.
    #[n(1)]
    pub bytes: u32,
    /// For how many seconds, if there is an end to it.
    #[n(2)]
    pub seconds: Option<u32>,
}

impl Default for Retention {
    /// All that there is room for.
    fn default() -> Self {
        Self {
            entries: u32::MAX,
            bytes: u32::MAX,
            seconds: None,
        }
        .within_limits()
    }
}

impl Retention {
    /// The nearest that can be done.
    #[must_use]
    pub fn within_limits(self) -> Self {
        let most = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        Self {
            entries: self.entries.clamp(KEEP_ENTRIES_MIN, most(LOG_ENTRIES_MAX)),
            bytes: self.bytes.clamp(KEEP_BYTES_MIN, most(LOG_BYTES_MAX)),
            seconds: self.seconds.map(|seconds| seconds.max(KEEP_SECONDS_MIN)),
        }
    }

    /// For how long, if there is an end to it.
    pub(crate) fn lasts(self) -> Option<Duration> {
        self.seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }
}
