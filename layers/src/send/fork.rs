//! A forked child has no sender: threads are not copied. So it begins one of its own, over a connection of its own.
//!
//! 1. Nothing of the parent's sender is touched: its locks may be held for ever, and its runtime's descriptors are
//!    the parent's too.
//! 2. What the sender's thread alone had is not there: a token provider, a network check, a transport of the
//!    program's own. A child whose sender needs one of these has none; its records wait for the next start, or for
//!    the parent, which takes them over once the child is gone.

use std::sync::Arc;

use super::backend::Backend;
use super::network::Watch;
use super::round::Drain;
use super::stderr_notice::Told;
use super::token::Tokens;
use super::wake::Standing;
use super::worker::Worker;

impl Backend {
    /// What is to be called in a forked child, once.
    pub(crate) fn in_child(&self) -> impl Fn() + Send + Sync + 'static {
        let inner = Arc::downgrade(&self.0);
        move || {
            if let Some(inner) = inner.upgrade() {
                Self(inner).begin_in_child();
            }
        }
    }

    fn begin_in_child(&self) {
        let shared = self.0.shared().in_child();
        self.0.shared.store(Arc::clone(&shared));
        let again = &self.0.again;
        let Some(transport) = again.transport.as_ref().map(|transport| transport()) else {
            return shared.stands(Standing::Stopped);
        };
        let worker = Worker {
            drain: Drain::new(
                self.0.queue.clone(),
                transport,
                Tokens::new(None),
                Arc::clone(&shared),
                again.limits,
                again.success,
                Told::new(again.is_told),
            ),
            watch: Watch::new(None),
            follow: None,
            own: self.0.own.clone(),
            interval: again.interval,
            left: None,
        };
        let thread = std::thread::Builder::new().name("courier-send".to_owned());
        if thread.spawn(move || worker.run()).is_err() {
            shared.stands(Standing::Stopped);
        }
    }
}
