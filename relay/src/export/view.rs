//! What an upstream sees of a frame: all of it, within that upstream's limits, or its exceptions as spans.

use std::borrow::Cow;

use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;

use super::clamp::Window;
use super::merge::slice;
use super::{limits, spans};
use crate::packed::Packed;
use crate::spool::Frame;

/// How frames are shown to one upstream at one moment.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Whether only exceptions are shown, as spans.
    pub is_spans: bool,
    /// The times that it takes, when it does not take all.
    pub window: Option<Window>,
    /// Whether long texts are put as Logfire takes them.
    pub has_limits: bool,
}

impl View {
    /// Everything as it is.
    #[cfg(test)]
    pub fn plain() -> Self {
        Self {
            is_spans: false,
            window: None,
            has_limits: false,
        }
    }

    /// Whether a frame looks different than it lies.
    #[must_use]
    pub fn changes(&self, frame: &Frame) -> bool {
        self.is_spans && frame.traits.has_exception
            || self.window.is_some_and(|window| !window.holds(frame))
            || self.has_limits && frame.traits.has_long_text
    }

    /// What is seen of the records of a frame from `from` up to `to`; `None` for nothing.
    #[must_use]
    pub fn see<'f>(&self, frame: &'f Frame, from: u64, to: u64) -> Option<Cow<'f, Packed>> {
        if self.is_spans && !frame.traits.has_exception {
            return None;
        }
        if !self.changes(frame) && from == 0 && to == frame.records {
            return Some(Cow::Borrowed(&frame.packed));
        }
        let logs = ResourceLogs::decode(&frame.packed.unpack()?[..]).ok()?;
        let mut logs = slice(logs, from, to);
        if let Some(window) = &self.window {
            window.clamp(&mut logs);
        }
        if self.has_limits {
            limits::keep(&mut logs);
        }
        let message = if self.is_spans {
            spans::of(logs)?.encode_to_vec()
        } else {
            logs.encode_to_vec()
        };
        Some(Cow::Owned(Packed::new(&message)))
    }
}
