//! Writes once more what callers wait for, after a sync that failed: see `in_hand`.

use super::in_hand::InHand;
use super::ledger::Ledger;

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
