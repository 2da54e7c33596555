//! Who was forgotten: a stone for each person, and what is theirs in a message.
//!
//! A stone says that a person was erased, without saying who: it has a keyed hash of the id. The key is the file
//! `erase.key` in the data directory; the stones are in `erasures.json` beside it.
//!
//! 1. A record of that person whose time is before the stone was put is kept out, however often a device sends it, until
//!    the stone ends (`a_record_of_before_is_kept_out_and_one_of_afterwards_is_not`).
//! 2. A stone is written and synced before anything is erased, and says whether that was finished: the next start finishes
//!    it, without knowing the id (`stones_are_found_again_and_say_what_was_not_finished`).
//! 3. While somebody is being erased, no batch is between the look at the stones and the spool ([`Stones::enter`]).
//!
//! What it does not do: erase. See `erase`.

mod file;
mod stones;
mod theirs;
mod whom;

pub use stones::{Stone, StoneError, Stones, key_in};
pub use theirs::{Stripped, strip, unname};
pub use whom::{ERASED, Key, Kind, Of, Whom};
