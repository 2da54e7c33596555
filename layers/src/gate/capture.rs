//! The visitor: reads each value once, leaves out what its name makes secret, renders and cleans the rest.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Write};

use tracing_core::field::{Field, Visit};

use super::capped::{Capped, MAX_RENDERED_BYTES, guarded};
use super::error;
use super::fields::{CleanError, Fields};
use super::json;
use super::plan::Plan;
use crate::cut::TRUNCATED;
use crate::sanitize::{Place, Sanitizer, Scalar};

/// A value is rendered up to here, in bytes; the rest is `…[truncated]`. Twice what the sanitizer hands on, so that it
/// is the one to cut, and knows what it cuts in two.
pub(crate) const MAX_VALUE_BYTES: usize = 128 * 1024;
/// How deep values may log values while they are rendered. Below that they are `…[truncated]`: a value that logs itself
/// would never end.
const MAX_NESTED: usize = 8;
/// Causes of an error that are followed; a chain may be a loop.
const MAX_CAUSES: usize = 16;
/// No shorter number is taken for a payment card.
const SHORTEST_CARD: i128 = 1_000_000_000_000;
/// What stands for a value whose `Debug` or `Display` returned an error.
const UNFORMATTABLE: &str = "[FORMAT ERROR]";
/// What stands for a value whose `Debug` or `Display` panicked. The program's panic hook has heard of it.
const PANICKED: &str = "[FORMAT PANIC]";

pub(super) struct Capture<'a> {
    fields: &'a mut Fields,
    plan: &'a Plan,
    sanitizer: Option<&'a Sanitizer>,
    /// Set by a value for which the policy wants the whole record gone.
    pub drops_record: bool,
    /// Bytes that may still be rendered.
    left: usize,
}

impl<'a> Capture<'a> {
    pub fn new(fields: &'a mut Fields, plan: &'a Plan, sanitizer: Option<&'a Sanitizer>) -> Self {
        Self {
            fields,
            plan,
            sanitizer,
            drops_record: false,
            left: MAX_RENDERED_BYTES,
        }
    }
}

impl Capture<'_> {
    /// True if the value may be looked at at all. A value denied by name is never even rendered.
    fn admits(&mut self, field: &Field, shape: Scalar) -> bool {
        let Some(plan) = self.plan.field(field.index()) else {
            return false;
        };
        let redacts = plan.is_secret
            && self
                .sanitizer
                .is_some_and(|rules| rules.redacts(plan.name, shape));
        if redacts {
            self.fields.set_redacted(field.index());
        }
        !redacts
    }

    /// Where a text belongs, or `None` for structure, which is never scanned.
    fn place(&self, field: &Field) -> Option<Place> {
        self.plan.field(field.index())?.place
    }

    fn clean_from(&mut self, place: Option<Place>, start: usize) {
        if let (Some(rules), Some(place)) = (self.sanitizer, place) {
            let cleaned = rules.clean_into(place, self.fields.buffer(), start);
            self.drops_record |= cleaned.drop_record;
        }
    }

    fn clean_text(&self, place: Place, text: &str) -> String {
        match self.sanitizer {
            Some(rules) => rules.clean(place, text).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Renders at the end of the buffer what a program's own code writes, and returns where it begins.
    fn render(&mut self, write: impl FnOnce(&mut dyn Write) -> fmt::Result) -> usize {
        let start = self.fields.buffer().len();
        let max = self.left.min(MAX_VALUE_BYTES);
        self.left -= render(self.fields.buffer(), max, write);
        start
    }

    /// An error and its causes, of which all together are no longer than one value.
    fn clean_error(&mut self, error: &(dyn Error + 'static)) -> CleanError {
        let mut left = self.left.min(MAX_VALUE_BYTES);
        let mut chain = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next
            && chain.len() <= MAX_CAUSES
            && (left > 0 || chain.is_empty())
        {
            let mut message = String::new();
            let written = render(&mut message, left, |out| write!(out, "{error}"));
            left -= written;
            self.left -= written;
            let about = error::about(error);
            chain.push(CleanError {
                kind: about.kind,
                message: self.clean_text(Place::Error, &message),
                stack: about
                    .stack
                    .map(|stack| self.clean_text(Place::Stack, &stack)),
                source: None,
            });
            next = guarded(|| error.source()).flatten();
        }
        let mut whole: Option<CleanError> = None;
        for mut error in chain.into_iter().rev() {
            error.source = whole.take().map(Box::new);
            whole = Some(error);
        }
        // The chain has its first error at least.
        whole.unwrap_or_default()
    }
}

impl Visit for Capture<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.set_bool(field.index(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if self.admits(field, Scalar::Integer(value.into())) {
            self.fields.set_i64(field.index(), value);
            self.scan_number(field, value.into());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if self.admits(field, Scalar::Integer(value.into())) {
            self.fields.set_u64(field.index(), value);
            self.scan_number(field, value.into());
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        if self.admits(field, Scalar::Integer(value)) {
            self.fields.set_i128(field.index(), value);
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        if self.admits(
            field,
            Scalar::Integer(i128::try_from(value).unwrap_or(i128::MAX)),
        ) {
            self.fields.set_u128(field.index(), value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if self.admits(field, Scalar::Float(value)) {
            self.fields.set_f64(field.index(), value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.admits(field, Scalar::Text) {
            let start = self.fields.buffer().len();
            let mut capped = Capped::new(self.fields.buffer(), self.left.min(MAX_VALUE_BYTES));
            let _ = capped.write_str(value);
            self.left -= capped.end();
            self.clean_from(self.place(field), start);
            self.fields.set_str(field.index(), start);
        }
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        if !self.admits(field, Scalar::Text) {
            return;
        }
        let max = self.left.min(MAX_VALUE_BYTES);
        let shown = value.get(..max).unwrap_or(value);
        self.left -= shown.len();
        // Bytes that read as a secret are taken as a whole: a marker inside would not be bytes any more.
        let text = String::from_utf8_lossy(shown);
        let is_clean = self
            .sanitizer
            .is_none_or(|rules| *rules.clean(Place::Attribute, &text) == *text);
        if is_clean {
            self.fields.set_bytes(field.index(), shown);
        } else {
            self.fields.set_redacted(field.index());
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if self.admits(field, Scalar::Text) {
            let error = self.clean_error(value);
            self.fields.set_error(field.index(), error);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !self.admits(field, Scalar::Text) {
            return;
        }
        let start = self.fields.buffer().len();
        let tree = json::render(|| {
            self.render(|out| write!(out, "{value:?}"));
            self.fields.buffer().len() - start
        });
        match (tree, self.sanitizer) {
            (Some(mut tree), rules) => {
                if let Some(rules) = rules {
                    rules.value(Place::Attribute, &mut tree);
                    let buffer = self.fields.buffer();
                    buffer.truncate(start);
                    let _ = write!(buffer, "{tree}");
                }
                self.fields.set_tree(field.index(), start, tree);
            }
            (None, _) => {
                self.clean_from(self.place(field), start);
                self.fields.set_text(field.index(), start);
            }
        }
    }
}

impl Capture<'_> {
    /// A number can be a payment card: one that its digits give away is replaced by its marker.
    fn scan_number(&mut self, field: &Field, value: i128) {
        let Some(rules) = self.sanitizer else { return };
        let Some(place) = self.place(field).filter(|_| value >= SHORTEST_CARD) else {
            return;
        };
        let start = self.fields.buffer().len();
        let _ = write!(self.fields.buffer(), "{value}");
        let digits = self.fields.buffer().len() - start;
        rules.clean_into(place, self.fields.buffer(), start);
        let shown = self.fields.buffer().get(start..).unwrap_or_default();
        if shown.len() == digits && shown.bytes().all(|byte| byte.is_ascii_digit()) {
            self.fields.buffer().truncate(start);
        } else {
            self.fields.set_text(field.index(), start);
        }
    }
}

thread_local! {
    /// How many values this thread is rendering, one within the other.
    static NESTED: Cell<usize> = const { Cell::new(0) };
}

/// Renders at most `max` bytes, on a character boundary, and returns how many. What a value's own formatting does wrong
/// stays in its value.
fn render(
    out: &mut String,
    max: usize,
    write: impl FnOnce(&mut dyn Write) -> fmt::Result,
) -> usize {
    let start = out.len();
    let nested = NESTED.try_with(Cell::get).unwrap_or_default();
    if nested >= MAX_NESTED || max == 0 {
        out.push_str(TRUNCATED);
        return 0;
    }
    let _ = NESTED.try_with(|depth| depth.set(nested + 1));
    let mut capped = Capped::new(out, max);
    let result = guarded(|| write(&mut capped));
    let _ = NESTED.try_with(|depth| depth.set(nested));
    let is_cut = capped.is_cut;
    let written = capped.end();
    match result {
        Some(Err(_)) if !is_cut => {
            out.truncate(start);
            out.push_str(UNFORMATTABLE);
        }
        None => {
            out.truncate(start);
            out.push_str(PANICKED);
        }
        Some(_) => {}
    }
    written
}
