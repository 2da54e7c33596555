//! Records whose callers wait for a sync, at hand to be written once more when that fails.
//!
//! After a failed sync nobody can say what of a segment will survive. So it is sealed, and these go into a fresh one
//! before anything newer, under the seqs that they have: a reader that finds both takes the first.

use super::ledger::Ledger;
use super::memory::Kept;

/// A record that its caller wants durable.
#[derive(Debug)]
pub(super) struct InHand {
    record: Kept,
    /// Its ticket in a fresh segment, after a sync failed.
    again: Option<u64>,
}

impl InHand {
    pub(super) fn new(record: Kept) -> Self {
        Self {
            record,
            again: None,
        }
    }
}

impl Ledger {
    /// Writes each record that somebody waits for once more, in the order of seq.
    pub(super) fn rewrite_in_hand(&mut self) {
        let mut in_hand = std::mem::take(&mut self.in_hand);
        in_hand.sort_by_key(|hand| hand.record.seq);
        for InHand { record, again } in &mut in_hand {
            let room = self.make_room_for_older(record.seq, record.line.len());
            let written =
                room.and_then(|()| self.writer.write(record.seq, &record.line, &record.context));
            *again = written.ok();
        }
        self.in_hand = in_hand;
        // Some of these seqs may be apart, and readers don't trust a context across that.
        self.writer.repeat_context();
    }

    /// The ticket under which a record was written again after a failed sync.
    pub(super) fn ticket_again(&self, seq: u64) -> Option<u64> {
        self.in_hand
            .iter()
            .find(|hand| hand.record.seq == seq)?
            .again
    }

    /// The caller no longer waits for this record.
    pub(super) fn let_go(&mut self, seq: u64) {
        self.in_hand.retain(|hand| hand.record.seq != seq);
    }
}
