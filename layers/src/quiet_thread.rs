//! What the sender's machinery says while it works is nobody's business: it would end up in the queue that it drains.
//!
//! A mark of the thread, which the gate and our layers look at. A default subscriber for the thread would do without
//! one, but while any thread has a default of its own, `tracing` takes the long way for every event of the program,
//! and loses what a value logs while it is shown and what the last of a thread's destructors log.

use std::cell::Cell;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Whether nobody listens to this thread now.
pub(crate) fn is_quiet() -> bool {
    IS_QUIET.get()
}

/// Unheard, as long as `work` takes.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let _before = Before(IS_QUIET.replace(true));
    work()
}

/// Unheard, for the rest of this thread's life.
#[cfg(feature = "http")]
pub(crate) fn silence() {
    IS_QUIET.set(true);
}

/// As it was, also when the work panics.
struct Before(bool);

impl Drop for Before {
    fn drop(&mut self) {
        IS_QUIET.set(self.0);
    }
}
