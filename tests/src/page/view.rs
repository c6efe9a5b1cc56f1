//! The contents of a page as a person meets them, and questions about those contents.

use serde::Deserialize;

/// All that a test reads from a page, in one go.
pub(super) const LOOK: &str = include_str!("look.js");

/// The contents of a page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// The document's title.
    pub title: String,
    /// `visible` or `hidden`.
    pub visibility: String,
    /// The first heading.
    pub heading: Option<String>,
    /// The navigation "Rooms", but for the way to another one.
    pub rooms: Vec<RoomShown>,
    /// The list "Pinned messages".
    pub pinned: Vec<String>,
    /// What the room is about; empty if nothing.
    pub topic: String,
    /// Who is typing, in words.
    pub typing: String,
    /// The list "People".
    pub people: Vec<PersonShown>,
    /// The log "Messages".
    pub messages: Vec<MessageShown>,
    /// The status "Connection".
    pub connection: Option<String>,
    /// The region "Network".
    pub network: Option<NetworkShown>,
    /// Every other alert and status.
    pub notices: Vec<NoticeShown>,
    /// Every text field.
    pub fields: Vec<FieldShown>,
}

/// A link of the navigation "Rooms".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RoomShown {
    /// What the room is called.
    pub name: String,
    /// How many messages nobody has looked at, in words: "2 unread".
    pub unread: Option<String>,
    /// Whether it is the one that is shown.
    pub shown: bool,
}

/// An item of the list "People".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonShown {
    /// The name.
    pub name: String,
    /// Whether it is marked "(you)".
    pub you: bool,
    /// The state in words.
    pub state: String,
    /// Whether it is said to be reached through others: here, and without a link to us.
    pub through_others: bool,
    /// The fingerprint of the key.
    pub fingerprint: String,
}

/// An article of the log "Messages".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MessageShown {
    /// The author's name; with "(you)" if it is an own message.
    pub author: String,
    /// The text.
    pub text: String,
    /// Whom it is whispered to, in words.
    pub whisper: Option<String>,
    /// How far an own message got, in words.
    pub delivery: Option<String>,
    /// What it answers, in words.
    pub quote: Option<String>,
    /// What it said before its author changed it.
    pub former: Vec<String>,
    /// What people have for it: "👍 2 from Ann, you".
    pub reactions: Vec<String>,
}

/// The region "Network".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NetworkShown {
    /// Its lines of text.
    pub says: Vec<String>,
    /// Whether it has the image "Network map".
    pub map: bool,
    /// The rows of the table "Links".
    pub links: Vec<LinkShown>,
}

/// A row of the table "Links".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkShown {
    /// The person's name.
    pub person: String,
    /// `same network`, `direct`, `relayed` or, at first, `not known yet`.
    pub kind: String,
    /// In milliseconds, as in `27 ms`.
    pub round_trip: String,
    /// For how long it has been open, as in `2 min`.
    pub since: String,
    /// `main` or `backup`.
    pub messages: String,
}

/// An alert, or a status other than "Connection".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NoticeShown {
    /// `alert` or `status`.
    pub role: String,
    /// The text.
    pub text: String,
}

/// A text field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldShown {
    /// The accessible name.
    pub name: String,
    /// The text in the field.
    pub value: String,
    /// Whether it is marked as invalid.
    pub invalid: bool,
    /// Whether the cursor is in it.
    pub focused: bool,
    /// The description: help and mistakes.
    pub description: String,
}

impl View {
    /// The own item of the list "People".
    #[must_use]
    pub fn me(&self) -> Option<&PersonShown> {
        self.people.iter().find(|person| person.you)
    }

    /// Someone else by name.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<&PersonShown> {
        self.people.iter().find(|person| !person.you && person.name == name)
    }

    /// Whether someone else of this name is in this state.
    #[must_use]
    pub fn is(&self, name: &str, state: &str) -> bool {
        self.person(name).is_some_and(|person| person.state == state)
    }

    /// The messages that have this text.
    pub fn messages<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a MessageShown> {
        self.messages.iter().filter(move |message| message.text == text)
    }

    /// Whether there is exactly one message of this text.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.messages(text).count() == 1
    }

    /// Whether an own message of this text got this far.
    #[must_use]
    pub fn is_delivered(&self, text: &str, delivery: &str) -> bool {
        self.messages(text)
            .any(|message| message.delivery.as_deref() == Some(delivery))
    }

    /// Whether an alert contains this text.
    #[must_use]
    pub fn alerts(&self, text: &str) -> bool {
        self.notices
            .iter()
            .any(|notice| notice.role == "alert" && notice.text.contains(text))
    }

    /// Whether an alert or status contains this text.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        self.notices.iter().any(|notice| notice.text.contains(text))
    }

    /// Whether the page has a server that introduces newcomers, and somebody is here: then there is nothing more to say.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.connection
            .as_deref()
            .is_some_and(|text| text.trim().ends_with(" people here."))
    }

    /// Whether the status "Connection" contains this text.
    #[must_use]
    pub fn connection_says(&self, text: &str) -> bool {
        self.connection
            .as_deref()
            .is_some_and(|connection| connection.contains(text))
    }

    /// Whether a line of the region "Network" is exactly this text.
    #[must_use]
    pub fn network_says(&self, text: &str) -> bool {
        self.network
            .as_ref()
            .is_some_and(|network| network.says.iter().any(|line| line == text))
    }

    /// A row of the table "Links" by the person's name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&LinkShown> {
        self.network.as_ref()?.links.iter().find(|link| link.person == name)
    }

    /// A text field by its accessible name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FieldShown> {
        self.fields.iter().find(|field| field.name == name)
    }
}
