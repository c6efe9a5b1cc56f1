//! What a node is told at its start, how long it waits for what, and every limit of this crate: each with its unit and its reason.
//!
//! No other file declares a limit; `tests/tests/tidy.rs` looks.

mod files;
mod keeping;
mod rates;
mod servers;
mod sync;
mod timing;

use std::time::Duration;

use shared::limits::{LINKS_MAX, TEXT_BYTES_MAX};

use crate::io::TransportPolicy;

pub use self::{files::*, keeping::*, rates::*, servers::*, sync::*, timing::Timing};

/// What a node is told at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// The person's name: 1 to [`NAME_CHARS_MAX`](shared::limits::NAME_CHARS_MAX) characters, none of them a control
    /// character. See [`valid_name`](crate::wire::codec::valid_name).
    pub name: String,
    /// The rendezvous servers that the driver knows, by the addresses of their sockets. Those past [`SERVERS_KNOWN_MAX`] are not used.
    pub servers: Vec<String>,
    /// The founder's statement that this room is closed, if one was remembered: see
    /// [`Output::RememberClosed`](crate::io::Output::RememberClosed).
    pub closed: Option<Vec<u8>>,
    /// How long to wait for what.
    pub timing: Timing,
    /// How much of the room is kept, and for whom.
    pub keeps: Keeps,
    /// By which candidates this node can be reached.
    pub transport_policy: TransportPolicy,
}

// --- bytes between peers ---

/// The largest fragment, its first byte included: the largest message that every browser sends without splitting it into something
/// another may misread.
pub const FRAGMENT_BYTES_MAX: usize = 16 * 1024;

/// The largest frame. Checked before anything is put together.
pub const FRAME_BYTES_MAX: usize = 96 * 1024;

const _: () = assert!(FRAME_BYTES_MAX >= TEXT_BYTES_MAX + 4 * 1024);

/// The largest content of a record: the longest text, sealed, and what goes with it.
pub const CONTENT_BYTES_MAX: usize = TEXT_BYTES_MAX + 2 * 1024;

/// The largest record as it travels: its content, its author and the signature. What is added to it in a frame must not make the frame
/// too large.
pub const RECORD_BYTES_MAX: usize = CONTENT_BYTES_MAX + 256;

const _: () = assert!(RECORD_BYTES_MAX + 256 <= FRAME_BYTES_MAX);

/// The largest header of an entry. The largest that there can be within the other bounds is about half of it.
pub const HEADER_BYTES_MAX: usize = 512;

/// The largest content of a beacon. The largest that there can be within the other bounds is a little smaller.
pub const BEACON_BYTES_MAX: usize = 1024;

/// What is added to a content in a record: its author, its signature, and their frames.
pub const SIGNED_BYTES: usize = 128;

/// What is added to a deleted entry: its author's signature of that, and its frame.
pub const DELETED_BYTES: usize = 66;

/// The most candidates in one envelope.
pub const CANDIDATES_MAX: usize = 32;

/// The longest candidate line.
pub const CANDIDATE_BYTES_MAX: usize = 512;

/// The longest name of a media section.
pub const MID_BYTES_MAX: usize = 16;

/// The largest session description accepted. Browsers write about 1 KB for data channels.
pub const SDP_BYTES_MAX: usize = 16 * 1024;

/// The shortest text that may be a whole invitation: a shorter one was cut off.
pub const INVITATION_CHARS_MIN: usize = 200;

// --- what waits for the driver ---

/// How many bytes of fragments wait for the driver, which empties the outbox after every call. Past them a link is closed as a slow reader.
pub const OUTBOX_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How often one deadline may be met again within one wake: far more often than there are peers.
pub const FIRINGS_MAX: usize = 1_024;

// --- links and attempts ---

/// With fewer links than this, and more people around, links are asked for with high priority.
pub const LINKS_MIN: usize = 3;

/// The number of links a node asks for: the size of HyParView's active view for 10,000 nodes (section 5.1 of the paper).
pub const LINKS_TARGET: usize = 5;

const _: () = assert!(LINKS_MIN <= LINKS_TARGET && LINKS_TARGET < LINKS_MAX);

/// How many peers are remembered whom we had, have or want a link with: the passive view; the longest unwanted are forgotten first.
pub const CONTACTS_MAX: usize = 64;

/// How long a peer that had no place for us is left alone.
pub const FULL_RETRY: Duration = Duration::from_secs(30);

/// How often a peer may make us start an attempt in the long run: each costs us a connection, of which a page has some hundreds.
pub const ATTEMPT_SPACING: Duration = Duration::from_secs(1);

/// How many attempts a peer may make us start at once. After an outage, what was sent meanwhile arrives in a burst, and only the
/// last of it is of use.
pub const ATTEMPT_BURST: u32 = 8;

/// How long someone is sought before it is said what stands in the way. Most links open within two seconds; and a browser that hears
/// nothing from a STUN server has given up by then.
pub const EXPLAIN_AFTER: Duration = Duration::from_secs(8);

/// How long someone is sought without a relay, where there is one: a direct path costs nobody anything, and most are found within two seconds.
pub const RELAY_AFTER: Duration = Duration::from_millis(2_500);

/// For so long a node that has just come leaves it to a server to introduce it, before it asks around by itself. A server takes a few
/// milliseconds; and other tabs of the browser would answer on the very thread that the server's answer needs.
pub const SEEK_FIRST: Duration = Duration::from_millis(100);

/// How often a node with fewer links than it needs seeks more.
pub const SEEK_URGENTLY: Duration = Duration::from_secs(1);

/// How often a node that could do with more links seeks them.
pub const SEEK: Duration = Duration::from_secs(8);

/// How often it is looked whether a server knows more people than we reach: longer than it takes to hear of a newcomer.
pub const SPLIT_CHECK: Duration = Duration::from_secs(5);

/// How many nodes, about, act at once when all of them see that the room is split.
pub const SPLIT_ACTORS: u64 = 4;

/// For how long a lost link makes us suspect what we know of others: the rest of a larger loss is noticed by then.
pub const SUSPECTING: Duration = Duration::from_secs(20);

/// How many invitations by hand can be open at once; the oldest is withdrawn first. Each holds a connection of the browser.
pub const INVITATIONS_MAX: usize = 4;

/// How long candidates are gathered for a text that cannot be added to later. Browsers say when they are done; one that waits
/// for a STUN server that does not answer would take much longer.
pub const GATHER: Duration = Duration::from_secs(2);

/// For how long a server is remembered to have said that another node speaks with our key: longer than it takes that node to take our place with our
/// neighbors, or a link to show that it is dead.
pub const SUPERSEDED_DOUBTED: Duration = Duration::from_secs(60);

/// For how long a room that was closed on a former visit is told to servers, which may have been started anew.
pub const HAND_IN: Duration = Duration::from_secs(3);

/// How many link set-up messages are remembered to recognise replays, at least; at most twice as many are.
pub const SEEN_ENVELOPES: usize = 4_096;

/// From a link's opening to its first ping.
pub const FIRST_MEASURE: Duration = Duration::from_secs(1);

/// By how much a round-trip time must change to be told anew, as must a quarter of it.
pub const ROUND_TRIP_CHANGE: Duration = Duration::from_millis(5);

/// What all attempts to link that others cause may cost before they have to wait, half of it for one cause. Chromium makes 500 connections until it
/// cleans up, which nobody can ask it to do.
pub const CONNECTIONS_BUDGET: u32 = 300;

/// How much of that is forgotten in a minute.
pub const CONNECTIONS_PER_MINUTE: u32 = 4;

/// What an attempt costs.
pub const ATTEMPT_COST: u32 = 2;

/// What is left of it if the link opens: the connection is made all the same.
pub const OPENED_COST: u32 = 1;

/// How many causes of attempts are told apart: servers, neighbors of now and before, tabs, presence.
pub const CAUSES_MAX: usize = 32;

/// How many violations a peer may commit before its link is closed.
pub const VIOLATIONS_MAX: u32 = 5;

/// After how long a violation is forgotten, one after the other.
pub const VIOLATION_LASTS: Duration = Duration::from_secs(60);

/// How many fragments a peer may send us in a second, in the long run.
pub const FRAMES_PER_SECOND: u32 = 2_000;

/// How many fragments a peer may send us at once.
pub const FRAMES_BURST: u32 = 20_000;

// --- broadcast ---

/// How many records are remembered at least to recognise those that came before; at most twice as many are. Entries of the log
/// are recognised for longer, by the log; of beacons there is one for each person.
pub const SEEN_RECORDS: usize = 2 * PEOPLE_MAX;

/// How long the ids of entries are collected before they are announced. Measured: with less, payloads that are on their way are
/// grafted needlessly.
pub const ANNOUNCE_ENTRY: Duration = Duration::from_millis(100);

/// How long the ids of beacons are collected: nobody waits for a beacon.
pub const ANNOUNCE_BEACON: Duration = Duration::from_secs(2);

/// How long a payload whose id was announced is waited for (the Plumtree paper's first timer), and the next announcer after the first
/// (its second).
pub const GRAFT_WAIT: Duration = Duration::from_millis(400);

/// How many ids wait to be announced to a neighbor; what is not announced is found by sync.
pub const ANNOUNCEMENTS_MAX: usize = 4_096;

/// How many trees are remembered; the longest unused is forgotten first, and floods once when it is used again.
pub const TREES_MAX: usize = 16;

/// How many ids an announcement or a graft names.
pub const GRAFT_IDS_MAX: usize = 256;

/// The most bytes of payloads sent for one graft; what is missing then is grafted again.
pub const GRAFT_BYTES_MAX: usize = 256 * 1024;

/// How many announced records are waited for at once; the others are found by sync.
pub const MISSING_MAX: usize = 1_024;

/// How many of them one neighbor may be the first to announce: what it announces may not exist.
pub const MISSING_OF_ONE_MAX: usize = MISSING_MAX / 4;

/// How many people there are for each root, up to [`ROOTS_MAX`].
pub const ROOT_PEOPLE: usize = 100;

/// How many roots there are at most: each costs everybody a beacon every few seconds.
pub const ROOTS_MAX: usize = 8;

/// For every so many people an entry may take one more link than its tree has (its fan-out). Each costs about two payloads too many in
/// the whole room: a fifth of all, in the time of which most of the way is covered.
pub const FAN_OUT_PEOPLE: usize = 12;

/// In a smaller room than this a fan-out beyond the tree would gain nothing.
pub const FAN_OUT_ROOM_MIN: usize = 200;

/// An author of this many entries within [`OWN_TREE_TIME`] becomes the root of a tree of its own: a flood costs about as much as
/// the fan-out would in the next ten.
pub const OWN_TREE_ENTRIES: usize = 4;

/// See [`OWN_TREE_ENTRIES`].
pub const OWN_TREE_TIME: Duration = Duration::from_secs(60);

// --- the store ---

/// How many bytes a key has by which something is kept.
pub const KEY_BYTES_MAX: usize = 64;

// --- the log ---

/// How many proofs that feeds are over answer one vector; the next one is answered with others.
pub const FORKS_TOLD_MAX: usize = 8;

/// How many entries the log keeps, unless a node is told another number; the earliest are evicted first.
pub const LOG_ENTRIES_MAX: usize = 10_000;

/// How many bytes of entries the log keeps, unless a node is told another number; the earliest are evicted first.
pub const LOG_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How many feeds the log keeps; past it a new one takes the place of the one that grew longest ago, of the author with most.
pub const LOG_FEEDS_MAX: usize = 8_192;

/// How many entries of a feed are kept out of order; sync brings the others in order.
pub const OUT_OF_ORDER_MAX: usize = 256;

/// How far ahead of the room's time a date may be. What is dated later is kept and acknowledged, and stands after all else.
pub const AHEAD_MAX: Duration = Duration::from_secs(5 * 60);

/// A clock that is off by less is not corrected: it takes some time to hear of another.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// A person whose clock is off by more is told.
pub const CLOCK_WRONG: Duration = Duration::from_secs(5 * 60);

/// For how long a clock has to be wrong before its person is told: somebody who comes in hears the clocks one by one.
pub const CLOCK_WRONG_LASTS: Duration = Duration::from_secs(10);

/// How many clocks, ours included, can tell that one of them is wrong.
pub const VOICES_MIN: usize = 3;

// --- routing and delivery ---

/// How many packets are remembered to hand none on twice, at least; at most twice as many are.
pub const SEEN_PACKETS: usize = 1_024;

/// How many next hops are remembered.
pub const ROUTES_MAX: usize = PEOPLE_MAX;

/// The most hops of a packet. Measured: the tree of 1,000 nodes has paths of up to 30 hops.
pub const HOPS_MAX: u8 = 64;

/// The wait for a whisper's receipt before it is tried again.
pub const WHISPER_RETRY: Duration = Duration::from_millis(1_500);

/// How long a whisper waits in the log for its recipient. A guess: who is away for longer will not miss it.
pub const WHISPER_LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many whispers are kept for the next visit. Past them the conversation that takes most room loses its earliest.
pub const WHISPERS_KEPT_MAX: usize = 4_096;

/// How many bytes of text of whispers are kept for the next visit.
pub const WHISPERS_KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How many stored whispers of others are tried at once, whether they are for us: each costs a key agreement, some 0.2 ms.
pub const WHISPERS_TRIED_AT_ONCE: usize = 16;

/// How often that many are tried.
pub const WHISPERS_TRIED_EVERY: Duration = Duration::from_millis(50);

/// How many bytes of text a whisper may have that waits in the log: sealed it has to fit there.
pub const HELD_TEXT_BYTES_MAX: usize = TEXT_BYTES_MAX - 1_024;

/// How many bytes of text a reply or an edit may have: the id of what it is about has to fit there, too.
pub const RELATED_TEXT_BYTES_MAX: usize = TEXT_BYTES_MAX - 64;

/// How long what a room is about may be, in bytes: it stands beside the room's name.
pub const TOPIC_BYTES_MAX: usize = 512;

/// How many messages a founder may have everybody find: more would be a second log.
pub const PINS_MAX: usize = 16;

/// How many different reactions one person may have to a message.
pub const REACTIONS_MAX: usize = 8;

/// How many entries one deletion may name: a message and what it was changed to. Each costs everybody the check of a signature.
pub const DELETED_MAX: usize = 4;

/// How many bytes a reaction may have: the longest emoji of Unicode has 35, and flags of regions 28.
pub const REACTION_BYTES_MAX: usize = 48;

/// How many ids of whispers are remembered to recognise those that came before, at least; at most twice as many are.
pub const SEEN_WHISPERS: usize = 4_096;

/// The most own messages whose delivery is followed; the oldest is then followed no longer. The most whispers that wait for a receipt, and
/// the most that wait in the log, past which `whisper` gives `SendError::Full`.
pub const PENDING_MESSAGES_MAX: usize = 256;

/// The most bytes of own whispers that wait for a receipt.
pub const PENDING_BYTES_MAX: usize = 4 * 1024 * 1024;

// --- presence ---

/// The least interval between beacons when nothing is news.
pub const INTERVAL_MIN: Duration = Duration::from_secs(5);

/// By how much each person lengthens the interval.
pub const INTERVAL_PER_PERSON: Duration = Duration::from_millis(600);

/// The longest interval that is believed.
pub const INTERVAL_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// The longest time between beacons of a node whose beacons shape a tree for all.
pub const ROOT_INTERVAL: Duration = Duration::from_secs(15);

/// The least time between two beacons.
pub const GAP_MIN: Duration = Duration::from_millis(300);

/// By how much the square of the number of people lengthens the least time between two beacons for news.
pub const GAP_PER_PAIR: Duration = Duration::from_millis(2);

/// The longest wait before a beacon that supersedes one of our own from elsewhere: somebody uses our identity in two places.
pub const SUPERSEDE_MAX: Duration = Duration::from_secs(60);

/// After how many further beacons of our own from elsewhere, each soon after the one before, somebody else lives by our key. A beacon of a former visit may come
/// late, but only once: ours are above it then.
pub const SUPERSEDED_TOLD: u32 = 2;

/// The least time between two beacons because of a loss.
pub const GAP_LOSS: Duration = Duration::from_millis(600);

/// What is added to two and a half intervals before someone is given up for want of a beacon.
pub const PATIENCE_MARGIN: Duration = Duration::from_secs(5);

/// How long a suspect has to prove that it lives: a broadcast to it and one back, with grafts.
pub const SUSPECT: Duration = Duration::from_secs(2);

/// Beacons that came so lately are announced on a new link: longer than it takes to notice that links are gone and to make others.
pub const RECENT_BEACONS: Duration = Duration::from_secs(20);

/// How long after somebody fell away it is looked at who is still reached: others fall away at the same time.
pub const REACH_SETTLE: Duration = Duration::from_millis(500);

/// Of how many others one may weigh that is reached through one person only.
pub const PERSON_SHARE: usize = 4;

/// How many who have just come weigh before it is looked at who names them; in a large room more.
pub const NEWCOMERS_UNSEEN_MAX: usize = 16;

/// How long somebody goes on to weigh whom one person has come to dominate beyond that one's share: it is longer between the first and the second link
/// of somebody who comes.
pub const SHARE_SETTLE: Duration = Duration::from_secs(5);

/// Beyond so many links nobody weighs. Of 2,000 people who have five links each nobody is farther than eight.
pub const SHARE_HOPS_MAX: u16 = 64;

/// In how many passes dominators are looked for. Measured: three or four are enough for honest rooms.
pub const DOMINATOR_PASSES: usize = 8;

/// In how many rounds shares are worked out that depend on each other: each makes the excess about four times as small.
pub const SHARE_ROUNDS: usize = 8;

/// How many times as long as ours in our place an interval may be that somebody says, and is believed.
pub const INTERVALS_BELIEVED: u32 = 4;

/// How long somebody who is reached no longer has to be reached another way, by another link and the beacons that name it.
pub const CUT_OFF: Duration = Duration::from_secs(1);

/// When the roster is looked at again that had something due which a link stands against.
pub const ROSTER_RETRY: Duration = Duration::from_millis(500);

/// How many people are listed, the gone included; the longest gone are forgotten first, and past that many who are here
/// nobody else is listed. What they say arrives all the same.
pub const PEOPLE_MAX: usize = 2_048;

/// How many more are kept who are not reached, or not yet.
pub const SAID_MAX: usize = 64;

/// How many people are listed who were here before and are not here now. A guess: more is a list to search.
pub const AWAY_MAX: usize = 50;

/// How many of the last messages tell in which order they are listed after a start. A guess: who said nothing among so many is as good as any other.
pub const AWAY_LOOKED_BACK: usize = 2_000;

/// The last stamps of how many people are kept after they were forgotten.
pub const TOMBSTONES_MAX: usize = 512;

/// How many names of former visits are kept.
pub const KNOWN_NAMES_MAX: usize = 256;

/// How many of them one key has at most. A guess: enough for a person who changes their mind.
pub const NAMES_PER_PERSON_MAX: usize = 4;

/// How many feeds a beacon acknowledges: those that grew last.
pub const ACKS_MAX: usize = 16;

/// How many lost neighbors a beacon names.
pub const LOST_MAX: usize = 8;

// --- the simulator ---

/// How many signatures made in a simulation are remembered; then all are forgotten.
#[cfg(feature = "sim")]
pub(crate) const SIM_SIGNATURES_MAX: usize = 100_000;

/// How many records checked in a simulation are remembered; then all are forgotten.
#[cfg(feature = "sim")]
pub(crate) const SIM_RECORDS_MAX: usize = 20_000;

/// Within which everyone has everything once the faults of a scenario are over.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_CONVERGENCE_MAX: Duration = Duration::from_secs(60);

/// Within which everybody alive has what was said right after a crash, counted from the crash.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_CRASH_CONVERGENCE_MAX: Duration = Duration::from_secs(15);

/// Within which those left count right after many crashed or left at once.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_LISTED_MAX: Duration = Duration::from_secs(12);

/// How long a scenario waits until something is known to be with everyone.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_DELIVERED_MAX: Duration = Duration::from_secs(20 * 60);

/// How far clocks are off, at most, in the scenarios with wrong clocks.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_SKEW: Duration = Duration::from_secs(6 * 60 * 60);

/// How many broadcasts a scenario measures, for one author and for many.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_ROUNDS: u32 = 30;

/// How long a scenario measures the cost of rest.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_REST: Duration = Duration::from_secs(120);

/// From both descriptions to a simulated driver's verdict that there is no path.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_ICE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a simulated server waits for a sign of life: three heartbeats.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_SILENCE: Duration = Duration::from_secs(60);

/// How often a simulated server looks for the silent.
#[cfg(any(test, feature = "sim"))]
pub(crate) const SIM_SWEEP: Duration = Duration::from_secs(1);
