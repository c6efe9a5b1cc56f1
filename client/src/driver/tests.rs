//! A driver on a made-up platform, whose clock stands still.

use std::{
    cell::Cell,
    collections::VecDeque,
    pin::pin,
    task::{Context, Poll, Waker},
};

use mesh::NodeConfig;
use shared::{
    FileId, Identity, RoomCode,
    signal::{Event::Challenge, Nonce, PROTOCOL_VERSION},
};

use super::*;
use crate::{
    contract::now_or_never,
    session::{Entrance, Session},
};

/// What a platform was asked for, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Timer(Option<Duration>),
    Open(ServerId),
    Close(ServerId),
    Connect(LinkId),
    Step(LinkId, Step),
    Transmit(LinkId, Vec<u8>),
    Drop(LinkId),
    Write,
    Other,
    Show,
}

/// A platform that does nothing. Clones share what they note.
#[derive(Debug, Clone, Default)]
struct Paper {
    asked: Rc<RefCell<VecDeque<Asked>>>,
    shown: Rc<RefCell<Option<Rc<RoomState>>>>,
    is_exhausted: bool,
    is_full: bool,
    keeps: bool,
    is_lost: Rc<Cell<bool>>,
}

impl Paper {
    fn keeping() -> Self {
        Self {
            keeps: true,
            ..Self::default()
        }
    }

    fn note(&self, asked: Asked) {
        self.asked.borrow_mut().push_back(asked);
    }

    fn take(&self) -> Vec<Asked> {
        self.asked.take().into()
    }
}

impl Platform for Paper {
    async fn restore(&self) -> Option<Vec<StoredRecord>> {
        self.keeps.then(Vec::new)
    }
    async fn pause(&self) {}
    async fn is_still_us(&self) -> bool {
        !self.is_lost.get()
    }
    fn arm_timer(&mut self, after: Option<Duration>) {
        self.note(Asked::Timer(after));
    }
    fn open_socket(&mut self, server: ServerId, _: &str) {
        self.note(Asked::Open(server));
    }
    fn close_socket(&mut self, server: ServerId) {
        self.note(Asked::Close(server));
    }
    fn send_signal(&mut self, _: ServerId, _: &str) {
        self.note(Asked::Other);
    }
    fn connect(&mut self, link: LinkId, _: &[IceServer]) -> Result<(), Exhausted> {
        self.note(Asked::Connect(link));
        if self.is_exhausted { Err(Exhausted) } else { Ok(()) }
    }
    fn step(&mut self, link: LinkId, step: Step) {
        self.note(Asked::Step(link, step));
    }
    fn transmit(&mut self, link: LinkId, message: &[u8]) -> Result<(), SlowReader> {
        self.note(Asked::Transmit(link, message.to_vec()));
        if self.is_full { Err(SlowReader) } else { Ok(()) }
    }
    fn transmit_file(&mut self, _: LinkId, _: &[u8]) {
        self.note(Asked::Other);
    }
    fn read_piece(&mut self, _: FileId, _: u32) {
        self.note(Asked::Other);
    }
    fn write_piece(&mut self, _: FileId, _: u32, _: Vec<u8>) {
        self.note(Asked::Other);
    }
    fn forget_file(&mut self, _: FileId) {
        self.note(Asked::Other);
    }
    fn hang_up(&mut self, _: LinkId) {
        self.note(Asked::Other);
    }
    fn drop_connection(&mut self, link: LinkId) {
        self.note(Asked::Drop(link));
    }
    fn post_nearby(&mut self, _: &[u8]) {
        self.note(Asked::Other);
    }
    fn write(&mut self, _: Vec<Change>, _: Durability) {
        self.note(Asked::Write);
    }
    fn remember_closed(&mut self, _: Vec<u8>) {
        self.note(Asked::Other);
    }
    fn show(&mut self, room: Rc<RoomState>) {
        *self.shown.borrow_mut() = Some(room);
        self.note(Asked::Show);
    }
}

fn noon() -> Now {
    Now {
        instant: Instant::from_millis(1_000),
        unix_millis: 1_700_000_000_000,
    }
}

fn enter(platform: Paper) -> (Session, Driver<Paper>) {
    let entrance = Entrance {
        identity: Identity::from_secret(&[1; 32]),
        room: RoomCode::parse("driver").unwrap().open(),
        config: NodeConfig {
            name: "Ann".to_owned(),
            servers: vec!["rooms.example".to_owned()],
            closed: None,
            timing: mesh::Timing::default(),
            keeps: mesh::config::Keeps::default(),
            transport_policy: mesh::io::TransportPolicy::All,
        },
        seed: [2; 32],
        clock: noon,
    };
    Session::enter(entrance, platform, Events::channel())
}

const SERVER: ServerId = ServerId(0);
const LINK: LinkId = LinkId(7);

fn connect() -> Request {
    Request::Connect {
        link: LINK,
        ice_servers: Vec::new(),
        step: Step::Offer,
    }
}

#[test]
fn the_first_socket_opens_before_the_names_are_known_and_a_message_says_that_it_waits() {
    let paper = Paper::default();
    let (session, driver) = enter(paper.clone());
    session.say(None, "anyone?").unwrap();
    drop(session);
    now_or_never(driver.run());
    assert_eq!(paper.take().first(), Some(&Asked::Open(SERVER)));
    let shown = paper.shown.take().unwrap();
    assert!(shown.left && shown.messages.len() == 1);
}

#[test]
fn a_program_that_nobody_holds_leaves_and_ends() {
    let paper = Paper::default();
    let (session, driver) = enter(paper.clone());
    let other = session.clone();
    drop(session);
    drop(other);
    now_or_never(driver.run());
    assert!(paper.shown.take().is_some_and(|room| room.left));
    assert!(paper.take().contains(&Asked::Close(SERVER)));
}

#[test]
fn a_program_does_not_end_before_what_was_said_last_is_stored() {
    for last in [Ok(()), Err(StoreError::Full)] {
        let paper = Paper::keeping();
        let (session, driver) = enter(paper.clone());
        let events = driver.events.clone();
        let mut run = pin!(driver.run());
        let mut goes_on = || run.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending;
        assert!(goes_on());
        session.say(None, "the last word").unwrap();
        session.leave();
        drop(session);
        assert!(goes_on());
        assert_eq!(paper.take().iter().filter(|asked| **asked == Asked::Write).count(), 1);
        let is_left = || paper.shown.borrow().as_ref().is_some_and(|room| room.left);
        assert!(!is_left(), "nobody can be told before it is stored");
        events.send(DriverEvent::Written(last));
        assert!(!goes_on() && is_left());
    }
}

#[test]
fn a_program_that_ends_now_leaves_at_once_and_ends_when_all_is_stored() {
    let paper = Paper::keeping();
    let (session, driver) = enter(paper.clone());
    let events = driver.events.clone();
    let mut run = pin!(driver.run());
    let mut goes_on = || run.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending;
    assert!(goes_on());
    session.say(None, "the last word").unwrap();
    events.send(DriverEvent::Leave);
    drop(session);
    assert!(goes_on());
    assert!(paper.shown.take().is_some_and(|room| room.left));
    assert!(paper.take().contains(&Asked::Write));
    events.send(DriverEvent::Written(Ok(())));
    assert!(!goes_on());
}

#[test]
fn who_is_somebody_else_by_now_is_out_before_anything_that_waited_is_done() {
    for is_lost in [false, true] {
        let paper = Paper::default();
        let (session, driver) = enter(paper.clone());
        let events = driver.events.clone();
        let mut run = pin!(driver.run());
        let mut goes_on = || run.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending;
        assert!(goes_on());
        paper.take();
        paper.is_lost.set(is_lost);
        events.input(Input::Signal {
            server: SERVER,
            event: Challenge {
                nonce: Nonce::from_bytes([3; 32]),
                version_min: PROTOCOL_VERSION,
                version_max: PROTOCOL_VERSION,
            },
        });
        assert!(goes_on());
        assert_eq!(session.room().left, is_lost);
        let (asked, hello) = (paper.take(), Asked::Other);
        assert_eq!(asked.contains(&hello), !is_lost, "{asked:?}");
    }
}

#[test]
fn what_is_done_in_a_room_that_was_left_is_shown_while_somebody_holds_it() {
    let paper = Paper::default();
    let (session, mut driver) = enter(paper.clone());
    driver.handle(DriverEvent::Leave);
    driver.drain();
    assert!(paper.shown.take().is_some_and(|room| room.left));
    session.notify(crate::notice::NoticeKind::RoomClosed.into());
    driver.drain();
    assert_eq!(paper.shown.take().map(|room| room.notices.len()), Some(1));
}

#[test]
fn a_connection_that_cannot_be_made_is_reported_and_takes_no_step() {
    let paper = Paper {
        is_exhausted: true,
        ..Paper::default()
    };
    let (_session, mut driver) = enter(paper.clone());
    paper.take();
    driver.act(connect());
    assert_eq!(paper.take(), [Asked::Connect(LINK)]);
    let end = LinkEnd::Exhausted;
    assert_eq!(
        driver.queue.try_next(),
        Some(DriverEvent::Input(Input::LinkClosed { link: LINK, end }))
    );
}

#[test]
fn a_connection_takes_its_first_step_and_a_slow_reader_is_reported() {
    let paper = Paper {
        is_full: true,
        ..Paper::default()
    };
    let (_session, mut driver) = enter(paper.clone());
    paper.take();
    driver.act(connect());
    driver.act(Request::Transmit {
        link: LINK,
        bytes: vec![1, 2].into(),
    });
    driver.act(Request::Drop { link: LINK });
    assert_eq!(
        paper.take(),
        [
            Asked::Connect(LINK),
            Asked::Step(LINK, Step::Offer),
            Asked::Transmit(LINK, vec![1, 2]),
            Asked::Drop(LINK),
        ]
    );
    let end = LinkEnd::SlowReader;
    assert_eq!(
        driver.queue.try_next(),
        Some(DriverEvent::Input(Input::LinkClosed { link: LINK, end }))
    );
}

#[test]
fn one_timer_is_armed_for_the_next_deadline_and_only_when_that_changed() {
    let paper = Paper::default();
    let (session, mut driver) = enter(paper.clone());
    driver.arm();
    // The server's state is shown before anything of the node is due.
    let tell = Asked::Timer(Some(crate::config::TELL_AFTER + Duration::from_millis(1)));
    assert_eq!(paper.take(), [Asked::Open(SERVER), tell.clone()]);
    driver.arm();
    assert_eq!(paper.take(), []);
    driver.handle(DriverEvent::Timer);
    driver.drain();
    driver.arm();
    assert_eq!(paper.take(), [tell], "what goes off is armed anew");
    session.leave();
    driver.drain();
    driver.arm();
    assert_eq!(paper.take().last(), Some(&Asked::Timer(None)));
}

#[test]
fn a_long_history_is_read_in_parts_the_latest_first_and_a_short_one_at_one_go() {
    let record = |number: usize, order: Option<u64>| {
        let mut value = Vec::new();
        if let Some(order) = order {
            // As an entry travels, as far as its place in the order.
            let entry = [vec![0x84, 1, 2, 0xf6, 0x1b], order.to_be_bytes().to_vec()].concat();
            value = [vec![0x82, 0x40, 0x58, u8::try_from(entry.len()).unwrap()], entry].concat();
        }
        let kind = if order.is_some() { 0 } else { 3 };
        let key = [vec![0x82, kind, 0x1b], number.to_be_bytes().to_vec()].concat();
        StoredRecord { key, value }
    };
    let few: Vec<_> = (0..RECALLED_AT_ONCE).map(|number| record(number, Some(7))).collect();
    assert_eq!(latest_first(few.clone()), [few]);

    let count = RECALLED_AT_ONCE * 2 + 10;
    let entries = (0..count).map(|number| record(number, Some(number as u64 * 7 % count as u64)));
    let records: Vec<_> = entries.chain((0..3).map(|number| record(number, None))).collect();
    let parts = latest_first(records.clone());
    assert_eq!(
        parts.iter().map(Vec::len).collect::<Vec<_>>(),
        [RECALLED_AT_ONCE + 3, RECALLED_AT_ONCE, 10]
    );
    let order = |record: &StoredRecord| Node::order_of(&record.key, &record.value).unwrap_or(u64::MAX);
    let ordered = parts.concat();
    assert!(ordered.iter().map(order).is_sorted_by(|one, other| one >= other));
    let sorted = |mut records: Vec<StoredRecord>| {
        records.sort();
        records
    };
    assert_eq!(sorted(ordered), sorted(records), "nothing is lost");
}
