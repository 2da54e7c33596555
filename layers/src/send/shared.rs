//! What the sender's thread and everybody else share: what was asked for, and how it stands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::report::{Connection, WhyStopped};
use crate::sanitize::Sensitive;

/// After a nudge the sender waits this long for what follows, so that a storm of errors makes batches, not requests.
const NUDGE_LINGER: Duration = Duration::from_millis(20);

/// Where the sender stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Connected {
    Idle,
    Sending,
    BackingOff(Instant),
    PausedForToken,
    PausedNotFound,
    Stopped,
}

/// What the sender's thread is woken for.
pub(super) enum Wake {
    Stop,
    /// A round; it answers the flushes up to this ticket.
    Round {
        covering: u64,
    },
}

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Beside the state, so that a nudge from a logging thread finds the lock free: it is taken once per wake only.
    nudged: AtomicBool,
}

#[derive(Debug)]
struct State {
    token: Option<Sensitive<String>>,
    is_token_new: bool,
    flushes_asked: u64,
    flushes_done: u64,
    is_stopping: bool,
    connected: Connected,
    delivered: u64,
    rejected: u64,
    last_success: Option<Timestamp>,
    last_error: Option<String>,
}

/// A copy of what there is to tell.
pub(super) struct Snapshot {
    pub connection: Connection,
    pub delivered: u64,
    pub rejected: u64,
    pub last_success: Option<String>,
    pub last_error: Option<String>,
}

impl Shared {
    pub fn new(token: Option<Sensitive<String>>) -> Self {
        Self {
            state: Mutex::new(State {
                token,
                is_token_new: false,
                flushes_asked: 0,
                flushes_done: 0,
                is_stopping: false,
                connected: Connected::Idle,
                delivered: 0,
                rejected: 0,
                last_success: None,
                last_error: None,
            }),
            changed: Condvar::new(),
            nudged: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // What everybody else asks for.

    pub fn nudge(&self) {
        if !self.nudged.swap(true, Ordering::AcqRel) {
            drop(self.lock());
            self.changed.notify_all();
        }
    }

    pub fn set_token(&self, token: Sensitive<String>) {
        let mut state = self.lock();
        state.token = Some(token);
        state.is_token_new = true;
        self.changed.notify_all();
    }

    pub fn stop(&self) {
        self.lock().is_stopping = true;
        self.changed.notify_all();
    }

    /// Waits until everything logged before the call is home, or says why not.
    pub fn flush(&self, deadline: Duration) -> WhyStopped {
        let until = Instant::now() + deadline;
        let mut state = self.lock();
        state.flushes_asked += 1;
        let ticket = state.flushes_asked;
        self.changed.notify_all();
        loop {
            if state.flushes_done >= ticket {
                return WhyStopped::Drained;
            }
            match state.connected {
                Connected::PausedForToken if !state.is_token_new => {
                    return WhyStopped::PausedForToken;
                }
                Connected::PausedNotFound => return WhyStopped::PausedNotFound,
                Connected::Stopped => return WhyStopped::Stopped,
                _ => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return WhyStopped::Deadline;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        Snapshot {
            connection: match state.connected {
                Connected::Idle => Connection::Idle,
                Connected::Sending => Connection::Sending,
                Connected::BackingOff(until) => Connection::BackingOff {
                    until: wall(until).to_string(),
                },
                Connected::PausedForToken => Connection::PausedForToken,
                Connected::PausedNotFound => Connection::PausedNotFound,
                Connected::Stopped => Connection::Stopped,
            },
            delivered: state.delivered,
            rejected: state.rejected,
            last_success: state.last_success.map(|at| at.to_string()),
            last_error: state.last_error.clone(),
        }
    }

    // What the sender's thread says and asks.

    /// Sleeps until there is something to do.
    pub fn wait(&self, connected: &Connected, interval: Duration) -> Wake {
        let timer = Instant::now() + interval;
        let mut lingering = None;
        let mut state = self.lock();
        loop {
            if state.is_stopping {
                return Wake::Stop;
            }
            let now = Instant::now();
            if self.nudged.load(Ordering::Acquire) && lingering.is_none() {
                lingering = Some(now + NUDGE_LINGER);
            }
            let due = match *connected {
                Connected::BackingOff(until) => Some(until),
                Connected::PausedForToken if state.is_token_new => Some(now),
                Connected::PausedForToken | Connected::PausedNotFound => None,
                _ if state.flushes_asked > state.flushes_done => Some(now),
                _ => Some(lingering.map_or(timer, |nudged| nudged.min(timer))),
            };
            if due.is_some_and(|due| due <= now) {
                break;
            }
            state = self.sleep(state, due.map(|due| due - now));
        }
        state.is_token_new = false;
        self.nudged.store(false, Ordering::Release);
        Wake::Round {
            covering: state.flushes_asked,
        }
    }

    fn sleep<'a>(
        &self,
        state: MutexGuard<'a, State>,
        wait: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        match wait {
            None => self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
            Some(wait) => {
                self.changed
                    .wait_timeout(state, wait)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        }
    }

    /// True once nobody waits for what is still under way.
    pub fn is_stopping_now(&self) -> bool {
        self.lock().is_stopping
    }

    pub fn token(&self) -> Option<Sensitive<String>> {
        self.lock().token.clone()
    }

    pub fn set(&self, connected: Connected) {
        self.lock().connected = connected;
        self.changed.notify_all();
    }

    pub fn flushed(&self, covering: u64) {
        let mut state = self.lock();
        state.flushes_done = state.flushes_done.max(covering);
        self.changed.notify_all();
    }

    pub fn count(&self, delivered: u64, rejected: u64) {
        let mut state = self.lock();
        state.delivered += delivered;
        state.rejected += rejected;
        state.last_success = Some(Timestamp::now());
    }

    pub fn failed(&self, error: String) {
        self.lock().last_error = Some(error);
    }
}

/// A monotonic instant on the wall clock.
fn wall(at: Instant) -> Timestamp {
    let ahead = at.saturating_duration_since(Instant::now());
    Timestamp::now()
        .checked_add(ahead)
        .unwrap_or(Timestamp::MAX)
}
