//! What is being typed, in rows, with a mark where the next character goes.
//!
//! It is broken wherever a row is full, so that the place of the cursor never depends on what comes after.

use ratatui::layout::Rect;

use super::{draft::Draft, state::State};
use crate::harmless::{self, columns::cells};

/// A draft as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Typing {
    /// The rows, without the label before the first one.
    pub(super) rows: Vec<String>,
    /// Column and row of the cursor.
    pub(super) cursor: (usize, usize),
}

/// What stands before what is typed.
#[must_use]
pub(super) fn label(state: &State) -> &'static str {
    if state.search.is_some() { "Search: " } else { "> " }
}

/// What is being typed: to be sent, or to be searched for.
#[must_use]
pub(super) fn draft(state: &State) -> &Draft {
    match &state.search {
        Some(search) => &search.draft,
        None => &state.composer.draft,
    }
}

/// A draft in so many columns, of which the label takes some in each row.
#[must_use]
pub(super) fn lay_out(state: &State, columns: usize) -> Typing {
    let columns = columns.saturating_sub(label(state).len()).max(2);
    let (before, after) = draft(state).around();
    let mut typing = Typing {
        rows: vec![String::new()],
        cursor: (0, 0),
    };
    let mut used = 0;
    push(&mut typing.rows, &mut used, before, columns);
    if used >= columns {
        // The cursor needs a place of its own.
        typing.rows.push(String::new());
        used = 0;
    }
    typing.cursor = (used, typing.rows.len() - 1);
    push(&mut typing.rows, &mut used, after, columns);
    typing
}

fn push(rows: &mut Vec<String>, used: &mut usize, text: &str, columns: usize) {
    // A mark at the beginning belongs to what stands before it, and a draft is cut nowhere else.
    let text = harmless::block(text, "", None, 0);
    for cell in cells(&text, ()) {
        if cell.text == "\n" || *used + cell.columns > columns {
            rows.push(String::new());
            *used = 0;
        }
        if cell.text != "\n"
            && let Some(row) = rows.last_mut()
        {
            *row += &cell.text;
            *used += cell.columns;
        }
    }
}

/// How many rows it takes.
#[must_use]
pub(super) fn height(state: &State, columns: usize) -> usize {
    lay_out(state, columns).rows.len()
}

/// The rows that fit into `area`, around the cursor, and the cursor's column and row there.
#[must_use]
pub(super) fn in_view(state: &State, area: Rect) -> (Vec<String>, (u16, u16)) {
    let Typing { rows, cursor } = lay_out(state, usize::from(area.width));
    let height = usize::from(area.height);
    let first = (cursor.1 + 1).saturating_sub(height);
    let shown = rows.into_iter().skip(first).take(height).collect();
    let column = u16::try_from(cursor.0 + label(state).len()).unwrap_or(u16::MAX);
    let row = u16::try_from(cursor.1 - first).unwrap_or(u16::MAX);
    (shown, (area.x + column.min(area.width.saturating_sub(1)), area.y + row))
}
