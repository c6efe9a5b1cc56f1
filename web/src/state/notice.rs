//! Everything that went wrong, or may be wrong, as one kind of thing: how bad, what happened and what next, and what can be
//! done about it with one click.

use mesh::model::{Alert, InvitationError, SendError};
use shared::PeerId;

use super::text::isolate;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Good to know.
    Info,
    /// Something does not work as it should.
    Warning,
    /// Someone may be attacking, or nothing works any more.
    Danger,
}

/// What one click can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeAction {
    /// Load the page anew.
    Reload,
    /// Show the people and their safety numbers.
    ShowPeople,
    /// Go back to the start page.
    Start,
}

impl NoticeAction {
    /// The words on its button.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Reload => "Reload the page",
            Self::ShowPeople => "Show people",
            Self::Start => "Go to the start page",
        }
    }
}

/// Something a person has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub level: Level,
    /// What happened and what next, in plain words.
    pub text: String,
    /// What one click can do about it.
    pub action: Option<NoticeAction>,
}

impl Notice {
    /// A notice without an action.
    #[must_use]
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self {
            level,
            text: text.into(),
            action: None,
        }
    }

    /// The same with an action.
    #[must_use]
    pub fn with_action(self, action: NoticeAction) -> Self {
        Self {
            action: Some(action),
            ..self
        }
    }

    /// Storage was denied or failed.
    #[must_use]
    pub fn not_persistent() -> Self {
        Self::new(
            Level::Warning,
            "This browser lets the page store nothing, so you are a new person each time you open it. To be recognised \
             again, leave private browsing or allow site data for this address, then reload.",
        )
    }

    /// The name could not be stored.
    #[must_use]
    pub fn name_not_saved() -> Self {
        Self::new(
            Level::Warning,
            "Your name could not be saved in this browser. It holds for now; next time you will be asked again.",
        )
    }

    /// The message box whispers to someone whom nothing would reach now.
    #[must_use]
    pub fn out_of_reach(name: &str) -> Self {
        Self::new(
            Level::Info,
            format!(
                "{} cannot be reached now. What you write stays in the box until you can send it.",
                isolate(name)
            ),
        )
    }

    /// Where the message box of a closed room was.
    #[must_use]
    pub fn room_closed() -> Self {
        Self::new(
            Level::Info,
            "This room was closed by its founder, for everyone and for good, so nothing can be sent any more. You can read \
             and copy what was said until you leave.",
        )
    }

    /// Words for an invitation, or an answer to one, that cannot be made or used.
    #[must_use]
    pub fn from_invitation_error(error: InvitationError) -> Self {
        let text = match error {
            InvitationError::Damaged => {
                "This is no whole invitation or answer. Copy all of it again, from its first to its last letter."
            }
            InvitationError::OtherRoom => {
                "This was made for another room. Both of you open the same room link, then start again."
            }
            InvitationError::RunOut => {
                "The invitation that this answers was used already or has run out. Make a new one and hand it over."
            }
            InvitationError::Own => {
                "You made this yourself. Give it to the other person; what they send back goes here."
            }
            InvitationError::Version => {
                "This was made by another version of Starling. Both of you reload the page, then start again."
            }
            InvitationError::Full => {
                "This page has as many connections as it takes. Let someone else in the room invite them."
            }
            InvitationError::Left => "This room was left. Reload the page to join it again.",
        };
        Self::new(Level::Warning, text)
    }

    /// Words for an alert of the mesh core. `name_of` gives a person's name.
    #[must_use]
    pub fn from_alert(alert: &Alert, name_of: impl Fn(&PeerId) -> String) -> Self {
        let name_of = |peer| isolate(&name_of(peer));
        match alert {
            Alert::NameTaken { name, known, now } => Self::new(
                Level::Danger,
                format!(
                    "Someone new calls themselves {}. Until now that name had the fingerprint {}; this person has {}. It may \
                     be another device of the same person, or someone who pretends to be them. Compare safety numbers in the \
                     list of people before you tell them anything private.",
                    isolate(name),
                    known.fingerprint(),
                    now.fingerprint()
                ),
            )
            .with_action(NoticeAction::ShowPeople),
            Alert::Tampering { dropped } => Self::new(
                Level::Danger,
                format!(
                    "Do not trust this server: connection messages were altered, forged or replayed on their way to you \
                     ({dropped} so far). They were thrown away, and what you write stays between the people you see here. If \
                     someone cannot join, meet on another server."
                ),
            ),
            Alert::Misbehaving { peer } => Self::new(
                Level::Warning,
                format!(
                    "{} sent too much that makes no sense and was disconnected for a minute. If you know them, ask them to \
                     reload the page.",
                    name_of(peer)
                ),
            ),
            Alert::PeerVersion { peer, theirs } => Self::new(
                Level::Warning,
                format!(
                    "{} uses another version of Starling (protocol {theirs}), and the two cannot talk. Both of you reload \
                     the page to get the newest one.",
                    name_of(peer)
                ),
            )
            .with_action(NoticeAction::Reload),
            Alert::ServerVersion { version_min, version_max } => Self::new(
                Level::Danger,
                format!(
                    "The server speaks another version of Starling (protocol {version_min} to {version_max}) than this page. \
                     Reload the page to get the fitting one."
                ),
            )
            .with_action(NoticeAction::Reload),
            Alert::NoPath { peer } => Self::new(
                Level::Warning,
                format!(
                    "No way to {} was found: a firewall or router stands between you. It is tried again quietly. If it stays \
                     so, one of you try another network, such as a phone's hotspot.",
                    name_of(peer)
                ),
            ),
            Alert::Superseded => Self::new(
                Level::Danger,
                "Another tab or window took over your place in this room, so this one stopped. Go on there, or reload to join \
                 here as someone else.",
            )
            .with_action(NoticeAction::Reload),
            Alert::RoomFull => Self::new(
                Level::Warning,
                "The server lets no more people into this room for now. It is asked again in a while; you need not do anything.",
            ),
            Alert::ServerFull => Self::new(
                Level::Warning,
                "The server takes no more people for now. It is asked again in a while; you need not do anything.",
            ),
            Alert::HelloRefused => Self::new(
                Level::Danger,
                "The server refused to let you in: it, or something between you and it, does not speak Starling's language. \
                 Check the address of this page, or try another network.",
            ),
            Alert::LinksExhausted => Self::new(
                Level::Warning,
                "This page has used up the connections a browser allows. Reload it to free them; you come back as yourself.",
            )
            .with_action(NoticeAction::Reload),
        }
    }

    /// Words for a message that was not accepted. `to` is the name of whom it was whispered to.
    #[must_use]
    pub fn from_send_error(error: SendError, to: Option<&str>) -> Self {
        match error {
            SendError::Empty => Self::new(Level::Info, "There is nothing to send yet. Type a message first."),
            SendError::TooLong { bytes, max } => Self::new(
                Level::Warning,
                format!(
                    "A message can have {} KB at most, and this one is {} too long. Shorten it, or send it in parts.",
                    max / 1024,
                    excess(bytes, max)
                ),
            ),
            SendError::NotReachable => Self::new(
                Level::Warning,
                format!(
                    "{} cannot be reached now, so nothing was sent. Your text is still here: send it when they are back.",
                    to.map_or_else(|| "This person".to_owned(), isolate)
                ),
            ),
            SendError::Full => Self::new(
                Level::Warning,
                "Too many messages are waiting to be delivered already. Your text is still here: send it when someone has \
                 connected.",
            ),
            SendError::Left => Self::new(
                Level::Warning,
                "This room was left, so nothing was sent. Reload the page to join again; copy your text first.",
            ),
        }
    }
}

/// By how much a text is over its limit, in a unit that says something to a person.
fn excess(bytes: usize, max: usize) -> String {
    match bytes.saturating_sub(max) {
        over @ ..1024 => format!("{over} {}", if over == 1 { "byte" } else { "bytes" }),
        over => format!("{} KB", over.div_ceil(1024)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    #[test]
    fn a_taken_name_is_loud_and_names_both_fingerprints() {
        let alert = Alert::NameTaken {
            name: "Ada".to_owned(),
            known: peer(1),
            now: peer(2),
        };
        let notice = Notice::from_alert(&alert, |_| unreachable!());
        assert_eq!(
            (notice.level, notice.action),
            (Level::Danger, Some(NoticeAction::ShowPeople))
        );
        assert!(notice.text.contains(&peer(1).fingerprint()) && notice.text.contains(&peer(2).fingerprint()));
        assert!(notice.text.contains("safety number"));
    }

    #[test]
    fn tampering_is_loud() {
        let notice = Notice::from_alert(&Alert::Tampering { dropped: 3 }, |_| unreachable!());
        assert_eq!(notice.level, Level::Danger);
        assert!(notice.text.contains("3 so far"));
    }

    #[test]
    fn names_in_sentences_are_isolated() {
        let notice = Notice::from_alert(&Alert::NoPath { peer: peer(1) }, |_| "\u{202e}evil".to_owned());
        assert!(notice.text.contains("\u{2068}\u{202e}evil\u{2069}"));
    }

    #[test]
    fn a_whisper_that_cannot_be_sent_says_who_and_that_the_text_is_kept() {
        let notice = Notice::from_send_error(SendError::NotReachable, Some("Ada"));
        assert!(notice.text.starts_with(&isolate("Ada")) && notice.text.contains("still here"));
    }

    #[test]
    fn too_long_says_by_how_much() {
        let text = |bytes| Notice::from_send_error(SendError::TooLong { bytes, max: 65_536 }, None).text;
        assert!(text(65_537).contains("1 byte too long"));
        assert!(text(70_000).contains("64 KB at most") && text(70_000).contains("5 KB too long"));
    }
}
