//! Why a policy can't be followed.

use crate::rule_names::Rule;

/// A policy that can't be followed. The one in force stays.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A built-in rule did not treat its own samples as it should: a defect of this crate, please report it.
    #[error("rule `{}` fails its own samples", .0.as_str())]
    SelfTest(Rule),
    /// The marker has another form than `[WORD]`.
    #[error("marker `{0}` is not `[`, 1 to 32 letters, digits, `_` or `-`, and `]`")]
    Marker(String),
    /// A pattern's name stands in its marker, so it is short and plain.
    #[error("pattern name `{0}` is not 1 to 32 of a-z, 0-9, `_` and `-`")]
    PatternName(String),
    /// Without a literal a pattern would be tried at every byte.
    #[error("pattern `{0}` has no literal; give the text that every match has in it")]
    NoLiteral(String),
    /// The pattern is no regular expression, too large, or matches the empty text.
    #[error("pattern `{name}`: {reason}")]
    Pattern {
        /// The pattern's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A known value so short would be found in harmless words. The value is not shown.
    #[error("a known value has {0} bytes; it needs at least 6")]
    ShortKnownValue(usize),
    /// All values of this rule can be tried, so a pseudonym would hide nothing.
    #[error("no pseudonyms for `{}`: all its values can be tried; use email and ip only", .0.as_str())]
    Enumerable(Rule),
    /// The key is shorter than the hash.
    #[error("the pseudonym key has {0} bytes; it needs at least 32")]
    ShortKey(usize),
}
crate::debug_is_display!(PolicyError);
