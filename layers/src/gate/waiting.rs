//! Frames between the two questions that a layer is asked about an event: whether it wants it, and what it does with it.
//!
//! A gate around one layer captures the event at the first, so that a program's `Debug` runs once. A frame is taken by the
//! same gate for the very same event, or it is given up: at the latest when the next event of this thread comes to that
//! gate.

use std::cell::RefCell;
use std::ptr;
use std::rc::Rc;

use tracing_core::Event;

use super::frame::{self, Frame};
use super::span_fields::GateId;

struct Waiting {
    /// Where the event is.
    event: usize,
    gate: GateId,
    frame: Rc<Frame>,
}

thread_local! {
    static WAITING: RefCell<Vec<Waiting>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what `gate` captured of `event`, in place of what waits for it.
pub(super) fn put(event: &Event<'_>, gate: GateId, frame: Rc<Frame>) {
    let new = Waiting {
        event: ptr::from_ref(event).addr(),
        gate,
        frame,
    };
    // While the thread's destructors run there is nowhere to keep it: then it is captured twice.
    let before = WAITING.try_with(|waiting| {
        let mut waiting = waiting.try_borrow_mut().ok()?;
        let before = waiting.iter().position(|old| old.gate == gate);
        let before = before.map(|at| waiting.swap_remove(at));
        waiting.push(new);
        before
    });
    if let Ok(Some(given_up)) = before {
        frame::end(given_up.frame);
    }
}

/// What `gate` captured of this very event.
pub(super) fn take(event: &Event<'_>, gate: GateId) -> Option<Rc<Frame>> {
    let address = ptr::from_ref(event).addr();
    let found = WAITING.try_with(|waiting| {
        let mut waiting = waiting.try_borrow_mut().ok()?;
        let at = waiting.iter().position(|one| {
            one.gate == gate
                && one.event == address
                && ptr::eq(one.frame.plan.metadata, event.metadata())
        })?;
        Some(waiting.swap_remove(at))
    });
    Some(found.ok()??.frame)
}
