//! What happened there: the records of one person, device or session around a time, told in order.
//!
//! Four promises:
//!
//! 1. a gap is said only where the seqs prove it, with how many records and, where the device said it, why
//!    (`a_gap_is_what_seqs_prove_with_the_reason_that_the_device_gave`);
//! 2. how a session ended is what a record says, its own or the next start's; without one it is open
//!    (`a_session_ended_as_a_record_says_and_is_open_without_one`);
//! 3. the sentences in short are made by rules, at most three, and each names the row that it is about
//!    (`what_is_in_short_is_said_by_rules_and_names_its_rows`);
//! 4. no control character of a record reaches a terminal (`no_control_character_of_a_record_reaches_the_text`).
//!
//! What it does not do: tell how many others have an error: there are no groups yet.

mod ask;
mod gap;
mod in_short;
mod json;
mod markdown;
mod page;
mod row;
mod session;
mod story;
mod text;
mod told;
mod version;

pub use ask::{Ask, Of, last_of, timeline};
#[cfg(test)]
pub use gap::Gap;
pub use json::{record as record_json, told_json};
pub use markdown::markdown;
pub use page::{Cursor, written};
#[cfg(test)]
pub use row::Row;
#[cfg(test)]
pub use session::End;
pub use session::Session;
pub use text::{line, record as record_text, text};
pub use told::{Told, day, millis};
