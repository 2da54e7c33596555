//! What a `dyn Error` is: the name of its type, and the backtrace that it carries.
//!
//! Rust tells neither. But std's and serde_json's errors can be asked, and a derived `Debug` begins with the name of its
//! type or variant.
//!
//! What it does not do: make up a name. A type is an identifier or a path of them, or there is none: `Error` alone and
//! the wrappers of anyhow and eyre say nothing, so their causes are asked.

use std::error::Error;
use std::io;

use super::capture::{MAX_RENDERED_BYTES, debug_of};
use super::report;

/// The longest name that is taken for a type's, in bytes: what the relay takes too.
const MAX_KIND_BYTES: usize = 256;
/// How much of a `Debug` is looked at for a name, in bytes.
const HEAD_BYTES: usize = MAX_KIND_BYTES + 64;
/// How `Debug` begins where a name says nothing; what it holds is looked at in its place.
const WRAPPERS: [&str; 6] = [
    "Error",
    "ErrorImpl",
    "ErrorInner",
    "ErrorKind",
    "Inner",
    "Repr",
];
/// How deep wrappers are looked into.
const MAX_WRAPPERS: usize = 3;
/// How anyhow shows an error with a context; what is in it may be a report with a backtrace.
const ANYHOW_CONTEXT: &str = "Error { context: ";

/// What is known of an error besides its text.
pub(super) struct About {
    pub kind: Option<String>,
    pub stack: Option<String>,
}

/// Asks `error`, not its causes.
pub(super) fn about(error: &(dyn Error + 'static)) -> About {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return About {
            kind: Some(io_kind(error)),
            stack: None,
        };
    }
    let known = if error.is::<serde_json::Error>() {
        Some("serde_json::Error")
    } else if error.is::<std::fmt::Error>() {
        Some("fmt::Error")
    } else {
        None
    };
    if let Some(known) = known {
        return About {
            kind: Some(known.to_owned()),
            stack: None,
        };
    }
    let head = debug_of(error, HEAD_BYTES);
    let has_report = head.starts_with(ANYHOW_CONTEXT);
    About {
        kind: kind_in(&head),
        stack: has_report.then(|| stack_in(error)).flatten(),
    }
}

/// The kind of an I/O error, or what a program has put into one that is of no kind.
fn io_kind(error: &io::Error) -> String {
    let inner = error
        .get_ref()
        .filter(|_| error.kind() == io::ErrorKind::Other)
        .and_then(|inner| about(inner).kind);
    inner.unwrap_or_else(|| format!("io::{:?}", error.kind()))
}

fn stack_in(error: &(dyn Error + 'static)) -> Option<String> {
    let debug = debug_of(error, MAX_RENDERED_BYTES);
    let report = report::parse(&debug)?;
    let stack = report.stack?;
    // The braces that the report stands in.
    Some(stack.trim_end_matches([' ', '}', ',', '\n']).to_owned())
}

/// The type that a `Debug` text names, if it begins with one: `ParseIntError { kind: … }`.
pub(crate) fn kind_in(debug: &str) -> Option<String> {
    if let Some(kind) = io_kind_in(debug) {
        return Some(kind);
    }
    if debug.starts_with("Error(\"") && debug.contains("\", line: ") {
        return Some("serde_json::Error".to_owned());
    }
    let mut rest = debug;
    for _ in 0..=MAX_WRAPPERS {
        let name = name_at_start(rest)?;
        if !WRAPPERS.contains(&name) {
            return Some(name.to_owned());
        }
        let inside = rest.get(name.len()..)?;
        rest = ["(", " { kind: ", " { inner: "]
            .iter()
            .find_map(|open| inside.strip_prefix(open))?;
    }
    None
}

/// As std shows its I/O errors: `Os { code: 2, kind: NotFound, … }`, `Custom { kind: Other, … }`, `Kind(NotFound)`.
fn io_kind_in(debug: &str) -> Option<String> {
    let kind = debug
        .strip_prefix("Custom { kind: ")
        .or_else(|| debug.strip_prefix("Kind("))
        .or_else(|| {
            let rest = debug.strip_prefix("Os { code: ")?;
            Some(rest.split_once(", kind: ")?.1)
        })?;
    let end = kind
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(kind.len());
    let kind = kind.get(..end).filter(|kind| !kind.is_empty())?;
    Some(format!("io::{kind}"))
}

/// The path of identifiers at the start of a `Debug` text, if that is all or a struct's or tuple's opening follows, and
/// its last part begins as types do.
fn name_at_start(debug: &str) -> Option<&str> {
    let end = debug
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
        .unwrap_or(debug.len());
    let (name, rest) = debug.split_at_checked(end)?;
    let is_identifier = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_') && !part.contains(':')
    };
    let last = name.rsplit("::").next()?;
    let is_type = name.len() <= MAX_KIND_BYTES
        && name.split("::").all(is_identifier)
        && last.starts_with(char::is_uppercase)
        && (rest.is_empty()
            || rest.starts_with(['(', ')', ','])
            || rest.starts_with(" {")
            || rest.starts_with(" }"));
    is_type.then_some(name)
}
