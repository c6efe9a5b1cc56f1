//! The names of things that several parts of a page speak of. Tests and assistive technology rely on them.

/// The program.
pub const STARLING: &str = "Starling";
/// The rooms that a tab is in.
pub const ROOMS: &str = "Rooms";
/// The list of who is in the room.
pub const PEOPLE: &str = "People";
/// The log of what was said.
pub const MESSAGES: &str = "Messages";
/// The box to write in.
pub const MESSAGE: &str = "Message";
/// The region with map and links.
pub const NETWORK: &str = "Network";
/// The picture of the network.
pub const NETWORK_MAP: &str = "Network map";
/// The table of our own links.
pub const LINKS: &str = "Links";
/// The status of servers and mesh.
pub const CONNECTION: &str = "Connection";
/// What two people compare.
pub const SAFETY_NUMBER: &str = "Safety number";
/// The safety number was compared, and is the same.
pub const MARK_VERIFIED: &str = "Mark as verified";
/// It was not, after all.
pub const UNMARK_VERIFIED: &str = "Not verified after all";
/// Of somebody whose safety number was compared.
pub const VERIFIED: &str = "Verified";
/// Nothing is to be seen of somebody.
pub const MUTE: &str = "Mute";
/// All is to be seen of somebody again.
pub const UNMUTE: &str = "Unmute";
/// Of somebody of whom nothing is to be seen.
pub const MUTED: &str = "Muted";
/// The way into the room, for others.
pub const INVITE: &str = "Invite";
/// The way in without a server.
pub const WITHOUT_SERVER: &str = "Connect without a server";
/// What can be done with the room.
pub const ROOM_MENU: &str = "Room menu";
/// Another name for oneself.
pub const RENAME_SELF: &str = "Rename yourself";
/// A name for the room.
pub const RENAME_ROOM: &str = "Rename room";
/// What the room is about.
pub const TOPIC: &str = "Topic";
/// For how long things are kept.
pub const KEEPING: &str = "What is kept";
/// What keys do.
pub const KEYS: &str = "Keyboard";
/// How the page looks here.
pub const APPEARANCE: &str = "Appearance";
/// Hands out the room's link.
pub const COPY_LINK: &str = "Copy link";
/// Finds out what kind of network this is.
pub const CHECK_CONNECTION: &str = "Check connection";
/// Offers files to everyone.
pub const SEND_FILE: &str = "Send file";
/// Offers a folder to everyone, as one file.
pub const SEND_FOLDER: &str = "Send a folder";
/// The beginning of a file that is text.
pub const TEXT: &str = "Text of the file";
/// Fetches a file.
pub const DOWNLOAD: &str = "Download";
/// Fetches no more of a file for now.
pub const PAUSE: &str = "Pause";
/// Goes on with a file.
pub const RESUME: &str = "Resume";
/// Fetches no more of a file, and keeps nothing of it.
pub const CANCEL: &str = "Cancel";
/// Keeps nothing of a file any longer.
pub const REMOVE: &str = "Remove";
/// The files of a room.
pub const FILES: &str = "Files";
/// Hands a file that is here to the person.
pub const SAVE: &str = "Save";
/// Copies what helps to find out what is wrong.
pub const COPY_DIAGNOSTICS: &str = "Copy diagnostics";
/// Saves what was said as a file.
pub const EXPORT: &str = "Export";
/// Leaves the room, and keeps nothing of it here.
pub const FORGET_ROOM: &str = "Forget this room";
/// Closes the room for everyone.
pub const CLOSE_ROOM: &str = "Close room";
/// Leaves the room.
pub const LEAVE_ROOM: &str = "Leave room";
/// Ourselves on the map.
pub const YOU: &str = "You";
/// Brings earlier messages into the page.
pub const EARLIER_MESSAGES: &str = "Earlier messages";
/// Below a message that everybody has.
pub const DELIVERED: &str = "Delivered ✓";
/// Who has a message, and who has not.
pub const RECIPIENTS: &str = "Who has this message";
/// The picture of the network, large.
pub const LARGE_MAP: &str = "Larger map";
/// What can be done with a message.
pub const ACTIONS: &str = "Actions";
/// What one is told of while one looks elsewhere.
pub const NOTIFICATIONS: &str = "Notifications";
/// Of which messages.
pub const TOLD_OF: &str = "Notify me of";
/// Looks for words in what was said.
pub const SEARCH: &str = "Search messages";
/// Leads to the message that another one answers.
pub const GO_TO: &str = "Show this message";
/// Answers a message.
pub const REPLY: &str = "Reply";
/// Changes a message.
pub const EDIT: &str = "Edit";
/// Deletes a message.
pub const DELETE: &str = "Delete";
/// Copies what a message says.
pub const FORWARD: &str = "Forward";
/// Has everybody find a message.
pub const PIN: &str = "Pin for everyone";
/// Takes that back.
pub const UNPIN: &str = "Unpin";
/// What everybody is to find.
pub const PINNED: &str = "Pinned messages";
/// Copies the text of a message.
pub const COPY_TEXT: &str = "Copy text";
/// When nothing is told.
pub const QUIET: &str = "Quiet hours";
/// When they begin.
pub const QUIET_FROM: &str = "From";
/// When they end.
pub const QUIET_TO: &str = "To";
/// Leads to another room, with those one chooses.
pub const MOVE_ROOM: &str = "Move room";
/// Who is told the link of the other room.
pub const MOVE_WHO: &str = "Who comes along";
/// The emoji that people have for a message.
pub const REACTIONS: &str = "Reactions";
/// All emoji, in front of the room.
pub const EMOJI: &str = "Emoji";
/// Leads to all emoji.
pub const EMOJI_ALL: &str = "More emoji";
/// The box for what to look for among them.
pub const EMOJI_SEARCH: &str = "Look for an emoji";
/// The emoji that were taken last.
pub const EMOJI_RECENT: &str = "Recent";
/// The new text of a message.
pub const NEW_TEXT: &str = "New text";
/// A piece of code in a message.
pub const CODE: &str = "Code";
/// Copies such a piece.
pub const COPY_CODE: &str = "Copy code";
/// What is offered to somebody who types.
pub const SUGGESTIONS: &str = "Suggestions";
