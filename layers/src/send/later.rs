//! For programs that end at once, a command-line tool say: what a run leaves, the next one delivers.
//!
//! 1. What earlier runs left goes as soon as the sender runs, beside the program's own work; then it asks for levels,
//!    unless the relay's answer said that nothing has changed.
//! 2. The end of the program waits for nothing but that, and [`PATIENCE`] at most. Its own records go with the next run.
//! 3. Where runs are too short for that to ever end well, more and more is left. From [`BACKLOG_BYTES`] on an end waits
//!    for [`BACKLOG_PATIENCE`], which is what an exit costs without a relay.

use std::sync::Arc;
use std::time::Duration;

use super::flush::DEADLINES;
use super::shared::Shared;
use super::wake::{Cause, Standing};
use super::worker::Worker;
use crate::queue::Pending;
use crate::quiet_thread::quietly;

/// How long an exit takes at most: 3 ms, and what is left to 5 ms for the rest of it.
const PATIENCE: Duration = Duration::from_millis(3);
/// As much as earlier runs may leave before an exit waits longer: 64 KiB, some forty runs of a quiet tool.
const BACKLOG_BYTES: u64 = 64 * 1024;
/// And how long that is: 90 ms.
const BACKLOG_PATIENCE: Duration = Duration::from_millis(90);

/// How long the end of a run waits that found so much at its start.
pub(super) fn patience(left: Pending) -> Duration {
    match left.bytes > BACKLOG_BYTES {
        true => BACKLOG_PATIENCE,
        false => PATIENCE,
    }
}

impl Worker {
    /// Delivers what earlier runs left, and hears of levels.
    pub(super) fn begin(&mut self, left: Pending) {
        let shared = Arc::clone(&self.drain.shared);
        if left.records > 0 && !shared.is_stopping() {
            // The records of this run, under another context, wait for the next one.
            self.drain.goal = Some(left.records);
            shared.stands(Standing::Sending);
            quietly(|| self.round(Cause::Due, 0));
        }
        let is_answered = self
            .follow
            .as_mut()
            .is_none_or(|follow| follow.is_current());
        if !is_answered && !shared.is_stopping() && shared.standing() == Standing::Idle {
            self.levels();
        }
        shared.has_begun();
    }
}

impl Shared {
    /// Waits until the sender has done what it does first, or can't.
    pub(super) fn wait_for_begin(&self, patience: Duration) {
        let until = DEADLINES.now().saturating_add(patience);
        let mut state = self.lock();
        while !state.has_begun() && DEADLINES.now() < until {
            state = DEADLINES.wait(&self.changed, state, Some(until));
        }
    }
}
