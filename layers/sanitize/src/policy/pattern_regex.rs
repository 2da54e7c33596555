//! Patterns as regular expressions, by an engine whose cost grows with the text and nothing else.

use regex::RegexBuilder;

use crate::policy::error::PolicyError;
use crate::policy::pattern::Pattern;

/// How large a compiled pattern may be: 256 KiB; one of a policy has a few hundred bytes.
const MAX_COMPILED_BYTES: usize = 256 * 1024;
/// How much its engine may remember while it runs.
const MAX_CACHE_BYTES: usize = 256 * 1024;

impl Pattern {
    /// A pattern by a regular expression. Every match must have `literal` in it, and is found only within 256 bytes of
    /// it.
    ///
    /// # Errors
    /// As [`Pattern::new`]; also for an expression that does not parse, is too large, or matches the empty text.
    pub fn regex(
        name: impl Into<String>,
        literal: impl Into<String>,
        regex: &str,
    ) -> Result<Self, PolicyError> {
        let name = name.into();
        let wrong = |reason: String| PolicyError::Pattern {
            name: name.clone(),
            reason,
        };
        let regex = RegexBuilder::new(regex)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_CACHE_BYTES)
            .build()
            .map_err(|error| wrong(last_line(&error.to_string())))?;
        if regex.is_match("") {
            return Err(wrong("it matches the empty text".to_owned()));
        }
        Self::new(name, literal, move |text, at| {
            regex.find_at(text, at).map(|found| found.range())
        })
    }
}

/// The engine draws the expression in several lines; the last one says what is wrong.
fn last_line(error: &str) -> String {
    let line = error.lines().last().unwrap_or(error);
    line.trim_start_matches("error: ").to_owned()
}
