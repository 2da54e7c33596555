//! What cleaning a text costs, as a number that is the same on every machine.
//!
//! The unit is a step: one byte that a rule walks over. A text has so many steps for its length and no more, whatever
//! is in it; when they are spent, it goes as a whole.

use crate::scan::table;
use crate::self_test as samples;
use crate::text::Steps;

/// What cleaning one text costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// The steps that the rules take. When these are more than [`most`](Self::most), the text goes as a whole, as
    /// `[REDACTED:error]`.
    pub steps: usize,
    /// The steps that a text of this length may take.
    pub most: usize,
}

impl Cost {
    /// When of a text of so many bytes these steps are left.
    pub(crate) fn of(bytes: usize, left: Steps) -> Self {
        let all = Steps::of(bytes);
        Self {
            steps: left.taken(all),
            most: all.taken(Steps::default()),
        }
    }
}

/// What built-in rules begin with, and a sample of what each takes: for tests that look for a text that costs too much.
pub fn literals() -> impl Iterator<Item = &'static str> {
    table::literals().chain(samples::taken())
}
