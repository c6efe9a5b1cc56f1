//! The limits of what a person touches: what is kept on the disk, what is typed and printed, what comes by HTTP.

use std::time::Duration;

// The store

/// How much of the database is cached, in bytes. Most of what is kept is read once, at the start; the default of `redb` is a gigabyte.
pub const DATABASE_CACHE_BYTES: usize = 32 * 1024 * 1024;

/// How many writes wait for the disk. Whoever writes more waits for a place: 32 pieces of files are under way at most, and one batch of records.
pub const WRITES_WAITING_MAX: usize = 64;

/// How many writes are committed together. Each commit waits for the disk once.
pub const WRITES_TOGETHER_MAX: usize = 64;

/// Into how many bytes pieces of files are cut in the database. It gives each large value a power of two of pages: with its key, a part fits into
/// 128 KiB, and a whole piece of 256 KiB takes 260. Uncut it would take 512.
pub const PIECE_PART_BYTES: usize = 127 * 1024;

/// How many people one machine has at once: one for each instance that runs.
pub const PEOPLE_MAX: u32 = client::config::SLOTS_MAX;

// Lines

/// How many files have a number by which they are fetched; past it the oldest lose theirs.
pub const FILES_NUMBERED_MAX: usize = 10_000;

/// How many of our own messages are remembered to say which one was delivered. Of older ones that is said without their text.
pub const RECENT_MAX: usize = 200;

/// How many characters of a message stand where it is said how far the message got.
pub const EXCERPT_CHARS: usize = 30;

/// How many messages of former visits are shown at the start, and by `/history` without a number.
pub const HISTORY_SHOWN: usize = 10;

/// How many messages `/history` and `/search` show at most.
pub const HISTORY_MAX: usize = 1_000;

/// How many lines a drawing of the network takes.
pub const DRAWING_ROWS: usize = 20;

/// How many words a name has at most where it is not in quotes.
pub const ADDRESSEE_WORDS_MAX: usize = 16;

/// How many files of one name are told apart by a number.
pub const SAME_NAME_MAX: u32 = 100;

// The screen

/// How many marks stand upon one character at most. More of them would pile up over other lines. No language has more than three.
pub const MARKS_SHOWN_MAX: usize = 4;

/// Into how many parts a cluster of characters is taken apart that is shown by its parts; no emoji has more than seven. The rest is left out.
pub const PARTS_SHOWN_MAX: usize = 8;

/// How many notes stand between the messages: who came, what a command answered. Past it the oldest go.
pub const NOTES_MAX: usize = 500;

/// How many bytes all notes have together; past it the oldest go. The last one stays, and is cut.
pub const NOTES_BYTES_MAX: usize = 512 * 1024;

/// How many of those are named who come or go one after the other. The others are counted.
pub const COMINGS_TOLD_MAX: usize = 5;

/// How many texts that were sent are kept to be typed again; past it the oldest go.
pub const TYPED_KEPT_MAX: usize = 100;

/// How many bytes these have together; past it the oldest go.
pub const TYPED_KEPT_BYTES_MAX: usize = 512 * 1024;

/// How many people have a text that was begun for them and not sent; past it one of the others goes.
pub const DRAFTS_MAX: usize = 64;

/// How many bytes a text has that is being typed. What exceeds it is not taken. Longer than the longest message, so that who exceeds that is told.
pub const TYPED_BYTES_MAX: usize = 128 * 1024;

/// How long a picture stands at least: 30 a second.
pub const FRAME: Duration = Duration::from_millis(33);

/// How long a terminal that does not read is waited for when it is given back, and when an exit code is explained.
pub const RESTORE_MAX: Duration = Duration::from_secs(1);

/// How often it is looked how the network stands: it does not say when it has changed.
pub const NETWORK_STEP: Duration = Duration::from_secs(2);

/// How long what is known of the network is good enough while other things change.
pub const NETWORK_FRESH: Duration = Duration::from_millis(250);

/// How many people a map is drawn for. The forces between more take too long for somebody who waits.
pub const MAP_PEOPLE_MAX: usize = 150;

// A visit

/// How long a line may be that is typed or piped in; more of it is another line. Longer than the longest message, so that who exceeds that is told.
pub const LINE_BYTES_MAX: u64 = 128 * 1024;

/// How many lines wait to be said. More wait in the pipe.
pub const LINES_WAITING_MAX: usize = 16;

/// How long a program waits until everybody is here of whom the server knows, before its commands are carried out.
pub const SETTLE_MAX: Duration = Duration::from_secs(10);

/// How long a person's commands wait at most until what is kept of the room was read.
pub const RECALL_MAX: Duration = Duration::from_secs(2);

/// How often it is looked meanwhile.
pub const SETTLE_STEP: Duration = Duration::from_millis(200);

/// How long after a text that there was no place for it is tried again.
pub const FULL_PAUSE: Duration = Duration::from_millis(100);

/// How long, without another word from the person, what was said is given to be delivered.
pub const DELIVERY_WAIT: Duration = Duration::from_secs(30);

/// How long leaving a room takes at most: others are told, and what waits is stored.
pub const LEAVE_MAX: Duration = Duration::from_secs(5);

/// How many results of what takes time wait to be told.
pub const LATE_WAITING_MAX: usize = 16;

/// How many happenings are kept for a listener by HTTP that is slow; past it the listener is told how many it has missed.
pub const EVENTS_WAITING_MAX: usize = 1_024;

/// How many requests by HTTP wait for the room. More wait in front.
pub const ASKS_WAITING_MAX: usize = 16;

// HTTP

/// How many random bytes the token has.
pub const TOKEN_BYTES: usize = 32;

/// How long the body of a request is at most: the longest message, with room for how JSON writes it.
pub const BODY_BYTES_MAX: usize = 512 * 1024;

/// How often something is sent to a listener to whom nothing happens, so that a listener that is gone is noticed.
pub const SSE_PING: Duration = Duration::from_secs(15);

// Output

/// How many bytes wait for a reader of the standard output that pauses: an evening of chat. Past it lines are dropped, and how many is told.
pub const OUTPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How many characters of a file's id are needed at least to say which file is meant: short enough to type, and no number of a file is as long.
pub const FILE_ID_CHARS_MIN: usize = 6;

/// How many characters of a file's id are listed.
pub const FILE_ID_CHARS_SHOWN: usize = 8;

// A passphrase

/// What Argon2id takes for a passphrase: KiB of memory, passes and lanes. The second choice of RFC 9106 §4, a tenth of a second or two.
pub const PASSPHRASE_COST: (u32, u32, u32) = (64 * 1024, 3, 4);

/// What a sealed file may ask for at most, in the same order. One that was tampered with is not to take the machine down.
pub const PASSPHRASE_COST_MAX: (u32, u32, u32) = (1024 * 1024, 16, 16);

/// How long a passphrase is at most, in bytes.
pub const PASSPHRASE_BYTES_MAX: u64 = 1024;

/// How long a sealed file is at most, in bytes: an identity is less than 2 KiB.
pub const SEALED_BYTES_MAX: u64 = 64 * 1024;

/// How often a person is asked for a passphrase that is wrong.
pub const PASSPHRASE_TRIES: u32 = 3;

/// How long the system has to stop a program that asks for it. One that nobody could let go on is not stopped.
pub const STOP_MAX: Duration = Duration::from_millis(500);

/// How long the rest of the program has its turn, again and again, while an export is brought back: its store writes meanwhile.
pub const IMPORT_PAUSE: Duration = Duration::from_millis(1);
