//! A visit to a room: what is typed goes in, what happens comes out, until it is over.
//!
//! One loop owns the desk. It takes commands as they come, from the keyboard, a pipe or HTTP, and looks at the room whenever that has changed. How a visit
//! ends is its [`Outcome`].

mod outlet;
mod printer;
mod typed;
mod watch;

use std::{io, rc::Rc, time::Duration};

use mesh::model::SendError;
use tokio::{
    sync::{Notify, broadcast, mpsc, oneshot},
    time::{Instant, sleep, sleep_until},
};

use self::watch::{Deliveries, has_settled, is_mapped};
pub use self::{
    outlet::Outlet,
    printer::{Format, Printer},
    typed::{Typed, commands, from_stdin},
};
use crate::{
    config::{FULL_PAUSE, RECALL_MAX, SETTLE_MAX, SETTLE_STEP},
    desk::{Arrivals, Desk, Late, Refusal},
    line::command::Command,
    report::Report,
    words::Meeting,
};

/// When commands are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// As they come, once what is kept was read: a person sees who is there.
    AtOnce,
    /// Once it is known who is there, or [`SETTLE_MAX`] has passed: a program does not look.
    Settled,
    /// Once it is also known who is linked with whom.
    Mapped,
}

impl Start {
    /// How long it is waited for at most.
    fn patience(self) -> Duration {
        match self {
            Self::AtOnce => RECALL_MAX,
            Self::Settled | Self::Mapped => SETTLE_MAX,
        }
    }
}

/// When a visit is over that nobody ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Once all commands were carried out, and what was said was delivered or the time for that has passed.
    Done {
        /// How long is waited after the last command; for ever without it.
        wait: Option<Duration>,
    },
    /// Once a command was not carried out.
    Refused,
    /// Never.
    Never,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// All that happens, and of former visits so many messages.
    All {
        /// How many.
        earlier: usize,
    },
    /// What was asked for.
    Answers,
}

/// How a visit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// When commands are taken.
    pub start: Start,
    /// When it is over.
    pub end: End,
    /// What is printed.
    pub show: Show,
}

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should: what was said has reached all who were there.
    Done,
    /// Something that was said has not reached all who were there in time.
    NotDelivered,
    /// Something was still under way: a file, or what has to wait for others.
    Unfinished,
    /// Nobody was there. What was said is kept, and goes out when this person is in the room again and somebody comes.
    NobodyThere,
    /// A command was not carried out.
    Refused,
}

impl Outcome {
    /// The exit code of the program. 1 is a failure of the program, and 2 a mistake in how it was called.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotDelivered | Self::Unfinished => 3,
            Self::NobodyThere => 4,
            Self::Refused => 5,
        }
    }
}

/// Something that is asked by HTTP.
#[derive(Debug)]
pub struct Ask {
    /// What.
    pub question: Question,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Answer, Refusal>>,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// What can be typed.
    Command(Command),
    /// The messages that came after a cursor or a message, or all.
    Messages {
        /// The cursor, or the id of the message.
        since: Option<String>,
    },
    /// The network as an image.
    Picture,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// See there.
    Report(Box<Report>),
    /// See there.
    Arrivals(Arrivals),
    /// An image.
    Svg(String),
}

/// Where all that a visit takes comes from.
#[derive(Debug)]
pub struct Inlets {
    /// What is typed. Ends with it.
    pub typed: mpsc::Receiver<Typed>,
    /// What took time: see [`Desk::finish`].
    pub late: mpsc::Receiver<Late>,
    /// What is asked by HTTP.
    pub asks: mpsc::Receiver<Ask>,
    /// The room has changed.
    pub changed: Rc<Notify>,
    /// The person or the system wants the program to end.
    pub stop: Rc<Notify>,
}

/// What is left of a visit.
#[derive(Debug)]
pub struct Ended {
    /// Whose room is not left yet.
    pub desk: Desk,
    /// How it ended.
    pub outcome: Outcome,
    /// What the system says if it ended because nothing can be printed any more.
    pub printed: io::Result<()>,
}

/// A visit.
#[derive(Debug)]
pub struct Visit<W> {
    desk: Desk,
    inlets: Inlets,
    printer: Printer<W>,
    /// All that happens, for whoever listens by HTTP.
    events: broadcast::Sender<Report>,
    plan: Plan,
    deliveries: Deliveries,
    /// What has to wait: a text for others to be delivered, or a file for its offer to come.
    held: Option<(Command, Refusal)>,
    refused: bool,
    /// Whether commands are taken.
    settled: bool,
    /// Until when it is waited for what others may still tell.
    settle_by: Instant,
}

impl<W: io::Write> Visit<W> {
    /// Of whoever sits at a desk.
    #[must_use]
    pub fn new(desk: Desk, inlets: Inlets, printer: Printer<W>, events: broadcast::Sender<Report>, plan: Plan) -> Self {
        Self {
            settle_by: Instant::now() + plan.start.patience(),
            desk,
            inlets,
            printer,
            events,
            plan,
            deliveries: Deliveries::default(),
            held: None,
            refused: false,
            settled: false,
        }
    }

    /// Until it is over.
    pub async fn run(mut self) -> Ended {
        let printed = self.go_on().await;
        let outcome = self.outcome();
        Ended {
            desk: self.desk,
            outcome,
            printed,
        }
    }

    async fn go_on(&mut self) -> io::Result<()> {
        let mut all_typed = false;
        let mut give_up_at = None;
        loop {
            self.look()?;
            self.settled = self.settled || self.has_settled();
            let is_done = all_typed && self.held.is_none() && !self.desk.is_busy() && self.are_deliveries_over();
            let ends = match self.plan.end {
                End::Done { .. } => is_done,
                End::Refused => self.refused,
                End::Never => false,
            };
            if self.desk.session().room().left || ends {
                return Ok(());
            }
            let takes = self.settled && !all_typed && self.held.is_none();
            let give_up = give_up_at.unwrap_or(self.settle_by);
            tokio::select! {
                () = self.inlets.changed.notified() => {}
                typed = self.inlets.typed.recv(), if takes => match typed {
                    Some(Typed::Command(Command::Quit)) => return Ok(()),
                    Some(typed) => self.on_typed(typed)?,
                    None => {
                        all_typed = true;
                        self.on_end()?;
                        give_up_at = match self.plan.end {
                            End::Done { wait } => wait.map(|wait| Instant::now() + wait),
                            End::Refused | End::Never => None,
                        };
                    }
                },
                () = sleep(FULL_PAUSE), if self.held.is_some() => self.try_held()?,
                Some(late) = self.inlets.late.recv() => {
                    if let Some(report) = self.desk.finish(late) {
                        self.refused |= matches!(report, Report::Refused { .. });
                        self.answer(&report)?;
                    }
                }
                Some(ask) = self.inlets.asks.recv() => self.on_ask(ask)?,
                () = sleep_until(self.settle_by), if !self.settled => self.settled = true,
                // The room does not say when its network has changed.
                () = sleep(SETTLE_STEP), if !self.settled => {}
                () = sleep_until(give_up), if give_up_at.is_some() => return self.give_up(),
                () = self.inlets.stop.notified() => return Ok(()),
            }
        }
    }

    fn outcome(&self) -> Outcome {
        // A person is told of a refusal, and knows what was done since.
        let is_program = self.plan.start != Start::AtOnce;
        let is_unasked = !self.settled && self.plan.show == Show::Answers;
        if self.refused && is_program {
            Outcome::Refused
        } else if is_unasked || self.held.is_some() || self.desk.is_busy() {
            Outcome::Unfinished
        } else {
            self.deliveries.outcome()
        }
    }

    fn are_deliveries_over(&self) -> bool {
        self.deliveries.are_over(|id| self.desk.session().is_awaited(id))
    }

    fn has_settled(&self) -> bool {
        let session = self.desk.session();
        let room = session.room();
        if self.desk.meeting() == Meeting::Hand {
            // Nobody is asked who is here.
            return room.kept;
        }
        match self.plan.start {
            // What is said earlier gets another id before anybody has seen the first one.
            Start::AtOnce => room.kept,
            Start::Settled => has_settled(&room),
            Start::Mapped => has_settled(&room) && is_mapped(&session.network()),
        }
    }

    fn look(&mut self) -> io::Result<()> {
        let reports = self.desk.look();
        let is_earlier = |report: &&Report| matches!(report, Report::Message(message) if message.earlier);
        let mut earlier = reports.iter().filter(is_earlier).count();
        for report in &reports {
            self.deliveries.note(report);
        }
        for report in reports {
            let left = earlier;
            earlier -= usize::from(is_earlier(&&report));
            let is_shown = match self.plan.show {
                // A screen shows all of them, and is to know the numbers of their files.
                Show::All { earlier } => !is_earlier(&&report) || left <= earlier || self.printer.is_screen(),
                Show::Answers => false,
            };
            if is_shown {
                self.printer.print(&report)?;
            }
            // Nobody may listen.
            let _ = self.events.send(report);
        }
        Ok(())
    }

    /// Nothing more is typed.
    fn on_end(&mut self) -> io::Result<()> {
        let waits = matches!(self.plan.end, End::Done { .. }) && !self.are_deliveries_over();
        if waits && self.plan.start == Start::AtOnce {
            let text = "Waiting until everybody has what you said. Press Ctrl+C to leave at once.".to_owned();
            self.answer(&Report::Done { text })?;
        }
        Ok(())
    }

    fn on_typed(&mut self, typed: Typed) -> io::Result<()> {
        match typed {
            Typed::Command(command) => self.carry_out(command),
            Typed::Unreadable(error) => self.refuse(&error.into()),
        }
    }

    fn try_held(&mut self) -> io::Result<()> {
        match self.held.take() {
            Some((command, _)) => self.carry_out(command),
            None => Ok(()),
        }
    }

    /// What still waits when the time is over was not done, for what it was last refused for.
    fn give_up(&mut self) -> io::Result<()> {
        match self.held.take() {
            Some((_, refusal)) => self.refuse(&refusal),
            None => Ok(()),
        }
    }

    fn carry_out(&mut self, command: Command) -> io::Result<()> {
        let waits = self.plan.start != Start::AtOnce;
        match self.desk.act(command.clone()) {
            Ok(report) => {
                if let Report::Said { id } = &report {
                    self.deliveries.expect(id);
                    if !waits {
                        self.printer.skip(id);
                    }
                }
                self.answer(&report)
            }
            // A program has to wait; a person is told.
            Err(refusal) if waits && self.may_pass(&refusal) => {
                self.held = Some((command, refusal));
                Ok(())
            }
            Err(refusal) => self.refuse(&refusal),
        }
    }

    /// Whether what is refused now may be done a moment later.
    fn may_pass(&self, refusal: &Refusal) -> bool {
        if let Refusal::NotSent { error, .. } = refusal {
            return *error == SendError::Full;
        }
        // Who is here is known before what they have offered.
        matches!(refusal, Refusal::NoSuchFile { .. }) && Instant::now() < self.settle_by
    }

    fn refuse(&mut self, refusal: &Refusal) -> io::Result<()> {
        self.refused = true;
        let text = refusal.to_string();
        self.answer(&Report::Refused { text })
    }

    fn answer(&mut self, report: &Report) -> io::Result<()> {
        self.printer.print(report)
    }

    fn on_ask(&mut self, Ask { question, reply }: Ask) -> io::Result<()> {
        // What has come is told before it is asked for.
        self.look()?;
        let report = |report| Answer::Report(Box::new(report));
        let answer = match question {
            Question::Command(command) => self.desk.act(command).map(report),
            Question::Messages { since } => self.desk.messages_since(since.as_deref()).map(Answer::Arrivals),
            Question::Picture => Ok(Answer::Svg(self.desk.svg())),
        };
        // Whoever asked may be gone.
        let _ = reply.send(answer);
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "every other report is skipped")]
mod tests;
