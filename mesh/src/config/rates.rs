//! What a neighbor may hand us, what we carry for whom, and what we hand on ourselves.

use std::time::Duration;

use super::MISSING_MAX;

/// How many records of its own a neighbor may hand us in a second, in the long run.
pub const RECORDS_PER_SECOND: u32 = 20;

/// How many records of its own a neighbor may hand us at once.
pub const RECORDS_BURST: u32 = 256;

/// How many packets of its own a neighbor may have us hand on in a second, in the long run.
pub const PACKETS_PER_SECOND: u32 = 100;

/// How many packets of its own a neighbor may have us hand on at once.
pub const PACKETS_BURST: u32 = 1_000;

/// How many bytes of records of its own, routed or not, a neighbor may hand us in a second, in the long run: what passes us everybody has to
/// carry.
pub const ORIGINATED_PER_SECOND: u32 = 640 * 1024;

/// How many bytes of records of its own a neighbor may hand us at once.
pub const ORIGINATED_BURST: u32 = 6 * 1024 * 1024;

/// How many bytes we carry for somebody who is here in a second, in the long run, whoever brings them. Their records have the rate of a
/// neighbor's own. A guess: somebody who says more in one go is heard later, by sync.
pub const PERSON_BYTES_PER_SECOND: u32 = 64 * 1024;

/// How many bytes we carry for somebody who is here at once: as many as an honest node sends.
pub const PERSON_BYTES_BURST: u32 = OWN_BYTES_BURST;

/// How many records of others a neighbor may hand us in a second, in the long run, beyond what each of those who are here may say: of people
/// who are not here, or not yet.
pub const CARRIED_PER_SECOND: u32 = 20;

/// How many such records a neighbor may hand us at once: the first beacons of a room as large as they come.
pub const CARRIED_BURST: u32 = 2_048;

/// How many bytes of such records a neighbor may hand us in a second, in the long run.
pub const CARRIED_BYTES_PER_SECOND: u32 = 64 * 1024;

/// How many bytes of such records a neighbor may hand us at once.
pub const CARRIED_BYTES_BURST: u32 = 4 * 1024 * 1024;

/// How many ids a neighbor may announce in a second, in the long run: each record is announced once over each lazy link.
pub const ANNOUNCED_PER_SECOND: u32 = 1_000;

/// How many ids a neighbor may announce at once: twice what waits for one at most.
pub const ANNOUNCED_BURST: u32 = 8_192;

/// How many records that a neighbor was asked for are remembered; one beyond them counts as if it came unasked.
pub const ASKED_MAX: usize = MISSING_MAX;

/// How many bytes of entries are fetched from a neighbor in a second, in the long run: more than an honest one answers with. Beyond, it is
/// asked again when logs are compared next.
pub const FETCHED_PER_SECOND: u32 = ANSWERED_PER_SECOND / 4 * 5;

/// How many bytes of entries are fetched from a neighbor at once.
pub const FETCHED_BURST: u32 = ANSWERED_BURST / 4 * 5;

/// What a question costs a neighbor of [`ANSWERED_PER_SECOND`] for each id or span in it, in bytes, whatever the answer: it is looked up.
pub const QUESTION_BYTES: usize = 64;

/// How many bytes of messages to everyone, and as many of packets, we send in a second, in the long run: together less than neighbors take.
pub const OWN_BYTES_PER_SECOND: u32 = 256 * 1024;

/// How many bytes of messages to everyone, and as many of packets, we send at once.
pub const OWN_BYTES_BURST: u32 = 2 * 1024 * 1024;

/// How many packets we send in a second, in the long run: less than neighbors take, for others can make us answer.
pub const OWN_PACKETS_PER_SECOND: u32 = 50;

/// How many packets we send at once.
pub const OWN_PACKETS_BURST: u32 = 500;

/// How many messages a person may send in a second, in the long run: with the beacons, less than neighbors take.
pub const MESSAGES_PER_SECOND: u32 = 10;

/// How many messages a person may send at once.
pub const MESSAGES_BURST: u32 = 128;

/// How many bytes a neighbor is answered with in a second, in the long run, whatever it asks for: a few bytes can ask for much.
pub const ANSWERED_PER_SECOND: u32 = 512 * 1024;

/// How many bytes a neighbor is answered with at once: a whole room's beacons, and a good part of the log.
pub const ANSWERED_BURST: u32 = 8 * 1024 * 1024;

/// How many signs that somebody is typing a node hands on in a second, its own among them, whoever they are from: in a room of any size each costs
/// every node about 120 bytes.
pub const TYPING_PASSED_PER_SECOND: u32 = 1;

/// How many such signs a node hands on at once.
pub const TYPING_PASSED_BURST: u32 = 1;

/// How long after a sign that our person is typing the next is given, if they still are.
pub const TYPING_AGAIN: Duration = Duration::from_secs(3);

/// For how long somebody is shown as typing after a sign: two of them, of which one may be lost.
pub const TYPING_SHOWN: Duration = Duration::from_secs(6);

/// Of how many people the last sign is remembered.
pub const TYPISTS_MAX: usize = 64;

/// The largest content of such a sign. The largest that there can be is half of it.
pub const TYPING_BYTES_MAX: usize = 32;
