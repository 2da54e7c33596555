//! The sender's handle.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::again::Again;
use super::error::BackendError;
use super::guard::Ends;
#[cfg(feature = "http")]
use super::http;
#[cfg(feature = "netwatch")]
use super::interfaces;
use super::later;
use super::report::{Connection, Report, WhyStopped};
use super::shared::Shared;
use super::token;
use crate::level::Levels;
use crate::own_records::Own;
use crate::queue::{DiskQueue, Pending};
use crate::status::Status;
use crate::watch::Changes;

/// Where the relay is, if that can change.
#[cfg(feature = "http")]
pub(super) type Place = http::Place;
#[cfg(not(feature = "http"))]
pub(super) type Place = std::convert::Infallible;

/// The sender of one queue. A cheap handle: clones share it.
#[derive(Clone)]
pub struct Backend(pub(super) Arc<Inner>);

impl fmt::Debug for Backend {
    /// Shows no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("endpoint", &self.endpoint())
            .finish_non_exhaustive()
    }
}

pub(super) struct Inner {
    /// Swapped in a forked child.
    pub(super) shared: ArcSwap<Shared>,
    pub(super) again: Again,
    pub(super) own: Own,
    pub(super) queue: DiskQueue,
    pub(super) endpoint: String,
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "only HTTP has a place")
    )]
    pub(super) place: Option<Place>,
    pub(super) levels: Option<Levels>,
    #[cfg(feature = "netwatch")]
    pub(super) _interfaces: interfaces::Watcher,
    pub(super) drop_deadline: Duration,
    /// What earlier runs had left, where the next run delivers what this one leaves.
    pub(super) exits_later: Option<Pending>,
}

impl Inner {
    pub(super) fn shared(&self) -> Arc<Shared> {
        self.shared.load_full()
    }
}

impl Backend {
    /// Replaces the token; a sender that waits for one goes on at once.
    ///
    /// # Errors
    /// The token is empty, or none that an HTTP header can carry; the one in use stays.
    pub fn set_token(&self, token: impl Into<String>) -> Result<(), BackendError> {
        let token = token::checked(token.into())?;
        self.0.shared().set_token(token);
        Ok(())
    }

    /// Says that the token provider has another token; a sender that waits for one asks at once.
    pub fn token_changed(&self) {
        self.0.shared().ask_for_token();
    }

    /// Says that the network may have changed: the sender asks its [`NetworkCheck`](super::NetworkCheck) at once.
    pub fn network_changed(&self) {
        self.0.shared().network_changed();
    }

    /// Sends what is there and waits for it, up to the deadline. From any thread, inside or outside of any runtime;
    /// concurrent calls share one drain. Back early, with the reason, when the sender is paused.
    pub fn flush(&self, deadline: Duration) -> Report {
        let why_stopped = self.0.shared().flush(deadline);
        self.report(why_stopped)
    }

    /// [`flush`](Self::flush) as a future, on any runtime. It is under way from the call on, polled or not.
    pub fn flush_async(
        &self,
        deadline: Duration,
    ) -> impl Future<Output = Report> + Send + 'static + use<> {
        let flush = self.0.shared().flush_async(deadline);
        let backend = self.clone();
        async move { backend.report(flush.await) }
    }

    fn report(&self, why_stopped: WhyStopped) -> Report {
        if why_stopped == WhyStopped::Drained {
            self.0.queue.rest();
        }
        let (_, tally) = self.0.shared().snapshot();
        Report {
            delivered: tally.delivered,
            pending: self.0.queue.pending().records,
            rejected: tally.rejected,
            lost_by_reason: self.0.queue.losses().by_reason(),
            why_stopped,
        }
    }

    /// Wakes the sender, without waiting.
    pub fn nudge(&self) {
        self.0.shared().nudge();
    }

    /// Stops sending, or goes on. A batch that is on its way arrives. [`Courier::set_enabled`](crate::Courier::set_enabled)
    /// remembers it over restarts.
    pub fn set_enabled(&self, enabled: bool) {
        self.0.shared().set_enabled(enabled);
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let (connection, tally) = self.0.shared().snapshot();
        let mut status = Status::of(&self.0.queue);
        let is_degraded = matches!(status.connection, Connection::Degraded { .. });
        if !is_degraded || connection == Connection::Disabled {
            status.connection = connection;
        }
        let (last_error_at, last_error) = tally.last_error.unzip();
        Status {
            enabled: self.0.shared().is_enabled(),
            endpoint: Some(self.endpoint()),
            locked: self.is_locked(),
            last_success: tally.last_success,
            last_error,
            last_error_at,
            delivered: tally.delivered,
            rejected: tally.rejected,
            panics: tally.panics,
            levels: self.0.levels.as_ref().map(Levels::status),
            ..status
        }
    }

    pub(crate) fn changes(&self) -> Changes {
        self.0.shared().changes().clone()
    }
}

#[cfg(feature = "http")]
impl Backend {
    fn endpoint(&self) -> String {
        self.place()
            .map_or_else(|| self.0.endpoint.clone(), Place::shown)
    }

    pub(super) fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    fn is_locked(&self) -> bool {
        self.place().is_some_and(Place::is_locked)
    }

    pub(super) fn endpoint_changed(&self) {
        self.0.shared().endpoint_changed();
        self.0.shared().changes().note();
    }
}

#[cfg(not(feature = "http"))]
impl Backend {
    fn endpoint(&self) -> String {
        self.0.endpoint.clone()
    }

    fn is_locked(&self) -> bool {
        true
    }
}

impl Backend {
    /// The last flush: as [`flush`](Self::flush) with the drop's deadline, but a try that fails ends the wait, and so
    /// does a sender that waits to try again. None at all where the next run delivers. Nothing is sent after it.
    pub(crate) fn finish_and_report(&self) -> Report {
        let why_stopped = match self.0.exits_later {
            Some(left) => {
                self.0.shared().wait_for_begin(later::patience(left));
                WhyStopped::Later
            }
            None => self.0.shared().flush_once(self.0.drop_deadline),
        };
        self.0.shared().stop();
        self.report(why_stopped)
    }
}

impl Ends for Backend {
    fn end(&self) {
        let _: Report = self.finish_and_report();
    }
}
