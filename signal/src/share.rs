//! How much one of many may take of something that is bounded, when nobody knows how many there will be.
//!
//! The rule is that of dynamic thresholds (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998):
//! nobody takes one more who has as many as are still free. One alone gets half. With *n* who take what they can, each has one part in *n* + 1, and as much
//! stays free for the next one, who has taken nothing yet. The last place goes to somebody who has none.

/// Whether somebody who has `taken` may take one more, when `free` are left and nobody may have more than `max`.
pub(crate) const fn may_take(taken: usize, free: usize, max: usize) -> bool {
    taken < free && taken < max
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of `count` has in the end who take turns until nobody may take more.
    fn shares(count: usize, total: usize, max: usize) -> Vec<usize> {
        let mut taken = vec![0; count];
        loop {
            let before = taken.clone();
            for index in 0..count {
                let free = total - taken.iter().sum::<usize>();
                taken[index] += usize::from(may_take(taken[index], free, max));
            }
            if taken == before {
                return taken;
            }
        }
    }

    #[test]
    fn the_many_leave_as_much_as_each_of_them_has() {
        assert_eq!(shares(1, 100, usize::MAX), [50]);
        assert_eq!(shares(1, 100, 20), [20]);
        for count in [2, 4, 9, 50] {
            let taken = shares(count, 10_000, usize::MAX);
            let (least, most) = (taken.iter().min().unwrap(), taken.iter().max().unwrap());
            assert!(most - least <= 1, "{taken:?}");
            let free = 10_000 - taken.iter().sum::<usize>();
            assert!(free + count >= *least, "{free} free, {least} each");
            assert!(may_take(0, free, 1), "there is a place for one more");
        }
    }

    #[test]
    fn the_last_place_goes_to_who_has_none() {
        assert!(may_take(0, 1, 9));
        assert!(!may_take(1, 1, 9));
        assert!(may_take(1, 2, 9));
        assert!(!may_take(0, 0, 9));
    }
}
