//! What is in force, and what has become of it, for people.

use serde::Serialize;

/// The levels in force, why, and how it stands with the relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LevelStatus {
    /// As [`Levels::new`](super::Levels::new) reads them: `info,app::sync=trace`.
    pub levels: String,
    /// The relay's rule that says so, for example `user 7`; `None` while the program's own levels are in force.
    pub rule: Option<String>,
    /// When they end by themselves, in RFC 3339 by this device's clock.
    pub until: Option<String>,
    /// How often the relay was asked and did not answer.
    pub unanswered: u64,
    /// How often what came back said no levels.
    pub refused: u64,
    /// What last went wrong.
    pub last_error: Option<String>,
}

/// One change of the levels in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What was in force.
    pub from: String,
    /// What is.
    pub to: String,
    /// The relay's rule; `None` when the program's own levels came into force.
    pub rule: Option<String>,
    /// When that ends by itself, in RFC 3339 by this device's clock.
    pub until: Option<String>,
}

/// The levels in force, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InForce {
    pub levels: String,
    pub rule: Option<String>,
    pub until: Option<String>,
}

/// How often the relay was asked in vain.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub unanswered: u64,
    pub refused: u64,
    pub last_error: Option<String>,
}

impl LevelStatus {
    pub(super) fn of(in_force: InForce, asked: &Asked) -> Self {
        Self {
            levels: in_force.levels,
            rule: in_force.rule,
            until: in_force.until,
            unanswered: asked.unanswered,
            refused: asked.refused,
            last_error: asked.last_error.clone(),
        }
    }
}

impl Change {
    pub(super) fn between(before: InForce, after: InForce) -> Self {
        Self {
            from: before.levels,
            to: after.levels,
            rule: after.rule,
            until: after.until,
        }
    }
}
