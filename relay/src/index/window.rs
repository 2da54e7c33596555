//! The next stretch of what the index got, in the order in which it came: what a follower reads.

use super::look::{Mark, Reader};

impl Reader {
    /// The end of the next stretch behind `since`: at most `rows` rows, of one segment. `since` itself when nothing is
    /// behind it. Nothing lies between two stretches: each begins where the last one ended.
    #[must_use]
    pub fn stretch(&self, since: Mark, rows: i64) -> Mark {
        let state = self.board.state();
        for (&segment, facts) in state.segments.range(since.segment..) {
            let known = if segment == since.segment {
                since.row
            } else {
                0
            };
            let last = i64::try_from(facts.records).unwrap_or(i64::MAX);
            if known < last {
                let row = known.saturating_add(rows).min(last);
                return Mark { segment, row };
            }
        }
        since
    }
}
