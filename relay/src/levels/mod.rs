//! Which levels programs should log at, as support says: from afar, for some, for a while.
//!
//! 1. Of the rules that are meant for a program, the most specific counts, whole: session, install, user, version,
//!    service, everyone. Of several of one kind, the newest.
//! 2. A rule is in the store, with who made it and why, before anybody is told; so is its removal.
//! 3. A rule for fewer than all programs of a service ends by itself, within a day.
//! 4. A rule for one install or session is told only to a token whose subject has sent records of it: a name that somebody
//!    only knows opens nothing. Who asks before the first batch hears what is for its user, service or everyone, and the
//!    rest with the answer to that batch.
//! 5. A rule ends by the time that the relay has run, too, so that a clock that is set back prolongs none.
//! 6. Each answer to a batch carries the tag of what its sender is told, so that a change is heard with the next one.
//!
//! What it does not do: reach a program that neither sends nor asks.

mod answer;
mod book;
mod forget;
mod in_force;
mod program;
mod rows;
mod rule;
mod seen;
mod store;
mod subject_claims;

pub use crate::store::StoreError;
pub use in_force::Outcome;
pub(crate) use in_force::{ChangeError, Levels};
pub(crate) use program::Program;
pub use rows::Deed;
pub use rule::{Draft, Rule, RuleError, Whom};
pub(crate) use rule::{Moment, authored, removal};
pub(crate) use store::Store;
