//! Whether the queue is at rest: everything of its own is delivered, and the program has recorded nothing since.
//!
//! 1. It comes to rest when it is asked and has nothing left, never by itself.
//! 2. The end of the rest is told before the record is written that ends it: who is killed in between has lost a rest
//!    and no record.
//!
//! What it does not do: cost a record anything, but for the first after a rest.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// Who is told: true when the queue comes to rest, false when that ends. Clones share it; the first one set stays.
#[derive(Clone, Default)]
pub(super) struct Rest(Arc<OnceLock<Tell>>);

/// Called under the queue's mutex: it must not use the queue.
type Tell = Box<dyn Fn(bool) + Send + Sync>;

impl Rest {
    pub(super) fn tell(&self, tell: impl Fn(bool) + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(tell));
    }

    pub(super) fn is(&self, is_at_rest: bool) {
        if let Some(tell) = self.0.get() {
            tell(is_at_rest);
        }
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rest")
    }
}
