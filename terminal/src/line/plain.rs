//! Reports as lines for people.
//!
//! A line of somebody's words begins with their name and a colon; all other lines begin with `* `, and what belongs to the line before begins with a
//! margin. Names are shown so that none of them looks like another kind of line, or makes a line look like one of ours or a whisper.

use std::{
    borrow::Cow,
    collections::{BTreeSet, VecDeque},
};

use client::words::{Audience, delivery, page, person_state};
use mesh::model::{Obstacle, PersonState};
use shared::{PeerId, name::skeleton};

use super::picture::{columns_needed, qr_code};
use crate::{
    config::{EXCERPT_CHARS, FILE_ID_CHARS_SHOWN, RECENT_MAX},
    harmless,
    report::{
        AnsweredReport, DeliveryReport, DeliveryState, FileReport, FileStanding, LinkReport, MessageReport,
        NetworkReport, PersonReport, PersonStanding, ReactionReport, Report,
    },
    words,
};

const MARGIN: &str = "    ";

/// Makes lines.
#[derive(Debug)]
pub struct Plain {
    columns: Option<usize>,
    /// Messages of ours that stand there already, as they were typed.
    typed: BTreeSet<String>,
    /// The beginnings of our last messages by their ids.
    recent: VecDeque<(String, String)>,
}

impl Plain {
    /// For a terminal of so many columns, if that is known.
    #[must_use]
    pub fn new(columns: Option<usize>) -> Self {
        Self {
            columns,
            typed: BTreeSet::new(),
            recent: VecDeque::new(),
        }
    }

    /// A message of ours need not be printed, for it stands there as it was typed.
    pub fn skip(&mut self, id: &str) {
        self.typed.insert(id.to_owned());
    }

    /// The lines for a report, without the last line break. Nothing if a person need not be told.
    pub fn lines(&mut self, report: &Report) -> Option<String> {
        Some(match report {
            Report::Message(message) => return self.message(message),
            Report::Delivery(delivery) => return self.delivery(delivery),
            Report::Renumbered { before, id } => {
                let known = self.recent.iter_mut().find(|(known, _)| known == before)?;
                known.0.clone_from(id);
                return None;
            }
            Report::Edited(message) => {
                let changed = format!("* {} changed a message. It says now:\n", who(message));
                changed + &self.said(message, String::new())
            }
            Report::Deleted(message) => format!("* {} deleted a message", who(message)),
            Report::Reactions { excerpt, reactions, .. } => self.note(&reactions_line(excerpt, reactions)),
            Report::Person(person) => person_line(person)?,
            Report::Renamed { before, name, .. } => {
                format!("* {} is now called {}", harmless::name(before), harmless::name(name))
            }
            Report::Standing { text } | Report::Notice { text, .. } => self.note(text),
            Report::Invitation { code } => self.to_hand_over(words::INVITATION, code),
            Report::Answer { code } => self.to_hand_over(words::ANSWER, code),
            Report::RoomNamed { name } => format!("* This room is called {}", harmless::line(name)),
            Report::Topic { topic } if topic.is_empty() => "* This room has no topic".to_owned(),
            Report::Topic { topic } => format!("* Topic: {}", harmless::line(topic)),
            Report::RoomClosed => "* This room was closed by its founder, for everyone and for good".to_owned(),
            Report::Left | Report::Said { .. } => return None,
            Report::File(file) => file_line(file)?,
            Report::People { people } => people_table(people),
            Report::Status(status) => {
                let room = status
                    .room
                    .as_deref()
                    .map_or("This room has no name".to_owned(), |room| {
                        format!("This room is called {}", harmless::line(room))
                    });
                let kept = if status.kept {
                    "kept for the next visit"
                } else {
                    "gone when this program ends"
                };
                self.note(&format!(
                    "You are {}. {room}. {} {}, {kept}; {}.",
                    harmless::name(&status.name),
                    harmless::sentence(&status.text),
                    counted(status.messages, "message"),
                    counted(status.links, "link"),
                ))
            }
            Report::Network(network) => network_table(network),
            Report::Dot { graph } => graph.clone(),
            Report::History { messages } => {
                if messages.is_empty() {
                    return Some("* There is no such message".to_owned());
                }
                let lines = messages.iter().map(|message| self.dated(message));
                lines.collect::<Vec<_>>().join("\n")
            }
            Report::Files { files } => file_table(files),
            Report::Link { link } => self.to_hand_over(words::LINK, link),
            Report::Done { text } => {
                let lines = text.lines().map(harmless::sentence);
                format!("* {}", lines.collect::<Vec<_>>().join("\n"))
            }
            Report::Refused { text } => self.note(&format!("{}: {text}", words::REFUSED)),
        })
    }

    /// Something to be copied, or scanned where it is shown in a terminal.
    fn to_hand_over(&self, what: &str, code: &str) -> String {
        let drawn = self.columns.and_then(|columns| qr_code(code, columns));
        let drawn = match (drawn, self.columns) {
            (Some(drawn), _) => format!("{drawn}\n"),
            (None, Some(_)) => match columns_needed(code) {
                Some(needed) => format!("  (As a QR code, this takes a window of {needed} columns.)\n"),
                None => String::new(),
            },
            // Nobody looks.
            (None, None) => String::new(),
        };
        format!("* {what}\n{drawn}{code}")
    }

    fn note(&self, text: &str) -> String {
        format!(
            "* {}",
            harmless::block(&harmless::sentence(text), "  ", self.columns, 2)
        )
    }

    fn message(&mut self, message: &MessageReport) -> Option<String> {
        if message.own {
            let excerpt = harmless::line(&excerpt(&message.text));
            self.recent.push_back((message.id.clone(), excerpt));
            if self.recent.len() > RECENT_MAX {
                self.recent.pop_front();
            }
        }
        if self.typed.remove(&message.id) {
            return None;
        }
        Some(self.said(message, String::new()))
    }

    fn dated(&self, message: &MessageReport) -> String {
        // `2026-11-27T12:03:04.567Z`, to the minute.
        let time = message.time.get(..16).unwrap_or(&message.time).replace('T', " ");
        self.said(message, format!("{time} UTC  "))
    }

    fn said(&self, message: &MessageReport, mut line: String) -> String {
        if message.deleted {
            return format!("{line}* {} deleted this message", who(message));
        }
        if let Some(file) = &message.file {
            let (offer, number, size) = (speaker(message), file.number, page::size(file.bytes));
            let name = harmless::line(&file.name);
            return format!("{line}* {offer}{name}, {size}. /get {number} fetches it");
        }
        if let Some(answered) = &message.answers {
            line = format!("{}\n{line}", answers_line(message, answered));
        }
        line += &speaker(message);
        let used = harmless::width(line.rsplit('\n').next().unwrap_or_default());
        line + &harmless::block(&message.text, MARGIN, self.columns, used)
    }

    /// Each step would be told to nobody's joy: only where it stands still.
    fn delivery(&self, report: &DeliveryReport) -> Option<String> {
        if report.state == DeliveryState::Sent && !report.is_complete() {
            return None;
        }
        let audience = if report.whispered {
            Audience::OnePerson
        } else {
            Audience::Everyone
        };
        let known = self.recent.iter().find(|(id, _)| *id == report.id);
        let which = known.map_or("a message".to_owned(), |(_, excerpt)| format!("“{excerpt}”"));
        Some(format!("* {which}: {}", delivery(report.delivery(), audience)))
    }
}

/// What stands before somebody's words, or before the name of their file: "Ann: ", "You whisper to Bob: ", "Ann offers file 2: ".
#[must_use]
pub fn speaker(message: &MessageReport) -> String {
    let to = message.to_name.as_deref().map(harmless::name);
    let who = who(message);
    match (&message.file, to) {
        (Some(file), _) => {
            let offers = if message.own { "offer" } else { "offers" };
            format!("{who} {offers} file {}: ", file.number)
        }
        (None, Some(to)) if message.own => format!("You whisper to {to}: "),
        (None, Some(_)) => format!("{who} whispers: "),
        (None, None) => format!("{who}: "),
    }
}

fn who(message: &MessageReport) -> String {
    if message.own {
        "You".to_owned()
    } else {
        harmless::name(&author(&message.name, &message.author))
    }
}

/// The line over an answer.
#[must_use]
pub fn answers_line(message: &MessageReport, answered: &AnsweredReport) -> String {
    let who = who(message);
    let answer = if message.own { "answer" } else { "answers" };
    match (&answered.name, &answered.author, &answered.excerpt) {
        (Some(name), Some(key), Some(excerpt)) => {
            let name = harmless::name(&author(name, key));
            format!("* {who} {answer} {name}: “{}”", harmless::line(excerpt))
        }
        _ => format!("* {who} {answer} a message that is not here"),
    }
}

/// What people have for a message.
fn reactions_line(excerpt: &str, reactions: &[ReactionReport]) -> String {
    if reactions.is_empty() {
        return format!("“{excerpt}” has no reactions any more");
    }
    format!("“{excerpt}” has {}", all_of(reactions))
}

/// "👍 2 from Ann, Bob; 🎉 1 from Ann".
#[must_use]
pub fn all_of(reactions: &[ReactionReport]) -> String {
    let all: Vec<_> = reactions.iter().map(|one| one.words.as_str()).collect();
    all.join("; ")
}

/// What to call the author of a message; with a fingerprint if the name would make a line begin as ours do ("You: ", "You whisper to Bob: "), or as
/// whispers ("Ann whispers: ").
fn author<'a>(name: &'a str, key: &str) -> Cow<'a, str> {
    let alike = skeleton(name);
    let [first, last] = ["You", "whispers"].map(skeleton);
    let misleads =
        alike.split(' ').next() == Some(first.as_str()) || alike.split(' ').next_back() == Some(last.as_str());
    if !misleads {
        return name.into();
    }
    let peer = key.parse::<PeerId>();
    let mark = peer.map_or(key.to_owned(), |peer| peer.fingerprint());
    let mark = format!(" ({mark})");
    // Two people of one name have it already.
    if name.ends_with(&mark) {
        name.into()
    } else {
        format!("{name}{mark}").into()
    }
}

fn excerpt(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let short: String = first.chars().take(EXCERPT_CHARS).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    short + more
}

fn person_line(person: &PersonReport) -> Option<String> {
    let name = harmless::name(&person.name);
    Some(match person.state {
        PersonStanding::Here => format!("* {name} is here"),
        PersonStanding::Left => format!("* {name} left"),
        PersonStanding::Gone => format!("* {name} is gone"),
        PersonStanding::OutOfReach => format!("* {name} is in the room and cannot be reached"),
        PersonStanding::Connecting | PersonStanding::Reconnecting | PersonStanding::Away => return None,
    })
}

fn file_line(file: &FileReport) -> Option<String> {
    let which = format!("file {} ({})", file.number, harmless::line(&file.name));
    let text = harmless::sentence(&file.text);
    match file.state {
        FileStanding::Whole
        | FileStanding::NoSpace
        | FileStanding::Unreadable
        | FileStanding::Waiting
        | FileStanding::Paused => Some(format!("* {which}: {text}")),
        // Told every second otherwise; /files has it.
        FileStanding::Offered | FileStanding::Fetching => None,
    }
}

/// What a state is called, as on the page.
#[must_use]
pub fn state_words(state: PersonStanding) -> &'static str {
    person_state(match state {
        PersonStanding::Connecting => PersonState::Connecting,
        PersonStanding::Here => PersonState::Here,
        PersonStanding::Reconnecting => PersonState::Reconnecting,
        PersonStanding::OutOfReach => PersonState::OutOfReach {
            obstacle: Obstacle::NoAnswer,
        },
        PersonStanding::Gone => PersonState::Gone,
        PersonStanding::Left => PersonState::Left,
        PersonStanding::Away => PersonState::Away,
    })
}

fn round_trip(millis: Option<u64>) -> String {
    millis.map_or(String::new(), |millis| format!(", {millis} ms"))
}

fn people_table(people: &[PersonReport]) -> String {
    if people.is_empty() {
        return "* Nobody else is here".to_owned();
    }
    let rows = people.iter().map(|person| {
        let way = match (person.linked, person.state) {
            (true, _) => format!("linked{}", round_trip(person.round_trip_ms)),
            (false, PersonStanding::Here) => page::THROUGH_OTHERS.to_lowercase(),
            (false, _) => String::new(),
        };
        let mut state = state_words(person.state).to_owned();
        if person.archive {
            state = format!("{state}, {}", page::KEEPS_ROOM.to_lowercase());
        }
        [harmless::name(&person.name), state, way]
    });
    table("People", &rows.collect::<Vec<_>>())
}

fn network_table(network: &NetworkReport) -> String {
    let degree = |place: usize| {
        let ends = network.edges.iter().flat_map(|(one, other)| [*one, *other]);
        ends.filter(|end| *end as usize == place).count()
    };
    let nodes = network.nodes.iter().enumerate().map(|(place, node)| {
        let name = harmless::name(&node.name);
        let you = if node.own { " (you)" } else { "" };
        let server = if node.on_server { "on the server" } else { "" };
        [
            format!("{name}{you}"),
            counted(degree(place) as u64, "link"),
            server.to_owned(),
        ]
    });
    let links = network.links.iter().map(|link: &LinkReport| {
        let eager = if link.eager { "first" } else { "spare" };
        let kind = format!("{}{}", link.kind, round_trip(link.round_trip_ms));
        [harmless::name(&link.name), kind, eager.to_owned()]
    });
    let size = format!("Network size: {}", network.size);
    let nodes = table(&size, &nodes.collect::<Vec<_>>());
    format!("{nodes}\n{}", table("Links", &links.collect::<Vec<_>>()))
}

fn file_table(files: &[FileReport]) -> String {
    if files.is_empty() {
        return "* No file was offered yet".to_owned();
    }
    let rows = files.iter().map(|file| {
        let text = harmless::sentence(&file.text);
        let id = file.id.get(..FILE_ID_CHARS_SHOWN).unwrap_or(&file.id).to_owned();
        [file.number.to_string(), id, harmless::line(&file.name), text]
    });
    table("Files", &rows.collect::<Vec<_>>())
}

/// Rows under a title, in columns.
fn table<const N: usize>(title: &str, rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let wide = rows.iter().map(|row| harmless::width(&row[column]));
        wide.max().unwrap_or(0)
    });
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let cells = cells.map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide - harmless::width(cell))));
        format!("\n{MARGIN}{}", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let rows: String = rows.iter().map(line).collect();
    format!("* {title}{rows}")
}

/// So many of them, in words.
fn counted(number: u64, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {what}{ending}")
}

#[cfg(test)]
mod tests;
