//! What a person is told of a room while they look elsewhere.

use mesh::model::Message;

use crate::{
    room::RoomState,
    text::mentions,
    words::{excerpt, notifications, spoken},
};

/// Of which messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Told {
    /// Of none.
    #[default]
    Nothing,
    /// Of whispers, and of what calls them by name.
    ForMe,
    /// Of all.
    Everything,
}

impl Told {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::ForMe, Self::Everything];

    /// As it is stored.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::ForMe => "me",
            Self::Everything => "all",
        }
    }

    /// What was stored.
    #[must_use]
    pub fn read(key: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|told| told.key() == key).unwrap_or_default()
    }

    /// Whether a message that came now is among them. What is muted never is.
    #[must_use]
    pub fn has(self, room: &RoomState, message: &Message) -> bool {
        let is_among = match self {
            Self::Nothing => false,
            Self::ForMe => message.whisper_to.is_some() || mentions(&message.text, &room.my_name),
            Self::Everything => true,
        };
        is_among && !message.own && !message.deleted && !room.mark_of(&message.author).muted
    }
}

/// Hours of each day in which nothing is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    /// The first minute of the day, counted from midnight.
    from: u16,
    /// The first one after: of the next day if it is the smaller one.
    to: u16,
}

impl Quiet {
    /// As `22:00-07:00`. Nothing of what is no time, or no time long.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let quiet = Self {
            from: minute(from)?,
            to: minute(to)?,
        };
        (quiet.from != quiet.to).then_some(quiet)
    }

    /// Whether a minute of the day is among them.
    #[must_use]
    pub fn has(self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// The minute of the day that a time is, as `7:05`.
fn minute(time: &str) -> Option<u16> {
    let (hours, minutes) = time.split_once(':')?;
    let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
    (hours < 24 && minutes < 60).then(|| hours * 60 + minutes)
}

/// How much is shown of what was said, where others may look on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Who said it, and its beginning.
    Words,
    /// That something was said.
    Nothing,
}

/// What is told of a message.
#[must_use]
pub fn line(room: &RoomState, message: &Message, shown: Shown) -> String {
    match shown {
        Shown::Words => spoken(&room.author_of(message), message, &excerpt(message)),
        Shown::Nothing => notifications::SOMETHING_NEW.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use mesh::model::Event;
    use shared::PeerId;

    use super::*;
    use crate::{
        marks::{Mark, Marks, set},
        room::{RoomAction, Visibility, reduce, sample::message},
    };

    #[test]
    fn one_is_told_of_what_one_chose_and_never_of_oneself_or_who_is_muted() {
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "Me".into());
        let plain = message(1, 1, "hi");
        let called = message(2, 1, "hi @me!");
        let whisper = Message {
            whisper_to: Some(room.me),
            ..message(3, 1, "psst")
        };
        let own = message(4, 0, "@me");
        let told =
            |room: &RoomState, told: Told| [&plain, &called, &whisper, &own].map(|message| told.has(room, message));
        assert_eq!(told(&room, Told::Nothing), [false; 4]);
        assert_eq!(told(&room, Told::ForMe), [false, true, true, false]);
        assert_eq!(told(&room, Told::Everything), [true, true, true, false]);
        let mut marks = Marks::default();
        let muted = Mark {
            muted: true,
            ..Mark::default()
        };
        set(&mut marks, PeerId::from_bytes([1; 32]), muted);
        let marks = Rc::new(marks);
        reduce(&mut room, RoomAction::Marked { marks });
        assert_eq!(told(&room, Told::Everything), [false; 4]);
    }

    #[test]
    fn quiet_hours_go_over_midnight_and_anything_else_is_none() {
        let night = Quiet::read("22:00-07:30").unwrap();
        for (hour, minute, is_quiet) in [
            (21, 59, false),
            (22, 0, true),
            (0, 0, true),
            (7, 29, true),
            (7, 30, false),
        ] {
            assert_eq!(night.has(hour * 60 + minute), is_quiet, "{hour}:{minute}");
        }
        let noon = Quiet::read("12:00-13:00").unwrap();
        assert_eq!(
            [719, 720, 779, 780].map(|minute| noon.has(minute)),
            [false, true, true, false]
        );
        for none in [
            "",
            "-",
            "22:00-",
            "-7:00",
            "22:00-22:00",
            "24:00-7:00",
            "22:60-7:00",
            "22-7",
            "a:b-c:d",
        ] {
            assert_eq!(Quiet::read(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_told_says_who_and_what_or_nothing_of_either() {
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "Me".into());
        let said = message(1, 1, "Lunch\nat noon?");
        let (event, visibility) = (Event::Message { message: said.clone() }, Visibility::Hidden);
        reduce(&mut room, RoomAction::Event { event, visibility });
        assert_eq!(line(&room, &said, Shown::Words), "Ada: Lunch at noon?");
        assert_eq!(line(&room, &said, Shown::Nothing), notifications::SOMETHING_NEW);
    }

    #[test]
    fn what_was_chosen_is_read_as_it_was_stored() {
        for told in Told::ALL {
            assert_eq!(Told::read(told.key()), told);
        }
        assert_eq!(Told::read("later version"), Told::Nothing);
    }
}
