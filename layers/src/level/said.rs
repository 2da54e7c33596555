//! What the relay said.

use jiff::Timestamp;

use super::rules::Rules;

/// What the relay said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The levels.
    pub rules: Rules,
    /// By which rule: `user 7`.
    pub rule: String,
    /// When it ends by the clock on the wall; for people.
    pub until: Option<Timestamp>,
}
