//! Finding who has a file: neighbors say of what they have something, and are asked which of *their* neighbors have. With those a link is made, as
//! long as the mesh has slots to spare.

use std::time::Duration;

use shared::{FileId, PeerId, limits::LINKS_MAX};

use super::{Files, Handled, Violation};
use crate::{
    config::{FILE_LINK_RETRY, FILE_LINK_TIMEOUT, FILE_LINKS_MAX, SEEK_HOLDERS, SOURCES_WANTED},
    context::Context,
    door::{Sources, ToNet},
    io::{Instant, LinkId},
    wire::transfer::FileFrame,
};

impl Files {
    /// Looks for more who have a file, if there are few.
    pub(super) fn look_for(&mut self, cx: &mut Context, root: FileId) {
        let now = cx.instant();
        let Some(holding) = self.holdings.get_mut(&root).filter(|holding| holding.is_wanted()) else {
            return;
        };
        let channels = self.channels.values();
        let sources = channels
            .filter(|channel| Self::is_useful(channel, holding, now))
            .count();
        if sources >= SOURCES_WANTED {
            return;
        }
        if now >= holding.due.seek {
            holding.due.seek = now + SEEK_HOLDERS;
            for (_, channel) in self.channels.iter_mut() {
                if channel.takes_questions() {
                    channel.sought.insert(root, ());
                    channel.send(cx, &FileFrame::Seek { root });
                }
            }
        }
        let linked = |peer: &PeerId| self.neighbors.values().any(|neighbor| neighbor == peer);
        let fits = |(peer, from): &(&PeerId, &Instant)| {
            now >= **from && !linked(peer) && !holding.rests(peer, now) && !self.links.contains_key(*peer)
        };
        let known = if sources > 0 { Sources::Some } else { Sources::None };
        let room = FILE_LINKS_MAX.saturating_sub(self.links.len());
        let chosen: Vec<_> = holding
            .candidates
            .iter()
            .filter(fits)
            .take(room)
            .map(|(peer, _)| *peer)
            .collect();
        if sources == 0 && chosen.is_empty() {
            return self.ask_to_carry(cx, root);
        }
        for peer in chosen {
            holding.candidates.insert(peer, now + FILE_LINK_RETRY);
            self.links.insert(peer, now + FILE_LINK_TIMEOUT);
            self.to_net.push_back(ToNet::FileLink { peer, sources: known });
        }
    }

    /// Gives up links that were made for files and are of no more use.
    pub(super) fn review_links(&mut self, now: Instant) {
        let is_used = |peer: &PeerId| {
            let mut channels = self.channels.values().filter(|channel| channel.peer == *peer);
            channels.any(|channel| {
                let mut wanted = self.holdings.values().filter(|holding| holding.is_wanted());
                wanted.any(|holding| Self::is_useful(channel, holding, now))
                    || !channel.requests.is_empty()
                    || channel.is_awaited()
            })
        };
        let over = self
            .links
            .iter()
            .filter(|(peer, until)| now >= **until && !is_used(peer));
        let over: Vec<_> = over.map(|(peer, _)| *peer).collect();
        let is_idle = !self.holdings.values().any(|holding| holding.is_wanted());
        let done = self
            .links
            .keys()
            .filter(|peer| is_idle && !is_used(peer) && !over.contains(peer));
        for peer in done.copied().collect::<Vec<_>>().into_iter().chain(over.clone()) {
            self.links.remove(&peer);
            self.note_unreached(&peer);
            self.to_net.push_back(ToNet::FileLinkOver { peer });
        }
    }

    /// A neighbor asks which of our neighbors have a file.
    pub(super) fn on_seek(&mut self, cx: &mut Context, link: LinkId, root: FileId) {
        let others = self.channels.values().filter(|channel| channel.link != link);
        let peers: Vec<_> = others
            .filter(|channel| channel.holds.contains_key(&root))
            .map(|channel| channel.peer)
            .collect();
        if let Some(channel) = self.channels.get_mut(&link).filter(|_| !peers.is_empty()) {
            channel.send(cx, &FileFrame::Holders { root, peers });
        }
    }

    /// A neighbor says which of its neighbors have a file.
    pub(super) fn on_holders(&mut self, cx: &mut Context, link: LinkId, root: FileId, peers: &[PeerId]) -> Handled {
        let Some(channel) = self.channels.get_mut(&link) else {
            return Ok(());
        };
        if peers.is_empty() || peers.len() > LINKS_MAX {
            return Err(Violation);
        }
        // Once for each question; one that was asked before the file was dropped counts for nothing.
        if channel.sought.remove(&root).is_none() {
            return Ok(());
        }
        channel.named.insert(root, ());
        let (now, me) = (cx.instant(), self.me);
        if let Some(holding) = self.holdings.get_mut(&root) {
            for peer in peers.iter().filter(|peer| **peer != me) {
                holding.note_candidate(*peer, now);
            }
        }
        self.look_for(cx, root);
        Ok(())
    }

    /// The machine slept: nobody else has kept us waiting.
    pub(crate) fn handle_wake(&mut self, now: Instant) {
        for (_, channel) in self.channels.iter_mut() {
            channel.note_heard(now);
        }
        for (_, until) in self.links.iter_mut() {
            *until = (*until).max(now + Duration::from_secs(1));
        }
    }
}
