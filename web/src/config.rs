//! Every limit and every span of time of the page, with its unit and its reason. What any program has is in [`client::config`].

use std::time::Duration;

// Drivers

/// For how long a certificate is made: a year, the most that browsers allow. The default is a month.
pub(crate) const CERTIFICATE_LASTS: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long before its end a certificate is replaced: a day.
pub(crate) const CERTIFICATE_MARGIN: Duration = Duration::from_secs(24 * 60 * 60);

/// The stream number of the data channel, which both sides agree on beforehand (`negotiated`): no round trip to open it.
pub(crate) const CHANNEL_ID: u16 = 0;

/// The stream number of the channel for files.
pub(crate) const FILE_CHANNEL_ID: u16 = 1;

/// The version of the database, raised with every change of its object stores; an upgrade then brings older databases along.
pub(crate) const DATABASE_VERSION: u32 = 4;

// The page

/// How long after joining a room is drawn first. Drawing it takes longer than all else on the way to a link, and would come in
/// between; a tenth of a second is felt as at once (Nielsen, *Usability Engineering*, 1993, chapter 5).
pub(crate) const DRAW_AFTER: Duration = Duration::from_millis(60);

/// How long "Check connection" waits for what servers answer: longer than most networks take, and not so long that one gives up.
pub(crate) const CHECK_MAX: Duration = Duration::from_secs(5);

/// How long to wait for the goodbyes before the page is left anyway.
pub(crate) const LEAVE_MAX: Duration = Duration::from_secs(2);

/// Twice a second: a countdown that skips a second looks broken.
pub(crate) const COUNTDOWN_TICK: Duration = Duration::from_millis(500);

/// How many rooms one tab is in at once. A node keeps eight links, and a browser that has many more than 64 connections refuses new ones sooner or
/// later.
pub(crate) const ROOMS_OPEN_MAX: usize = 8;

/// How many messages are in the page while its end is read, and how many more come each time its start is reached.
pub(crate) const MESSAGES_SHOWN: usize = 200;

/// How many messages are shown that were searched for, the newest.
pub(crate) const FOUND_SHOWN: usize = 50;

/// How many messages are shown before one that the person goes to.
pub(crate) const SHOWN_BEFORE: usize = 20;

/// How often is looked whether a new day has begun.
pub(crate) const DAY_TICK: Duration = Duration::from_secs(60);

/// How near the end of the log, in pixels, counts as reading along; and how near its start as wanting earlier messages.
pub(crate) const AT_END_PX: i32 = 80;

/// How many characters of the message box are laid out for it to have its height: it stops growing long before this.
pub(crate) const GROW_CHARS_MAX: usize = 4_000;

/// How many colours people have; the style sheet has a class `hue-N` for each.
pub(crate) const HUES: u8 = 12;

/// The last moment a `Date` can hold (ECMA-262 §21.4.1.1), in milliseconds since 1970; beyond it, it is invalid.
pub(crate) const DATE_MILLIS_MAX: u64 = 8_640_000_000_000_000;

// The region "Network"

/// How often the network is looked at while it is in view.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Every how many times it is looked at all the same when it is not in view: whether it is split is said elsewhere, too.
pub(crate) const OUT_OF_VIEW: u32 = 5;

/// How long a frame of a map in motion is shown.
pub(crate) const MAP_FRAME: Duration = Duration::from_millis(33);

/// Up to how many nodes a map moves at that pace. With twice as many, a frame is shown twice as long and goes twice as far: drawing a large map costs a
/// browser more than all that it hears.
pub(crate) const MAP_FRAME_NODES: usize = 32;

/// In a larger network only we and who is linked with us have names: more of them would cover each other.
pub(crate) const MAP_NAMES_MAX: usize = 30;

/// For so long a newer page has time to be looked for, to come, and to take the place of the one that is kept, each.
pub(crate) const UPDATE_MAX: Duration = Duration::from_secs(5);

/// How often a page looks for a newer one, if somebody comes back to it.
pub(crate) const UPDATE_EVERY: Duration = Duration::from_secs(60 * 60);

/// For so long the start of a tab that has an identity waits for the browser's storage: without it the person would be another.
pub(crate) const RETURN_MAX: Duration = Duration::from_secs(10);

/// For so long the start waits for the browser's storage otherwise, and for what the server says of further servers.
pub(crate) const START_MAX: Duration = Duration::from_secs(3);

/// How many values of JSON from elsewhere stand within each other at most.
pub(crate) const JSON_DEPTH_MAX: u32 = 16;

/// How many rooms the start page offers to go back to. A guess: more is a list to search.
pub(crate) const ROOMS_MAX: usize = 12;

/// By how many people a room is known there.
pub(crate) const ROOM_NAMES_MAX: usize = 3;

/// How long before a room is forgotten the other tabs are told: what they write until they hear of it is forgotten, too.
pub(crate) const HEARD_AFTER: Duration = Duration::from_millis(250);

/// How many people who are away are listed at first. A guess: a small room is seen whole.
pub(crate) const AWAY_SHOWN: usize = 5;

/// How long the worker that keeps files may take for anything that it is asked: for longer no disk is slow, and what waits for it would wait for ever.
pub(crate) const FILE_WORKER_MAX: Duration = Duration::from_secs(30);

/// Among how many of the newest small pictures those are that are fetched unasked: a guess at what one looks back at.
pub(crate) const UNASKED_AMONG: usize = 32;

/// How many files may be on their way for another one to be fetched unasked.
pub(crate) const UNASKED_AT_ONCE: usize = 32;

/// From how many files on nothing is fetched unasked: half of [`FILES_MAX`](mesh::config::FILES_MAX), for the other half is the person's.
pub(crate) const UNASKED_FILES_MAX: usize = 128;

/// For how long a browser that saves a file can read it: longer than the person is asked where to.
pub(crate) const SAVE_LASTS: Duration = Duration::from_secs(5 * 60);

/// How many emoji are in a row, as in the style sheet.
pub(crate) const EMOJI_ROW: i32 = 8;

/// How many emoji are shown of those that were taken last: two rows.
pub(crate) const EMOJI_RECENT: usize = 16;

/// How many emoji are shown of those that were looked for: nobody reads more.
pub(crate) const EMOJI_FOUND: usize = 64;
