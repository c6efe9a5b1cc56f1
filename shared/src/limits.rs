//! Every bound that peers and server share, with its unit in its name.

/// The largest text frame on a rendezvous socket, either way.
pub const SIGNAL_MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// The largest payload that can be relayed: what remains of a message with room for its other fields.
pub const RELAY_PAYLOAD_BYTES_MAX: usize = SIGNAL_MESSAGE_BYTES_MAX - 1024;

/// How many peers a server names in one reply. A node links to no more than these.
pub const PEER_SAMPLE_MAX: usize = 8;

/// How many links a node keeps for the mesh.
pub const LINKS_MAX: usize = 8;

/// How many ICE servers a server may name at once.
pub const ICE_SERVERS_MAX: usize = 8;

/// How many addresses an ICE server may have.
pub const ICE_URLS_MAX: usize = 4;

/// How many servers of a network a welcome names: the one that the room is at, and those to go to without it.
pub const NODES_NAMED_MAX: usize = 3;

/// With how many of them a client stays registered where they do not know each other's people: while one of two is gone or new, the other has everybody.
pub const NODES_STAYED_AT_MAX: u8 = 2;

/// The longest address of such a server, in bytes.
pub const NODE_ADDRESS_BYTES_MAX: usize = 255;

/// The longest name of a person, in characters.
pub const NAME_CHARS_MAX: usize = 32;

/// The longest name of an open room, in characters.
pub const OPEN_ROOM_CHARS_MAX: usize = 64;

/// The longest chat message or whisper, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

const _: () = assert!(RELAY_PAYLOAD_BYTES_MAX < SIGNAL_MESSAGE_BYTES_MAX);
const _: () = assert!(PEER_SAMPLE_MAX <= LINKS_MAX);

/// The longest text of a founder's closing. It has about 160 characters.
pub const CLOSING_CHARS_MAX: usize = 1_024;

/// How many rounds a passphrase goes through before it is the key of a file: what OWASP recommends for PBKDF2 with SHA-256. A page takes about a second for them.
pub const PORTABLE_ROUNDS: u32 = 600_000;

/// How many rounds a file can ask for. Others make files too, and a page must not work for hours.
pub const PORTABLE_ROUNDS_MAX: u32 = 10_000_000;

/// After how many rounds others have their turn: some hundredths of a second.
pub const PORTABLE_STEP_ROUNDS: u32 = 20_000;

/// The shortest passphrase of a file, in characters. The file leaves the device, and whoever has it can try passphrases for as long as they like.
pub const PORTABLE_PASSPHRASE_CHARS_MIN: usize = 8;

/// The longest content of such a file, in bytes: a secret, the longest name, and what seals them.
pub const PORTABLE_BYTES_MAX: usize = 256;

/// The largest file that is read for the file of an identity, in bytes.
pub const PORTABLE_FILE_BYTES_MAX: u32 = 4 * 1024;

const _: () = assert!(32 + 4 * NAME_CHARS_MAX + 20 + 16 <= PORTABLE_BYTES_MAX);
