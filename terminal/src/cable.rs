//! A network within a test: people of one process, linked by queues instead of sockets. There is no server; they meet by invitations.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use client::{
    Platform, Session,
    core::Step,
    driver::{DriverEvent, Events, Exhausted, SlowReader},
    room::RoomState,
    session::Entrance,
    store::{Durability, Store as _, StoredRecord},
};
use mesh::{
    NodeConfig, Timing,
    io::{Candidate, Change, Input, Instant, LinkEnd, LinkId, Now, Path, ServerId},
};
use shared::{FileId, Identity, PeerId, RoomCode, RoomId, signal::IceServer};
use tokio::{
    sync::Notify,
    task::{JoinHandle, spawn_local},
};

use crate::store::DiskStore;

/// What links people. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cable(Rc<RefCell<BTreeMap<String, End>>>);

/// One end of a link.
#[derive(Debug, Clone)]
struct End {
    events: Events,
    link: LinkId,
    peer: Option<String>,
}

impl Cable {
    /// Enters a room. `changed` is told whenever the room has changed.
    pub(crate) fn enter(
        &self,
        code: &RoomCode,
        who: u8,
        name: &str,
        store: &DiskStore,
        changed: Rc<Notify>,
    ) -> Session {
        let identity = Identity::from_secret(&[who; 32]);
        let room = code.open();
        let (events, queue) = Events::channel();
        let platform = Plugged {
            cable: self.clone(),
            who,
            room: room.id(),
            me: identity.peer_id(),
            store: store.clone(),
            events: events.clone(),
            changed,
            ends: BTreeMap::new(),
            timer: None,
        };
        let entrance = Entrance {
            identity,
            room,
            config: NodeConfig {
                name: name.to_owned(),
                servers: Vec::new(),
                closed: None,
                timing: Timing::default(),
                keeps: mesh::config::Keeps::default(),
                transport_policy: mesh::io::TransportPolicy::All,
            },
            seed: [who; 32],
            clock: now,
        };
        let (session, driver) = Session::enter(entrance, platform, (events, queue));
        spawn_local(driver.run());
        session
    }

    fn peer_of(&self, end: &str) -> Option<End> {
        let ends = self.0.borrow();
        ends.get(ends.get(end)?.peer.as_deref()?).cloned()
    }
}

fn now() -> Now {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let unix_millis = u64::try_from(since.as_millis()).unwrap();
    Now {
        instant: Instant::from_millis(unix_millis),
        unix_millis,
    }
}

struct Plugged {
    cable: Cable,
    who: u8,
    room: RoomId,
    me: PeerId,
    store: DiskStore,
    events: Events,
    changed: Rc<Notify>,
    ends: BTreeMap<LinkId, String>,
    timer: Option<JoinHandle<()>>,
}

impl Plugged {
    fn describe(&self, link: LinkId) {
        let end = &self.ends[&link];
        let certificate = vec![format!("{:02X}", self.who); 32].join(":");
        let sdp =
            format!("v=0\r\ns={end}\r\nm=application 9 UDP/DTLS/SCTP x\r\na=fingerprint:sha-256 {certificate}\r\n");
        self.events.input(Input::LocalDescription { link, sdp });
        let candidates = vec![Candidate::end()];
        self.events.input(Input::LocalCandidates { link, candidates });
    }

    fn plug_in(&self, link: LinkId, sdp: &str) {
        let peer = sdp.lines().find_map(|line| line.strip_prefix("s=")).map(str::to_owned);
        if let Some(end) = self.cable.0.borrow_mut().get_mut(&self.ends[&link]) {
            end.peer = peer;
        }
    }

    fn to_peer(&self, link: LinkId, input: impl FnOnce(LinkId) -> Input) {
        if let Some(end) = self.ends.get(&link).and_then(|end| self.cable.peer_of(end)) {
            end.events.input(input(end.link));
        }
    }

    fn unplug(&mut self, link: LinkId) {
        let end = LinkEnd::ClosedByPeer;
        self.to_peer(link, |link| Input::LinkClosed { link, end });
        if let Some(end) = self.ends.remove(&link) {
            self.cable.0.borrow_mut().remove(&end);
        }
    }
}

impl Platform for Plugged {
    async fn restore(&self) -> Option<Vec<StoredRecord>> {
        self.store.records(&self.room, &self.me).await.ok()
    }

    async fn pause(&self) {}

    fn arm_timer(&mut self, after: Option<Duration>) {
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
        let events = self.events.clone();
        self.timer = after.map(|after| {
            spawn_local(async move {
                tokio::time::sleep(after).await;
                events.send(DriverEvent::Timer);
            })
        });
    }

    fn open_socket(&mut self, _: ServerId, _: &str) {}

    fn close_socket(&mut self, _: ServerId) {}

    fn send_signal(&mut self, _: ServerId, _: &str) {}

    fn connect(&mut self, link: LinkId, _: &[IceServer]) -> Result<(), Exhausted> {
        let name = format!("{}-{}", self.who, link.0);
        let end = End {
            events: self.events.clone(),
            link,
            peer: None,
        };
        self.cable.0.borrow_mut().insert(name.clone(), end);
        self.ends.insert(link, name);
        Ok(())
    }

    fn step(&mut self, link: LinkId, step: Step) {
        match step {
            Step::Offer => self.describe(link),
            Step::Accept { sdp } => {
                self.plug_in(link, &sdp);
                self.describe(link);
            }
            Step::Answer { sdp } => {
                self.plug_in(link, &sdp);
                let path = Path::Connected;
                let both = |link: LinkId| {
                    let opened = [Input::LinkPath { link, path }, Input::LinkOpen { link }];
                    [opened, [Input::FilesOpen { link }, Input::FileWritable { link }]].concat()
                };
                let peer = self.cable.peer_of(&self.ends[&link]);
                let ends = peer.map(|end| (end.events, end.link)).into_iter();
                for (events, link) in ends.chain([(self.events.clone(), link)]) {
                    both(link).into_iter().for_each(|input| events.input(input));
                }
            }
            Step::Candidates { .. } | Step::Servers { .. } | Step::Restart => {}
        }
    }

    fn transmit(&mut self, link: LinkId, message: &[u8]) -> Result<(), SlowReader> {
        let bytes = message.into();
        self.to_peer(link, |link| Input::Fragment { link, bytes });
        Ok(())
    }

    fn transmit_file(&mut self, link: LinkId, message: &[u8]) {
        let bytes = message.into();
        self.to_peer(link, |link| Input::FileFragment { link, bytes });
        self.events.input(Input::FileWritable { link });
    }

    fn read_piece(&mut self, root: FileId, piece: u32) {
        let (store, room, me, events) = (self.store.clone(), self.room, self.me, self.events.clone());
        spawn_local(async move {
            let bytes = Ok(store.read_piece(&room, &me, (root, piece)).await.unwrap());
            events.input(Input::PieceRead { root, piece, bytes });
        });
    }

    fn write_piece(&mut self, root: FileId, piece: u32, bytes: Vec<u8>) {
        let (store, room, me, events) = (self.store.clone(), self.room, self.me, self.events.clone());
        spawn_local(async move {
            let stored = store.write_piece(&room, &me, (root, piece), &bytes).await.is_ok();
            events.input(Input::PieceWritten { root, piece, stored });
        });
    }

    fn forget_file(&mut self, _: FileId) {}

    fn hang_up(&mut self, link: LinkId) {
        self.unplug(link);
    }

    fn drop_connection(&mut self, link: LinkId) {
        self.unplug(link);
    }

    fn post_nearby(&mut self, _: &[u8]) {}

    fn write(&mut self, changes: Vec<Change>, durability: Durability) {
        let (store, room, me, events) = (self.store.clone(), self.room, self.me, self.events.clone());
        spawn_local(async move {
            let written = store.write(&room, &me, &changes, durability).await;
            events.send(DriverEvent::Written(written));
        });
    }

    fn remember_closed(&mut self, _: Vec<u8>) {}

    fn show(&mut self, _: Rc<RoomState>) {
        self.changed.notify_one();
    }
}
