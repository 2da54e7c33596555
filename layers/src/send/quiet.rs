//! What the sender's machinery says while it works is nobody's business: it would end up in the queue that it drains.

use tracing_core::{Dispatch, dispatcher};

/// Without a subscriber, as long as it takes. `Dispatch::none()` is known to no callsite; a `NoSubscriber` would raise the
/// process's level to TRACE.
///
/// Not for the thread's whole life: while any thread has a default of its own, `tracing` takes the long way for each
/// event of the program, and leaves out what a value logs while it is shown and what the last of a thread's destructors
/// log. And levels must not be changed in here:
/// callsites that are asked anew from such a thread are told that nobody listens, and go silent for the whole program.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let _quiet = dispatcher::set_default(&Dispatch::none());
    work()
}
