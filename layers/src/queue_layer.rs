//! The layer between `tracing` and the disk queue: each event becomes one line on disk before the call returns.
//!
//! On the caller's thread: encode once into a buffer that is used again, one `write(2)`. FATAL is also synced. No
//! network, no allocation once the buffers are warm, and no error that reaches the program: what is lost is counted.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_core::span::{Attributes, Id, Record as SpanRecord};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::before_record::{BeforeRecord, Failed, Keep};
use crate::breadcrumb::Breadcrumbs;
use crate::context::RunContext;
use crate::gate::{Frame, Intake};
use crate::losses::Loss;
use crate::queue::{Appended, DiskQueue, Durability, Line};
use crate::quiet_thread::is_quiet;
use crate::record::{self, Extra, Level, Record};
use crate::sanitize::Sanitizer;
use crate::watch::Changes;

/// Gives the ids of the trace that the caller is in: trace id and span id, as numbers.
pub type TraceIds = fn() -> Option<(u128, u64)>;

/// Writes each event to a [`DiskQueue`].
#[derive(Debug)]
pub struct DiskQueueLayer {
    queue: DiskQueue,
    crumbs: Option<Breadcrumbs>,
    context: RunContext,
    trace_ids: Option<TraceIds>,
    before: Option<BeforeRecord>,
    intake: Intake,
    changes: Changes,
    is_degraded: AtomicBool,
}

impl DiskQueueLayer {
    /// Writes to this queue.
    #[must_use]
    pub fn new(queue: &DiskQueue) -> Self {
        queue.note_layer();
        Self {
            queue: queue.clone(),
            crumbs: None,
            context: RunContext::new(),
            trace_ids: None,
            before: None,
            intake: Intake::new("DiskQueueLayer"),
            changes: Changes::default(),
            is_degraded: AtomicBool::new(false),
        }
    }

    /// Attaches this trail to error and fatal records. By default none.
    #[must_use]
    pub fn breadcrumbs(mut self, crumbs: &Breadcrumbs) -> Self {
        self.crumbs = Some(crumbs.clone());
        self
    }

    /// Adds what the program is doing to each record. By default nothing.
    #[must_use]
    pub fn context(mut self, context: &RunContext) -> Self {
        self.context = context.clone();
        self
    }

    /// Asks this function for the ids of the current trace, at each event that belongs to the current context. By
    /// default a record has none.
    #[must_use]
    pub fn trace_ids(mut self, ids: TraceIds) -> Self {
        self.trace_ids = Some(ids);
        self
    }

    pub(crate) fn trace_ids_by(mut self, ids: Option<TraceIds>) -> Self {
        self.trace_ids = ids;
        self
    }

    /// Asks the program about each record, by what [`CourierBuilder::before_record`] says; what it changes is redacted
    /// by this sanitizer. By default nobody is asked.
    ///
    /// [`CourierBuilder::before_record`]: crate::CourierBuilder::before_record
    #[must_use]
    pub fn before_record(
        mut self,
        sanitizer: &Sanitizer,
        hook: impl Fn(&mut Record) -> Keep + Send + Sync + 'static,
    ) -> Self {
        self.before = Some(BeforeRecord::new(sanitizer, Arc::new(hook)));
        self
    }

    pub(crate) fn before_record_by(mut self, before: Option<BeforeRecord>) -> Self {
        self.before = before;
        self
    }

    /// Says there when the disk begins to refuse, and when it takes records again.
    pub(crate) fn changes(mut self, changes: &Changes) -> Self {
        self.changes = changes.clone();
        self
    }

    /// Takes events that no gate has cleaned too. They go to disk and to the relay as they are, secrets included.
    #[must_use]
    pub fn allow_raw(mut self) -> Self {
        self.intake.allow_raw();
        self
    }

    fn record<S>(
        &self,
        event: &Event<'_>,
        frame: &Rc<Frame>,
        ctx: &Context<'_, S>,
        buffers: &mut Buffers,
    ) where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let level = frame.level();
        buffers.crumbs.clear();
        if level >= Level::Error
            && let Some(crumbs) = &self.crumbs
        {
            crumbs.write_before(frame, &mut buffers.crumbs);
        }
        let context = self.context.load();
        let extra = Extra {
            context: &context,
            trace: self
                .trace_ids
                .filter(|_| event.is_contextual())
                .and_then(|ids| ids()),
            breadcrumbs: &buffers.crumbs,
        };
        buffers.line.clear();
        let start = buffers.line.buffer().len();
        let scope = || ctx.event_scope(event).into_iter().flatten();
        record::encode(
            frame,
            scope,
            &extra,
            &mut buffers.names,
            buffers.line.buffer(),
        );
        if let Some(before) = &self.before {
            match before.ask(buffers.line.buffer(), start) {
                Ok(true) => {}
                Ok(false) => return,
                Err(Failed) => return self.queue.losses().add(Loss::Hook, 1),
            }
        }
        record::fit(buffers.line.buffer(), start);
        let durability = match level {
            Level::Fatal => Durability::Durable,
            _ => Durability::PageCache,
        };
        // A loss is counted by the queue, under its reason.
        let appended = self.queue.append(&mut buffers.line, durability);
        let is_degraded = matches!(appended, Appended::InMemory | Appended::Lost(Loss::Disk));
        if self.is_degraded.load(Ordering::Relaxed) != is_degraded {
            self.is_degraded.store(is_degraded, Ordering::Relaxed);
            self.changes.note();
        }
    }
}

/// The line of a record that does not come through `tracing`.
pub(crate) fn line(record: &Record) -> Line {
    let mut line = Line::new();
    let start = line.buffer().len();
    let json = serde_json::to_vec(record).unwrap_or_default();
    line.buffer()
        .extend_from_slice(json.get(1..).unwrap_or_default());
    record::fit(line.buffer(), start);
    line
}

/// What a thread encodes with, again and again.
#[derive(Default)]
struct Buffers {
    line: Line,
    crumbs: Vec<u8>,
    names: Vec<&'static str>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// Runs `f` with this thread's buffers, or with new ones where those are gone (a thread that ends) or in use.
fn with_buffers(f: impl FnOnce(&mut Buffers)) {
    let mut f = Some(f);
    let _ = BUFFERS.try_with(|buffers| {
        if let Ok(mut buffers) = buffers.try_borrow_mut()
            && let Some(f) = f.take()
        {
            f(&mut buffers);
        }
    });
    if let Some(f) = f {
        f(&mut Buffers::default());
    }
}

impl<S> Layer<S> for DiskQueueLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        match self.intake.frame(event) {
            Some(frame) if frame.is_dropped => {}
            Some(frame) => with_buffers(|buffers| self.record(event, &frame, &ctx, buffers)),
            None if is_quiet() => {}
            None => self.queue.losses().add(Loss::NoGate, 1),
        }
    }

    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        self.intake.on_new_span(span, id, &ctx);
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, ctx: Context<'_, S>) {
        self.intake.on_record(id, values, &ctx);
    }
}
