//! The sender's loop: wait, drain, say how it stands. It runs on a thread of its own, unheard, so that its own HTTP
//! machinery can't log into the queue that it drains.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::follow::Follow;
use super::network::{self, OFFLINE_POLL, Watch};
use super::round::{Drain, Round, jitter};
use super::shared::{Shared, Woken};
use super::wake::{Cause, Standing};
use crate::own_records::Own;
use crate::queue::Pending;
use crate::quiet_thread::quietly;

/// After a nudge the sender waits this long for what follows, so that a storm of errors makes batches, not requests.
const NUDGE_LINGER: Duration = Duration::from_millis(20);
/// And up to this long while the storm goes on.
const MAX_LINGER: Duration = Duration::from_secs(1);

pub(super) struct Worker {
    pub drain: Drain,
    pub watch: Watch,
    pub follow: Option<Follow>,
    pub own: Own,
    /// Time between rounds when nothing calls for one.
    pub interval: Duration,
    /// What earlier runs left, where it goes before all else.
    pub left: Option<Pending>,
}

/// Says that the thread has ended, however it did.
struct Stopped(Arc<Shared>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.stands(Standing::Stopped);
    }
}

impl Worker {
    pub fn run(mut self) {
        let shared = Arc::clone(&self.drain.shared);
        let stopped = Stopped(Arc::clone(&shared));
        shared.runs_here();
        if let Some(left) = self.left.take() {
            self.begin(left);
        }
        // The first timed round comes somewhere in the second half of the interval: a fleet that is switched on as
        // one does not send as one.
        let mut timer = shared.time.now() + self.interval.mul_f64(1.0 - jitter() / 2.0);
        let mut linger = NUDGE_LINGER;
        loop {
            let levels = self.follow.as_ref().map(Follow::due);
            match shared.wait(timer, linger, levels) {
                Woken::Stop => break,
                Woken::Look => quietly(|| self.look()),
                Woken::Levels => {
                    self.levels();
                    shared.changes().note();
                }
                Woken::Round { cause, covering } => {
                    quietly(|| self.round(cause, covering));
                    timer = shared.time.now() + self.interval;
                    linger = match cause {
                        Cause::Nudge if shared.is_only_nudged() => (linger * 2).min(MAX_LINGER),
                        _ => NUDGE_LINGER,
                    };
                }
            }
        }
        // What the transport says while it is dropped is nobody's business either.
        quietly(|| drop(self));
        drop(stopped);
    }

    /// Looks at the network where somebody says that it changed, or after it was away for a while.
    fn look(&mut self) {
        let is_online = self.is_online();
        let shared = Arc::clone(&self.drain.shared);
        match (shared.standing(), is_online) {
            (_, false) => {
                self.drain.offline();
                shared.stands(self.offline());
            }
            (Standing::Offline { .. }, true) => {
                self.drain.forget_failures();
                // What waited goes at once.
                shared.stands(Standing::BackingOff {
                    until: shared.time.now(),
                });
            }
            (_, true) => {}
        }
    }

    pub(super) fn round(&mut self, cause: Cause, covering: u64) {
        let now = self.drain.shared.wall_now();
        self.own.say_suppressed(&self.drain.queue, now, false);
        let is_online = self.is_online();
        let round = if is_online {
            catch_unwind(AssertUnwindSafe(|| self.drain.round(cause)))
                .unwrap_or_else(|_| self.drain.panicked())
        } else {
            self.drain.offline();
            let standing = self.offline();
            self.drain.shared.looked(covering);
            return self.drain.shared.stands(standing);
        };
        if let (Some(follow), Some(tag)) = (&mut self.follow, self.drain.levels_etag.take()) {
            follow.hear(tag);
        }
        let shared = &self.drain.shared;
        let now = shared.time.now();
        let standing = match round {
            Round::Home => {
                shared.flushed(covering);
                Standing::Idle
            }
            Round::Held | Round::Stopped => Standing::Idle,
            Round::RetryIn(wait, why) => {
                shared.failed(why);
                Standing::BackingOff { until: now + wait }
            }
            Round::PausedForToken(again, why) => {
                shared.failed(why);
                Standing::PausedForToken {
                    until: again.map(|wait| now + wait),
                }
            }
            Round::PausedNotFound(why) => {
                shared.failed(why);
                Standing::PausedNotFound
            }
        };
        shared.stands(standing);
    }

    /// Ends levels that have had their time, and asks for others when it is time to.
    pub(super) fn levels(&mut self) {
        let Some(follow) = &mut self.follow else {
            return;
        };
        follow.expire();
        if !follow.wants_to_ask() {
            return;
        }
        let drain = &mut self.drain;
        if matches!(drain.shared.standing(), Standing::Offline { .. }) {
            return follow.cannot_ask("no network".to_owned());
        }
        let asked = catch_unwind(AssertUnwindSafe(|| match quietly(|| drain.token()) {
            Ok(token) => follow.ask(drain.transport.as_mut(), token.as_ref()),
            Err(why) => follow.cannot_ask(why.to_string()),
        }));
        if asked.is_err() {
            drain.shared.panicked();
            follow.cannot_ask("a panic while asking for levels".to_owned());
        }
    }

    fn is_online(&mut self) -> bool {
        let seen = self.watch.look();
        let shared = &self.drain.shared;
        if seen.panicked {
            shared.panicked();
        }
        if let Some(network) = seen.change {
            let now = shared.wall_now();
            network::record(&self.own, &self.drain.queue, network, now);
        }
        seen.is_online
    }

    fn offline(&self) -> Standing {
        Standing::Offline {
            until: self.drain.shared.time.now() + OFFLINE_POLL,
        }
    }
}
