//! Sets of numbers as ranges: dense numbers need few.

/// The numbers from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

/// The ranges of `numbers`, which ascend.
#[must_use]
pub fn of(numbers: &[u64]) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some(range) if number <= range.last.saturating_add(1) => {
                range.last = range.last.max(number)
            }
            _ => ranges.push(Range {
                first: number,
                last: number,
            }),
        }
    }
    ranges
}

/// Those of `numbers` that are in one of `ranges`, which ascend and don't touch.
#[must_use]
pub fn known(ranges: &[Range], numbers: &[u64]) -> Vec<u64> {
    let is_known = |number: &&u64| {
        let after = ranges.partition_point(|range| range.first <= **number);
        after
            .checked_sub(1)
            .and_then(|at| ranges.get(at))
            .is_some_and(|range| range.last >= **number)
    };
    numbers.iter().filter(is_known).copied().collect()
}

/// All of `ranges` and of `more`, ascending, those that touch joined.
#[must_use]
pub fn join(ranges: &[Range], more: &[Range]) -> Vec<Range> {
    let mut all: Vec<Range> = ranges.iter().chain(more).copied().collect();
    all.sort_unstable();
    let mut joined: Vec<Range> = Vec::with_capacity(all.len());
    for range in all {
        match joined.last_mut() {
            Some(before) if range.first <= before.last.saturating_add(1) => {
                before.last = before.last.max(range.last)
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// Those of `ranges` that are not among `others`; both ascend, and the result does.
#[must_use]
pub fn without(ranges: &[Range], others: &[Range]) -> Vec<Range> {
    let mut others = others.iter().peekable();
    let is_alone = |range: &&Range| {
        while others.next_if(|other| other < range).is_some() {}
        others.peek() != Some(range)
    };
    ranges.iter().filter(is_alone).copied().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn numbers(ranges: &[Range]) -> BTreeSet<u64> {
        ranges
            .iter()
            .flat_map(|range| range.first..=range.last)
            .collect()
    }

    proptest! {
        #[test]
        fn ranges_are_a_set(
            had in proptest::collection::btree_set(0u64..200, 0..60),
            new in proptest::collection::btree_set(0u64..200, 0..60),
        ) {
            let list = |set: &BTreeSet<u64>| set.iter().copied().collect::<Vec<_>>();
            let ranges = of(&list(&had));
            prop_assert_eq!(numbers(&ranges), had.clone());
            prop_assert_eq!(known(&ranges, &list(&new)), had.intersection(&new).copied().collect::<Vec<_>>());

            let joined = join(&ranges, &of(&list(&new)));
            prop_assert_eq!(numbers(&joined), had.union(&new).copied().collect());
            prop_assert!(joined.windows(2).all(|pair| pair[0].last + 1 < pair[1].first), "they don't touch");

            let (gone, come) = (without(&ranges, &joined), without(&joined, &ranges));
            let is_in = |list: &[Range], range: &Range| list.contains(range);
            prop_assert!(ranges.iter().all(|range| is_in(&gone, range) != is_in(&joined, range)));
            prop_assert!(joined.iter().all(|range| is_in(&come, range) != is_in(&ranges, range)));
        }
    }

    #[test]
    fn the_last_number_of_all_is_a_number() {
        let end = of(&[u64::MAX - 1, u64::MAX]);
        assert_eq!(
            end,
            [Range {
                first: u64::MAX - 1,
                last: u64::MAX
            }]
        );
        assert_eq!(join(&end, &end), end);
        assert_eq!(known(&end, &[u64::MAX]), [u64::MAX]);
    }
}
