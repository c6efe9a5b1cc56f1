//! What is shown of a room as a file to keep: for programs to read, or for people.
//!
//! # JSON, version 1
//!
//! ```json
//! {
//! "version": 1,
//! "room": "Roost",
//! "room_id": "…",
//! "messages": [
//! {"id":"…","author":"…","name":"Ada","time":"2026-11-27T14:03:00.000Z","text":"…","record":"…"}
//! ],
//! "private": {
//! "me": "…",
//! "incomplete": false,
//! "whispers": [
//! {"id":"…","author":"…","to":"…","name":"Ada","time":"…","text":"…"}
//! ],
//! "marks": [
//! {"id":"…","delivery":"sent","delivered":2,"of":3},
//! {"id":"…","dated_ahead":true}
//! ]
//! }
//! }
//! ```
//!
//! `room` is `null` where the room has no name; `room_id` is what servers know of it. `record` is the entry that the author signed (PROTOCOL.md, section 7), as base64url: by it
//! the message can be [brought back](crate::import). It is lacking where the room does not keep the entry any more. Where a message was edited or reacted to, `annotations` has the signed entries of that in the same way, `edited` is `true`, and of a deleted one `deleted`; `text` is the last text, and `reactions` has under each emoji the keys of who has it. `reply_to` is the id of the message that it answers. Messages and whispers are in the room's order, one a line. `author`, `to` and `me` are public
//! keys, `id` is that of the message, all as base64url; `name` is what the author was called when it was said, `time` when it was said by the
//! author's clock (RFC 3339, UTC). A message that offers a file has its name as `file` and its length as `bytes`; what is in it is not exported. The page has the name and the length, too. `marks` has what only this program knows of a message: how far it got (`waiting`, `sent` or `failed`), and
//! whether its author's clock was ahead. `incomplete` says that older messages were dropped. Two people who have the same messages export the
//! same bytes up to the line `"private"`. Another format has another number.
//!
//! Neither file has the room's link in it. Control characters, and those that reorder or hide what is around them, are escapes in JSON.

mod html;

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use mesh::model::Delivery;
use shared::{MessageId, RoomId, signal::write_quoted};

use crate::{
    config::{EXPORT_NAME_CHARS_MAX, EXPORT_UNIX_MILLIS_MAX},
    room::{Entry, RoomState},
    text::is_invisible,
};

/// For whom a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For programs.
    Json,
    /// For people: a page of HTML, without script and in one piece.
    Page,
}

/// A file to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// A name that every file system takes.
    pub name: String,
    /// What is in it.
    pub media_type: &'static str,
    /// All of it.
    pub text: String,
}

/// Where what is in a file comes from.
pub struct Source<'a> {
    /// The room as shown.
    pub state: &'a RoomState,
    /// Which room it is.
    pub room: RoomId,
    /// Gives the signed entry of a message, if it is kept.
    pub record: &'a dyn Fn(&MessageId) -> Option<&'a [u8]>,
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

/// All that is shown of a room called `room`, if it is called anything.
#[must_use]
pub fn file(source: &Source<'_>, room: Option<&str>, format: Format, now_unix_millis: u64) -> File {
    let (ending, media_type, text) = match format {
        Format::Json => ("json", "application/json", json(source, room)),
        Format::Page => ("html", "text/html;charset=utf-8", html::page(source.state, room)),
    };
    let (room, now) = (file_name(room.unwrap_or_default()), date_time(now_unix_millis));
    File {
        name: format!("starling-{room}-{}.{ending}", date(&now)),
        media_type,
        text,
    }
}

/// What may stand in the name of a file: letters and digits, and a `-` for everything between them.
fn file_name(room: &str) -> String {
    let mut words = String::new();
    for char in room.chars().take(EXPORT_NAME_CHARS_MAX) {
        if char.is_alphanumeric() {
            words.push(char);
        } else if !words.is_empty() && !words.ends_with('-') {
            words.push('-');
        }
    }
    let name = words.trim_end_matches('-');
    if name.is_empty() { "room" } else { name }.to_owned()
}

fn is_public(entry: &&Entry) -> bool {
    entry.message.whisper_to.is_none()
}

fn is_marked(entry: &&Entry) -> bool {
    entry.delivery.is_some() || entry.message.dated_ahead
}

fn json(source: &Source<'_>, room: Option<&str>) -> String {
    let state = source.state;
    let entries = || state.messages.iter().map(|entry| &**entry);
    let mut out = "{\n\"version\": 1,\n\"room\": ".to_owned();
    match room {
        Some(room) => quote(&mut out, room),
        None => out += "null",
    }
    out += ",\n\"room_id\": ";
    quote(&mut out, &source.room.to_text());
    out += ",\n\"messages\": ";
    list(&mut out, &mut entries().filter(is_public), &|out, entry| {
        said(out, entry);
        if let Some(record) = (source.record)(&entry.message.id) {
            field(out, "record", &Base64UrlUnpadded::encode_string(record));
        }
        if let Some(about) = &entry.about {
            let ids = about.ids();
            let records = ids.iter().filter_map(|id| (source.record)(id));
            texts(out, "annotations", records.map(Base64UrlUnpadded::encode_string));
        }
    });
    out += ",\n\"private\": {\n\"me\": ";
    quote(&mut out, &state.me.to_text());
    out += ",\n\"incomplete\": ";
    out += if state.dropped { "true" } else { "false" };
    out += ",\n\"whispers\": ";
    list(&mut out, &mut entries().filter(|entry| !is_public(entry)), &said);
    out += ",\n\"marks\": ";
    list(&mut out, &mut entries().filter(is_marked), &marks);
    out + "\n}\n}\n"
}

/// A list of objects, one a line, of which each begins with the message's id.
fn list(out: &mut String, entries: &mut dyn Iterator<Item = &Entry>, write: &dyn Fn(&mut String, &Entry)) {
    out.push('[');
    let mut between = "\n{\"id\":";
    for entry in entries {
        *out += between;
        quote(out, &entry.message.id.to_text());
        write(out, entry);
        out.push('}');
        between = ",\n{\"id\":";
    }
    *out += "\n]";
}

fn said(out: &mut String, entry: &Entry) {
    let message = &entry.message;
    let to = message.whisper_to.map(|to| ("to", to.to_text()));
    for (name, value) in [("author", message.author.to_text())].into_iter().chain(to) {
        field(out, name, &value);
    }
    field(out, "name", &message.author_name);
    field(out, "time", &date_time(message.unix_millis));
    if let Some(answered) = &message.reply_to {
        field(out, "reply_to", &answered.to_text());
    }
    field(out, "text", &message.text);
    for (name, is_so) in [("edited", entry.original.is_some()), ("deleted", message.deleted)] {
        if is_so {
            *out += &format!(",\"{name}\":true");
        }
    }
    let reactions = entry.reactions();
    if !reactions.is_empty() {
        *out += ",\"reactions\":{";
        let mut between = "";
        for reaction in reactions {
            *out += between;
            quote(out, reaction.emoji);
            out.push(':');
            list_of(out, reaction.from.iter().map(|(author, _)| author.to_text()));
            between = ",";
        }
        out.push('}');
    }
    if let Some(file) = &message.file {
        field(out, "file", &file.name);
        *out += &format!(",\"bytes\":{}", file.bytes);
    }
}

fn marks(out: &mut String, entry: &Entry) {
    match entry.delivery {
        Some(Delivery::Waiting) => field(out, "delivery", "waiting"),
        Some(Delivery::Failed) => field(out, "delivery", "failed"),
        Some(Delivery::Sent { delivered, of }) => {
            field(out, "delivery", "sent");
            *out += &format!(",\"delivered\":{delivered},\"of\":{of}");
        }
        None => {}
    }
    if entry.message.dated_ahead {
        *out += ",\"dated_ahead\":true";
    }
}

/// A field with several texts, if there are any.
fn texts(out: &mut String, name: &str, values: impl Iterator<Item = String>) {
    let mut values = values.peekable();
    if values.peek().is_some() {
        *out += ",\"";
        *out += name;
        *out += "\":";
        list_of(out, values);
    }
}

fn list_of(out: &mut String, values: impl Iterator<Item = String>) {
    let mut between = "[";
    for value in values {
        *out += between;
        quote(out, &value);
        between = ",";
    }
    out.push(']');
}

fn field(out: &mut String, name: &str, value: &str) {
    *out += ",\"";
    *out += name;
    *out += "\":";
    quote(out, value);
}

fn quote(out: &mut String, text: &str) {
    // None of them is longer than one code unit.
    write_quoted(out, text, |char| char.is_control() || is_invisible(char));
}

/// The date of a date and time.
fn date(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

/// A time as RFC 3339 has it, in UTC. What comes after the year 9999 is written as its end.
#[must_use]
pub fn date_time(unix_millis: u64) -> String {
    let millis = unix_millis.min(EXPORT_UNIX_MILLIS_MAX);
    let (days, of_day) = (millis / 86_400_000, millis % 86_400_000);
    // Years begin in March, so that the day that not every year has is the last one. They repeat every 400, which are 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, year) = if month < 10 {
        (month + 3, year)
    } else {
        (month - 9, year + 1)
    };
    let year = era * 400 + year;
    let (hours, minutes, seconds) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    let rest = of_day % 1_000;
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{rest:03}Z")
}

#[cfg(test)]
mod tests;
