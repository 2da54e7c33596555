//! What a policy adds of its own: patterns with a required literal, and secrets that it knows word by word.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::marker::Markers;
use crate::policy::error::PolicyError;

/// Shortest secret that may be known word by word: shorter ones are words of the language.
pub const MIN_KNOWN_BYTES: usize = 6;
/// How far around its literal a pattern is looked for, on each side. This keeps a pattern linear.
pub(crate) const REACH_BYTES: usize = 256;

type Find = dyn Fn(&str, usize) -> Option<Range<usize>> + Send + Sync;

/// A form that the policy's author knows to be secret.
///
/// It is looked for only where its literal stands, within 256 bytes of it.
#[derive(Clone)]
pub struct Pattern {
    name: String,
    literal: String,
    marker: String,
    find: Arc<Find>,
}

impl Pattern {
    /// A pattern by a function: given a text and an offset into it, the first match at or behind that offset.
    ///
    /// # Errors
    /// A name that is not 1 to 32 of `a-z`, `0-9`, `_`, `-`, or an empty literal.
    pub fn new(
        name: impl Into<String>,
        literal: impl Into<String>,
        find: impl Fn(&str, usize) -> Option<Range<usize>> + Send + Sync + 'static,
    ) -> Result<Self, PolicyError> {
        let (name, literal) = (name.into(), literal.into());
        let is_name = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
        };
        if !(1..=32).contains(&name.len()) || !name.bytes().all(is_name) {
            return Err(PolicyError::PatternName(name));
        }
        if literal.is_empty() {
            return Err(PolicyError::NoLiteral(name));
        }
        Ok(Self {
            marker: String::new(),
            name,
            literal,
            find: Arc::new(find),
        })
    }

    /// Its name in markers and reports.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn literal(&self) -> &str {
        &self.literal
    }

    /// The same with its marker in the policy's form.
    pub(crate) fn marked(&self, markers: &Markers) -> Self {
        Self {
            marker: markers.of_pattern(&self.name),
            ..self.clone()
        }
    }

    pub(crate) fn marker(&self) -> &str {
        &self.marker
    }

    /// The match around the literal at `start..end`, not before `done`; never an empty one. `look` is told how many bytes
    /// are searched each time, and says whether they may be.
    pub(crate) fn around(
        &self,
        text: &str,
        (start, end): (usize, usize),
        done: usize,
        look: impl Fn(usize) -> bool,
    ) -> Option<Range<usize>> {
        let from = crate::text::floor::floor(text, start.saturating_sub(REACH_BYTES));
        let to = crate::text::floor::floor(text, end.saturating_add(REACH_BYTES));
        let window = text.get(from..to)?;
        let mut at = done.saturating_sub(from);
        while look(window.len().saturating_sub(at))
            && let Some(found) = (self.find)(window, at)
        {
            let (found_start, found_end) = (from + found.start, from + found.end);
            if found_start > start || found.is_empty() {
                return None;
            }
            if found_end >= end {
                return Some(found_start..found_end);
            }
            at = found.end;
        }
        None
    }
}

impl fmt::Debug for Pattern {
    /// The name only: the form of a secret may be one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.name).finish()
    }
}
