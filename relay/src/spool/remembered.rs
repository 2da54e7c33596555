//! The last range of each queue that was heard of late, so that a batch that stands right behind it costs one statement.
//!
//! Only this process writes to the ledger, so what is remembered is true until a transaction fails.

use std::collections::HashMap;

use super::offer::Named;
use super::ranges::{self, Range};

/// The last ranges, by subject and queue.
#[derive(Debug, Default)]
pub struct Remembered(HashMap<(String, String), Queue>);

/// What is remembered of a queue.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    last: Range,
    /// The hour in which it was written down that the queue was heard.
    heard: i64,
}

impl Remembered {
    /// The last range of the queue as it is with all of `named`, when they stand right behind it, and nothing else of the
    /// queue has to be written down.
    pub fn grows(&self, subject: &str, named: &Named, hour: i64) -> Option<Range> {
        let last = self.last_before(subject, named)?;
        if last.heard != hour {
            return None;
        }
        let last = last.last;
        match ranges::of(&named.seqs)[..] {
            [new] if new.first == last.last.saturating_add(1) => Some(Range {
                first: last.first,
                last: new.last,
            }),
            _ => None,
        }
    }

    /// The last range of the queue, if it is remembered and all of `named` is behind it.
    pub fn last_before(&self, subject: &str, named: &Named) -> Option<Queue> {
        // Two strings to ask a map of pairs: small beside the statement that they save.
        let of = (subject.to_owned(), named.queue.clone());
        let queue = self.0.get(&of).copied()?;
        let is_behind = named
            .seqs
            .first()
            .is_some_and(|&first| first > queue.last.last);
        is_behind.then_some(queue)
    }

    /// Keeps that this is the last range of the queue, which was heard in this hour.
    pub fn keep(&mut self, subject: &str, queue: &str, last: Range, heard: i64) {
        if self.0.len() >= MAX_REMEMBERED {
            self.0.clear();
        }
        self.0.insert(
            (subject.to_owned(), queue.to_owned()),
            Queue { last, heard },
        );
    }

    /// Forgets a queue.
    pub fn forget(&mut self, subject: String, queue: String) {
        self.0.remove(&(subject, queue));
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Queues whose last range is remembered: about two megabytes of them.
const MAX_REMEMBERED: usize = 10_000;
