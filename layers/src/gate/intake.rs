//! How our own layers take an event in: clean, or not at all.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::cleaner::Cleaner;
use super::frame::{self, Found, Frame};
use super::sanitize_layer::SanitizeLayer;
use super::span_fields::SpanFields;
use crate::quiet_thread::is_quiet;

/// The door of one of our layers. It fails closed: an event that no gate has cleaned is counted, not recorded, and
/// said once on stderr; never through `tracing`, which may hold a lock of its own here.
#[derive(Debug)]
pub(crate) struct Intake {
    layer: &'static str,
    /// Captures what comes through a gate without policy, and raw data where the program has allowed it.
    capturing: Cleaner,
    allows_raw: bool,
    has_refused: AtomicBool,
}

impl Intake {
    pub fn new(layer: &'static str) -> Self {
        Self {
            layer,
            capturing: Cleaner::new(SanitizeLayer::none()),
            allows_raw: false,
            has_refused: AtomicBool::new(false),
        }
    }

    pub fn allow_raw(&mut self) {
        self.allows_raw = true;
    }

    /// The clean frame of this event; `None` is a loss for the layer to count, unless the thread is quiet.
    pub fn frame(&self, event: &Event<'_>) -> Option<Rc<Frame>> {
        match frame::of(event) {
            Some(Found::Done(frame)) => return Some(frame),
            Some(Found::Due(timestamp, gate)) => {
                let frame = self.capturing.frame_of(event, timestamp, gate);
                frame::settle(event, &frame);
                return Some(frame);
            }
            // The sender's machinery, in a stack without a gate: behind one it does not come this far.
            None if is_quiet() => return None,
            None if self.allows_raw => return Some(self.capturing.frame(event)),
            None => {}
        }
        if !self.has_refused.swap(true, Ordering::Relaxed) {
            eprintln!(
                "tracing-courier: {} saw an event that no gate had cleaned, so it records nothing; \
                 end the stack with `.sanitized(..)`, or say `.allow_raw()`",
                self.layer
            );
        }
        None
    }

    /// Keeps a new span's fields where the program has allowed raw data; behind a gate the gate does that.
    pub fn on_new_span<S>(&self, span: &Attributes<'_>, id: &Id, ctx: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if let (true, Some(data)) = (self.allows_raw, ctx.span(id)) {
            let raw = self.capturing.span_fields(span);
            SpanFields::keep(&mut data.extensions_mut(), raw);
        }
    }

    /// As [`on_new_span`](Self::on_new_span), for values that come later.
    pub fn on_record<S>(&self, id: &Id, record: &Record<'_>, ctx: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let (true, Some(span)) = (self.allows_raw, ctx.span(id)) else {
            return;
        };
        let fields = self.capturing.record_fields(span.metadata(), record);
        SpanFields::replace(&mut span.extensions_mut(), self.capturing.id(), &fields);
    }
}
