//! Keeps records so that a person's records at a time are found in milliseconds. A consumer of the spool like the export.
//!
//! What lies where, in the directory `index` of the data directory:
//!
//! ```text
//! seg-1.db, seg-2.db …  segments: SQLite files, each with the records that were *received* in one stretch of time
//!   segment   one row: its base time, how many records it has, between which times, up to where of the spool (the cursor)
//!   name      the segment's own dictionary: id, kind (user, install, session, logger …), name, how many records, when
//!   resource  the encoded OTLP resources that its records refer to
//!   record    one row a record, in the spool's order: times, level, ids from `name`, message, and the rest in one blob
//!   text      FTS5 without content, over message and error text; never deleted from
//! catalog.db            which sealed segments there are, and which names have records in which; made from the segments
//! seg-3.db.damaged      a segment that could not be read, put aside
//! ```
//!
//! Times in a segment are milliseconds since its base (`at`, four bytes instead of eight in every index) and nanoseconds
//! within the millisecond (`ns`). A blob is the OTLP `LogRecord` without what has a column, packed by zstd where that helps.
//! The newest segment is open (write-ahead log, every commit synced); all others are sealed (no log, optimised, read-only).
//!
//! The promises, each with the test that proves it:
//!
//! 1. rows, dictionary, counts and cursor are committed together: killed at any moment, no record is missed and none
//!    comes twice (`a_relay_that_is_killed_at_any_moment_indexes_each_record_once`);
//! 2. what is committed is synced before the spool may forget it, so that a power loss costs nothing
//!    (`every_commit_of_the_open_segment_is_synced`);
//! 3. a segment is closed when it has its number of records, its bytes or its stretch of received time; a record is
//!    never put into an older one (`a_segment_is_rolled_by_records_by_bytes_and_by_received_time`);
//! 4. retention removes whole files, oldest first, and never the open one
//!    (`retention_unlinks_the_oldest_by_age_and_by_size`);
//! 5. the catalogue can be thrown away: it is made again from the segments when the index is opened
//!    (`a_catalogue_that_is_lost_or_damaged_is_made_again_from_the_segments`);
//! 6. a damaged or missing segment costs its own records, which are counted; the others answer
//!    (`a_damaged_segment_costs_itself_and_is_counted`);
//! 7. a segment that a newer relay wrote is left alone and said (`a_segment_of_a_newer_relay_is_left_where_it_is`);
//! 8. at most [`MAX_OPEN`](pool::MAX_OPEN) segments are open for reading (`no_more_segments_are_open_than_may_be`), and a look-up ends at
//!    its time limit, saying which segments it did not get to
//!    (`a_look_up_ends_at_its_time_limit_and_says_what_it_did_not_reach`);
//! 9. an answer is in order of time over all segments, and pages meet without a hole or a record twice, in both directions,
//!    while records arrive (`pages_meet_in_both_directions_while_records_arrive`);
//! 10. the index never holds the spool: what it can't write waits up to a backlog and is then skipped, counted
//!     (`an_index_that_cannot_write_skips_past_its_backlog_and_counts`), as is the oldest where the spool would be full for
//!     the index alone
//!     (`an_index_that_is_too_slow_skips_the_oldest_before_the_spool_is_full_and_only_where_it_alone_holds_it`);
//! 11. the catalogue lists at most [`MAX_LISTED`](catalog::MAX_LISTED) names of a kind for a segment; beyond that the segment counts as one
//!     that may hold any (`a_segment_with_too_many_names_is_folded_and_still_found`);
//! 12. a look-up that meets damage, or finds a file gone, costs that segment alone: it is put aside, its records are counted as
//!     missing, and every answer says so (`a_look_up_that_meets_damage_puts_the_segment_aside_and_says_what_is_lost`);
//! 13. a person who is erased is in no segment afterwards, and the records of others keep their places
//!     (`a_segment_without_somebody_answers_for_the_others_as_before`); killed in between, each segment is as before or done;
//! 14. positions belong to a spool: one that was put back from a copy, or another one, neither doubles nor skips
//!     (`an_older_spool_beside_a_newer_index_doubles_nothing_and_skips_nothing`).
//!
//! What it does not do: forward anything, or know a question's words; see `search`.

mod arrival;
mod catalog;
mod clock;
mod copy;
mod count;
mod decode;
mod files;
mod found;
mod indexer;
mod inside;
mod look;
mod names;
mod open;
mod pool;
mod rebuild;
mod rewrite;
mod schema;
mod segment;
mod shelf;
mod sql;
mod who;
mod window;

/// The index's directory in the data directory.
pub const DIR: &str = "index";

pub use arrival::Kind;
pub use copy::copy;
pub use count::Count;
pub use decode::text_of;
pub use found::{Found, Place};
pub use indexer::{Desk, Indexer};
pub use look::{Answer, Mark, Order, Question, Reader};
pub use open::Index;
pub use rebuild::{Rebuilt, rebuild};
pub use shelf::{Erased, Limits, Shelf};
pub use who::Named;
