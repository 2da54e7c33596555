//! Settings of the paved path, and how its parts are put together.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::breadcrumb::Breadcrumbs;
use crate::clock::Clock;
use crate::context::RunContext;
use crate::courier::{Courier, Inner};
use crate::disk::TraceIds;
use crate::install::install_id;
use crate::level::{Levels, LevelsError};
use crate::life::{self, Life};
use crate::local_log;
use crate::own::Own;
use crate::panic::PanicHook;
use crate::queue::{self, DiskQueue, Fsync};
use crate::record::Level;
use crate::resource::{self, Program};
use crate::sanitize::{Place, Sanitizer};
use crate::send::{Backend, BackendBuilder, BackendError, Guard};
use crate::session::{Session, SessionError};
use crate::switches::Switches;
use crate::watch::Changes;

/// Settings of a [`Courier`].
#[must_use = "it does nothing before `start`"]
pub struct CourierBuilder {
    program: Program,
    dir: Option<PathBuf>,
    backend: Option<BackendBuilder>,
    token: Option<String>,
    user: Option<String>,
    levels: String,
    level_floor: Level,
    level_ceiling: Level,
    sanitizer: Sanitizer,
    clock: Clock,
    max_bytes: Option<u64>,
    fsync: Option<Fsync>,
    flush_every: Option<Duration>,
    drop_deadline: Option<Duration>,
    trace_ids: Option<TraceIds>,
    has_panic_hook: bool,
    has_backtrace: bool,
    local_log: local_log::Settings,
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
            user: None,
            levels: "info".to_owned(),
            level_floor: Level::Error,
            level_ceiling: Level::Trace,
            sanitizer: Sanitizer::default(),
            clock: Clock::System,
            max_bytes: None,
            fsync: None,
            flush_every: None,
            drop_deadline: None,
            trace_ids: None,
            has_panic_hook: true,
            has_backtrace: true,
            local_log: local_log::Settings::default(),
        }
    }

    /// Sets the directory of the queue and the install id. Required; it is made where it is missing.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sends to the relay at this base URL. By default records stay on disk.
    #[cfg(feature = "http")]
    pub fn relay(mut self, url: impl Into<String>) -> Self {
        self.backend = Some(Backend::builder(url));
        self
    }

    /// Sends by a transport of your own.
    pub fn transport(mut self, transport: impl crate::send::Transport + 'static) -> Self {
        self.backend = Some(Backend::by(transport));
        self
    }

    /// Sends by a sender with settings of its own: timeouts, certificates, compression, a token provider, a network
    /// check. In place of [`relay`](Self::relay).
    pub fn backend(mut self, backend: BackendBuilder) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Sets the bearer token for the relay.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
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
    /// [`Courier::builder`] was told; the variable `OTEL_RESOURCE_ATTRIBUTES`; the variable `OTEL_SERVICE_NAME`; what
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

    /// Sets the cap of the queue on disk, in bytes. By default [`queue::DEFAULT_MAX_BYTES`].
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
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

    /// Asks this function for the ids of the current trace: see [`DiskQueueLayer::trace_ids`]. By default a record has
    /// none.
    ///
    /// [`DiskQueueLayer::trace_ids`]: crate::DiskQueueLayer::trace_ids
    pub fn trace_ids(mut self, ids: TraceIds) -> Self {
        self.trace_ids = Some(ids);
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

    /// Opens the queue, writes `session_start`, starts the sender and installs the panic hook.
    ///
    /// # Errors
    /// A setting makes no sense, or the directory can't be used. Nothing is installed then.
    pub fn start(self) -> Result<Guard<Courier>, StartError> {
        let dir = self.dir.ok_or(StartError::NoDirectory)?;
        let levels = Levels::new(&self.levels)?
            .floor(self.level_floor)
            .ceiling(self.level_ceiling);
        let backend = self
            .backend
            .map(|backend| {
                let backend = match self.token {
                    Some(token) => backend.token(token),
                    None => backend,
                };
                let backend = match self.flush_every {
                    Some(interval) => backend.flush_every(interval),
                    None => backend,
                };
                match self.drop_deadline {
                    Some(deadline) => backend.drop_deadline(deadline),
                    None => backend,
                }
                .levels(&levels)
                .check()
            })
            .transpose()?;

        let mut queue = DiskQueue::builder(&dir).clock(self.clock.clone());
        if let Some(bytes) = self.max_bytes {
            queue = queue.max_bytes(bytes);
        }
        if let Some(fsync) = self.fsync {
            queue = queue.fsync(fsync);
        }
        queue.check()?;

        let local_log = self.local_log.open(&self.program.service)?;
        let install_id = install_id(&dir)?;
        let (resource, error) = resource::find(self.program, install_id, &resource::Real);
        let mut resource = Value::Object(resource);
        self.sanitizer.value(Place::Resource, &mut resource);
        let resource = match resource {
            Value::Object(resource) => resource,
            _ => Map::new(),
        };
        let mut session = Session::of(install_id, resource);
        session.user_id = self.user;

        let switches = Switches::load(&dir);
        // Where nothing is recorded, nobody can report the dead: they stay for a start that can.
        let unclean = match switches.records() {
            true => life::unclean(&dir),
            false => Vec::new(),
        };
        let queue = queue.open()?;
        let (crumbs, context) = (Breadcrumbs::new(), RunContext::new());
        let own = Own::new(&context, &switches);
        let life = Life::new(session, &queue, &self.clock, &own);
        life.begin(&queue, unclean);
        if let Some(error) = error {
            life.say(&queue, Level::Warning, &error.to_string(), Map::new());
        }
        let backend = backend
            .map(|backend| backend.start(&queue, switches.sends(), own))
            .transpose()
            // It has ended before it did anything: no death to report.
            .inspect_err(|_| life.end(&queue))?;
        if self.has_panic_hook {
            let mut hook = PanicHook::new(&queue)
                .breadcrumbs(&crumbs)
                .context(&context)
                .life(&life)
                .sanitizer(&self.sanitizer)
                .clock(self.clock.clone());
            if !self.has_backtrace {
                hook = hook.without_backtrace();
            }
            hook.install();
        }
        if let Some(backend) = &backend {
            life.then_in_child(backend.in_child());
        }
        let changes = backend
            .as_ref()
            .map_or_else(Changes::default, Backend::changes);
        let courier = Courier::new(Inner {
            queue,
            crumbs,
            levels,
            sanitizer: self.sanitizer,
            clock: self.clock,
            backend,
            context,
            life,
            local_log,
            switches,
            changes,
            trace_ids: self.trace_ids,
        });
        Ok(Guard::new(courier))
    }
}

/// The program's logging could not be set up; nothing was installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No directory was given. Call `.dir(..)` with one that the program may write to.
    #[error("no directory for the queue: call `.dir(..)` with one that the program may write to")]
    NoDirectory,
    /// The levels name something that is no level.
    #[error(transparent)]
    Levels(#[from] LevelsError),
    /// The directory or the install id in it can't be used.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The queue can't be opened.
    #[error(transparent)]
    Queue(#[from] queue::OpenError),
    /// The sender can't be started.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The local log can't be opened.
    #[cfg(feature = "local-log")]
    #[error(transparent)]
    LocalLog(#[from] local_log::LocalLogError),
}

#[cfg(not(feature = "local-log"))]
impl From<std::convert::Infallible> for StartError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
