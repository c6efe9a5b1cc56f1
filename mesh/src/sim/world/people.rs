//! What people do in a world: talk, invite, leave, crash, sleep, come back.

use shared::MessageId;

use super::{Body, Simulation, Who, millis};
use crate::io::Input;
use crate::model::{CloseError, Event, Invitation, InvitationError, Retention, SendError, Vanish};

impl<B: Body> Simulation<B> {
    pub(crate) fn say(&mut self, who: Who, text: &str) -> MessageId {
        self.try_say(who, text).unwrap()
    }

    pub(crate) fn try_say(&mut self, who: Who, text: &str) -> Result<MessageId, SendError> {
        let now = self.now_of(who);
        let said = self.machines[who].body.say(now, text);
        self.drain(who);
        said
    }

    pub(crate) fn edit(&mut self, who: Who, of: MessageId, text: &str) {
        let now = self.now_of(who);
        self.machines[who].body.edit(now, of, text).unwrap();
        self.drain(who);
    }

    pub(crate) fn delete(&mut self, who: Who, of: MessageId) {
        let now = self.now_of(who);
        self.ledger.delete(of);
        self.machines[who].body.delete(now, of).unwrap();
        self.drain(who);
    }

    pub(crate) fn react(&mut self, who: Who, to: MessageId, emoji: &[&str]) {
        let (now, emoji) = (self.now_of(who), emoji.iter().map(|&one| one.to_owned()).collect());
        self.machines[who].body.react(now, to, emoji).unwrap();
        self.drain(who);
    }

    pub(crate) fn whisper(&mut self, who: Who, to: Who, text: &str) -> Result<MessageId, SendError> {
        let (now, to) = (self.now_of(who), self.machines[to].id);
        let said = self.machines[who].body.whisper(now, to, text);
        self.drain(who);
        said
    }

    pub(crate) fn leave(&mut self, who: Who) {
        let now = self.now_of(who);
        self.machines[who].body.leave(now);
        self.drain(who);
    }

    /// The browser process dies: nobody is told anything, the server's socket looks alive until its heartbeats are missed.
    pub(crate) fn kill(&mut self, who: Who) {
        let machine = &mut self.machines[who];
        machine.alive = false;
        machine.ends.clear();
        machine.sockets.clear();
        machine.backlog.clear();
    }

    /// The browser crashes: peers are told nothing, but its machine closes the sockets to servers.
    pub(crate) fn crash(&mut self, who: Who) {
        for server in self.machines[who].sockets.keys().copied().collect::<Vec<_>>() {
            self.close_socket(who, server);
        }
        self.kill(who);
    }

    /// `host` invites `guest` by hand, and the two go through with it: they read each other their texts, a few seconds in all.
    pub(crate) fn invite_by_hand(&mut self, host: Who, guest: Who) -> bool {
        let invitation = self.invite(host);
        let answer = self.answer_invitation(guest, &invitation);
        self.take_invitation(host, &answer).is_ok()
    }

    /// Makes an invitation and takes down its text.
    pub(crate) fn invite(&mut self, host: Who) -> String {
        let (now, since) = (self.now_of(host), self.machines[host].events.len());
        self.machines[host].body.invite(now).unwrap();
        self.drain(host);
        self.text_since(host, since).unwrap()
    }

    /// Takes an invitation, or the answer to one.
    pub(crate) fn take_invitation(&mut self, who: Who, text: &str) -> Result<Invitation, InvitationError> {
        let now = self.now_of(who);
        let taken = self.machines[who].body.take_invitation(now, text);
        self.drain(who);
        taken
    }

    /// Takes an invitation and takes down its answer.
    pub(crate) fn answer_invitation(&mut self, guest: Who, invitation: &str) -> String {
        let since = self.machines[guest].events.len();
        assert_eq!(self.take_invitation(guest, invitation), Ok(Invitation::Invited));
        self.text_since(guest, since).unwrap()
    }

    /// The last text for going by hand that a node gave, as soon as there is one.
    fn text_since(&mut self, who: Who, since: usize) -> Option<String> {
        for _ in 0..100 {
            let texts = self.machines[who].events[since..].iter();
            let mut texts = texts.filter_map(|(_, event)| match event {
                Event::Invitation { text } | Event::InvitationAnswer { text } => Some(text.clone()),
                _ => None,
            });
            if let Some(text) = texts.next_back() {
                return Some(text);
            }
            self.run_for(millis(100));
        }
        None
    }

    pub(crate) fn name_room(&mut self, who: Who, name: &str) -> Result<(), SendError> {
        let now = self.now_of(who);
        let named = self.machines[who].body.name_room(now, name);
        self.drain(who);
        named
    }

    pub(crate) fn set_topic(&mut self, who: Who, topic: &str) -> Result<(), SendError> {
        let now = self.now_of(who);
        let set = self.machines[who].body.set_topic(now, topic);
        self.drain(who);
        set
    }

    pub(crate) fn set_pins(&mut self, who: Who, ids: Vec<MessageId>) -> Result<(), SendError> {
        let now = self.now_of(who);
        let set = self.machines[who].body.set_pins(now, ids);
        self.drain(who);
        set
    }

    pub(crate) fn note_typing(&mut self, who: Who) {
        let now = self.now_of(who);
        self.machines[who].body.note_typing(now);
        self.drain(who);
    }

    pub(crate) fn set_vanish(&mut self, who: Who, after: Vanish) -> Result<(), SendError> {
        let now = self.now_of(who);
        let set = self.machines[who].body.set_vanish(now, after);
        self.drain(who);
        set
    }

    pub(crate) fn set_retention(&mut self, who: Who, keep: Retention) {
        let now = self.now_of(who);
        self.machines[who].body.set_retention(now, keep);
        self.drain(who);
    }

    pub(crate) fn rename(&mut self, who: Who, name: &str) {
        let now = self.now_of(who);
        self.machines[who].body.rename(now, name);
        name.clone_into(&mut self.machines[who].name);
        self.drain(who);
    }

    pub(crate) fn close_room(&mut self, who: Who) -> Result<(), CloseError> {
        let now = self.now_of(who);
        let closed = self.machines[who].body.close_room(now);
        self.drain(who);
        closed
    }

    /// The tab is closed: no goodbye, but the browser closes its sockets and connections.
    pub(crate) fn close_tab(&mut self, who: Who) {
        for link in self.machines[who].ends.keys().copied().collect::<Vec<_>>() {
            self.close_end(who, link);
        }
        self.crash(who);
    }

    /// The same person comes back in a new page.
    pub(crate) fn restart(&mut self, who: Who) {
        assert!(!self.machines[who].alive, "close or kill it first");
        let (identity, name) = (self.machines[who].identity.clone(), self.machines[who].name.clone());
        let (skew, closed) = (self.machines[who].skew, self.machines[who].closed.clone());
        let body = self.make_body(&identity, &name, skew, closed);
        let machine = &mut self.machines[who];
        machine.body = body;
        machine.life += 1;
        (machine.alive, machine.asleep, machine.left) = (true, false, false);
        machine.timer_at = u64::MAX;
        machine.people.clear();
        machine.events.clear();
        self.ledger.forget_shown(machine.id);
        self.restore(who);
        self.drain(who);
    }

    /// The lid is closed: no timers, and what arrives waits.
    pub(crate) fn sleep(&mut self, who: Who) {
        self.machines[who].asleep = true;
    }

    pub(crate) fn wake(&mut self, who: Who) {
        self.machines[who].asleep = false;
        // A browser may run the late timer before or after what the sockets have for it.
        if self.chance(who, 0, 1) == 0 {
            self.handle_timeout(who);
        }
        while let Some(happening) = self.machines[who].backlog.pop_front() {
            self.happen(happening);
        }
        self.handle_timeout(who);
    }

    pub(crate) fn set_network(&mut self, who: Who, online: bool) {
        self.input(who, Input::Network { online });
    }

    /// Hands a node any input at all.
    pub(crate) fn input(&mut self, who: Who, input: Input) {
        let now = self.now_of(who);
        self.machines[who].body.handle_input(now, input);
        self.drain(who);
    }
}
