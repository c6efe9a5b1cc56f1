//! The sentences that stand on the pages as they are.

use crate::{
    store::Space,
    text::{Beside, isolate},
};

/// What inviting by hand is.
pub const INVITE_HELP: &str =
    "You and the other person swap two codes, by email, chat app or camera. Both of you need this room's link.";

/// How somebody is invited by hand.
pub const BRING_IN_HELP: &str = "Make an invitation for one person, give it to them, and paste what they send back.";

/// How an invitation is taken.
pub const GET_IN_HELP: &str =
    "Paste the invitation that someone in the room made for you, and send the answer back to them.";

/// After "Whispering to NAME".
pub const WHISPER_IS_PRIVATE: &str = ". Nobody else can read it.";

/// What is chosen about one's address, before any room.
pub const PRIVACY: &str = "Privacy";

/// What each way to be reached costs.
pub const REACH_HELP: &str = "Through a relay, people in the room never learn your network address. The server and its relay still do, and all you say and \
                              send takes a detour. If the server has no relay, nobody can reach you. This takes effect when you next enter a room \
                              or reload the page.";

/// Before the rooms that this browser was in.
pub const YOUR_ROOMS: &str = "Your rooms";

/// A room of those, by its name if it has one, and with whom one was there.
#[must_use]
pub fn known_room(name: Option<&str>, with: &str) -> String {
    let between = if with.is_empty() { "" } else { " with " };
    format!("{}{between}{with}", name.unwrap_or(PRIVATE_ROOM))
}

/// The same, with how many messages came that nobody has looked at.
#[must_use]
pub fn known_room_with(room: &str, unread: u32) -> String {
    match unread {
        0 => room.to_owned(),
        unread => format!("{room} ({unread} unread)"),
    }
}

/// The button that leads to what came while the person reads further up: so many were heard.
#[must_use]
pub fn new_messages(heard: u64) -> String {
    match heard {
        0 => "New messages".to_owned(),
        1 => "1 new message".to_owned(),
        heard => format!("{heard} new messages"),
    }
}

/// Who is typing, if anybody is.
#[must_use]
pub fn typing(names: &[String]) -> Option<String> {
    Some(match names {
        [] => return None,
        [one] => format!("{} is typing", isolate(one)),
        more => format!("{} are typing", listed(more)),
    })
}

/// A few names: of more than two, two and how many others there are.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => isolate(one),
        [one, other] => format!("{} and {}", isolate(one), isolate(other)),
        [one, other, more @ ..] => {
            let more = more.len();
            let others = if more == 1 {
                "1 other"
            } else {
                &format!("{more} others")
            };
            format!("{}, {} and {others}", isolate(one), isolate(other))
        }
    }
}

/// Who came and who went, if anybody did.
#[must_use]
pub fn comings(came: &[String], went: &[String]) -> Option<String> {
    match (came, went) {
        ([], []) => None,
        (came, []) => Some(format!("{} joined", listed(came))),
        ([], went) => Some(format!("{} left", listed(went))),
        (came, went) => Some(format!("{} joined, {} left", listed(came), listed(went))),
    }
}

/// After the number of messages that nobody has looked at.
pub const UNREAD: &str = " unread";

/// The button that leaves a room of those that this tab is in.
#[must_use]
pub fn leave_room(room: &str) -> String {
    format!("Leave {room}")
}

/// Below the field for what the room is about.
pub const TOPIC_HELP: &str = "Everyone in the room sees it over the messages. Leave it empty to take it away.";

/// Over the messages that everybody is to find: so many.
#[must_use]
pub fn pinned(count: usize) -> String {
    match count {
        1 => "1 pinned message".to_owned(),
        count => format!("{count} pinned messages"),
    }
}

/// What keys do, which is not to be seen.
pub const KEYS: [(&str, &str); 7] = [
    ("Enter", "Send"),
    ("Shift + Enter", "New line"),
    ("Esc", "Back to everyone, close"),
    ("@ :", "Names, emoji"),
    ("Alt + ↑ ↓", "From room to room"),
    ("Tab, arrow keys", "To everything else, through menus"),
    ("?", "This list, while you type nowhere"),
];

/// The sheet with the rooms that a message can be handed on to.
pub const FORWARD_TO: &str = "Forward to";

/// What happens then.
pub const FORWARD_HELP: &str = "The text is put into that room's message box. Nothing is sent until you send it.";

/// The button that takes such a room out of the list.
#[must_use]
pub fn forget_room(room: &str) -> String {
    format!("Forget {room}")
}

/// In the empty box of a whisper.
pub const WHISPER_PLACEHOLDER: &str = "Only they will read this";

/// In the empty message box.
pub const MESSAGE_PLACEHOLDER: &str = "Write to everyone here";

/// Over those who have a message.
pub const HAVE_IT: &str = "Delivered to";

/// Over those who do not have a message.
pub const HAVE_IT_NOT: &str = "Not yet";

/// Of a message that is with everyone, or is followed no longer.
pub const NOT_FOLLOWED: &str =
    "This message is not followed any more. Those who are not counted have left, or it was said too long ago.";

/// What the rings of the map mean.
pub const RINGS: &str = "A ring around someone: not connected to the server.";

/// Before the oldest message that is left.
pub const OLDER_REMOVED: &str = "Older messages were removed from this page to save memory.";

/// Before messages that stand after all others, folded.
#[must_use]
pub fn dated_ahead(count: usize) -> String {
    let messages = if count == 1 {
        "1 message"
    } else {
        &format!("{count} messages")
    };
    format!("{messages} from a clock that is ahead")
}

/// The button that shows those who are away and not listed yet.
#[must_use]
pub fn more_away(count: usize) -> String {
    format!("{count} more away")
}

/// The button that hides them again.
pub const FEWER_AWAY: &str = "Show fewer";

/// Of an archive: a program that keeps the room for everybody.
pub const KEEPS_ROOM: &str = "Keeps this room";

/// Of someone who is here without a link of ours.
pub const THROUGH_OTHERS: &str = "Reached through others";

/// The same, if it is known through whom.
#[must_use]
pub fn through(name: &str) -> String {
    format!("Reached through {}", isolate(name))
}

/// How a safety number is compared.
pub const SAFETY_NUMBER_HELP: &str = "Read this number to each other, by phone or side by side. If both of you see the same, nobody stands between you. If they differ, someone may be in between: don't share anything private.";

/// Over the first message that came while nobody looked.
pub const NEW_FROM_HERE: &str = "New from here";

/// What it means to mute somebody.
pub const MUTE_HELP: &str =
    "Muted: you see nothing of what they say. They are not told, and still see what you say to everyone.";

/// In place of what somebody said who is muted.
#[must_use]
pub fn muted(count: usize) -> String {
    match count {
        1 => "1 message of someone you muted is hidden.".to_owned(),
        count => format!("{count} messages of people you muted are hidden."),
    }
}

/// What the diagnostics are.
pub const DIAGNOSTICS_HELP: &str = "For a report of a problem: counters, states and the last hundred events, without messages, names, keys or addresses.";

/// There is no QR code for so long a text.
pub const QR_TOO_LONG: &str = "This text is too long for a QR code. Copy it and send it instead.";

/// The button of the drawer in which people are where there is little room.
pub const CLOSE_PEOPLE: &str = "Close people";

/// The first thing that the keyboard reaches.
pub const SKIP_LINK: &str = "Skip to the message box";

/// Where a part of the page will be that is on its way.
pub const PART_COMING: &str = "One moment…";

/// Where a part of the page cannot be loaded.
pub const PART_MISSING: &str = "This part of the page could not be loaded. Everything else works on. Check that you are online and try again. If \
     that does not help, copy what you have typed and reload the page.";

/// Over the question before a room is closed.
pub const CLOSE_TITLE: &str = "Close this room for everyone?";

/// What moving a room means.
pub const MOVE_HELP: &str = "You make a new room, and everyone chosen here is whispered its link. Nobody else learns of it. What was said stays in this room, which stays open until you close it.";
/// There is nobody to come along.
pub const MOVE_ALONE: &str = "Nobody else was here yet.";

/// What is whispered to those who are to come along to another room.
#[must_use]
pub fn moved(link: &str) -> String {
    format!("We are moving to another room: {link}")
}

/// What closing a room means.
pub const CLOSE_HELP: &str =
    "Everyone is disconnected and the room can't be used again, not even by you. This cannot be undone.";

/// Over the question before a room is forgotten.
pub const FORGET_TITLE: &str = "Forget this room?";

/// What forgetting a room means.
pub const FORGET_HELP: &str = "You leave, and this browser deletes what was said here and what you were writing. Everyone else keeps theirs. To come back you need the room's link or name.";

/// What exporting is.
pub const EXPORT_HELP: &str =
    "Save what was said here as a file. Your whispers come last: take them out before you pass the file on.";

/// Before the name of a file in an exported page.
pub const EXPORT_FILE: &str = "File: ";

/// Below the title of an exported page.
pub const EXPORT_UTC: &str = "All times are UTC.";

/// Before the whispers of an exported page.
pub const EXPORT_WHISPERS: &str = "Whispers: only the two of you can read these";

/// What is kept of this room on this device, and how much space there is.
#[must_use]
pub fn kept(messages: usize, space: Space) -> String {
    let s = if messages == 1 { "" } else { "s" };
    let [used, left] = [space.used_bytes, space.left_bytes].map(size);
    format!("Kept on this device: {messages} message{s}. All of Starling takes {used} here; {left} left.")
}

/// So many bytes, in the largest unit that fits, to a tenth of it.
#[must_use]
pub fn size(bytes: u64) -> String {
    // Up to here tenths are rounded to less than the next unit.
    let (tenths, unit) = match bytes {
        0..1_000_000 => (bytes.div_ceil(1_000) * 10, "KB"),
        1_000_000..999_950_000 => ((bytes + 50_000) / 100_000, "MB"),
        999_950_000.. => (bytes.saturating_add(50_000_000) / 100_000_000, "GB"),
    };
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} {unit}"),
        (whole, tenth) => format!("{whole}.{tenth} {unit}"),
    }
}

/// While a backlog comes in: so many of so many messages.
#[must_use]
pub fn catching_up((have, of): (u32, u32)) -> String {
    format!("Catching up: {} of {}", grouped(have), grouped(of))
}

/// A number with a comma before each three digits.
fn grouped(number: u32) -> String {
    match (number / 1_000, number % 1_000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{},{rest:03}", grouped(thousands)),
    }
}

/// The title of the page while `unread` messages came that nobody saw, and files come, of which so many percent are here.
#[must_use]
pub fn title(unread: u32, files: Option<u32>) -> String {
    let mut title = String::new();
    if unread > 0 {
        title += &format!("({unread}) ");
    }
    if let Some(percent) = files {
        title += &format!("{percent} % · ");
    }
    title + super::label::STARLING
}

/// Sends files that were dropped or pasted.
pub const SEND_FILES: &str = "Send to everyone";

/// What the padlock beside a room's name means.
pub const PRIVATE_ROOM_KIND: &str = "Only people with the link get in.";

/// What the globe beside a room's name means.
pub const OPEN_ROOM_KIND: &str = "Open room: anyone who guesses the name can come in.";

/// A private room without a name.
pub const PRIVATE_ROOM: &str = "Private room";

/// Below the name that a founder gives the room.
pub const ROOM_NAME_HELP: &str = "Everyone in the room sees it. The link stays the same.";

/// Before the way in without a server.
pub const SERVER_DOWN: &str = "Is the server down, or can they not reach it?";

/// Instead of messages, in a closed room without any.
pub const CLOSED_EMPTY: &str = "This room is closed";

/// Before the first message, while somebody is being connected with.
pub const CONNECTING_TITLE: &str = "Connecting…";

/// Before the first message, with somebody there who cannot be reached.
pub const BLOCKED_TITLE: &str = "Not connected yet";

/// Before the first message, with somebody there.
pub const TOGETHER_TITLE: &str = "You're connected";

/// What to do before the first message, with somebody there.
pub const TOGETHER_HELP: &str = "Say hello! What you write goes straight to everyone here.";

/// Before the first message, with nobody there.
pub const ALONE_TITLE: &str = "You are alone here";

/// What to do with nobody there.
pub const ALONE_HELP: &str = "Let someone scan this code, or send them the link. Whoever opens it lands in this room.";

/// What can be done with nobody there, besides.
pub const ALONE_ASIDE: &str = "You can start writing. Your messages will be delivered when someone joins.";

/// The start page for someone who opened a room's link.
pub const INVITED_TITLE: &str = "You are invited to a room";

/// The start page.
pub const SLOGAN: &str = "Talk as a flock.";

/// The start page, second line.
pub const SLOGAN_END: &str = "No one in the middle.";

/// What Starling is.
pub const LEDE: &str =
    "Group chat straight from browser to browser. No account. The server only introduces you; it never sees a message.";

/// Below the field "Your name".
pub const NAME_HELP: &str = "Shown to everyone in the room. Saved only in this browser.";

/// Below the field "Room".
pub const ROOM_HELP: &str =
    "Paste an invite link, or type a room name. Everyone who types the same name ends up in the same room.";

/// Leads back from an invitation.
pub const ANOTHER_ROOM: &str = "Make or choose another room";

/// What kind of room a private one is, to someone who is invited.
pub const INVITED_PRIVATE: &str = "A private room: only people with its link get in.";

/// What kind of room an open one is, to someone who is invited: before its name.
pub const INVITED_OPEN: &str = "The open room “";

/// What kind of room an open one is: after its name.
pub const INVITED_OPEN_END: &str = "”: anyone who guesses the name can come in.";

/// In the place of a message that is answered and not here.
pub const REPLIED_GONE: &str = "A message that is not here";
/// In the place of a message that its author deleted.
pub const DELETED: &str = "Deleted message";
/// Asks whether to delete a message.
pub const DELETE_TITLE: &str = "Delete this message?";
/// What that does.
pub const DELETE_HELP: &str = "It goes from this room for everyone, with all that you changed it to. People who are away lose it when they come back. Whoever copied or exported it still has it.";
/// Under a message that its author changed.
pub const EDITED: &str = "edited";
/// Below the box in which a message is changed.
pub const EDIT_HELP: &str = "Everyone sees the new text, and that it was edited. What it said before can be looked up.";
/// Over the message box, before the name.
pub const REPLYING_TO: &str = "Replying to ";

/// Beside a link, before the host.
#[must_use]
pub fn leads_to(beside: Beside) -> &'static str {
    match beside {
        Beside::Host => "leads to ",
        Beside::OtherLetters => "this name has other letters than it may seem: ",
        Beside::UserInformation => "what is before the @ is not the site. It leads to ",
    }
}

/// The day between messages.
pub const TODAY: &str = "Today";
/// The day before.
pub const YESTERDAY: &str = "Yesterday";

/// How much is offered to somebody who types, for those who listen.
#[must_use]
pub fn offered(count: usize) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} suggestion{s}. Arrow keys choose, Enter takes one, Escape hides them.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_is_told_in_numbers_that_can_be_read() {
        assert_eq!(catching_up((0, 999)), "Catching up: 0 of 999");
        assert_eq!(catching_up((1_240, 3_000)), "Catching up: 1,240 of 3,000");
        assert_eq!(
            catching_up((1_002_003, u32::MAX)),
            "Catching up: 1,002,003 of 4,294,967,295"
        );
    }

    #[test]
    fn of_many_who_type_two_are_named() {
        let names: Vec<_> = ["Ann", "Bob", "Cid", "Dan"].map(str::to_owned).into();
        let told = |count| typing(&names[..count]).map(|text| text.replace(['\u{2068}', '\u{2069}'], ""));
        assert_eq!(told(0), None);
        assert_eq!(told(1).as_deref(), Some("Ann is typing"));
        assert_eq!(told(2).as_deref(), Some("Ann and Bob are typing"));
        assert_eq!(told(3).as_deref(), Some("Ann, Bob and 1 other are typing"));
        assert_eq!(told(4).as_deref(), Some("Ann, Bob and 2 others are typing"));
    }

    #[test]
    fn space_has_one_unit() {
        let words = [
            0,
            1,
            999_999,
            1_000_000,
            1_450_000,
            999_949_999,
            999_950_000,
            2_949_999_999,
        ]
        .map(size);
        assert_eq!(
            words,
            [
                "0 KB", "1 KB", "1000 KB", "1 MB", "1.5 MB", "999.9 MB", "1 GB", "2.9 GB"
            ]
        );
        let space = Space {
            used_bytes: 3_000_000,
            left_bytes: 40_000_000_000,
        };
        assert_eq!(
            kept(1, space),
            "Kept on this device: 1 message. All of Starling takes 3 MB here; 40 GB left."
        );
    }
}
