//! Errors and panics that do their worst, through the whole program: gate, layers, disk; beside a stock `fmt` layer.
//!
//! Each case is a process of its own, since the panic hook is one for the process.

mod child;

use std::error::Error;
use std::fmt;
use std::panic;

use child::all_records;
use serde_json::Value;
use tracing::error;
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

/// An error with the `Display`, `Debug` and cause of the case.
struct Bad {
    display: fn(&mut fmt::Formatter<'_>) -> fmt::Result,
    debug: fn(&mut fmt::Formatter<'_>) -> fmt::Result,
    source: fn() -> Option<&'static (dyn Error + 'static)>,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.display)(f)
    }
}

impl fmt::Debug for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.debug)(f)
    }
}

impl Error for Bad {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        (self.source)()
    }
}

static PLAIN: Bad = Bad {
    display: |f| f.write_str("plain words"),
    debug: |f| f.write_str("Bad { number: 1 }"),
    source: || None,
};

static DISPLAY_PANICS: Bad = Bad {
    display: |_| panic!("in Display, for ada@example.org"),
    ..PLAIN
};

static DEBUG_PANICS: Bad = Bad {
    debug: |_| panic!("in Debug, for ada@example.org"),
    ..PLAIN
};

static SOURCE_PANICS: Bad = Bad {
    source: || panic!("in source, for ada@example.org"),
    ..PLAIN
};

static ITS_OWN_CAUSE: Bad = Bad {
    source: || Some(&ITS_OWN_CAUSE),
    ..PLAIN
};

static NAMED_BY_10_KB: Bad = Bad {
    debug: |f| f.write_str(&"Long".repeat(2_560)),
    ..PLAIN
};

const CASES: [(&str, &Bad); 5] = [
    ("a Display that panics", &DISPLAY_PANICS),
    ("a Debug that panics", &DEBUG_PANICS),
    ("a source that panics", &SOURCE_PANICS),
    ("a chain that never ends", &ITS_OWN_CAUSE),
    ("a type name of 10 kB", &NAMED_BY_10_KB),
];

/// What the child does in each case: logs the error in every way, and goes on.
fn run(case: &str, dir: &std::path::Path) {
    let courier = Courier::builder("hostile", "1").dir(dir).start().unwrap();
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::sink))
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();
    if case == "a payload that is no text" {
        let _ = panic::catch_unwind(|| panic::panic_any(vec![1_u8]));
        let _ = std::thread::spawn(|| panic::panic_any(std::io::Error::other("in a box"))).join();
    } else {
        let (_, bad) = *CASES.iter().find(|(name, _)| *name == case).unwrap();
        error!(error = bad as &dyn Error, way = "value", "failed");
        error!(error = ?bad, way = "debug", "failed");
        error!(error = %bad, way = "display", "failed");
        error!(way = "message", "failed: {bad}");
        courier.capture_error(bad);
        assert!(courier.run(|| Err::<(), _>(bad)).is_err());
    }
    tracing::info!("the program goes on");
}

fn left_by(case: &str) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let test = "each_hostile_error_costs_only_its_own_text";
    let output = child::command(test, case, dir.path()).output().unwrap();
    assert!(
        output.status.success(),
        "{case}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    all_records(dir.path())
}

fn text<'r>(record: &'r Value, member: &str) -> &'r str {
    record[member].as_str().unwrap_or_default()
}

#[test]
fn each_hostile_error_costs_only_its_own_text() {
    if let Some((case, dir)) = child::case() {
        return run(&case, &dir);
    }
    for (case, _) in CASES {
        let records = left_by(case);
        let with_level = |level| {
            records
                .iter()
                .filter(move |record| record["level"] == level)
        };
        let errors: Vec<&Value> = with_level("error").collect();
        assert_eq!(errors.len(), 6, "{case}: {records:#?}");
        for record in &errors {
            let json = record.to_string();
            assert!(json.len() < 16 * 1024, "{case}: {}", json.len());
            assert!(!json.contains("ada@example.org"), "{case}: {json}");
            assert!(!text(record, "message").is_empty(), "{case}: {json}");
            assert!(text(record, "errorType").len() < 256, "{case}: {json}");
        }
        // The program's own panics are heard of, as all are: this is where to look for the broken formatting.
        let panics = with_level("fatal").count();
        assert_eq!(panics > 0, case.ends_with("panics"), "{case}: {records:#?}");
        let by_value = errors[0];
        let (error, kind) = match case {
            "a Display that panics" => ("Bad: [FORMAT PANIC]", Some("Bad")),
            "a Debug that panics" | "a type name of 10 kB" => ("plain words", None),
            "a chain that never ends" => (text(by_value, "error"), Some("Bad")),
            _ => ("Bad: plain words", Some("Bad")),
        };
        assert_eq!(text(by_value, "error"), error, "{case}");
        assert_eq!(by_value["errorType"].as_str(), kind, "{case}");
        if case == "a chain that never ends" {
            assert_eq!(error.lines().count(), 17, "{case}: {error}");
        }
        assert_eq!(
            records
                .iter()
                .filter(|record| record["message"] == "the program goes on")
                .count(),
            1,
            "{case}"
        );
    }
    let records = left_by("a payload that is no text");
    let panics: Vec<&Value> = records
        .iter()
        .filter(|record| record["level"] == "fatal")
        .collect();
    assert_eq!(panics.len(), 2, "{records:#?}");
    for record in panics {
        assert_eq!(text(record, "message"), "a value that is no text");
        assert_eq!(text(record, "errorType"), "panic");
        assert!(text(&record["location"], "file").ends_with("errors_hostile.rs"));
        assert!(text(record, "stackTrace").contains("errors_hostile"));
    }
}
