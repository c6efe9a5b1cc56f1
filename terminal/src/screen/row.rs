//! Messages and notes as rows of the screen.
//!
//! Somebody's words begin with a time in the first column, and go on below a margin of its width. What this program says begins with `* `, and its
//! dividers with a line. So nobody's words look like another's, or like the program's: [`harmless`] keeps every row within its columns.

use client::{
    room::Entry,
    words::{self, Audience},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use mesh::model::Delivery;
use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{
    feed::{Item, place_of},
    note::{Note, Place},
    search::{find, find_word},
    state::State,
};
use crate::{
    harmless::{
        self,
        columns::{Cell, cells, wrap},
    },
    line::plain::{all_of, answers_line, speaker},
    report::MessageReport,
};

/// The columns of a time, and a space.
// No limit: a matter of looks.
const MARGIN: usize = 6;

/// The columns of `* `.
// No limit: a matter of looks.
const NOTE_MARGIN: usize = 2;

/// The rows of an item.
#[must_use]
pub(super) fn rows(state: &State, place: Place, item: Item<'_>, columns: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    if let Item::Message { entry, before } = item {
        let day = day(&state.zone, entry);
        if before.is_none_or(|before| self::day(&state.zone, before) != day) {
            rows.push(divider(&day, columns, state.theme.quiet()));
        }
    }
    if let Some(unread) = state.unread.as_ref().filter(|unread| unread.first == place) {
        rows.push(divider(
            &format!("{} new", unread.count),
            columns,
            state.theme.new_messages(),
        ));
    }
    match item {
        Item::Message { entry, .. } => rows.extend(message(state, entry, columns)),
        Item::Note(told) => rows.extend(note(state, told, columns)),
    }
    rows
}

fn message(state: &State, entry: &Entry, columns: usize) -> Vec<Line<'static>> {
    let theme = state.theme;
    let number = entry
        .message
        .file
        .as_ref()
        .and_then(|info| state.numbers.get(&info.root));
    let report = MessageReport::new(&state.room, entry, number.copied().unwrap_or(0), false);
    let time = format!("{:<1$}", clock(&state.zone, entry.message.unix_millis), MARGIN);
    let speaker = speaker(&report);
    let speaker_look = match (report.own, &report.to) {
        (_, Some(_)) => theme.whisper(),
        (true, None) => theme.own(),
        (false, None) => theme.speaker(),
    };
    let text = match &report.file {
        Some(file) => harmless::line(&file.name),
        None => harmless::block(&report.text, "", None, 0),
    };
    let state_words = match (&report.file, entry.delivery) {
        (Some(file), _) => format!(", {}", harmless::sentence(&file.text)),
        (None, Some(delivery)) => format!(" ({})", delivery_words(entry, delivery)),
        (None, None) => String::new(),
    };
    let is_failed = entry.delivery == Some(Delivery::Failed);
    let state_look = if is_failed { theme.new_messages() } else { theme.quiet() };
    let mut all: Vec<Cell<'_, Style>> = cells(&time, theme.quiet()).collect();
    all.extend(searched(state, entry, &speaker, speaker_look));
    all.extend(spoken(state, entry, &text));
    all.extend(cells(&state_words, state_look));
    let edited = if report.edited { " (edited)" } else { "" };
    all.extend(cells(edited, theme.quiet()));
    let mut rows = Vec::new();
    if let Some(answered) = &report.answers {
        rows.extend(aside(state, &answers_line(&report, answered), columns));
    }
    rows.extend(lines(wrap(all, columns, MARGIN), MARGIN));
    if !report.reactions.is_empty() {
        rows.extend(aside(state, &harmless::sentence(&all_of(&report.reactions)), columns));
    }
    rows
}

/// What is said of a message, above it or below.
fn aside(state: &State, text: &str, columns: usize) -> Vec<Line<'static>> {
    let margin = " ".repeat(MARGIN);
    let mut all: Vec<Cell<'_, Style>> = cells(&margin, Style::new()).collect();
    all.extend(cells(text, state.theme.quiet()));
    lines(wrap(all, columns, MARGIN), MARGIN)
}

/// How far a message of ours got, as on the page.
fn delivery_words(entry: &Entry, delivery: Delivery) -> String {
    let audience = match entry.message.whisper_to {
        Some(_) => Audience::OnePerson,
        None => Audience::Everyone,
    };
    words::delivery(delivery, audience).into_owned()
}

/// A text in which our name stands out, and what is searched for.
fn spoken<'a>(state: &State, entry: &Entry, text: &'a str) -> Vec<Cell<'a, Style>> {
    let mut looks = vec![Style::new(); text.len()];
    if !entry.message.own {
        let name = harmless::line(&state.room.my_name);
        for place in find_word(text, &name) {
            looks[place].fill(state.theme.mention());
        }
    }
    for place in hits(state, text) {
        looks[place].fill(hit_look(state, entry));
    }
    in_looks(text, &looks)
}

fn searched<'a>(state: &State, entry: &Entry, text: &'a str, look: Style) -> Vec<Cell<'a, Style>> {
    let mut looks = vec![look; text.len()];
    for place in hits(state, text) {
        looks[place].fill(hit_look(state, entry));
    }
    in_looks(text, &looks)
}

fn hits(state: &State, text: &str) -> Vec<std::ops::Range<usize>> {
    let Some(search) = &state.search else {
        return Vec::new();
    };
    find(text, &harmless::line(search.draft.text()))
}

fn hit_look(state: &State, entry: &Entry) -> Style {
    let current = state.search.as_ref().and_then(|search| search.current_place());
    if current == Some(place_of(entry)) {
        state.theme.current_hit()
    } else {
        state.theme.hit()
    }
}

/// Each byte's look is that of the place that begins with it.
fn in_looks<'a>(text: &'a str, looks: &[Style]) -> Vec<Cell<'a, Style>> {
    use unicode_segmentation::UnicodeSegmentation as _;

    let clusters = text.grapheme_indices(true);
    clusters
        .flat_map(|(place, cluster)| cells(cluster, looks[place]))
        .collect()
}

fn note(state: &State, note: &Note, columns: usize) -> Vec<Line<'static>> {
    let look = state.theme.note(note.tone);
    let rows = note.text.split('\n').enumerate().flat_map(|(at, line)| {
        // What belongs to the line before stands below it, and never where a line of ours begins.
        let margin = if at == 0 { 0 } else { NOTE_MARGIN };
        let blank = " ".repeat(margin);
        let text = format!("{blank}{line}");
        let all: Vec<_> = cells(&text, look).collect();
        lines(wrap(all, columns, NOTE_MARGIN), NOTE_MARGIN)
    });
    rows.collect()
}

/// The rows of a text that is not part of the feed.
#[must_use]
pub(super) fn plain_rows(text: &str, columns: usize, look: Style) -> Vec<Line<'static>> {
    let all: Vec<_> = cells(text, look).collect();
    lines(wrap(all, columns, 0), 0)
}

fn lines(rows: Vec<Vec<Cell<'_, Style>>>, margin: usize) -> Vec<Line<'static>> {
    let line = |(at, row): (usize, Vec<Cell<'_, Style>>)| {
        let mut spans: Vec<Span<'static>> = Vec::new();
        if at > 0 && margin > 0 {
            spans.push(Span::raw(" ".repeat(margin)));
        }
        for cell in row {
            match spans.last_mut() {
                Some(last) if last.style == cell.look => last.content.to_mut().push_str(&cell.text),
                Some(_) | None => spans.push(Span::styled(cell.text.into_owned(), cell.look)),
            }
        }
        Line::from(spans)
    };
    rows.into_iter().enumerate().map(line).collect()
}

fn divider(words: &str, columns: usize, look: Style) -> Line<'static> {
    let words = format!("── {words} ");
    let rest = columns.saturating_sub(harmless::width(&words));
    Line::styled(format!("{words}{}", "─".repeat(rest)), look)
}

fn local(zone: &TimeZone, unix_millis: u64) -> Option<DateTime> {
    let millis = i64::try_from(unix_millis).ok()?;
    Some(zone.to_datetime(Timestamp::from_millisecond(millis).ok()?))
}

/// `12:03`, here.
fn clock(zone: &TimeZone, unix_millis: u64) -> String {
    local(zone, unix_millis).map_or("--:--".to_owned(), |at| format!("{:02}:{:02}", at.hour(), at.minute()))
}

/// `2026-11-27`, here.
fn day(zone: &TimeZone, entry: &Entry) -> String {
    local(zone, entry.message.unix_millis).map_or("no day".to_owned(), |at| at.date().to_string())
}
