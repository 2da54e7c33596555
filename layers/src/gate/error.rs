//! What a `dyn Error` is: the name of its type, and the backtrace that it carries.
//!
//! Rust tells neither. But std's and serde_json's errors can be asked, and a derived `Debug` begins with the name of its
//! type or variant.
//!
//! What it does not do: make up a name. A type is an identifier or a path of them, or there is none: `Error` alone and
//! the wrappers of anyhow and eyre say nothing, so their causes are asked.

use std::error::Error;
use std::fmt::Debug;
use std::io;

use super::capped::{MAX_RENDERED_BYTES, debug_of};
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
/// How `Debug` begins, and what it holds, where the name alone says nothing.
const KNOWN_BY_DEBUG: [(&str, &str, &str); 2] = [
    ("Error(\"", "\", line: ", "serde_json::Error"),
    ("Error { message: \"", "\", input: ", "toml::Error"),
];
/// The longest code that is taken into a type's name, in bytes. Longer ones may be numbers of one case each.
const MAX_CODE_BYTES: usize = 6;
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
    if let Some(error) = error.downcast_ref::<serde_json::Error>() {
        return About {
            kind: Some(format!("serde_json::{:?}", error.classify())),
            stack: None,
        };
    }
    if error.is::<std::fmt::Error>() {
        return About {
            kind: Some("fmt::Error".to_owned()),
            stack: None,
        };
    }
    let head = debug_of(&error, HEAD_BYTES);
    let has_report = head.starts_with(ANYHOW_CONTEXT);
    About {
        kind: kind_in(&head),
        stack: has_report.then(|| stack_in_debug_of(&error)).flatten(),
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

/// The backtrace that a report shows in its `Debug`, or anyhow's error with a context.
pub(crate) fn stack_in_debug_of(report: &dyn Debug) -> Option<String> {
    let debug = debug_of(report, MAX_RENDERED_BYTES);
    let stack = report::parse(&debug)?.stack?;
    if debug.starts_with(ANYHOW_CONTEXT) {
        // The braces that the report stands in.
        return Some(stack.trim_end_matches([' ', '}', ',', '\n']).to_owned());
    }
    Some(stack)
}

/// The type that a `Debug` text names, if it begins with one: `ParseIntError { kind: … }`.
pub(crate) fn kind_in(debug: &str) -> Option<String> {
    if let Some(kind) = io_kind_in(debug) {
        return Some(kind);
    }
    for (start, holds, kind) in KNOWN_BY_DEBUG {
        if debug.starts_with(start) && debug.contains(holds) {
            return Some(kind.to_owned());
        }
    }
    let mut rest = debug;
    // The path of the outermost wrapper that has one: its name alone is better than none.
    let mut of = None;
    for _ in 0..=MAX_WRAPPERS {
        let Some(name) = name_at_start(rest) else {
            break;
        };
        let (path, last) = name.rsplit_once("::").unwrap_or(("", name));
        let inside = rest.get(name.len()..)?;
        if !WRAPPERS.contains(&last) {
            let kind = match of {
                Some((path, _)) => format!("{path}::{name}"),
                None => name.to_owned(),
            };
            return Some(with_code(kind, inside));
        }
        if of.is_none() && !path.is_empty() {
            of = Some((path, name));
        }
        let opened = ["(", " { kind: ", " { inner: "]
            .iter()
            .find_map(|open| inside.strip_prefix(open));
        match opened {
            Some(inside) => rest = inside,
            None => break,
        }
    }
    of.map(|(_, name)| name.to_owned())
}

/// `SqliteError::Code2067` of `SqliteError { code: 2067, … }`: what a database calls its kinds of errors.
fn with_code(kind: String, inside: &str) -> String {
    let Some(code) = inside.strip_prefix(" { code: ") else {
        return kind;
    };
    let code = code.strip_prefix('"').unwrap_or(code);
    let end = code
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(code.len());
    match code.split_at_checked(end) {
        Some((code, rest))
            if (1..=MAX_CODE_BYTES).contains(&end)
                && code.bytes().any(|byte| byte.is_ascii_digit())
                && rest.starts_with([',', ' ', '"']) =>
        {
            format!("{kind}::Code{code}")
        }
        _ => kind,
    }
}

/// The kind of the I/O error whose text ends this one: `… (os error 2)`.
pub(crate) fn io_kind_at_end(text: &str) -> Option<String> {
    let code = text.strip_suffix(')')?.rsplit_once(" (os error ")?.1;
    let error = io::Error::from_raw_os_error(code.parse().ok()?);
    Some(format!("io::{:?}", error.kind()))
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
