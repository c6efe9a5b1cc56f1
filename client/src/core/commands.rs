//! What the person in front of the program can ask for.

use mesh::{
    io::Now,
    model::{
        CloseError, FileError, FileInfo, Imported, Invitation, InvitationError, Network, Retention, SendError, Vanish,
    },
    pieces::PieceHash,
};
use shared::{FileId, MessageId, PeerId};

use super::Core;
use crate::{
    diagnostics::{self, Command, Happening, OwnState, Snapshot},
    marks::Marks,
    notice::Notice,
    room::{RoomAction, Visibility},
};

impl Core {
    /// Says `text` to everyone.
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn say(&mut self, now: Now, text: &str) -> Result<MessageId, SendError> {
        self.command(now, Command::Say);
        self.node.say(now, text)
    }

    /// Says `text` to one person.
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn whisper(&mut self, now: Now, to: PeerId, text: &str) -> Result<MessageId, SendError> {
        self.command(now, Command::Whisper);
        self.node.whisper(now, to, text)
    }

    /// Says `text` to everyone, in answer to a message that was said to everyone.
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn reply(&mut self, now: Now, to: MessageId, text: &str) -> Result<MessageId, SendError> {
        self.command(now, Command::Say);
        self.node.reply(now, to, text)
    }

    /// Has a message of ours say `text` from now on. What it says already is not said again.
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn edit(&mut self, now: Now, of: MessageId, text: &str) -> Result<(), SendError> {
        self.command(now, Command::Edit);
        let entry = self.room.entry(&of).ok_or(SendError::NotOwn)?;
        if !entry.may_be_edited() {
            return Err(SendError::NotOwn);
        }
        if entry.message.text == text {
            return Ok(());
        }
        self.node.edit(now, of, text)
    }

    /// Deletes a message that we said to everyone, with everybody who follows.
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    pub fn delete(&mut self, now: Now, of: MessageId) -> Result<(), SendError> {
        self.command(now, Command::Delete);
        let entry = self.room.entry(&of).filter(|entry| entry.may_be_deleted());
        let about = entry.ok_or(SendError::NotOwn)?.about.as_deref();
        let edits = about.into_iter().flat_map(|about| about.edit_ids(&self.room.me));
        self.node.delete(now, of, &edits.collect::<Vec<_>>())
    }

    /// Has this emoji for a message that was said to everyone, or no longer.
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    pub fn react(&mut self, now: Now, to: MessageId, emoji: &str) -> Result<(), SendError> {
        self.command(now, Command::React);
        let about = self.room.entry(&to).and_then(|entry| entry.about.as_deref());
        let mut ours = about.map_or_else(Vec::new, |about| about.reactions_of(&self.room.me).to_vec());
        let before = ours.len();
        ours.retain(|one| one != emoji);
        if ours.len() == before {
            ours.push(emoji.to_owned());
        }
        self.node.react(now, to, ours)
    }

    /// Gives the room a name, as its founder.
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    ///
    /// # Panics
    /// If the name is not [valid](crate::validate::name).
    pub fn name_room(&mut self, now: Now, name: &str) -> Result<(), SendError> {
        self.command(now, Command::NameRoom);
        self.node.name_room(now, name)
    }

    /// Says what the room is about, as its founder.
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    ///
    /// # Panics
    /// If it is not [valid](crate::validate::topic).
    pub fn set_topic(&mut self, now: Now, topic: &str) -> Result<(), SendError> {
        self.command(now, Command::NameRoom);
        self.node.set_topic(now, topic)
    }

    /// Has everybody find these messages, as the founder.
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    pub fn set_pins(&mut self, now: Now, ids: Vec<MessageId>) -> Result<(), SendError> {
        self.command(now, Command::NameRoom);
        self.node.set_pins(now, ids)
    }

    /// Has everybody find a message, or no longer, as the founder.
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    pub fn pin(&mut self, now: Now, id: MessageId) -> Result<(), SendError> {
        let mut ids = self.room.pins.clone();
        let before = ids.len();
        ids.retain(|pinned| *pinned != id);
        if ids.len() == before {
            ids.push(id);
        }
        self.set_pins(now, ids)
    }

    /// The person is typing something to everyone. To be called with each key: the others are told as often as they need it.
    pub fn note_typing(&mut self, now: Now) {
        self.advance(now);
        self.node.note_typing(now);
    }

    /// Has messages vanish after so long, as the founder.
    ///
    /// # Errors
    /// [`SendError`]; nothing was done.
    pub fn set_vanish(&mut self, now: Now, after: Vanish) -> Result<(), SendError> {
        self.command(now, Command::Keep);
        self.node.set_vanish(now, after)
    }

    /// Keeps so much of the room on this machine from now on.
    pub fn set_retention(&mut self, now: Now, keep: Retention) {
        self.command(now, Command::Keep);
        self.node.set_retention(now, keep);
    }

    /// Takes entries back that were exported: see [`Node::import`](mesh::Node::import).
    pub fn import(&mut self, now: Now, records: &[Vec<u8>]) -> Imported {
        self.command(now, Command::Import);
        self.node.import(now, records)
    }

    /// Calls our person by another name.
    ///
    /// # Panics
    /// If the name is not [valid](crate::validate::name).
    pub fn rename(&mut self, now: Now, name: String) {
        self.command(now, Command::Rename);
        self.node.rename(now, &name);
        self.act(now, RoomAction::Renamed { name });
    }

    /// The person thinks this of others from now on: those and no others are marked.
    pub fn mark(&mut self, now: Now, marks: Marks) {
        let marks = marks.into();
        self.act(now, RoomAction::Marked { marks });
    }

    /// Makes an invitation for one person, to be handed over by hand; the room shows it once it is ready.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub fn invite(&mut self, now: Now) -> Result<(), InvitationError> {
        self.command(now, Command::Invite);
        self.node.invite(now)
    }

    /// Takes an invitation, or the answer to one of ours, whichever `text` is. The room shows the answer to an invitation once it is
    /// ready.
    ///
    /// # Errors
    /// [`InvitationError`]; nothing was done.
    pub fn take_invitation(&mut self, now: Now, text: &str) -> Result<Invitation, InvitationError> {
        self.command(now, Command::TakeInvitation);
        let taken = self.node.take_invitation(now, text);
        if taken == Ok(Invitation::Answered) {
            self.act(now, RoomAction::InvitationUsed);
        }
        taken
    }

    /// Closes the room for everyone and for good, and leaves it.
    ///
    /// # Errors
    /// [`CloseError`]; nothing was done.
    pub fn close_room(&mut self, now: Now) -> Result<(), CloseError> {
        self.command(now, Command::CloseRoom);
        self.node.close_room(now)
    }

    /// Leaves the room. The room is [`left`](crate::room::RoomState::left) within a second.
    pub fn leave(&mut self, now: Now) {
        self.start_leaving(now);
        self.node.leave(now);
    }

    /// The same for a program that ends now: others are told, and what waits is written, as far as there is time.
    pub fn leave_at_once(&mut self, now: Now) {
        self.start_leaving(now);
        self.node.leave_at_once(now);
        self.journal.hasten(self.now);
    }

    fn start_leaving(&mut self, now: Now) {
        self.command(now, Command::Leave);
        if self.own_state == OwnState::Here {
            self.own_state = OwnState::Leaving;
        }
    }

    /// Keeps nothing of the room any more: what is kept of it is about to be forgotten.
    pub fn forget(&mut self, now: Now) {
        self.end_keeping(now);
        self.act(now, RoomAction::Forgotten);
    }

    /// Offers a file to everyone. All its pieces have to be where [`Request::ReadPiece`](super::Request::ReadPiece) finds them.
    ///
    /// # Errors
    /// [`FileError`]; nothing was offered.
    pub fn offer_file(&mut self, now: Now, info: FileInfo, hashes: Vec<PieceHash>) -> Result<MessageId, FileError> {
        self.command(now, Command::OfferFile);
        self.node.offer_file(now, info, hashes)
    }

    /// Fetches a file that somebody offered, or goes on with that.
    ///
    /// # Errors
    /// [`FileError`]; nothing is fetched.
    pub fn fetch_file(&mut self, now: Now, info: FileInfo) -> Result<(), FileError> {
        self.command(now, Command::FetchFile);
        self.node.fetch_file(now, info)
    }

    /// Fetches no more of a file for now. What is here stays.
    pub fn pause_file(&mut self, now: Now, root: FileId) {
        self.command(now, Command::PauseFile);
        self.node.pause_file(now, root);
    }

    /// Fetches no more of a file, and keeps nothing of it.
    pub fn cancel_file(&mut self, now: Now, root: FileId) {
        self.command(now, Command::CancelFile);
        self.node.cancel_file(now, root);
    }

    /// Tries the servers now.
    pub fn retry_now(&mut self, now: Now) {
        self.command(now, Command::Retry);
        self.node.retry_now(now);
    }

    /// Whether somebody looks. Whoever looks has seen everything; timers that ran late meanwhile are made up for.
    pub fn set_visibility(&mut self, now: Now, visibility: Visibility) {
        self.advance(now);
        self.visibility = visibility;
        self.recorder.note(self.now, Happening::Visible { visibility });
        if visibility == Visibility::Shown {
            if self.room.unread > 0 {
                self.act(now, RoomAction::Seen);
            }
            self.node.handle_timeout(now);
        }
    }

    /// Shows a notice.
    pub fn notify(&mut self, now: Now, notice: Notice) {
        self.act(now, RoomAction::Notify { notice });
    }

    /// Takes a notice away that was read.
    pub fn dismiss(&mut self, now: Now, id: u64) {
        self.act(now, RoomAction::Dismiss { id });
    }

    /// The room's network as the node knows it.
    #[must_use]
    pub fn network(&self) -> Network {
        self.node.network()
    }

    /// What helps to find out what is wrong, as text: states, counters and the last events, without texts, names, keys and addresses.
    #[must_use]
    pub fn diagnostics(&self, now: Now) -> String {
        let network = self.node.network();
        let snapshot = Snapshot {
            at: self.now.max(now.instant),
            own_state: self.own_state,
            room: &self.room,
            links: network.links.len(),
            reachable: network.nodes.len(),
            network_size: network.size,
            counters: self.node.counters(),
        };
        diagnostics::report(&snapshot, &self.recorder)
    }

    fn command(&mut self, now: Now, command: Command) {
        self.advance(now);
        self.recorder.note(self.now, Happening::Command { command });
    }

    /// What the person does is shown at once.
    pub(super) fn act(&mut self, now: Now, action: RoomAction) {
        self.advance(now);
        self.change(self.now, action);
    }
}
