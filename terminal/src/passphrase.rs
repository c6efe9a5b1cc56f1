//! Where a passphrase comes from: a file, or a person at a terminal, who sees nothing of what is typed.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal as _, Read as _, Write as _},
    path::PathBuf,
};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::config::PASSPHRASE_BYTES_MAX;

/// No passphrase.
#[derive(Debug, Error)]
pub enum PassphraseError {
    /// Nobody can be asked.
    #[error(
        "this identity has a passphrase, and nobody can be asked for it here. Name a file that has it with --passphrase-file"
    )]
    Nobody,
    /// Nobody can be asked for a new one.
    #[error("nobody can be asked for the new passphrase here. Name a file that has it with --new-passphrase-file")]
    NobodyNew,
    /// There is none in the file, or nothing was typed.
    #[error("a passphrase has at least one character, and at most {PASSPHRASE_BYTES_MAX} bytes")]
    Length,
    /// What was typed twice was not the same.
    #[error("these two were not the same, so nothing was changed")]
    NotTheSame,
    /// The person gave up.
    #[error("no passphrase was given")]
    Cancelled,
    /// The file cannot be read.
    #[error("the passphrase cannot be read from {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The terminal cannot be used.
    #[error("the terminal cannot be asked for a passphrase")]
    Terminal(#[from] io::Error),
}

/// A passphrase.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(a secret)")
    }
}

impl Passphrase {
    /// The bytes, without the line break at their end.
    ///
    /// # Errors
    /// [`PassphraseError::Length`].
    pub fn new(bytes: &[u8]) -> Result<Self, PassphraseError> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.is_empty() || bytes.len() as u64 > PASSPHRASE_BYTES_MAX {
            return Err(PassphraseError::Length);
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn is(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Whoever sits there.
    Terminal,
    /// Nobody.
    Nobody,
}

impl Source {
    /// The file that was named, or else whoever sits at the terminal, or else nobody.
    #[must_use]
    pub fn of(file: Option<PathBuf>) -> Self {
        match file {
            Some(path) => Self::File(path),
            None if io::stdin().is_terminal() && io::stderr().is_terminal() => Self::Terminal,
            None => Self::Nobody,
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// [`PassphraseError`], which says what to do.
    pub fn ask(&self, prompt: &str) -> Result<Passphrase, PassphraseError> {
        match self {
            Self::File(path) => {
                let failed = |source| PassphraseError::File {
                    path: path.clone(),
                    source,
                };
                let mut bytes = Zeroizing::new(Vec::with_capacity(4 * 1024));
                let file = File::open(path).map_err(failed)?;
                file.take(PASSPHRASE_BYTES_MAX + 3)
                    .read_to_end(&mut bytes)
                    .map_err(failed)?;
                Passphrase::new(&bytes)
            }
            Self::Terminal => typed(prompt),
            Self::Nobody => Err(PassphraseError::Nobody),
        }
    }

    /// Asks for a new one: of a person twice.
    ///
    /// # Errors
    /// [`PassphraseError`], which says what to do.
    pub fn ask_new(&self) -> Result<Passphrase, PassphraseError> {
        if *self == Self::Nobody {
            return Err(PassphraseError::NobodyNew);
        }
        let passphrase = self.ask("New passphrase: ")?;
        if *self == Self::Terminal && !passphrase.is(&self.ask("The same again: ")?) {
            return Err(PassphraseError::NotTheSame);
        }
        Ok(passphrase)
    }
}

/// A terminal that shows nothing of what is typed, and gives every key at once, until this is dropped.
#[cfg(unix)]
struct Silent {
    terminal: File,
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Silent {
    fn open() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        // Also without signals: Ctrl+C would end the program with a terminal that shows nothing.
        silent
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

#[cfg(unix)]
impl Drop for Silent {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};

        // Nowhere to say that it failed.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
        let _ = self.terminal.write_all(b"\n");
    }
}

#[cfg(unix)]
fn typed(prompt: &str) -> Result<Passphrase, PassphraseError> {
    let mut silent = Silent::open()?;
    silent.terminal.write_all(prompt.as_bytes())?;
    let limit = usize::try_from(PASSPHRASE_BYTES_MAX).unwrap_or(usize::MAX);
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    let mut key = [0];
    loop {
        silent.terminal.read_exact(&mut key)?;
        match key[0] {
            b'\r' | b'\n' => return Passphrase::new(&bytes),
            // Ctrl+C, and Ctrl+D.
            3 | 4 => return Err(PassphraseError::Cancelled),
            // Backspace, which takes a whole character.
            8 | 127 => while bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            // Ctrl+U.
            21 => bytes.clear(),
            byte if bytes.len() <= limit => bytes.push(byte),
            _ => {}
        }
    }
}

#[cfg(not(unix))]
fn typed(_: &str) -> Result<Passphrase, PassphraseError> {
    Err(PassphraseError::Nobody)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_what_is_in_its_file_without_the_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        let source = Source::of(Some(path.clone()));
        assert!(matches!(source.ask(""), Err(PassphraseError::File { .. })));
        for (text, expected) in [("one two\n", "one two"), ("a\r\n", "a"), ("b", "b"), (" \n", " ")] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(source.ask_new().unwrap().as_bytes(), expected.as_bytes());
        }
        let long = "x".repeat(usize::try_from(PASSPHRASE_BYTES_MAX).unwrap() + 1);
        for text in ["", "\n", &long] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(source.ask(""), Err(PassphraseError::Length)), "{text:?}");
        }
        assert!(matches!(Source::Nobody.ask(""), Err(PassphraseError::Nobody)));
    }
}
