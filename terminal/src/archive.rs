//! A program that keeps rooms for everybody who is in them: what was said, and files, also while nobody else is there.
//!
//! An archive is a person like any other, who says in its beacons that it is one. It has the room's link, so it reads all that is said to everyone; it cannot read
//! whispers between others, which it keeps sealed. What makes it an archive is that it stays, keeps more, and fetches files unasked. Serving what was said, holding whispers for
//! the absent and handing on pieces of files is what every node does.
//!
//! Limits: of each room the last messages, and the newest files that fit together; an older file gives way to a newer one. A full disk stops nothing but the
//! acknowledgements: see `patient`.

mod metrics;
mod patient;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    net::SocketAddr,
    rc::Rc,
};

use client::{Session, notice::NoticeKind, room::RoomState, store::Store};
use mesh::model::{FileInfo, FileState};
use shared::FileId;
use thiserror::Error;
use tokio::{select, sync::Notify, time::sleep};

use self::{metrics::Metrics, patient::Patient};
use crate::{
    config::{ARCHIVE_FILES_MAX, ARCHIVE_LOOK, ARCHIVE_LOOK_AFTER},
    harmless,
    platform::{EnterError, Running, Visit, enter, leave},
    words,
};

/// How an archive goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How many bytes of files are kept of each room.
    pub files_bytes_max: u64,
    /// Where metrics are, if anywhere.
    pub metrics: Option<SocketAddr>,
}

/// An archive cannot begin.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// A room cannot be entered.
    #[error(transparent)]
    Enter(#[from] EnterError),
    /// Others in the network would see the metrics.
    #[error("{0} can be reached from other machines. Metrics are for this machine: use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The address for metrics cannot be used.
    #[error("{address} cannot be listened at. Choose another port")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Nothing can be printed any more.
    #[error("nothing can be printed any more")]
    Print(#[from] io::Error),
}

/// A room that is kept.
struct KeptRoom {
    /// What it is called in what is printed: no part of its link, which opens it.
    number: usize,
    session: Session,
    running: Running,
    told: Told,
}

/// What was printed of a room last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Told {
    kept: bool,
    closed: bool,
    broken: bool,
}

/// Keeps rooms until `stop`, or until all of them are closed. Prints what happens to `out`, never what is said.
///
/// Has to be called within a [`LocalSet`](tokio::task::LocalSet).
///
/// # Errors
/// [`ArchiveError`].
pub async fn run<S: Store + Clone + 'static>(
    visits: Vec<Visit<S>>,
    plan: Plan,
    stop: &Notify,
    out: &mut impl Write,
) -> Result<(), ArchiveError> {
    let changed = Rc::new(Notify::new());
    let disk = Rc::new(patient::Disk::default());
    let metrics = Metrics::listen(plan.metrics).await?;
    if let Some(address) = metrics.address() {
        writeln!(out, "* metrics at http://{address}/metrics")?;
    }
    let mut rooms = Vec::new();
    for (number, visit) in (1..).zip(visits) {
        let visit = patient_visit(visit, &disk, &changed);
        let shown = Rc::clone(&changed);
        let (session, running) = enter(visit, move |_| shown.notify_one()).await?;
        let told = Told::default();
        rooms.push(KeptRoom {
            number,
            session,
            running,
            told,
        });
    }
    writeln!(
        out,
        "* this archive reads and keeps all that is said to everyone in {} rooms, and says so there. It cannot read whispers",
        rooms.len()
    )?;
    let mut was_full = false;
    loop {
        for room in &mut rooms {
            room.look(plan, out)?;
        }
        if was_full != disk.is_full() {
            was_full = disk.is_full();
            let words = if was_full {
                "the disk is full: nothing more is kept or acknowledged until there is room. What there is is served. Free some space"
            } else {
                "there is room on the disk again: what waited is kept"
            };
            writeln!(out, "* {words}")?;
        }
        out.flush()?;
        metrics.set(&rooms, &disk);
        if rooms.iter().all(|room| room.session.room().left) {
            break;
        }
        select! {
            () = changed.notified() => sleep(ARCHIVE_LOOK_AFTER).await,
            () = sleep(ARCHIVE_LOOK) => {}
            () = stop.notified() => break,
        }
    }
    leave(rooms.into_iter().map(|room| (room.session, room.running))).await;
    Ok(())
}

fn patient_visit<S: Store>(visit: Visit<S>, disk: &Rc<patient::Disk>, changed: &Rc<Notify>) -> Visit<Patient<S>> {
    let Visit {
        identity,
        certificate,
        code,
        name,
        servers,
        tls,
        store,
        keeps,
    } = visit;
    Visit {
        identity,
        certificate,
        code,
        name,
        servers,
        tls,
        store: Patient::new(store, Rc::clone(disk), Rc::clone(changed)),
        keeps,
    }
}

impl KeptRoom {
    /// Tells what is new of the room, and fetches files.
    fn look(&mut self, plan: Plan, out: &mut impl Write) -> io::Result<()> {
        let room = self.session.room();
        let number = self.number;
        let broken = room.notices.iter().find_map(|pinned| {
            if let NoticeKind::NotStored { error } = &pinned.notice.kind {
                return Some(words::not_stored(error));
            }
            None
        });
        let now = Told {
            kept: room.kept,
            closed: room.closed,
            broken: broken.is_some(),
        };
        if now.kept && !self.told.kept {
            let name = room.name.as_deref().map(harmless::name).unwrap_or_default();
            let (messages, people) = (room.messages.len(), room.present() - 1);
            writeln!(
                out,
                "* room {number} {name}: kept, {messages} messages shown, {people} others here"
            )?;
        }
        if let Some(why) = broken.filter(|_| !self.told.broken) {
            writeln!(out, "* room {number}: no longer kept. {why}")?;
        }
        if now.closed && !self.told.closed {
            writeln!(out, "* room {number}: closed by its founder")?;
        }
        self.told = now;
        if !room.left && room.kept {
            self.keep_files(&room, plan);
        }
        Ok(())
    }

    fn keep_files(&self, room: &RoomState, plan: Plan) {
        let offers: Vec<_> = room.offers().into_iter().map(|(_, file)| file).collect();
        let wanted = chosen(offers.iter().map(|file| (file.root, file.bytes)), plan.files_bytes_max);
        // First those that give way, so that there is room.
        for (root, progress) in room.files.iter() {
            let is_here = progress.state != FileState::Offered;
            if is_here && !wanted.contains(root) && offers.iter().any(|file| file.root == *root) {
                self.session.cancel_file(*root);
            }
        }
        for file in offers.into_iter().filter(|file| wanted.contains(&file.root)) {
            if lacks(room, file) {
                // What cannot be fetched now is tried when it is looked again.
                let _ = self.session.fetch_file(file.clone());
            }
        }
    }
}

fn lacks(room: &RoomState, file: &FileInfo) -> bool {
    room.files.get(&file.root).is_none_or(|progress| {
        matches!(
            progress.state,
            FileState::Offered | FileState::NoRoom | FileState::Paused
        )
    })
}

/// Of files that were offered, the latest first, those that are kept: the latest that fit together.
fn chosen(offers: impl Iterator<Item = (FileId, u64)>, bytes_max: u64) -> BTreeSet<FileId> {
    let (mut wanted, mut left) = (BTreeSet::new(), bytes_max);
    for (root, bytes) in offers {
        if wanted.len() < ARCHIVE_FILES_MAX && bytes <= left {
            left -= bytes;
            wanted.insert(root);
        }
    }
    wanted
}
