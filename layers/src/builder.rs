//! Settings of the paved path.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::before_record::{Hook, Keep};
use crate::clock::Clock;
use crate::local_log;
use crate::queue::Fsync;
use crate::queue_layer::TraceIds;
use crate::record::{Level, Record};
use crate::resource::Program;
use crate::sanitize::Sanitizer;
use crate::send::{Backend, BackendBuilder};

/// Settings of a [`Courier`](crate::Courier).
///
/// ```
/// use tracing_courier::{Courier, Level};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let courier = Courier::builder("field-app", "1.4.0")
///     .dir(dir.path())
///     .levels("info")
///     .level_floor(Level::Debug)
///     .max_bytes(20 * 1024 * 1024)
/// #     .without_panic_hook()
///     .start()?; // without `.relay(..)` records are only kept
/// assert!(courier.backend().is_none());
/// # Ok(())
/// # }
/// ```
#[must_use = "it does nothing before `start`"]
pub struct CourierBuilder {
    pub(crate) program: Program,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) backend: Option<BackendBuilder>,
    pub(crate) token: Option<String>,
    /// Which setters named one.
    pub(crate) senders: Vec<&'static str>,
    pub(crate) debug: Option<bool>,
    pub(crate) user: Option<String>,
    pub(crate) levels: String,
    pub(crate) level_floor: Level,
    pub(crate) level_ceiling: Level,
    pub(crate) sanitizer: Sanitizer,
    pub(crate) clock: Clock,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) keep_free: Option<u64>,
    pub(crate) fsync: Option<Fsync>,
    pub(crate) flush_every: Option<Duration>,
    pub(crate) drop_deadline: Option<Duration>,
    pub(crate) trace_ids: Option<TraceIds>,
    pub(crate) before_record: Option<Arc<Hook>>,
    pub(crate) has_panic_hook: bool,
    pub(crate) has_backtrace: bool,
    pub(crate) local_log: local_log::Settings,
    pub(crate) budget: Option<u32>,
    pub(crate) exits_later: bool,
}

impl fmt::Debug for CourierBuilder {
    /// Shows no token, no user and no address: what is set may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CourierBuilder")
            .field("service", &self.program.service)
            .field("version", &self.program.version)
            .field("dir", &self.dir)
            .field("senders", &self.senders)
            .finish_non_exhaustive()
    }
}

impl CourierBuilder {
    pub(crate) fn new(service: String, version: String) -> Self {
        Self {
            program: Program {
                service,
                version,
                ..Program::default()
            },
            dir: None,
            backend: None,
            token: None,
            senders: Vec::new(),
            debug: None,
            user: None,
            levels: "info".to_owned(),
            level_floor: Level::Error,
            level_ceiling: Level::Trace,
            sanitizer: Sanitizer::default(),
            clock: Clock::System,
            max_bytes: None,
            keep_free: None,
            fsync: None,
            flush_every: None,
            drop_deadline: None,
            trace_ids: None,
            before_record: None,
            has_panic_hook: true,
            has_backtrace: true,
            local_log: local_log::Settings::default(),
            budget: None,
            exits_later: false,
        }
    }

    /// Sets the directory of the queue and the install id. Required; it is made where it is missing. A relative one is
    /// meant from where the program is when it starts.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sends to the relay at this base URL. By default records stay on disk.
    #[cfg(feature = "http")]
    pub fn relay(mut self, url: impl Into<String>) -> Self {
        self.backend = Some(Backend::builder(url));
        self.senders.push("relay");
        self
    }

    /// Sends by a transport of your own.
    pub fn transport(mut self, transport: impl crate::send::Transport + 'static) -> Self {
        self.backend = Some(Backend::by(transport));
        self.senders.push("transport");
        self
    }

    /// Sends by a sender with settings of its own: timeouts, certificates, compression, a token provider, a network
    /// check. In place of [`relay`](Self::relay).
    pub fn backend(mut self, backend: BackendBuilder) -> Self {
        self.backend = Some(backend);
        self.senders.push("backend");
        self
    }

    /// Sets the bearer token for the relay. [`Courier::set_token`](crate::Courier::set_token) replaces it later.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Says on stderr what whoever develops the program should know: whether records arrive, and why not, with what to
    /// do about it; see [`BackendBuilder::debug`]. By default where this library was built with debug assertions, as in
    /// a program's debug build. The variable `COURIER_DEBUG`, `1` or `0`, comes before both.
    pub fn debug(mut self, is_told: bool) -> Self {
        self.debug = Some(is_told);
        self
    }

    /// Sets who is logged in at the start. By default nobody. Use an opaque id.
    pub fn user(mut self, user_id: impl Into<String>) -> Self {
        self.user = Some(user_id.into());
        self
    }

    /// Sets the levels: `info` (the default), or `info,app::sync=trace`.
    pub fn levels(mut self, levels: impl Into<String>) -> Self {
        self.levels = levels.into();
        self
    }

    /// Sets from which level on everything is recorded, whatever the relay says. By default [`Level::Error`].
    pub fn level_floor(mut self, floor: Level) -> Self {
        self.level_floor = floor;
        self
    }

    /// Sets the lowest level that the relay may ask for. By default [`Level::Trace`].
    pub fn level_ceiling(mut self, ceiling: Level) -> Self {
        self.level_ceiling = ceiling;
        self
    }

    /// Sets the environment that the program is deployed to: `production`, `staging`. By default it is not said, or
    /// what `OTEL_RESOURCE_ATTRIBUTES` says.
    pub fn environment(self, name: impl Into<String>) -> Self {
        self.resource("deployment.environment.name", name.into())
    }

    /// Adds an attribute of the resource, or replaces one that is found by itself. Of two that say the same, the later
    /// in this order wins: what is found (system, process, container, pipeline); the service's name and version as
    /// [`Courier::builder`](crate::Courier::builder) was told; the variable `OTEL_RESOURCE_ATTRIBUTES`; the variable `OTEL_SERVICE_NAME`; what
    /// is said here. An `OTEL_RESOURCE_ATTRIBUTES` that can't be read is left out whole, and a record says so.
    pub fn resource(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.program.own.insert(name.into(), value.into());
        self
    }

    /// Names the host in the resource. By default it is not named: on many a desk that is a person's name.
    pub fn host_name(mut self) -> Self {
        self.program.has_host_name = true;
        self
    }

    /// Sets the sanitizer. By default one with the default policy.
    pub fn sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        self.sanitizer = sanitizer;
        self
    }

    /// Sets the clock that stamps records. By default the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the cap of the queue on disk, in bytes. By default [`DEFAULT_MAX_BYTES`](crate::queue::DEFAULT_MAX_BYTES).
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Sets how much of the file system is left to others, in bytes. By default
    /// [`DEFAULT_KEEP_FREE_PERCENT`](crate::queue::DEFAULT_KEEP_FREE_PERCENT) of it. See [`Builder::keep_free`](crate::queue::Builder::keep_free).
    pub fn keep_free(mut self, bytes: u64) -> Self {
        self.keep_free = Some(bytes);
        self
    }

    /// Sets when the queue is synced to disk. By default [`Fsync::Fatal`].
    pub fn fsync(mut self, fsync: Fsync) -> Self {
        self.fsync = Some(fsync);
        self
    }

    /// Sets the time between sends when nothing urgent was logged. By default
    /// [`DEFAULT_FLUSH_EVERY`](crate::send::DEFAULT_FLUSH_EVERY).
    pub fn flush_every(mut self, interval: Duration) -> Self {
        self.flush_every = Some(interval);
        self
    }

    /// Sets how long the drop of the guard waits for the relay. By default
    /// [`DEFAULT_DROP_DEADLINE`](crate::send::DEFAULT_DROP_DEADLINE).
    pub fn drop_deadline(mut self, deadline: Duration) -> Self {
        self.drop_deadline = Some(deadline);
        self
    }

    /// Lets the end of the program wait for nobody: for a command-line tool, whose next run delivers what this one
    /// leaves. An exit costs some milliseconds, with or without a relay; one in many costs up to a tenth of a second,
    /// where runs are so short that more and more is left. By default the end sends what is there.
    ///
    /// Runs one after the other share one directory, however often the tool is run without a relay: a run goes on in
    /// the directory of the last, under a queue id of its own. What the relay says about levels reaches the run after
    /// the one that hears of it.
    pub fn exit_later(mut self) -> Self {
        self.exits_later = true;
        self
    }

    /// Asks this function for the ids of the current trace: see [`DiskQueueLayer::trace_ids`] and
    /// [`PanicHook::trace_ids`](crate::PanicHook::trace_ids). By default a record has none.
    ///
    /// [`DiskQueueLayer::trace_ids`]: crate::DiskQueueLayer::trace_ids
    pub fn trace_ids(mut self, ids: TraceIds) -> Self {
        self.trace_ids = Some(ids);
        self
    }

    /// Asks the program about each of its records before it goes to the disk: to change it, or to drop it. By default
    /// nobody is asked.
    ///
    /// ```
    /// # use tracing_courier::{Courier, Keep};
    /// # let dir = tempfile::tempdir()?;
    /// let courier = Courier::builder("field-app", "1.4.0")
    ///     .dir(dir.path())
    ///     .before_record(|record| {
    ///         record.attributes.insert("site".to_owned(), "north".into());
    ///         match record.logger.starts_with("app::poll") {
    ///             true => Keep::No,
    ///             false => Keep::Yes,
    ///         }
    ///     })
    /// #     .without_panic_hook()
    ///     .start()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// It sees the record as the gate has cleaned it, and what it puts in is redacted too. It runs in the logging call
    /// and must be quick: a record costs about ten times as much with it. What it logs is not recorded; if it panics, the
    /// record is dropped and counted as [`Loss::Hook`](crate::Loss::Hook). Not asked: for a panic's record, because a
    /// panic in it would end the program there and then; for records of this library itself; for the trail of
    /// breadcrumbs, the local log and other layers.
    pub fn before_record(
        mut self,
        hook: impl Fn(&mut Record) -> Keep + Send + Sync + 'static,
    ) -> Self {
        self.before_record = Some(Arc::new(hook));
        self
    }

    /// Sets how many records one line of the program may make a minute, below ERROR: in the long run so many, in its
    /// worst minute twice as many. By default as many as it likes. At least one.
    ///
    /// So a line that is logged 60,000 times does not push the records of a week out of the queue. What goes beyond is
    /// left out of the queue and the trail, and counted: `59399 more suppressed` is one record a minute, with the level,
    /// logger and place of that line, and the count as `suppressed.count`. Other layers, and the local log, see all of it.
    pub fn budget(mut self, records_per_minute: u32) -> Self {
        self.budget = Some(records_per_minute);
        self
    }

    /// Leaves the program's panic hook alone.
    pub fn without_panic_hook(mut self) -> Self {
        self.has_panic_hook = false;
        self
    }

    /// Leaves the backtrace out of a panic's record. By default it is captured whatever `RUST_BACKTRACE` says.
    pub fn without_backtrace(mut self) -> Self {
        self.has_backtrace = false;
        self
    }

    /// Keeps a human-readable log in this directory too, for the engineer on site: see [`local_log`]. It records
    /// what the levels say.
    #[cfg(feature = "local-log")]
    pub fn local_log(mut self, dir: impl Into<PathBuf>) -> Self {
        self.local_log.dir = Some(dir.into());
        self
    }

    /// Sets how many files of the local log are kept, one for each day. By default
    /// [`DEFAULT_MAX_FILES`](local_log::DEFAULT_MAX_FILES).
    #[cfg(feature = "local-log")]
    pub fn local_log_files(mut self, max_files: usize) -> Self {
        self.local_log.max_files = max_files;
        self
    }
}
