//! For tests of programs that log: what was recorded, and what must not be in it.
//!
//! ```
//! let captured = tracing_courier::testing::capture();
//! tracing::info!(password = "hunter2", attempt = 2, "login of ada@example.org");
//!
//! let records = captured.records();
//! assert_eq!(records[0].message, "login of [REDACTED:email]");
//! assert_eq!(records[0].attributes["attempt"], 2);
//! captured.assert_no_leak(&["hunter2", "ada@example.org"]);
//! ```
//!
//! | what | sees | in parallel tests |
//! |---|---|---|
//! | [`capture`] | what the calling thread logs | each test sees its own |
//! | [`capture_global`] | what every thread of the process logs: spawned threads, tasks of a multi-thread runtime | one after another: the next one waits until the one before is dropped |
//!
//! Both see records of the `log` crate too, unless the process has set another logger before.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;
use tracing_core::{Event, Subscriber, dispatcher};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::gate::{Intake, SanitizeExt as _, SanitizeLayer};
use crate::record::{self, Extra, Record};
use crate::sanitize::{Policy, Sanitizer};

/// Records everything that this thread logs, through a gate with the default policy, until it is dropped.
///
/// What other threads log meanwhile is not seen: for that there is [`capture_global`].
#[must_use]
pub fn capture() -> Captured {
    capture_with(SanitizeLayer::default())
}

/// As [`capture`], with a policy of your own.
///
/// ```
/// use tracing_courier::sanitize::{Policy, Sanitizer};
///
/// let policy = Sanitizer::new(&Policy::new().deny("case_number"));
/// let captured = tracing_courier::testing::capture_with(policy.into());
/// tracing::info!(case_number = "FK-1234", "opened");
/// captured.assert_no_leak(&["FK-1234"]);
/// ```
#[must_use]
pub fn capture_with(policy: SanitizeLayer) -> Captured {
    listen_to_log();
    let records = Records::default();
    let layer = CaptureLayer::new(To::One(records.clone()));
    let stack = tracing_subscriber::registry().with(layer).sanitized(policy);
    Captured {
        records,
        _hold: Hold::Thread {
            _default: dispatcher::set_default(&stack.into()),
        },
    }
}

/// Records everything that any thread of this process logs, through a gate with the default policy, until it is
/// dropped. A thread that has a default subscriber of its own, as under [`capture`], keeps that one.
///
/// The first call makes the capture the global default subscriber for the rest of the process; further calls share it,
/// one after another. A test without a capture that runs at the same time in the same process is heard too; so look for
/// what your own test says rather than count all records.
///
/// ```
/// let captured = tracing_courier::testing::capture_global();
/// std::thread::spawn(|| tracing::info!(token = "s3cr3t", "from another thread"))
///     .join()
///     .unwrap();
/// assert_eq!(captured.records()[0].message, "from another thread");
/// captured.assert_no_leak(&["s3cr3t"]);
/// ```
///
/// # Panics
/// The process has another global default subscriber already.
#[must_use]
pub fn capture_global() -> Captured {
    capture_global_with(&Policy::new())
}

/// As [`capture_global`], with a policy of your own.
///
/// # Panics
/// The process has another global default subscriber already, or a rule of the policy does not find its own samples.
#[must_use]
pub fn capture_global_with(policy: &Policy) -> Captured {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    listen_to_log();
    let global = Global::of_process();
    if let Err(error) = global.sanitizer.reload(policy) {
        panic!("cannot capture with this policy: {error}");
    }
    let records = Records::default();
    global.listen(Some(records.clone()));
    Captured {
        records,
        _hold: Hold::Global { _turn: turn },
    }
}

/// What was captured. See [`capture`] and [`capture_global`].
#[derive(Debug)]
pub struct Captured {
    records: Records,
    _hold: Hold,
}

/// What keeps the capture going.
#[derive(Debug)]
enum Hold {
    Thread { _default: dispatcher::DefaultGuard },
    Global { _turn: MutexGuard<'static, ()> },
}

impl Captured {
    /// The records so far, in order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.records.all()
    }

    /// Panics if one of these secrets stands anywhere in a record, or if nothing was captured.
    ///
    /// Texts are compared as the program wrote them, not as JSON escapes them: a secret with a quote or a line break is
    /// found. Names of attributes and numbers are looked at too.
    ///
    /// ```
    /// let captured = tracing_courier::testing::capture();
    /// tracing::info!("the phrase was: say \"friend\"\nand enter");
    ///
    /// let leak = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
    ///     captured.assert_no_leak(&["say \"friend\"\nand enter"]);
    /// }));
    /// assert!(leak.is_err());
    /// ```
    ///
    /// # Panics
    /// With the record that leaks; with a hint where nothing was captured or a secret is empty.
    pub fn assert_no_leak(&self, secrets: &[&str]) {
        assert!(
            secrets.iter().all(|secret| !secret.is_empty()),
            "an empty secret stands in every text; leave it out"
        );
        let records = self.records();
        assert!(
            !records.is_empty(),
            "nothing was captured, so this proves nothing: log before you ask, and use `capture_global()` where other \
             threads log"
        );
        for record in records {
            let record = serde_json::to_value(record).unwrap_or_default();
            if let Some(secret) = secrets.iter().find(|secret| holds(&record, secret)) {
                panic!("`{secret}` leaks in {record}");
            }
        }
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        if let Hold::Global { .. } = self._hold {
            Global::of_process().listen(None);
        }
    }
}

/// Whether `secret` stands in a text, a name or a number of `value`.
fn holds(value: &Value, secret: &str) -> bool {
    match value {
        Value::String(text) => text.contains(secret),
        Value::Number(number) => number.to_string().contains(secret),
        Value::Array(items) => items.iter().any(|item| holds(item, secret)),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains(secret) || holds(value, secret)),
        Value::Null | Value::Bool(_) => false,
    }
}

/// Lets records of the `log` crate come as events. A process that has another logger keeps it.
fn listen_to_log() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let _ = tracing_log::LogTracer::init();
    });
}

/// The records of one capture.
#[derive(Clone, Debug, Default)]
struct Records(Arc<Mutex<Vec<Record>>>);

impl Records {
    fn push(&self, record: Record) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(record);
    }

    fn all(&self) -> Vec<Record> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The one capture that hears the whole process.
struct Global {
    sanitizer: Sanitizer,
    listening: Arc<Mutex<Option<Records>>>,
}

impl Global {
    fn of_process() -> &'static Self {
        static GLOBAL: OnceLock<Global> = OnceLock::new();
        GLOBAL.get_or_init(|| {
            let global = Self {
                sanitizer: Sanitizer::default(),
                listening: Arc::default(),
            };
            let layer = CaptureLayer::new(To::Listening(Arc::clone(&global.listening)));
            let stack = tracing_subscriber::registry()
                .with(layer)
                .sanitized(SanitizeLayer::new(global.sanitizer.clone()));
            if dispatcher::set_global_default(stack.into()).is_err() {
                panic!(
                    "the process has a global default subscriber already: call `capture_global()` before it is set, \
                     or use `capture()`"
                );
            }
            global
        })
    }

    fn listen(&self, records: Option<Records>) {
        *self
            .listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = records;
    }
}

/// Where a capture's records go.
enum To {
    One(Records),
    /// Whoever listens now.
    Listening(Arc<Mutex<Option<Records>>>),
}

struct CaptureLayer {
    to: To,
    intake: Intake,
}

impl CaptureLayer {
    fn new(to: To) -> Self {
        Self {
            to,
            intake: Intake::new("testing::capture"),
        }
    }
}

impl<S> Layer<S> for CaptureLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let records = match &self.to {
            To::One(records) => Some(records.clone()),
            To::Listening(listening) => listening
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        };
        let (Some(records), Some(frame)) = (records, self.intake.frame(event)) else {
            return;
        };
        if frame.is_dropped {
            return;
        }
        let mut json = vec![b'{'];
        let scope = || ctx.event_scope(event).into_iter().flatten();
        record::encode(&frame, scope, &Extra::default(), &mut Vec::new(), &mut json);
        if let Ok(record) = serde_json::from_slice(&json) {
            records.push(record);
        }
    }
}
