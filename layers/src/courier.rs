//! The paved path: everything that a program in the field needs, put together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tracing_core::span::{Attributes, Id, Record as SpanRecord};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::filter::FilterExt as _;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::advice::Advice;
use crate::before_record::BeforeRecord;
use crate::breadcrumb::{BreadcrumbLayer, Breadcrumbs};
use crate::budget::Verdict;
use crate::builder::CourierBuilder;
use crate::clock::Clock;
use crate::context::RunContext;
use crate::gate::SanitizeLayer;
use crate::hook_watch::HookWatch;
use crate::level::Levels;
use crate::life::Life;
use crate::local_log::LocalLog;
use crate::own_records::Own;
use crate::queue::{DiskQueue, Health};
use crate::queue_layer::{DiskQueueLayer, TraceIds};
use crate::record::{Breadcrumb, Level};
use crate::sanitize::{Place, Sanitizer};
use crate::send::{Backend, BackendError, BackendLayer, Ends, Report, WhyStopped};
use crate::session::{Session, SupportCode};
use crate::status::Status;
use crate::stderr;
use crate::switches::{SwitchError, Switches};
use crate::watch::{Changes, Watch};

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
#[derive(Clone)]
pub struct Courier(pub(crate) Arc<Inner>);

impl fmt::Debug for Courier {
    /// Shows no user, no token and nothing that was logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier")
            .field("queue", &self.0.queue)
            .field("backend", &self.0.backend)
            .finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub queue: DiskQueue,
    pub crumbs: Breadcrumbs,
    pub levels: Levels,
    pub sanitizer: Sanitizer,
    pub clock: Clock,
    pub backend: Option<Backend>,
    pub context: RunContext,
    pub life: Arc<Life>,
    pub local_log: LocalLog,
    pub switches: Switches,
    pub changes: Changes,
    pub trace_ids: Option<TraceIds>,
    pub before_record: Option<BeforeRecord>,
    pub hook: HookWatch,
    pub advice: Advice,
    pub own: Own,
}

impl Courier {
    /// For the service of this name, in this version.
    pub fn builder(service: impl Into<String>, version: impl Into<String>) -> CourierBuilder {
        CourierBuilder::new(service.into(), version.into())
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The layer for a stack of your own: trail, queue, and a nudge for the sender, behind the levels.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + 'static + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        CourierLayer {
            crumbs: BreadcrumbLayer::new(&self.0.crumbs),
            disk: DiskQueueLayer::new(&self.0.queue)
                .breadcrumbs(&self.0.crumbs)
                .context(&self.0.context)
                .changes(&self.0.changes)
                .trace_ids_by(self.0.trace_ids)
                .before_record_by(self.0.before_record.clone()),
            backend: self.0.backend.as_ref().map(Backend::unfiltered_layer),
            noise: self.0.own.budget().is_some().then(|| Noise {
                own: self.0.own.clone(),
                queue: self.0.queue.clone(),
                clock: self.0.clock.clone(),
            }),
        }
        .and_then(self.0.local_log.layer::<S>(&self.0.life, &self.0.context))
        .with_filter(self.0.levels.filter().and(self.0.switches.filter()))
    }

    /// The policy to end that stack with: `.sanitized(courier.sanitizer())`.
    #[must_use]
    pub fn sanitizer(&self) -> SanitizeLayer {
        SanitizeLayer::new(self.0.sanitizer.clone()).clock(self.0.clock.clone())
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

    /// Leaves a crumb that is no event, for the errors that follow: `breadcrumb("ui.click", "save", attributes)`. The
    /// category is one of `ui`, `network`, `user` and `system`, or begins with a word that says which; the rest of the
    /// program sees nothing of it, and no record is made. Cleaned like any; a message of more than 512 bytes is cut,
    /// attributes of more are left out.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use tracing_courier::{Courier, serde_json::json};
    ///
    /// let courier = Courier::builder("app", "1.0").dir(dir.path()).start()?;
    /// courier.breadcrumb("ui.click", "save", json!({"form": "survey"}));
    /// assert_eq!(courier.recent()[0].message, "save");
    /// # Ok(())
    /// # }
    /// ```
    pub fn breadcrumb(&self, category: &str, message: &str, attributes: impl Into<Value>) {
        let inner = &self.0;
        if !inner.switches.records() {
            return;
        }
        let clean = |text: &str| inner.sanitizer.clean(Place::Breadcrumb, text).into_owned();
        let mut attributes = attributes.into();
        inner.sanitizer.value(Place::Breadcrumb, &mut attributes);
        inner.crumbs.leave(&Breadcrumb {
            timestamp: inner.clock.now().to_string(),
            level: Level::Info,
            logger: clean(category),
            message: clean(message),
            category: category.to_owned(),
            attributes: match attributes {
                Value::Object(attributes) => attributes,
                Value::Null => Map::new(),
                other => Map::from_iter([("value".to_owned(), other)]),
            },
        });
    }

    /// Who is logged in from now on; records keep whom they were made under. Use an opaque id.
    pub fn set_user(&self, user_id: Option<&str>) {
        let advice = &self.0.advice;
        advice.on_user(user_id, &self.0.life, &self.0.queue);
        let user_id = user_id.map(str::to_owned);
        self.0
            .life
            .change(&self.0.queue, |session| session.user_id = user_id);
    }

    /// Replaces the bearer token; a sender that waits for one goes on at once. Without a relay there is nothing to do.
    ///
    /// # Errors
    /// The token is empty, or none that an HTTP header can carry; the one in use stays.
    pub fn set_token(&self, token: impl Into<String>) -> Result<(), BackendError> {
        match &self.0.backend {
            Some(backend) => backend.set_token(token),
            None => Ok(()),
        }
    }

    /// What the program is doing from now on: `set_context("active_run", json!({"run_id": "r-7"}))`. It becomes an
    /// attribute of each record, cleaned like any; records keep what they were made under. See [`RunContext::set`].
    pub fn set_context(&self, name: &str, value: impl Into<Value>) {
        self.0.context.set(name, value, &self.0.sanitizer);
    }

    /// Ends what [`set_context`](Self::set_context) began: the records that follow no longer have this attribute.
    pub fn clear_context(&self, name: &str) {
        self.0.context.clear(name);
    }

    /// Who logs: install, session, user, resource.
    #[must_use]
    pub fn session(&self) -> Arc<Session> {
        self.0.life.session()
    }

    /// What the person at the device reads out on the telephone: for an error dialog, an about box, the last line of a
    /// command-line tool. Support finds the installation by it.
    #[must_use]
    pub fn support_code(&self) -> SupportCode {
        self.session().support_code()
    }

    /// Sends what is there and waits for it, up to the deadline.
    pub fn flush(&self, deadline: Duration) -> Report {
        self.say_suppressed(false);
        match &self.0.backend {
            Some(backend) => backend.flush(deadline),
            None => self.report_without_relay(WhyStopped::NoRelay),
        }
    }

    /// Ends the session: writes `session_end`, sends what is there and waits for it, as the drop of the guard does. To
    /// be called before `std::process::exit`, which drops nothing. From any thread; the second call does nothing.
    ///
    /// It waits for one try, up to [`drop_deadline`](CourierBuilder::drop_deadline): without a relay (refused, no such
    /// name, a token that it does not take, a sender that waits to try again) it is back at once. What is left is on
    /// disk and goes at the next start, and so does what is logged after it.
    pub fn finish(&self) -> Report {
        if self.0.life.is_ours() {
            self.0.hook.look();
            if !self.0.life.has_ended() {
                self.0.advice.on_end(&self.0.queue);
            }
            self.say_suppressed(true);
            self.0.life.end(&self.0.queue);
            let report = self.last_report();
            // Should it end in the middle of a send, that says nothing about the records.
            self.0.queue.absolve();
            // Only what is not home by now may cost something older.
            self.0.queue.save_what_waits();
            self.say_what_ends_with_the_process();
            self.0.local_log.finish();
            return report;
        }
        // A forked child that has recorded nothing: what there is to end is its parent's.
        self.report_without_relay(WhyStopped::Stopped)
    }

    /// Nobody else would ever know of them.
    fn say_what_ends_with_the_process(&self) {
        let waiting = self.0.queue.waiting_in_memory();
        if waiting > 0
            && let Health::Degraded(reason) = self.0.queue.health()
        {
            stderr::say(&format!(
                "{waiting} records are in memory alone and end with this process: {reason}"
            ));
        }
    }

    fn say_suppressed(&self, all: bool) {
        let Inner {
            own, queue, clock, ..
        } = &*self.0;
        own.say_suppressed(queue, clock.now(), all);
    }

    fn last_report(&self) -> Report {
        match &self.0.backend {
            Some(backend) => backend.finish_and_report(),
            None => self.report_without_relay(WhyStopped::NoRelay),
        }
    }

    fn report_without_relay(&self, why_stopped: WhyStopped) -> Report {
        Report {
            delivered: 0,
            pending: self.0.queue.pending().records,
            rejected: 0,
            lost_by_reason: self.0.queue.losses().by_reason(),
            why_stopped,
        }
    }

    /// Stops sending, or goes on, also after the next start. What is recorded meanwhile waits on disk. A batch that is
    /// on its way arrives.
    ///
    /// # Errors
    /// It could not be remembered; it is in force all the same.
    pub fn set_enabled(&self, enabled: bool) -> Result<(), SwitchError> {
        if let Some(backend) = &self.0.backend {
            backend.set_enabled(enabled);
        }
        let remembered = self.0.switches.set_sends(enabled);
        self.0.changes.note();
        remembered
    }

    /// Stops recording, or goes on, also after the next start: no record is made meanwhile, not even of a panic. What
    /// was recorded before is still sent; [`DiskQueue::clear`] forgets it.
    ///
    /// # Errors
    /// It could not be remembered; it is in force all the same.
    pub fn set_recording(&self, recording: bool) -> Result<(), SwitchError> {
        let remembered = self.0.switches.set_records(recording);
        if recording {
            self.0.life.begin(&self.0.queue, Vec::new());
        }
        self.0.changes.note();
        remembered
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let status = match &self.0.backend {
            Some(backend) => backend.status(),
            None => Status::of(&self.0.queue),
        };
        Status {
            enabled: self.0.switches.sends(),
            recording: self.0.switches.records(),
            panic_hook_replaced: self.0.hook.is_replaced(),
            ..status
        }
    }

    /// The status as it changes, to wait for.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let courier = Arc::downgrade(&self.0);
        let ask = move || Some(Self(courier.upgrade()?).status());
        Watch::new(&self.0.changes, Box::new(ask))
    }

    /// Calls back with each new status, on a thread of its own, `courier-status`.
    pub fn on_change(&self, callback: impl FnMut(&Status) + Send + 'static) {
        self.watch().call(callback);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.changes.end();
    }
}

impl Ends for Courier {
    fn end(&self) {
        let _: Report = Self::finish(self);
    }
}

/// Trail, queue and nudge in one layer, in this order: an error finds the trail before it, and the sender finds the
/// error on disk.
struct CourierLayer {
    crumbs: BreadcrumbLayer,
    disk: DiskQueueLayer,
    backend: Option<BackendLayer>,
    noise: Option<Noise>,
}

/// What keeps a loud line within its budget, and says what that cost.
struct Noise {
    own: Own,
    queue: DiskQueue,
    clock: Clock,
}

impl Noise {
    #[inline]
    fn is_within_budget(&self, event: &Event<'_>) -> bool {
        let verdict = self.own.budget().map(|budget| budget.verdict(event));
        if verdict == Some(Verdict::LeaveOutAndTell) {
            self.own
                .say_suppressed(&self.queue, self.clock.now(), false);
        }
        matches!(verdict, None | Some(Verdict::Record))
    }
}

impl<S> Layer<S> for CourierLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        if let Some(noise) = &self.noise
            && !noise.is_within_budget(event)
        {
            return;
        }
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
