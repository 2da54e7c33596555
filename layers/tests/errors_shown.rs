//! Every public error shows people's text under `{:?}`, as a `main` that returns one prints it. The list is the tree's
//! own: an error that is new fails here until it has a row.
#![cfg(all(feature = "http", feature = "local-log", feature = "policy"))]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tracing_courier::queue::{OpenError, inspect::InspectError};
use tracing_courier::sanitize::{FileError, PolicyError};
use tracing_courier::send::{BackendError, CertificateError, EndpointError};
use tracing_courier::session::{NoSupportCode, SessionError};
use tracing_courier::{Courier, Level, LevelsError, StartError, SwitchError, local_log};

/// The public types of the library that are errors, each with the file that it stands in.
fn public_errors() -> BTreeMap<String, PathBuf> {
    let mut errors = BTreeMap::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = sources(&here.join("src"));
    files.extend(sources(&here.join("sanitize/src")));
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let (text, _) = text.split_once("\n#[cfg(test)]").unwrap_or((&text, ""));
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let is_derived = line.starts_with("#[derive(") && line.contains("Error)]");
            if is_derived {
                let item = lines[at..]
                    .iter()
                    .find(|line| line.contains("enum ") || line.contains("struct "));
                let item = item.unwrap();
                if item.starts_with("pub ") {
                    let name = item.split([' ', '(', ';']).nth(2).unwrap();
                    errors.insert(name.to_owned(), file.clone());
                }
            } else if line.starts_with("impl") && line.contains("Error for ") {
                let name = line.rsplit("Error for ").next().unwrap();
                let name = name.trim_end_matches([' ', '{', '}']);
                let is_public = lines.iter().any(|line| {
                    line.starts_with(&format!("pub struct {name}"))
                        || line.starts_with(&format!("pub enum {name}"))
                });
                if is_public {
                    errors.insert(name.to_owned(), file.clone());
                }
            }
        }
    }
    errors
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

fn denied() -> io::Error {
    io::Error::from_raw_os_error(13)
}

/// One value of each, by its type's name, and what `{:?}` shows.
fn rows() -> Vec<(&'static str, Box<dyn Error>, &'static str)> {
    let not_a_level = || "loud".parse::<Level>().unwrap_err();
    let queue = || OpenError::Queue {
        root: "/var/lib/app".into(),
        source: denied(),
    };
    let _ = queue_is_no_text(&queue());
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("shown", "1")
        .dir(dir.path())
        .without_panic_hook()
        .start()
        .unwrap();
    courier.install().unwrap();
    let installed_twice = courier.install().unwrap_err();
    vec![
        (
            "BackendError",
            Box::new(BackendError::Thread(denied())) as Box<dyn Error>,
            "cannot start the sender's thread: Permission denied (os error 13)",
        ),
        (
            "CertificateError",
            Box::new(CertificateError::Roots {
                reason: "not PEM".to_owned(),
            }),
            "root certificates: not PEM",
        ),
        (
            "EndpointError",
            Box::new(EndpointError::Locked),
            "the relay's URL is locked",
        ),
        (
            "FileError",
            Box::new(FileError::Policy {
                path: "policy.toml".into(),
                source: PolicyError::ShortKey(3),
            }),
            "policy `policy.toml`: the pseudonym key has 3 bytes; it needs at least 32",
        ),
        (
            "InspectError",
            Box::new(InspectError::Unreadable {
                path: "/q".into(),
                source: denied(),
            }),
            "cannot read `/q`: Permission denied (os error 13)",
        ),
        (
            "InstallError",
            Box::new(installed_twice),
            "the program has a subscriber already (a global default trace dispatcher has already been set): add \
             `courier.layer()` to that stack, and end it with `.sanitized(courier.sanitizer())`",
        ),
        (
            "LevelsError",
            Box::new(LevelsError::Level {
                text: "loud".to_owned(),
                source: not_a_level(),
            }),
            "in levels `loud`: `loud` is no level; use trace, debug, info, warning, error or fatal",
        ),
        (
            "LocalLogError",
            Box::new(local_log::LocalLogError::Directory {
                dir: "/logs".into(),
                source: denied(),
            }),
            "cannot make the local log's directory `/logs`: Permission denied (os error 13)",
        ),
        (
            "NoSupportCode",
            Box::new(NoSupportCode::Length { letters: 3 }),
            "a support code has 9 letters, and this has 3",
        ),
        (
            "OpenError",
            Box::new(queue()),
            "cannot make a queue in `/var/lib/app`: Permission denied (os error 13)",
        ),
        (
            "PolicyError",
            Box::new(PolicyError::ShortKnownValue(2)),
            "a known value has 2 bytes; it needs at least 6",
        ),
        (
            "SessionError",
            Box::new(SessionError::InstallId {
                path: "/id".into(),
                source: denied(),
            }),
            "cannot keep the install id in `/id`: Permission denied (os error 13)",
        ),
        (
            "StartError",
            Box::new(StartError::Queue(queue())),
            "cannot make a queue in `/var/lib/app`: Permission denied (os error 13)",
        ),
        (
            "SwitchError",
            Box::new(SwitchError {
                path: "/s".into(),
                source: denied(),
            }),
            "cannot remember in `/s` what is switched off: Permission denied (os error 13)",
        ),
        (
            "UnknownLevel",
            Box::new(not_a_level()),
            "`loud` is no level; use trace, debug, info, warning, error or fatal",
        ),
    ]
}

/// `Display` alone leaves the source out, which is why `Debug` adds it.
fn queue_is_no_text(error: &OpenError) -> String {
    assert_eq!(error.to_string(), "cannot make a queue in `/var/lib/app`");
    error.to_string()
}

#[test]
fn every_public_error_shows_its_text_and_what_it_came_from() {
    let errors = public_errors();
    let rows = rows();
    let (named, known): (Vec<&str>, Vec<&str>) = (
        rows.iter().map(|row| row.0).collect(),
        errors.keys().map(String::as_str).collect(),
    );
    assert_eq!(named, known, "a row for each public error, by name");
    for (name, file) in &errors {
        let text = fs::read_to_string(file).unwrap();
        assert!(
            text.contains(&format!("debug_is_display!({name});")),
            "`{name}` in {} has no `crate::shown::debug_is_display!({name});`",
            file.display()
        );
    }
    for (name, error, text) in rows {
        assert_eq!(format!("{error:?}"), text, "{name}");
    }
}
