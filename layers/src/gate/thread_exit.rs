//! A thread at its very end, whose thread-local destructors run: some of them may log.
//!
//! The registry keeps open spans by thread, and panics when a span is made or entered after its own thread-locals are
//! gone; a panic in a destructor aborts the program. So from there on the gate makes no spans. Events go on.

use std::cell::Cell;

use tracing_core::span::Id;

thread_local! {
    static HAS_SPANS: Cell<bool> = const { Cell::new(false) };
    /// Set up after the registry's own thread-locals, so that it is gone before them.
    static ALIVE: Alive = const { Alive };
}

struct Alive;

impl Drop for Alive {
    /// What is never dropped needs no destructor, and is never gone.
    fn drop(&mut self) {}
}

/// Whether the registry can make and enter spans on this thread.
pub(super) fn has_spans() -> bool {
    !HAS_SPANS.get() || ALIVE.try_with(|_| ()).is_ok()
}

/// Whether this thread has been in spans, and the registry can still be asked for them.
pub(crate) fn may_be_in_spans() -> bool {
    HAS_SPANS.get() && ALIVE.try_with(|_| ()).is_ok()
}

/// Notes that the registry has made or entered one.
pub(super) fn note_span() {
    if !HAS_SPANS.replace(true) {
        let _ = ALIVE.try_with(|_| ());
    }
}

/// The id of a span that was not made. No registry gives it out: it would stand for the last slot of the last page of
/// the last of 4,096 threads.
pub(super) fn no_span() -> Id {
    Id::from_u64(u64::MAX)
}

/// Whether a span was made under this id.
pub(super) fn is_span(id: &Id) -> bool {
    id.into_u64() != u64::MAX
}
