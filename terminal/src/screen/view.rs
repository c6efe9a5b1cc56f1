//! Where everything stands on a terminal of some size.
//!
//! From the top: a bar, the messages with a panel beside them, a line that says to whom one writes, what one writes, the keys. Where there is little
//! room, the panel takes the place of the messages while it is used; where there is less, bar and keys go.

use ratatui::layout::Rect;

use super::{
    state::{Focus, Panel, State},
    typing,
};

/// From so many columns on, messages and a panel stand side by side.
// No limit: a matter of looks.
const SIDE_BY_SIDE: u16 = 70;

/// Below so many rows there are no bar and no keys.
// No limit: a matter of looks.
const ROWS_MIN: u16 = 6;

/// See the [module documentation](self). What has no room is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// What the room is called, and how things stand.
    pub(super) bar: Rect,
    /// All between the bars.
    pub(super) middle: Rect,
    /// What was said.
    pub(super) messages: Rect,
    /// People, files or the network.
    pub(super) panel: Rect,
    /// To whom one writes.
    pub(super) rule: Rect,
    /// What one writes.
    pub(super) composer: Rect,
    /// Which keys do what.
    pub(super) keys: Rect,
}

/// The view of a state.
#[must_use]
pub(super) fn of(state: &State) -> View {
    let (width, height) = (state.size.width, state.size.height);
    let edge = u16::from(height >= ROWS_MIN);
    let composer_max = (height / 3).max(1);
    let wanted = u16::try_from(typing::height(state, usize::from(width))).unwrap_or(u16::MAX);
    let composer = wanted.clamp(1, composer_max).min(height);
    let rule = u16::from(height > composer);
    let middle = height.saturating_sub(composer + rule + 2 * edge);
    let row = |y: u16, rows: u16| Rect::new(0, y, width, rows);
    let all = row(edge, middle);
    let (messages, panel) = match (state.panel, state.focus) {
        (Panel::Hidden, _) => (all, Rect::ZERO),
        _ if width >= SIDE_BY_SIDE => {
            let side = (width / 3).min(38);
            let left = width - side - 1;
            (
                Rect { width: left, ..all },
                Rect {
                    x: left + 1,
                    width: side,
                    ..all
                },
            )
        }
        (_, Focus::Panel) => (Rect::ZERO, all),
        (_, Focus::Composer) => (all, Rect::ZERO),
    };
    View {
        bar: row(0, edge),
        middle: all,
        messages,
        panel,
        rule: row(edge + middle, rule),
        composer: row(edge + middle + rule, composer),
        keys: row(height - edge, edge),
    }
}

/// How many columns and rows messages have.
#[must_use]
pub(super) fn of_messages(state: &State) -> (usize, usize) {
    let Rect { width, height, .. } = of(state).messages;
    (usize::from(width).max(1), usize::from(height))
}
