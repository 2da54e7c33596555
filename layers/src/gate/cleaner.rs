//! What every way through a gate shares: capture, clean, rebuild, hand on.

use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use tracing_core::span::{Attributes, Record};
use tracing_core::{Event, Metadata};

use super::capture::Capture;
use super::fields::Fields;
use super::frame::{self, Frame};
use super::plan::{Plan, Plans};
use super::rebuild;
use super::sanitize_layer::SanitizeLayer;
use super::span_fields::{GateId, OfGate};

/// A policy with the plans of the callsites that it has met.
#[derive(Debug)]
pub(super) struct Cleaner {
    policy: SanitizeLayer,
    plans: Plans,
    id: GateId,
}

impl Cleaner {
    pub fn new(policy: SanitizeLayer) -> Self {
        Self {
            id: GateId::new(policy.sanitizer.is_none()),
            policy,
            plans: Plans::default(),
        }
    }

    /// Names the gate that cleans with it.
    pub fn id(&self) -> GateId {
        self.id
    }

    fn plan(&self, metadata: &'static Metadata<'static>) -> Arc<Plan> {
        self.plans.of(metadata, self.policy.sanitizer.as_ref())
    }

    fn capture<'a>(&'a self, plan: &'a Plan, fields: &'a mut Fields) -> Capture<'a> {
        Capture::new(fields, plan, self.policy.sanitizer.as_ref())
    }

    /// The values of an event, captured and cleaned. Where the policy wants the whole record gone, none is left: other
    /// layers get the bare event, since one that is swallowed would leave the per-layer filters' memory behind.
    pub fn frame(&self, event: &Event<'_>) -> Rc<Frame> {
        self.frame_of(event, self.policy.clock.now(), self.id)
    }

    /// The same for the gate `of`, with another time than this clock's.
    pub fn frame_of(&self, event: &Event<'_>, timestamp: Timestamp, of: GateId) -> Rc<Frame> {
        let plan = self.plan(event.metadata());
        let mut frame = frame::begin(plan, timestamp, of);
        if let Some(Frame {
            plan,
            fields,
            is_dropped,
            ..
        }) = Rc::get_mut(&mut frame)
        {
            let mut capture = self.capture(plan, fields);
            event.record(&mut capture);
            *is_dropped = capture.drops_record;
            if *is_dropped {
                fields.reset(plan.fields.len());
            }
        }
        frame
    }

    /// Nothing is cleaned here, so events may be handed on as they come.
    pub fn is_open(&self) -> bool {
        self.policy.sanitizer.is_none()
    }

    /// Calls `then` with the event itself, which our layers capture if they want it.
    pub fn hand_on_raw(&self, event: &Event<'_>, then: impl FnOnce(&Event<'_>)) {
        let _open = frame::open_due(event, &self.policy.clock, self.id);
        then(event);
    }

    /// Calls `then` with the event rebuilt from its frame, which our layers find meanwhile.
    pub fn hand_on<R>(
        &self,
        event: &Event<'_>,
        frame: &Rc<Frame>,
        then: impl FnOnce(&Event<'_>) -> R,
    ) -> R {
        let metadata = event.metadata();
        rebuild::with_values(metadata.fields(), &frame.fields, |values| {
            let clean = match event.parent() {
                Some(parent) => Event::new_child_of(parent.clone(), metadata, values),
                None if event.is_root() => Event::new_child_of(None, metadata, values),
                None => Event::new(metadata, values),
            };
            let _open = frame::open(&clean, frame);
            then(&clean)
        })
    }

    /// The fields of a new span, captured and cleaned.
    pub fn span_fields(&self, span: &Attributes<'_>) -> OfGate {
        let plan = self.plan(span.metadata());
        let mut fields = Fields::default();
        fields.reset(plan.fields.len());
        span.record(&mut self.capture(&plan, &mut fields));
        OfGate {
            gate: self.id,
            plan,
            fields,
        }
    }

    /// The values that are recorded on a span later, captured and cleaned.
    pub fn record_fields(
        &self,
        metadata: &'static Metadata<'static>,
        record: &Record<'_>,
    ) -> Fields {
        let plan = self.plan(metadata);
        let mut fields = Fields::default();
        fields.reset(plan.fields.len());
        record.record(&mut self.capture(&plan, &mut fields));
        fields
    }
}

/// Calls `then` with the attributes of a span rebuilt from its clean fields.
pub(super) fn with_attributes<R>(
    span: &Attributes<'_>,
    fields: &Fields,
    then: impl FnOnce(&Attributes<'_>) -> R,
) -> R {
    let metadata = span.metadata();
    rebuild::with_values(metadata.fields(), fields, |values| {
        then(&match span.parent() {
            Some(parent) => Attributes::child_of(parent.clone(), metadata, values),
            None if span.is_root() => Attributes::new_root(metadata, values),
            None => Attributes::new(metadata, values),
        })
    })
}

/// Calls `then` with a record rebuilt from its clean fields.
pub(super) fn with_record<R>(
    metadata: &'static Metadata<'static>,
    fields: &Fields,
    then: impl FnOnce(&Record<'_>) -> R,
) -> R {
    rebuild::with_values(metadata.fields(), fields, |values| {
        then(&Record::new(values))
    })
}
