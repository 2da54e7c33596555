//! Dead letters: listed in pages, replayed and removed a few at a time, never all in memory and never in the writer's way
//! for long.
//!
//! They count towards the spool's cap and have a quarter of it at most: past that, and past their age, the oldest go. That
//! is counted and said.

mod letter;
mod rows;
mod shown;

pub use letter::{Dead, DeadLetter, Done, Replayed, StoredLetter, Which};
pub use rows::{STEP, count, delete, expire, insert};
pub use shown::{DeadRecord, NotWhich, Removal, by_number};
