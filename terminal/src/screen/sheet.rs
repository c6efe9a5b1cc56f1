//! What stands over everything else for a moment: the keys, a code to be handed over, the map.
//!
//! Whoever types on goes on typing, and the sheet goes. A code stands from the first column on with nothing beside it, to be copied as it is.

use ratatui::{style::Style, text::Line};

use super::{row::plain_rows, state::State};
use crate::{config::MAP_PEOPLE_MAX, line::picture::modules, map, report::Report, words};

/// See the [module documentation](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    /// What is on it.
    pub(super) content: Content,
    /// How many of its rows are above the upper edge.
    pub(super) scrolled: usize,
}

/// What is on a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// The keys and commands.
    Help,
    /// Something to be copied or scanned.
    Code {
        /// What it is.
        title: &'static str,
        /// The code.
        code: String,
    },
    /// Who is linked with whom.
    Map {
        /// With letters.
        drawing: String,
    },
}

impl Sheet {
    /// With something on it.
    #[must_use]
    pub(super) fn new(content: Content) -> Self {
        Self { content, scrolled: 0 }
    }

    /// With what a report has to be handed over, if anything.
    #[must_use]
    pub(super) fn to_hand_over(report: &Report) -> Option<Self> {
        let (title, code) = if let Report::Link { link } = report {
            (words::LINK, link)
        } else if let Report::Invitation { code } = report {
            (words::INVITATION, code)
        } else if let Report::Answer { code } = report {
            (words::ANSWER, code)
        } else {
            return None;
        };
        let code = code.clone();
        Some(Self::new(Content::Code { title, code }))
    }

    /// With the map of the network as it is now.
    #[must_use]
    pub(super) fn map(state: &State) -> Self {
        let drawing = if state.network.nodes.len() > MAP_PEOPLE_MAX {
            format!("There is no map of more than {MAP_PEOPLE_MAX} people. /network lists who is linked with whom.")
        } else {
            map::drawing(&state.room, &state.network, usize::from(state.size.width))
        };
        Self::new(Content::Map { drawing })
    }

    /// What stands over it.
    #[must_use]
    pub(super) fn title(&self) -> &'static str {
        match self.content {
            Content::Help => "Help",
            Content::Code { .. } => "To be handed over",
            Content::Map { .. } => "Map",
        }
    }

    /// All of its rows.
    #[must_use]
    pub(super) fn rows(&self, state: &State, columns: usize) -> Vec<Line<'static>> {
        let plain = |text: &str| plain_rows(text, columns, Style::new());
        match &self.content {
            Content::Help => plain(&format!("{KEYS}\n\n{}", words::HELP)),
            Content::Map { drawing } => plain(drawing),
            Content::Code { title, code } => {
                let mut rows = plain(title);
                rows.extend(plain(code));
                rows.push(Line::default());
                let picture = modules(code).filter(|lines| lines.iter().all(|line| line.chars().count() <= columns));
                let look = state.theme.code();
                rows.extend(
                    picture
                        .unwrap_or_default()
                        .into_iter()
                        .map(|line| Line::styled(line, look)),
                );
                rows
            }
        }
    }
}

/// What the keys do.
const KEYS: &str = "\
Keys
  Enter                  send
  Alt+Enter, Ctrl+J      a new line
  Tab                    complete a name or a command; again: the next one
  Up, Down               what you sent before
  Ctrl+Left, Ctrl+Right  word by word
  Ctrl+W, Ctrl+U, Ctrl+K remove a word, what is before, what is after
  PgUp, PgDn             scroll;  Ctrl+Home, Ctrl+End: to the oldest, the newest
  Esc                    back: to the newest message, to everyone
  Ctrl+F                 search;  Up, Enter: older;  Down: newer;  Esc: done
  F2, Ctrl+T             people: Up and Down choose whom to whisper to
  F3                     files: Enter fetches one
  F4                     network
  F5                     map
  Ctrl+L                 draw everything again
  Ctrl+Z                 back to the shell for a while; fg goes on
  Ctrl+D, /quit          leave
Before a name in the list of people:
  = linked with you   ~ reached through others   . connecting
  ! out of reach      - gone";
