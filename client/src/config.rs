//! Every limit and every span of time of this crate, with its unit and its reason. Protocol limits are in `mesh` and `shared`.

use std::time::Duration;

// The room as shown

/// How many messages are kept in the room as shown; the oldest go first, and the list says so.
pub const MESSAGES_MAX: usize = 5_000;

/// Of how many people marks are kept. Nobody marks so many by hand.
pub const MARKED_MAX: usize = 1_000;

/// What a message weighs beside its text, where it is asked who fills the list.
pub const MESSAGE_WEIGHT_BYTES: usize = 256;

/// How many comings and goings of people are told between the messages, the last ones.
pub const COMINGS_MAX: usize = 200;

/// How long after the first person, or a server, was reached those who are found still count as having been there before.
pub const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// How many messages are shown that are dated far ahead.
pub const AHEAD_SHOWN_MAX: usize = 100;

/// How many bytes of edits and reactions are kept in the room as shown.
pub const ANNOTATIONS_BYTES_MAX: usize = 8 << 20;

/// What an edit or reaction takes beside its text, in bytes.
pub const ANNOTATION_WEIGHT_BYTES: usize = 256;

/// How many people's reactions to one message are kept.
pub const REACTORS_MAX: usize = 500;

/// How many different emoji are shown at a message.
pub const REACTIONS_SHOWN_MAX: usize = 20;

/// How many of its author's texts are kept of a message, the last ones.
pub const EDITS_MAX: usize = 16;

/// How many messages that came at once are spoken to those who listen; of more, the last ones are.
pub const HEARD_MAX: usize = 16;

/// How many characters are shown before what was found in a message.
pub const EXCERPT_BEFORE_CHARS: usize = 30;

/// In how much of a message it is looked where the words stand that were found, in bytes: of a longer one the beginning is shown.
pub const EXCERPT_LOOKED_AT_BYTES: usize = 4_096;

/// How much of a message is taken for that: what is looked at, and at least as much after it as is shown.
pub const EXCERPT_BYTES: usize = EXCERPT_LOOKED_AT_BYTES + (EXCERPT_CHARS + 1) * char::MAX_LEN_UTF8;

/// By what so many letters outside of ASCII are compared is remembered. After these it begins anew.
pub const LETTERS_KNOWN_MAX: usize = 2_048;

/// How many bytes of text are kept in the room as shown; the oldest messages go first, and the list says so.
pub const TEXT_TOTAL_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How many notices are shown at once; the least bad go first, of equals the oldest.
pub const NOTICES_MAX: usize = 6;

/// How long the page is kept from hearing what happened. Drawing takes longer than all the rest of linking, and half a
/// dozen things happen on the way to a link: they are drawn at once, and peers do not wait for it.
pub const TELL_AFTER: Duration = Duration::from_millis(100);

/// How long the page is kept from hearing of a message: two frames, so that a burst is drawn at once and nobody waits for it.
pub const TELL_MESSAGE_AFTER: Duration = Duration::from_millis(32);

/// How many characters of a long message are shown before "Show all". A guess: about a phone's screen.
pub const COLLAPSED_CHARS: usize = 1_500;

/// How many lines of a long message are shown before "Show all".
pub const COLLAPSED_LINES: usize = 20;

/// How deep quotes stand within each other; what is deeper keeps its signs.
pub const QUOTE_DEPTH_MAX: usize = 4;

/// How far an item of a list is indented.
pub const LIST_LEVELS_MAX: usize = 3;

/// How many digits the number of an item of a list has: more is a year.
pub const LIST_DIGITS_MAX: usize = 3;

/// How many `@` of a message are looked at: each is compared with the names of a whole room.
pub const MENTIONS_LOOKED_AT: usize = 20;

/// How many names or emoji are offered to somebody who types. A guess: what a phone shows above its keyboard.
pub const OFFERS_MAX: usize = 6;

/// How many emoji alone in a message are shown large.
pub const LONE_EMOJI_MAX: usize = 3;

/// How many characters of a message are read out to those who listen. A guess: two sentences.
pub const SPOKEN_CHARS: usize = 200;

/// How many characters are shown of a message that is answered.
pub const EXCERPT_CHARS: usize = 90;

/// How many of those who have an emoji for a message are named.
pub const REACTED_NAMED_MAX: usize = 12;

/// How soon a message has to follow its author's last one to be shown together with it.
pub const FOLLOWS_WITHIN: Duration = Duration::from_secs(3 * 60);

/// How many characters of a name stand beside a dot of the map.
pub const MAP_NAME_CHARS: usize = 10;

// Diagnostics

/// How many of the last events are kept for "Copy diagnostics".
pub const MOMENTS_MAX: usize = 100;

/// How many peers get a number in the diagnostics; all after them share the next one. Over a long evening more may come and go.
pub const NUMBERED_PEERS_MAX: usize = 256;

// The driver

/// The longest wait a timer is set to. Browsers keep waits in 32 signed bits of milliseconds, and start anew past them.
pub const TIMER_MAX: Duration = Duration::from_millis(i32::MAX as u64 - 1);

// The store

/// How long what others said waits to be written with what comes next. Each transaction costs about a millisecond; what is not written is not
/// acknowledged.
pub const WRITE_AFTER: Duration = Duration::from_millis(50);

/// How many changes wait while the store is busy. Past it nothing of the room is kept any more, and the person is told. The log has room for 10,000 entries: a
/// store that is so far behind does not answer at all.
pub const WAITING_CHANGES_MAX: usize = 50_000;

/// The same in bytes: twice the log.
pub const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many records are read at one go: some hundredths of a second on a slow phone.
pub const RECALLED_AT_ONCE: usize = 500;

// The data channel

/// How much the channel's own buffer is filled, in bytes: what is beyond waits where it can be counted. Chromium closes a channel
/// whose buffer passes 16 MiB.
pub const BUFFERED_BYTES_MAX: u32 = 1024 * 1024;

/// When the channel asks for more, in bytes: a quarter of the maximum, so that it does not run dry.
pub const BUFFERED_BYTES_LOW: u32 = 256 * 1024;

/// How much waits in front of the channel's own buffer, in bytes. Past it the peer is a slow reader.
pub const QUEUED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long a connection that still has data to send is kept open after it was hung up.
pub const DRAIN: Duration = Duration::from_millis(500);

/// How long candidates are gathered into one envelope. They come in bursts, and each envelope costs a signature; but a
/// link cannot open before the first of them has arrived.
pub const CANDIDATE_BATCH: Duration = Duration::from_millis(2);

// Servers and identities

/// The WebSocket close code of a socket that was closed without a closing handshake (RFC 6455 §7.4.1), or never opened. A
/// platform reports a server with it that could not even be dialled.
pub const CLOSE_ABNORMAL: u16 = 1006;

/// How many rendezvous servers are used. More than a handful would only cost connections.
pub const SERVERS_MAX: usize = 4;

/// How many identities are kept. More programs than this on one machine get an identity that is not kept.
pub const SLOTS_MAX: u32 = 64;

/// For how long a lease on a slot is taken. Background tabs have slow timers.
pub const LEASE: Duration = Duration::from_secs(15);

/// How often a lease is renewed: three times before it ends.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(5);

/// How often a slot that is taken is tried again.
pub const LEASE_STEP: Duration = Duration::from_millis(100);

/// How long a reloaded page waits for the page it replaces to let go of the slot.
pub const RELOAD_PATIENCE: Duration = Duration::from_secs(3);

/// How long a program waits for the slot that it had, when it was not reloaded: it may have been elsewhere and its last page not quite
/// gone. A duplicated tab waits in vain.
pub const RETURN_PATIENCE: Duration = Duration::from_millis(300);

// The map of the network

/// The map's width, in its own unit.
pub const MAP_WIDTH: i16 = 360;

/// The map's height, in its own unit.
pub const MAP_HEIGHT: i16 = 280;

/// How far nodes stay from the left and right edge, in the map's unit: half a label.
pub const MAP_MARGIN_X: f32 = 34.0;

/// How far nodes stay from the upper and lower edge, in the map's unit.
pub const MAP_MARGIN_Y: f32 = 22.0;

/// Scales the distance that linked nodes like to have, without a unit. Smaller leaves empty edges, larger crowds them (tried by
/// eye, with 5 and with 100).
pub const MAP_SPREAD: f32 = 0.6;

/// How much more that is for a single node; a few would huddle in the middle with what suits many.
pub const MAP_SPREAD_OF_FEW: f32 = 1.0;

/// How strongly nodes are drawn to the middle, per unit of distance: enough to keep a hundred off the edges (tried by eye).
pub const MAP_GRAVITY: f32 = 0.7;

/// How far a node may move in the first step of a new map, in the map's unit.
pub const MAP_HEAT_NEW: f32 = 40.0;

/// How far a node may move in the first step of a map where something changed, in the map's unit.
pub const MAP_HEAT_CHANGED: f32 = 12.0;

/// What a step leaves of the heat.
pub const MAP_COOLING: f32 = 0.95;

/// The heat at which nothing moves any more: 86 steps from a new map.
pub const MAP_HEAT_SETTLED: f32 = 0.5;

/// How many modules of a QR code stay white on each side: what the standard asks for, and scanners look for.
pub const QR_QUIET_ZONE: i32 = 4;

// Files to keep

/// How much of a room's name is in the name of a file. No file system has names of more than 255 bytes, and a character has up to 4.
pub const EXPORT_NAME_CHARS_MAX: usize = 40;

/// The last time that RFC 3339 has a way to write: the end of the year 9999.
pub const EXPORT_UNIX_MILLIS_MAX: u64 = 253_402_300_799_999;

/// The largest file that is read as an export, in bytes. A room keeps 32 MB, which is some 100 MB as JSON.
pub const EXPORT_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// How many records of an export are checked before others have their turn: some hundredths of a second on a slow phone.
pub const IMPORTED_AT_ONCE: usize = 50;

/// How often others have their turn while what was brought back is written: a page lets them every 4 ms, and takes some 60 ms to write.
pub const IMPORT_WAITS_MAX: usize = 100;

// Files to exchange

/// How many bytes of files are kept in memory where there is no other store; past them no more is fetched. A guess: what a page may take of
/// a phone.
pub const MEMORY_FILES_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How many bytes a file's name has at most where it is saved: what file systems take.
pub const SAVED_NAME_BYTES_MAX: usize = 255;

/// How long an ending of a file's name is at most, with its dot, that is kept when the name is shortened.
pub const ENDING_BYTES_MAX: usize = 16;

/// The largest picture that is shown, in bytes: what a camera makes.
pub const PICTURE_BYTES_MAX: u64 = 20_000_000;

/// How many pixels a picture has at most that is shown: decoded it takes 128 MB.
pub const PICTURE_AREA_MAX: u64 = 32 * 1024 * 1024;

/// How much of a picture is read to find out how many pixels it has: what cameras put before that is shorter.
pub const PICTURE_HEAD_BYTES: usize = 256 * 1024;

/// The largest sound or video that is played in the page. It is played from where it is kept.
pub const PLAYED_BYTES_MAX: u64 = 2_000_000_000;

/// How much of a text is shown in the page, in bytes.
pub const TEXT_SHOWN_BYTES: usize = 16 * 1024;

/// How many bytes a folder has at most that is sent: the format of its archive counts no further.
pub const FOLDER_BYTES_MAX: u64 = 0xffff_ffff;

/// How many files a folder has at most that is sent: all of them are listed before it is packed.
pub const FOLDER_FILES_MAX: usize = 10_000;

/// The largest picture that is fetched before the person asks for it, in bytes.
pub const FETCHED_UNASKED_BYTES_MAX: u64 = 2_000_000;

/// After how long without a piece a file that is on its way has no speed: at 90 KB/s a piece comes in that time.
pub const SPEED_STALE: Duration = Duration::from_secs(3);

/// Over how long the speed of a file is measured.
pub const SPEED_OVER: Duration = Duration::from_secs(1);
