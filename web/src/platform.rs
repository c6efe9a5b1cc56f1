//! The browser as a [`Platform`]: sockets, connections, other tabs, a timer, and what the page tells.

use std::{cell::Cell, rc::Rc, time::Duration};

use client::{
    Platform, Session,
    core::Step,
    driver::{DriverEvent, Events, Exhausted, SlowReader},
    room::{RoomState, Visibility},
    session::Entrance,
    store::{Durability, StoredRecord},
    telling::Told,
};
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use litemap::LiteMap;
use mesh::{
    NodeConfig, Timing,
    io::{Change, Input, LinkId, ServerId, TransportPolicy},
};
use shared::{FileId, RoomCode, RoomId, signal::IceServer};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::PageTransitionEvent;
use yew::Callback;

use crate::{
    appearance, clock,
    files::Files,
    js,
    nearby::Nearby,
    pages::room::Joined,
    profile::Profile,
    rooms::{self, KnownRoom},
    rtc::Connection,
    signaller::Signaller,
    telling::Telling,
    worker,
};

/// Joins a room, under a valid name. The room comes to `on_show` whenever it has changed.
#[must_use]
pub fn join(
    profile: &Profile,
    code: &RoomCode,
    name: String,
    (on_show, is_in_front): (Callback<Rc<RoomState>>, bool),
) -> Joined {
    let room = code.open();
    let (events, queue) = Events::channel();
    profile.tell_of_loss(&events);
    let in_front = Rc::new(Cell::new(is_in_front));
    let on_front = {
        let (events, in_front) = (events.clone(), Rc::clone(&in_front));
        Callback::from(move |is_in_front| {
            if in_front.replace(is_in_front) != is_in_front {
                events.send(DriverEvent::Visibility(visibility(&in_front)));
            }
        })
    };
    let platform = Browser {
        profile: profile.clone(),
        room: room.id(),
        code: code.clone(),
        remembered: None,
        unread_before: rooms::find(code).map_or(0, |room| room.unread),
        telling: Telling::new(code.clone(), Rc::clone(&in_front)),
        events: events.clone(),
        on_show,
        signallers: LiteMap::new(),
        connections: LiteMap::new(),
        nearby: Nearby::open(&room.id(), &events),
        timer: None,
        transport_policy: appearance::transport_policy(),
        _listeners: listeners(&events, &in_front),
        in_front,
    };
    if visibility(&platform.in_front) == Visibility::Hidden {
        events.send(DriverEvent::Visibility(Visibility::Hidden));
    }
    let entrance = Entrance {
        identity: profile.identity(),
        config: NodeConfig {
            name,
            servers: profile.servers().to_vec(),
            closed: profile.closed(&room.id()),
            timing: Timing::default(),
            keeps: mesh::config::Keeps::default(),
            transport_policy: platform.transport_policy,
        },
        room,
        seed: js::entropy(),
        clock: clock::now,
    };
    let (session, driver) = Session::enter(entrance, platform, (events, queue));
    spawn_local(driver.run());
    Joined { session, on_front }
}

/// A page in one room, of several that it may be in.
struct Browser {
    profile: Profile,
    room: RoomId,
    code: RoomCode,
    /// As what the room was put last among those to go back to; `Some(None)` if it was taken out.
    remembered: Option<Option<KnownRoom>>,
    /// How many messages of former visits nobody has looked at, until somebody looks.
    unread_before: u32,
    telling: Telling,
    /// Whether it is the one that the page shows.
    in_front: Rc<Cell<bool>>,
    events: Events,
    on_show: Callback<Rc<RoomState>>,
    signallers: LiteMap<ServerId, Signaller>,
    connections: LiteMap<LinkId, Connection>,
    nearby: Option<Nearby>,
    timer: Option<Timeout>,
    transport_policy: TransportPolicy,
    _listeners: [EventListener; 5],
}

impl Platform for Browser {
    async fn restore(&self) -> Option<Vec<StoredRecord>> {
        self.profile.restore(&self.room).await
    }

    async fn pause(&self) {
        clock::pause().await;
    }

    fn arm_timer(&mut self, after: Option<Duration>) {
        self.timer = after.map(|after| {
            let events = self.events.clone();
            Timeout::new(clock::millis(after), move || events.send(DriverEvent::Timer))
        });
    }

    async fn is_still_us(&self) -> bool {
        self.profile.is_still_us().await
    }

    fn open_socket(&mut self, server: ServerId, address: &str) {
        if let Some(signaller) = Signaller::open(server, address, &self.events) {
            self.signallers.insert(server, signaller);
        }
    }

    fn close_socket(&mut self, server: ServerId) {
        self.signallers.remove(&server);
    }

    fn send_signal(&mut self, server: ServerId, text: &str) {
        if let Some(signaller) = self.signallers.get(&server) {
            signaller.send(text);
        }
    }

    fn connect(&mut self, link: LinkId, ice_servers: &[IceServer]) -> Result<(), Exhausted> {
        let certificate = self.profile.certificate();
        let connection = Connection::new(
            link,
            ice_servers,
            self.transport_policy,
            certificate.as_ref(),
            &self.events,
        )?;
        self.connections.insert(link, connection);
        Ok(())
    }

    fn step(&mut self, link: LinkId, step: Step) {
        if let Some(connection) = self.connections.get(&link) {
            connection.push(step);
        }
    }

    fn transmit(&mut self, link: LinkId, message: &[u8]) -> Result<(), SlowReader> {
        self.connections
            .get(&link)
            .map_or(Ok(()), |connection| connection.send(message))
    }

    fn transmit_file(&mut self, link: LinkId, message: &[u8]) {
        if let Some(connection) = self.connections.get(&link) {
            connection.send_file(message);
        }
    }

    fn read_piece(&mut self, root: FileId, piece: u32) {
        let (files, events) = (self.files(), self.events.clone());
        spawn_local(async move {
            let bytes = files.read(root, piece).await;
            events.input(Input::PieceRead { root, piece, bytes });
        });
    }

    fn write_piece(&mut self, root: FileId, piece: u32, bytes: Vec<u8>) {
        let (files, events) = (self.files(), self.events.clone());
        spawn_local(async move {
            let stored = files.write(root, piece, &bytes).await.is_ok();
            events.input(Input::PieceWritten { root, piece, stored });
        });
    }

    fn forget_file(&mut self, root: FileId) {
        let files = self.files();
        spawn_local(async move { files.forget(root).await });
    }

    fn hang_up(&mut self, link: LinkId) {
        if let Some(connection) = self.connections.remove(&link) {
            connection.hang_up();
        }
    }

    fn drop_connection(&mut self, link: LinkId) {
        self.connections.remove(&link);
    }

    fn post_nearby(&mut self, message: &[u8]) {
        if let Some(nearby) = &self.nearby {
            nearby.post(message);
        }
    }

    fn write(&mut self, changes: Vec<Change>, durability: Durability) {
        let (profile, room, events) = (self.profile.clone(), self.room, self.events.clone());
        spawn_local(async move {
            let written = profile.write(&room, &changes, durability).await;
            events.send(DriverEvent::Written(written));
        });
    }

    fn remember_closed(&mut self, statement: Vec<u8>) {
        let (profile, room) = (self.profile.clone(), self.room);
        spawn_local(async move { profile.remember_closed(room, statement).await });
    }

    fn show(&mut self, room: Rc<RoomState>) {
        self.remember_room(&room);
        self.telling.note(&room);
        self.on_show.emit(room);
    }
}

impl Browser {
    fn files(&self) -> Files {
        Files::new(&self.profile, self.room)
    }

    /// Keeps the room among those to go back to, unless it is closed. Of one that is forgotten nothing is kept.
    fn remember_room(&mut self, room: &RoomState) {
        if room.forgotten {
            return;
        }
        if visibility(&self.in_front) == Visibility::Shown {
            self.unread_before = 0;
        }
        let known = (!room.closed).then(|| KnownRoom {
            code: self.code.clone(),
            name: room.name.clone().unwrap_or_default(),
            with: rooms::met(room),
            unread: room.unread.saturating_add(self.unread_before),
            // As it was chosen.
            told: Told::default(),
        });
        if self.remembered.as_ref() != Some(&known) {
            match &known {
                Some(known) => rooms::remember(known.clone()),
                None => rooms::forget(&self.code),
            }
            self.remembered = Some(known);
        }
    }
}

/// Whether somebody looks at a room: the page is in view, and shows it.
fn visibility(in_front: &Cell<bool>) -> Visibility {
    if js::document().hidden() || !in_front.get() {
        Visibility::Hidden
    } else {
        Visibility::Shown
    }
}

/// What the page tells every driver.
fn listeners(events: &Events, in_front: &Rc<Cell<bool>>) -> [EventListener; 5] {
    let window = js::window();
    let listen = |name: &'static str, event: fn() -> DriverEvent| {
        let events = events.clone();
        EventListener::new(&window, name, move |_| events.send(event()))
    };
    let (seen, in_front) = (events.clone(), Rc::clone(in_front));
    [
        listen("online", || DriverEvent::Input(Input::Network { online: true })),
        listen("offline", || DriverEvent::Input(Input::Network { online: false })),
        listen("pagehide", || DriverEvent::Leave),
        EventListener::new(&window, "pageshow", |event| {
            // Back from the browser's page cache, where the node had to leave: start anew.
            if event.unchecked_ref::<PageTransitionEvent>().persisted() {
                worker::reload();
            }
        }),
        // The timers of a page in the background run late: the core makes up for it.
        EventListener::new(&js::document(), "visibilitychange", move |_| {
            seen.send(DriverEvent::Visibility(visibility(&in_front)));
        }),
    ]
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use futures_channel::mpsc::unbounded;
    use futures_util::StreamExt;
    use mesh::model::{Delivery, SendError, ServerState};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn without_a_server_a_message_waits_and_leaving_works() {
        let profile = crate::profile::boot().await.unwrap();
        let (sender, mut shown) = unbounded();
        let on_show = Callback::from(move |room| sender.unbounded_send(room).unwrap());
        let code = profile.generate_room();
        let Joined { session, .. } = join(&profile, &code, "Ann".into(), (on_show, true));
        assert_eq!(code.open().founder(), Some(session.peer_id()));
        session.say(None, "anyone?").unwrap();
        assert_eq!(session.say(None, " "), Err(SendError::Empty));

        // The test page's server has no rendezvous: the socket fails, and the next attempt is announced.
        let is_waiting = |room: &RoomState| {
            let mut servers = room.servers.values();
            servers.any(|state| matches!(state, ServerState::Waiting { .. }))
        };
        let room = loop {
            let room = shown.next().await.unwrap();
            if is_waiting(&room) {
                break room;
            }
        };
        assert_eq!(room.messages[0].delivery, Some(Delivery::Waiting));
        session.leave();
        while !shown.next().await.unwrap().left {}
        assert_eq!(session.say(None, "too late"), Err(SendError::Left));
    }
}
