//! A record is kept once: what has the name of another is dropped.

use std::collections::HashSet;

use crate::wire::{Batch, Record};

/// Drops what has the name of a record before it in the same batch.
pub fn once(records: &mut Vec<Record<'_>>, batch: &Batch<'_>) {
    // A device sends its queue in order.
    let names = || records.iter().filter_map(|record| name(record, batch));
    if names().is_sorted_by(|one, next| one < next) {
        return;
    }
    let mut seen = HashSet::new();
    records.retain(|record| name(record, batch).is_none_or(|seq| seen.insert(seq)));
}

/// A record's seq, where it has the queue that makes it a name.
pub fn name(record: &Record<'_>, batch: &Batch<'_>) -> Option<u64> {
    batch.context.queue.as_ref().and(record.seq)
}
