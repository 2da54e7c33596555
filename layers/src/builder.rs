//! Settings of the paved path, and how its parts are put together.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::breadcrumb::Breadcrumbs;
use crate::clock::Clock;
use crate::courier::{Courier, Inner, wire_context};
use crate::level::{Levels, LevelsError};
use crate::panic::PanicHook;
use crate::queue::{self, DiskQueue, Fsync};
use crate::sanitize::{Place, Sanitizer};
use crate::send::{Backend, BackendBuilder, BackendError, Guard};
use crate::session::{Session, SessionError};

/// Settings of a [`Courier`].
#[must_use = "it does nothing before `start`"]
pub struct CourierBuilder {
    service: String,
    version: String,
    dir: Option<PathBuf>,
    backend: Option<BackendBuilder>,
    token: Option<String>,
    user: Option<String>,
    levels: String,
    resource: Map<String, Value>,
    sanitizer: Sanitizer,
    clock: Clock,
    max_bytes: Option<u64>,
    fsync: Option<Fsync>,
    flush_every: Option<Duration>,
    drop_deadline: Option<Duration>,
    has_panic_hook: bool,
}

impl CourierBuilder {
    pub(crate) fn new(service: String, version: String) -> Self {
        Self {
            service,
            version,
            dir: None,
            backend: None,
            token: None,
            user: None,
            levels: "info".to_owned(),
            resource: Map::new(),
            sanitizer: Sanitizer::default(),
            clock: Clock::System,
            max_bytes: None,
            fsync: None,
            flush_every: None,
            drop_deadline: None,
            has_panic_hook: true,
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

    /// Adds an attribute of the resource: `deployment.environment.name`.
    pub fn resource(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.resource.insert(name.into(), value.into());
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

    /// Leaves the program's panic hook alone.
    pub fn without_panic_hook(mut self) -> Self {
        self.has_panic_hook = false;
        self
    }

    /// Opens the queue, writes `session_start`, starts the sender and installs the panic hook.
    ///
    /// # Errors
    /// A setting makes no sense, or the directory can't be used. Nothing is installed then.
    pub fn start(self) -> Result<Guard<Courier>, StartError> {
        let dir = self.dir.ok_or(StartError::NoDirectory)?;
        let levels = Levels::new(&self.levels)?;
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

        let mut session = Session::start(&dir, &self.service, &self.version)?;
        session.user_id = self.user;
        session.resource.extend(self.resource);
        let mut resource = Value::Object(std::mem::take(&mut session.resource));
        self.sanitizer.value(Place::Resource, &mut resource);
        if let Value::Object(resource) = resource {
            session.resource = resource;
        }

        let queue = queue.open()?;
        queue.set_context(&wire_context(&session));

        let crumbs = Breadcrumbs::new();
        let hook = self.has_panic_hook.then(|| {
            PanicHook::new(&queue)
                .breadcrumbs(&crumbs)
                .sanitizer(&self.sanitizer)
                .clock(self.clock.clone())
        });
        let backend = backend.map(|backend| backend.start(&queue)).transpose()?;
        let courier = Courier::new(Inner {
            queue,
            crumbs,
            levels,
            sanitizer: self.sanitizer,
            clock: self.clock,
            backend,
            session: Mutex::new(session),
        });
        // Install, session, user and resource come with every record's context.
        let version = Map::from_iter([("app_version".to_owned(), self.version.into())]);
        courier.note("session_start", version);
        if let Some(hook) = hook {
            hook.install();
        }
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
}
