//! Draws a [`State`]. The same state gives the same picture.

use client::{
    standing::{Tone, standing},
    words::page,
};
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Line,
};

use super::{
    panel,
    scroll::{self, unseen_below},
    state::{Focus, Panel, State},
    typing,
    view::{self, View},
};
use crate::{
    harmless::{self, columns::cut},
    words::{self, Meeting},
};

/// Draws everything.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    let view = view::of(state);
    let area = frame.area();
    // The terminal may have another size already than the state knows.
    let fits =
        view.middle.width <= area.width && view.keys.bottom() <= area.height && view.composer.bottom() <= area.height;
    if !fits || area.is_empty() {
        return;
    }
    let buffer = frame.buffer_mut();
    bar(state, view.bar, buffer);
    middle(state, &view, buffer);
    rule(state, view.rule, buffer);
    keys(state, view.keys, buffer);
    let cursor = composer(state, view.composer, buffer);
    if state.focus == Focus::Composer || state.search.is_some() {
        frame.set_cursor_position(Position::from(cursor));
    }
}

fn bar(state: &State, area: Rect, buffer: &mut Buffer) {
    let columns = usize::from(area.width);
    let name = state.room.name.as_deref().unwrap_or(&state.title);
    let standing = standing(&state.room, Some(&state.network));
    let mut stands = harmless::sentence(&words::standing_of(&standing, state.meeting));
    if let Some(backlog) = state.room.catching_up {
        stands = format!("{stands} {}", page::catching_up(backlog));
    }
    if let Some(typing) = page::typing(&state.room.typists()) {
        stands = format!("{stands} {}", harmless::sentence(&format!("{typing}.")));
    }
    let is_trouble = standing.tone == Tone::Trouble && state.meeting != Meeting::Hand;
    let mark = if is_trouble { "! " } else { "" };
    let size = state.network.size.max(1);
    let links = match state.network.links.len() {
        1 => "1 link".to_owned(),
        links => format!("{links} links"),
    };
    let right = format!(" network {size}, {links} ");
    let left = format!(" {}  {mark}{stands}", harmless::line(name));
    fill(area, buffer, state.theme.bar(), &left, &right, columns);
}

/// A row with something at both ends; what is at the right has the right of way if there is room for both.
fn fill(area: Rect, buffer: &mut Buffer, look: Style, left: &str, right: &str, columns: usize) {
    let right = if harmless::width(right) * 2 > columns {
        ""
    } else {
        right
    };
    let left = cut(left, columns.saturating_sub(harmless::width(right)));
    let blank = columns.saturating_sub(harmless::width(&left) + harmless::width(right));
    let text = format!("{left}{}{right}", " ".repeat(blank));
    lines(area, buffer, vec![Line::styled(text, look)]);
}

fn middle(state: &State, view: &View, buffer: &mut Buffer) {
    if let Some(sheet) = &state.sheet {
        let (columns, height) = (usize::from(view.middle.width).max(1), usize::from(view.middle.height));
        let rows = sheet.rows(state, columns).into_iter();
        lines(view.middle, buffer, rows.skip(sheet.scrolled).take(height).collect());
        return;
    }
    let (columns, height) = (usize::from(view.messages.width), usize::from(view.messages.height));
    if columns > 0 {
        let rows = scroll::in_view(state, columns, height);
        let rows = if rows.is_empty() { empty(state, columns) } else { rows };
        // What was said last is right above what is written.
        let above = height.saturating_sub(rows.len());
        let above = u16::try_from(above).unwrap_or(0);
        let area = Rect {
            y: view.messages.y + above,
            height: view.messages.height - above,
            ..view.messages
        };
        lines(area, buffer, rows);
    }
    if !view.panel.is_empty() {
        let (columns, height) = (usize::from(view.panel.width), usize::from(view.panel.height));
        lines(view.panel, buffer, panel::rows(state, columns, height));
        if view.panel.x > 0 {
            let edge = Rect {
                x: view.panel.x - 1,
                width: 1,
                ..view.panel
            };
            lines(edge, buffer, vec![Line::styled("│", state.theme.quiet()); height]);
        }
    }
}

/// Before the first message.
fn empty(state: &State, columns: usize) -> Vec<Line<'static>> {
    let help = if state.room.present() > 1 {
        page::TOGETHER_HELP
    } else {
        "Nobody has said anything yet. /invite shows the link into this room; what you write is delivered when someone joins."
    };
    super::row::plain_rows(help, columns, state.theme.quiet())
}

fn rule(state: &State, area: Rect, buffer: &mut Buffer) {
    let columns = usize::from(area.width);
    let (left, look) = match (&state.search, &state.sheet, state.composer.to) {
        (_, Some(sheet), _) => (format!("── {}  (Esc closes)", sheet.title()), state.theme.speaker()),
        (Some(search), None, _) => {
            let found = match search.current {
                Some(current) => format!("{} of {}", current + 1, search.found.len()),
                None if search.draft.is_empty() => "type what to look for".to_owned(),
                None => "not found".to_owned(),
            };
            (format!("── {found}  (Up, Down, Esc)"), state.theme.speaker())
        }
        (None, None, Some(to)) => {
            let name = harmless::name(&state.room.name_of(&to));
            let words = format!("── whispering to {name}{}", page::WHISPER_IS_PRIVATE);
            (words, state.theme.whisper())
        }
        (None, None, None) => ("── to everyone".to_owned(), state.theme.quiet()),
    };
    let new = unseen_below(state);
    let right = if state.leaving {
        " Ctrl+C again leaves ──".to_owned()
    } else if new > 0 {
        format!(" {new} new, Esc shows them ──")
    } else if state.anchor.is_some() {
        " scrolled back, Esc shows the newest ──".to_owned()
    } else {
        String::new()
    };
    let right_look = if new > 0 {
        state.theme.new_messages()
    } else {
        state.theme.speaker()
    };
    let right = cut(&right, columns);
    let left = cut(&format!("{left} "), columns.saturating_sub(harmless::width(&right)));
    let blank = columns.saturating_sub(harmless::width(&left) + harmless::width(&right));
    let mut line = Line::styled(left, look);
    line.push_span(ratatui::text::Span::styled("─".repeat(blank), state.theme.quiet()));
    line.push_span(ratatui::text::Span::styled(right, right_look));
    lines(area, buffer, vec![line]);
}

/// Draws what is being typed. Says where the cursor goes.
fn composer(state: &State, area: Rect, buffer: &mut Buffer) -> (u16, u16) {
    let (rows, cursor) = typing::in_view(state, area);
    let label = typing::label(state);
    let shown = rows.into_iter().enumerate().map(|(at, row)| {
        let before = if at == 0 {
            label.to_owned()
        } else {
            " ".repeat(label.len())
        };
        let mut line = Line::styled(before, state.theme.quiet());
        line.push_span(row);
        line
    });
    lines(area, buffer, shown.collect());
    cursor
}

fn keys(state: &State, area: Rect, buffer: &mut Buffer) {
    let hints: &[&str] = match (state.search.is_some(), state.sheet.is_some(), state.focus, state.panel) {
        (_, true, _, _) => &["Esc close", "Up Down PgUp PgDn scroll"],
        (true, false, _, _) => &["Esc done", "Up older", "Down newer"],
        (false, false, Focus::Panel, Panel::People) => {
            &["Enter write to them", "Up Down choose", "Esc back", "F2 hide"]
        }
        (false, false, Focus::Panel, Panel::Files) => &["Enter fetch", "Up Down choose", "Esc back", "F3 hide"],
        (false, false, Focus::Panel, Panel::Network | Panel::Hidden) => &["Esc back", "F4 hide", "F5 map"],
        (false, false, Focus::Composer, _) => &[
            "F1 help",
            "F2 people",
            "F3 files",
            "F4 network",
            "^F search",
            "PgUp scroll",
            "Tab complete",
            "^D leave",
        ],
    };
    let columns = usize::from(area.width);
    let mut text = String::new();
    for hint in hints {
        // Only whole ones.
        if text.len() + hint.len() + 2 > columns {
            break;
        }
        text = format!("{text} {hint} ");
    }
    fill(area, buffer, state.theme.bar(), &text, "", columns);
}

/// Rows from the top of an area. They have to be harmless.
fn lines(area: Rect, buffer: &mut Buffer, rows: Vec<Line<'_>>) {
    for (row, y) in rows.iter().zip(area.top()..area.bottom()) {
        buffer.set_line(area.x, y, row, area.width);
    }
}
