//! What a visit to a room is for: each command that goes to one, as what is typed there and when it ends.

use std::io::{self, IsTerminal as _};

use tokio::sync::mpsc;

use crate::{
    args::{Action, Http, MapFormat, Options, seconds},
    config::LINES_WAITING_MAX,
    line::command::{Addressed, Command},
    run::{self, End, Plan, Show, Start, Typed},
};

/// What a command comes to.
#[derive(Debug)]
pub struct Errand {
    /// The link of the room.
    pub link: String,
    /// What is typed, or was.
    pub typed: mpsc::Receiver<Typed>,
    /// Where what is typed on a screen goes, if there is one.
    pub keyboard: Option<mpsc::Sender<Typed>>,
    /// How the visit goes.
    pub plan: Plan,
    /// Whom it answers besides.
    pub http: Http,
    /// What is drawn at the end, if anything.
    pub map: Option<MapFormat>,
}

impl Errand {
    fn new(link: String, typed: mpsc::Receiver<Typed>, plan: Plan) -> Self {
        Self {
            link,
            typed,
            keyboard: None,
            plan,
            http: Http::default(),
            map: None,
        }
    }

    /// Has commands carried out once it is known who is there, and prints what they answer.
    fn asking(link: String, commands: Vec<Command>, end: End) -> Self {
        let plan = Plan {
            start: Start::Settled,
            end,
            show: Show::Answers,
        };
        Self::new(link, run::commands(commands), plan)
    }

    /// What a command comes to; `None` if nobody goes to a room for it.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub fn of(command: Action, options: &Options) -> io::Result<Option<Self>> {
        let within = |wait: Option<u64>| End::Done {
            wait: wait.map(seconds),
        };
        Ok(Some(match command {
            Action::New { .. }
            | Action::Passphrase { .. }
            | Action::Identity { .. }
            | Action::Load(_)
            | Action::Archive(_) => return Ok(None),
            Action::Chat {
                link,
                wait,
                history,
                http,
            } => {
                let by_hand = io::stdin().is_terminal();
                let plan = Plan {
                    start: if by_hand { Start::AtOnce } else { Start::Settled },
                    end: within(Some(wait)),
                    show: Show::All { earlier: history },
                };
                let is_screen = by_hand && can_show() && !options.plain && !options.json;
                let (typed, keyboard) = if is_screen {
                    let (keyboard, typed) = mpsc::channel(LINES_WAITING_MAX);
                    (typed, Some(keyboard))
                } else {
                    (run::from_stdin(Typed::line)?, None)
                };
                Self {
                    keyboard,
                    http,
                    ..Self::new(link, typed, plan)
                }
            }
            Action::Say { link, text, to, wait } => Self::saying(link, &text, to, within(Some(wait)))?,
            Action::Tail { link, lines, http } => {
                let plan = Plan {
                    start: Start::AtOnce,
                    end: End::Never,
                    show: Show::All { earlier: lines },
                };
                let typed = run::commands(Vec::new());
                Self {
                    http,
                    ..Self::new(link, typed, plan)
                }
            }
            Action::People { link } => Self::asking(link, vec![Command::People], within(None)),
            Action::Map { link, format } => {
                let mut errand = Self::asking(link, Vec::new(), within(None));
                errand.plan.start = Start::Mapped;
                errand.map = Some(format);
                errand
            }
            Action::Send { link, file } => {
                let mut errand = Self::asking(link, vec![Command::Send { path: file }], End::Refused);
                errand.plan.show = Show::All { earlier: 0 };
                errand
            }
            Action::Get { link, file, path, wait } => {
                let command = file.map_or(Command::Files, |file| Command::Get { file, path });
                Self::asking(link, vec![command], within(wait))
            }
        }))
    }

    /// Says what stands on the command line, or else each line of the input.
    fn saying(link: String, text: &[String], to: Option<String>, end: End) -> io::Result<Self> {
        let mut errand = Self::asking(link, Vec::new(), end);
        let text = text.join(" ");
        errand.typed = match to {
            _ if text.is_empty() => run::from_stdin(Typed::text)?,
            Some(name) => {
                let whisper = Addressed::To { name, text };
                run::commands(vec![Command::Whisper { whisper }])
            }
            None => run::commands(vec![Command::Say { text }]),
        };
        Ok(errand)
    }
}

/// Whether what is printed goes to a terminal that has more than lines.
fn can_show() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_some_and(|kind| kind != "dumb")
}
