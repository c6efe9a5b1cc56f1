//! The words for what a person is told in a terminal. They are those of [`client::words`], but for what speaks of a page and a browser.

use std::borrow::Cow;

use client::{
    notice::{Notice, NoticeKind},
    standing::{MeshStanding, ServerStanding, Standing},
    store::StoreError,
};
use mesh::model::{Alert, InvitationError, Obstacle, SendError};

/// What happened, and what next.
#[must_use]
pub fn notice(notice: &Notice) -> Cow<'static, str> {
    match &notice.kind {
        NoticeKind::NotStored { error } => format!(
            "{} What is said from now on is gone when this program ends.",
            not_stored(error)
        )
        .into(),
        NoticeKind::SlotLost => "Another instance of starling goes on as you. End this one.".into(),
        NoticeKind::NotSent { error, to } => send_error(*error, to.as_deref()),
        NoticeKind::InvitationRefused { error } => invitation_error(*error),
        NoticeKind::Alert { alert, .. } => self::alert(alert).map_or_else(|| client::words::notice(notice), Cow::from),
        NoticeKind::Unsupported { .. }
        | NoticeKind::NotPersistent
        | NoticeKind::NewVersion
        | NoticeKind::NameNotSaved
        | NoticeKind::ForgottenElsewhere
        | NoticeKind::NotForgotten
        | NoticeKind::PartMissing
        | NoticeKind::CrowdedOut { .. }
        | NoticeKind::FilesAreForEveryone
        | NoticeKind::FileNoSpace { .. }
        | NoticeKind::FileNotOffered { .. }
        | NoticeKind::FileNotFetched { .. }
        | NoticeKind::FileNotSaved { .. }
        | NoticeKind::OutOfReach { .. }
        | NoticeKind::RoomClosed
        | NoticeKind::InvitationUnderWay
        | NoticeKind::AnswerTaken
        | NoticeKind::Copied
        | NoticeKind::Selected => client::words::notice(notice),
    }
}

/// Why nothing is stored, and what next.
#[must_use]
pub fn not_stored(error: &StoreError) -> String {
    match error {
        StoreError::Full => "There is no space left on the disk. Free some, then start this program again.".to_owned(),
        StoreError::Stalled => "The database does not answer any more. Start this program again.".to_owned(),
        StoreError::Denied => {
            "The data folder may not be written to. Change that, or name another one with --data-dir.".to_owned()
        }
        StoreError::Platform(why) => format!("The database failed: {why}. Start this program again."),
    }
}

/// The alerts whose words in a page would lead nowhere here.
fn alert(alert: &Alert) -> Option<String> {
    Some(match alert {
        Alert::ServerVersion { version_min, version_max } => format!(
            "The server speaks another version of Starling (protocol {version_min} to {version_max}). Use the version of this program that fits."
        ),
        Alert::SaidElsewhere => "Something was said in your name that this program did not say. If you put back an older copy of its data folder, \
             all is well. If not, somebody else has your key: begin anew with another --data-dir."
            .to_owned(),
        Alert::Superseded => "Another program has come into this room as you, so this one is out. End one of the two.".to_owned(),
        Alert::HelloRefused => "The server refused to let you in: it, or something between you and it, does not speak Starling's language. \
             Check the address, or try another network."
            .to_owned(),
        Alert::ServerFull => "A server, or a peer that was named as a bootnode, takes nobody more for now, or is there for another room only. It is \
             asked again in a while."
            .to_owned(),
        Alert::LinksExhausted => "The system gives no more sockets. End other programs, then start this one again.".to_owned(),
        Alert::NameTaken { .. }
        | Alert::ClockWrong { .. }
        | Alert::Tampering { .. }
        | Alert::Equivocated { .. }
        | Alert::TwoLives
        | Alert::Misbehaving { .. }
        | Alert::PeerVersion { .. }
        | Alert::RoomFull => return None,
    })
}

/// Why a message was not accepted. Nothing was sent.
#[must_use]
pub fn send_error(error: SendError, to: Option<&str>) -> Cow<'static, str> {
    match error {
        SendError::Left => "this room was left, so nothing was sent".into(),
        SendError::Full => {
            "too many messages wait to be delivered already. Try again once someone has connected".into()
        }
        SendError::NotReachable => format!(
            "{} cannot be reached now, so nothing was sent. Try again when they are back",
            to.unwrap_or("this person")
        )
        .into(),
        SendError::Empty
        | SendError::TooLong { .. }
        | SendError::NotFounder
        | SendError::NotOwn
        | SendError::NoReaction
        | SendError::TooManyPins => {
            let to = to.map(str::to_owned);
            client::words::notice(&NoticeKind::NotSent { error, to }.into())
        }
    }
}

/// Why an invitation, or an answer to one, cannot be made or used.
#[must_use]
pub fn invitation_error(error: InvitationError) -> Cow<'static, str> {
    match error {
        InvitationError::Version => {
            "this was made by another version of Starling. Use the same version, then start again".into()
        }
        InvitationError::Full => {
            "this program has as many connections as it takes. Let someone else in the room invite them".into()
        }
        InvitationError::Left => "this room was left".into(),
        InvitationError::Damaged
        | InvitationError::OtherRoom
        | InvitationError::RunOut
        | InvitationError::Own
        | InvitationError::NoRelay => client::words::notice(&NoticeKind::InvitationRefused { error }.into()),
    }
}

/// How the node stands with servers and the others.
#[must_use]
pub fn standing(standing: &Standing) -> String {
    let words = client::words::standing(standing);
    // What the page offers in its menu.
    let no_stun = standing.blocked.and_then(|blocked| blocked.obstacle) == Some(Obstacle::NoStun);
    if no_stun {
        words.replace(
            "“Check connection” in the menu tells more.",
            "Name a STUN server with --ice-server.",
        )
    } else {
        words.replace(" “About” in the list of people tells each.", "")
    }
}

/// By whom people are introduced to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Meeting {
    /// By rendezvous servers.
    #[default]
    Servers,
    /// By peers that listen.
    Peers,
    /// By nobody: they come in by hand.
    Hand,
}

/// As [`standing`], where servers may have no part in it.
#[must_use]
pub fn standing_of(standing: &Standing, meeting: Meeting) -> String {
    let goes_on = matches!(standing.mesh, MeshStanding::Connected { .. });
    let words = match (meeting, standing.server) {
        (Meeting::Servers, _) | (_, ServerStanding::RoomClosed | ServerStanding::Left | ServerStanding::Registered) => {
            return self::standing(standing);
        }
        (Meeting::Hand, _) if goes_on => "",
        (Meeting::Hand, _) => "Nobody is asked who is here. /connect makes an invitation.",
        (Meeting::Peers, ServerStanding::Looking) => "Looking for the bootnodes…",
        (Meeting::Peers, _) if goes_on => "No bootnode answers. Your chat keeps working.",
        (Meeting::Peers, _) => "No bootnode answers. They are asked again and again.",
    };
    // What is left of the words of one that is registered is how the mesh stands.
    let server = ServerStanding::Registered;
    let mesh = match standing.mesh {
        MeshStanding::Alone => String::new(),
        MeshStanding::Blocked | MeshStanding::Connecting { .. } | MeshStanding::Connected { .. } => {
            self::standing(&Standing { server, ..*standing })
        }
    };
    format!("{mesh} {words}").trim().to_owned()
}

/// What a command that cannot be carried out begins with.
pub const REFUSED: &str = "request cannot be fulfilled";

/// Before an invitation that was made here.
pub const INVITATION: &str =
    "Give this invitation to one person. They paste it with /connect, and send you back an answer:";

/// Before the answer to an invitation.
pub const ANSWER: &str = "Send this answer back to whoever invited you. They paste it with /connect:";

/// Before the room's link.
pub const LINK: &str = "Whoever has this link can come in:";

/// What can be typed.
pub const HELP: &str = "\
What you type is said to everyone. A line that begins with / is a command:
  /people               who is in the room
  /whisper NAME TEXT    say something to one person (a name with spaces in quotes)
  /reply NAME TEXT      answer the last message of somebody
  /react NAME EMOJI     have an emoji for the last message of somebody; once more takes it back
  /edit TEXT            have your last message say that instead
  /delete               delete your last message for everyone
  /status               how things stand
  /network [dot]        who is linked with whom, as a table or for Graphviz
  /history [N]          the last N messages
  /search TEXT          messages with a text in them
  /send FILE            offer a file to everyone
  /files                files that were offered
  /get N [PATH]         fetch file N (its number, or the beginning of its id)
  /pause N, /resume N   fetch no more of file N for now, and go on
  /cancel N, /forget N  fetch no more of file N, and keep nothing of it
  /forget               leave, and keep nothing of this room here
  /invite               the link into this room
  /connect              invite one person by hand, without a server (or /invite --by-hand)
  /connect CODE         take an invitation, or the answer to yours
  /rename NAME          call yourself something else
  /topic                what this room is about
  /topic TEXT           say so for everyone, or take it away: /topic - (its founder only)
  /pinned               the messages that its founder has pinned
  /retention            for how long things are kept
  /retention day        have messages vanish for everyone (its founder only): never, hour, day, week or month
  /retention here 1000  keep less on this machine: N messages, N MB, hour, day, week, month or all
  /export FILE          write what was said to a file: as a page if its name ends in .html, else as JSON
  /import FILE          bring back what is in such a file of JSON
  /close                close the room for everyone (its founder only)
  /quit                 leave
  /help                 this list
To say something that begins with /, type // instead.";
