//! The page: plain HTML in one piece. Whatever a person wrote is text in it, never markup, and turns no text around it.

use mesh::model::Message;

use super::{date, date_time, is_public};
use crate::{
    files::shown_name,
    room::{Entry, RoomState},
    text::{addresses, misleads},
    words::{excerpt, page, reaction},
};

/// No script runs and nothing is fetched, whatever else goes wrong.
const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
h3 { margin: 1.2rem 0 0; font-size: 1rem }
time { font-weight: 400; opacity: .7 }
p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
</style>
<title>"#;

pub(super) fn page(state: &RoomState, room: Option<&str>) -> String {
    let room = room.unwrap_or(page::PRIVATE_ROOM);
    let mut out = HEAD.to_owned();
    escape(&mut out, room);
    out += "</title>\n<h1><bdi>";
    escape(&mut out, room);
    out += "</bdi></h1>\n<p>";
    out += page::EXPORT_UTC;
    if state.dropped {
        out += " ";
        out += page::OLDER_REMOVED;
    }
    out += "</p>\n";
    let entries = || state.messages.iter().map(|entry| &**entry);
    for entry in entries().filter(is_public) {
        message(&mut out, state, entry);
    }
    let mut heading = page::EXPORT_WHISPERS;
    for entry in entries().filter(|entry| !is_public(entry)) {
        if !heading.is_empty() {
            out += "<h2>";
            out += heading;
            out += "</h2>\n";
            heading = "";
        }
        message(&mut out, state, entry);
    }
    out
}

fn message(out: &mut String, state: &RoomState, entry: &Entry) {
    let message = &entry.message;
    *out += "<article>\n<h3>";
    name(out, &state.author_of(message));
    if let Some(to) = message.whisper_to {
        *out += " to ";
        name(out, &state.name_of(&to));
    }
    when(out, message);
    *out += "</h3>\n";
    if let Some(answered) = &message.reply_to {
        *out += "<blockquote dir=\"auto\">";
        match state.entry(answered) {
            Some(answered) => {
                name(out, &state.author_of(&answered.message));
                *out += ": ";
                escape(out, &excerpt(&answered.message));
            }
            None => *out += page::REPLIED_GONE,
        }
        *out += "</blockquote>\n";
    }
    *out += "<p dir=\"auto\">";
    if let Some(file) = &message.file {
        *out += page::EXPORT_FILE;
        name(out, &shown_name(&file.name));
        *out += " (";
        escape(out, &page::size(file.bytes));
        out.push(')');
    }
    let (text, mut at) = (&message.text, 0);
    // Nothing is told beside a link here.
    for link in addresses(text)
        .into_iter()
        .filter(|link| !misleads(&text[link.clone()]))
    {
        escape(out, &text[at..link.start]);
        at = link.end;
        *out += "<a rel=\"noreferrer\" href=\"";
        escape(out, &text[link.clone()]);
        *out += "\">";
        escape(out, &text[link]);
        *out += "</a>";
    }
    escape(out, &text[at..]);
    *out += "</p>\n";
    if entry.original.is_some() {
        *out += "<p><small>edited</small></p>\n";
    }
    for one in entry.reactions() {
        *out += "<p>";
        name(out, &reaction(&one, |author, then| state.name_then(author, then)));
        *out += "</p>\n";
    }
    *out += "</article>\n";
}

fn name(out: &mut String, name: &str) {
    *out += "<bdi>";
    escape(out, name);
    *out += "</bdi>";
}

/// To the minute, as people read it.
fn when(out: &mut String, message: &Message) {
    let time = date_time(message.unix_millis);
    let (date, clock) = (date(&time), &time["2026-11-27T".len()..][.."14:03".len()]);
    *out += &format!(" <time datetime=\"{time}\">{date} {clock}</time>");
}

/// Writes a text as HTML has it, in an element or an attribute's quotes. Control characters that HTML has no way to write are replaced.
fn escape(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => *out += "&amp;",
            '<' => *out += "&lt;",
            '>' => *out += "&gt;",
            '"' => *out += "&quot;",
            '\'' => *out += "&#39;",
            '\r' => *out += "&#13;",
            '\n' | '\t' => out.push(char),
            char if char.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            char => out.push(char),
        }
    }
}
