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
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value};
use tracing_core::span::Id;
use tracing_core::{Dispatch, dispatcher};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan as _;

use crate::gate;
use crate::queue_layer::TraceIds;
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
    /// The ids of the trace and the span.
    #[serde(skip)]
    pub trace: Option<(u128, u64)>,
}

thread_local! {
    static IS_READING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread reads spans for another one: if it panics, that is nobody's panic.
pub(crate) fn is_reading() -> bool {
    IS_READING.get()
}

/// Those of the calling thread, with the trace that `ids` knows of there; none where they can't be had.
pub(crate) fn of_this_thread(ids: Option<TraceIds>) -> OpenSpans {
    try_read(ids).unwrap_or_default()
}

fn try_read(ids: Option<TraceIds>) -> Option<OpenSpans> {
    // Nothing is asked where nothing was entered: it costs a thread.
    if !gate::may_be_in_spans() {
        return None;
    }
    let (dispatch, id) = dispatcher::get_default(|dispatch| {
        let current = dispatch.current_span();
        Some((dispatch.clone(), current.id()?.clone()))
    })?;
    let (give, take) = mpsc::sync_channel(1);
    let (give_trace, take_trace) = mpsc::sync_channel(1);
    let until = Instant::now() + PATIENCE;
    let reader = thread::Builder::new().name("courier-panic".to_owned());
    reader
        .spawn(move || {
            IS_READING.set(true);
            let _ = give.send(read(&dispatch, &id));
            // Last, as this runs the program's own code.
            let _ = give_trace.send(ids.and_then(|ids| within(&dispatch, &id, ids)));
        })
        .ok()?;
    let left = || until.saturating_duration_since(Instant::now());
    let json = take.recv_timeout(left()).ok()??;
    let open: OpenSpans = serde_json::from_slice(&json).ok()?;
    Some(OpenSpans {
        trace: take_trace.recv_timeout(left()).ok().flatten(),
        ..open
    })
}

fn read(dispatch: &Dispatch, id: &Id) -> Option<Vec<u8>> {
    let registry = dispatch.downcast_ref::<Registry>()?;
    let span = registry.span(id)?;
    Some(record::encode_spans(|| span.scope()))
}

/// Calls `ids` inside of the span.
fn within(dispatch: &Dispatch, id: &Id, ids: TraceIds) -> Option<(u128, u64)> {
    let call = || {
        dispatch.enter(id);
        let ids = ids();
        dispatch.exit(id);
        ids
    };
    // A default subscriber for this thread slows down every event of the program, so only where it needs one.
    let is_default = dispatcher::get_default(|default| {
        let registry =
            |dispatch: &Dispatch| dispatch.downcast_ref::<Registry>().map(std::ptr::from_ref);
        registry(default) == registry(dispatch)
    });
    match is_default {
        true => call(),
        false => dispatcher::with_default(dispatch, call),
    }
}
