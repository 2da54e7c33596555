//! What an upstream sees of a frame: all of it, within that upstream's limits, or its exceptions as spans.

use std::borrow::Cow;

use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;

use super::clamp::Window;
use super::{limits, spans};
use crate::spool::Frame;
use crate::spool::Packed;

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

    /// What is seen of the records of a frame from `from` up to `to`.
    #[must_use]
    pub fn see<'f>(&self, frame: &'f Frame, from: u64, to: u64) -> Shown<'f> {
        if self.is_spans && !frame.traits.has_exception {
            return Shown::Nothing;
        }
        if !self.changes(frame) && from == 0 && to == frame.records {
            return Shown::Records(Cow::Borrowed(&frame.packed));
        }
        let message = frame.packed.unpack();
        let Some(Ok(logs)) = message.map(|message| ResourceLogs::decode(&message[..])) else {
            return Shown::Damage;
        };
        let mut logs = slice(logs, from, to);
        if let Some(window) = &self.window {
            window.clamp(&mut logs);
        }
        if self.has_limits {
            limits::keep(&mut logs);
        }
        let message = if self.is_spans {
            let Some(spans) = spans::of(logs) else {
                return Shown::Nothing;
            };
            spans.encode_to_vec()
        } else {
            logs.encode_to_vec()
        };
        Shown::Records(Cow::Owned(Packed::new(&message)))
    }
}

/// What an upstream sees of some records of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown<'f> {
    /// There is nothing in them for it.
    Nothing,
    /// This.
    Records(Cow<'f, Packed>),
    /// The frame is not what was written: its records are lost, and that has to be counted.
    Damage,
}

/// The records of `logs` from `from` up to `to`, counted through its scopes.
#[must_use]
pub fn slice(mut logs: ResourceLogs, from: u64, to: u64) -> ResourceLogs {
    let mut at = 0;
    for scope in &mut logs.scope_logs {
        scope.log_records.retain(|_| {
            at += 1;
            (from..to).contains(&(at - 1))
        });
    }
    logs.scope_logs
        .retain(|scope| !scope.log_records.is_empty());
    logs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Traits;

    #[test]
    fn what_cannot_be_unpacked_is_damage_and_not_nothing_to_show() {
        let whole = Packed::new(&ResourceLogs::default().encode_to_vec());
        let mut torn = whole.clone();
        torn.crc ^= 1;
        let no_message = Packed::new(b"\xff\xff\xff");
        let spans = View {
            is_spans: true,
            ..View::plain()
        };
        for (packed, is_damage) in [(whole, false), (torn, true), (no_message, true)] {
            let frame = |has_exception| Frame {
                packed: packed.clone(),
                records: 2,
                traits: Traits {
                    has_exception,
                    has_long_text: false,
                },
                ..Frame::default()
            };
            assert_eq!(spans.see(&frame(false), 0, 2), Shown::Nothing);
            let with_exception = frame(true);
            let seen = spans.see(&with_exception, 0, 2);
            assert_eq!(seen == Shown::Damage, is_damage, "{seen:?}");
            let half = frame(false);
            let seen = View::plain().see(&half, 0, 1);
            assert_eq!(seen == Shown::Damage, is_damage, "{seen:?}");
        }
    }
}
