//! Everything behind the queue's one mutex: what is written, what is lost, what is still to go.
//!
//! 1. A record takes the next seq when it comes, and keeps it whether it reaches the disk, waits in memory or is lost.
//! 2. What can't be written waits in memory, in order, and is written before anything newer.
//! 3. Whatever is lost is counted, and said in the queue before the next record.
//! 4. On a full disk the memory is used before anything goes that lies safe on it; see [`super::space`].

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crc32fast::Hasher;

use super::account::Account;
use super::adopt::Adopted;
use super::cap::Cap;
use super::chore::Chore;
use super::context;
use super::context::Context;
use super::fsync::Fsync;
use super::health::Pending;
use super::id::QueueId;
use super::in_hand::InHand;
use super::line::{Line, MAX_LINE_BYTES};
use super::memory::{Kept, Memory};
use super::refusal::Refusal;
use super::sending::Dying;
use super::trouble::is_full;
use super::writer::Writer;
use crate::clock::Clock;
use crate::losses::{Loss, Losses};

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) writer: Writer,
    /// Queues of dead processes, oldest first.
    pub(super) adopted: VecDeque<Adopted>,
    /// Queues in the root that a newer version wrote.
    pub(super) newer: Vec<QueueId>,
    pub(super) memory: Memory,
    pub(super) account: Account,
    pub(super) next_seq: u64,
    pub(super) cap: Cap,
    fsync: Fsync,
    context: Arc<str>,
    /// Another ledger took over.
    pub(super) is_closed: bool,
    /// See [`super::rest`].
    pub(super) is_at_rest: bool,
    clock: Clock,
    pub(super) refusal: Refusal,
    pub(super) dying: Dying,
    in_hand: InHand,
    /// What is to be done once the mutex is free.
    pub(super) chores: Vec<Chore>,
    note_line: Line,
}

/// Where a record went.
#[derive(Debug)]
pub(super) enum Stored {
    /// Written; `ticket` counts the lines.
    OnDisk {
        seq: u64,
        ticket: u64,
    },
    InMemory,
    /// In memory, urgent, on a disk that is full: the oldest is to make way, then it is to be
    /// [tried again](Ledger::try_again).
    Full {
        seq: u64,
    },
    Lost(Loss),
    /// Not here: another ledger took over.
    Elsewhere,
}

impl Ledger {
    pub(super) fn new(
        writer: Writer,
        cap: Cap,
        fsync: Fsync,
        losses: Arc<Losses>,
        clock: Clock,
    ) -> Self {
        let context = context::unknown(writer.chain.id);
        Self {
            next_seq: writer.end_seq(),
            writer,
            adopted: VecDeque::new(),
            newer: Vec::new(),
            memory: Memory::default(),
            account: Account::new(losses),
            cap,
            fsync,
            context,
            is_closed: false,
            is_at_rest: false,
            clock,
            refusal: Refusal::default(),
            dying: Dying::default(),
            in_hand: InHand::default(),
            chores: Vec::new(),
            note_line: Line::new(),
        }
    }

    pub(super) fn id(&self) -> QueueId {
        self.writer.chain.id
    }

    pub(super) fn set_context(&mut self, context: &Context) {
        let members = context::members(self.id(), context);
        if *members != *self.context {
            self.context = members;
        }
    }

    /// Takes a closed line. `is_waited_for` when the caller goes on to wait for a sync.
    pub(super) fn append(&mut self, line: &mut Line, body: &Hasher, is_waited_for: bool) -> Stored {
        self.append_under(None, line, body, is_waited_for)
    }

    /// As [`append`](Self::append), under this context instead of the one in force.
    pub(super) fn append_under(
        &mut self,
        context: Option<&Arc<str>>,
        line: &mut Line,
        body: &Hasher,
        is_waited_for: bool,
    ) -> Stored {
        if self.is_closed {
            return Stored::Elsewhere;
        }
        // The last words of a program are worth more than the room that is kept free for others.
        let is_urgent = is_waited_for && self.fsync != Fsync::Always;
        if is_urgent && self.is_full() {
            self.try_in_spite_of_floor();
        }
        if self.refusal.is_try_due() {
            self.recover();
        }
        let room = match self.refusal.is_in_force() {
            true => None,
            false => {
                self.say_losses();
                Some(self.make_room(line.len()))
            }
        };
        let seq = self.next_seq;
        self.next_seq += 1;
        line.stamp(seq, body);
        if line.len() > MAX_LINE_BYTES || !self.cap.can_hold(line.len() + self.context.len()) {
            self.lose(seq, Loss::Overflow);
            return Stored::Lost(Loss::Overflow);
        }
        let written = room.map(|room| {
            let context = context.unwrap_or(&self.context);
            room.and_then(|()| self.writer.write(seq, line.bytes(), context))
        });
        if let Some(Ok(ticket)) = written
            && !is_waited_for
        {
            return Stored::OnDisk { seq, ticket };
        }
        let context = Arc::clone(context.unwrap_or(&self.context));
        let written = written.map(|written| {
            written.or_else(|error| match is_full(&error) {
                true => Err(error),
                false => self.write_elsewhere(seq, line, &context),
            })
        });
        match written {
            Some(Ok(ticket)) => {
                if is_waited_for {
                    let line = line.bytes().into();
                    self.in_hand.push(Kept {
                        seq,
                        line,
                        context,
                        is_waited_for,
                    });
                }
                Stored::OnDisk { seq, ticket }
            }
            refused => {
                if let Some(Err(error)) = refused {
                    self.refusal.begin(&error);
                }
                let makes_way = is_urgent && self.is_full();
                match self.keep_in_memory(seq, line, context, makes_way) {
                    Stored::InMemory if makes_way => Stored::Full { seq },
                    kept => kept,
                }
            }
        }
    }

    /// Whether a line of `bytes` has room neither on the disk nor in memory.
    pub(super) fn is_full_to_the_brim(&self, bytes: usize) -> bool {
        self.is_full() && !self.memory.has_room(bytes)
    }

    /// Makes room for a line of `bytes` before it has its seq, where that takes a new segment.
    pub(super) fn make_room_ahead(&mut self, bytes: usize) {
        if !self.refusal.is_in_force() && !self.is_closed && !self.has_room(bytes) {
            self.say_losses();
            // Tried again, and answered for, when the line is written.
            let _ = self.make_room(bytes);
        }
    }

    /// Once more for a record that met a full disk, now that the oldest has made room.
    pub(super) fn try_again(&mut self, seq: u64) -> Stored {
        if self.is_closed {
            return Stored::InMemory;
        }
        self.try_in_spite_of_floor();
        if self.memory.give_up(seq) {
            return Stored::InMemory;
        }
        if self.account.missing(seq, seq + 1) > 0 {
            return Stored::Lost(Loss::Disk);
        }
        let ticket = self.writer.ticket();
        Stored::OnDisk { seq, ticket }
    }

    /// Tries to write what waits in memory. After it the queue is healthy, or as degraded as before.
    pub(super) fn recover(&mut self) {
        if !self.refusal.begin_try() {
            return;
        }
        while !self.memory.is_empty() {
            if let Err(error) = self.write_oldest() {
                self.refusal.begin(&error);
                return;
            }
        }
        if self.refusal.end() {
            self.say_losses();
        }
    }

    /// Writes the oldest record that waits in memory.
    pub(super) fn write_oldest(&mut self) -> io::Result<()> {
        let Some(kept) = self.memory.oldest() else {
            return Ok(());
        };
        self.make_room_for_older(kept.seq, kept.line.len() + kept.context.len())?;
        if let Some(kept) = self.memory.oldest() {
            self.writer.write(kept.seq, &kept.line, &kept.context)?;
        }
        if let Some(kept) = self.memory.pop().filter(|kept| kept.is_waited_for) {
            self.in_hand.push(kept);
        }
        Ok(())
    }

    /// Writes what is owed as loss records, where the disk takes it.
    pub(super) fn say_losses(&mut self) {
        while !self.refusal.is_in_force() && self.account.next_owed().is_some() {
            if self
                .make_room(NOTE_BYTES)
                .and_then(|()| self.say_loss())
                .is_err()
            {
                return;
            }
        }
    }

    /// Writes one loss record into the open segment.
    pub(super) fn say_loss(&mut self) -> io::Result<()> {
        let Some(note) = self.account.next_owed() else {
            return Ok(());
        };
        note.encode(&mut self.note_line, self.clock.now());
        let body = self.note_line.close();
        let seq = self.next_seq;
        // Taken even when the write fails: what the disk says about a failed write can't be trusted.
        self.next_seq += 1;
        let written = self
            .writer
            .write(seq, self.note_line.stamp(seq, &body), &self.context);
        match written {
            Ok(_) => {
                if let Some(note) = self.account.settle() {
                    self.writer.keep_note(seq, note);
                }
                Ok(())
            }
            Err(error) => {
                self.lose(seq, Loss::Disk);
                Err(error)
            }
        }
    }

    /// Makes the losses that were said survive a power loss, before the files go that they tell of. The one sync that
    /// callers wait for under the mutex: once for each segment that overflows.
    pub(super) fn keep_what_was_said(&mut self) -> io::Result<()> {
        match self.fsync {
            Fsync::Never => Ok(()),
            Fsync::Interval(_) | Fsync::Fatal | Fsync::Always => self.writer.sync_notes(),
        }
    }

    /// Counts the record with this seq as lost, to be said later.
    pub(super) fn lose(&mut self, seq: u64, reason: Loss) {
        self.account.lose_own(self.id(), seq, reason);
    }

    pub(super) fn pending(&self) -> Pending {
        let mut pending = Pending {
            records: self.own_pending_records(),
            bytes: self.writer.chain.pending_bytes() + self.memory.bytes(),
        };
        for adopted in &self.adopted {
            pending.records += adopted.pending_records();
            pending.bytes += adopted.chain.pending_bytes();
        }
        pending
    }

    /// Records of our own queue that are still to be delivered.
    pub(super) fn own_pending_records(&self) -> u64 {
        let position = self.writer.chain.slot.position.seq;
        let missing = self.account.missing(position, self.next_seq);
        self.next_seq.saturating_sub(position) - missing
    }

    /// Writes each record that somebody waits for once more, in the order of seq, after a sync that failed.
    pub(super) fn rewrite_in_hand(&mut self) {
        let mut in_hand = std::mem::take(&mut self.in_hand);
        in_hand.write_again(|record| {
            let room = self.make_room_for_older(record.seq, record.line.len());
            room.and_then(|()| self.writer.write(record.seq, &record.line, &record.context))
                .ok()
        });
        self.in_hand = in_hand;
    }

    /// The ticket under which a record was written again after a failed sync.
    pub(super) fn ticket_again(&self, seq: u64) -> Option<u64> {
        self.in_hand.ticket_again(seq)
    }

    /// The caller no longer waits for this record.
    pub(super) fn let_go(&mut self, seq: u64) {
        self.in_hand.let_go(seq);
    }

    /// Whether records wait in memory because the disk has no room.
    pub(super) fn is_full(&self) -> bool {
        self.refusal.is_for_want_of_room()
    }

    /// Bytes of the context that the next segment begins with.
    pub(super) fn context_bytes(&self) -> usize {
        self.context.len()
    }

    fn keep_in_memory(
        &mut self,
        seq: u64,
        line: &Line,
        context: Arc<str>,
        is_waited_for: bool,
    ) -> Stored {
        let dropped = self.memory.push(Kept {
            seq,
            line: line.bytes().into(),
            context,
            is_waited_for,
        });
        let is_lost = dropped.iter().any(|dropped| dropped.seq == seq);
        for dropped in dropped {
            self.lose(dropped.seq, Loss::Disk);
        }
        if is_lost {
            Stored::Lost(Loss::Disk)
        } else {
            Stored::InMemory
        }
    }

    /// One more try, in a fresh segment.
    fn write_elsewhere(&mut self, seq: u64, line: &Line, context: &Arc<str>) -> io::Result<u64> {
        self.make_room_for_older(seq, line.len())?;
        self.writer.write(seq, line.bytes(), context)
    }
}

/// More than a loss record takes.
pub(super) const NOTE_BYTES: usize = 512;
