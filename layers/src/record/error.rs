//! The error of a record: its type, its text with its causes, its stack; whichever way the program logged it.
//!
//! | logged as | type | text | stack |
//! |---|---|---|---|
//! | `error = &e as &dyn Error` | of the innermost cause that has one | each cause on a line, with its type | anyhow's, if it has a context |
//! | `error = ?e` of anyhow, eyre, color-eyre | by its last words | each cause on a line | the report's |
//! | `error = ?e` of a derived `Debug` | the name that it begins with | as shown | |
//! | `error = %e`, `#[instrument(err)]` | by its last words | as shown | |
//! | `error!("{e:?}")` of anyhow, eyre, color-eyre, from WARN on | by its last words | each cause on a line | the report's |
//! | `error!("{e:#}")`, from WARN on | by its last words | | |
//!
//! The last words tell the kind of an I/O error: `(os error 2)`. A record without a message takes its error's.
//!
//! Without a type from us the relay takes what stands before the first `: ` of the text, if that can be one. Where it
//! would be wrong, the type is the empty text: there is none.

use std::borrow::Cow;

use crate::gate::{CleanError, Frame, Report, Role, Value, io_kind_at_end, kind_in, parse_report};
use crate::record::Level;

/// What a record says of its error.
#[derive(Default)]
pub(crate) struct RecordError<'a> {
    /// The field that it was in, if it was in one: no attribute.
    pub index: Option<usize>,
    /// An identifier or a path of them. Empty where the relay would take for one what is none.
    pub kind: Option<Cow<'a, str>>,
    pub text: Option<Cow<'a, str>>,
    pub stack: Option<Cow<'a, str>>,
}

impl<'a> RecordError<'a> {
    pub fn of(frame: &'a Frame) -> Self {
        let Some(index) = error_index(frame) else {
            return Self::in_message(frame);
        };
        let error = match frame.fields.get(index) {
            Some(Value::Error(error)) => {
                let text = chain(error);
                let kind = error.innermost_kind().map(Cow::Borrowed);
                Self {
                    kind: kind.or_else(|| prose(&text)),
                    text: Some(text.into()),
                    stack: error.stack().map(Cow::Borrowed),
                    ..Self::default()
                }
            }
            Some(Value::Str(text) | Value::Text(text)) => match parse_report(text) {
                Some(report) => Self::reported(report),
                None => Self {
                    kind: kind_in(text)
                        .or_else(|| io_kind_at_end(text))
                        .map(Cow::Owned),
                    text: Some(text.into()),
                    ..Self::default()
                },
            },
            _ => Self::default(),
        };
        Self {
            index: Some(index),
            ..error
        }
    }

    fn in_message(frame: &Frame) -> Self {
        if frame.level() < Level::Warning {
            return Self::default();
        }
        let message = frame.message();
        match parse_report(&message) {
            Some(report) => Self::reported(report),
            None => Self {
                kind: io_kind_at_end(&message).map(Cow::Owned),
                ..Self::default()
            },
        }
    }

    fn reported(report: Report) -> Self {
        let text = report.chain();
        let kind = io_kind_at_end(report.innermost()).map(Cow::Owned);
        Self {
            kind: kind.or_else(|| prose(&text)),
            text: Some(text.into()),
            stack: report.stack.map(Cow::Owned),
            ..Self::default()
        }
    }
}

/// What happened, in words: the message without the report that it ends with, or the error's own text where there is no
/// message.
pub(crate) fn message(frame: &Frame) -> Cow<'_, str> {
    let message = frame.message();
    if !message.is_empty() {
        return match report_in_message(frame) {
            Some(report) => report.message.into(),
            None => message,
        };
    }
    match error_index(frame).and_then(|index| frame.fields.get(index)) {
        Some(Value::Error(error)) => (&*error.message).into(),
        Some(Value::Str(text) | Value::Text(text)) => match parse_report(text) {
            Some(report) => report.message.into(),
            None => text.into(),
        },
        _ => message,
    }
}

/// The empty type, if the relay would take the first word of this text for one.
fn prose(text: &str) -> Option<Cow<'static, str>> {
    let (first, _) = text.split_once(": ")?;
    let is_one_word = first.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && !first.contains(|c: char| c.is_whitespace());
    is_one_word.then_some(Cow::Borrowed(""))
}

/// The report of anyhow and its like that stands in the message, where somebody may have written one.
fn report_in_message(frame: &Frame) -> Option<Report> {
    if frame.level() < Level::Warning {
        return None;
    }
    parse_report(&frame.message())
}

/// The field that is the record's error: one of that name, else the first that was recorded as an error.
fn error_index(frame: &Frame) -> Option<usize> {
    let named = frame.plan.index(Role::Error).filter(|&index| {
        let value = frame.fields.get(index);
        matches!(
            value,
            Some(Value::Error(_) | Value::Str(_) | Value::Text(_))
        )
    });
    named.or_else(|| {
        (0..frame.fields.len())
            .find(|&index| matches!(frame.fields.get(index), Some(Value::Error(_))))
    })
}

/// `Type: message`, and a line `caused by: Type: message` for each cause.
pub(crate) fn chain(error: &CleanError) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if !text.is_empty() {
            text.push_str("\ncaused by: ");
        }
        if let Some(kind) = &error.kind {
            text.push_str(kind);
            text.push_str(": ");
        }
        text.push_str(&error.message);
        next = error.source.as_deref();
    }
    text
}
