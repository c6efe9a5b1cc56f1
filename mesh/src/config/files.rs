//! The limits of files and of what moves them.

use std::time::Duration;

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

/// How much of a piece goes into one message as long as the channel is not known to be fast: a message of the chat waits for at most one of them.
pub const BLOCK_BYTES: usize = 16 * 1024;

/// How much of a piece goes into one message of a fast channel, and at most: each message costs both sides as much as hashing a good part of it.
pub const BLOCK_BYTES_MAX: usize = 60 * 1024;

/// A channel that takes [`FILE_CHANNEL_WINDOW_BYTES`] within this time is fast: 2 MB/s. A message of the chat then waits for 30 ms.
pub const FAST_WITHIN: Duration = Duration::from_millis(128);

/// The largest message on the channel for files: a block, and what goes with it. Below 64 KiB, what any peer takes (RFC 8841 §6).
pub const FILE_FRAME_BYTES_MAX: usize = BLOCK_BYTES_MAX + 1024;

const _: () = assert!(FILE_FRAME_BYTES_MAX < 64 * 1024);

/// What the driver sets as the channel's low mark: at or below it there is more to be sent.
pub const FILE_CHANNEL_LOW_BYTES: usize = 128 * 1024;

/// How much is put into the channel at once before it says again that little waits there.
pub const FILE_CHANNEL_WINDOW_BYTES: usize = 256 * 1024;

/// How many frames wait for room in a channel, besides pieces. A peer for whom more would have to wait takes nothing: its channel is used no more.
pub const FILE_FRAMES_WAITING_MAX: usize = 64;

/// How many files a node fetches, keeps and serves.
pub const FILES_MAX: usize = 256;

/// How many hashes of pieces go into one message.
pub const HASHES_PART_MAX: usize = BLOCK_BYTES / 32;

/// How many hashes of pieces one request is answered with: of a file of a gigabyte all of them.
pub const HASHES_ANSWER_MAX: usize = 8 * HASHES_PART_MAX;

/// The fewest pieces that a holder is asked for at once: while one is on its way, the next is asked for.
pub const WINDOW_MIN: usize = 2;

/// The most pieces that a holder is asked for at once: 4 MiB, enough for 20 MB/s over 200 ms.
pub const WINDOW_MAX: usize = 16;

/// A piece that came within this time after it was asked for lets the window grow.
pub const WINDOW_GROWS_BELOW: Duration = Duration::from_secs(1);

/// A piece that took longer than this lets the window shrink.
pub const WINDOW_SHRINKS_ABOVE: Duration = Duration::from_secs(4);

/// How many pieces and hash lists a peer may ask us for at once: twice as many as an honest peer asks for.
pub const REQUESTS_MAX: usize = 2 * WINDOW_MAX;

/// How many pieces are read ahead for each link that they are sent on.
pub const READ_AHEAD: usize = 2;

/// How many pieces the platform is asked to read at once, whoever they are for: 4 MiB. Others wait for these.
pub const READS_MAX: usize = 16;

/// How many verified pieces wait for the disk: 8 MiB. Past them nothing more is asked for.
pub const WRITES_MAX: usize = 32;

/// How long a holder may send nothing of what it was asked for, before others are asked.
pub const STALL: Duration = Duration::from_secs(10);

/// How long the piece that a holder sends may take: 4 KB a second.
pub const PIECE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a holder that stalled is not asked for the file again.
pub const STALLED_RESTS: Duration = Duration::from_secs(60);

/// How long a holder that sent garbage is not asked for the file again.
pub const LIAR_RESTS: Duration = Duration::from_secs(30 * 60);

/// How often a holder may lack what it told to have, before it is taken for one that stalls.
pub const LACKED_MAX: u32 = 8;

/// How many peers are remembered for each file that are not to be asked; the one whose time ends first is forgotten first.
pub const RESTING_MAX: usize = 64;

/// When a piece was asked for this long ago and a holder has nothing else to do, it is asked for that piece too.
pub const ENDGAME_AFTER: Duration = Duration::from_secs(2);

/// How many holders are asked for one piece at once.
pub const ASKED_TWICE: u8 = 2;

/// Among how many pieces the rarest is chosen.
pub const CHOICE: usize = 32;

/// How often what is under way is looked at.
pub const FILES_TICK: Duration = Duration::from_millis(500);

/// How long it may take until others hear what files and pieces we have.
pub const TELL_HOLDS: Duration = Duration::from_millis(200);

/// The least time between two sets of pieces of one file that others are told.
pub const TELL_PIECES: Duration = Duration::from_secs(1);

/// The least time between two reports of progress of one file.
pub const PROGRESS: Duration = Duration::from_millis(250);

/// After how long the app is told that a file that is on its way stands where it stood.
pub const STILL: Duration = Duration::from_secs(1);

/// After how long a file that could not be read is tried again first; twice as long each time after that.
pub const READ_RETRY: Duration = Duration::from_secs(1);

/// The longest between two tries to read a file.
pub const READ_RETRY_MAX: Duration = Duration::from_secs(60);

/// After how many failures in a row a file that cannot be read is served no more, until it can be. Whoever waits for a piece waits for 3 seconds until then.
pub const READ_TRIES: u32 = 3;

/// How many files are remembered that the person dropped; of too many the one with the lowest id is forgotten.
pub const DROPPED_MAX: usize = 1024;

/// How often the set of pieces that are stored is stored: a crash loses no more than was stored meanwhile.
pub const STORE_PIECES: Duration = Duration::from_secs(1);

/// How often neighbors are asked who else has a file.
pub const SEEK_HOLDERS: Duration = Duration::from_secs(10);

/// With fewer sources than this, more are looked for.
pub const SOURCES_WANTED: usize = 3;

/// How many peers are remembered for each file who are said to have it and are no neighbors; others are not noted.
pub const FILE_CANDIDATES_MAX: usize = 32;

/// How many links are made for files at once, beyond those that the mesh makes.
pub const FILE_LINKS_MAX: usize = 2;

/// How many files are carried at once for neighbors who cannot reach their holders.
pub const CARRIED_MAX: usize = 4;

/// How many pieces are carried in a second, of all files together: 4 Mbit/s, which leaves most of a slow line to the chat.
pub const CARRIED_PIECES_PER_SECOND: u32 = 2;

/// How long a file is carried after it was asked for last.
pub const CARRIED_FOR: Duration = Duration::from_secs(60);

/// How long a link for files may take to open.
pub const FILE_LINK_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a peer is left alone with whom no link for files came about.
pub const FILE_LINK_RETRY: Duration = Duration::from_secs(60);

/// How many frames besides pieces a peer may send us in a second, in the long run: it asks for pieces one by one, and for 250 MB in so many.
pub const FILE_FRAMES_PER_SECOND: u32 = 1_000;

/// How many frames besides pieces a peer may send us at once.
pub const FILE_FRAMES_BURST: u32 = 10_000;

/// How many messages that come on a channel before its peer said hello are kept.
pub const EARLY_MESSAGES_MAX: usize = 16;

/// How many channels are remembered whose peers said no hello yet; the oldest is forgotten first.
pub const EARLY_CHANNELS_MAX: usize = 64;

/// How many bytes may still come that were cancelled.
pub const LATE_BYTES_MAX: u64 = (WINDOW_MAX * PIECE_BYTES) as u64;

/// The same while nothing is asked for.
pub const FILES_TICK_IDLE: Duration = Duration::from_secs(2);
