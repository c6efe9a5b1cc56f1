//! Whom to link with: the passive view, drawn at random.

use chacha20::ChaCha20Rng;
use rand_core::Rng;
use shared::PeerId;

use super::Roster;
use crate::door::LinkState;

impl Roster {
    /// Up to `count` of those who are worth an attempt to link, drawn at random: the passive view.
    pub(crate) fn sample(
        &self,
        count: usize,
        rng: &mut ChaCha20Rng,
        eligible: &dyn Fn(&PeerId) -> bool,
    ) -> Vec<PeerId> {
        let mut drawn = Vec::new();
        let draw = |place: usize, drawn: &mut Vec<PeerId>| {
            if let Some((peer, entry)) = self.people.at(place)
                && entry.candidate
                && entry.link == LinkState::None
                && !drawn.contains(peer)
                && eligible(peer)
            {
                drawn.push(*peer);
            }
        };
        // Among those who weigh first: nobody can fill the room with others.
        let weighty = &self.summary.weighty;
        let weighty_at = |index: usize| self.people.place_of(weighty[index]);
        for index in draws(weighty.len(), count, rng) {
            if drawn.len() < count
                && let Some(place) = weighty_at(index)
            {
                draw(place, &mut drawn);
            }
        }
        for place in draws(self.people.len(), count, rng) {
            if drawn.len() < count {
                draw(place, &mut drawn);
            }
        }
        drawn
    }
}

/// Places in a list, to draw so many from. Drawn with replacement: cheap for a long list, and a short one is gone through from a random place.
fn draws(length: usize, count: usize, rng: &mut ChaCha20Rng) -> Vec<usize> {
    if length == 0 {
        return Vec::new();
    }
    let mut random = || usize::try_from(rng.next_u64() % length as u64).unwrap_or(0);
    if length <= 8 * count {
        let start = random();
        return (0..length).map(|step| (start + step) % length).collect();
    }
    (0..8 * count).map(|_| random()).collect()
}
