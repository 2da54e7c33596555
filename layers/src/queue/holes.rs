//! Seqs that are known to be missing, so that a gap in a queue is told apart from damage.

/// Disjoint ranges of seqs, first and last, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holes(Vec<(u64, u64)>);

impl Holes {
    /// Adds `first..=last`.
    pub(super) fn add(&mut self, first: u64, last: u64) {
        let (mut first, mut last) = (first, last);
        self.0.retain(|&(other_first, other_last)| {
            let apart =
                other_last.saturating_add(1) < first || last.saturating_add(1) < other_first;
            if !apart {
                first = first.min(other_first);
                last = last.max(other_last);
            }
            apart
        });
        let at = self
            .0
            .partition_point(|&(other_first, _)| other_first < first);
        self.0.insert(at, (first, last));
    }

    /// Forgets what lies wholly before `seq`.
    pub(super) fn forget_before(&mut self, seq: u64) {
        self.0.retain(|&(_, last)| last >= seq);
    }

    /// How many of the seqs from `first` up to but not `end` are known to be missing.
    pub(super) fn count(&self, first: u64, end: u64) -> u64 {
        self.0
            .iter()
            .map(|&(hole_first, hole_last)| {
                let hole_end = hole_last.saturating_add(1).min(end);
                hole_end.saturating_sub(hole_first.max(first))
            })
            .sum()
    }

    /// What is left of `first..=last` without the holes.
    pub(super) fn cut_from(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut left = Vec::new();
        let mut next = first;
        for &(hole_first, hole_last) in &self.0 {
            if hole_last < next || hole_first > last {
                continue;
            }
            if hole_first > next {
                left.push((next, hole_first - 1));
            }
            next = hole_last.saturating_add(1);
        }
        if next <= last {
            left.push((next, last));
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ranges = &'static [(u64, u64)];

    fn holes(ranges: &[(u64, u64)]) -> Holes {
        let mut holes = Holes::default();
        for &(first, last) in ranges {
            holes.add(first, last);
        }
        holes
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let cases: [(Ranges, Ranges); 4] = [
            (&[(1, 2), (3, 4)], &[(1, 4)]),
            (&[(5, 6), (1, 2)], &[(1, 2), (5, 6)]),
            (&[(1, 2), (5, 6), (2, 5)], &[(1, 6)]),
            (&[(4, 4), (4, 4)], &[(4, 4)]),
        ];
        for (added, expected) in cases {
            assert_eq!(holes(added).0, expected, "{added:?}");
        }
    }

    #[test]
    fn a_gap_keeps_what_no_hole_explains() {
        let holes = holes(&[(3, 4), (8, 9)]);
        let cases: [((u64, u64), Ranges); 5] = [
            ((1, 2), &[(1, 2)]),
            ((3, 4), &[]),
            ((2, 5), &[(2, 2), (5, 5)]),
            ((0, 20), &[(0, 2), (5, 7), (10, 20)]),
            ((4, 8), &[(5, 7)]),
        ];
        for ((first, last), expected) in cases {
            assert_eq!(holes.cut_from(first, last), expected, "{first}..={last}");
            let left: u64 = expected.iter().map(|(first, last)| last - first + 1).sum();
            assert_eq!(
                holes.count(first, last + 1),
                last - first + 1 - left,
                "{first}..={last}"
            );
        }
    }

    #[test]
    fn what_is_behind_is_forgotten() {
        let mut holes = holes(&[(3, 4), (8, 9)]);
        holes.forget_before(5);
        assert_eq!(holes.0, [(8, 9)]);
    }
}
