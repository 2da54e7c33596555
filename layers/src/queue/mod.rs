//! Keeps records on the program's own disk until they are delivered. Usable without `tracing`.
//!
//! What it promises, in this order:
//!
//! 1. when [`append`](DiskQueue::append) returns, the record survives the death of the process;
//!    one that reported [`Appended::Durable`] survives a power loss;
//! 2. a record leaves only when it is confirmed, rejected for its content, cleared, or when the cap needs its room;
//! 3. each loss is counted by reason and said in the queue itself, as a record with the seqs that are missing;
//! 4. (queue id, seq) is never used twice;
//! 5. damage costs the damaged records only, and a disk that refuses never stops the program;
//! 6. the last of the disk is left to others: see [`Builder::keep_free`].
//!
//! The order that this needs on disk, which the simulated disk of the proofs checks before each unlink:
//!
//! 1. a loss record is written and synced, with the name of its file, before the segment goes whose loss it says; the
//!    loss records that a segment holds are said again before it goes;
//! 2. the head says that records are delivered before their segment goes; the head itself goes after the segments, and
//!    the lock last;
//! 3. a record that is written once more after a failed sync goes into a later segment, and neither copy counts as
//!    missing while the other is there;
//! 4. who adopts a queue goes by its lock first, then its head, then its segments; without a head it begins at the lowest
//!    seq there is, in any segment. It removes nothing that is not said or delivered;
//! 5. the name of a segment with a record in it is never given twice.
//!
//! Where the disk refuses a loss record or its sync, the cap is kept all the same, and where it is full the segment goes
//! first. With [`Fsync::Never`] nothing is synced.
//!
//! What it does not do: deliver, compress, or trust a network file system.
//!
//! ```
//! use tracing_courier::queue::{Appended, DiskQueue, Durability, Line};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let root = dir.path();
//! let queue = DiskQueue::open(root)?;
//! let mut line = Line::new();
//! line.body().extend_from_slice(br#""timestamp":"2026-02-06T12:00:00Z","level":"info","message":"hello"}"#);
//! assert_eq!(queue.append(&mut line, Durability::PageCache), Appended::InPageCache);
//!
//! let batch = queue.drain(100, 900_000).ok_or("nothing pending")?;
//! assert_eq!(batch.len(), 1);
//! queue.confirm(batch.token()); // once it is delivered
//! assert_eq!(queue.pending().records, 0);
//! # Ok(())
//! # }
//! ```

mod account;
mod adopt;
mod appended;
mod attempt;
mod attempts;
mod batch;
mod bell;
mod blocks;
mod builder;
mod cap;
mod carry;
mod chain;
mod chore;
mod chores;
mod commit;
mod context;
mod disk_queue;
mod drain;
mod engine;
mod file_system;
mod fork_check;
mod fsync;
mod guard;
mod head;
mod health;
mod holes;
mod home;
mod housekeeping;
mod id;
mod in_hand;
pub mod inspect;
mod ledger;
mod line;
mod loss_record;
mod memory;
mod moving;
mod open;
mod outcome;
#[cfg(test)]
mod proofs;
mod reader;
mod refusal;
mod rejected;
mod rest;
mod resting;
mod room;
mod sending;
mod shared;
mod space;
mod storage;
mod sync;
mod takeover;
mod trouble;
mod writer;

pub use appended::{Appended, Durability};
pub use attempt::Attempt;
pub use batch::{Batch, Token};
pub use builder::{Builder, DEFAULT_MAX_BYTES, DEFAULT_MAX_QUEUES, MIN_MAX_BYTES, OpenError};
pub use context::Context;
pub use disk_queue::DiskQueue;
pub use fsync::{DEFAULT_FSYNC_INTERVAL, Fsync};
pub use health::{Health, Pending};
pub use id::QueueId;
pub use line::{Body, Line};
pub use memory::MEMORY_BYTES;
pub use sending::{ALONE_AFTER, PUT_ASIDE_AFTER};
pub use trouble::DEFAULT_KEEP_FREE_PERCENT;
