//! Why a command is not carried out, in words that say what to do.

use std::{io, path::PathBuf};

use client::{
    files::TakeError, import::ImportError, notice::NoticeKind, store::StoreError, validate::NameError, words as page,
};
use mesh::model::{CloseError, FileError, InvitationError, SendError};
use thiserror::Error;

use crate::{
    harmless,
    line::command::{ParseCommandError, WhichFile},
    words,
};

/// Why a file was not saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// There is a file of that name.
    #[error("{} is there already. Name another place", .0.display())]
    Exists(PathBuf),
    /// A piece is not in the store any more.
    #[error("a part of it is not here any more. Fetch it again")]
    Lost,
    /// What was said of it is not so: a wrong length, say.
    #[error("what is here is not what was offered last under its number. Ask for another offer of it")]
    Another,
    /// The store failed.
    #[error("the database failed: {0}")]
    Store(#[from] StoreError),
    /// The system failed.
    #[error("{} cannot be written: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A command that was not carried out. Nothing was done.
#[derive(Debug, Error)]
pub enum Refusal {
    /// Nobody in the room has that name.
    #[error("nobody called {} is here{}", harmless::name(name), listed(here))]
    NobodyCalled {
        /// The name.
        name: String,
        /// Who is here.
        here: Vec<String>,
    },
    /// Several people can be meant.
    #[error(
        "{} can mean several people. Write one of these instead, in quotes: {}",
        harmless::name(name),
        quoted(candidates)
    )]
    Ambiguous {
        /// The name.
        name: String,
        /// By what each of them can be called.
        candidates: Vec<String>,
    },
    /// A message was not accepted.
    #[error("{}", harmless::sentence(&words::send_error(*error, to.as_deref())))]
    NotSent {
        /// Why.
        error: SendError,
        /// To whom it was whispered.
        to: Option<String>,
    },
    /// An invitation cannot be made or used.
    #[error("{}", words::invitation_error(*.0))]
    Invitation(#[from] InvitationError),
    /// A name that others cannot be shown.
    #[error("{}", page::name_error(*.0))]
    Name(#[from] NameError),
    /// It cannot be what the room is about.
    #[error("{}", page::topic_error(*.0))]
    Topic(NameError),
    /// The room cannot be closed.
    #[error("{}", close_error(*.0))]
    Close(#[from] CloseError),
    /// Whether to close the room is asked first.
    #[error("this closes the room for everyone and for good, and cannot be undone. Type /close yes if you are sure")]
    NotSure,
    /// There is no message of somebody to answer.
    #[error("{} has said nothing to everyone that is here", harmless::name(name))]
    SaidNothing {
        /// The name.
        name: String,
    },
    /// There is no message of ours that could be changed.
    #[error("nothing that you said to everyone is here, or it is a file: say something first")]
    NothingOfOurs,
    /// Whether to delete a message is asked first.
    #[error(
        "this deletes “{}” for everyone. Type /delete yes if you are sure",
        harmless::line(excerpt)
    )]
    DeleteNotSure {
        /// What it begins with.
        excerpt: String,
    },
    /// No file has that number.
    #[error("there is no file {which}. /files lists them")]
    NoSuchFile {
        /// The number, or the beginning of the id.
        which: WhichFile,
    },
    /// Several files have ids that begin so.
    #[error("several files have an id that begins with {which}. Write more of it; /files and --json have it")]
    SeveralFiles {
        /// The beginning.
        which: WhichFile,
    },
    /// A file is in no state in which that could be done.
    #[error("{} is not in the state for that. /files says how it stands", harmless::line(name))]
    NotFetched {
        /// Its name.
        name: String,
    },
    /// Whether to forget the room is asked first.
    #[error(
        "this leaves the room and forgets all that is kept of it here, also your files; others keep what they have. Type /forget yes if you are sure"
    )]
    ForgetNotSure,
    /// A file is not offered.
    #[error("{}", file_error(name, *error))]
    File {
        /// Its name.
        name: String,
        /// Why.
        error: TakeError,
    },
    /// A file is not fetched.
    #[error("{}", fetch_error(name, *error))]
    Fetch {
        /// Its name.
        name: String,
        /// Why.
        error: FileError,
    },
    /// A file that is here was not saved.
    #[error("{} was not saved: {error}", harmless::line(name))]
    NotSaved {
        /// Its name.
        name: String,
        /// Why.
        error: SaveError,
    },
    /// An export is not taken.
    #[error("{}", harmless::sentence(page::keeping::import_refused(*error)))]
    NotImported {
        /// Why.
        error: ImportError,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    NotRead {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A message is not there, or not any more.
    #[error(
        "this cursor is of another start of the program, or the message is not kept any more. Ask again without since"
    )]
    NoSuchMessage,
    /// No command.
    #[error(transparent)]
    Unreadable(#[from] ParseCommandError),
}

fn listed(here: &[String]) -> String {
    let names: Vec<_> = here.iter().map(|name| harmless::name(name)).collect();
    match &names[..] {
        [] => ". You are alone".to_owned(),
        names => format!(". Here are: {}", names.join(", ")),
    }
}

fn quoted(names: &[String]) -> String {
    let names = names.iter().map(|name| format!("\"{}\"", harmless::name(name)));
    names.collect::<Vec<_>>().join(", ")
}

fn close_error(error: CloseError) -> &'static str {
    match error {
        CloseError::NotFounder => "only who made this room can close it",
        CloseError::Left => "this room was left",
    }
}

fn file_error(name: &str, error: TakeError) -> String {
    if error == TakeError::NoRoom {
        return format!(
            "there is no space left to keep {}. Free some, then try again",
            harmless::line(name)
        );
    }
    let name = name.to_owned();
    harmless::sentence(&page::notice(&NoticeKind::FileNotOffered { name, error }.into()))
}

fn fetch_error(name: &str, error: FileError) -> String {
    let name = name.to_owned();
    harmless::sentence(&page::notice(&NoticeKind::FileNotFetched { name, error }.into()))
}
