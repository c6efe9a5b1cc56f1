//! What a person typed, as a command.

use std::{fmt, path::PathBuf, str::FromStr};

use mesh::model::Vanish;
use thiserror::Error;

use crate::config::{HISTORY_MAX, HISTORY_SHOWN};

/// What a person can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say something to everyone.
    Say {
        /// What.
        text: String,
    },
    /// Who is in the room.
    People,
    /// Say something to one person.
    Whisper {
        /// To whom, and what.
        whisper: Addressed,
    },
    /// Answer the last message of somebody, for everyone.
    Reply {
        /// Of whom, and what.
        answer: Addressed,
    },
    /// Have an emoji for the last message of somebody, or no longer.
    React {
        /// Of whom, and which.
        reaction: Addressed,
    },
    /// Have our last text say something else.
    Edit {
        /// What.
        text: String,
    },
    /// Delete our last message for everyone.
    Delete {
        /// Whether the person is sure.
        sure: Sure,
    },
    /// Make an invitation for one person, to be handed over by hand.
    MakeInvitation,
    /// Take an invitation, or the answer to one of ours.
    TakeInvitation {
        /// The code.
        code: String,
    },
    /// How things stand.
    Status,
    /// Who is linked with whom.
    Network {
        /// As what.
        format: NetworkFormat,
    },
    /// What the room is about, or that it is about this from now on.
    Topic {
        /// What, if it is to change; empty to take it away.
        topic: Option<String>,
    },
    /// The messages that the founder wants everybody to find.
    Pinned,
    /// The last messages.
    History {
        /// How many at most.
        count: usize,
    },
    /// Messages with a text in them.
    Search {
        /// The text, whatever its case.
        text: String,
    },
    /// Offer a file to everyone.
    Send {
        /// Which.
        path: PathBuf,
    },
    /// Which files were offered.
    Files,
    /// Fetch a file.
    Get {
        /// Which.
        file: WhichFile,
        /// Where it goes; without it, into the current folder under its own name.
        path: Option<PathBuf>,
    },
    /// Fetch no more of a file for now.
    Pause {
        /// Which.
        file: WhichFile,
    },
    /// Go on with a file.
    Resume {
        /// Which.
        file: WhichFile,
    },
    /// Fetch no more of a file, and keep nothing of it.
    Cancel {
        /// Which.
        file: WhichFile,
    },
    /// Leave the room, and keep nothing of it here.
    Forget {
        /// Whether the person is sure.
        sure: Sure,
    },
    /// The link into this room.
    Invite,
    /// Call ourselves something else.
    Rename {
        /// The name, not checked yet.
        name: String,
    },
    /// For how long things are kept.
    Retention {
        /// What is to be so from now on, if anything.
        change: Option<KeepChange>,
    },
    /// Write what was said to a file.
    Export {
        /// Which.
        path: PathBuf,
    },
    /// Take what is new of such a file.
    Import {
        /// Which.
        path: PathBuf,
    },
    /// Close the room for everyone and for good.
    Close {
        /// Whether the person is sure.
        sure: Sure,
    },
    /// Leave.
    Quit,
    /// What can be typed.
    Help,
}

/// Which file is meant: its number, or the beginning of its id. Numbers differ between programs, ids do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhichFile(String);

impl WhichFile {
    /// As it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WhichFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for WhichFile {
    type Err = ParseCommandError;

    fn from_str(text: &str) -> Result<Self, ParseCommandError> {
        let is_id = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if text.is_empty() || !text.chars().all(is_id) {
            return Err(usage(
                "the number of a file or the beginning of its id. /files has them",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Somebody and a text, as they were typed. Names have spaces in them: where the name ends is seen by looking at who is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressed {
    /// The name stood in quotes, or by itself.
    To {
        /// The name.
        name: String,
        /// The text.
        text: String,
    },
    /// Name and text in one.
    Run {
        /// Both.
        words: String,
    },
}

/// What is kept, and for how long, from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepChange {
    /// For everyone, as the founder.
    Vanish {
        /// After how long messages vanish.
        after: Vanish,
    },
    /// Here, at most so many messages.
    Entries {
        /// How many.
        entries: u32,
    },
    /// Here, at most so many bytes.
    Bytes {
        /// How many.
        bytes: u32,
    },
    /// Here, for so many seconds.
    Seconds {
        /// How many.
        seconds: u32,
    },
    /// Here, as much as there is room for.
    All,
}

/// As what the network is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkFormat {
    /// Who is there and our own links.
    Table,
    /// For Graphviz.
    Dot,
}

/// Whether a person is sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Sure {
    Yes,
    NotYet,
}

/// A line that is no command. Each says what to type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseCommandError {
    /// There is no such command.
    #[error("there is no command /{name}. /help lists them; to say something that begins with /, type // instead")]
    Unknown {
        /// What was typed.
        name: String,
    },
    /// Something is missing.
    #[error("type {usage}")]
    Usage {
        /// How it is typed.
        usage: &'static str,
    },
}

/// The names of all commands, by which they are completed. The first of each kind is the one that `/help` tells.
pub const NAMES: [&str; 28] = [
    "cancel",
    "close",
    "connect",
    "delete",
    "edit",
    "export",
    "files",
    "forget",
    "get",
    "help",
    "history",
    "import",
    "invite",
    "network",
    "pause",
    "people",
    "pinned",
    "quit",
    "react",
    "rename",
    "reply",
    "resume",
    "retention",
    "search",
    "send",
    "status",
    "topic",
    "whisper",
];

/// Reads a line, without its line break. Nothing for an empty one.
///
/// # Errors
/// [`ParseCommandError`].
// Long because: it has an arm for each command.
pub fn parse(line: &str) -> Result<Option<Command>, ParseCommandError> {
    let Some(command) = line.strip_prefix('/') else {
        let text = (!line.trim().is_empty()).then(|| line.to_owned());
        return Ok(text.map(|text| Command::Say { text }));
    };
    if command.starts_with('/') {
        return Ok(Some(Command::Say {
            text: command.to_owned(),
        }));
    }
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    Ok(Some(match name {
        "people" | "who" => Command::People,
        "whisper" | "w" | "msg" => Command::Whisper {
            whisper: addressed(rest, "/whisper NAME TEXT, with a name of several words in quotes")?,
        },
        "reply" | "react" | "edit" | "delete" => about(name, rest)?,
        "connect" if rest.is_empty() => Command::MakeInvitation,
        "connect" => Command::TakeInvitation { code: rest.to_owned() },
        "status" => Command::Status,
        "network" => Command::Network {
            format: match rest {
                "" => NetworkFormat::Table,
                "dot" => NetworkFormat::Dot,
                _ => return Err(usage("/network, or /network dot")),
            },
        },
        "topic" => Command::Topic {
            topic: match rest {
                "" => None,
                "-" => Some(String::new()),
                topic => Some(topic.to_owned()),
            },
        },
        "pinned" => Command::Pinned,
        "history" => Command::History { count: count(rest)? },
        "search" => Command::Search {
            text: given(rest, "/search TEXT")?,
        },
        "send" => Command::Send {
            path: given(rest, "/send FILE")?.into(),
        },
        "files" => Command::Files,
        "get" => get(rest)?,
        "pause" => Command::Pause { file: rest.parse()? },
        "resume" => Command::Resume { file: rest.parse()? },
        "cancel" => Command::Cancel { file: rest.parse()? },
        "forget" if rest.is_empty() || rest == "yes" => Command::Forget { sure: sure(rest) },
        "forget" => Command::Cancel { file: rest.parse()? },
        "invite" => match rest.strip_prefix("--by-hand").map(str::trim) {
            None => Command::Invite,
            Some("") => Command::MakeInvitation,
            Some(code) => Command::TakeInvitation { code: code.to_owned() },
        },
        "rename" => Command::Rename {
            name: given(rest, "/rename NAME")?,
        },
        "retention" => Command::Retention {
            change: keep_change(rest)?,
        },
        "export" => Command::Export {
            path: given(rest, "/export FILE")?.into(),
        },
        "import" => Command::Import {
            path: given(rest, "/import FILE")?.into(),
        },
        "close" => Command::Close { sure: sure(rest) },
        "quit" | "exit" => Command::Quit,
        "help" | "?" => Command::Help,
        _ => return Err(ParseCommandError::Unknown { name: name.to_owned() }),
    }))
}

/// What is done with what was said last.
fn about(name: &str, rest: &str) -> Result<Command, ParseCommandError> {
    Ok(match name {
        "reply" => Command::Reply {
            answer: addressed(rest, "/reply NAME TEXT: it answers their last message")?,
        },
        "react" => Command::React {
            reaction: addressed(rest, "/react NAME EMOJI: it is for their last message")?,
        },
        "edit" => Command::Edit {
            text: given(rest, "/edit TEXT: your last message says that instead")?,
        },
        _ => Command::Delete { sure: sure(rest) },
    })
}

fn usage(usage: &'static str) -> ParseCommandError {
    ParseCommandError::Usage { usage }
}

fn given(rest: &str, how: &'static str) -> Result<String, ParseCommandError> {
    if rest.is_empty() {
        Err(usage(how))
    } else {
        Ok(rest.to_owned())
    }
}

fn addressed(rest: &str, how: &'static str) -> Result<Addressed, ParseCommandError> {
    let quoted = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    if let Some((name, text)) = quoted {
        return Ok(Addressed::To {
            name: name.to_owned(),
            text: given(text.trim(), how)?,
        });
    }
    if rest.split_whitespace().nth(1).is_none() {
        return Err(usage(how));
    }
    Ok(Addressed::Run { words: rest.to_owned() })
}

fn keep_change(rest: &str) -> Result<Option<KeepChange>, ParseCommandError> {
    const USAGE: &str = "/retention, /retention never|hour|day|week|month (its founder), or /retention here all|N|N MB|hour|day|week|month";
    let Some(here) = rest.strip_prefix("here") else {
        if rest.is_empty() {
            return Ok(None);
        }
        let after = if rest == "never" {
            Some(Vanish::Never)
        } else {
            period(rest)
        };
        let after = after.ok_or(usage(USAGE))?;
        return Ok(Some(KeepChange::Vanish { after }));
    };
    let here = here.trim();
    if let Some(after) = period(here).and_then(Vanish::after) {
        let seconds = u32::try_from(after.as_secs()).unwrap_or(u32::MAX);
        return Ok(Some(KeepChange::Seconds { seconds }));
    }
    let number = |text: &str| text.trim().parse::<u32>().map_err(|_| usage(USAGE));
    Ok(Some(match here.strip_suffix("MB") {
        _ if here == "all" => KeepChange::All,
        Some(megabytes) => KeepChange::Bytes {
            bytes: number(megabytes)?.saturating_mul(1024 * 1024),
        },
        None => KeepChange::Entries { entries: number(here)? },
    }))
}

fn period(word: &str) -> Option<Vanish> {
    Some(match word {
        "hour" => Vanish::Hour,
        "day" => Vanish::Day,
        "week" => Vanish::Week,
        "month" => Vanish::Month,
        _ => return None,
    })
}

fn count(rest: &str) -> Result<usize, ParseCommandError> {
    if rest.is_empty() {
        return Ok(HISTORY_SHOWN);
    }
    let count: usize = rest.parse().map_err(|_| usage("/history, or /history N"))?;
    Ok(count.min(HISTORY_MAX))
}

fn sure(rest: &str) -> Sure {
    if rest == "yes" { Sure::Yes } else { Sure::NotYet }
}

fn get(rest: &str) -> Result<Command, ParseCommandError> {
    let (file, path) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let file = file
        .parse()
        .map_err(|_| usage("/get N, or /get N PATH. /files has the numbers"))?;
    let path = path.trim();
    let path = (!path.is_empty()).then(|| path.into());
    Ok(Command::Get { file, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Command {
        parse(line).unwrap().unwrap()
    }

    #[test]
    fn what_is_no_command_is_said_as_it_was_typed() {
        let say = |text: &str| Command::Say { text: text.to_owned() };
        assert_eq!(parsed("  hello /people "), say("  hello /people "));
        assert_eq!(parsed("//people"), say("/people"));
        assert_eq!((parse(""), parse(" \t")), (Ok(None), Ok(None)));
    }

    #[test]
    fn commands_are_read() {
        let to = |name: &str, text: &str| Command::Whisper {
            whisper: Addressed::To {
                name: name.to_owned(),
                text: text.to_owned(),
            },
        };
        assert_eq!(parsed("/whisper \"Ann Lee\"  hi \"you\""), to("Ann Lee", "hi \"you\""));
        let run = Addressed::Run {
            words: "Ann Lee hi".to_owned(),
        };
        assert_eq!(parsed("/whisper Ann Lee hi"), Command::Whisper { whisper: run });
        assert_eq!(parsed("/connect"), Command::MakeInvitation);
        assert_eq!(
            parsed("/connect abc"),
            Command::TakeInvitation { code: "abc".to_owned() }
        );
        for (line, topic) in [
            ("/topic", None),
            ("/topic -", Some("")),
            ("/topic Tea at five", Some("Tea at five")),
        ] {
            let topic = topic.map(str::to_owned);
            assert_eq!(parsed(line), Command::Topic { topic });
        }
        assert_eq!(parsed("/history"), Command::History { count: HISTORY_SHOWN });
        assert_eq!(parsed("/history 999999"), Command::History { count: HISTORY_MAX });
        let file = || "3".parse::<WhichFile>().unwrap();
        let (path, named) = (None, Some("a b.txt".into()));
        assert_eq!(parsed("/get 3"), Command::Get { file: file(), path });
        let fetched = Command::Get {
            file: file(),
            path: named,
        };
        assert_eq!(parsed("/get 3 a b.txt"), fetched);
        assert_eq!(parsed("/pause 3"), Command::Pause { file: file() });
        assert_eq!(parsed("/resume 3"), Command::Resume { file: file() });
        assert_eq!(parsed("/cancel 3"), Command::Cancel { file: file() });
        assert_eq!(parsed("/forget 3"), Command::Cancel { file: file() });
        assert_eq!(parsed("/forget"), Command::Forget { sure: Sure::NotYet });
        assert_eq!(parsed("/forget yes"), Command::Forget { sure: Sure::Yes });
        assert_eq!(parsed("/invite"), Command::Invite);
        assert_eq!(parsed("/invite --by-hand"), Command::MakeInvitation);
        let code = "abc".to_owned();
        assert_eq!(parsed("/invite --by-hand abc"), Command::TakeInvitation { code });
        let retention = |change| Command::Retention { change };
        assert_eq!(parsed("/retention"), retention(None));
        for (line, change) in [
            ("/retention week", KeepChange::Vanish { after: Vanish::Week }),
            ("/retention never", KeepChange::Vanish { after: Vanish::Never }),
            ("/retention here 500", KeepChange::Entries { entries: 500 }),
            ("/retention here 8 MB", KeepChange::Bytes { bytes: 8 << 20 }),
            ("/retention here day", KeepChange::Seconds { seconds: 86_400 }),
            ("/retention here all", KeepChange::All),
        ] {
            assert_eq!(parsed(line), retention(Some(change)), "{line}");
        }
        let path = || "a b.json".into();
        assert_eq!(parsed("/export a b.json"), Command::Export { path: path() });
        assert_eq!(parsed("/import a b.json"), Command::Import { path: path() });
        assert_eq!(parsed("/close"), Command::Close { sure: Sure::NotYet });
        assert_eq!(parsed("/close yes"), Command::Close { sure: Sure::Yes });
        assert_eq!(
            parsed("/network dot"),
            Command::Network {
                format: NetworkFormat::Dot
            }
        );
    }

    #[test]
    fn each_name_is_that_of_a_command_and_told() {
        for name in NAMES {
            let unknown = ParseCommandError::Unknown { name: name.to_owned() };
            assert_ne!(parse(&format!("/{name}")), Err(unknown));
            assert!(crate::words::HELP.contains(&format!("/{name}")), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_says_what_to_type() {
        for (line, words) in [
            ("/dance", "there is no command /dance. /help lists them"),
            ("/whisper Ann", "type /whisper NAME TEXT"),
            ("/whisper \"Ann\"", "type /whisper NAME TEXT"),
            ("/reply Ann", "type /reply NAME TEXT"),
            ("/react Ann", "type /react NAME EMOJI"),
            ("/edit", "type /edit TEXT"),
            ("/get", "type /get N"),
            ("/get a/b", "type /get N"),
            ("/pause", "type the number of a file"),
            ("/cancel a b", "type the number of a file"),
            ("/history all", "type /history"),
            ("/rename", "type /rename NAME"),
            ("/send", "type /send FILE"),
            ("/export", "type /export FILE"),
            ("/import", "type /import FILE"),
            ("/retention often", "type /retention, "),
            ("/retention here never", "type /retention, "),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
