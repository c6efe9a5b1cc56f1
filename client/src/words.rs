//! All words that a person reads: functions from a typed value to its text, the sentences of the pages ([`page`]) and the names
//! that several parts share ([`label`]). A button's or a field's own name stands in its component.
//!
//! Nothing is decided by a text: whoever wants to know what is shown looks at the value.

pub mod check;
pub mod emoji;
pub mod files;
pub mod keeping;
pub mod label;
pub mod notifications;
pub mod page;
mod said;
pub mod search;
pub mod take_along;

pub use self::said::{excerpt, reaction, spoken};

use std::{borrow::Cow, time::Duration};

use mesh::config::TOPIC_BYTES_MAX;
use mesh::io::LinkKind;
use mesh::model::{Alert, Delivery, InvitationError, PersonState, SendError};
use shared::{PeerId, limits::NAME_CHARS_MAX, room::ParseRoomError};

use crate::{
    notice::{Missing, Notice, NoticeAction, NoticeKind},
    room::Called,
    standing::{Blocked, MeshStanding, Reach, ServerStanding, Standing},
    store::StoreError,
    text::isolate,
    validate::NameError,
};

/// The words on the button of a notice.
#[must_use]
pub fn action(action: NoticeAction) -> &'static str {
    match action {
        NoticeAction::Reload => "Reload the page",
        NoticeAction::About { .. } => "Check the safety number",
    }
}

/// What happened, and what next.
#[must_use]
// Long because: it has an arm for each notice.
pub fn notice(notice: &Notice) -> Cow<'static, str> {
    match &notice.kind {
        NoticeKind::Unsupported { missing } => unsupported(*missing).into(),
        NoticeKind::PartMissing => page::PART_MISSING.into(),
        NoticeKind::NotPersistent => {
            "This browser stores nothing for the page now, so you are a new person each time you open it. To be recognised \
             again, close its other tabs, leave private browsing, or allow site data for this address. Then reload."
                .into()
        }
        NoticeKind::NotStored { error } => {
            let why = match error {
                StoreError::Full => "This browser has no space left to store what is said. Free some space, then reload.",
                StoreError::Stalled => "This browser's storage does not answer any more. Reload to try again.",
                StoreError::Denied | StoreError::Platform(_) => "This browser can no longer store what is said. Reload to try again.",
            };
            format!("{why} Until then, what is said from now on is gone when this page is closed.").into()
        }
        NoticeKind::SlotLost => {
            "Another tab of this browser goes on as you, so this one has left the room. Nothing more is kept here: copy what you still need, \
             then reload to be someone else in this tab."
                .into()
        }
        NoticeKind::ForgottenElsewhere => {
            "You forgot this room in another tab, so you have left it here, too. Nothing of it is kept: copy what you still need before you \
             close this page."
                .into()
        }
        NoticeKind::CrowdedOut { name } => format!(
            "A tab can be in no more rooms at once, so you have left {}. It is among your rooms on the start page.",
            isolate(name)
        )
        .into(),
        NoticeKind::NewVersion => "A newer version of this page is ready. Reload whenever it suits you.".into(),
        NoticeKind::FilesAreForEveryone => {
            "Files go to everyone in the room, and you are whispering. Nothing was sent. Go back to everyone first, then drop the file again.".into()
        }
        NoticeKind::FileNotOffered { name, error } => files::not_offered(name, *error).into(),
        NoticeKind::FileNotFetched { name, error } => files::not_fetched(name, *error).into(),
        NoticeKind::FileNoSpace { name, bytes, left } => files::no_space(name, *bytes, *left).into(),
        NoticeKind::FileNotSaved { name } => {
            format!("{} could not be read from this browser's storage. Download it again.", isolate(name)).into()
        }
        NoticeKind::NameNotSaved => {
            "Your name could not be saved in this browser. It holds for now; next time you will be asked again.".into()
        }
        NoticeKind::NotForgotten => {
            "This browser could not remove what it keeps of this room. Try again, or clear the data of this site in the \
             browser's settings."
                .into()
        }
        NoticeKind::OutOfReach { name } => format!(
            "{} is not here now. What you whisper is kept, sealed, by those who are, and delivered when they come back within \
             seven days.",
            isolate(name)
        )
        .into(),
        NoticeKind::RoomClosed => {
            "This room was closed by its founder, for everyone and for good, so nothing can be sent any more. You can read \
             and copy what was said until you leave."
                .into()
        }
        NoticeKind::NotSent { error, to } => send_error(*error, to.as_deref()),
        NoticeKind::InvitationRefused { error } => invitation_error(*error).into(),
        NoticeKind::InvitationUnderWay => "Preparing the invitation…".into(),
        NoticeKind::AnswerTaken => {
            "The connection is being made. Once the other person stands in the list of people, you are done.".into()
        }
        NoticeKind::Copied => "Copied. Now paste it where it is to be read.".into(),
        NoticeKind::Selected => {
            "This browser does not let the page use the clipboard here. The text is selected: press Ctrl+C (⌘C on a Mac).".into()
        }
        NoticeKind::Alert { alert, name } => self::alert(alert, name.as_deref()),
    }
}

fn unsupported(missing: Missing) -> &'static str {
    match missing {
        Missing::WebRtc => {
            "This browser cannot connect people directly: it has no WebRTC, or WebRTC is switched off. \
             Switch it on, or open this page in a current Firefox, Chrome, Edge or Safari."
        }
        Missing::WebSocket => {
            "This browser cannot reach the server that introduces people: it has no WebSocket. \
             Open this page in a current Firefox, Chrome, Edge or Safari."
        }
        Missing::Randomness => {
            "This browser gives no random numbers, without which nothing can be kept secret. \
             Open this page in a current Firefox, Chrome, Edge or Safari."
        }
    }
}

/// An alert of the mesh core about someone who is called `name`.
fn alert(alert: &Alert, name: Option<&str>) -> Cow<'static, str> {
    let who = someone(name);
    match alert {
        Alert::NameTaken { name, known, now } => format!(
            "There are two people named {name}. The new one ({}, not {}) could be {name} on another device, or someone pretending to be \
             them. Check the safety number first.",
            now.fingerprint(),
            known.fingerprint(),
            name = isolate(name),
        )
        .into(),
        Alert::Tampering { dropped } => format!(
            "Do not trust this server: connection messages were altered, forged or replayed on their way to you \
             ({dropped} so far). They were thrown away, and what you write stays between the people you see here. If \
             someone cannot join, meet on another server."
        )
        .into(),
        Alert::ClockWrong { behind_millis } => format!(
            "The clock of this device is {} {}. Set it right. Meanwhile your messages carry the time of the others' clocks.",
            lasted(Duration::from_millis(behind_millis.unsigned_abs())),
            if *behind_millis > 0 { "behind" } else { "ahead" }
        )
        .into(),
        Alert::Misbehaving { .. } => format!(
            "{who} sent too much that makes no sense and was disconnected for a minute. If you know them, ask them to \
             reload the page."
        )
        .into(),
        Alert::Equivocated { .. } => format!(
            "{who} said different things to different people. What you read from them may not be what others read, and \
             who comes later gets none of it."
        )
        .into(),
        Alert::PeerVersion { theirs, .. } => format!(
            "{who} uses another version of Starling (protocol {theirs}), and the two cannot talk. Both of you reload \
             the page to get the newest one."
        )
        .into(),
        Alert::ServerVersion { version_min, version_max } => format!(
            "The server speaks another version of Starling (protocol {version_min} to {version_max}) than this page. \
             Reload the page to get the fitting one."
        )
        .into(),
        Alert::SaidElsewhere => "Something was said in your name that this browser did not say. If you put back an older copy of its data, all is well. \
             If not, somebody else has your key: clear the site data of this page to start as someone new.".into(),
        Alert::Superseded => "You are in this room somewhere else now, in another tab or on another device, so this one is paused. Go on there, or reload to go on here.".into(),
        Alert::TwoLives => "You are in this room twice: your identity is also in use somewhere else, perhaps on another device. A whisper to you may reach only one of the two. Leave the room in one place.".into(),
        Alert::RoomFull => {
            "The server lets no more people into this room for now. It is asked again in a while; you need not do anything.".into()
        }
        Alert::ServerFull => {
            "The server takes no more people for now. It is asked again in a while; you need not do anything.".into()
        }
        Alert::HelloRefused => "The server refused to let you in: it, or something between you and it, does not speak Starling's language. \
             Check the address of this page, or try another network."
            .into(),
        Alert::LinksExhausted => {
            "This page has used up the connections a browser allows. Reload it to free them; you come back as yourself.".into()
        }
    }
}

fn send_error(error: SendError, to: Option<&str>) -> Cow<'static, str> {
    match error {
        SendError::Empty => "There is nothing to send yet. Type a message first.".into(),
        SendError::TooLong { bytes, max } => format!(
            "A message can have {} KB at most, and this one is {} too long. Shorten it, or send it in parts.",
            max / 1024,
            excess(bytes, max)
        )
        .into(),
        SendError::NotReachable => format!(
            "{} cannot be reached now, so nothing was sent. Your text is still here: send it when they are back.",
            someone(to)
        )
        .into(),
        SendError::Full => {
            "Too many messages are waiting to be delivered already. Your text is still here: send it when someone has \
             connected."
                .into()
        }
        SendError::NotFounder => "Only who made this room can do that.".into(),
        SendError::NotOwn => {
            "Only what you said to everyone can be changed, and this message is not among it any more.".into()
        }
        SendError::NoReaction => {
            "These are as many reactions as one person can have to a message. Take one back first.".into()
        }
        SendError::TooManyPins => "As many messages are pinned as can be. Unpin one first.".into(),
        SendError::Left => {
            "This room was left, so nothing was sent. Reload the page to join again; copy your text first.".into()
        }
    }
}

/// What is wrong with what a room is to be about.
#[must_use]
pub fn topic_error(error: NameError) -> String {
    match error {
        NameError::TooLong { .. } => {
            format!("This is too long. It can have {TOPIC_BYTES_MAX} letters at most, fewer in some scripts.")
        }
        NameError::Empty | NameError::HiddenCharacter => name_error(error),
    }
}

/// Why somebody or the room cannot have another name.
#[must_use]
pub fn rename_error(error: SendError) -> Cow<'static, str> {
    match error {
        SendError::Full => "That was too much at once. Wait a moment, then save it again.".into(),
        SendError::Empty
        | SendError::TooLong { .. }
        | SendError::NotReachable
        | SendError::NotFounder
        | SendError::NotOwn
        | SendError::NoReaction
        | SendError::TooManyPins
        | SendError::Left => send_error(error, None),
    }
}

fn invitation_error(error: InvitationError) -> &'static str {
    match error {
        InvitationError::Damaged => "This code is incomplete. Copy the whole code and paste it again.",
        InvitationError::OtherRoom => {
            "A part of this is missing, or it was made for another room. Copy all of it again. If that does not help, both of \
             you open the same room link, then start again."
        }
        InvitationError::RunOut => {
            "The invitation that this answers was used already or has run out. Make a new one and hand it over."
        }
        InvitationError::Own => "You made this yourself. Give it to the other person; what they send back goes here.",
        InvitationError::Version => {
            "This was made by another version of Starling. Both of you reload the page, then start again."
        }
        InvitationError::Full => {
            "This page has as many connections as it takes. Let someone else in the room invite them."
        }
        InvitationError::NoRelay => {
            "You chose to be reached only through a relay, and there is none now. You can change that under “Check connection” in the menu."
        }
        InvitationError::Left => "This room was left. Reload the page to join it again.",
    }
}

/// A person within a sentence.
fn someone(name: Option<&str>) -> String {
    name.map_or_else(|| "This person".to_owned(), isolate)
}

/// By how much a text is over its limit, in a unit that says something to a person.
fn excess(bytes: usize, max: usize) -> String {
    match bytes.saturating_sub(max) {
        1 => "1 byte".to_owned(),
        over @ ..1024 => format!("{over} bytes"),
        over => format!("{} KB", over.div_ceil(1024)),
    }
}

/// How the node stands with servers and mesh, in one to three sentences.
#[must_use]
pub fn standing(standing: &Standing) -> String {
    if matches!(standing.server, ServerStanding::RoomClosed | ServerStanding::Left) {
        return server_standing(standing).to_owned();
    }
    let mesh = match standing.mesh {
        MeshStanding::Alone | MeshStanding::Blocked => String::new(),
        MeshStanding::Connecting { people: 1 } => "Connecting to someone who is in the room… ".to_owned(),
        MeshStanding::Connecting { people } => format!("Connecting to {people} people who are in the room… "),
        MeshStanding::Connected { people } => format!("{} people here. ", people + 1),
    };
    let reach = match (standing.blocked, standing.reach) {
        (Some(Blocked { people, obstacle }), _) => {
            let who = match people {
                1 => "Someone in the room",
                people => &format!("{people} people in the room"),
            };
            match obstacle {
                Some(obstacle) => check::out_of_reach(who, obstacle) + " ",
                None => {
                    format!("{who} can't be reached, for different reasons. “About” in the list of people tells each. ")
                }
            }
        }
        (None, Some(split)) => reach(split) + ". ",
        (None, None) => String::new(),
    };
    (mesh + &reach + server_standing(standing)).trim_end().to_owned()
}

fn server_standing(standing: &Standing) -> &'static str {
    let goes_on = matches!(standing.mesh, MeshStanding::Connected { .. });
    match standing.server {
        ServerStanding::RoomClosed => "This room was closed by its founder.",
        ServerStanding::Left => "You have left this room.",
        ServerStanding::Registered if standing.mesh == MeshStanding::Alone => "Only you are here.",
        ServerStanding::Registered => "",
        ServerStanding::Looking => "Looking for the server…",
        ServerStanding::Lost if goes_on => {
            "Server offline. Your chat keeps working; new people can't join by link right now."
        }
        ServerStanding::Lost => {
            "Server offline, so nobody can join by link right now. Someone in the room can connect with you without it."
        }
        ServerStanding::Stopped if goes_on => {
            "Not connected to a server any more. Your chat keeps working; new people can't join by link right now."
        }
        ServerStanding::Stopped => "Not connected to a server.",
    }
}

/// When the server is tried again, in so many seconds.
#[must_use]
pub fn countdown(seconds: u64) -> String {
    match seconds {
        0 => " Trying again now…".to_owned(),
        // No line ends between a number and its unit.
        seconds => format!(" Trying again in {seconds}\u{a0}s."),
    }
}

/// How much of a split network can be reached.
#[must_use]
pub fn reach(Reach { reachable, size }: Reach) -> String {
    format!("{reachable} of {size} reachable")
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everyone in the room.
    Everyone,
    /// One person, to whom it was whispered.
    OnePerson,
}

/// How far an own message got.
#[must_use]
pub fn delivery(delivery: Delivery, audience: Audience) -> Cow<'static, str> {
    match (delivery, audience) {
        (Delivery::Waiting | Delivery::Sent { of: 0, .. }, Audience::OnePerson) => {
            "Will be delivered when they come back".into()
        }
        (Delivery::Waiting | Delivery::Sent { of: 0, .. }, Audience::Everyone) => {
            "Will be delivered when someone joins".into()
        }
        (Delivery::Sent { delivered: 0, .. }, Audience::OnePerson) => "on its way".into(),
        (Delivery::Sent { .. }, Audience::OnePerson) => "delivered".into(),
        (Delivery::Sent { delivered, of }, Audience::Everyone) => format!("delivered to {delivered} of {of}").into(),
        (Delivery::Failed, _) => "not delivered: they did not come back in time".into(),
    }
}

/// What to call someone in a list or over a message.
#[must_use]
pub fn name(peer: &PeerId, called: Called<'_>) -> String {
    match called {
        Called::Unique(name) => name.to_owned(),
        Called::Ambiguous(name) => format!("{name} ({})", peer.fingerprint()),
        Called::Unnamed => format!("Someone ({})", peer.fingerprint()),
    }
}

/// The button that begins a whisper, and the box to write it in.
#[must_use]
pub fn whisper_to(name: &str) -> String {
    format!("Whisper to {name}")
}

/// The button that tells more of somebody.
#[must_use]
pub fn about(name: &str) -> String {
    format!("About {name}")
}

/// How a person stands with us.
#[must_use]
pub fn person_state(state: PersonState) -> &'static str {
    match state {
        PersonState::Connecting => "Connecting…",
        PersonState::Here => "Here",
        PersonState::Reconnecting => "Reconnecting…",
        PersonState::OutOfReach { .. } => "Out of reach",
        PersonState::Gone => "Gone",
        PersonState::Left => "Left",
        PersonState::Away => "Away",
    }
}

/// How a link reaches its peer.
#[must_use]
pub fn link_kind(kind: Option<LinkKind>) -> &'static str {
    match kind {
        None => "not known yet",
        Some(LinkKind::Local) => "same network",
        Some(LinkKind::Direct) => "direct",
        Some(LinkKind::Relayed) => "relayed",
    }
}

/// How long something has lasted, in the largest unit that fits.
#[must_use]
pub fn lasted(age: Duration) -> String {
    let (count, unit) = match age.as_secs() {
        seconds @ ..60 => (seconds, "s"),
        seconds @ 60..3600 => (seconds / 60, "min"),
        seconds @ 3_600..172_800 => (seconds / 3_600, "h"),
        seconds @ 172_800.. => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}

/// A short span of time.
#[must_use]
pub fn millis(time: Duration) -> String {
    // One more way to write a number in the page would be half a kilobyte.
    format!("{} ms", u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// What to do about a name that others cannot be shown.
#[must_use]
pub fn name_error(error: NameError) -> String {
    match error {
        NameError::Empty => "Type a name, so that others know who is talking.".to_owned(),
        NameError::TooLong { chars } => {
            format!("Names can have up to {NAME_CHARS_MAX} characters. This one has {chars}.")
        }
        NameError::HiddenCharacter => HIDDEN_CHARACTER.to_owned(),
    }
}

/// What to do about the field "Room".
#[must_use]
pub fn room_error(error: ParseRoomError) -> &'static str {
    match error {
        ParseRoomError::Empty => {
            "Type the name of a room or paste its link. To start one of your own, choose “New room”."
        }
        ParseRoomError::TooLong => "This name is too long for a room; 64 characters is the most. Shorten it.",
        ParseRoomError::HiddenCharacter => HIDDEN_CHARACTER,
        ParseRoomError::UnknownCharacter => {
            "This name has a character that not every device knows. Choose another one."
        }
        ParseRoomError::Damaged => {
            "This room link is damaged or incomplete. Ask whoever sent it to copy it again, and paste the whole link here."
        }
    }
}

const HIDDEN_CHARACTER: &str = "This name has invisible characters in it. Type it again by hand.";

#[cfg(test)]
mod tests {
    use shared::limits::OPEN_ROOM_CHARS_MAX;

    use super::*;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    fn of_alert(alert: Alert) -> Cow<'static, str> {
        notice(&Notice::from_alert(alert, |_| "\u{202e}evil".to_owned()))
    }

    fn not_sent(error: SendError, to: Option<&str>) -> Cow<'static, str> {
        let to = to.map(str::to_owned);
        notice(&NoticeKind::NotSent { error, to }.into())
    }

    #[test]
    fn a_taken_name_names_both_fingerprints_and_what_to_compare() {
        let text = of_alert(Alert::NameTaken {
            name: "Ada".to_owned(),
            known: peer(1),
            now: peer(2),
        });
        assert!(text.contains(&peer(1).fingerprint()) && text.contains(&peer(2).fingerprint()));
        assert!(text.contains("safety number"));
    }

    #[test]
    fn counts_are_in_the_words() {
        let behind_millis = -2 * 24 * 60 * 60 * 1_000;
        assert!(of_alert(Alert::ClockWrong { behind_millis }).contains("is 2 days ahead. Set it right"));
        assert!(of_alert(Alert::Tampering { dropped: 3 }).contains("3 so far"));
    }

    #[test]
    fn names_in_sentences_are_isolated() {
        assert!(of_alert(Alert::Misbehaving { peer: peer(1) }).contains("\u{2068}\u{202e}evil\u{2069}"));
    }

    #[test]
    fn a_whisper_that_cannot_be_sent_says_who_and_that_the_text_is_kept() {
        let text = not_sent(SendError::NotReachable, Some("Ada"));
        assert!(text.starts_with(&isolate("Ada")) && text.contains("still here"));
        assert!(not_sent(SendError::NotReachable, None).starts_with("This person cannot"));
    }

    #[test]
    fn too_long_says_by_how_much() {
        let text = |bytes| not_sent(SendError::TooLong { bytes, max: 65_536 }, None);
        assert!(text(65_537).contains("1 byte too long"));
        assert!(text(65_538).contains("2 bytes too long"));
        assert!(text(70_000).contains("64 KB at most") && text(70_000).contains("5 KB too long"));
    }

    #[test]
    fn the_limits_in_words_are_the_limits() {
        assert!(room_error(ParseRoomError::TooLong).contains(&OPEN_ROOM_CHARS_MAX.to_string()));
        assert_eq!(
            name_error(NameError::TooLong { chars: 33 }),
            "Names can have up to 32 characters. This one has 33."
        );
    }

    #[test]
    fn delivery_is_said_in_words() {
        use Audience::{Everyone, OnePerson};
        let sent = |delivered, of| Delivery::Sent { delivered, of };
        for (state, audience, words) in [
            (Delivery::Waiting, Everyone, "Will be delivered when someone joins"),
            (sent(0, 0), OnePerson, "Will be delivered when they come back"),
            (sent(2, 3), Everyone, "delivered to 2 of 3"),
            (sent(0, 1), OnePerson, "on its way"),
            (sent(1, 1), OnePerson, "delivered"),
            (
                Delivery::Failed,
                Everyone,
                "not delivered: they did not come back in time",
            ),
        ] {
            assert_eq!(delivery(state, audience), words);
        }
    }

    #[test]
    fn ages_have_one_unit() {
        let words = [59, 60, 3_599, 3_600, 100_000, 172_800].map(|seconds| lasted(Duration::from_secs(seconds)));
        assert_eq!(words, ["59 s", "1 min", "59 min", "1 h", "27 h", "2 days"]);
    }
}
