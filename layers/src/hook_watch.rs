//! Notices that another panic hook took the place of ours.
//!
//! 1. std drops a hook when another is set in its place, so ours holds a [`Presence`], and its drop tells. No hook is
//!    taken out, called or put back for that: nothing changes for the hook that is there;
//! 2. a hook that takes ours out and hands panics on to it keeps it: that is fine, and is not noticed;
//! 3. a hook that takes ours out, keeps it and does not hand on can't be seen that way. It is noticed when a panic that
//!    ours did not hear drops the [`Guard`](crate::Guard) on a thread where ours never heard one. Any other panic that
//!    such a hook keeps to itself goes unnoticed.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

thread_local! {
    static HAS_HEARD: Cell<bool> = const { Cell::new(false) };
}

/// Our hook was called on this thread.
pub(crate) fn heard() {
    // A thread that is gone needs no answer any more.
    let _ = HAS_HEARD.try_with(|heard| heard.set(true));
}

/// Whether this thread unwinds by a panic that our hook did not hear.
fn is_unheard() -> bool {
    std::thread::panicking() && HAS_HEARD.try_with(Cell::get) == Ok(false)
}

/// Whether our hook is in its place. A cheap handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct HookWatch(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_set: AtomicBool,
    is_replaced: AtomicBool,
    when_replaced: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl HookWatch {
    /// What our hook is to hold.
    pub fn presence(&self) -> Presence {
        self.0.is_set.store(true, Ordering::Relaxed);
        Presence(self.clone())
    }

    /// Called once, when it is noticed; on the thread that sets the other hook.
    pub fn when_replaced(&self, say: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.when_replaced.set(Box::new(say));
    }

    pub fn is_replaced(&self) -> bool {
        self.0.is_replaced.load(Ordering::Relaxed)
    }

    /// Looks whether this thread unwinds by a panic that ours did not hear.
    pub fn look(&self) {
        if self.0.is_set.load(Ordering::Relaxed) && is_unheard() {
            self.replaced();
        }
    }

    fn replaced(&self) {
        if !self.0.is_replaced.swap(true, Ordering::Relaxed)
            && let Some(say) = self.0.when_replaced.get()
        {
            say();
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("is_replaced", &self.is_replaced)
            .finish_non_exhaustive()
    }
}

/// Lives as long as our hook does.
#[derive(Debug)]
pub(crate) struct Presence(HookWatch);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.replaced();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn the_drop_of_the_hook_is_said_once() {
        let (watch, said) = (HookWatch::default(), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&said);
        watch.when_replaced(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let presence = watch.presence();
        watch.look();
        assert!(!watch.is_replaced());
        drop(presence);
        drop(watch.presence());
        assert!(watch.is_replaced());
        assert_eq!(said.load(Ordering::Relaxed), 1);
    }
}
