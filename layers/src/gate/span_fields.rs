//! The clean values of a span, kept in its extensions for the layers that merge them into records.
//!
//! Each gate keeps its own: in a stack with several, a record takes those of the gate that its event came through, and
//! never those that another policy let pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_subscriber::registry::ExtensionsMut;

use super::capped::MAX_RENDERED_BYTES;
use super::fields::Fields;
use super::plan::Plan;

/// What the texts of one span's values take in all, in bytes.
const MAX_SPAN_BYTES: usize = MAX_RENDERED_BYTES;

/// Names one gate in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GateId {
    number: u64,
    /// It cleans nothing.
    pub is_raw: bool,
}

impl GateId {
    pub fn new(is_raw: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            is_raw,
        }
    }
}

/// What one gate keeps of a span.
#[derive(Debug)]
pub(crate) struct OfGate {
    pub gate: GateId,
    pub plan: Arc<Plan>,
    pub fields: Fields,
}

/// What all gates keep of a span. Most often there is one.
#[derive(Debug)]
pub(crate) struct SpanFields {
    first: OfGate,
    others: Vec<OfGate>,
}

impl SpanFields {
    /// What this gate keeps.
    pub fn of(&self, gate: GateId) -> Option<&OfGate> {
        std::iter::once(&self.first)
            .chain(&self.others)
            .find(|kept| kept.gate == gate)
    }

    /// What the first gate keeps, for who cleans it once more.
    pub fn any(&self) -> &OfGate {
        &self.first
    }

    fn of_mut(&mut self, gate: GateId) -> Option<&mut OfGate> {
        std::iter::once(&mut self.first)
            .chain(&mut self.others)
            .find(|kept| kept.gate == gate)
    }

    /// Keeps what a gate has cleaned of a new span.
    pub fn keep(extensions: &mut ExtensionsMut<'_>, new: OfGate) {
        let Some(all) = extensions.get_mut::<Self>() else {
            extensions.insert(Self {
                first: new,
                others: Vec::new(),
            });
            return;
        };
        match all.of_mut(new.gate) {
            Some(kept) => *kept = new,
            None => all.others.push(new),
        }
    }

    /// Puts values that were recorded later over those that the gate keeps.
    pub fn replace(extensions: &mut ExtensionsMut<'_>, gate: GateId, newer: &Fields) {
        let all = extensions.get_mut::<Self>();
        if let Some(kept) = all.and_then(|all| all.of_mut(gate)) {
            kept.fields.replace_by(newer, MAX_SPAN_BYTES);
        }
    }
}
