//! A person in a room, by a native process: within this one, in the thread of the test.
//!
//! Whatever is waited for here in vain is a panic, as in any test.

use std::{rc::Rc, time::Duration};

use anyhow::Context as _;
use client::{
    Session,
    room::RoomState,
    store::{MemoryStore, Store},
    validate,
};
use mesh::{
    model::{FileInfo, PersonState},
    pieces::{PieceHash, PieceHasher},
};
use shared::{Identity, PeerId, RoomCode, RoomId};
use terminal::{Running, Visit, enter, rtc::Certificate, tls::Tls};
use tokio::{sync::watch, time::timeout};

/// Anything that takes longer has failed. Never waited for in a test that passes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A person. Has to be used within a `LocalSet`.
#[derive(Debug)]
pub struct Peer {
    /// What they do.
    pub session: Session,
    /// Who they are.
    pub id: PeerId,
    store: MemoryStore<()>,
    room_id: RoomId,
    running: Running,
    room: watch::Receiver<Rc<RoomState>>,
}

/// Whose id is the lower one, of a native peer and a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lower {
    /// The native peer's.
    Native,
    /// The browser's.
    Browser,
}

/// An identity with an id at one end of all there are: a browser's is drawn at random. Each `number` has another one.
///
/// # Panics
/// Never.
#[must_use]
pub fn identity(lower: Lower, number: u8) -> Identity {
    let wanted = match lower {
        Lower::Native => 0,
        Lower::Browser => 255,
    };
    let identities = (0..=u16::MAX).map(|at| {
        let [high, low] = at.to_be_bytes();
        let mut secret = [number; 32];
        secret[..2].copy_from_slice(&[high, low]);
        Identity::from_secret(&secret)
    });
    let mut fitting = identities.filter(|identity| identity.peer_id().as_bytes()[0] == wanted);
    fitting.next().expect("one in 256 fits")
}

/// The code and the server in a room's address.
///
/// # Errors
/// If it is no address of a room.
pub fn place(room: &str) -> anyhow::Result<(RoomCode, String)> {
    let (page, _) = room.split_once("#/r/").context("an address of a room")?;
    // Read as a person's program reads it: what is no letter and no digit at the end of a link is encoded.
    let code = validate::room(room, |name| Some(name.to_owned()))?;
    Ok((code, client::servers::beside(page)))
}

/// So many identities, in the order of their ids.
#[must_use]
pub fn identities(count: u8) -> Vec<Identity> {
    let mut identities: Vec<_> = (1..=count).map(|byte| Identity::from_secret(&[byte; 32])).collect();
    identities.sort_by_key(Identity::peer_id);
    identities
}

impl Peer {
    /// Enters a room, with a server that is reached without TLS.
    ///
    /// # Panics
    /// If that fails.
    pub async fn enter(identity: Identity, name: &str, code: &RoomCode, server: &str) -> Self {
        let nobody = Tls::trusting([]).expect("TLS");
        Self::enter_trusting(identity, name, code, server, nobody).await
    }

    /// The same, with a server that is believed to be who it says.
    ///
    /// # Panics
    /// If that fails.
    pub async fn enter_trusting(identity: Identity, name: &str, code: &RoomCode, server: &str, tls: Tls) -> Self {
        let id = identity.peer_id();
        let (shown, room) = watch::channel(Rc::new(RoomState::new(id, name.to_owned())));
        let store = MemoryStore::default();
        let visit = Visit {
            identity,
            certificate: Certificate::generate().expect("a certificate"),
            code: code.clone(),
            name: name.to_owned(),
            servers: vec![server.to_owned()],
            tls,
            store: store.clone(),
            keeps: mesh::config::Keeps::default(),
        };
        let on_show = move |room| {
            let _ = shown.send(room);
        };
        let (session, running) = enter(visit, on_show).await.expect("the room can be entered");
        let room_id = code.open().id();
        Self {
            session,
            id,
            store,
            room_id,
            running,
            room,
        }
    }

    /// Waits until the room is as it should be.
    ///
    /// # Panics
    /// If that is in vain.
    pub async fn until(&mut self, what: &str, mut is_so: impl FnMut(&RoomState) -> bool) -> Rc<RoomState> {
        let wait = timeout(PATIENCE, self.room.wait_for(|room| is_so(room))).await;
        let shown = wait.map(|shown| shown.expect("the room is shown").clone());
        shown.unwrap_or_else(|_| panic!("in vain: {what}\n{}", self.session.diagnostics()))
    }

    /// Waits until so many others are here.
    ///
    /// # Panics
    /// If that is in vain.
    pub async fn until_here(&mut self, others: usize) {
        let here = |room: &RoomState| {
            let people = room.people.iter();
            people.filter(|person| person.state == PersonState::Here).count() == others
        };
        self.until("people are here", here).await;
    }

    /// Waits until a text was said.
    ///
    /// # Panics
    /// If that is in vain.
    pub async fn until_said(&mut self, text: &str) {
        let said = |room: &RoomState| room.messages.iter().any(|entry| entry.message.text == text);
        self.until(text, said).await;
    }

    /// Waits until somebody is in a state.
    ///
    /// # Panics
    /// If that is in vain.
    pub async fn until_is(&mut self, peer: PeerId, state: &[PersonState]) {
        let is = |room: &RoomState| room.person(&peer).is_some_and(|person| state.contains(&person.state));
        self.until("somebody's state", is).await;
    }

    /// Keeps a file here, and offers it.
    ///
    /// # Panics
    /// If that fails.
    pub async fn offer(&self, bytes: &[u8]) -> FileInfo {
        let mut hasher = PieceHasher::new(bytes.len() as u64).expect("a file");
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while hasher.next_bytes() > 0 {
            let (piece, after) = rest.split_at(hasher.next_bytes());
            assert!(hasher.push(piece));
            pieces.push(piece);
            rest = after;
        }
        let (root, hashes): (_, Vec<PieceHash>) = hasher.finish().expect("a whole file");
        for (number, piece) in (0..).zip(pieces) {
            let kept = self.store.write_piece(&self.room_id, &self.id, (root, number), piece);
            kept.await.expect("a piece is kept");
        }
        let info = FileInfo {
            root,
            bytes: bytes.len() as u64,
            name: "a file".to_owned(),
            media_type: String::new(),
        };
        self.session
            .offer_file(info.clone(), hashes)
            .expect("the file is offered");
        info
    }

    /// A file that is here.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn file(&self, info: &FileInfo) -> Vec<u8> {
        let mut whole = Vec::new();
        for piece in 0.. {
            let read = self.store.read_piece(&self.room_id, &self.id, (info.root, piece));
            match read.await.expect("the store answers") {
                Some(bytes) => whole.extend(bytes),
                None => break,
            }
        }
        whole
    }

    /// Leaves the room.
    ///
    /// # Panics
    /// If that takes long.
    pub async fn leave(self) {
        let Self { session, running, .. } = self;
        drop(session);
        timeout(PATIENCE, running.ended()).await.expect("leaving ends");
    }

    /// Is gone without a word.
    pub fn crash(self) {
        self.running.abort();
    }
}
