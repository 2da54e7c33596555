//! Keeps what was accepted until every consumer has had it.
//!
//! The promises, in order:
//!
//! 1. what [`Spool::offer`] says is kept has been committed and synced: it survives `kill -9` and power loss;
//! 2. a record whose name was accepted before is found, in the transaction that would keep it a second time;
//! 3. frames leave in the order in which they came, once for each [`Consumer`], and are deleted behind the last one;
//! 4. damage costs the damaged frames only, and is counted;
//! 5. what was erased is in no file of the spool any more (`what_was_erased_is_in_no_byte_of_the_spool`);
//! 6. what does not fit, because of the cap or of the disk, is refused and not half kept.
//!
//! One task writes. Offers that wait for each other's sync share the next one (group commit).
//!
//! What it does not do: look into a frame. A frame is one encoded `ResourceLogs`, packed.

mod accepted;
mod append;
mod clock;
mod command;
mod consumer;
mod consumer_rows;
mod database;
mod dead;
mod erasing;
mod error;
mod frame;
mod gauge;
mod handle;
mod hashes;
mod integer;
mod ledger;
mod letters;
mod lock;
mod mend;
mod names;
mod offer;
mod origin;
mod packed;
mod ranges;
mod reader;
mod reading;
mod remembered;
mod running;
mod salvage;
mod schema;
mod state;
mod tables;
mod writer;

pub use consumer::{Consumer, Cursor, Position};
pub use dead::PAGE;

pub use error::{OfferError, OpenError};
pub use frame::{Frame, Pending, Traits};
pub use gauge::Writes;
pub use handle::{Spool, Writer};
pub use ledger::Size;
pub use letters::{Dead, DeadLetter, DeadRecord, NotWhich, Removal, by_number};
pub use lock::{Lock, announced, is_held, lock};
pub use names::Names;
pub use offer::{Named, Offer, Verdict};
pub use origin::copied;
pub use packed::{Packed, join};
pub use schema::{FILE as DATABASE, open_copy, open_to_read};

#[cfg(test)]
mod tests;
