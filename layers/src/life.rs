//! The life of the program, as its records tell it: `session_start`, `session_end`, and for whoever can't say it any
//! more, `session_unclean_exit` or `app.crash`.
//!
//! 1. `session_start` is the first record of a session;
//! 2. `session_end` says that the program ended as it should, and after how long: once, and after it no start reports
//!    the session;
//! 3. a session without an end is reported once, by the next start in the same directory, with what is known: its
//!    id, when it began, its last record, whether it had panicked. It is `app.crash` where a panic ended it: one that
//!    unwound past the guard, or that can't unwind. One that still runs is not reported;
//! 4. nor is one that flushed, had nothing left and recorded nothing after it: it may well have called
//!    `process::exit`, and nothing of it is missing. What the library itself records (a network that went, levels that
//!    changed) does not count;
//! 5. a forked child has a session of its own, which names its parent's.
//!
//! What it does not do: say why. A kill, a crash below Rust, a power loss and `process::exit` with something left look
//! alike from here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::machine_boot::Boot;
use crate::own_records::Own;
use crate::queue::{self, DiskQueue, Line, QueueId, inspect};
use crate::record::{Level, Record};
use crate::session::Session;
use crate::session_lock::{Dead, Mark, dead};

/// The session of this process, and what a forked child needs to begin its own.
#[derive(Debug)]
pub(crate) struct Life {
    root: PathBuf,
    clock: Clock,
    own: Own,
    current: ArcSwap<Current>,
    then_in_child: OnceLock<InChild>,
}

/// What else a forked child has to begin anew.
struct InChild(Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for InChild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InChild")
    }
}

/// What belongs to one process.
#[derive(Debug)]
struct Current {
    process: u32,
    session: ArcSwap<Session>,
    /// Held while the session and the queue's context change together.
    changing: Mutex<()>,
    has_begun: AtomicBool,
    has_ended: AtomicBool,
    /// Once the session has begun, where it can be set.
    mark: OnceLock<Mark>,
    started: Instant,
}

impl Life {
    /// A session in a queue that has no records yet. It does not begin yet.
    pub fn new(session: Session, queue: &DiskQueue, clock: &Clock, own: &Own) -> Arc<Self> {
        queue.set_context(&wire_context(&session, clock));
        let life = Arc::new(Self {
            root: queue.root().to_owned(),
            clock: clock.clone(),
            own: own.clone(),
            current: ArcSwap::from_pointee(Current::new(session)),
            then_in_child: OnceLock::new(),
        });
        let childs = Arc::clone(&life);
        queue.in_child(move |id| childs.begin_in_child(id));
        let resting = Arc::downgrade(&life);
        queue.when_at_rest(move |is_at_rest| {
            if let Some(life) = resting.upgrade() {
                life.rests(is_at_rest);
            }
        });
        life
    }

    /// Begins the session, if it has not begun and records are made, and reports those that died before it.
    pub fn begin(&self, queue: &DiskQueue, unclean: Vec<Unclean>) {
        let current = self.current.load_full();
        if !self.records() || !current.begin(&self.root, queue.id(), &self.clock) {
            return;
        }
        let start = start_attributes(&current.session.load());
        self.say(queue, Level::Info, "session_start", start);
        self.report(queue, unclean);
    }

    /// The queue has moved into its directory, which could not be used before: the session is marked there as one that
    /// runs, and those that died there are reported.
    pub fn moved_in(&self, queue: &DiskQueue) {
        let current = self.current.load_full();
        if !self.records() || !current.has_begun.load(Ordering::Acquire) {
            return;
        }
        self.report(queue, unclean(&self.root));
        if current.mark().is_none() && !current.has_ended.load(Ordering::Acquire) {
            current.set_mark(&self.root, queue.id(), &self.clock);
            // It may have ended meanwhile, without a mark to remove.
            if let Some(mark) = current.mark()
                && current.has_ended.load(Ordering::Acquire)
            {
                mark.remove();
            }
        }
    }

    fn report(&self, queue: &DiskQueue, unclean: Vec<Unclean>) {
        for unclean in unclean {
            if !unclean.is_said && !unclean.was_an_exit() {
                unclean.dead.claim(queue.id());
                let (message, attributes) = (unclean.message(), unclean.attributes());
                self.say(queue, Level::Warning, message, attributes);
            }
            unclean.dead.remove();
        }
    }

    /// Called in each forked child before its first record. It must not wait for the queue.
    pub fn then_in_child(&self, begin: impl Fn() + Send + Sync + 'static) {
        let _ = self.then_in_child.set(InChild(Box::new(begin)));
    }

    /// Whether records are made.
    pub fn records(&self) -> bool {
        self.own.records()
    }

    /// Changes what the records that follow are made under.
    pub fn change(&self, queue: &DiskQueue, change: impl FnOnce(&mut Session)) {
        // A forked child has its own session from here on.
        let _ = queue.id();
        let current = self.current.load_full();
        let _one = current
            .changing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut session = Session::clone(&current.session.load());
        change(&mut session);
        queue.set_context(&wire_context(&session, &self.clock));
        current.session.store(Arc::new(session));
    }

    /// The session as it is now.
    pub fn session(&self) -> Arc<Session> {
        self.current.load().session.load_full()
    }

    /// Notes that a panic was recorded, and whether it ends the program.
    pub fn panicked(&self, is_fatal: bool) {
        self.mark_by(|mark| mark.panicked(self.clock.now(), is_fatal));
    }

    /// Notes that everything recorded is delivered, or that something was recorded since.
    fn rests(&self, is_at_rest: bool) {
        self.mark_by(|mark| mark.rests(is_at_rest));
    }

    /// Does something with the mark of this process, if it has one.
    fn mark_by(&self, note: impl FnOnce(&Mark)) {
        let current = self.current.load();
        if current.process == std::process::id()
            && let Some(mark) = current.mark()
        {
            note(mark);
        }
    }

    /// Whether the session is this process's. In a forked child that has recorded nothing it is not.
    pub fn is_ours(&self) -> bool {
        self.current.load().process == std::process::id()
    }

    /// Whether the session has ended.
    pub fn has_ended(&self) -> bool {
        self.current.load().has_ended.load(Ordering::Acquire)
    }

    /// Ends the session. Unwinding is no clean end: then the next start reports a crash.
    pub fn end(&self, queue: &DiskQueue) {
        if std::thread::panicking() {
            return self.mark_by(Mark::crashed);
        }
        let current = self.current.load_full();
        // By a signal, and then by the drop of the guard.
        if current.has_ended.swap(true, Ordering::AcqRel) {
            return;
        }
        let uptime = Map::from_iter([("uptime_ms".to_owned(), millis(current.started).into())]);
        self.say(queue, Level::Info, "session_end", uptime);
        if let Some(mark) = current.mark() {
            mark.remove();
        }
    }

    /// Writes a record of the library's own.
    pub fn say(
        &self,
        queue: &DiskQueue,
        level: Level,
        message: &str,
        attributes: Map<String, Value>,
    ) {
        self.own
            .say(queue, self.clock.now(), level, message, attributes);
    }

    /// In a forked child, before its first record. The parent's threads are gone, and may have held any lock.
    fn begin_in_child(&self, queue: QueueId) -> (queue::Context, Option<Line>) {
        let parents = self.current.load_full();
        if let Some(mark) = parents.mark() {
            mark.let_go();
        }
        let session = parents.session.load().of_child();
        let context = wire_context(&session, &self.clock);
        let start = start_attributes(&session);
        let current = Current::new(session);
        let begins = self.records() && current.begin(&self.root, queue, &self.clock);
        self.current.store(Arc::new(current));
        let first = begins.then(|| {
            let now = self.clock.now();
            self.own.line(now, Level::Info, "session_start", start)
        });
        if let Some(InChild(begin)) = self.then_in_child.get() {
            begin();
        }
        (context, first)
    }
}

impl Current {
    fn new(session: Session) -> Self {
        Self {
            process: std::process::id(),
            session: ArcSwap::from_pointee(session),
            changing: Mutex::new(()),
            has_begun: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            mark: OnceLock::new(),
            started: Instant::now(),
        }
    }

    /// Begins it, with its mark; false when it has begun before.
    fn begin(&self, root: &Path, queue: QueueId, clock: &Clock) -> bool {
        let is_first = !self.has_begun.swap(true, Ordering::AcqRel);
        if is_first {
            self.set_mark(root, queue, clock);
        }
        is_first
    }

    fn set_mark(&self, root: &Path, queue: QueueId, clock: &Clock) {
        if let Ok(mark) = Mark::set(root, &self.session.load(), queue, clock.now())
            && let Err(second) = self.mark.set(mark)
        {
            second.remove();
        }
    }

    fn mark(&self) -> Option<&Mark> {
        self.mark.get()
    }
}

/// A session that died, and what its queue still tells of it.
#[derive(Debug)]
pub(crate) struct Unclean {
    dead: Dead,
    last_record_at: Option<String>,
    /// A start that died as well has reported it.
    is_said: bool,
}

/// The sessions under `root` that died, oldest first. To be asked before the queues there are adopted: what is
/// delivered is gone then.
pub(crate) fn unclean(root: &Path) -> Vec<Unclean> {
    let queue = |id: QueueId| inspect::queues(root.join(id.dir_name())).ok()?.pop();
    dead(root)
        .into_iter()
        .map(|dead| Unclean {
            last_record_at: dead
                .begun
                .as_ref()
                .and_then(|begun| queue(QueueId::parse(&begun.queue)?)?.last_record())
                .and_then(|json| serde_json::from_slice::<Value>(&json).ok())
                .and_then(|record| record.get("timestamp")?.as_str().map(str::to_owned)),
            is_said: dead
                .said_in
                .and_then(queue)
                .is_some_and(|queue| queue.records().any(|record| reports(&record.json, &dead))),
            dead,
        })
        .collect()
}

impl Unclean {
    /// It flushed, had nothing left, and recorded nothing after it.
    fn was_an_exit(&self) -> bool {
        self.dead.was_at_rest && !self.dead.has_crashed
    }

    fn message(&self) -> &'static str {
        match self.dead.has_crashed {
            true => CRASH,
            false => UNCLEAN_EXIT,
        }
    }

    fn attributes(&self) -> Map<String, Value> {
        let mut attributes = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                attributes.insert(name.to_owned(), value);
            }
        };
        let begun = self.dead.begun.as_ref();
        let last = self.last_record_at.as_deref();
        set(
            PREVIOUS_SESSION,
            Some(self.dead.session_id.to_string().into()),
        );
        let has_panicked = self.dead.has_panicked || self.dead.has_crashed;
        set("previous.panicked", Some(has_panicked.into()));
        set("previous.last_record_at", last.map(Value::from));
        if let Some(begun) = begun {
            set(
                "previous.started_at",
                Some(begun.started_at.as_str().into()),
            );
            set(
                "previous.uptime_ms",
                last.and_then(|last| uptime_ms(&begun.started_at, last))
                    .map(Value::from),
            );
            set("previous.pid", Some(begun.pid.into()));
            set("previous.queue", Some(begun.queue.as_str().into()));
            set(
                "previous.service_version",
                begun.service_version.as_deref().map(Value::from),
            );
            set(
                "previous.parent_session_id",
                begun.parent_session_id.as_deref().map(Value::from),
            );
        }
        attributes
    }
}

/// Whether a record is the report of this death.
fn reports(json: &[u8], dead: &Dead) -> bool {
    let Ok(record) = serde_json::from_slice::<Record>(json) else {
        return false;
    };
    [UNCLEAN_EXIT, CRASH].contains(&&*record.message)
        && record
            .attributes
            .get(PREVIOUS_SESSION)
            .and_then(Value::as_str)
            == Some(&*dead.session_id.to_string())
}

/// From the start to the last record, where both clocks make sense of it.
fn uptime_ms(started_at: &str, last_record_at: &str) -> Option<i64> {
    let (started, last): (Timestamp, Timestamp) =
        (started_at.parse().ok()?, last_record_at.parse().ok()?);
    Some(last.as_millisecond() - started.as_millisecond()).filter(|&millis| millis >= 0)
}

/// Install, session, user and resource come with every record's context.
fn start_attributes(session: &Session) -> Map<String, Value> {
    let mut attributes = Map::new();
    if let Some(version) = session.resource.get("service.version") {
        attributes.insert("app_version".to_owned(), version.clone());
    }
    let code = session.support_code().to_string();
    attributes.insert("support_code".to_owned(), code.into());
    if let Some(parent) = session.parent_session_id {
        attributes.insert("parent_session_id".to_owned(), parent.to_string().into());
        // As OpenTelemetry calls it.
        attributes.insert("session.previous_id".to_owned(), parent.to_string().into());
    }
    attributes
}

fn wire_context(session: &Session, clock: &Clock) -> queue::Context {
    let mut context = session.wire_context();
    if let Some(boot) = Boot::by(clock.now())
        && let Ok(boot) = serde_json::to_value(boot)
    {
        context.insert("clock".to_owned(), boot);
    }
    queue::Context {
        context,
        resource: session.resource.clone(),
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

const UNCLEAN_EXIT: &str = "session_unclean_exit";
/// By the name that OpenTelemetry has for it.
const CRASH: &str = "app.crash";
const PREVIOUS_SESSION: &str = "previous.session_id";
