//! The peers of a load, and what they have heard.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::{Duration, Instant},
};

use client::{Session, room::RoomState, store::MemoryStore};
use mesh::model::PersonState;
use shared::{Identity, MessageId};

use super::{Figures, LoadError, Usage, allow_files};
use crate::{
    config::LOAD_MESSAGES_MAX,
    link::Destination,
    platform::{EnterError, Running, Traffic, Visit, enter, leave},
    rtc::Certificate,
    tls::Tls,
};

/// The peers of one process in one room. Has to be used within a [`LocalSet`](tokio::task::LocalSet).
#[derive(Debug)]
pub(super) struct Crowd {
    destination: Destination,
    tls: Tls,
    peers: Vec<Peer>,
    said: Rc<RefCell<Said>>,
    /// Whose turn it is to say something.
    next: usize,
    /// What the process took before there was any peer.
    bare: Usage,
    /// From the last peer's coming until all knew each other.
    complete: Option<Duration>,
}

#[derive(Debug)]
struct Peer {
    session: Session,
    running: Running,
    ear: Rc<RefCell<Ear>>,
}

/// What all have said.
#[derive(Debug)]
struct Said {
    /// What each text of this load begins with. Rooms have a past.
    mark: String,
    /// When each was said.
    at: BTreeMap<String, Instant>,
    /// How long each took to each who did not say it.
    delays: Vec<Duration>,
}

/// What one peer was shown.
#[derive(Debug)]
struct Ear {
    entered: Instant,
    /// When the first link was there.
    linked: Option<Instant>,
    /// All that was shown.
    known: BTreeSet<MessageId>,
}

/// What was heard of what was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// How many messages were said.
    pub said: usize,
    /// How many pairs of peer and message there are not that should be.
    pub missing: usize,
    /// How many peers have them in another order than the first one.
    pub disordered: usize,
}

impl Crowd {
    /// Nobody yet, of up to so many.
    ///
    /// # Errors
    /// [`LoadError`], if the system does not allow so many.
    pub(super) fn new(destination: Destination, peers: u16) -> Result<Self, LoadError> {
        allow_files(peers)?;
        let mark = format!("load {}", MessageMark::new()?);
        Ok(Self {
            destination,
            tls: Tls::of_this_machine()?,
            peers: Vec::new(),
            said: Rc::new(RefCell::new(Said {
                mark,
                at: BTreeMap::new(),
                delays: Vec::new(),
            })),
            next: 0,
            bare: Usage::now((0, 0)),
            complete: None,
        })
    }

    /// One more peer enters.
    ///
    /// # Errors
    /// [`LoadError`].
    pub(super) async fn add(&mut self) -> Result<(), LoadError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(EnterError::Randomness)?;
        let ear = Rc::new(RefCell::new(Ear {
            entered: Instant::now(),
            linked: None,
            known: BTreeSet::new(),
        }));
        let visit = Visit {
            identity: Identity::from_secret(&secret),
            certificate: Certificate::generate().ok_or(LoadError::Certificate)?,
            code: self.destination.code.clone(),
            name: format!("Load {}", self.peers.len() + 1),
            servers: self.destination.servers.clone(),
            tls: self.tls.clone(),
            store: MemoryStore::<()>::default(),
            keeps: mesh::config::Keeps::default(),
        };
        let (of_peer, said) = (Rc::clone(&ear), Rc::clone(&self.said));
        let on_show = move |room: Rc<RoomState>| of_peer.borrow_mut().hear(&room, &mut said.borrow_mut());
        let (session, running) = enter(visit, on_show).await?;
        self.peers.push(Peer { session, running, ear });
        Ok(())
    }

    /// How many have a link, or had one.
    #[must_use]
    pub(super) fn linked(&self) -> usize {
        let linked = self.peers.iter().filter(|peer| peer.ear.borrow().linked.is_some());
        linked.count()
    }

    /// How many know so many others, at least, to be here.
    #[must_use]
    pub(super) fn knowing(&self, others: usize) -> usize {
        let knows = |peer: &&Peer| {
            let room = peer.session.room();
            let here = room.people.iter().filter(|person| person.state == PersonState::Here);
            here.count() >= others
        };
        self.peers.iter().filter(knows).count()
    }

    /// All of them know so many others by now, or it is waited for no longer.
    pub(super) fn note_complete(&mut self, others: usize) {
        let last = self.peers.last().map(|peer| peer.ear.borrow().entered);
        self.complete = last
            .filter(|_| self.knowing(others) == self.peers.len())
            .map(|at| at.elapsed());
    }

    /// The next peer says something, unless as much was said as a room shows.
    pub(super) fn say_next(&mut self) {
        let place = self.next % self.peers.len().max(1);
        let Some(peer) = self.peers.get(place) else { return };
        let text = {
            let said = self.said.borrow();
            if said.at.len() >= LOAD_MESSAGES_MAX {
                return;
            }
            format!("{}: message {}", said.mark, said.at.len() + 1)
        };
        self.next += 1;
        self.said.borrow_mut().at.insert(text.clone(), Instant::now());
        if let Err(error) = peer.session.say(None, &text) {
            tracing::warn!(%error, "a peer of the load cannot say anything");
            self.said.borrow_mut().at.remove(&text);
        }
    }

    /// The texts with the mark that a peer is shown, in their order.
    #[must_use]
    pub(super) fn texts(&self, peer: usize) -> Vec<String> {
        let room = self.peers.get(peer).map(|peer| peer.session.room());
        let said = self.said.borrow();
        let messages = room.iter().flat_map(|room| &room.messages);
        let texts = messages.map(|entry| &entry.message.text);
        texts.filter(|text| text.starts_with(&said.mark)).cloned().collect()
    }

    /// Whether all have everything that was said.
    pub(super) fn have_all(&self) -> bool {
        let said = self.said.borrow();
        let has_all = |peer: &Peer| {
            let room = peer.session.room();
            let texts = room.messages.iter().map(|entry| &entry.message.text);
            texts.filter(|text| text.starts_with(&said.mark)).count() >= said.at.len()
        };
        self.peers.iter().all(has_all)
    }

    /// What was heard so far.
    #[must_use]
    pub(super) fn heard(&self) -> Heard {
        let said = self.said.borrow().at.len();
        let mut heard = Heard {
            said,
            ..Heard::default()
        };
        let first = self.texts(0);
        for peer in 0..self.peers.len() {
            let texts = self.texts(peer);
            heard.missing += said.saturating_sub(texts.len());
            heard.disordered += usize::from(texts != first);
        }
        heard
    }

    /// How many bytes of datagrams all have sent and received.
    #[must_use]
    pub(super) fn traffic(&self) -> (u64, u64) {
        let each = self.peers.iter().map(|peer| peer.running.traffic());
        each.fold(
            (0, 0),
            |(sent, received),
             Traffic {
                 sent: more,
                 received: also,
             }| { (sent + more, received + also) },
        )
    }

    /// What came of it so far. `rest` is what a span in which nothing was said has cost.
    #[must_use]
    pub(super) fn figures(&self, rest: Option<Usage>) -> Figures {
        let ears = self.peers.iter().map(|peer| peer.ear.borrow());
        let joins = ears.filter_map(|ear| Some(ear.linked?.duration_since(ear.entered)));
        let links = self.peers.iter().map(|peer| peer.session.network().links.len());
        Figures {
            peers: self.peers.len(),
            joins: joins.collect(),
            complete: self.complete,
            links: links.collect(),
            heard: self.heard(),
            order: order_of(self.texts(0).iter().map(String::as_str)),
            delays: self.said.borrow().delays.clone(),
            usage: Usage::now(self.traffic()).since(&self.bare),
            rest,
        }
    }

    /// All leave, as people do.
    pub(super) async fn leave(self) {
        leave(self.peers.into_iter().map(|peer| (peer.session, peer.running))).await;
    }
}

/// The same for the same texts in the same order: by this somebody else who was shown them can compare.
#[must_use]
pub fn order_of<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(text.as_bytes()).update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
}

impl Ear {
    fn hear(&mut self, room: &RoomState, said: &mut Said) {
        if self.linked.is_none() && room.people.iter().any(|person| person.linked) {
            self.linked = Some(Instant::now());
        }
        // What is new stands near the end, mostly.
        let mut new = room.messages.len().saturating_sub(self.known.len());
        for entry in room.messages.iter().rev() {
            if new == 0 {
                return;
            }
            let message = &entry.message;
            if !self.known.insert(message.id) {
                continue;
            }
            new -= 1;
            if let Some(at) = said.at.get(&message.text).filter(|_| !message.own) {
                said.delays.push(at.elapsed());
            }
        }
    }
}

/// What tells the texts of one load from those of another.
struct MessageMark([u8; 6]);

impl MessageMark {
    fn new() -> Result<Self, EnterError> {
        let mut bytes = [0; 6];
        getrandom::fill(&mut bytes).map_err(EnterError::Randomness)?;
        Ok(Self(bytes))
    }
}

impl std::fmt::Display for MessageMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
