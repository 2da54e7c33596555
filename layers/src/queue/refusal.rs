//! Whether the disk is written to at the moment, and why not.

use std::io;

use super::health::Health;
use super::trouble::Trouble;

#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// The disk refused the last write: records wait in memory.
    failed: Option<Trouble>,
    /// The disk is not even tried: it has no room to spare, or there is no directory yet.
    barred: Option<Trouble>,
    /// Records that came since the disk was tried last.
    untried: u32,
}

impl Refusal {
    /// Whether records go to memory instead of the disk.
    pub(super) fn is_in_force(&self) -> bool {
        self.barred.is_some() || self.failed.is_some()
    }

    /// Whether they do so because the disk has no room.
    pub(super) fn is_for_want_of_room(&self) -> bool {
        let is_full = |trouble: &Option<Trouble>| trouble.as_ref().is_some_and(|it| it.is_full);
        is_full(&self.barred) || (self.barred.is_none() && is_full(&self.failed))
    }

    pub(super) fn health(&self) -> Health {
        match self.barred.as_ref().or(self.failed.as_ref()) {
            None => Health::Healthy,
            Some(trouble) => Health::Degraded(trouble.reason.clone()),
        }
    }

    /// Counts a record that comes; says whether the disk is to be tried again before it.
    pub(super) fn is_try_due(&mut self) -> bool {
        if self.failed.is_none() {
            return false;
        }
        self.untried += 1;
        self.untried >= RECORDS_BETWEEN_TRIES
    }

    /// What waits is about to be written; says whether it may.
    pub(super) fn begin_try(&mut self) -> bool {
        self.untried = 0;
        self.barred.is_none()
    }

    /// The disk took all that waited; says whether it had refused before.
    pub(super) fn end(&mut self) -> bool {
        self.failed.take().is_some()
    }

    /// The disk refused a write.
    pub(super) fn begin(&mut self, error: &io::Error) {
        self.failed = Some(Trouble::of(error));
    }

    /// The disk is not to be tried, for this reason.
    pub(super) fn bar(&mut self, trouble: Trouble) {
        self.barred = Some(trouble);
    }

    /// Free space was looked at: `below` when there is less than the floor.
    pub(super) fn set_floor(&mut self, below: Option<Trouble>) {
        match &self.barred {
            // There is no directory: that is told instead.
            Some(barred) if !barred.is_full => {}
            _ => self.barred = below,
        }
    }

    /// The disk is tried though there is less space than the floor.
    pub(super) fn ignore_floor(&mut self) {
        self.barred.take_if(|barred| barred.is_full);
    }

    /// The disk may be tried.
    pub(super) fn unbar(&mut self) {
        self.barred = None;
    }
}

/// While the disk refuses, it is tried again after so many records, and by the housekeeping once a second.
const RECORDS_BETWEEN_TRIES: u32 = 64;
