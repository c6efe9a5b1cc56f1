//! Everything that went wrong, or may be wrong, as one kind of thing: how bad, what happened, and what can be done about it
//! with one click. [`words::notice`](crate::words::notice) says it.

use mesh::model::{Alert, FileError, InvitationError, SendError};
use shared::PeerId;
use thiserror::Error;

use crate::{files::TakeError, store::StoreError};

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
    /// Tell more of somebody: their safety number.
    About {
        /// Who.
        peer: PeerId,
    },
}

/// Something a person has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub level: Level,
    /// What happened.
    pub kind: NoticeKind,
    /// What one click can do about it.
    pub action: Option<NoticeAction>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeKind {
    /// The program cannot run here.
    Unsupported {
        /// What it lacks.
        missing: Missing,
    },
    /// Storage was denied or failed.
    NotPersistent,
    /// A newer page is ready.
    NewVersion,
    /// The name could not be stored.
    NameNotSaved,
    /// What is said in a room can no longer be stored.
    NotStored {
        /// Why.
        error: StoreError,
    },
    /// Another program of this machine has taken the identity slot, and goes on as us.
    SlotLost,
    /// Another program of this machine has forgotten the room.
    ForgottenElsewhere,
    /// What is kept of a room could not be removed.
    NotForgotten,
    /// A part of the program that comes later could not be loaded.
    PartMissing,
    /// A room had to be left for another to be entered.
    CrowdedOut {
        /// What it is called.
        name: String,
    },
    /// The person dropped or pasted files while the message box whispers.
    FilesAreForEveryone,
    /// A file could not be offered.
    FileNotOffered {
        /// Its name, as shown.
        name: String,
        /// Why.
        error: TakeError,
    },
    /// A file cannot be fetched.
    FileNotFetched {
        /// Its name, as shown.
        name: String,
        /// Why.
        error: FileError,
    },
    /// There is less space than a file takes.
    FileNoSpace {
        /// Its name, as shown.
        name: String,
        /// How much of it is to come.
        bytes: u64,
        /// How much there is.
        left: u64,
    },
    /// A file that is here could not be handed to the person.
    FileNotSaved {
        /// Its name, as shown.
        name: String,
    },
    /// The message box whispers to someone whom nothing would reach now.
    OutOfReach {
        /// What to call them.
        name: String,
    },
    /// The room was closed: this stands where the message box was.
    RoomClosed,
    /// A message was not accepted.
    NotSent {
        /// Why.
        error: SendError,
        /// What to call whom it was whispered to.
        to: Option<String>,
    },
    /// An invitation, or an answer to one, cannot be made or used.
    InvitationRefused {
        /// Why.
        error: InvitationError,
    },
    /// An invitation or an answer is being made.
    InvitationUnderWay,
    /// The answer to an invitation was taken, and the link is being made.
    AnswerTaken,
    /// A text is on the clipboard.
    Copied,
    /// A text is selected, for the clipboard may not be used.
    Selected,
    /// The mesh core raised an alert.
    Alert {
        /// Which.
        alert: Alert,
        /// What to call the person whom it is about, if it is about one.
        name: Option<String>,
    },
}

/// What a browser lacks that Starling cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Missing {
    /// `RTCPeerConnection`.
    #[error("the browser has no WebRTC")]
    WebRtc,
    /// `WebSocket`.
    #[error("the browser has no WebSocket")]
    WebSocket,
    /// A source of randomness.
    #[error("the browser gives no random numbers")]
    Randomness,
}

impl From<NoticeKind> for Notice {
    fn from(kind: NoticeKind) -> Self {
        let (level, action) = match &kind {
            NoticeKind::Unsupported { .. } => (Level::Danger, Some(NoticeAction::Reload)),
            NoticeKind::NewVersion => (Level::Info, Some(NoticeAction::Reload)),
            NoticeKind::SlotLost => (Level::Warning, Some(NoticeAction::Reload)),
            NoticeKind::NotPersistent
            | NoticeKind::NameNotSaved
            | NoticeKind::NotStored { .. }
            | NoticeKind::NotForgotten
            | NoticeKind::PartMissing
            | NoticeKind::FileNotOffered { .. }
            | NoticeKind::FileNotFetched { .. }
            | NoticeKind::FileNoSpace { .. }
            | NoticeKind::FileNotSaved { .. }
            | NoticeKind::InvitationRefused { .. } => (Level::Warning, None),
            NoticeKind::OutOfReach { .. }
            | NoticeKind::RoomClosed
            | NoticeKind::ForgottenElsewhere
            | NoticeKind::CrowdedOut { .. }
            | NoticeKind::FilesAreForEveryone
            | NoticeKind::NotSent {
                error: SendError::Empty,
                ..
            }
            | NoticeKind::InvitationUnderWay
            | NoticeKind::AnswerTaken
            | NoticeKind::Copied
            | NoticeKind::Selected => (Level::Info, None),
            NoticeKind::NotSent { .. } => (Level::Warning, None),
            NoticeKind::Alert { alert, .. } => of_alert(alert),
        };
        Self { level, kind, action }
    }
}

fn of_alert(alert: &Alert) -> (Level, Option<NoticeAction>) {
    match alert {
        Alert::NameTaken { now, .. } => (Level::Danger, Some(NoticeAction::About { peer: *now })),
        Alert::ServerVersion { .. } | Alert::Superseded => (Level::Danger, Some(NoticeAction::Reload)),
        Alert::Tampering { .. } | Alert::HelloRefused | Alert::SaidElsewhere | Alert::Equivocated { .. } => {
            (Level::Danger, None)
        }
        Alert::PeerVersion { .. } | Alert::LinksExhausted => (Level::Warning, Some(NoticeAction::Reload)),
        Alert::TwoLives
        | Alert::Misbehaving { .. }
        | Alert::RoomFull
        | Alert::ServerFull
        | Alert::ClockWrong { .. } => (Level::Warning, None),
    }
}

/// Whom an alert is about. Who uses a name anew is named in the alert itself.
fn subject(alert: &Alert) -> Option<&PeerId> {
    match alert {
        Alert::Misbehaving { peer } | Alert::Equivocated { peer } | Alert::PeerVersion { peer, .. } => Some(peer),
        Alert::NameTaken { .. }
        | Alert::ClockWrong { .. }
        | Alert::Tampering { .. }
        | Alert::ServerVersion { .. }
        | Alert::Superseded
        | Alert::TwoLives
        | Alert::SaidElsewhere
        | Alert::RoomFull
        | Alert::ServerFull
        | Alert::HelloRefused
        | Alert::LinksExhausted => None,
    }
}

impl Notice {
    /// An alert of the mesh core. `name_of` gives a person's name.
    #[must_use]
    pub fn from_alert(alert: Alert, name_of: impl Fn(&PeerId) -> String) -> Self {
        let name = subject(&alert).map(name_of);
        NoticeKind::Alert { alert, name }.into()
    }
}

impl NoticeKind {
    /// Whether this says the same as `other`, or the same with other numbers: the newer one then takes the place of the older.
    #[must_use]
    pub fn is_same_topic(&self, other: &Self) -> bool {
        match (self, other) {
            // Each case of this one has its own persons.
            (
                Self::Alert {
                    alert: Alert::NameTaken { .. },
                    ..
                },
                _,
            ) => self == other,
            (Self::Alert { alert: one, .. }, Self::Alert { alert: two, .. }) => {
                std::mem::discriminant(one) == std::mem::discriminant(two) && subject(one) == subject(two)
            }
            (one, two) => one == two,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    fn alert(alert: Alert) -> Notice {
        Notice::from_alert(alert, |peer| peer.fingerprint())
    }

    fn taken(byte: u8) -> Alert {
        Alert::NameTaken {
            name: "Ada".to_owned(),
            known: peer(1),
            now: peer(byte),
        }
    }

    #[test]
    fn a_taken_name_and_tampering_are_loud() {
        let notice = alert(taken(2));
        assert_eq!(
            (notice.level, notice.action),
            (Level::Danger, Some(NoticeAction::About { peer: peer(2) }))
        );
        let notice = alert(Alert::Tampering { dropped: 3 });
        assert_eq!((notice.level, notice.action), (Level::Danger, None));
    }

    #[test]
    fn an_alert_about_someone_carries_their_name() {
        let notice = alert(Alert::Misbehaving { peer: peer(1) });
        assert_eq!(
            notice.kind,
            NoticeKind::Alert {
                alert: Alert::Misbehaving { peer: peer(1) },
                name: Some(peer(1).fingerprint())
            }
        );
    }

    #[test]
    fn numbers_do_not_make_another_topic_and_persons_do() {
        let version = |byte, theirs| Alert::PeerVersion {
            peer: peer(byte),
            theirs,
        };
        for (one, two, same) in [
            (Alert::Tampering { dropped: 1 }, Alert::Tampering { dropped: 2 }, true),
            (version(1, 2), version(1, 3), true),
            (version(1, 2), version(2, 2), false),
            (
                Alert::Misbehaving { peer: peer(1) },
                Alert::Misbehaving { peer: peer(2) },
                false,
            ),
            (Alert::Misbehaving { peer: peer(1) }, version(1, 2), false),
            (taken(2), taken(2), true),
            (taken(2), taken(3), false),
            (Alert::RoomFull, Alert::ServerFull, false),
        ] {
            assert_eq!(
                alert(one.clone()).kind.is_same_topic(&alert(two.clone()).kind),
                same,
                "{one:?}, {two:?}"
            );
        }
        assert!(!NoticeKind::RoomClosed.is_same_topic(&alert(Alert::RoomFull).kind));
        assert!(NoticeKind::NotPersistent.is_same_topic(&NoticeKind::NotPersistent));
    }

    #[test]
    fn nothing_to_send_is_no_warning() {
        let notice = |error| Notice::from(NoticeKind::NotSent { error, to: None });
        assert_eq!(notice(SendError::Empty).level, Level::Info);
        assert_eq!(notice(SendError::Full).level, Level::Warning);
    }
}
