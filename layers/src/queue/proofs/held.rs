//! Knows whether this thread holds a queue's mutex, so that the simulated disk can refuse what must not happen then.

use std::cell::Cell;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// This thread holds the mutex as long as this lives.
#[derive(Debug)]
pub(in super::super) struct Mark(());

impl Mark {
    pub(in super::super) fn new() -> Self {
        HELD.set(HELD.get() + 1);
        Self(())
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        HELD.set(HELD.get() - 1);
    }
}

/// To be asked by whatever reads, lists, renames or unlinks: each thread that logs would wait for it.
pub(super) fn assert_mutex_is_free(call: &str) {
    assert_eq!(HELD.get(), 0, "{call} under the queue's mutex");
}
