//! Removes secrets from text before anyone can see them.
//!
//! Two rules, in this order:
//!
//! 1. a value whose *name* is secret goes as a whole: `[REDACTED]`;
//! 2. in every other text, what *looks* secret is replaced by what it was: `[REDACTED:email]`. A name with its value
//!    inside a text (`password=x`, `"token": "x"`, `Cookie: a=b`) counts as rule 1.
//!
//! What it promises: clean text comes back as it is, without an allocation; cleaning twice is cleaning once; the cost
//! grows with the length of the text and nothing else; what is too long to be scanned is not handed on.
//!
//! ```
//! use courier_sanitize::{Place, Policy, Sanitizer};
//!
//! let sanitizer = Sanitizer::new(&Policy::new());
//! let clean = sanitizer.clean(Place::Message, "login of ada@example.org, password=hunter2");
//! assert_eq!(clean, "login of [REDACTED:email], password=[REDACTED]");
//! ```
//!
//! What it does not do: understand prose. A secret without a name, a form or a context looks like any other word.

#![warn(missing_debug_implementations)]

#[cfg(feature = "policy")]
mod file;
mod json;
#[cfg(test)]
mod linear;
mod marker;
mod named;
mod nested;
mod policy;
mod report;
mod rule;
mod rule_names;
mod rules;
mod sanitizer;
mod scan;
mod self_test;
mod sensitive;
#[doc(hidden)]
pub mod shown;
mod text;
#[doc(hidden)]
pub mod tree;

#[cfg(feature = "policy")]
pub use file::policy_file::{FileError, PolicyFile, PseudonymSettings};
pub use marker::REDACTED;
pub use named::key::{KeyClass, Reason, Scalar};
pub use policy::error::PolicyError;
pub use policy::pattern::{MIN_KNOWN_BYTES, Pattern};
pub use policy::pseudonym::{MIN_KEY_BYTES, Pseudonyms};
pub use policy::settings::{
    Classification, DEFAULT_MAX_STRING_BYTES, IpMode, Mode, Policy, Profile,
};
pub use report::cost::Cost;
#[doc(hidden)]
pub use report::cost::literals;
pub use report::counts::Counts;
pub use report::finding::Finding;
pub use rule_names::{Place, Rule};
pub use sanitizer::{Cleaned, Sanitizer};
pub use sensitive::Sensitive;
