//! The paved path: everything that a program in the field needs, put together.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tracing_core::span::{Attributes, Id, Record as SpanRecord};
use tracing_core::{Event, LevelFilter, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::breadcrumb::{BreadcrumbLayer, Breadcrumbs};
use crate::clock::Clock;
use crate::disk::DiskQueueLayer;
use crate::gate::{SanitizeExt as _, SanitizeLayer};
use crate::level::{Levels, LevelsError};
use crate::panic::PanicHook;
use crate::queue::{self, Appended, DiskQueue, Durability, Fsync, Line};
use crate::record::{self, Breadcrumb, Level, Record};
use crate::sanitize::{Place, Sanitizer};
use crate::send::{
    Backend, BackendBuilder, BackendError, BackendLayer, Finish, Guard, Report, Status, WhyStopped,
};
use crate::session::{Session, SessionError};

/// Everything at once: the trail, the queue, the sender, the session, the panic hook. A cheap handle.
///
/// ```no_run
/// use tracing_courier::prelude::*;
/// use tracing_subscriber::{filter::LevelFilter, prelude::*};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (dir, session_jwt) = ("/var/lib/field-app", "…");
/// let courier = Courier::builder("field-app", env!("CARGO_PKG_VERSION"))
///     .dir(dir).relay("https://relay.example").token(session_jwt)
///     .start()?;
///
/// tracing_subscriber::registry()
///     .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO))
///     .with(courier.layer())
///     .sanitized(courier.sanitizer())
///     .init();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Courier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: DiskQueue,
    crumbs: Breadcrumbs,
    levels: Levels,
    sanitizer: Sanitizer,
    clock: Clock,
    backend: Option<Backend>,
    session: Mutex<Session>,
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

impl Courier {
    /// For the service of this name, in this version.
    pub fn builder(service: impl Into<String>, version: impl Into<String>) -> CourierBuilder {
        CourierBuilder {
            service: service.into(),
            version: version.into(),
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

    /// The layer for a stack of your own: trail, queue, and a nudge for the sender, behind the levels.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + 'static + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        CourierLayer {
            crumbs: BreadcrumbLayer::new(&self.0.crumbs),
            disk: DiskQueueLayer::new(&self.0.queue).breadcrumbs(&self.0.crumbs),
            backend: self.0.backend.as_ref().map(BackendLayer::unfiltered),
        }
        .with_filter(self.0.levels.filter())
    }

    /// The policy to end that stack with: `.sanitized(courier.sanitizer())`.
    #[must_use]
    pub fn sanitizer(&self) -> SanitizeLayer {
        SanitizeLayer::new(self.0.sanitizer.clone()).clock(self.0.clock.clone())
    }

    /// Makes it the program's subscriber, together with a `fmt` layer that shows INFO and above on stderr.
    ///
    /// # Errors
    /// The program has a subscriber already.
    pub fn install(&self) -> Result<(), TryInitError> {
        tracing_subscriber::registry()
            .with(
                tracing_subscriber::fmt::layer()
                    .with_writer(std::io::stderr)
                    .with_filter(LevelFilter::INFO),
            )
            .with(self.layer())
            .sanitized(self.sanitizer())
            .try_init()
    }

    /// The queue on disk.
    #[must_use]
    pub fn queue(&self) -> &DiskQueue {
        &self.0.queue
    }

    /// The levels in force, to change them.
    #[must_use]
    pub fn levels(&self) -> &Levels {
        &self.0.levels
    }

    /// The sender, where there is a relay.
    #[must_use]
    pub fn backend(&self) -> Option<&Backend> {
        self.0.backend.as_ref()
    }

    /// The trail as it is now, oldest first: for a log viewer inside the program.
    #[must_use]
    pub fn recent(&self) -> Vec<Breadcrumb> {
        self.0.crumbs.recent()
    }

    /// Who is logged in from now on; records keep whom they were made under. Use an opaque id.
    pub fn set_user(&self, user_id: Option<&str>) {
        self.change(|session| session.user_id = user_id.map(str::to_owned));
    }

    /// Sends what is there and waits for it, up to the deadline.
    pub fn flush(&self, deadline: Duration) -> Report {
        match &self.0.backend {
            Some(backend) => backend.flush(deadline),
            None => Report {
                delivered: 0,
                pending: self.0.queue.pending().records,
                rejected: 0,
                lost_by_reason: self.0.queue.losses().by_reason(),
                why_stopped: WhyStopped::NoRelay,
            },
        }
    }

    /// The sender at a glance, where there is a relay.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.0.backend.as_ref().map(Backend::status)
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.0
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Session)) {
        let mut session = self.session();
        change(&mut session);
        self.0.queue.set_context(&wire_context(&session));
    }

    /// Writes a record of the library's own.
    fn note(&self, message: &str, attributes: Map<String, Value>) {
        let mut timestamp = Vec::new();
        record::timestamp(self.0.clock.now(), &mut timestamp);
        let record = Record {
            timestamp: String::from_utf8(timestamp).unwrap_or_default(),
            level: Level::Info,
            logger: "courier".to_owned(),
            message: message.to_owned(),
            attributes,
            error: None,
            stack_trace: None,
            trace_id: None,
            span_id: None,
            spans: Vec::new(),
            location: None,
            breadcrumbs: Vec::new(),
        };
        let mut line = Line::new();
        let json = serde_json::to_vec(&record).unwrap_or_default();
        line.body()
            .extend_from_slice(json.get(1..).unwrap_or_default());
        let _: Appended = self.0.queue.append(&mut line, Durability::PageCache);
    }
}

impl Finish for Courier {
    /// Unwinding is no clean end: then the session has none.
    fn finish(&self) {
        if !std::thread::panicking() {
            self.note("session_end", Map::new());
        }
        if let Some(backend) = &self.0.backend {
            backend.finish();
        }
    }
}

fn wire_context(session: &Session) -> queue::Context {
    queue::Context {
        context: session.wire_context(),
        resource: session.resource.clone(),
    }
}

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
        let backend = backend.map(|backend| backend.start(&queue)).transpose()?;
        let courier = Courier(Arc::new(Inner {
            queue,
            crumbs,
            levels,
            sanitizer: self.sanitizer,
            clock: self.clock,
            backend,
            session: Mutex::new(session),
        }));
        // Install, session, user and resource come with every record's context.
        let version = Map::from_iter([("app_version".to_owned(), self.version.into())]);
        courier.note("session_start", version);
        if self.has_panic_hook {
            PanicHook::new(&courier.0.queue)
                .breadcrumbs(&courier.0.crumbs)
                .sanitizer(&courier.0.sanitizer)
                .clock(courier.0.clock.clone())
                .install();
        }
        Ok(Guard::new(courier))
    }
}

/// Trail, queue and nudge in one layer, in this order: an error finds the trail before it, and the sender finds the
/// error on disk.
struct CourierLayer {
    crumbs: BreadcrumbLayer,
    disk: DiskQueueLayer,
    backend: Option<BackendLayer>,
}

impl<S> Layer<S> for CourierLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        self.crumbs.on_event(event, ctx.clone());
        self.disk.on_event(event, ctx.clone());
        self.backend.on_event(event, ctx);
    }

    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        self.disk.on_new_span(span, id, ctx);
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, ctx: Context<'_, S>) {
        self.disk.on_record(id, values, ctx);
    }
}
