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

use std::sync::{Arc, Mutex, PoisonError};

use tracing_core::{Event, Subscriber, dispatcher};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::gate::{Intake, SanitizeExt as _, SanitizeLayer};
use crate::record::{self, Extra, Record};

/// Records everything that this thread logs, through a gate with the default policy, until it is dropped.
#[must_use]
pub fn capture() -> Captured {
    capture_with(SanitizeLayer::default())
}

/// As [`capture`], with a policy of your own.
#[must_use]
pub fn capture_with(policy: SanitizeLayer) -> Captured {
    let layer = CaptureLayer {
        records: Arc::default(),
        intake: Intake::new("testing::capture"),
    };
    let records = Arc::clone(&layer.records);
    let stack = tracing_subscriber::registry().with(layer).sanitized(policy);
    Captured {
        records,
        _default: dispatcher::set_default(&stack.into()),
    }
}

/// What was captured. See [`capture`].
#[derive(Debug)]
pub struct Captured {
    records: Records,
    _default: dispatcher::DefaultGuard,
}

type Records = Arc<Mutex<Vec<Record>>>;

impl Captured {
    /// The records so far, in order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.records
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Panics if one of these secrets stands anywhere in a record.
    ///
    /// # Panics
    /// With the record that leaks.
    pub fn assert_no_leak(&self, secrets: &[&str]) {
        for record in self.records() {
            let json = serde_json::to_string(&record).unwrap_or_default();
            for secret in secrets {
                assert!(!json.contains(secret), "`{secret}` leaks in {json}");
            }
        }
    }
}

struct CaptureLayer {
    records: Records,
    intake: Intake,
}

impl<S> Layer<S> for CaptureLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let Some(frame) = self.intake.frame(event).filter(|frame| !frame.is_dropped) else {
            return;
        };
        let mut json = vec![b'{'];
        let scope = || ctx.event_scope(event).into_iter().flatten();
        record::encode(&frame, scope, &Extra::default(), &mut Vec::new(), &mut json);
        if let Ok(record) = serde_json::from_slice(&json) {
            self.records
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(record);
        }
    }
}
