//! What became of what we said: who has it, as far as we know.
//!
//! Nobody acknowledges a message by itself. Everyone's next beacon says how far it has the authors that it heard last; from
//! that the author counts "delivered to n of m", m being those who were here when it was said. One said to nobody waits for
//! somebody to come, and counts those who come soon after that one. Who left or is forgotten is not waited for any longer: "2 of 3"
//! then stays as it is.
//!
//! A whisper is acknowledged by a receipt of its recipient's and tried again until then. One that does not get through, or is for somebody who
//! is not here, waits in the log, and is acknowledged as all that is there, by its recipient alone.

use std::rc::Rc;

use litemap::LiteMap;
use shared::{MessageId, PeerId};

use crate::{
    config::{PENDING_BYTES_MAX, PENDING_MESSAGES_MAX, SEEN_WHISPERS, Timing, WHISPER_RETRY},
    io::Instant,
    model::Delivery,
    seen::Seen,
    wire::whisper::Whisper,
};

/// News of a message.
pub(crate) type News = (MessageId, Delivery);

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Deliveries {
    /// Said to everyone and not known to be with everyone, in the order said.
    said: Vec<Said>,
    whispers: Vec<Whispered>,
    whisper_bytes: usize,
    /// Whispers that wait in the log.
    held: Vec<Held>,
    heard: Seen<(PeerId, MessageId)>,
}

#[derive(Debug)]
struct Said {
    id: MessageId,
    /// Which feed of ours it is in, and its number there.
    place: (u64, u64),
    /// Whom it is meant for, and whether they have it.
    targets: LiteMap<PeerId, bool>,
    /// Recipients that were waited for in vain.
    given_up: Vec<PeerId>,
    ends: Ends,
}

/// Until when newcomers are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Said to nobody yet: until someone comes, and some time after.
    OpenToNewcomers { until: Option<Instant> },
    /// Meant for those who were here.
    Closed,
}

/// A whisper that waits in the log for its recipient, until then.
#[derive(Debug)]
struct Held {
    id: MessageId,
    /// Which feed of ours it is in, and its number there.
    place: (u64, u64),
    to: PeerId,
    until: Instant,
}

#[derive(Debug)]
struct Whispered {
    /// To be sealed anew each time it is tried: the recipient may have begun another life.
    whisper: Rc<Whisper>,
    until: Instant,
    retry_at: Instant,
}

/// What came of an acknowledgement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Acked {
    /// Deliveries to show.
    pub(crate) news: Vec<News>,
    /// Whispers that waited in the log and are with their recipient now.
    pub(crate) whispers: Vec<MessageId>,
}

/// What became of what was said, after a while.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// Whispers that waited in the log, in vain.
    pub(crate) failed: Vec<MessageId>,
    /// Whispers that did not reach their recipients.
    pub(crate) given_up: Vec<Rc<Whisper>>,
    /// Whispers to be tried again.
    pub(crate) retries: Vec<Rc<Whisper>>,
}

/// A whisper that is not taken, because too many are pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Said {
    fn delivery(&self) -> Delivery {
        let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
        if self.targets.is_empty() && self.given_up.is_empty() {
            return Delivery::Waiting;
        }
        Delivery::Sent {
            delivered: count(self.targets.values().filter(|has| **has).count()),
            of: count(self.targets.len() + self.given_up.len()),
        }
    }

    fn is_done(&self) -> bool {
        !matches!(self.ends, Ends::OpenToNewcomers { .. }) && self.targets.values().all(|has| *has)
    }
}

impl Deliveries {
    /// `seed`: the node's.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            said: Vec::new(),
            whispers: Vec::new(),
            whisper_bytes: 0,
            held: Vec::new(),
            heard: Seen::new(SEEN_WHISPERS, seed),
        }
    }

    /// Takes note of a message for everyone, `targets` being everyone now. The oldest of too many is no longer followed.
    pub(crate) fn say(
        &mut self,
        id: MessageId,
        place: (u64, u64),
        targets: impl IntoIterator<Item = PeerId>,
    ) -> Delivery {
        if self.said.len() >= PENDING_MESSAGES_MAX {
            self.said.remove(0);
        }
        let mut waiting: LiteMap<PeerId, bool> = LiteMap::new();
        for peer in targets {
            waiting.insert(peer, false);
        }
        let ends = if waiting.is_empty() {
            Ends::OpenToNewcomers { until: None }
        } else {
            Ends::Closed
        };
        let said = Said {
            id,
            place,
            targets: waiting,
            given_up: Vec::new(),
            ends,
        };
        let delivery = said.delivery();
        self.said.push(said);
        delivery
    }

    /// Takes note of a whisper that waits in the log for `to`, until then.
    ///
    /// # Errors
    /// [`Full`] if too many wait.
    pub(crate) fn hold(&mut self, id: MessageId, place: (u64, u64), to: PeerId, until: Instant) -> Result<(), Full> {
        if !self.may_hold() {
            return Err(Full);
        }
        self.held.push(Held { id, place, to, until });
        Ok(())
    }

    /// Whether one more whisper may wait in the log.
    pub(crate) fn may_hold(&self) -> bool {
        self.held.len() < PENDING_MESSAGES_MAX
    }

    /// The entry of what was not sent yet has another place and another id. Says whether it is a message that is shown by its id.
    pub(crate) fn change_place(&mut self, place: (u64, u64), new_place: (u64, u64), new_id: MessageId) -> bool {
        for held in self.held.iter_mut().filter(|held| held.place == place) {
            held.place = new_place;
        }
        let said = self.said.iter_mut().find(|said| said.place == place);
        said.map(|said| (said.place, said.id) = (new_place, new_id)).is_some()
    }

    /// Whom a message for everyone is meant for, and whether they have it. Nobody, if it is with everyone or not followed.
    pub(crate) fn recipients(&self, id: MessageId) -> Vec<(PeerId, bool)> {
        let said = self.said.iter().find(|said| said.id == id);
        said.map_or_else(Vec::new, |said| {
            let targets = said.targets.iter().map(|(peer, has)| (*peer, *has));
            targets.chain(said.given_up.iter().map(|peer| (*peer, false))).collect()
        })
    }

    /// The numbers in a feed of ours of what nobody is known to have.
    pub(crate) fn unread(&self, feed: u64) -> Vec<u64> {
        let unread = self
            .said
            .iter()
            .filter(|said| said.place.0 == feed && !said.targets.values().any(|has| *has));
        unread.map(|said| said.place.1).collect()
    }

    /// Takes a whisper, to be tried until `until`.
    ///
    /// # Errors
    /// [`Full`] if too much is pending.
    pub(crate) fn whisper(&mut self, now: Instant, whisper: &Rc<Whisper>, until: Instant) -> Result<Delivery, Full> {
        let bytes = self.whisper_bytes + whisper.text.len();
        if self.whispers.len() >= PENDING_MESSAGES_MAX || bytes > PENDING_BYTES_MAX {
            return Err(Full);
        }
        self.whisper_bytes = bytes;
        self.whispers.push(Whispered {
            whisper: Rc::clone(whisper),
            until,
            retry_at: now + WHISPER_RETRY,
        });
        Ok(Delivery::Sent { delivered: 0, of: 1 })
    }

    /// Somebody came: who waits for newcomers waits for them.
    pub(crate) fn on_arrival(&mut self, now: Instant, peer: PeerId, timing: &Timing) -> Vec<News> {
        let mut news = Vec::new();
        for said in &mut self.said {
            if let Ends::OpenToNewcomers { until } = &mut said.ends
                && !said.targets.contains_key(&peer)
            {
                until.get_or_insert(now + timing.late_target_window);
                // Whoever came back is one of those again.
                said.given_up.retain(|gone| *gone != peer);
                said.targets.insert(peer, false);
                news.push((said.id, said.delivery()));
            }
        }
        news
    }

    /// Whether anything said to everyone is not known to be with everyone.
    pub(crate) fn awaits_acks(&self) -> bool {
        !self.said.is_empty() || !self.held.is_empty()
    }

    /// Whether somebody is waited for who is to have a message or a whisper of ours. Of who left before they had it that is not so.
    pub(crate) fn awaits(&self, id: &MessageId) -> bool {
        let is_said = self.said.iter().any(|said| said.id == *id);
        let is_tried = self.whispers.iter().any(|pending| pending.whisper.id == *id);
        is_said || is_tried || self.held.iter().any(|held| held.id == *id)
    }

    /// `peer` has what stands at these places: by feed of ours and number there.
    pub(crate) fn on_ack(&mut self, peer: PeerId, has: impl Fn((u64, u64)) -> bool) -> Acked {
        let mut acked = Acked::default();
        for said in self.said.iter_mut().filter(|said| has(said.place)) {
            if let Some(has) = said.targets.get_mut(&peer).filter(|has| !**has) {
                *has = true;
                acked.news.push((said.id, said.delivery()));
            }
        }
        self.said.retain(|said| !said.is_done());
        self.held.retain(|held| {
            let is_read = held.to == peer && has(held.place);
            acked.whispers.extend(is_read.then_some(held.id));
            !is_read
        });
        acked
    }

    /// What was said in a feed of ours is over for everybody: it is followed no longer. Gives what nobody is known to have, and the whispers.
    pub(crate) fn end_feed(&mut self, feed: u64) -> (Vec<MessageId>, Vec<MessageId>) {
        let (mut unread, mut whispers) = (Vec::new(), Vec::new());
        self.said.retain(|said| {
            let (is_over, has_any) = (said.place.0 == feed, said.targets.values().any(|has| *has));
            unread.extend((is_over && !has_any).then_some(said.id));
            !is_over
        });
        self.held.retain(|held| {
            let is_over = held.place.0 == feed;
            whispers.extend(is_over.then_some(held.id));
            !is_over
        });
        (unread, whispers)
    }

    /// The bodies of these entries are gone: whoever acknowledges them has nothing of the whispers that waited there. Gives those.
    pub(crate) fn drop_held(&mut self, places: &[(u64, u64)]) -> Vec<MessageId> {
        let mut whispers = Vec::new();
        self.held.retain(|held| {
            let is_gone = places.contains(&held.place);
            whispers.extend(is_gone.then_some(held.id));
            !is_gone
        });
        whispers
    }

    /// The recipient has a whisper. Says whether that is news.
    pub(crate) fn on_receipt(&mut self, peer: PeerId, id: MessageId) -> bool {
        let is_it = |pending: &Whispered| pending.whisper.id == id && pending.whisper.to == peer;
        !self.give_up(is_it).is_empty()
    }

    /// `peer` left or is forgotten: they are not waited for. Gives the deliveries to show, and the whispers that did not reach them.
    pub(crate) fn handle_gone(&mut self, peer: PeerId) -> (Vec<News>, Vec<Rc<Whisper>>) {
        let mut news = Vec::new();
        for said in &mut self.said {
            if said.targets.get(&peer) != Some(&false) {
                continue;
            }
            said.targets.remove(&peer);
            said.given_up.push(peer);
            if said.targets.is_empty() {
                // It stays in the log, for whoever comes next.
                (said.given_up, said.ends) = (Vec::new(), Ends::OpenToNewcomers { until: None });
                news.push((said.id, said.delivery()));
            }
        }
        self.said.retain(|said| !said.is_done());
        (news, self.give_up(|pending| pending.whisper.to == peer))
    }

    /// When [`Deliveries::handle_timeout`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let closes = self.said.iter().filter_map(|said| match said.ends {
            Ends::OpenToNewcomers { until } => until,
            Ends::Closed => None,
        });
        let held = self.held.iter().map(|held| held.until);
        let whispers = self.whispers.iter().map(|whisper| whisper.until.min(whisper.retry_at));
        closes.chain(held).chain(whispers).min()
    }

    /// Gives up what was tried for long enough, and gives what is to be tried again.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Due {
        for said in &mut self.said {
            if matches!(said.ends, Ends::OpenToNewcomers { until: Some(until) } if now >= until) {
                said.ends = Ends::Closed;
            }
        }
        self.said.retain(|said| !said.is_done());
        let mut failed = Vec::new();
        self.held.retain(|held| {
            let is_over = now >= held.until;
            failed.extend(is_over.then_some(held.id));
            !is_over
        });
        let given_up = self.give_up(|whisper| now >= whisper.until);
        let due = self.whispers.iter_mut().filter(|whisper| now >= whisper.retry_at);
        let retries = due.map(|whisper| {
            whisper.retry_at = now + WHISPER_RETRY * 2;
            Rc::clone(&whisper.whisper)
        });
        let retries = retries.collect();
        Due {
            failed,
            given_up,
            retries,
        }
    }

    /// A whisper was heard. Says whether for the first time.
    pub(crate) fn hear(&mut self, author: PeerId, id: MessageId) -> bool {
        self.heard.insert(&(author, id))
    }

    /// All whispers that are under way are tried no longer.
    pub(crate) fn take_whispers(&mut self) -> Vec<Rc<Whisper>> {
        self.give_up(|_| true)
    }

    fn give_up(&mut self, is_over: impl Fn(&Whispered) -> bool) -> Vec<Rc<Whisper>> {
        let mut given_up = Vec::new();
        self.whispers.retain(|pending| {
            let is_over = is_over(pending);
            if is_over {
                self.whisper_bytes -= pending.whisper.text.len();
                given_up.push(Rc::clone(&pending.whisper));
            }
            !is_over
        });
        given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: u64 = 7;
    use crate::wire::timestamp::Timestamp;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    fn id(byte: u8) -> MessageId {
        MessageId::from_bytes([byte; 16])
    }

    fn of_feed(numbers: std::ops::Range<u64>) -> impl Fn((u64, u64)) -> bool {
        move |(feed, seq)| feed == FEED && numbers.contains(&seq)
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    #[test]
    fn an_acknowledgement_counts_for_its_numbers() {
        let mut deliveries = Deliveries::new([1; 32]);
        let none = Delivery::Sent { delivered: 0, of: 2 };
        assert_eq!(deliveries.say(id(0), (FEED, 0), [peer(1), peer(2)]), none);
        assert_eq!(deliveries.say(id(1), (FEED, 1), [peer(1), peer(2)]), none);
        let one = Delivery::Sent { delivered: 1, of: 2 };
        assert_eq!(
            deliveries.on_ack(peer(1), of_feed(0..2)).news,
            [(id(0), one), (id(1), one)]
        );
        assert_eq!(deliveries.on_ack(peer(1), of_feed(0..2)).news, []);
        assert_eq!(
            deliveries.on_ack(peer(2), of_feed(2..9)).news,
            [],
            "what was skipped is not with them"
        );
        let all = Delivery::Sent { delivered: 2, of: 2 };
        assert_eq!(deliveries.on_ack(peer(2), of_feed(0..1)).news, [(id(0), all)]);
    }

    #[test]
    fn who_left_is_not_waited_for_and_still_counted() {
        let mut deliveries = Deliveries::new([1; 32]);
        deliveries.say(id(0), (FEED, 0), [peer(1), peer(2), peer(3)]);
        assert_eq!(deliveries.handle_gone(peer(3)).0, []);
        assert_eq!(
            deliveries.on_ack(peer(1), of_feed(0..1)).news,
            [(id(0), Delivery::Sent { delivered: 1, of: 3 })]
        );
        let known = [(peer(1), true), (peer(2), false), (peer(3), false)];
        assert_eq!(deliveries.recipients(id(0)), known);
        assert!(deliveries.awaits(&id(0)), "the second is still here");
        assert_eq!(deliveries.handle_gone(peer(2)).0, []);
        assert!(!deliveries.awaits(&id(0)));
        deliveries.on_ack(peer(2), of_feed(0..1));
        assert_eq!(deliveries.recipients(id(0)), [], "nothing more is to come");
    }

    #[test]
    fn what_was_said_to_nobody_counts_those_who_come_soon() {
        let timing = Timing::default();
        let mut deliveries = Deliveries::new([1; 32]);
        assert_eq!(deliveries.say(id(0), (FEED, 0), []), Delivery::Waiting);
        let sent = |delivered, of| (id(0), Delivery::Sent { delivered, of });
        assert_eq!(deliveries.on_arrival(at(10), peer(1), &timing), [sent(0, 1)]);
        assert_eq!(deliveries.on_ack(peer(1), of_feed(0..1)).news, [sent(1, 1)]);
        assert_eq!(deliveries.on_arrival(at(11), peer(2), &timing), [sent(1, 2)]);
        deliveries.handle_timeout(at(10) + timing.late_target_window);
        assert_eq!(deliveries.on_arrival(at(60), peer(3), &timing), []);
        assert_eq!(deliveries.on_ack(peer(2), of_feed(0..1)).news, [sent(2, 2)]);
    }

    #[test]
    fn a_whisper_is_tried_again_until_its_receipt_or_its_time_is_up() {
        let mut deliveries = Deliveries::new([1; 32]);
        let whispered = |number| {
            Rc::new(Whisper {
                id: id(number),
                unix_millis: 0,
                name: "Ann".into(),
                to: peer(1),
                text: "psst".into(),
                order: Timestamp::default(),
                since: 0,
            })
        };
        let whisper = |deliveries: &mut Deliveries, number| {
            let whisper = whispered(number);
            deliveries.whisper(at(0), &whisper, at(30)).unwrap();
        };
        whisper(&mut deliveries, 1);
        whisper(&mut deliveries, 2);
        assert!(deliveries.on_receipt(peer(1), id(1)));
        assert!(!deliveries.on_receipt(peer(1), id(1)), "no news");
        assert!(!deliveries.on_receipt(peer(2), id(2)), "of somebody else");
        let due = deliveries.handle_timeout(at(2));
        assert_eq!((due.given_up, due.retries), (vec![], vec![whispered(2)]));
        assert_eq!(deliveries.handle_timeout(at(30)).given_up, [whispered(2)]);
        assert_eq!(deliveries.poll_timeout(), None);
    }
}
