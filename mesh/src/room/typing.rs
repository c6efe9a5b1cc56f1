//! Who is typing something to everyone.
//!
//! A sign goes along the tree of its author's beacons to whoever is eager there, and to nobody else: what is lost is not sent again, for the next
//! sign comes soon. Each node hands on one sign a second, whoever it is from: where many type at once some of them are seen at times.
//!
//! Invariants: nobody is shown for longer than [`TYPING_SHOWN`] after a sign, nor once what they typed came. A sign counts once, and none counts that
//! was made before its author's last beacon.

use shared::PeerId;

use super::{Room, receive::Handled, sync::Violation};
use crate::{
    bucket::Bucket,
    config::{TYPING_AGAIN, TYPING_PASSED_BURST, TYPING_PASSED_PER_SECOND, TYPING_SHOWN, TYPISTS_MAX},
    context::Context,
    io::{Instant, LinkId},
    model::Event,
    wire::{
        fragment::Fragments,
        frame::Frame,
        id::{ShortId, Tree},
        record::{Record, Unchecked},
        typing::Typing,
    },
};

/// Somebody who typed lately.
#[derive(Debug)]
struct Typist {
    peer: PeerId,
    /// The last sign, and what it is recognised by.
    last: Typing,
    id: ShortId,
    /// Until when they are shown, if they are.
    until: Option<Instant>,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(super) struct Typists {
    /// Whoever gave a sign last stands last.
    all: Vec<Typist>,
    passed: Bucket,
    /// How often we said it, and when last.
    count: u32,
    said_at: Option<Instant>,
}

impl Default for Typists {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            passed: Bucket::per_second(TYPING_PASSED_PER_SECOND, TYPING_PASSED_BURST),
            count: 0,
            said_at: None,
        }
    }
}

impl Typists {
    /// Whether this is somebody's last sign.
    fn has(&self, author: &PeerId, id: ShortId) -> bool {
        self.all.iter().any(|typist| typist.peer == *author && typist.id == id)
    }

    /// Somebody gave a sign. None if it is old, else whether they were not shown before.
    fn note(&mut self, now: Instant, record: &Record<Typing>) -> Option<bool> {
        let place = self.all.iter().position(|typist| typist.peer == record.author);
        if place.is_some_and(|place| self.all[place].last >= record.content) {
            return None;
        }
        let before = place.map(|place| self.all.remove(place));
        if self.all.len() >= TYPISTS_MAX {
            self.all.remove(0);
        }
        self.all.push(Typist {
            peer: record.author,
            last: record.content,
            id: record.short(),
            until: Some(now + TYPING_SHOWN),
        });
        Some(before.is_none_or(|before| before.until.is_none()))
    }

    /// Those for whom this is so are shown no longer. Says whether some were.
    fn hide(&mut self, is_over: impl Fn(&PeerId, Instant) -> bool) -> bool {
        let mut changed = false;
        for typist in &mut self.all {
            let peer = typist.peer;
            changed |= typist.until.take_if(|until| is_over(&peer, *until)).is_some();
        }
        changed
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.all.iter().filter_map(|typist| typist.until).min()
    }

    /// Whether we give a sign now.
    fn may_say(&mut self, now: Instant) -> bool {
        let is_due = self.said_at.is_none_or(|at| now >= at + TYPING_AGAIN);
        is_due && self.passed.take(now)
    }
}

impl Room {
    /// Our person is typing something to everyone.
    pub(crate) fn say_typing(&mut self, cx: &mut Context) {
        let now = cx.instant();
        let Some(beacon) = self.presence.own().map(|own| own.content.stamp) else {
            return;
        };
        if !self.typists.may_say(now) {
            return;
        }
        self.typists.said_at = Some(now);
        self.typists.count = self.typists.count.wrapping_add(1);
        let count = self.typists.count;
        let record = Record::sign(&cx.identity, &cx.room, Typing { beacon, count });
        self.trees.refresh(&self.roster);
        let tree = self.trees.own_beacon_route(false).tree;
        self.pass_typing(cx, &record, tree, None);
    }

    /// A neighbor says that somebody is typing.
    pub(super) fn on_typing(&mut self, cx: &mut Context, link: LinkId, tree: Tree, wire: &[u8]) -> Handled {
        let unchecked = Unchecked::read(wire).map_err(|_| Violation)?;
        let author = unchecked.author;
        let is_known = self.roster.weighs(&author) && !self.typists.has(&author, unchecked.short());
        if !is_known {
            return Ok(());
        }
        let Some(record) = self.check::<Typing>(cx, link, &unchecked, wire.len())? else {
            return Ok(());
        };
        let said = self.roster.beacon(&author).map(|beacon| beacon.content.stamp);
        if said.is_some_and(|said| record.content.beacon < said) {
            return Ok(());
        }
        let now = cx.instant();
        if let Some(is_news) = self.typists.note(now, &record) {
            if is_news {
                self.tell_typists(cx);
            }
            if self.typists.passed.take(now) {
                let tree = self.trees.beacon_route(ShortId::of_peer(&author), tree).tree;
                self.pass_typing(cx, &record, tree, Some(link));
            }
        }
        Ok(())
    }

    fn pass_typing(&self, cx: &mut Context, record: &Record<Typing>, tree: Tree, from: Option<LinkId>) {
        let wire = record.wire.as_slice().into();
        let frame = Fragments::of(&Frame::Typing { tree, wire });
        let eager = |link: &LinkId| Some(*link) != from && self.broadcast.is_eager(*link, tree);
        for link in self.neighbors.links().filter(eager) {
            cx.transmit(link, &frame);
        }
    }

    /// What somebody typed came. What our person types next is another thing.
    pub(super) fn end_typing(&mut self, cx: &mut Context, author: &PeerId) {
        if *author == self.me {
            self.typists.said_at = None;
        } else if self.typists.hide(|peer, _| peer == author) {
            self.tell_typists(cx);
        }
    }

    pub(crate) fn typing_due(&self) -> Option<Instant> {
        self.typists.poll_timeout()
    }

    /// Who gave no sign for a while types no longer.
    pub(crate) fn on_typing_due(&mut self, cx: &mut Context) {
        let now = cx.instant();
        if self.typists.hide(|_, until| now >= until) {
            self.tell_typists(cx);
        }
    }

    fn tell_typists(&self, cx: &mut Context) {
        let shown = self.typists.all.iter().filter(|typist| typist.until.is_some());
        let peers = shown.map(|typist| typist.peer).collect();
        cx.event(Event::Typing { peers });
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::{
        context::test::{identity, peer},
        io::Output,
        room::rig::{BOB, CID, Rig, beacon_frame, entry_frame, forged, sent, tree, violation},
    };

    /// Linked with the people of these numbers, who have been here for a while.
    fn linked(people: &[u8]) -> Rig {
        let mut rig = Rig::linked(people);
        for person in people {
            let beacon = rig.beacon_of(*person, 7);
            rig.handle(LinkId(u64::from(*person)), beacon_frame(&beacon, 1, tree(*person)));
        }
        rig.cx.wait(1_000);
        rig.room.on_roster_due(&mut rig.cx);
        rig.cx.outputs();
        rig
    }

    fn sign(rig: &Rig, person: u8, beacon: u64, count: u32) -> Rc<Record<Typing>> {
        Record::sign(&identity(person), &rig.cx.room, Typing { beacon, count })
    }

    fn frame(record: &Record<Typing>) -> Frame<'_> {
        let wire = record.wire.as_slice().into();
        Frame::Typing { tree: tree(2), wire }
    }

    fn typing(people: &[u8]) -> Output {
        let peers = people.iter().map(|person| peer(*person)).collect();
        Output::Event(Event::Typing { peers })
    }

    #[test]
    fn a_sign_is_shown_and_handed_on_once_until_its_time_is_over() {
        let mut rig = linked(&[2, 3]);
        let first = sign(&rig, 2, 7, 1);
        rig.handle(BOB, frame(&first));
        assert_eq!(rig.cx.outputs(), [typing(&[2]), sent(CID, &frame(&first))]);
        rig.handle(CID, frame(&first));
        assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
        rig.cx.wait(3_000);
        let second = sign(&rig, 2, 7, 2);
        rig.handle(BOB, frame(&second));
        assert_eq!(rig.cx.outputs(), [sent(CID, &frame(&second))]);
        assert_eq!(rig.room.typing_due(), Some(rig.cx.instant() + TYPING_SHOWN));
        rig.cx.wait(6_000);
        rig.room.on_typing_due(&mut rig.cx);
        assert_eq!((rig.cx.outputs(), rig.room.typing_due()), (vec![typing(&[])], None));
        // Neither comes back by being sent again.
        for old in [&first, &second] {
            rig.handle(BOB, frame(old));
        }
        assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
    }

    #[test]
    fn what_was_typed_ends_it_and_so_does_a_later_beacon_for_what_is_sent_again() {
        let mut rig = linked(&[2, 3]);
        let record = sign(&rig, 2, 7, 1);
        rig.handle(BOB, frame(&record));
        rig.cx.outputs();
        let entry = rig.entry_of(2, 0, "typed");
        rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
        assert!(rig.cx.outputs().contains(&typing(&[])));
        let beacon = rig.beacon_of(3, 9);
        rig.handle(CID, beacon_frame(&beacon, 1, tree(3)));
        rig.cx.outputs();
        let before_it = sign(&rig, 3, 8, 1);
        rig.handle(CID, frame(&before_it));
        assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
        let since = sign(&rig, 3, 9, 1);
        rig.handle(CID, frame(&since));
        assert_eq!(rig.cx.outputs()[0], typing(&[3]));
    }

    #[test]
    fn one_a_second_is_handed_on_and_our_own_count_among_them() {
        let mut rig = linked(&[2, 3]);
        rig.beacon_over(BOB);
        rig.cx.outputs();
        rig.room.say_typing(&mut rig.cx);
        let ours = rig.cx.outputs();
        assert_eq!(ours.len(), 2, "{ours:?}");
        let [bobs, cids] = [(2, BOB), (3, CID)].map(|(person, link)| (sign(&rig, person, 7, 1), link));
        rig.handle(bobs.1, frame(&bobs.0));
        assert_eq!(rig.cx.outputs(), [typing(&[2])]);
        rig.cx.wait(1_000);
        rig.room.say_typing(&mut rig.cx);
        assert_eq!(rig.cx.outputs(), [], "said a second ago");
        rig.handle(cids.1, frame(&cids.0));
        assert_eq!(rig.cx.outputs(), [typing(&[2, 3]), sent(BOB, &frame(&cids.0))]);
    }

    #[test]
    fn what_is_typed_after_a_message_is_told_of_anew() {
        let mut rig = linked(&[2]);
        rig.beacon_over(BOB);
        let signs = |rig: &mut Rig| {
            rig.cx.outputs();
            rig.room.say_typing(&mut rig.cx);
            rig.cx.outputs().len()
        };
        assert_eq!(signs(&mut rig), 1);
        rig.cx.wait(1_000);
        assert_eq!(signs(&mut rig), 0, "said a second ago");
        rig.room.say(&mut rig.cx, "typed").unwrap();
        assert_eq!(signs(&mut rig), 1);
    }

    #[test]
    fn nobody_types_for_others_or_who_is_not_here() {
        let mut rig = linked(&[2, 3]);
        let wire = forged(&sign(&rig, 3, 7, 1));
        let wire = wire.as_slice().into();
        rig.handle(BOB, Frame::Typing { tree: tree(2), wire });
        assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(BOB)]));
        for person in [1, 9] {
            let record = sign(&rig, person, 7, 1);
            rig.handle(BOB, frame(&record));
        }
        assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
    }
}
