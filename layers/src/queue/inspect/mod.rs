//! Looks at queues from outside: living, dead, damaged or carried here by hand. Read-only.
//!
//! 1. Nothing is written, and no living owner loses its lock;
//! 2. content is never an error: damage is counted;
//! 3. a queue of a newer version is reported, and not read.
//!
//! 4. what is no plain file where a queue has one (a FIFO, a device, a socket, a link, a directory) is refused by its
//!    name, and never opened: who carries a queue here may have put anything in it.
//!
//! What it does not do: stand still. A living queue moves on while it is read; what its owner removes meanwhile was
//! delivered, and is not counted as missing.

mod error;
mod last;
mod plain;
mod records;
mod stored;
mod verdict;

pub use error::InspectError;
pub use records::{Damage, Records, StoredRecord};
pub use stored::{Owner, StoredQueue, queues};
pub use verdict::{HeadState, Verdict};
