//! Settings of a sender, and what can be wrong with them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::again::Again;
use super::answer_form::Success;
use super::backend::{Backend, Inner, Place};
use super::error::BackendError;
use super::follow::Follow;
use super::guard::Guard;
#[cfg(feature = "http")]
use super::http;
use super::network::{NetworkCheck, Watch};
use super::round::{Drain, Limits, MAX_BODY_BYTES};
use super::shared::Shared;
use super::stderr_notice::Told;
use super::time::Time;
use super::token::{self, Ask, Token, Tokens};
use super::transport::Transport;
use super::worker::Worker;
use crate::level::Levels;
use crate::own_records::Own;
use crate::queue::{DiskQueue, Pending};
use crate::stderr;

/// Time between sends when nothing urgent was logged: 30 s, so that a radio may sleep.
pub const DEFAULT_FLUSH_EVERY: Duration = Duration::from_secs(30);
/// How long the drop of a [`Guard`] waits for the relay: 2 s, what a person takes for "closing".
pub const DEFAULT_DROP_DEADLINE: Duration = Duration::from_secs(2);
/// Records in a batch at most: 100, cheap to send again.
pub const DEFAULT_BATCH_RECORDS: usize = 100;
/// Records that a relay takes in one batch. From the contract.
pub const MAX_BATCH_RECORDS: usize = 1000;
/// Bytes of a batch's records at most: 900 KB, below the relay's 1 MiB with room for context and resource.
pub const DEFAULT_BATCH_BYTES: usize = 900_000;
/// As much of the relay's 1 MiB as records may take: context and resource need room too.
pub const MAX_BATCH_BYTES: usize = MAX_BODY_BYTES - 64 * 1024;

/// What carries the requests.
enum Carrier {
    Own(Box<dyn Transport>),
    /// HTTP to the relay at this URL.
    #[cfg(feature = "http")]
    Relay(String),
}

/// Settings of a [`Backend`].
#[must_use = "it sends nothing before `start`"]
pub struct BackendBuilder {
    carrier: Carrier,
    token: Option<String>,
    pub(super) ask: Option<Ask>,
    flush_every: Duration,
    drop_deadline: Duration,
    exits_later: bool,
    limits: Limits,
    success: Success,
    levels: Option<Levels>,
    check: Option<Box<dyn NetworkCheck>>,
    #[cfg(feature = "netwatch")]
    watches_interfaces: bool,
    time: Time,
    debug: Option<bool>,
    /// The first thing that was wrong with a setting, for `start` to say.
    wrong: Option<BackendError>,
    #[cfg(feature = "http")]
    pub(super) http: http::Settings,
    #[cfg(feature = "http")]
    pub(super) runtime: http::OwnRuntime,
}

impl fmt::Debug for BackendBuilder {
    /// Shows no token and no address: what is set may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendBuilder")
            .field("flush_every", &self.flush_every)
            .field("drop_deadline", &self.drop_deadline)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Backend {
    /// A sender to the relay at this base URL: `https://relay.example`.
    #[cfg(feature = "http")]
    pub fn builder(url: impl Into<String>) -> BackendBuilder {
        BackendBuilder::new(Carrier::Relay(url.into()))
    }

    /// A sender by another transport.
    pub fn by(transport: impl Transport + 'static) -> BackendBuilder {
        BackendBuilder::new(Carrier::Own(Box::new(transport)))
    }
}

impl BackendBuilder {
    fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            token: None,
            ask: None,
            flush_every: DEFAULT_FLUSH_EVERY,
            drop_deadline: DEFAULT_DROP_DEADLINE,
            exits_later: false,
            limits: Limits {
                records: DEFAULT_BATCH_RECORDS,
                bytes: DEFAULT_BATCH_BYTES,
            },
            success: Success::Receipt,
            levels: None,
            check: None,
            #[cfg(feature = "netwatch")]
            watches_interfaces: false,
            time: Time::System,
            debug: None,
            wrong: None,
            #[cfg(feature = "http")]
            http: http::Settings::default(),
            #[cfg(feature = "http")]
            runtime: http::OwnRuntime::default(),
        }
    }

    /// Sets the bearer token. By default none is sent.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Asks the program for the bearer token before each batch, on the sender's thread, which waits for it. With an
    /// error or a panic the sender pauses with that reason and asks again later, backing off; a token that the relay
    /// refused is not sent again. [`Backend::token_changed`] makes it ask at once. A token that is set wins.
    pub fn token_provider<E>(
        mut self,
        mut provider: impl FnMut() -> Result<String, E> + Send + 'static,
    ) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.ask = Some(Box::new(move || provider().map_err(Into::into)));
        self
    }

    /// Lets the relay change these levels, within their floor and ceiling. By default nobody asks it.
    pub fn levels(mut self, levels: &Levels) -> Self {
        self.levels = Some(levels.clone());
        self
    }

    /// Sets the time between sends when nothing urgent was logged. By default [`DEFAULT_FLUSH_EVERY`].
    pub fn flush_every(mut self, interval: Duration) -> Self {
        self.flush_every = interval;
        self
    }

    /// Sets how long the drop of the guard waits for the relay. By default [`DEFAULT_DROP_DEADLINE`].
    pub fn drop_deadline(mut self, deadline: Duration) -> Self {
        self.drop_deadline = deadline;
        self
    }

    /// See [`CourierBuilder::exit_later`](crate::CourierBuilder::exit_later).
    pub(crate) fn exit_later(mut self) -> Self {
        self.exits_later = true;
        self
    }

    /// Sets how many records go at once, up to [`MAX_BATCH_RECORDS`]. By default [`DEFAULT_BATCH_RECORDS`].
    pub fn batch_records(mut self, records: usize) -> Self {
        self.limits.records = records;
        self
    }

    /// Sets how many bytes of records go at once, before compression, up to [`MAX_BATCH_BYTES`]. By default
    /// [`DEFAULT_BATCH_BYTES`]. A larger record goes alone.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Takes any 2xx for a receipt, and any 4xx for a verdict by its status alone: for a backend that is no relay. By
    /// default only an answer in the relay's own form counts, a receipt that accounts for each record or JSON with an
    /// `error`, so that a captive portal's login page takes nothing and refuses nothing.
    pub fn accept_any_2xx(mut self) -> Self {
        self.success = Success::Any;
        self
    }

    /// Asks this before it sends: without a network nothing is tried. By default requests find out.
    pub fn network_check(mut self, check: impl NetworkCheck + 'static) -> Self {
        self.check = Some(Box::new(check));
        self
    }

    /// Takes the operating system's network interfaces for the [`network_check`](Self::network_check), and watches
    /// them: without one that reaches further than this machine nothing is tried, and once there is one, at once.
    #[cfg(feature = "netwatch")]
    pub fn watch_interfaces(mut self) -> Self {
        self.check = Some(Box::new(super::interfaces::Interfaces));
        self.watches_interfaces = true;
        self
    }

    /// Sets the time that waits are measured by. By default the system's.
    pub fn time(mut self, time: Time) -> Self {
        self.time = time;
        self
    }

    /// Says on stderr whether records arrive: one line when the first batch does, and one for each new reason why none
    /// does, with what to do about it; once a reason and minute at most, and never through `tracing`. By default where
    /// this library was built with debug assertions, as in a program's debug build, and not in its release build. The
    /// variable `COURIER_DEBUG`, `1` or `0`, comes before both.
    pub fn debug(mut self, is_told: bool) -> Self {
        self.debug = Some(is_told);
        self
    }

    /// Starts the thread `courier-send`.
    ///
    /// # Errors
    /// A setting makes no sense, or the system gives no thread. Nothing was started then.
    pub fn start(self, queue: &DiskQueue) -> Result<Guard<Backend>, BackendError> {
        self.check()?
            .start(queue, true, Own::default(), Pending::default())
            .map(Guard::new)
    }

    /// Keeps what is wrong with a setting for [`start`](Self::start) to say.
    #[cfg(feature = "http")]
    pub(super) fn remember(&mut self, set: Result<(), BackendError>) {
        if self.wrong.is_none() {
            self.wrong = set.err();
        }
    }

    /// Everything that can be wrong with the settings, before anything is started.
    pub(crate) fn check(mut self) -> Result<Checked, BackendError> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        for (setting, is_zero) in [
            ("flush_every", self.flush_every.is_zero()),
            ("drop_deadline", self.drop_deadline.is_zero()),
            ("batch_records", self.limits.records == 0),
            ("batch_bytes", self.limits.bytes == 0),
        ] {
            if is_zero {
                return Err(BackendError::Zero { setting });
            }
        }
        for (setting, value, max) in [
            ("batch_records", self.limits.records, MAX_BATCH_RECORDS),
            ("batch_bytes", self.limits.bytes, MAX_BATCH_BYTES),
        ] {
            if value > max {
                return Err(BackendError::OverLimit {
                    setting,
                    value,
                    max,
                });
            }
        }
        let token = self.token.take().map(token::checked).transpose()?;
        #[cfg(feature = "http")]
        self.http.check()?;
        let is_told = stderr::is_for_developers(self.debug);
        let has_provider = self.ask.is_some();
        let (transport, place, again) = match self.carrier {
            Carrier::Own(transport) => (transport, None, None),
            #[cfg(feature = "http")]
            Carrier::Relay(url) => {
                let place = http::Place::new(&url, self.http.may_be_plain)?;
                if self.http.is_locked {
                    place.lock();
                }
                let http = http::Http::at(place.clone(), self.http.clone(), self.runtime);
                let again = http::again(place.clone(), self.http);
                (
                    Box::new(http) as Box<dyn Transport>,
                    Some(place),
                    Some(again),
                )
            }
        };
        Ok(Checked {
            transport,
            place,
            token,
            tokens: Tokens::new(self.ask),
            flush_every: self.flush_every,
            drop_deadline: self.drop_deadline,
            exits_later: self.exits_later,
            again: Again {
                transport: again.filter(|_| !has_provider),
                limits: self.limits,
                success: self.success,
                interval: self.flush_every,
                is_told,
            },
            limits: self.limits,
            success: self.success,
            levels: self.levels,
            watch: Watch::new(self.check),
            #[cfg(feature = "netwatch")]
            watches_interfaces: self.watches_interfaces,
            time: self.time,
        })
    }
}

/// Settings that make sense.
pub(crate) struct Checked {
    transport: Box<dyn Transport>,
    place: Option<Place>,
    again: Again,
    token: Option<Token>,
    tokens: Tokens,
    flush_every: Duration,
    drop_deadline: Duration,
    exits_later: bool,
    limits: Limits,
    success: Success,
    levels: Option<Levels>,
    watch: Watch,
    #[cfg(feature = "netwatch")]
    watches_interfaces: bool,
    time: Time,
}

impl Checked {
    pub(crate) fn start(
        self,
        queue: &DiskQueue,
        is_enabled: bool,
        own: Own,
        left: Pending,
    ) -> Result<Backend, BackendError> {
        let exits_later = self.exits_later.then_some(left);
        let endpoint = self.transport.endpoint().to_owned();
        let follow = self
            .levels
            .clone()
            .map(|levels| Follow::begin(levels, queue, &self.time, &own));
        let shared = Shared::new(self.token, self.time);
        if !is_enabled {
            shared.set_enabled(false);
        }
        let worker = Worker {
            drain: Drain::new(
                queue.clone(),
                self.transport,
                self.tokens,
                Arc::clone(&shared),
                self.limits,
                self.success,
                Told::new(self.again.is_told),
            ),
            watch: self.watch,
            follow,
            own: own.clone(),
            interval: self.flush_every,
            left: exits_later,
        };
        std::thread::Builder::new()
            .name("courier-send".to_owned())
            .spawn(move || worker.run())
            .map_err(BackendError::Thread)?;
        Ok(Backend(Arc::new(Inner {
            #[cfg(feature = "netwatch")]
            _interfaces: super::interfaces::Watcher::start(self.watches_interfaces, &shared),
            shared: ArcSwap::new(shared),
            again: self.again,
            own,
            queue: queue.clone(),
            endpoint,
            place: self.place,
            levels: self.levels,
            drop_deadline: self.drop_deadline,
            exits_later,
        })))
    }
}
