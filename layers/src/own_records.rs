//! Records of the library's own: a session that began, a network that went, levels that changed.
//!
//! They carry the run's context like any record, and are left out like any while recording is switched off.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::budget::{Budget, Suppressed};
use crate::context::RunContext;
use crate::queue::{Appended, DiskQueue, Line};
use crate::queue_layer;
use crate::record::{Level, Record};
use crate::switches::Switches;

/// Writes them. A cheap handle; the default one knows of no context and no switches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    context: RunContext,
    switches: Option<Switches>,
    budget: Option<Budget>,
}

impl Own {
    pub fn new(context: &RunContext, switches: &Switches, budget: Option<Budget>) -> Self {
        Self {
            context: context.clone(),
            switches: Some(switches.clone()),
            budget,
        }
    }

    /// What the program's lines may record, if that is bounded.
    pub fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// Says what was left out for the budget: where a minute has passed, or all of it.
    pub fn say_suppressed(&self, queue: &DiskQueue, now: Timestamp, all: bool) {
        let Some(budget) = &self.budget else {
            return;
        };
        for Suppressed { site, count } in budget.take_suppressed(all) {
            if !self.records() {
                continue;
            }
            let message = format!("{count} more suppressed");
            let attributes = Map::from_iter([("suppressed.count".to_owned(), count.into())]);
            let mut line = queue_layer::line(&Record {
                logger: site.logger,
                location: site.location,
                ..self.record(now, site.level, message, attributes)
            });
            let _: Appended = queue.append_own(&mut line);
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
        attributes: Map<String, Value>,
    ) -> Line {
        queue_layer::line(&self.record(now, level, message.to_owned(), attributes))
    }

    fn record(
        &self,
        now: Timestamp,
        level: Level,
        message: String,
        mut attributes: Map<String, Value>,
    ) -> Record {
        self.context.fill(&mut attributes);
        Record {
            attributes,
            ..Record::new(now, level, "courier", message)
        }
    }
}
