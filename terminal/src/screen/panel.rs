//! What stands beside the messages: people, files or the network.

use std::rc::Rc;

use client::{
    standing::standing,
    words::{link_kind, page, person_state},
};
use mesh::model::{FileInfo, FileState, NetworkLink, Person, PersonState};
use ratatui::{
    style::Style,
    text::{Line, Span},
};
use shared::PeerId;

use super::{
    row::plain_rows,
    state::{Effect, Focus, Panel, State},
};
use crate::{
    harmless::{self, columns::cut},
    line::command::Command,
    run::Typed,
    words,
};

/// How many rows a panel has that can be chosen.
#[must_use]
pub(super) fn choices(state: &State) -> usize {
    match state.panel {
        // The first one is everyone.
        Panel::People => 1 + state.room.people.len(),
        Panel::Files => state.room.offers().len(),
        Panel::Network | Panel::Hidden => 0,
    }
}

/// Does what the chosen row is for: goes on writing to that person, or fetches that file.
pub(super) fn choose(state: &mut State) -> Option<Effect> {
    match state.panel {
        Panel::People => {
            let (people, _) = state.room.people_in_order();
            let to = state.chosen.checked_sub(1).and_then(|at| people.get(at));
            state.composer.write_to(to.map(|person| person.peer));
            state.focus = Focus::Composer;
            None
        }
        Panel::Files => {
            let offers = state.room.offers();
            let (_, info) = offers.get(state.chosen)?;
            let file = info.root.to_text().parse().ok()?;
            let typed = Typed::Command(Command::Get { file, path: None });
            let text = String::new();
            Some(Effect::Type { typed, text })
        }
        Panel::Network | Panel::Hidden => None,
    }
}

/// The rows of the panel that fit, from the top.
#[must_use]
pub(super) fn rows(state: &State, columns: usize, height: usize) -> Vec<Line<'static>> {
    let room = height.saturating_sub(1);
    let rows_each = if state.panel == Panel::Files { 2 } else { 1 };
    let chosen_end = if state.focus == Focus::Panel {
        (state.chosen + 1) * rows_each
    } else {
        0
    };
    let first = chosen_end.saturating_sub(room);
    let (title, rows) = match state.panel {
        Panel::People => {
            // Only those in view are named: to name somebody takes a look at everybody.
            let (people, _) = state.room.people_in_order();
            let rows = (first..=people.len()).take(room);
            let rows = rows.map(|at| choosable(state, at, at.checked_sub(1).map(|at| &people[at]), columns));
            (
                format!("People: {} here", state.room.present()),
                rows.collect::<Vec<_>>(),
            )
        }
        Panel::Files => {
            let files = files(state, columns);
            (
                format!("Files: {}", files.len() / 2),
                files.into_iter().skip(first).collect(),
            )
        }
        Panel::Network => (format!("Network: {}", state.network.size), network(state, columns)),
        Panel::Hidden => return Vec::new(),
    };
    let mut shown = vec![Line::styled(cut(&title, columns), state.theme.speaker())];
    shown.extend(rows.into_iter().take(room));
    shown.truncate(height);
    shown
}

/// Somebody who can be written to; nobody in particular is everyone.
fn choosable(state: &State, at: usize, person: Option<&Rc<Person>>, columns: usize) -> Line<'static> {
    let told = person.map_or_else(
        || (' ', "everyone".to_owned(), String::new()),
        |person| {
            let name = harmless::name(&state.room.name_of(&person.peer));
            (mark(person), name, beside(person))
        },
    );
    person_row(state, at, person.map(|person| person.peer), told, columns)
}

fn mark(person: &Person) -> char {
    match person.state {
        PersonState::Here if person.linked => '=',
        PersonState::Here => '~',
        PersonState::Connecting | PersonState::Reconnecting => '.',
        PersonState::OutOfReach { .. } => '!',
        PersonState::Gone | PersonState::Left | PersonState::Away => '-',
    }
}

fn beside(person: &Rc<Person>) -> String {
    let stands = match (person.state, person.round_trip) {
        (PersonState::Here, Some(took)) if person.linked => format!("{} ms", took.as_millis()),
        (PersonState::Here, _) => String::new(),
        (state, _) => person_state(state).to_lowercase(),
    };
    if person.archive {
        format!("{} {stands}", page::KEEPS_ROOM.to_lowercase())
            .trim_end()
            .to_owned()
    } else {
        stands
    }
}

fn person_row(
    state: &State,
    at: usize,
    peer: Option<PeerId>,
    (mark, name, beside): (char, String, String),
    columns: usize,
) -> Line<'static> {
    let theme = state.theme;
    let is_chosen = state.focus == Focus::Panel && state.chosen == at;
    let look = match (is_chosen, state.composer.to == peer) {
        (true, _) => theme.chosen(),
        (false, true) if peer.is_some() => theme.whisper(),
        (false, _) if mark == '-' => theme.quiet(),
        (false, _) => Style::new(),
    };
    let draft = if state.composer.has_draft(peer) { " (draft)" } else { "" };
    let beside = format!("{draft} {beside}");
    let name = cut(&name, columns.saturating_sub(harmless::width(&beside) + 2));
    let used = 2 + harmless::width(&name) + harmless::width(&beside);
    let blank = " ".repeat(columns.saturating_sub(used));
    let quiet = if is_chosen { look } else { theme.quiet() };
    Line::from(vec![
        Span::styled(format!("{mark} {name}"), look),
        Span::styled(format!("{blank}{beside}"), quiet),
    ])
}

fn files(state: &State, columns: usize) -> Vec<Line<'static>> {
    let offers = state.room.offers();
    let rows = offers.iter().enumerate().flat_map(|(at, (message, info))| {
        let is_chosen = state.focus == Focus::Panel && state.chosen == at;
        let look = if is_chosen { state.theme.chosen() } else { Style::new() };
        let number = state.numbers.get(&info.root).copied().unwrap_or(0);
        let name = harmless::line(&client::files::shown_name(&info.name));
        let title = cut(&format!("{number} {name}"), columns);
        let text = format!("  {}", file_words(state, info, message.own));
        [
            Line::styled(title, look),
            Line::styled(cut(&text, columns), state.theme.quiet()),
        ]
    });
    rows.collect()
}

/// How a file stands: with a bar while it comes.
fn file_words(state: &State, info: &FileInfo, own: bool) -> String {
    let progress = state.room.progress(info);
    let words = harmless::sentence(&client::words::files::state(info.bytes, progress.as_ref(), own));
    let Some(now) = progress.map(|progress| progress.now) else {
        return words;
    };
    match now.state {
        FileState::Fetching | FileState::Waiting | FileState::Paused | FileState::NoRoom => {
            let [have, all] = [now.pieces_have, now.pieces.max(1)].map(|pieces| pieces as usize);
            let filled = have * BAR / all;
            let bar = format!("{}{}", "#".repeat(filled), "-".repeat(BAR - filled.min(BAR)));
            format!("[{bar}] {} %  {words}", have * 100 / all)
        }
        FileState::Offered | FileState::Whole | FileState::Unreadable => words,
    }
}

/// How long a bar is.
// No limit: a matter of looks.
const BAR: usize = 8;

fn network(state: &State, columns: usize) -> Vec<Line<'static>> {
    let quiet = state.theme.quiet();
    let stands = words::standing_of(&standing(&state.room, Some(&state.network)), state.meeting);
    let mut rows = plain_rows(&harmless::sentence(&stands), columns, Style::new());
    rows.push(Line::default());
    let links = &state.network.links;
    rows.push(Line::styled(
        cut(&format!("Links: {}", links.len()), columns),
        state.theme.speaker(),
    ));
    for link in links {
        let name = harmless::name(&state.room.name_of(&link.peer));
        rows.push(Line::from(cut(&name, columns)));
        rows.push(Line::styled(cut(&format!("  {}", link_words(link)), columns), quiet));
    }
    rows.push(Line::default());
    rows.extend(plain_rows("F5 draws who is linked with whom.", columns, quiet));
    rows
}

fn link_words(link: &NetworkLink) -> String {
    let round_trip = link
        .round_trip
        .map(|took| format!(", {} ms", took.as_millis()))
        .unwrap_or_default();
    let eager = if link.eager { "first" } else { "spare" };
    format!("{}{round_trip}, {eager}", link_kind(link.kind))
}
