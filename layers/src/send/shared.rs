//! What the sender's thread and everybody else share: what was asked for, and how it stands.
//!
//! One mutex, never held while anything else happens; a nudge from a logging thread takes it once per wake only.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use jiff::Timestamp;

use super::report::{Connection, WhyStopped};
use super::time::{Sleeper, Time};
use super::waiters::Waiters;
use super::wake::{Asked, Cause, Standing, Timers, Wake, wake};
use crate::sanitize::Sensitive;
use crate::watch::Changes;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) time: Time,
    state: Mutex<State>,
    pub(super) changed: Condvar,
    /// Beside the state, so that a nudge from a logging thread finds the lock free.
    nudged: AtomicBool,
    sender: OnceLock<ThreadId>,
    changes: Changes,
}

#[derive(Debug)]
pub(super) struct State {
    standing: Standing,
    is_enabled: bool,
    /// What is done first is done.
    has_begun: bool,
    token: Option<Sensitive<String>>,
    asked: Asked,
    /// Tickets given to flushes.
    flushes_asked: u64,
    /// Up to here the network was looked at for them.
    flushes_looked: u64,
    /// Up to here everything is home.
    flushes_done: u64,
    pub(super) waiters: Waiters,
    tally: Tally,
}

/// What the sender has come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub delivered: u64,
    pub rejected: u64,
    /// Panics in a transport, or in what else the program gave the sender.
    pub panics: u64,
    pub last_success: Option<Timestamp>,
    pub last_error: Option<(Timestamp, String)>,
}

/// What the sender's thread is woken for.
pub(super) enum Woken {
    Stop,
    Look,
    /// Something about levels is due.
    Levels,
    /// A round; it answers the flushes up to this ticket.
    Round {
        cause: Cause,
        covering: u64,
    },
}

impl Shared {
    pub fn new(token: Option<Sensitive<String>>, time: Time) -> Arc<Self> {
        let shared = Arc::new(Self {
            time,
            state: Mutex::new(State {
                standing: Standing::Idle,
                is_enabled: true,
                has_begun: false,
                token,
                asked: Asked::default(),
                flushes_asked: 0,
                flushes_looked: 0,
                flushes_done: 0,
                waiters: Waiters::default(),
                tally: Tally::default(),
            }),
            changed: Condvar::new(),
            nudged: AtomicBool::new(false),
            sender: OnceLock::new(),
            changes: Changes::default(),
        });
        let sleeper: Arc<dyn Sleeper> = Arc::clone(&shared) as _;
        shared.time.add_sleeper(Arc::downgrade(&sleeper));
        shared
    }

    /// What a forked child begins with. The parent's lock may be held for ever; then nothing is known of a token.
    pub(super) fn in_child(&self) -> Arc<Self> {
        let state = self.state.try_lock();
        let token = state.as_ref().ok().and_then(|state| state.token.clone());
        let child = Self::new(token, self.time.clone());
        if state.is_ok_and(|state| !state.is_enabled) {
            child.set_enabled(false);
        }
        child
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whoever waits for that.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        self.time.wakes_up();
        self.changed.notify_all();
        changed
    }

    // What everybody else asks for.

    pub fn nudge(&self) {
        if !self.nudged.swap(true, Ordering::AcqRel) {
            self.change(|_| ());
        }
    }

    pub fn set_token(&self, token: Sensitive<String>) {
        self.change(|state| {
            state.token = Some(token);
            state.asked.new_token = true;
        });
    }

    pub fn ask_for_token(&self) {
        self.change(|state| state.asked.new_token = true);
    }

    #[cfg(feature = "http")]
    pub fn endpoint_changed(&self) {
        self.change(|state| state.asked.new_endpoint = true);
    }

    pub fn network_changed(&self) {
        self.change(|state| state.asked.network_news = true);
    }

    pub fn stop(&self) {
        self.change(|state| state.asked.stop = true);
    }

    pub fn set_enabled(&self, is_enabled: bool) {
        self.change(|state| state.is_enabled = is_enabled);
        self.changes.note();
    }

    pub fn is_enabled(&self) -> bool {
        self.lock().is_enabled
    }

    /// Counts what is worth a new status.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// A ticket for a flush of what was logged so far.
    pub fn ask_for_flush(&self) -> u64 {
        self.change(|state| {
            state.flushes_asked += 1;
            state.flushes_asked
        })
    }

    /// Where the sender stands, with its moments as people read them, and what it has come to.
    pub fn snapshot(&self) -> (Connection, Tally) {
        let state = self.lock();
        let connection = match state.standing {
            Standing::Stopped => Connection::Stopped,
            _ if !state.is_enabled => Connection::Disabled,
            Standing::Idle => Connection::Idle,
            Standing::Sending => Connection::Sending,
            Standing::BackingOff { until } => Connection::BackingOff {
                until: self.time.wall(until),
            },
            Standing::PausedForToken { .. } => Connection::PausedForToken,
            Standing::PausedNotFound => Connection::PausedNotFound,
            Standing::Offline { .. } => Connection::Offline,
        };
        (connection, state.tally.clone())
    }

    /// True on the sender's own thread, which can't wait for itself.
    pub fn is_sender(&self) -> bool {
        self.sender.get() == Some(&thread::current().id())
    }

    // What the sender's thread says and asks.

    pub fn runs_here(&self) {
        let _ = self.sender.set(thread::current().id());
    }

    /// Sleeps until there is something to do. `round` is when there is anyway, `linger` how long a nudge waits for
    /// what follows it, `levels` when something is due about them.
    pub fn wait(&self, round: Duration, linger: Duration, levels: Option<Duration>) -> Woken {
        let mut lingers_until = None;
        let mut state = self.lock();
        loop {
            let now = self.time.now();
            if self.nudged.load(Ordering::Acquire) && lingers_until.is_none() {
                lingers_until = Some(now.saturating_add(linger));
            }
            let timers = Timers {
                round,
                linger: lingers_until,
                levels,
            };
            match state.wake(timers, now) {
                Wake::Stop => return Woken::Stop,
                Wake::Look => {
                    state.asked.network_news = false;
                    state.flushes_looked = state.flushes_asked;
                    return Woken::Look;
                }
                Wake::Levels => return Woken::Levels,
                Wake::Round(cause) => {
                    state.standing = Standing::Sending;
                    state.asked = Asked::default();
                    self.nudged.store(false, Ordering::Release);
                    let covering = state.flushes_asked;
                    self.changed.notify_all();
                    self.changes.note();
                    return Woken::Round { cause, covering };
                }
                Wake::Sleep(until) => {
                    self.time.falls_asleep(until);
                    state = self.time.wait(&self.changed, state, until);
                }
            }
        }
    }

    /// True once nobody waits for what is still under way, or nobody wants it sent any more.
    pub fn is_stopping(&self) -> bool {
        let state = self.lock();
        state.asked.stop || !state.is_enabled
    }

    /// True when errors were logged since the round began, and nobody waits for a flush.
    pub fn is_only_nudged(&self) -> bool {
        let state = self.lock();
        self.nudged.load(Ordering::Acquire) && state.flushes_asked == state.flushes_done
    }

    pub fn wall_now(&self) -> Timestamp {
        self.time.wall(self.time.now())
    }

    pub fn token(&self) -> Option<Sensitive<String>> {
        self.lock().token.clone()
    }

    pub fn standing(&self) -> Standing {
        self.lock().standing
    }

    pub fn stands(&self, standing: Standing) {
        self.change(|state| state.standing = standing);
        self.changes.note();
    }

    /// What earlier runs left is delivered, or can't be.
    pub fn has_begun(&self) {
        self.change(|state| state.has_begun = true);
    }

    /// The network was looked at for the flushes up to this ticket.
    pub fn looked(&self, covering: u64) {
        self.change(|state| state.flushes_looked = state.flushes_looked.max(covering));
    }

    pub fn flushed(&self, covering: u64) {
        self.change(|state| state.flushes_done = state.flushes_done.max(covering));
    }

    pub fn count(&self, delivered: u64, rejected: u64) {
        let now = self.wall_now();
        let tally = &mut self.lock().tally;
        tally.delivered += delivered;
        tally.rejected += rejected;
        tally.last_success = Some(now);
        self.changes.note();
    }

    pub fn failed(&self, error: String) {
        let now = self.wall_now();
        self.lock().tally.last_error = Some((now, error));
        self.changes.note();
    }

    pub fn panicked(&self) {
        self.lock().tally.panics += 1;
        self.changes.note();
    }
}

impl State {
    /// While sending is switched off nothing wakes the sender but its end.
    fn wake(&self, timers: Timers, now: Duration) -> Wake {
        if self.is_enabled || self.asked.stop {
            wake(self.standing, self.asked(), timers, now)
        } else {
            Wake::Sleep(None)
        }
    }

    fn asked(&self) -> Asked {
        let answered = match self.standing {
            Standing::Offline { .. } => self.flushes_looked,
            _ => self.flushes_done,
        };
        Asked {
            flush: self.flushes_asked > answered,
            ..self.asked
        }
    }

    /// Whether the sender has done what it does first, or does nothing.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun || !self.is_enabled || self.standing == Standing::Stopped
    }

    /// Whether the last try failed, and nothing makes the sender try again before a later moment.
    pub(super) fn is_backing_off(&self, now: Duration) -> bool {
        matches!(self.standing, Standing::BackingOff { until } if until > now)
            && !self.asked.new_endpoint
    }

    /// What a flush with this ticket and deadline has come to, if it has.
    pub(super) fn verdict(
        &self,
        ticket: u64,
        until: Duration,
        now: Duration,
    ) -> Option<WhyStopped> {
        if self.flushes_done >= ticket {
            return Some(WhyStopped::Drained);
        }
        let asked = &self.asked;
        match self.standing {
            Standing::Stopped => Some(WhyStopped::Stopped),
            _ if !self.is_enabled => Some(WhyStopped::Disabled),
            Standing::PausedForToken { .. } if !asked.new_token && !asked.new_endpoint => {
                Some(WhyStopped::PausedForToken)
            }
            Standing::PausedNotFound if !asked.new_endpoint => Some(WhyStopped::PausedNotFound),
            Standing::Offline { .. } if self.flushes_looked >= ticket && !asked.network_news => {
                Some(WhyStopped::Offline)
            }
            _ if now >= until => Some(WhyStopped::Deadline),
            _ => None,
        }
    }
}

impl Sleeper for Shared {
    fn look_at_time(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }
}
