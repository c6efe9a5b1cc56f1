//! The limits of files and of what moves them.

/// How many bytes a piece has: what is verified, stored and asked for at once. It is a subtree of BLAKE3's tree.
pub const PIECE_BYTES: usize = 256 * 1024;

const _: () = assert!(PIECE_BYTES.is_power_of_two());

/// The largest file: its piece hashes have 2 MiB, and a set of its pieces 8 KiB.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// How many pieces the largest file has.
pub const PIECES_MAX: usize = 64 * 1024;

const _: () = assert!(PIECES_MAX as u64 * PIECE_BYTES as u64 == FILE_BYTES_MAX);

/// The longest name of a file: what file systems take.
pub const FILE_NAME_BYTES_MAX: usize = 255;

/// The longest media type of a file.
pub const MEDIA_TYPE_BYTES_MAX: usize = 100;

/// How much of a piece goes into one message, at most: a message of the chat waits for at most one of them.
pub const BLOCK_BYTES: usize = 16 * 1024;

const _: () = assert!(PIECE_BYTES.is_multiple_of(BLOCK_BYTES));

/// The largest message on the channel for files: a block, and what goes with it.
pub const FILE_FRAME_BYTES_MAX: usize = BLOCK_BYTES + 1024;

/// What the driver sets as the channel's low mark: at or below it there is more to be sent.
pub const FILE_CHANNEL_LOW_BYTES: usize = 128 * 1024;
