//! How our own layers take an event in: clean, or not at all.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_core::span::{Attributes, Id};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::SpanFields;
use super::capture::Capture;
use super::fields::Fields;
use super::frame::{self, Frame};
use super::plan::Plans;
use crate::clock::Clock;

/// The door of one of our layers. It fails closed: an event that no gate has cleaned is counted, not recorded, and
/// said once on stderr; never through `tracing`, which may hold a lock of its own here.
#[derive(Debug)]
pub(crate) struct Intake {
    layer: &'static str,
    /// Present where the program has allowed raw data.
    raw: Option<Plans>,
    has_refused: AtomicBool,
}

impl Intake {
    pub fn new(layer: &'static str) -> Self {
        Self {
            layer,
            raw: None,
            has_refused: AtomicBool::new(false),
        }
    }

    pub fn allow_raw(&mut self) {
        self.raw = Some(Plans::default());
    }

    /// The clean frame of this event; `None` is a loss for the layer to count.
    pub fn frame(&self, event: &Event<'_>) -> Option<Rc<Frame>> {
        if let Some(frame) = frame::of(event) {
            return Some(frame);
        }
        if let Some(plans) = &self.raw {
            return Some(raw_frame(plans, event));
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
        let (Some(plans), Some(data)) = (&self.raw, ctx.span(id)) else {
            return;
        };
        let plan = plans.of(span.metadata(), None);
        let mut fields = Fields::default();
        fields.reset(plan.fields.len());
        span.record(&mut Capture {
            fields: &mut fields,
            plan: &plan,
            sanitizer: None,
        });
        data.extensions_mut().replace(SpanFields { plan, fields });
    }

    /// As [`on_new_span`](Self::on_new_span), for values that come later.
    pub fn on_record<S>(
        &self,
        id: &Id,
        record: &tracing_core::span::Record<'_>,
        ctx: &Context<'_, S>,
    ) where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let (Some(plans), Some(span)) = (&self.raw, ctx.span(id)) else {
            return;
        };
        let plan = plans.of(span.metadata(), None);
        let mut fields = Fields::default();
        fields.reset(plan.fields.len());
        record.record(&mut Capture {
            fields: &mut fields,
            plan: &plan,
            sanitizer: None,
        });
        if let Some(kept) = span.extensions_mut().get_mut::<SpanFields>() {
            kept.fields.replace_by(&fields);
        }
    }
}

fn raw_frame(plans: &Plans, event: &Event<'_>) -> Rc<Frame> {
    let plan = plans.of(event.metadata(), None);
    let mut frame = frame::begin(plan, Clock::System.now());
    if let Some(Frame { plan, fields, .. }) = Rc::get_mut(&mut frame) {
        event.record(&mut Capture {
            fields,
            plan,
            sanitizer: None,
        });
    }
    frame
}
