//! What is typed or piped in, line by line.

use std::{
    io::{self, BufRead, Read as _},
    thread,
};

use tokio::sync::mpsc;

use crate::{
    config::{LINE_BYTES_MAX, LINES_WAITING_MAX},
    line::command::{self, Command, ParseCommandError},
};

/// A line that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// It is a command, or something to say.
    Command(Command),
    /// It is neither.
    Unreadable(ParseCommandError),
}

/// Reads the standard input on a thread of its own, for a read cannot be taken back. What is not taken waits in the pipe. `read` makes of a line what
/// it is.
///
/// # Errors
/// What the system says if there are no more threads.
pub fn from_stdin(read: fn(&str) -> Option<Typed>) -> io::Result<mpsc::Receiver<Typed>> {
    let (sender, receiver) = mpsc::channel(LINES_WAITING_MAX);
    let thread = thread::Builder::new().name("stdin".to_owned());
    thread.spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next_line(&mut input) {
            if let Some(typed) = read(&line)
                && sender.blocking_send(typed).is_err()
            {
                return;
            }
        }
    })?;
    Ok(receiver)
}

impl Typed {
    /// A line as a person types it.
    #[must_use]
    pub fn line(line: &str) -> Option<Self> {
        match command::parse(line) {
            Ok(command) => command.map(Self::Command),
            Err(error) => Some(Self::Unreadable(error)),
        }
    }

    /// A line that is said, whatever it is.
    #[must_use]
    pub fn text(line: &str) -> Option<Self> {
        let text = line.to_owned();
        (!line.trim().is_empty()).then_some(Self::Command(Command::Say { text }))
    }
}

/// These commands and no more.
#[must_use]
pub fn commands(commands: Vec<Command>) -> mpsc::Receiver<Typed> {
    let (sender, receiver) = mpsc::channel(commands.len().max(1));
    for command in commands {
        // There is a place for each.
        let _ = sender.try_send(Typed::Command(command));
    }
    receiver
}

/// The next line, as text; what is too long is cut. Nothing at the end.
fn next_line(input: &mut impl BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    let read = input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
    if read.ok()? == 0 {
        return None;
    }
    let line = String::from_utf8_lossy(&bytes);
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Some(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_to_the_end_and_long_ones_are_cut() {
        let long = "x".repeat(usize::try_from(LINE_BYTES_MAX).unwrap());
        let text = format!("one\r\n\ntwo\u{fffd}\n{long}y");
        let mut input = text.as_bytes();
        for expected in ["one", "", "two\u{fffd}", &long, "y"] {
            assert_eq!(next_line(&mut input).as_deref(), Some(expected));
        }
        assert_eq!(next_line(&mut input), None);
    }
}
