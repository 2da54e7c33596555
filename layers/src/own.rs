//! Records of the library's own: a session that began, a network that went, levels that changed.
//!
//! They carry the run's context like any record, and where nothing is to be recorded there are none of these either.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::context::RunContext;
use crate::disk;
use crate::queue::{Appended, DiskQueue, Line};
use crate::record::{self, Level, Record};
use crate::switches::Switches;

/// Writes them. A cheap handle; the default one knows of no context and no switches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    context: RunContext,
    switches: Option<Switches>,
}

impl Own {
    pub fn new(context: &RunContext, switches: &Switches) -> Self {
        Self {
            context: context.clone(),
            switches: Some(switches.clone()),
        }
    }

    /// Whether records are made.
    pub fn records(&self) -> bool {
        self.switches.as_ref().is_none_or(Switches::records)
    }

    /// Puts one into the queue, if records are made.
    pub fn say(
        &self,
        queue: &DiskQueue,
        now: Timestamp,
        level: Level,
        message: &str,
        attributes: Map<String, Value>,
    ) {
        if !self.records() {
            return;
        }
        let mut line = self.line(now, level, message, attributes);
        let _: Appended = queue.append_own(&mut line);
    }

    pub fn line(
        &self,
        now: Timestamp,
        level: Level,
        message: &str,
        mut attributes: Map<String, Value>,
    ) -> Line {
        self.context.fill(&mut attributes);
        let mut timestamp = Vec::new();
        record::timestamp(now, &mut timestamp);
        disk::line(&Record {
            timestamp: String::from_utf8(timestamp).unwrap_or_default(),
            level,
            logger: "courier".to_owned(),
            message: message.to_owned(),
            attributes,
            error: None,
            error_type: None,
            stack_trace: None,
            trace_id: None,
            span_id: None,
            spans: Vec::new(),
            location: None,
            breadcrumbs: Vec::new(),
        })
    }
}
