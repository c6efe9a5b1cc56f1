//! Which servers of a network we are to be registered with, where each server has an address of its own.
//!
//! A server names, in its welcome, where our room is to be, the best first. From then on that server and those that it named are one network, of which we are
//! registered with the best that we reach. The rules, all in [`wishes`]:
//!
//! - the best server is always tried, with growing waits; those after it as long as better ones fail;
//! - make before break: nobody is left before we are registered with as many better ones as are wanted;
//! - whoever is tried for the first time counts as if it worked, so that no spare is connected for nothing.
//!
//! The server that we came to stays the last resort. Not here: sockets and waits, which each
//! [`Registration`](super::registration::Registration) has.

/// One network.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// By position: the server that we came to.
    home: usize,
    /// By position: those where our room is to be, the best first. Empty until somebody names them: then home is alone.
    named: Vec<usize>,
    /// With how many of them we stay registered.
    pub(crate) stay_at: usize,
}

/// How we stand with a server of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Registered.
    Registered,
    /// Not registered yet, or not any more. It has not failed.
    Untried,
    /// It failed, or refused us, when it was last tried.
    Failing,
}

/// How we are to stand with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Registered, or else tried.
    Registered,
    /// As it is, until better ones have proved themselves; not connected if it is not.
    Kept,
    /// Not connected, in a while: what goes by it comes to its end.
    Spare,
}

impl Network {
    pub(crate) const fn new(home: usize) -> Self {
        Self {
            home,
            named: Vec::new(),
            stay_at: 1,
        }
    }

    /// These are where our room is to be.
    pub(crate) fn name(&mut self, named: Vec<usize>, stay_at: usize) {
        (self.named, self.stay_at) = (named, stay_at);
    }

    /// Whether there is something to choose.
    pub(crate) fn is_named(&self) -> bool {
        !self.named.is_empty()
    }

    /// Its servers, by position, the best first: those that were named, then the one that we came to, then what was named before.
    pub(crate) fn ordered(&self, members: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut ordered = self.named.clone();
        for place in std::iter::once(self.home).chain(members) {
            if !ordered.contains(&place) {
                ordered.push(place);
            }
        }
        ordered
    }
}

/// What is to become of each server of a network, the best first, where we want to be registered with `stay_at` of them.
pub(crate) fn wishes(stay_at: usize, standings: &[Standing]) -> Vec<Wish> {
    let (mut registered, mut hoped_for) = (0, 0);
    let wish = |standing: &Standing| {
        let wish = if registered >= stay_at {
            Wish::Spare
        } else if hoped_for >= stay_at {
            Wish::Kept
        } else {
            Wish::Registered
        };
        match standing {
            Standing::Registered => {
                registered += 1;
                hoped_for += 1;
            }
            Standing::Untried => hoped_for += 1,
            Standing::Failing => {}
        }
        wish
    };
    standings.iter().map(wish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Standing::{Failing, Registered, Untried};

    #[test]
    fn the_best_is_tried_and_the_one_that_we_came_to_kept_until_it_has_us() {
        let [tried, kept, spare] = [Wish::Registered, Wish::Kept, Wish::Spare];
        assert_eq!(wishes(1, &[Untried, Untried, Registered]), [tried, kept, kept]);
        assert_eq!(wishes(1, &[Registered, Untried, Registered]), [tried, spare, spare]);
    }

    #[test]
    fn who_fails_is_tried_on_and_so_is_the_next() {
        let [tried, kept, spare] = [Wish::Registered, Wish::Kept, Wish::Spare];
        assert_eq!(wishes(1, &[Failing, Untried, Untried]), [tried, tried, kept]);
        assert_eq!(wishes(1, &[Failing, Failing, Untried]), [tried, tried, tried]);
        assert_eq!(wishes(1, &[Failing, Registered, Untried]), [tried, tried, spare]);
    }

    #[test]
    fn where_two_are_wanted_two_are_kept_whoever_fails() {
        let [tried, kept, spare] = [Wish::Registered, Wish::Kept, Wish::Spare];
        assert_eq!(
            wishes(2, &[Untried, Untried, Untried, Registered]),
            [tried, tried, kept, kept]
        );
        assert_eq!(
            wishes(2, &[Registered, Untried, Untried, Registered]),
            [tried, tried, kept, kept]
        );
        assert_eq!(
            wishes(2, &[Registered, Registered, Untried, Registered]),
            [tried, tried, spare, spare]
        );
        assert_eq!(wishes(2, &[Failing, Registered, Untried]), [tried, tried, tried]);
        assert_eq!(wishes(2, &[Registered, Failing]), [tried, tried]);
    }

    #[test]
    fn those_that_were_named_come_first_then_home_then_what_was_named_before() {
        let mut network = Network::new(0);
        assert_eq!(network.ordered([0].into_iter()), [0]);
        network.name(vec![3, 2], 1);
        assert_eq!(network.ordered([0, 1, 2, 3].into_iter()), [3, 2, 0, 1]);
        network.name(vec![2, 0], 1);
        assert_eq!(network.ordered([0, 1, 2, 3].into_iter()), [2, 0, 1, 3]);
    }
}
