//! The handle that a page has on a running program.

use std::{cell::RefCell, fmt, rc::Rc};

use mesh::{
    NodeConfig,
    io::{Instant, Now, TransportPolicy},
    model::{
        CloseError, FileError, FileInfo, Imported, Invitation, InvitationError, Network, Retention, SendError, Vanish,
    },
    pieces::PieceHash,
};
use shared::{FileId, Identity, MessageId, PeerId, Room, RoomId, signal::IceServer};

use crate::{
    core::Core,
    driver::{Clock, Driver, DriverEvent, EventQueue, Events, Platform},
    export::{self, File, Format, Source},
    marks::Marks,
    notice::Notice,
    room::RoomState,
};

/// A handle on a program in a room. Cheap to clone; with the last clone the program leaves.
///
/// A command acts on the core at once, and wakes the driver to do what follows from it.
#[derive(Clone)]
pub struct Session(Rc<Handle>);

struct Handle {
    me: PeerId,
    core: Rc<RefCell<Core>>,
    events: Events,
    clock: Clock,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.events.send(DriverEvent::Abandoned);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// What it takes to enter a room.
#[derive(Debug)]
pub struct Entrance {
    /// Who we are.
    pub identity: Identity,
    /// Which room.
    pub room: Room,
    /// What the node is told.
    pub config: NodeConfig,
    /// Unpredictable, and never used twice.
    pub seed: [u8; 32],
    /// Reads the platform's clocks.
    pub clock: Clock,
}

impl Session {
    /// Enters a room, on a `platform` that reports by the `events` of `queue`. The first sockets open at once; for all that follows
    /// [`Driver::run`] has to be polled.
    pub fn enter<P: Platform>(
        entrance: Entrance,
        platform: P,
        (events, queue): (Events, EventQueue),
    ) -> (Self, Driver<P>) {
        let Entrance {
            identity,
            room,
            config,
            seed,
            clock,
        } = entrance;
        let me = identity.peer_id();
        let core = Rc::new(RefCell::new(Core::new(identity, room, config, seed, clock())));
        let mut driver = Driver::new(Rc::clone(&core), platform, clock, (events.clone(), queue));
        driver.start();
        let session = Self(Rc::new(Handle {
            me,
            core,
            events,
            clock,
        }));
        (session, driver)
    }

    /// Our public key.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.0.me
    }

    /// The room as it is now.
    #[must_use]
    pub fn room(&self) -> Rc<RoomState> {
        Rc::clone(self.0.core.borrow().room())
    }

    /// Which room this is.
    #[must_use]
    pub fn room_id(&self) -> RoomId {
        self.0.core.borrow().node().room_id()
    }

    /// All that is shown of the room, called `name` if it is called anything, as a file.
    #[must_use]
    pub fn export(&self, name: Option<&str>, format: Format) -> File {
        let core = self.0.core.borrow();
        let record = |id: &MessageId| core.node().record(id);
        let source = Source {
            state: core.room(),
            room: core.node().room_id(),
            record: &record,
        };
        export::file(&source, name, format, (self.0.clock)().unix_millis)
    }

    /// See [`Node::import`](mesh::Node::import).
    pub fn import(&self, records: &[Vec<u8>]) -> Imported {
        self.command(|core, now| core.import(now, records))
    }

    /// See [`Core::has_written_all`].
    #[must_use]
    pub fn has_written_all(&self) -> bool {
        self.0.core.borrow().has_written_all()
    }

    /// Says `text` to everyone, or to one person.
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn say(&self, to: Option<PeerId>, text: &str) -> Result<MessageId, SendError> {
        self.command(|core, now| match to {
            None => core.say(now, text),
            Some(to) => core.whisper(now, to, text),
        })
    }

    /// See [`Core::reply`].
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn reply(&self, to: MessageId, text: &str) -> Result<MessageId, SendError> {
        self.command(|core, now| core.reply(now, to, text))
    }

    /// See [`Core::edit`].
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn edit(&self, of: MessageId, text: &str) -> Result<(), SendError> {
        self.command(|core, now| core.edit(now, of, text))
    }

    /// See [`Core::delete`].
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    pub fn delete(&self, of: MessageId) -> Result<(), SendError> {
        self.command(|core, now| core.delete(now, of))
    }

    /// See [`Core::react`].
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    pub fn react(&self, to: MessageId, emoji: &str) -> Result<(), SendError> {
        self.command(|core, now| core.react(now, to, emoji))
    }

    /// See [`Node::is_awaited`](mesh::Node::is_awaited).
    #[must_use]
    pub fn is_awaited(&self, id: &MessageId) -> bool {
        self.0.core.borrow().node().is_awaited(id)
    }

    /// The room's network as we know it.
    #[must_use]
    pub fn network(&self) -> Network {
        self.0.core.borrow().network()
    }

    /// See [`Node::recipients`](mesh::Node::recipients).
    #[must_use]
    pub fn recipients(&self, id: MessageId) -> Vec<(PeerId, bool)> {
        self.0.core.borrow().node().recipients(id)
    }

    /// See [`Core::invite`].
    ///
    /// # Errors
    /// [`InvitationError`].
    pub fn invite(&self) -> Result<(), InvitationError> {
        self.command(|core, now| core.invite(now))
    }

    /// See [`Core::take_invitation`].
    ///
    /// # Errors
    /// [`InvitationError`]; nothing was done.
    pub fn take_invitation(&self, text: &str) -> Result<Invitation, InvitationError> {
        self.command(|core, now| core.take_invitation(now, text))
    }

    /// Gives the room a name, as its founder.
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    ///
    /// # Panics
    /// If the name is not [valid](crate::validate::name).
    pub fn name_room(&self, name: &str) -> Result<(), SendError> {
        self.command(|core, now| core.name_room(now, name))
    }

    /// See [`Core::set_topic`].
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    ///
    /// # Panics
    /// If it is not [valid](crate::validate::topic).
    pub fn set_topic(&self, topic: &str) -> Result<(), SendError> {
        self.command(|core, now| core.set_topic(now, topic))
    }

    /// See [`Core::pin`].
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    pub fn pin(&self, id: MessageId) -> Result<(), SendError> {
        self.command(|core, now| core.pin(now, id))
    }

    /// See [`Core::note_typing`].
    pub fn note_typing(&self) {
        self.command(Core::note_typing);
    }

    /// See [`Core::set_vanish`].
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    pub fn set_vanish(&self, after: Vanish) -> Result<(), SendError> {
        self.command(|core, now| core.set_vanish(now, after))
    }

    /// See [`Core::set_retention`].
    pub fn set_retention(&self, keep: Retention) {
        self.command(|core, now| core.set_retention(now, keep));
    }

    /// Calls our person by another name.
    ///
    /// # Panics
    /// If the name is not [valid](crate::validate::name).
    pub fn rename(&self, name: String) {
        self.command(|core, now| core.rename(now, name));
    }

    /// See [`Core::mark`].
    pub fn mark(&self, marks: Marks) {
        self.command(|core, now| core.mark(now, marks));
    }

    /// Closes the room for everyone and for good, and leaves it.
    ///
    /// # Errors
    /// [`CloseError`]; nothing was done.
    pub fn close_room(&self) -> Result<(), CloseError> {
        self.command(|core, now| core.close_room(now))
    }

    /// See [`Core::offer_file`].
    ///
    /// # Errors
    /// [`FileError`]; nothing was offered.
    pub fn offer_file(&self, info: FileInfo, hashes: Vec<PieceHash>) -> Result<MessageId, FileError> {
        self.command(|core, now| core.offer_file(now, info, hashes))
    }

    /// See [`Core::fetch_file`].
    ///
    /// # Errors
    /// [`FileError`]; nothing is fetched.
    pub fn fetch_file(&self, info: FileInfo) -> Result<(), FileError> {
        self.command(|core, now| core.fetch_file(now, info))
    }

    /// See [`Core::pause_file`].
    pub fn pause_file(&self, root: FileId) {
        self.command(|core, now| core.pause_file(now, root));
    }

    /// See [`Core::cancel_file`].
    pub fn cancel_file(&self, root: FileId) {
        self.command(|core, now| core.cancel_file(now, root));
    }

    /// Leaves the room. The room is [`left`](RoomState::left) within a second.
    pub fn leave(&self) {
        self.command(|core, now| core.leave(now));
    }

    /// See [`Core::forget`].
    pub fn forget(&self) {
        self.command(Core::forget);
    }

    /// Tries the servers now.
    pub fn retry_now(&self) {
        self.command(|core, now| core.retry_now(now));
    }

    /// Shows a notice.
    pub fn notify(&self, notice: Notice) {
        self.command(|core, now| core.notify(now, notice));
    }

    /// Takes a notice away that was read.
    pub fn dismiss(&self, id: u64) {
        self.command(|core, now| core.dismiss(now, id));
    }

    /// What servers name to find a path with.
    #[must_use]
    pub fn ice_servers(&self) -> Vec<IceServer> {
        self.0.core.borrow().node().ice_servers()
    }

    /// See [`Node::transport_policy`](mesh::Node::transport_policy).
    #[must_use]
    pub fn transport_policy(&self) -> TransportPolicy {
        self.0.core.borrow().node().transport_policy()
    }

    /// See [`Core::diagnostics`].
    #[must_use]
    pub fn diagnostics(&self) -> String {
        self.0.core.borrow().diagnostics((self.0.clock)())
    }

    /// Milliseconds from now until `at`; 0 if that has passed.
    #[must_use]
    pub fn millis_until(&self, at: Instant) -> u64 {
        at.as_millis().saturating_sub((self.0.clock)().instant.as_millis())
    }

    fn command<T>(&self, command: impl FnOnce(&mut Core, Now) -> T) -> T {
        let result = command(&mut self.0.core.borrow_mut(), (self.0.clock)());
        self.0.events.send(DriverEvent::Wake);
        result
    }
}
