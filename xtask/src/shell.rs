//! Runs other programs, and decides where their output goes.

use crate::{packages, workspace};
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Where the output of commands goes.
#[derive(Debug)]
pub(crate) enum Sink {
    /// To the person's terminal.
    Screen,
    /// To a file, because it is long and only of interest when something failed.
    Log(PathBuf),
}

impl Sink {
    /// A new, empty log file.
    pub(crate) fn log(name: &str) -> Result<Self> {
        let path = workspace::log(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::Log(path))
    }

    /// Runs `command` to its end without standard input.
    ///
    /// # Errors
    /// When the program cannot be started at all.
    pub(crate) fn status(&self, command: &mut Command) -> Result<ExitStatus> {
        self.say(&format!("$ {}", spelled(command)))?;
        command.stdin(Stdio::null());
        if let Self::Log(path) = self {
            let file = open(path)?;
            command
                .stdout(file.try_clone()?)
                .stderr(file)
                .env("CARGO_TERM_COLOR", "never")
                // Tools that print the backtrace of an ordinary error would push its reason out of the log's tail.
                // Panics, and so tests, keep theirs.
                .env("RUST_LIB_BACKTRACE", "0");
        }
        command
            .status()
            .with_context(|| format!("cannot start `{}`", name(command)))
    }

    /// Runs `command` to its end and wants it to succeed.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        let status = self.status(command)?;
        if !status.success() {
            bail!("`{}` failed ({status})", spelled(command));
        }
        Ok(())
    }

    /// Writes one paragraph.
    pub(crate) fn say(&self, text: &str) -> Result<()> {
        match self {
            Self::Screen => println!("{text}"),
            Self::Log(path) => writeln!(open(path)?, "{text}")?,
        }
        Ok(())
    }
}

fn open(path: &Path) -> Result<File> {
    File::options()
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// A program of the workspace's tool folders or of the machine, run in the workspace's root.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let path = packages::search_path();
    // The search path of the child decides where a bare name is looked up only if it is resolved here.
    let found = find_in(&path, name.as_ref()).unwrap_or_else(|| PathBuf::from(name.as_ref()));
    let mut command = Command::new(found);
    command.current_dir(workspace::root()).env("PATH", path);
    command
}

/// The cargo that started us, so that a toolchain chosen with `cargo +NAME` holds for the children too.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Finds a program as a shell would.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    find_in(&packages::search_path(), OsStr::new(name))
}

fn find_in(path: &OsStr, name: &OsStr) -> Option<PathBuf> {
    let mut file = name.to_os_string();
    if !Path::new(name).to_string_lossy().ends_with(env::consts::EXE_SUFFIX) {
        file.push(env::consts::EXE_SUFFIX);
    }
    env::split_paths(path)
        .map(|folder| folder.join(&file))
        .find(|candidate| candidate.is_file())
}

/// The command as a person would type it.
fn spelled(command: &Command) -> String {
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    std::iter::once(name(command).into())
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

fn name(command: &Command) -> String {
    Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The last `lines_max` lines of a log.
pub(crate) fn tail(path: &Path, lines_max: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(lines_max)..].join("\n")
}
