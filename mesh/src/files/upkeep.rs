//! What is due, and what the app is told.

use shared::FileId;

use super::{Files, holding::Holding};
use crate::{
    config::{FILES_TICK, FILES_TICK_IDLE, PROGRESS, STILL},
    context::Context,
    io::{Instant, LinkId},
    model::{Event, FileProgress, FileState},
    wire::stored::Wish,
};

impl Files {
    /// When something is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let due = self.holdings.values().flat_map(|holding| {
            let due = &holding.due;
            [due.tell, due.store, due.progress, holding.read_again_at()]
        });
        due.chain([self.tell_at, self.look_at()]).flatten().min()
    }

    /// When what is under way is looked at, if anything is.
    fn look_at(&self) -> Option<Instant> {
        if self.channels.values().any(|channel| channel.is_awaited()) {
            return Some(self.looked + FILES_TICK);
        }
        let is_wanted = self.holdings.values().any(Holding::is_wanted);
        // A piece that waits for its turn waits no longer than until the next look.
        if self.holdings.values().any(|holding| holding.carried.is_some()) {
            return Some(self.looked + FILES_TICK);
        }
        (is_wanted || !self.links.is_empty()).then(|| self.looked + FILES_TICK_IDLE)
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, cx: &mut Context) {
        let now = cx.instant();
        if self.tell_at.take_if(|at| now >= *at).is_some() {
            self.tell_holds(cx, None);
        }
        for root in self.holdings.keys().copied().collect::<Vec<_>>() {
            let Some(holding) = self.holdings.get_mut(&root) else {
                continue;
            };
            if holding.due.tell.take_if(|at| now >= *at).is_some() {
                holding.due.told = Some(now);
                self.tell_pieces(cx, root);
            }
            self.read_again(cx, root);
            let Some(holding) = self.holdings.get_mut(&root) else {
                continue;
            };
            if holding.due.store.take_if(|at| now >= *at).is_some() {
                self.keep(cx, root);
            }
        }
        if self.look_at().is_some_and(|at| now >= at) {
            self.looked = now;
            self.look(cx);
        }
        self.settle(cx);
    }

    /// Looks at what is under way.
    fn look(&mut self, cx: &mut Context) {
        let now = cx.instant();
        let stalled = self.channels.values().filter(|channel| channel.stalls(now));
        for link in stalled.map(|channel| channel.link).collect::<Vec<LinkId>>() {
            self.on_stalled(cx, link);
        }
        for root in self.wanted().collect::<Vec<FileId>>() {
            self.ask_all(cx, root);
            self.look_for(cx, root);
            if let Some(holding) = self.holdings.get_mut(&root) {
                // Whoever rested may be asked again.
                holding.due.progress.get_or_insert(now);
            }
        }
        self.look_at_carried(cx);
        self.review_links(now);
    }

    /// Tells the app how files stand that have changed: a new state at once, else not too often.
    pub(super) fn tell_progress(&mut self, cx: &mut Context) {
        let now = cx.instant();
        for root in self.holdings.keys().copied().collect::<Vec<_>>() {
            let Some(holding) = self
                .holdings
                .get(&root)
                .filter(|holding| holding.due.progress.is_some())
            else {
                continue;
            };
            if holding.carried.is_some() {
                if let Some(holding) = self.holdings.get_mut(&root) {
                    holding.due.progress = None;
                }
                continue;
            }
            let progress = self.progress(holding, now);
            let before = holding.told;
            let Some(holding) = self.holdings.get_mut(&root) else {
                continue;
            };
            match before {
                // While nothing comes that is said, too: a speed is not shown for longer than it is true.
                Some((told, at)) if told == progress && (told.state != FileState::Fetching || now < at + STILL) => {
                    holding.due.progress = None;
                }
                Some((told, at)) if told.state == progress.state && now < at + PROGRESS => {
                    holding.due.progress = Some(at + PROGRESS);
                }
                _ => {
                    holding.due.progress = None;
                    holding.told = Some((progress, now));
                    let info = holding.info.clone();
                    cx.event(Event::File { info, progress });
                }
            }
        }
    }

    fn progress(&self, holding: &Holding, now: Instant) -> FileProgress {
        let root = &holding.info.root;
        let sources = self.channels.values().filter(|channel| {
            let source = channel.sources.get(root);
            source.is_some_and(|source| !source.set.is_empty()) && !holding.rests(&channel.peer, now)
        });
        let is_coming = || {
            !holding.writing.is_empty()
                || self
                    .channels
                    .values()
                    .any(|channel| Self::is_useful(channel, holding, now))
        };
        let state = if holding.is_out_of_service() {
            FileState::Unreadable
        } else if holding.is_whole() {
            FileState::Whole
        } else if holding.wish == Wish::Pause {
            FileState::Paused
        } else if holding.no_room {
            FileState::NoRoom
        } else if is_coming() {
            FileState::Fetching
        } else {
            FileState::Waiting
        };
        FileProgress {
            state,
            pieces_have: holding.have.len(),
            pieces: holding.pieces(),
            bytes_have: holding.bytes_have(),
            sources: u32::try_from(sources.clone().count()).unwrap_or(u32::MAX),
            through: self.through(holding, now),
        }
    }
}
