//! What a file is, as its offer says: the body of an entry of the log.

use minicbor::Encode;
use shared::FileId;
use wire_derive::Decode;

use crate::config::{FILE_BYTES_MAX, FILE_NAME_BYTES_MAX, MEDIA_TYPE_BYTES_MAX};

/// A file that somebody offers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FileInfo {
    /// BLAKE3 of its whole content.
    #[n(0)]
    pub root: FileId,
    /// Its length.
    #[n(1)]
    pub bytes: u64,
    /// Its name, 1 to [`FILE_NAME_BYTES_MAX`] bytes. May hold anything, also what hides or reverses text: see to that where it is shown.
    #[n(2)]
    pub name: String,
    /// Its media type (RFC 6838) as its author has it, or nothing; at most [`MEDIA_TYPE_BYTES_MAX`] bytes.
    #[n(3)]
    pub media_type: String,
}

impl FileInfo {
    /// Whether it keeps the limits.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.bytes <= FILE_BYTES_MAX
            && (1..=FILE_NAME_BYTES_MAX).contains(&self.name.len())
            && self.media_type.len() <= MEDIA_TYPE_BYTES_MAX
    }
}
