//! Time for the sender: the system's, or a hand that a test moves.
//!
//! Waits are measured by a clock that only goes forward, as time since an origin of its own; the wall clock stamps
//! and shows.

use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Where the sender's time comes from: the system, or a hand that a test moves.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Time {
    /// The system's clocks.
    #[default]
    System,
    /// Stands still until somebody moves it.
    Manual(ManualTime),
}

/// Time that stands still until it is moved: an outage of ten minutes passes in a moment.
///
/// The sender's waits are measured by it; the deadlines of flushes are real. [`skip`](Self::skip) waits until the
/// sender has nothing to do, then moves to when it wakes by itself.
#[derive(Clone, Debug)]
pub struct ManualTime(Arc<Hand>);

#[derive(Debug)]
struct Hand {
    start: Timestamp,
    state: Mutex<State>,
    asleep: Condvar,
}

#[derive(Default)]
struct State {
    now: Duration,
    /// How the sender sleeps, while it does.
    sleep: Option<Sleep>,
    /// Who sleeps by this time.
    sleepers: Vec<Weak<dyn Sleeper>>,
}

/// Up to a moment, or until it is woken.
type Sleep = Option<Duration>;

/// Somebody whose waits are measured by a [`ManualTime`].
pub(super) trait Sleeper: Send + Sync {
    /// Looks at the time again.
    fn look_at_time(&self);
}

impl Time {
    /// Time since the origin.
    pub(super) fn now(&self) -> Duration {
        match self {
            Self::System => ORIGIN.elapsed(),
            Self::Manual(time) => time.lock().now,
        }
    }

    /// The wall clock at a moment, by what it shows now.
    pub(super) fn wall(&self, at: Duration) -> Timestamp {
        match self {
            Self::System => {
                let now = self.now();
                let wall = Timestamp::now();
                let moved = if at >= now {
                    wall.checked_add(at - now)
                } else {
                    wall.checked_sub(now - at)
                };
                moved.unwrap_or(wall)
            }
            Self::Manual(time) => time.0.start.checked_add(at).unwrap_or(time.0.start),
        }
    }

    /// Whom to wake when the time moves.
    pub(super) fn add_sleeper(&self, sleeper: Weak<dyn Sleeper>) {
        if let Self::Manual(time) = self {
            time.lock().sleepers.push(sleeper);
        }
    }

    /// Waits for a change, up to a moment. May return early.
    pub(super) fn wait<'a, T>(
        &self,
        changed: &Condvar,
        state: MutexGuard<'a, T>,
        until: Option<Duration>,
    ) -> MutexGuard<'a, T> {
        match (self, until) {
            (Self::System, Some(until)) => {
                let left = until.saturating_sub(self.now());
                changed
                    .wait_timeout(state, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            _ => changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The sender goes to sleep. Said under the lock that whoever wakes it takes.
    pub(super) fn falls_asleep(&self, until: Option<Duration>) {
        if let Self::Manual(time) = self {
            time.lock().sleep = Some(until);
            time.0.asleep.notify_all();
        }
    }

    /// Something was asked of the sender: if it slept, it does no longer.
    pub(super) fn wakes_up(&self) {
        if let Self::Manual(time) = self {
            time.lock().sleep = None;
        }
    }
}

impl ManualTime {
    /// Stands still here.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Hand {
            start,
            state: Mutex::default(),
            asleep: Condvar::new(),
        }))
    }

    /// How far it was moved so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.lock().now
    }

    /// Moves it forward; whoever waits for a moment that has come wakes.
    pub fn advance(&self, by: Duration) {
        let sleepers: Vec<_> = {
            let mut state = self.lock();
            state.now += by;
            state.sleep = None;
            state.sleepers.iter().filter_map(Weak::upgrade).collect()
        };
        for sleeper in sleepers {
            sleeper.look_at_time();
        }
    }

    /// Waits until the sender has nothing to do, and says how long it would sleep; `None` if no time will wake it.
    ///
    /// # Panics
    /// After a minute of real time in which the sender was busy.
    #[must_use]
    pub fn asleep_for(&self) -> Option<Duration> {
        let (state, timeout) = self
            .0
            .asleep
            .wait_timeout_while(self.lock(), Duration::from_secs(60), |state| {
                state.sleep.is_none()
            })
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "the sender does not go to sleep");
        let until = state.sleep.flatten()?;
        Some(until.saturating_sub(state.now))
    }

    /// Waits until the sender has nothing to do, then moves to when it wakes by itself, and says how far that was.
    ///
    /// # Panics
    /// As [`asleep_for`](Self::asleep_for), and when no time will wake it.
    pub fn skip(&self) -> Duration {
        let Some(by) = self.asleep_for() else {
            panic!("no time wakes the sender");
        };
        self.advance(by);
        by
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("now", &self.now)
            .field("sleep", &self.sleep)
            .finish_non_exhaustive()
    }
}

static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
