//! How things look: with the terminal's own colours, or without any.
//!
//! The background is the terminal's, so light and dark ones are both readable. Nothing is told by colour alone.

use std::ffi::OsStr;

use ratatui::style::{Color, Modifier, Style};

use super::note::Tone;

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// The terminal's palette.
    Coloured,
    /// Bold, dim and reversed.
    Plain,
}

impl Theme {
    /// As the environment variable `NO_COLOR` asks for (<https://no-color.org>).
    #[must_use]
    pub fn new(no_color: Option<&OsStr>) -> Self {
        if no_color.is_some_and(|value| !value.is_empty()) {
            Self::Plain
        } else {
            Self::Coloured
        }
    }

    fn coloured(self, style: Style, colour: Color) -> Style {
        match self {
            Self::Coloured => style.fg(colour),
            Self::Plain => style,
        }
    }

    /// The bars above and below.
    #[must_use]
    pub(super) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What can be passed over.
    #[must_use]
    pub(super) fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The name before somebody's words.
    #[must_use]
    pub(super) fn speaker(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The word before ours.
    #[must_use]
    pub(super) fn own(self) -> Style {
        self.coloured(self.speaker(), Color::Cyan)
    }

    /// What only one person reads.
    #[must_use]
    pub(super) fn whisper(self) -> Style {
        self.coloured(self.speaker(), Color::Magenta)
    }

    /// Our name in somebody's words.
    #[must_use]
    pub(super) fn mention(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// What is searched for.
    #[must_use]
    pub(super) fn hit(self) -> Style {
        let style = Style::new().add_modifier(Modifier::REVERSED);
        self.coloured(style, Color::Yellow)
    }

    /// The same in the message that was gone to.
    #[must_use]
    pub(super) fn current_hit(self) -> Style {
        self.hit().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// What is chosen in a list.
    #[must_use]
    pub(super) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Where what is new begins.
    #[must_use]
    pub(super) fn new_messages(self) -> Style {
        self.coloured(Style::new().add_modifier(Modifier::BOLD), Color::Red)
    }

    /// What this program tells.
    #[must_use]
    pub(super) fn note(self, tone: Tone) -> Style {
        match tone {
            Tone::Quiet => self.quiet(),
            Tone::Answer => Style::new(),
            Tone::Warning => self.coloured(Style::new(), Color::Red),
            Tone::Danger => self.coloured(Style::new().add_modifier(Modifier::BOLD), Color::Red),
        }
    }

    /// A code to be scanned: black on white, whatever the terminal's own colours are.
    #[must_use]
    pub(super) fn code(self) -> Style {
        Style::new().fg(Color::Rgb(0, 0, 0)).bg(Color::Rgb(255, 255, 255))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_means_none() {
        assert_eq!(Theme::new(None), Theme::Coloured);
        assert_eq!(Theme::new(Some(OsStr::new(""))), Theme::Coloured);
        let plain = Theme::new(Some(OsStr::new("1")));
        for style in [
            plain.own(),
            plain.whisper(),
            plain.hit(),
            plain.note(Tone::Danger),
            plain.new_messages(),
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        // Nothing has a background but what is to be scanned.
        for style in [
            Theme::Coloured.bar(),
            Theme::Coloured.mention(),
            Theme::Coloured.chosen(),
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
