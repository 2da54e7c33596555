//! The panic hook: a panic is a record on disk before unwinding goes on.
//!
//! In this order:
//!
//! 1. build the record: message, place, thread, the open spans with their fields and trace, backtrace, the trail;
//! 2. clean it by the sanitizer's own rules; no user code runs, since a panic inside a hook aborts;
//! 3. append it as FATAL, synced, and hand it to the local log;
//! 4. call the hook that was there before.
//!
//! It goes round `tracing`: the thread may have panicked inside a subscriber. It does not know whether somebody will
//! catch the panic, so it does not say; [`PanicHook::level`] changes the level.
//!
//! A hook that is set later and does not call the one before it takes its place: see `hook_watch.rs`. Set such a hook
//! first. Hooks for the same queue that call each other make one record of a panic.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::breadcrumb::Breadcrumbs;
use crate::clock::Clock;
use crate::context::RunContext;
use crate::hook_watch::{self, HookWatch};
use crate::life::Life;
use crate::local_log::LocalLog;
use crate::open_spans;
use crate::queue::{Appended, DiskQueue, Durability, QueueId};
use crate::queue_layer::{self, TraceIds};
use crate::record::{self, Level, Location, Record};
use crate::sanitize::{Place, Sanitizer};

/// How long the hook waits for the trail that another thread may hold: a panic must not hang.
const CRUMBS_PATIENCE: Duration = Duration::from_millis(50);

/// What happens when the program panics. [`install`](Self::install) puts it before the hook that is there.
#[derive(Clone, Debug)]
pub struct PanicHook {
    queue: DiskQueue,
    crumbs: Option<Breadcrumbs>,
    context: RunContext,
    life: Option<Arc<Life>>,
    local_log: LocalLog,
    watch: HookWatch,
    sanitizer: Sanitizer,
    clock: Clock,
    level: Level,
    has_backtrace: bool,
    trace_ids: Option<TraceIds>,
}

impl PanicHook {
    /// Writes panics to this queue.
    #[must_use]
    pub fn new(queue: &DiskQueue) -> Self {
        Self {
            queue: queue.clone(),
            crumbs: None,
            context: RunContext::new(),
            life: None,
            local_log: LocalLog::default(),
            watch: HookWatch::default(),
            sanitizer: Sanitizer::default(),
            clock: Clock::System,
            level: Level::Fatal,
            has_backtrace: true,
            trace_ids: None,
        }
    }

    /// Attaches this trail. By default none.
    #[must_use]
    pub fn breadcrumbs(mut self, crumbs: &Breadcrumbs) -> Self {
        self.crumbs = Some(crumbs.clone());
        self
    }

    /// Adds what the program is doing. By default nothing.
    #[must_use]
    pub fn context(mut self, context: &RunContext) -> Self {
        self.context = context.clone();
        self
    }

    /// The session whose mark says that it panicked.
    pub(crate) fn life(mut self, life: &Arc<Life>) -> Self {
        self.life = Some(Arc::clone(life));
        self
    }

    /// The local log, which has panics too.
    pub(crate) fn local_log(mut self, local_log: &LocalLog) -> Self {
        self.local_log = local_log.clone();
        self
    }

    /// Who is told when another hook takes this one's place.
    pub(crate) fn watch(mut self, watch: &HookWatch) -> Self {
        self.watch = watch.clone();
        self
    }

    /// Sets the sanitizer. By default one with the default policy.
    #[must_use]
    pub fn sanitizer(mut self, sanitizer: &Sanitizer) -> Self {
        self.sanitizer = sanitizer.clone();
        self
    }

    /// Sets the clock. By default the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the level of a panic's record. By default [`Level::Fatal`].
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Asks this function for the ids of the trace that the program was in. By default a panic has none.
    ///
    /// It is called on another thread, in the span where the panic happened, since nothing of the program may run inside
    /// a hook: so it finds what the span knows of its trace, and nothing where no span is open.
    #[must_use]
    pub fn trace_ids(mut self, ids: TraceIds) -> Self {
        self.trace_ids = Some(ids);
        self
    }

    pub(crate) fn trace_ids_by(mut self, ids: Option<TraceIds>) -> Self {
        self.trace_ids = ids;
        self
    }

    /// Leaves the backtrace out. By default it is captured whatever `RUST_BACKTRACE` says.
    #[must_use]
    pub fn without_backtrace(mut self) -> Self {
        self.has_backtrace = false;
        self
    }

    /// Puts it before the hook that is there, for the rest of the program's life, or until somebody sets another one.
    pub fn install(self) {
        let before = panic::take_hook();
        let presence = self.watch.presence();
        panic::set_hook(Box::new(move |info| {
            let _held_as_long_as_the_hook = &presence;
            if open_spans::is_reading() {
                return;
            }
            hook_watch::heard();
            let is_first = Handling::begin(self.queue.id());
            if is_first.is_some() {
                self.write(info);
            }
            before(info);
        }));
    }

    fn write(&self, info: &PanicHookInfo<'_>) {
        if self.life.as_ref().is_some_and(|life| !life.records()) {
            return;
        }
        let record = self.record(info);
        let mut line = queue_layer::line(&record);
        let _: Appended = self.queue.append(&mut line, Durability::Durable);
        let session = self.life.as_ref().map(|life| life.session());
        let user = session
            .as_ref()
            .and_then(|session| session.user_id.as_deref());
        self.local_log.write(&record, user);
        if let Some(life) = &self.life {
            life.panicked(is_fatal(payload(info)));
        }
    }

    fn record(&self, info: &PanicHookInfo<'_>) -> Record {
        let message = self
            .sanitizer
            .clean(Place::Message, payload(info))
            .into_owned();
        let thread = std::thread::current();
        let open = open_spans::of_this_thread(self.trace_ids);
        let mut attributes = self.cleaned(open.attributes);
        attributes.insert("panic".to_owned(), Value::Bool(true));
        if let Some(name) = thread.name() {
            let name = self.sanitizer.clean(Place::Attribute, name);
            attributes.insert("thread.name".to_owned(), name.into());
        }
        self.context.fill(&mut attributes);
        // Its time first: a backtrace can take a while.
        let plain = Record::new(self.clock.now(), self.level, "panic", message);
        Record {
            error: Some(format!("panic: {}", plain.message)),
            error_type: Some("panic".to_owned()),
            attributes,
            stack_trace: self.has_backtrace.then(|| self.stack()),
            trace_id: open.trace.map(|(trace, _)| format!("{trace:032x}")),
            span_id: open.trace.map(|(_, span)| format!("{span:016x}")),
            spans: open.spans,
            location: info.location().map(|location| Location {
                file: crate::gate::crate_relative(location.file()).to_owned(),
                line: Some(location.line()),
            }),
            breadcrumbs: self.trail(),
            ..plain
        }
    }

    /// The fields of the open spans. The gate has cleaned them by its policy, and this does by the hook's.
    fn cleaned(&self, attributes: Map<String, Value>) -> Map<String, Value> {
        let mut attributes = Value::Object(attributes);
        self.sanitizer.value(Place::Attribute, &mut attributes);
        match attributes {
            Value::Object(attributes) => attributes,
            _ => Map::new(),
        }
    }

    fn stack(&self) -> String {
        let stack = Backtrace::force_capture().to_string();
        self.sanitizer
            .clean(Place::Stack, programs_own(&stack))
            .into_owned()
    }

    fn trail(&self) -> Vec<record::Breadcrumb> {
        let mut json = vec![b'['];
        if let Some(crumbs) = &self.crumbs {
            crumbs.try_write(CRUMBS_PATIENCE, &mut json);
        }
        json.push(b']');
        serde_json::from_slice(&json).unwrap_or_default()
    }
}

thread_local! {
    static HANDLING: RefCell<Vec<QueueId>> = const { RefCell::new(Vec::new()) };
}

/// A panic of this thread is being recorded in a queue, while the hooks before ours are called.
struct Handling;

impl Handling {
    /// Nothing where a later hook of ours does it already, for the same queue.
    fn begin(queue: QueueId) -> Option<Self> {
        let begun = HANDLING.try_with(|handling| {
            let mut handling = handling.try_borrow_mut().ok()?;
            if handling.contains(&queue) {
                return None;
            }
            handling.push(queue);
            Some(Self)
        });
        // On a thread that is gone nobody can know.
        begun.unwrap_or_else(|_| Some(Self))
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        let _ = HANDLING.try_with(|handling| {
            if let Ok(mut handling) = handling.try_borrow_mut() {
                handling.pop();
            }
        });
    }
}

/// Whether the program ends by a panic with these words, whoever would catch it: where panics abort, and where one
/// can't unwind.
fn is_fatal(words: &str) -> bool {
    cfg!(panic = "abort") || CANNOT_UNWIND.iter().any(|known| words.starts_with(known))
}

/// What std says before it aborts.
const CANNOT_UNWIND: [&str; 3] = [
    "panic in a function that cannot unwind",
    "panic in a destructor during cleanup",
    "unsafe precondition(s) violated",
];

/// The panic's words, if it has any: `panic_any` takes everything.
fn payload<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}

/// The frames between the panic's machinery and the runtime's, as std's own short backtrace has them; all of them
/// where those are not found.
fn programs_own(stack: &str) -> &str {
    const MACHINERY: [&str; 4] = [
        "rust_begin_unwind",
        "core::panicking::",
        "begin_panic",
        "std::panic::panic_any",
    ];
    let mut start = 0;
    let mut end = stack.len();
    let mut at = 0;
    let mut is_after_machinery = false;
    for line in stack.split_inclusive('\n') {
        if is_frame(line) {
            if line.contains("__rust_begin_short_backtrace") {
                end = at;
                break;
            }
            if is_after_machinery {
                start = at;
            }
            is_after_machinery = MACHINERY.iter().any(|known| line.contains(known));
        }
        at += line.len();
    }
    stack.get(start..end).unwrap_or(stack)
}

/// Whether a line begins a frame: `  12: name`; the line that may follow says where it is.
fn is_frame(line: &str) -> bool {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0
        && line
            .get(digits..)
            .is_some_and(|rest| rest.starts_with(": "))
}

#[cfg(test)]
mod tests {
    use super::programs_own;

    #[test]
    fn a_stack_is_cut_to_the_programs_own_frames() {
        let machinery = "   0: record\n   1: std::panicking::panic_with_hook\n   2: __rustc::rust_begin_unwind\n             at /rustc/0/x.rs:1:2\n   3: core::panicking::panic_fmt\n             at /rustc/0/y.rs:1:2\n";
        let own = "   4: app::sync\n             at ./src/sync.rs:4:5\n   5: app::main\n             at ./src/main.rs:4:5\n";
        let runtime = "   6: std::sys::backtrace::__rust_begin_short_backtrace\n   7: main\n";
        assert_eq!(programs_own(&format!("{machinery}{own}{runtime}")), own);
        assert_eq!(programs_own(own), own);
        assert_eq!(
            programs_own("unsupported backtrace"),
            "unsupported backtrace"
        );
    }
}
