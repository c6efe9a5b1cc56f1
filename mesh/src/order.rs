//! Sorting by a number. All lists share one copy of the algorithm: each further type that is sorted would be three kilobytes more that every
//! browser downloads.

use shared::MessageId;

/// The items in the order of a number of each, those of the same number as they stood.
pub fn by_number<T>(items: impl IntoIterator<Item = T>, mut number: impl FnMut(&T) -> u128) -> Vec<T> {
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    let numbers = items.iter().flatten().map(&mut number);
    let mut order: Vec<(u128, usize)> = numbers.zip(0..).collect();
    sort(&mut order);
    order.into_iter().filter_map(|(_, place)| items[place].take()).collect()
}

/// The number by which ids are ordered.
pub(crate) fn id_number(id: &MessageId) -> u128 {
    u128::from_be_bytes(*id.as_bytes())
}

/// The number that is greater than half of the others, or the last that is not.
///
/// # Panics
/// If there are none.
pub(crate) fn median(numbers: impl IntoIterator<Item = i64>) -> i64 {
    let above_zero = |number: i64| (i128::from(number) - i128::from(i64::MIN)).unsigned_abs();
    let ordered = by_number(numbers, |number| above_zero(*number));
    ordered[(ordered.len() - 1) / 2]
}

fn sort(order: &mut [(u128, usize)]) {
    order.sort_unstable();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_stable_sort(items in prop::collection::vec((0..9_u128, any::<u8>()), 0..50)) {
            let mut expected = items.clone();
            expected.sort_by_key(|(number, _)| *number);
            prop_assert_eq!(by_number(items, |(number, _)| *number), expected);
        }

        #[test]
        fn as_many_are_below_the_median_as_above(numbers in prop::collection::vec(any::<i64>(), 1..50)) {
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            prop_assert_eq!(median(numbers), sorted[(sorted.len() - 1) / 2]);
        }
    }
}
