//! Screen mode: the room on the whole terminal.
//!
//! [`State`] is all that is shown, changed by [`State::apply`] alone; [`draw`](fn@draw) makes a picture of it. Neither touches a terminal, so tests drive both.
//! [`Screen`] is what stands between them and the terminal: it runs beside a [visit](crate::run::Visit), which does the work, hands to it what is typed,
//! and shows what comes of it. What others wrote passes [`harmless`](crate::harmless) on its way to every row.
//!
//! A picture is drawn when something has changed, 30 times a second at most, and once the terminal has taken the one before: a terminal that does not read
//! stops nothing but its own pictures.

mod complete;
mod composer;
mod draft;
mod draw;
mod feed;
mod inbox;
mod keys;
mod note;
mod panel;
mod row;
mod scroll;
mod search;
mod sheet;
mod stage;
mod state;
#[cfg(test)]
mod tests;
mod theme;
mod typing;
mod view;

use std::{io, rc::Rc};

use client::Session;
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use mesh::model::Network;
use ratatui::layout::Size;
use tokio::{
    sync::{
        Notify,
        mpsc::{self, error::TrySendError},
    },
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use self::stage::Stage;
pub use self::{
    draw::draw,
    inbox::Inbox,
    stage::{is_up, restore},
    state::{Action, Effect, Look, State},
    theme::Theme,
};
use crate::{
    config::{FRAME, NETWORK_FRESH, NETWORK_STEP, STOP_MAX},
    run::{Ended, Typed},
    words::Meeting,
};

/// The screen of a visit.
#[derive(Debug)]
pub struct Screen {
    session: Session,
    state: State,
    stage: Stage,
    /// What is not taken waits in the terminal. Nothing is read any more once this is dropped.
    keys: EventStream,
    typed: mpsc::Sender<Typed>,
    inbox: Inbox,
    /// When it was last looked how the network stands.
    network_at: Option<Instant>,
    /// Whether the picture is not that of the state.
    changed: bool,
    /// Whether the shell has the terminal.
    suspended: bool,
    /// When it is taken back unless the system has stopped the program.
    resumed_by: Option<Instant>,
}

impl Screen {
    /// Takes the terminal, for a room that is called `title` as long as its founder gives it no name. What is typed goes to `typed`; what a visit
    /// tells comes by `inbox`.
    ///
    /// # Errors
    /// What the system says; the terminal is as it was.
    pub fn open(
        session: Session,
        (title, meeting): (String, Meeting),
        typed: mpsc::Sender<Typed>,
        inbox: Inbox,
    ) -> io::Result<Self> {
        let theme = Theme::new(std::env::var_os("NO_COLOR").as_deref());
        let stage = Stage::open()?;
        let mut state = State::new(session.room(), title, stage.size()?, TimeZone::system(), theme);
        state.meeting = meeting;
        Ok(Self {
            session,
            state,
            keys: EventStream::new(),
            stage,
            typed,
            inbox,
            network_at: None,
            changed: true,
            suspended: false,
            resumed_by: None,
        })
    }

    /// Shows a visit until it is over. If the terminal is lost, `stop` ends it. The terminal is as it was when this returns.
    pub async fn beside(mut self, visit: impl Future<Output = Ended>, stop: Rc<Notify>) -> Ended {
        let mut visit = std::pin::pin!(visit);
        let shown = tokio::select! {
            ended = &mut visit => return ended,
            shown = self.go_on() => shown,
        };
        drop(self);
        stop.notify_one();
        let ended = visit.await;
        Ended {
            printed: ended.printed.and(shown),
            ..ended
        }
    }

    /// Until the terminal is lost.
    async fn go_on(&mut self) -> io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};

        let mut hang_up = signal(SignalKind::hangup())?;
        let mut goes_on = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
        let mut network = interval(NETWORK_STEP);
        network.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_frame = Instant::now();
        loop {
            tokio::select! {
                event = self.keys.next() => match event {
                    Some(event) => self.on_event(event?)?,
                    None => return Ok(()),
                },
                () = self.inbox.changed() => {
                    self.changed = true;
                    self.look();
                }
                _ = network.tick() => self.look(),
                _ = hang_up.recv() => return Ok(()),
                _ = goes_on.recv() => self.resume()?,
                () = sleep_until(self.resumed_by.unwrap_or_else(Instant::now)), if self.resumed_by.is_some() => self.resume()?,
                () = may_draw(&self.stage, next_frame), if self.changed && !self.suspended => {
                    self.stage.draw(&self.state)?;
                    self.changed = false;
                    next_frame = Instant::now() + FRAME;
                }
            }
        }
    }

    /// Takes the terminal again.
    fn resume(&mut self) -> io::Result<()> {
        self.resumed_by = None;
        self.stage.resume()?;
        self.state.apply(Action::Resized(self.stage.size()?));
        (self.suspended, self.changed) = (false, true);
        Ok(())
    }

    /// Takes what is new in the room.
    fn look(&mut self) {
        for action in self.inbox.take() {
            self.changed = true;
            self.state.apply(action);
        }
        if self.network_at.is_none_or(|at| at.elapsed() >= NETWORK_FRESH) {
            self.network_at = Some(Instant::now());
            let network = without_ages(self.session.network());
            self.changed |= self.state.is_other_network(&network);
            self.state.apply(Action::Network(network));
        }
        self.state.apply(Action::Room(self.session.room()));
        // After a panic that the program outlived.
        self.changed |= !is_up();
    }

    fn on_event(&mut self, event: Event) -> io::Result<()> {
        let action = match event {
            Event::Key(key) => Action::Key(key),
            Event::Paste(text) => Action::Paste(text),
            Event::Resize(width, height) => Action::Resized(Size { width, height }),
            Event::FocusGained => Action::Looked(Look::Here),
            Event::FocusLost => Action::Looked(Look::Away),
            Event::Mouse(_) => return Ok(()),
        };
        self.changed = true;
        match self.state.apply(action) {
            None => {}
            Some(Effect::Type { typed, text }) => {
                // If nobody takes it any more, the visit is over.
                if let Err(TrySendError::Full(_)) = self.typed.try_send(typed) {
                    self.state.apply(Action::Untaken(text));
                }
            }
            Some(Effect::Suspend) => {
                self.suspended = true;
                self.stage.suspend()?;
                // The system does not stop a program that nobody could let go on.
                self.resumed_by = Some(Instant::now() + STOP_MAX);
            }
            Some(Effect::Redraw) => self.stage.begin_anew()?,
        }
        Ok(())
    }
}

/// From then on, and once the terminal has the picture before.
async fn may_draw(stage: &Stage, next_frame: Instant) {
    sleep_until(next_frame).await;
    stage.taken().await;
}

/// Links grow older all the time, and the screen does not show that.
fn without_ages(mut network: Network) -> Network {
    for link in &mut network.links {
        link.age = std::time::Duration::ZERO;
    }
    network
}
