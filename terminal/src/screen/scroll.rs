//! Which part of the feed is in view.
//!
//! A person who has scrolled back keeps what they read, whatever comes meanwhile: the view hangs on a place, not on a distance from the end.

use ratatui::text::Line;

use super::{feed::Position, note::Place, row::rows, state::State, view};

/// What stands at the lower edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    /// The last item of which something is in view.
    place: Place,
    /// How many of its rows are below the edge.
    hidden: usize,
}

/// The rows in view, from the top.
#[must_use]
pub(super) fn in_view(state: &State, columns: usize, height: usize) -> Vec<Line<'static>> {
    let feed = state.feed();
    let mut position = start(state);
    let mut hidden = state.anchor.map_or(0, |anchor| anchor.hidden);
    let mut found = Vec::new();
    while found.len() < height {
        let Some((place, item)) = feed.back(&mut position) else {
            break;
        };
        let mut of_item = rows(state, place, item, columns);
        of_item.truncate(of_item.len().saturating_sub(std::mem::take(&mut hidden)));
        found.extend(of_item.into_iter().rev());
    }
    found.truncate(height);
    found.reverse();
    found
}

/// How many messages of others begin below the edge and were not seen.
#[must_use]
pub(super) fn unseen_below(state: &State) -> usize {
    state
        .unread
        .filter(|unread| !unread.seen)
        .map_or(0, |unread| unread.count)
}

/// Goes back by so many rows.
pub(super) fn back(state: &mut State, count: usize) {
    if state.anchor.is_none() && count == 0 {
        return;
    }
    let (columns, height) = view::of_messages(state);
    let feed = state.feed();
    let mut position = start(state);
    let mut hidden = state.anchor.map_or(0, |anchor| anchor.hidden) + count;
    let mut found = None;
    while let Some((place, item)) = feed.back(&mut position) {
        let length = rows(state, place, item, columns).len();
        if hidden < length {
            found = Some(Anchor { place, hidden });
            break;
        }
        hidden -= length;
    }
    let top = oldest(state, columns, height);
    state.anchor = match (found, top) {
        (Some(found), Some(top)) => Some(later(found, top)),
        (None, top) => top,
        // All is in view.
        (Some(_), None) => None,
    };
}

/// Goes on by so many rows.
pub(super) fn forward(state: &mut State, count: usize) {
    let Some(Anchor { place, mut hidden }) = state.anchor else {
        return;
    };
    let (columns, _) = view::of_messages(state);
    let feed = state.feed();
    let mut position = feed.after(place);
    let (mut place, mut left) = (place, count);
    while left > hidden {
        left -= hidden;
        let Some((next, item)) = feed.forward(&mut position) else {
            state.anchor = None;
            return;
        };
        (place, hidden) = (next, rows(state, next, item, columns).len());
    }
    hidden -= left;
    let is_end = hidden == 0 && feed.forward(&mut position).is_none();
    state.anchor = (!is_end).then_some(Anchor { place, hidden });
}

/// Goes to the oldest.
pub(super) fn to_oldest(state: &mut State) {
    let (columns, height) = view::of_messages(state);
    state.anchor = oldest(state, columns, height);
}

/// Goes to a place, so that something of what follows is in view.
pub(super) fn to(state: &mut State, place: Place) {
    let (_, height) = view::of_messages(state);
    state.anchor = Some(Anchor { place, hidden: 0 });
    forward(state, height / 2);
    // Near the oldest the view is full as well.
    back(state, 0);
}

fn start(state: &State) -> Position {
    let feed = state.feed();
    state.anchor.map_or(feed.end(), |anchor| feed.after(anchor.place))
}

/// The view with the oldest row at its top; nothing if all is in view.
fn oldest(state: &State, columns: usize, height: usize) -> Option<Anchor> {
    let feed = state.feed();
    let mut position = feed.start();
    let mut filled = 0;
    while let Some((place, item)) = feed.forward(&mut position) {
        filled += rows(state, place, item, columns).len();
        if filled >= height {
            let hidden = filled - height;
            let is_end = hidden == 0 && feed.forward(&mut position).is_none();
            return (!is_end).then_some(Anchor { place, hidden });
        }
    }
    None
}

/// The one of two that is nearer to the newest.
fn later(one: Anchor, other: Anchor) -> Anchor {
    let key = |anchor: &Anchor| (anchor.place, std::cmp::Reverse(anchor.hidden));
    if key(&one) >= key(&other) { one } else { other }
}
