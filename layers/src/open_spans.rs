//! The spans that a thread is in when it panics.
//!
//! They are read on a thread of its own that lives for a moment, `courier-panic`, and waited for up to
//! [`PATIENCE`]: the panicking thread may hold the lock of a span's data, or have poisoned it, and a panic hook that
//! waits for itself or panics would take the program with it.
//!
//! What it does not do: find the spans of a stack that has no gate around the whole of it.

use std::cell::Cell;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use tracing_core::span::Id;
use tracing_core::{Dispatch, dispatcher};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan as _;

use crate::gate;
use crate::record;

/// How long a panic waits for its spans.
const PATIENCE: Duration = Duration::from_millis(50);

/// Names and fields, as in a record.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OpenSpans {
    pub attributes: Map<String, Value>,
    /// Outermost first.
    #[serde(default)]
    pub spans: Vec<String>,
}

thread_local! {
    static IS_READING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread reads spans for another one: if it panics, that is nobody's panic.
pub(crate) fn is_reading() -> bool {
    IS_READING.get()
}

/// Those of the calling thread; none where they can't be had.
pub(crate) fn of_this_thread() -> OpenSpans {
    try_read().unwrap_or_default()
}

fn try_read() -> Option<OpenSpans> {
    // Nothing is asked where nothing was entered: it costs a thread.
    if !gate::may_be_in_spans() {
        return None;
    }
    let (dispatch, id) = dispatcher::get_default(|dispatch| {
        let current = dispatch.current_span();
        Some((dispatch.clone(), current.id()?.clone()))
    })?;
    let (give, take) = mpsc::sync_channel(1);
    let reader = thread::Builder::new().name("courier-panic".to_owned());
    reader
        .spawn(move || {
            IS_READING.set(true);
            let _ = give.send(read(&dispatch, &id));
        })
        .ok()?;
    let json = take.recv_timeout(PATIENCE).ok()??;
    serde_json::from_slice(&json).ok()
}

fn read(dispatch: &Dispatch, id: &Id) -> Option<Vec<u8>> {
    let registry = dispatch.downcast_ref::<Registry>()?;
    let span = registry.span(id)?;
    Some(record::encode_spans(|| span.scope()))
}
