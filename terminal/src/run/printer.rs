//! Prints reports, for people or for programs.

use std::io::{self, Write};

use crate::{harmless, line::plain::Plain, report::Report, screen::Inbox};

/// For whom it is printed.
#[derive(Debug)]
pub enum Format {
    /// For people.
    Plain(Plain),
    /// For programs: an object a line.
    Json,
    /// For a screen, which shows it in its own way.
    Screen(Inbox),
}

/// Prints reports as they come.
#[derive(Debug)]
pub struct Printer<W> {
    format: Format,
    out: W,
}

impl<W: Write> Printer<W> {
    /// To `out`.
    #[must_use]
    pub fn new(format: Format, out: W) -> Self {
        Self { format, out }
    }

    /// Whether it goes to a screen.
    pub(super) fn is_screen(&self) -> bool {
        matches!(self.format, Format::Screen(_))
    }

    /// A message of ours stands there already, as it was typed.
    pub(super) fn skip(&mut self, id: &str) {
        if let Format::Plain(plain) = &mut self.format {
            plain.skip(id);
        }
    }

    /// Prints a report at once.
    ///
    /// # Errors
    /// What the system says.
    pub fn print(&mut self, report: &Report) -> io::Result<()> {
        match &mut self.format {
            Format::Plain(plain) => match plain.lines(report) {
                Some(lines) => writeln!(self.out, "{lines}")?,
                None => return Ok(()),
            },
            Format::Screen(inbox) => {
                inbox.push(report);
                return Ok(());
            }
            Format::Json => {
                let line = harmless::json(&serde_json::to_string(report)?);
                writeln!(self.out, "{line}")?;
            }
        }
        self.out.flush()
    }
}
