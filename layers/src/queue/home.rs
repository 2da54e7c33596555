//! Whether a queue has its directory, when it tries to make it again, and what is to be done then.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whether the queue has its directory, and when it tries next.
#[derive(Debug)]
pub(super) struct Home {
    is_missing: AtomicBool,
    next: Mutex<Next>,
    moved_in: MovedIn,
}

/// When it is tried next.
#[derive(Debug)]
pub(super) struct Next {
    at: Instant,
    wait: Duration,
}

impl Next {
    /// Later, and each time twice as much later.
    pub(super) fn put_off(&mut self) {
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        self.at = Instant::now() + self.wait;
    }
}

impl Home {
    pub(super) fn new(is_there: bool, moved_in: MovedIn) -> Self {
        Self {
            is_missing: AtomicBool::new(!is_there),
            next: Mutex::new(Next {
                at: Instant::now() + FIRST_WAIT,
                wait: FIRST_WAIT,
            }),
            moved_in,
        }
    }

    pub(super) fn is_missing(&self) -> bool {
        self.is_missing.load(Ordering::Acquire)
    }

    pub(super) fn is_due(&self) -> bool {
        self.is_missing() && self.one_try().at <= Instant::now()
    }

    /// Held during a try: there is one at a time.
    pub(super) fn one_try(&self) -> MutexGuard<'_, Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue has its directory.
    pub(super) fn is_found(&self, one_try: MutexGuard<'_, Next>) {
        self.is_missing.store(false, Ordering::Release);
        drop(one_try);
        self.moved_in.has_happened();
    }
}

/// What is to be done once the queue has its directory. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct MovedIn(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    NotYet,
    Then(Box<dyn FnOnce() + Send>),
    Happened,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotYet => "NotYet",
            Self::Then(_) => "Then",
            Self::Happened => "Happened",
        })
    }
}

impl MovedIn {
    /// Calls this once it has happened, or at once.
    pub(super) fn then(&self, then: Box<dyn FnOnce() + Send>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::NotYet => *state = State::Then(then),
            State::Then(_) => {}
            State::Happened => {
                drop(state);
                then();
            }
        }
    }

    fn has_happened(&self) {
        let before = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            mem::replace(&mut *state, State::Happened)
        };
        if let State::Then(then) = before {
            then();
        }
    }
}

/// A disk that is mounted late is there within seconds.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// And one that is repaired, within a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
