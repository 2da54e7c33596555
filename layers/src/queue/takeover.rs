//! Goes on elsewhere when somebody removed the queue's directory under it.
//!
//! 1. What was on disk there is lost: counted, and said in the next queue under the old one's id.
//! 2. What waited in memory is appended to the next queue.
//! 3. A caller that still has the old ledger is sent on.

use super::ledger::Ledger;
use super::line::Line;
use super::loss_record::Note;
use crate::losses::Loss;

impl Ledger {
    /// Whether the directory is no longer there.
    pub(super) fn has_lost_home(&self) -> bool {
        !self.is_closed && self.writer.has_lost_home()
    }

    /// Takes over from a ledger whose directory has vanished.
    pub(super) fn take_over(&mut self, old: &mut Self) {
        old.is_closed = true;
        self.is_at_rest = old.is_at_rest;
        self.adopted.extend(old.adopted.drain(..));
        self.account.take_over(&mut old.account);
        let first_seq = old.writer.chain.slot.position.seq;
        for segment in &mut old.writer.chain.segments {
            for note in segment.take_notes_from(first_seq) {
                self.account.owe_again(note);
            }
        }
        let end_seq = old.memory.oldest().map_or(old.next_seq, |kept| kept.seq);
        let count = end_seq.saturating_sub(first_seq) - old.account.missing(first_seq, end_seq);
        if count > 0 {
            let (queue, last_seq) = (old.id(), end_seq - 1);
            self.account.lose(Note {
                queue,
                first_seq,
                last_seq,
                count,
                reason: Loss::Disk,
            });
        }
        let (old_id, new_id) = (old.id().to_string(), self.id().to_string());
        while let Some(kept) = old.memory.pop() {
            let mut line = Line::from_stored(kept.line);
            let body = line.close();
            let context = kept.context.replacen(&old_id, &new_id, 1);
            self.append_under(Some(&context.into()), &mut line, &body, false);
        }
    }
}
