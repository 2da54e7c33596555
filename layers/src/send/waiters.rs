//! Futures that wait for a flush.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::report::WhyStopped;

/// The futures that wait.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    pub(super) list: Vec<Waiter>,
    /// A thread watches their deadlines.
    pub(super) is_watched: bool,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) ticket: u64,
    pub(super) until: Duration,
    pub(super) flush: Flush,
}

/// A flush under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flush(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    why: Option<WhyStopped>,
    waker: Option<Waker>,
}

impl Flush {
    pub(super) fn resolve(&self, why: WhyStopped) {
        let waker = {
            let mut slot = self.lock();
            slot.why = Some(why);
            slot.waker.take()
        };
        if let Some(waker) = waker {
            // Others wait behind it.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Flush {
    type Output = WhyStopped;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WhyStopped> {
        let mut slot = self.lock();
        match slot.why {
            Some(why) => Poll::Ready(why),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
