//! The visitor: reads each value once, leaves out what its name makes secret, renders and cleans the rest.

use std::error::Error;
use std::fmt::{self, Write};

use tracing_core::field::{Field, Visit};

use super::fields::{CleanError, Fields};
use super::json;
use super::plan::Plan;
use crate::record::char_floor;
use crate::sanitize::{Place, Sanitizer, Scalar};

/// A value is rendered up to here, in bytes; the rest is `…[truncated]`. Twice what the sanitizer hands on, so that it
/// is the one to cut, and knows what it cuts in two.
pub(crate) const MAX_VALUE_BYTES: usize = 128 * 1024;
/// What stands where a value was cut.
pub(crate) const TRUNCATED: &str = "…[truncated]";
/// Causes of an error that are followed; a chain may be a loop.
const MAX_CAUSES: usize = 16;
/// No shorter number is taken for a payment card.
const SHORTEST_CARD: i128 = 1_000_000_000_000;
/// What stands for a value whose `Debug` or `Display` returned an error.
const UNFORMATTABLE: &str = "[FORMAT ERROR]";

pub(super) struct Capture<'a> {
    pub fields: &'a mut Fields,
    pub plan: &'a Plan,
    pub sanitizer: Option<&'a Sanitizer>,
    /// Set by a value for which the policy wants the whole record gone.
    pub drops_record: bool,
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

    fn clean_error(&self, error: &(dyn Error + 'static), causes_left: usize) -> CleanError {
        let mut message = String::new();
        render(&mut message, |out| write!(out, "{error}"));
        CleanError {
            kind: kind_of(error),
            message: self.clean_text(Place::Error, &message),
            source: error
                .source()
                .filter(|_| causes_left > 0)
                .map(|source| Box::new(self.clean_error(source, causes_left - 1))),
        }
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
            render(self.fields.buffer(), |out| out.write_str(value));
            self.clean_from(self.place(field), start);
            self.fields.set_str(field.index(), start);
        }
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        if !self.admits(field, Scalar::Text) {
            return;
        }
        let shown = value.get(..MAX_VALUE_BYTES).unwrap_or(value);
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
            let error = self.clean_error(value, MAX_CAUSES);
            self.fields.set_error(field.index(), error);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !self.admits(field, Scalar::Text) {
            return;
        }
        let start = self.fields.buffer().len();
        let buffer = self.fields.buffer();
        let tree = json::render(|| {
            render(buffer, |out| write!(out, "{value:?}"));
            buffer.len() - start
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

/// Renders with a cap, on a character boundary. What a value's own formatting does wrong stays in its value.
fn render(out: &mut String, write: impl FnOnce(&mut Capped<'_>) -> fmt::Result) {
    let start = out.len();
    let mut capped = Capped {
        out,
        left: MAX_VALUE_BYTES,
        is_cut: false,
    };
    let result = write(&mut capped);
    if capped.is_cut {
        out.push_str(TRUNCATED);
    } else if result.is_err() {
        out.truncate(start);
        out.push_str(UNFORMATTABLE);
    }
}

struct Capped<'a> {
    out: &'a mut String,
    left: usize,
    is_cut: bool,
}

impl Write for Capped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left {
            self.left -= text.len();
            self.out.push_str(text);
            return Ok(());
        }
        let cut = char_floor(text, self.left);
        self.out.push_str(text.get(..cut).unwrap_or_default());
        self.left = 0;
        self.is_cut = true;
        Err(fmt::Error)
    }
}

/// The name of an error's type, as far as a derived `Debug` gives it away: `ParseIntError { kind: … }`.
fn kind_of(error: &(dyn Error + 'static)) -> Option<String> {
    let mut debug = String::new();
    let mut head = Capped {
        out: &mut debug,
        left: 128,
        is_cut: false,
    };
    let _ = write!(head, "{error:?}");
    let end = debug
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(debug.len());
    let (name, rest) = debug.split_at_checked(end)?;
    let is_type = name.starts_with(|c: char| c.is_ascii_uppercase())
        && (rest.is_empty() || rest.starts_with(['(', '{']) || rest.starts_with(" {"));
    is_type.then(|| name.to_owned())
}
