//! Errors of ten crates, made by really failing: each has a type that support understands, and no two unrelated ones
//! have one fingerprint.

use std::collections::HashMap;

use courier_error_trials::values;

/// What fails, and its type. Two that fail for the same cause have its type both: a text that is no number, a text that is
/// no JSON.
const TYPES: [(&str, &str, &str); 37] = [
    (
        "std::io",
        "opening a file that is not there",
        "io::NotFound",
    ),
    (
        "std::io",
        "creating a file that is there",
        "io::AlreadyExists",
    ),
    (
        "std::io",
        "reading a directory as a file",
        "io::IsADirectory",
    ),
    (
        "std::io",
        "reading text that is not UTF-8",
        "io::InvalidData",
    ),
    ("std::io", "a file that is too short", "io::UnexpectedEof"),
    (
        "std::io",
        "listening where somebody listens",
        "io::AddrInUse",
    ),
    (
        "std::io",
        "connecting where nobody listens",
        "io::ConnectionRefused",
    ),
    ("serde_json", "a bare word", "serde_json::Syntax"),
    ("serde_json", "text that ends too early", "serde_json::Eof"),
    (
        "serde_json",
        "a number that is too large",
        "serde_json::Data",
    ),
    ("toml", "a line without a value", "toml::Error"),
    (
        "toml",
        "a document that is only a number",
        "UnsupportedType",
    ),
    ("clap", "an unknown option", "UnknownArgument"),
    ("clap", "a value that is no number", "ParseIntError"),
    (
        "clap",
        "an option that is missing",
        "MissingRequiredArgument",
    ),
    ("thiserror", "a variant of the program's own", "Closed"),
    ("thiserror", "another variant", "Version"),
    ("thiserror", "a variant around a cause", "Utf8Error"),
    ("anyhow", "a context around a cause", "ParseIntError"),
    ("anyhow", "two contexts around a cause", "io::BrokenPipe"),
    ("anyhow", "a cause alone", "TryFromFloatSecsError"),
    ("eyre", "a context around a cause", "ParseFloatError"),
    ("eyre", "a cause alone", "ParseCharError"),
    ("tokio", "a task that panicked", "JoinError::Panic"),
    ("tokio", "a task that was cancelled", "JoinError::Cancelled"),
    ("reqwest", "status 500", "reqwest::Status"),
    ("reqwest", "an answer that is no JSON", "serde_json::Syntax"),
    ("reqwest", "no answer in time", "TimedOut"),
    ("reqwest", "redirects without end", "TooManyRedirects"),
    ("reqwest", "an answer that is no HTTP", "hyper::Parse"),
    ("reqwest", "a URL without a host", "RelativeUrlWithoutBase"),
    ("sqlx", "a table that is not there", "SqliteError::Code1"),
    (
        "sqlx",
        "a row that is there already",
        "SqliteError::Code1555",
    ),
    ("sqlx", "no row", "RowNotFound"),
    ("sqlx", "no connection in time", "PoolTimedOut"),
    (
        "sqlx",
        "a database that can't be opened",
        "SqliteError::Code14",
    ),
    ("sqlx", "a pool that is closed", "PoolClosed"),
];

#[test]
fn each_error_has_a_type_that_says_what_failed() {
    let values = values::all().unwrap();
    let mut types = Vec::new();
    let mut by_fingerprint: HashMap<String, Vec<String>> = HashMap::new();
    for value in &values {
        let arrived = value.arrived();
        let kind = arrived.kind().unwrap_or_default().to_owned();
        let fingerprint = arrived.fingerprint().to_owned();
        by_fingerprint
            .entry(fingerprint)
            .or_default()
            .push(kind.clone());
        assert!(
            arrived.chain().is_some_and(|chain| !chain.is_empty()),
            "{}, {}",
            value.of,
            value.what
        );
        types.push((value.of, value.what, kind));
    }
    let should: Vec<_> = TYPES
        .iter()
        .map(|&(of, what, kind)| (of, what, kind.to_owned()))
        .collect();
    assert_eq!(types, should, "{types:#?}");
    for (fingerprint, kinds) in by_fingerprint {
        assert!(
            kinds.iter().all(|kind| *kind == kinds[0]),
            "{fingerprint}: {kinds:?}"
        );
    }
    let crates: std::collections::HashSet<_> = values.iter().map(|value| value.of).collect();
    assert!(
        crates.len() >= 10 && values.len() >= 30,
        "{} of {crates:?}",
        values.len()
    );
}

#[test]
fn a_record_without_a_message_takes_each_errors_own_text() {
    for value in values::all().unwrap() {
        let arrived = value.arrived_without_message();
        assert_eq!(
            arrived.message,
            value.text(),
            "{}, {}",
            value.of,
            value.what
        );
    }
}
