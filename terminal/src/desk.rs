//! Carries out commands in a room: whoever gives them, by keyboard or by HTTP, is answered the same.
//!
//! A [`Desk`] owns the handle of the room. Commands are carried out at once, but for files: what takes time runs beside, and what comes of it is
//! told later.

mod about;
pub mod addressee;
mod arrivals;
mod bootnodes;
mod control;
mod export;
mod files;
mod refusal;
mod settings;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use client::{
    Session,
    files::TakeError,
    room::{Entry, RoomState},
    standing, text, validate,
    words::keeping,
};
use mesh::{
    io::ServerId,
    model::{FileInfo, FileState, Imported, Invitation},
};
use shared::{FileId, MessageId, PeerId, RoomId};
use tokio::{sync::mpsc, task::spawn_local};

pub use self::{
    arrivals::Arrivals,
    refusal::{Refusal, SaveError},
};
use self::{arrivals::Cursors, bootnodes::Bootnodes, control::Fate};
use crate::{
    clock,
    config::HISTORY_MAX,
    line::{
        command::{Addressed, Command, NetworkFormat, Sure, WhichFile},
        transcript::{Numbers, Transcript},
    },
    map,
    report::{FileReport, MessageReport, NetworkReport, PersonReport, Report, StatusReport},
    store::DiskStore,
    words::{self, Meeting},
};

/// Someone at work in a room.
#[derive(Debug)]
pub struct Desk {
    session: Session,
    shelf: files::Shelf,
    link: String,
    transcript: Transcript,
    bootnodes: Bootnodes,
    cursors: Cursors,
    forgets: bool,
    /// Files to be saved once they are whole, and where.
    wanted: BTreeMap<FileId, Option<PathBuf>>,
    /// The message of which the person was asked whether to delete it.
    asked_to_delete: Option<MessageId>,
    /// What comes of what takes time.
    late: mpsc::Sender<Late>,
    /// How much of that is under way.
    under_way: usize,
}

/// What came of something that took time.
#[derive(Debug)]
pub enum Late {
    /// All pieces of a file are in the store, and these are their hashes.
    TakenIn {
        /// The file.
        info: FileInfo,
        /// See [`mesh::pieces`].
        hashes: Vec<mesh::pieces::PieceHash>,
    },
    /// A file was saved.
    Saved {
        /// Which.
        name: String,
        /// Where.
        path: PathBuf,
    },
    /// An export was taken.
    Imported {
        /// What became of it.
        imported: Imported,
    },
    /// It did not work.
    Failed {
        /// Why.
        refusal: Refusal,
    },
}

impl Desk {
    /// In a room that was entered, whose files are in `store`. What takes time is reported to `late`, to be given to [`Desk::finish`].
    #[must_use]
    pub fn new(session: Session, store: DiskStore, room: RoomId, link: String, late: mpsc::Sender<Late>) -> Self {
        let me = session.peer_id();
        Self {
            session,
            shelf: files::Shelf { store, room, me },
            link,
            transcript: Transcript::default(),
            bootnodes: Bootnodes::default(),
            cursors: Cursors::new(clock::now().unix_millis),
            forgets: false,
            wanted: BTreeMap::new(),
            asked_to_delete: None,
            late,
            under_way: 0,
        }
    }

    /// People meet in another way than by servers: says so, and tells of these bootnodes whether they answer.
    pub fn meet(&mut self, meeting: Meeting, bootnodes: BTreeMap<ServerId, String>) {
        self.transcript.meeting = meeting;
        self.bootnodes = Bootnodes::new(bootnodes);
    }

    /// By whom people are introduced.
    #[must_use]
    pub fn meeting(&self) -> Meeting {
        self.transcript.meeting
    }

    /// The room.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What is kept of the room.
    #[must_use]
    pub fn store(&self) -> &DiskStore {
        &self.shelf.store
    }

    /// What is new since this was last asked, in order.
    pub fn look(&mut self) -> Vec<Report> {
        let room = self.session.room();
        let mut reports = self.transcript.update(&room);
        reports.extend(self.bootnodes.update(&room));
        let state = |file: &FileId| room.files.get(file).map(|progress| progress.state);
        let besides = |file: &FileId| {
            room.files_besides(&room.offers())
                .into_iter()
                .find(|info| info.root == *file)
        };
        let info_of = |file: &FileId| offer(&room, file).or_else(|| besides(file)).cloned();
        // What is known no more has vanished with its message.
        let has_ended = |file: &FileId| {
            matches!(state(file), Some(FileState::Whole | FileState::NoRoom)) || info_of(file).is_none()
        };
        let ended: Vec<_> = self.wanted.keys().filter(|file| has_ended(file)).copied().collect();
        for file in ended {
            let Some(path) = self.wanted.remove(&file) else {
                continue;
            };
            match (info_of(&file), state(&file)) {
                (None, _) => self.tell(lost(file)),
                (Some(info), Some(FileState::NoRoom)) => self.tell_no_room(&info.name),
                (Some(info), _) => self.save(info, path),
            }
        }
        reports
    }

    /// Whether files are under way: fetched to be saved, or between store and disk.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.under_way > 0 || !self.wanted.is_empty()
    }

    /// Carries a command out. [`Command::Quit`] only answers: whoever runs the room leaves it.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was done.
    pub fn act(&mut self, command: Command) -> Result<Report, Refusal> {
        let room = self.session.room();
        match command {
            Command::Say { text } => self.say(&room, None, &text),
            Command::Whisper { whisper } => self.whisper(&room, whisper),
            Command::Reply { answer } => self.reply(&room, answer),
            Command::React { reaction } => self.react(&room, reaction),
            Command::Edit { text } => self.edit(&room, &text),
            Command::Delete { sure } => self.delete(&room, sure),
            Command::People => Ok(people(&room)),
            Command::Status => Ok(self.status(&room)),
            Command::Network { format } => Ok(self.network(&room, format)),
            Command::History { count } => Ok(self.history(&room, count, |_| true)),
            Command::Search { text } => {
                let text = text.to_lowercase();
                let has_it = |report: &MessageReport| report.text.to_lowercase().contains(&text);
                Ok(self.history(&room, HISTORY_MAX, has_it))
            }
            Command::Topic { topic } => self.topic(topic),
            Command::Pinned => Ok(Report::History {
                messages: self.pinned(&room),
            }),
            Command::MakeInvitation => {
                self.session.invite()?;
                Ok(done("Preparing the invitation…"))
            }
            Command::TakeInvitation { code } => Ok(match self.session.take_invitation(&code)? {
                Invitation::Invited => done("Preparing the answer…"),
                Invitation::Answered => done("The connection is being made…"),
            }),
            Command::Send { path } => Ok(self.send(path)),
            Command::Files => Ok(self.files(&room)),
            Command::Get { file, path } => self.fetch(&room, &file, path),
            Command::Pause { file } => self.decide(&room, &file, Fate::Paused),
            Command::Resume { file } => self.decide(&room, &file, Fate::Resumed),
            Command::Cancel { file } => self.decide(&room, &file, Fate::Cancelled),
            Command::Forget { sure: Sure::NotYet } => Err(Refusal::ForgetNotSure),
            Command::Forget { sure: Sure::Yes } => {
                self.forgets = true;
                self.session.forget();
                self.session.leave();
                Ok(done("Leaving, and forgetting this room…"))
            }
            Command::Invite => {
                let link = self.link.clone();
                Ok(Report::Link { link })
            }
            Command::Rename { name } => {
                let name = validate::name(&name)?;
                self.session.rename(name.clone());
                Ok(done(&format!("You are {} now.", text::isolate(&name))))
            }
            Command::Retention { change } => self.keep(change),
            Command::Export { path } => self.export(&path),
            Command::Import { path } => Ok(self.import(path)),
            Command::Close { sure: Sure::NotYet } => Err(Refusal::NotSure),
            Command::Close { sure: Sure::Yes } => {
                self.session.close_room()?;
                Ok(done("The room is closed."))
            }
            Command::Quit => Ok(done("Leaving…")),
            Command::Help => Ok(done(words::HELP)),
        }
    }

    /// Does what follows from something that took time. What is to be told of it, if it does not show in the room.
    pub fn finish(&mut self, late: Late) -> Option<Report> {
        self.under_way = self.under_way.saturating_sub(1);
        let refusal = match late {
            Late::TakenIn { info, hashes } => {
                let name = client::files::shown_name(&info.name);
                let (shelf, root) = (self.shelf.clone(), info.root);
                let error = self.session.offer_file(info, hashes).err()?;
                if files::is_new(how_far(&self.session, &root)) {
                    spawn_local(async move { shelf.forget(root).await });
                }
                Refusal::File {
                    name,
                    error: error.into(),
                }
            }
            Late::Saved { name, path } => {
                return Some(done(&format!("{} is in {}.", text::isolate(&name), path.display())));
            }
            Late::Imported { imported } => return Some(done(&keeping::imported(imported))),
            Late::Failed { refusal } => refusal,
        };
        let text = refusal.to_string();
        Some(Report::Refused { text })
    }

    /// What has come since a cursor or a message, or all that is kept: see [`Arrivals`].
    ///
    /// # Errors
    /// [`Refusal::NoSuchMessage`].
    pub fn messages_since(&self, since: Option<&str>) -> Result<Arrivals, Refusal> {
        self.cursors.after(&self.session.room(), &self.transcript, since)
    }

    /// Whether the person wants nothing kept of this room.
    #[must_use]
    pub fn forgets(&self) -> bool {
        self.forgets
    }

    /// The network as an image.
    #[must_use]
    pub fn svg(&self) -> String {
        map::svg(&self.session.room(), &self.session.network())
    }

    /// The network for Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        map::dot(&self.session.room(), &self.session.network())
    }

    /// The network drawn with letters.
    #[must_use]
    pub fn drawing(&self, columns: usize) -> String {
        map::drawing(&self.session.room(), &self.session.network(), columns)
    }

    fn say(&self, room: &RoomState, to: Option<PeerId>, text: &str) -> Result<Report, Refusal> {
        let said = self.session.say(to, text);
        let id = said.map_err(|error| Refusal::NotSent {
            error,
            to: to.map(|to| room.name_of(&to)),
        })?;
        Ok(Report::Said { id: id.to_text() })
    }

    fn whisper(&self, room: &RoomState, whisper: Addressed) -> Result<Report, Refusal> {
        let (to, text) = addressee::resolve(room, whisper)?;
        self.say(room, Some(to), &text)
    }

    fn status(&self, room: &RoomState) -> Report {
        let network = self.session.network();
        let standing = standing::standing(room, Some(&network));
        Report::Status(StatusReport {
            id: room.me.to_text(),
            name: room.my_name.clone(),
            room: room.name.clone(),
            present: room.present() as u64,
            links: network.links.len() as u64,
            messages: room.messages.len() as u64,
            kept: room.kept,
            text: crate::harmless::sentence(&words::standing_of(&standing, self.transcript.meeting)),
        })
    }

    fn network(&self, room: &RoomState, format: NetworkFormat) -> Report {
        let network = self.session.network();
        match format {
            NetworkFormat::Table => Report::Network(NetworkReport::new(room, &network)),
            NetworkFormat::Dot => {
                let graph = map::dot(room, &network);
                Report::Dot { graph }
            }
        }
    }

    /// The last `count` messages that are `wanted`.
    fn history(&self, room: &RoomState, count: usize, wanted: impl Fn(&MessageReport) -> bool) -> Report {
        let reports = room.messages.iter().rev();
        let reports = reports.map(|entry| message(room, entry, self.transcript.numbers()));
        let mut messages: Vec<_> = reports.filter(wanted).take(count).collect();
        messages.reverse();
        Report::History { messages }
    }

    fn files(&self, room: &RoomState) -> Report {
        let files = room.messages.iter().filter_map(|entry| {
            let info = entry.message.file.as_ref()?;
            let number = self.transcript.numbers().of(&info.root);
            let progress = room.progress(info);
            Some(FileReport::new(number, info, progress.as_ref(), entry.message.own))
        });
        Report::Files { files: files.collect() }
    }

    fn send(&mut self, path: PathBuf) -> Report {
        self.under_way += 1;
        let (shelf, late) = (self.shelf.clone(), self.late.clone());
        let name = file_name(&path);
        let text = client::words::files::preparing(&name, 0);
        let session = self.session.clone();
        spawn_local(async move {
            let taken = shelf.take_in(&path, name.clone(), |root| how_far(&session, root));
            let result = match taken.await {
                Ok((info, hashes)) => Late::TakenIn { info, hashes },
                Err(error) => Late::Failed {
                    refusal: Refusal::File { name, error },
                },
            };
            // Nobody listens any more: the room was left.
            let _ = late.send(result).await;
        });
        done(&text)
    }

    fn fetch(&mut self, room: &RoomState, which: &WhichFile, path: Option<PathBuf>) -> Result<Report, Refusal> {
        let info = control::find(room, self.transcript.numbers(), which)?;
        let name = client::files::shown_name(&info.name);
        let state = room.files.get(&info.root).map(|progress| progress.state);
        if state == Some(FileState::Whole) {
            self.save(info.clone(), path);
        } else {
            let fetched = self.session.fetch_file(info.clone());
            fetched.map_err(|error| Refusal::Fetch {
                name: name.clone(),
                error,
            })?;
            self.wanted.insert(info.root, path);
        }
        Ok(done(&format!("Fetching {}…", text::isolate(&name))))
    }

    fn tell_no_room(&mut self, name: &str) {
        self.tell(Refusal::File {
            name: client::files::shown_name(name),
            error: TakeError::NoRoom,
        });
    }

    /// Something could not be done that was asked for before.
    fn tell(&mut self, refusal: Refusal) {
        self.under_way += 1;
        let late = self.late.clone();
        spawn_local(async move {
            let _ = late.send(Late::Failed { refusal }).await;
        });
    }

    fn save(&mut self, info: FileInfo, path: Option<PathBuf>) {
        self.under_way += 1;
        let (shelf, late) = (self.shelf.clone(), self.late.clone());
        spawn_local(async move {
            let name = client::files::shown_name(&info.name);
            let result = match shelf.save(&info, path.as_deref()).await {
                Ok(path) => Late::Saved { name, path },
                Err(error) => Late::Failed {
                    refusal: Refusal::NotSaved { name, error },
                },
            };
            let _ = late.send(result).await;
        });
    }
}

fn lost(file: FileId) -> Refusal {
    let (name, error) = (file.to_text(), SaveError::Lost);
    Refusal::NotSaved { name, error }
}

fn done(text: &str) -> Report {
    // The isolates around names say nothing to programs, and not much to terminals.
    let text = text.replace(['\u{2068}', '\u{2069}'], "");
    Report::Done { text }
}

fn people(room: &RoomState) -> Report {
    let (people, _) = room.people_in_order();
    let people = people.iter().map(|person| PersonReport::new(room, person)).collect();
    Report::People { people }
}

fn message(room: &RoomState, entry: &Entry, numbers: &Numbers) -> MessageReport {
    let number = entry.message.file.as_ref().map_or(0, |info| numbers.of(&info.root));
    MessageReport::new(room, entry, number, false)
}

/// What was said last of a file that was offered. Of one that is here nothing is taken that its length belies.
fn offer<'a>(room: &'a RoomState, file: &FileId) -> Option<&'a FileInfo> {
    let known = room.files.get(file);
    let bytes = known.filter(|known| known.state == FileState::Whole);
    let offers = room.messages.iter().rev();
    let mut offers = offers.filter_map(|entry| entry.message.file.as_ref().filter(|info| info.root == *file));
    let last = offers.next()?;
    let is_so = |info: &&FileInfo| bytes.is_none_or(|known| known.bytes_have == info.bytes);
    Some(std::iter::once(last).chain(offers).find(is_so).unwrap_or(last))
}

/// How far a file is here.
fn how_far(session: &Session, file: &FileId) -> Option<FileState> {
    session.room().files.get(file).map(|progress| progress.state)
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| path.display().to_string())
}
