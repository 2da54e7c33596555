//! Records whose callers wait for a sync, kept to be written once more when that fails.
//!
//! After a failed sync nobody can say what of a segment will survive. So it is sealed, and these go into a fresh one
//! before anything newer, under the seqs that they have: a reader that finds both takes the first.

use super::memory::Kept;

#[derive(Debug, Default)]
pub(super) struct InHand(Vec<Waiting>);

/// A record that its caller wants durable.
#[derive(Debug)]
struct Waiting {
    record: Kept,
    /// Its ticket in a fresh segment, after a sync failed.
    again: Option<u64>,
}

impl InHand {
    pub(super) fn push(&mut self, record: Kept) {
        self.0.push(Waiting {
            record,
            again: None,
        });
    }

    /// Hands each record to `write`, in the order of seq, and remembers the ticket that it gives back.
    pub(super) fn write_again(&mut self, mut write: impl FnMut(&Kept) -> Option<u64>) {
        self.0.sort_by_key(|waiting| waiting.record.seq);
        for Waiting { record, again } in &mut self.0 {
            *again = write(record);
        }
    }

    /// The ticket under which a record was written again after a failed sync.
    pub(super) fn ticket_again(&self, seq: u64) -> Option<u64> {
        let mut waiting = self.0.iter();
        waiting.find(|waiting| waiting.record.seq == seq)?.again
    }

    /// The caller no longer waits for this record.
    pub(super) fn let_go(&mut self, seq: u64) {
        self.0.retain(|waiting| waiting.record.seq != seq);
    }
}
