//! What we said and who has it yet; what we heard and must not show twice.
//!
//! A message is meant for everyone who is linked, or whose link is being healed, when it is said. Whoever of them has not
//! acknowledged it gets it again when a link to them opens. If others are just being linked, it also goes to those who link
//! within [`Timing::late_target_window`]: they were in the room all along. One said to nobody waits for the first link,
//! and the same time after. A recipient who left
//! or is forgotten is not waited for any longer: "delivered to 2 of 3" then stays as it is.
//!
//! Interim: what was heard is recognised by its random id among the last [`SEEN_MESSAGES_MAX`]; the log with its sequence
//! numbers replaces this.

use litemap::LiteMap;
use shared::{MessageId, PeerId};

use crate::{
    config::{PENDING_BYTES_MAX, PENDING_MESSAGES_MAX, SEEN_MESSAGES_MAX, Timing},
    io::{Delivery, Instant},
    seen::Seen,
};

/// Own messages that somebody still lacks, and the ids of what was heard.
#[derive(Debug)]
pub struct Chat {
    /// In the order said.
    pending: Vec<Pending>,
    bytes: usize,
    heard: Seen<(PeerId, MessageId)>,
}

#[derive(Debug)]
struct Pending {
    id: MessageId,
    frame: Vec<u8>,
    /// Whom it is meant for, and whether they have it.
    targets: LiteMap<PeerId, bool>,
    /// Recipients who have it or will never get it, by number: they are not waited for.
    of: u32,
    delivered: u32,
    ends: Ends,
}

/// Until when a message is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Said to nobody yet: until someone comes, and some time after.
    OpenToNewcomers { until: Option<Instant> },
    /// Until everyone it was meant for has it, left or is forgotten.
    WithItsTargets,
    /// A whisper: until then.
    At(Instant),
}

/// A message that is not taken, because too much is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Default for Chat {
    fn default() -> Self {
        Self {
            pending: Vec::new(),
            bytes: 0,
            heard: Seen::new(SEEN_MESSAGES_MAX),
        }
    }
}

impl Chat {
    /// Takes a message for everyone, `targets` being everyone now. `open_until`: until when it also goes to those who link
    /// later; without targets that is decided by the first who does.
    ///
    /// # Errors
    /// [`Full`] if too much is pending.
    pub fn say(
        &mut self,
        id: MessageId,
        frame: Vec<u8>,
        targets: impl IntoIterator<Item = PeerId>,
        open_until: Option<Instant>,
    ) -> Result<Delivery, Full> {
        let targets: LiteMap<_, _> = targets.into_iter().map(|peer| (peer, false)).collect();
        let ends = match open_until {
            _ if targets.is_empty() => Ends::OpenToNewcomers { until: None },
            Some(until) => Ends::OpenToNewcomers { until: Some(until) },
            None => Ends::WithItsTargets,
        };
        self.push(id, frame, targets, ends)
    }

    /// Takes a whisper, to be tried until `until`.
    ///
    /// # Errors
    /// [`Full`] if too much is pending.
    pub fn whisper(&mut self, id: MessageId, frame: Vec<u8>, to: PeerId, until: Instant) -> Result<Delivery, Full> {
        self.push(id, frame, LiteMap::from_iter([(to, false)]), Ends::At(until))
    }

    fn push(
        &mut self,
        id: MessageId,
        frame: Vec<u8>,
        targets: LiteMap<PeerId, bool>,
        ends: Ends,
    ) -> Result<Delivery, Full> {
        if self.pending.len() >= PENDING_MESSAGES_MAX || self.bytes + frame.len() > PENDING_BYTES_MAX {
            return Err(Full);
        }
        self.bytes += frame.len();
        let of = u32::try_from(targets.len()).unwrap_or(u32::MAX);
        let pending = Pending {
            id,
            frame,
            targets,
            of,
            delivered: 0,
            ends,
        };
        let delivery = pending.delivery();
        self.pending.push(pending);
        Ok(delivery)
    }

    /// The frames that `peer`, whose link just became usable, still lacks, in the order said.
    pub fn frames_for(&mut self, peer: PeerId) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        for pending in &mut self.pending {
            if let Ends::OpenToNewcomers { .. } = pending.ends
                && !pending.targets.contains_key(&peer)
            {
                pending.targets.insert(peer, false);
                pending.of += 1;
            }
            if pending.targets.get(&peer) == Some(&false) {
                frames.push(pending.frame.clone());
            }
        }
        frames
    }

    /// `peer` has it. Gives the delivery to show, if that is news.
    pub fn on_ack(
        &mut self,
        now: Instant,
        peer: PeerId,
        id: MessageId,
        timing: &Timing,
    ) -> Option<(MessageId, Delivery)> {
        let pending = self.pending.iter_mut().find(|pending| pending.id == id)?;
        let acknowledged = pending.targets.get_mut(&peer).filter(|acknowledged| !**acknowledged)?;
        *acknowledged = true;
        pending.delivered += 1;
        if let Ends::OpenToNewcomers { until: until @ None } = &mut pending.ends {
            *until = Some(now + timing.late_target_window);
        }
        let news = (id, pending.delivery());
        self.drop_done();
        Some(news)
    }

    /// `peer` left or is forgotten: they are not waited for. Gives the deliveries that thereby failed for good.
    pub fn handle_gone(&mut self, peer: PeerId) -> Vec<(MessageId, Delivery)> {
        for pending in &mut self.pending {
            if pending.targets.get(&peer) == Some(&false) {
                pending.targets.remove(&peer);
            }
        }
        self.drop_done()
    }

    /// When [`Chat::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.pending
            .iter()
            .filter_map(|pending| match pending.ends {
                Ends::At(until) | Ends::OpenToNewcomers { until: Some(until) } => Some(until),
                Ends::OpenToNewcomers { until: None } | Ends::WithItsTargets => None,
            })
            .min()
    }

    /// Gives up what was tried for long enough. Gives the deliveries to show.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<(MessageId, Delivery)> {
        for pending in &mut self.pending {
            match pending.ends {
                Ends::At(until) if now >= until => pending.targets.clear(),
                Ends::OpenToNewcomers { until: Some(until) } if now >= until => {
                    pending.ends = Ends::WithItsTargets;
                }
                Ends::At(_) | Ends::OpenToNewcomers { .. } | Ends::WithItsTargets => {}
            }
        }
        self.drop_done()
    }

    /// Notes a message of `author`. Says whether it is to be shown: whether it is new.
    pub fn hear(&mut self, author: PeerId, id: MessageId) -> bool {
        self.heard.insert((author, id))
    }

    /// Drops what nobody is waited for any more; gives those that reached nobody.
    fn drop_done(&mut self) -> Vec<(MessageId, Delivery)> {
        let mut failed = Vec::new();
        let bytes = &mut self.bytes;
        self.pending.retain(|pending| {
            let waits = matches!(pending.ends, Ends::OpenToNewcomers { .. })
                || pending.targets.values().any(|acknowledged| !acknowledged);
            if !waits {
                *bytes -= pending.frame.len();
                if pending.delivered == 0 {
                    failed.push((pending.id, Delivery::Failed));
                }
            }
            waits
        });
        failed
    }
}

impl Pending {
    fn delivery(&self) -> Delivery {
        if self.of == 0 {
            Delivery::Waiting
        } else {
            Delivery::Sent {
                delivered: self.delivered,
                of: self.of,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    fn id(byte: u8) -> MessageId {
        MessageId::from_bytes([byte; 16])
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_message_is_kept_until_everyone_it_was_meant_for_has_it() {
        let timing = Timing::default();
        let mut chat = Chat::default();
        let sent = chat.say(id(1), vec![7], [peer(1), peer(2)], None);
        assert_eq!(sent, Ok(Delivery::Sent { delivered: 0, of: 2 }));
        assert_eq!(
            chat.on_ack(at(1), peer(1), id(1), &timing),
            Some((id(1), Delivery::Sent { delivered: 1, of: 2 }))
        );
        assert_eq!(chat.on_ack(at(1), peer(1), id(1), &timing), None, "acknowledged twice");
        assert_eq!(
            chat.on_ack(at(1), peer(3), id(1), &timing),
            None,
            "by someone it was not sent to"
        );
        assert_eq!(chat.frames_for(peer(1)), Vec::<Vec<u8>>::new());
        assert_eq!(chat.frames_for(peer(2)), [[7]]);
        assert_eq!(chat.frames_for(peer(3)), Vec::<Vec<u8>>::new());
        assert_eq!(
            chat.on_ack(at(2), peer(2), id(1), &timing),
            Some((id(1), Delivery::Sent { delivered: 2, of: 2 }))
        );
        assert_eq!((chat.pending.len(), chat.bytes), (0, 0));
    }

    #[test]
    fn what_is_said_alone_waits_for_the_first_and_for_those_right_behind() {
        let timing = Timing::default();
        let mut chat = Chat::default();
        assert_eq!(chat.say(id(1), vec![7], [], None), Ok(Delivery::Waiting));
        assert_eq!(chat.poll_timeout(), None);
        assert_eq!(chat.frames_for(peer(1)), [[7]]);
        chat.on_ack(at(1), peer(1), id(1), &timing);
        assert_eq!(chat.frames_for(peer(2)), [[7]]);
        let over = at(1) + timing.late_target_window;
        assert_eq!(chat.poll_timeout(), Some(over));
        assert_eq!(chat.handle_timeout(over), []);
        assert_eq!(chat.frames_for(peer(3)), Vec::<Vec<u8>>::new());
        assert_eq!(chat.frames_for(peer(2)), [[7]], "still lacking");
        chat.on_ack(at(60), peer(2), id(1), &timing);
        assert_eq!(chat.pending.len(), 0);
    }

    #[test]
    fn who_left_is_not_waited_for() {
        let mut chat = Chat::default();
        let timing = Timing::default();
        chat.say(id(1), vec![7], [peer(1), peer(2)], None).unwrap();
        chat.on_ack(at(1), peer(1), id(1), &timing);
        assert_eq!(chat.handle_gone(peer(2)), []);
        chat.say(id(2), vec![7], [peer(1)], None).unwrap();
        assert_eq!(chat.handle_gone(peer(1)), [(id(2), Delivery::Failed)]);
        assert_eq!(chat.pending.len(), 0);
    }

    #[test]
    fn a_whisper_is_given_up_in_time() {
        let mut chat = Chat::default();
        chat.whisper(id(1), vec![7], peer(1), at(30)).unwrap();
        assert_eq!(chat.frames_for(peer(2)), Vec::<Vec<u8>>::new());
        assert_eq!(chat.frames_for(peer(1)), [[7]]);
        assert_eq!(chat.handle_timeout(at(29)), []);
        assert_eq!(chat.handle_timeout(at(30)), [(id(1), Delivery::Failed)]);
    }

    #[test]
    fn too_much_pending_is_refused() {
        let mut chat = Chat::default();
        for _ in 0..PENDING_MESSAGES_MAX {
            chat.say(id(1), vec![], [], None).unwrap();
        }
        assert_eq!(chat.say(id(1), vec![], [], None), Err(Full));
        let mut chat = Chat::default();
        assert_eq!(chat.say(id(1), vec![0; PENDING_BYTES_MAX + 1], [], None), Err(Full));
    }
}
