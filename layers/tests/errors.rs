//! How Rust programs log an error, and what arrives: type, message, chain, stack.

use std::error::Error;
use std::{fmt, io};

use anyhow::Context as _;
use serde_json::Value;
use tracing::{error, warn};
use tracing_attributes::instrument;
use tracing_courier::testing;

#[test]
fn words_before_a_colon_are_no_type() {
    let shown = |error: anyhow::Error| move || error!(error = ?error, "failed");
    let text = || anyhow::anyhow!("starting: phase 2");
    let by_value = recorded(|| error!(error = &*text() as &dyn Error, "failed"));
    let report = recorded(shown(text().context("upload: part 3")));
    let in_message = recorded(|| error!("failed: {:?}", text().context("part 3")));
    for record in [by_value, report, in_message] {
        assert_eq!(record["errorType"], "", "{record:#}");
    }
    // No word that could be taken for a type.
    let report = recorded(shown(text().context("part 3: upload")));
    assert_eq!(report.get("errorType"), None, "{report:#}");
}

#[test]
fn the_last_words_of_a_text_tell_the_kind_of_an_io_error() {
    let kind = |log: &dyn Fn()| recorded(log)["errorType"].as_str().map(str::to_owned);
    let io = Some("io::NotFound".to_owned());
    let missing = missing();
    assert_eq!(kind(&|| error!(error = %missing, "failed")), io);
    assert_eq!(kind(&|| warn!("failed: {missing}")), io);
    assert_eq!(kind(&|| tracing::info!("failed: {missing}")), None);
    for text in [
        "",
        "(os error 2)",
        "gone (os error x)",
        "gone (os error 2) again",
    ] {
        assert_eq!(kind(&|| error!("failed: {text}!")), None, "{text}");
        assert_eq!(kind(&|| error!(error = text, "failed")), None, "{text}");
    }
}

/// The members of the only record that `log` makes.
fn recorded(log: impl FnOnce()) -> Value {
    let captured = testing::capture();
    log();
    let records = captured.records();
    assert_eq!(records.len(), 1, "{records:#?}");
    serde_json::to_value(&records[0]).unwrap()
}

fn missing() -> io::Error {
    io::Error::from_raw_os_error(2)
}

#[derive(Debug)]
enum SyncError {
    Open {
        path: &'static str,
        source: io::Error,
    },
    Closed,
}

impl fmt::Display for SyncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, .. } => write!(f, "cannot open {path}"),
            Self::Closed => f.write_str("the line is closed: try again"),
        }
    }
}

impl Error for SyncError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Open { source, .. } => Some(source),
            Self::Closed => None,
        }
    }
}

fn open() -> SyncError {
    SyncError::Open {
        path: "/etc/x",
        source: missing(),
    }
}

fn report() -> anyhow::Error {
    Err::<(), _>(open())
        .context("reading the settings")
        .context("starting: phase 2")
        .unwrap_err()
}

const NOT_FOUND: &str = "No such file or directory (os error 2)";

#[test]
fn each_way_to_log_an_error_keeps_what_it_knows() {
    let chain = format!(
        "starting: phase 2\ncaused by: reading the settings\ncaused by: cannot open /etc/x\ncaused by: {NOT_FOUND}"
    );
    let typed_chain = format!(
        "starting: phase 2\ncaused by: reading the settings\ncaused by: Open: cannot open /etc/x\ncaused by: io::NotFound: {NOT_FOUND}"
    );
    let line = format!("starting: phase 2: reading the settings: cannot open /etc/x: {NOT_FOUND}");
    type Case<'a> = (
        &'a str,
        fn(&anyhow::Error),
        &'a str,
        Option<&'a str>,
        Option<&'a str>,
    );
    let table: [Case<'_>; 12] = [
        (
            "error = &*e as &dyn Error",
            |e| error!(error = &**e as &dyn Error, "failed"),
            "failed",
            Some("io::NotFound"),
            Some(&typed_chain),
        ),
        (
            "the same without a message",
            |e| error!(error = &**e as &dyn Error),
            "starting: phase 2",
            Some("io::NotFound"),
            Some(&typed_chain),
        ),
        (
            "error = ?e",
            |e| error!(error = ?e, "failed"),
            "failed",
            Some("io::NotFound"),
            Some(&chain),
        ),
        (
            "?e alone",
            |err| error!(?err),
            "starting: phase 2",
            Some("io::NotFound"),
            Some(&chain),
        ),
        (
            "error = %e",
            |e| error!(error = %e, "failed"),
            "failed",
            None,
            Some("starting: phase 2"),
        ),
        (
            "error = format!(\"{e:#}\")",
            |e| error!(error = format!("{e:#}"), "failed"),
            "failed",
            Some("io::NotFound"),
            Some(&line),
        ),
        (
            "\"failed: {e:?}\"",
            |e| error!("failed: {e:?}"),
            "failed: starting: phase 2",
            Some("io::NotFound"),
            Some(&*format!("failed: {chain}").leak()),
        ),
        (
            "\"failed: {e}\"",
            |e| error!("failed: {e}"),
            "failed: starting: phase 2",
            None,
            None,
        ),
        (
            "\"{e:?}\" as a warning",
            |e| warn!("{e:?}"),
            "starting: phase 2",
            Some("io::NotFound"),
            Some(&chain),
        ),
        (
            "#[instrument(err)]",
            |_| {
                #[instrument(err)]
                fn work() -> anyhow::Result<()> {
                    Err(report())
                }
                let _ = work();
            },
            "starting: phase 2",
            None,
            Some("starting: phase 2"),
        ),
        (
            "#[instrument(err(Debug))]",
            |_| {
                #[instrument(err(Debug))]
                fn work() -> anyhow::Result<()> {
                    Err(report())
                }
                let _ = work();
            },
            "starting: phase 2",
            Some("io::NotFound"),
            Some(&chain),
        ),
        (
            "a single cause",
            |_| {
                let e = anyhow::Error::new(missing()).context("one");
                error!(error = ?e, "failed");
            },
            "failed",
            Some("io::NotFound"),
            Some(&*format!("one\ncaused by: {NOT_FOUND}").leak()),
        ),
    ];
    let e = report();
    for (name, log, message, kind, error) in table {
        let record = recorded(|| log(&e));
        assert_eq!(record["message"], message, "{name}");
        assert_eq!(record["errorType"].as_str(), kind, "{name}: {record:#}");
        assert_eq!(record["error"].as_str(), error, "{name}: {record:#}");
    }
}

#[test]
fn a_reports_backtrace_is_the_stack_trace() {
    let shown = "outer: 1\n\nCaused by:\n    0: middle\n       second line\n    1: inner\n\nStack backtrace:\n   0: app::sync\n             at ./src/sync.rs:4:5\n   1: main";
    struct Shown(&'static str);
    impl fmt::Debug for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    let stack = "   0: app::sync\n             at ./src/sync.rs:4:5\n   1: main";
    let chain = "outer: 1\ncaused by: middle\nsecond line\ncaused by: inner";
    let table = [
        (shown, Some(chain), Some(stack)),
        (
            "outer\n\nStack backtrace:\n   0: main",
            Some("outer"),
            Some("   0: main"),
        ),
        (
            "outer\n\nCaused by:\n    inner\n\nLocation:\n    src/main.rs:7:9",
            Some("outer\ncaused by: inner"),
            None,
        ),
        (
            "outer\n\nLocation:\n    src/main.rs:7:9",
            Some("outer"),
            None,
        ),
        (
            "\n   0: \u{1b}[91mouter\u{1b}[0m\n   1: \u{1b}[91minner\u{1b}[0m\n\nLocation:\n   \u{1b}[35msrc/main.rs\u{1b}[0m:\u{1b}[35m7\u{1b}[0m\n\n  ━━━━━━━ BACKTRACE ━━━━━━━\n                 ⋮ 5 frames hidden ⋮ \n   6: app::sync\n      at src/sync.rs:4\n\nRun with COLORBT_SHOW_HIDDEN=1 environment variable to disable frame filtering.",
            Some("outer\ncaused by: inner"),
            Some("   6: app::sync\n      at src/sync.rs:4"),
        ),
    ];
    for (text, error, stack) in table {
        let record = recorded(|| error!(error = ?Shown(text), "failed"));
        assert_eq!(record["error"].as_str(), error, "{text}");
        assert_eq!(record["stackTrace"].as_str(), stack, "{text}");
        let record = recorded(|| error!("{:?}", Shown(text)));
        let message = error.unwrap().lines().next().unwrap();
        assert_eq!(record["message"], message, "{text}");
        assert_eq!(record["stackTrace"].as_str(), stack, "{text}");
    }
}

#[test]
fn a_backtrace_in_an_error_logged_by_value_is_the_stack_trace_too() {
    #[derive(Debug)]
    struct Root;
    impl fmt::Display for Root {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("inner")
        }
    }
    impl Error for Root {}
    /// As anyhow's with a context: its cause is a report.
    struct WithContext;
    impl fmt::Debug for WithContext {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Error { context: \"outer\", source: inner\n\nStack backtrace:\n   0: app::sync\n   1: main }")
        }
    }
    impl fmt::Display for WithContext {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }
    impl Error for WithContext {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&Root)
        }
    }
    let record = recorded(|| error!(error = &WithContext as &dyn Error, "failed"));
    assert_eq!(record["error"], "outer\ncaused by: Root: inner");
    assert_eq!(record["errorType"], "Root");
    assert_eq!(record["stackTrace"], "   0: app::sync\n   1: main");
}

fn boxed<E: Error + 'static>(error: E) -> Box<dyn Error> {
    Box::new(error)
}

#[test]
fn the_type_is_an_identifier_or_nothing() {
    #[derive(Debug)]
    struct Unit;
    impl fmt::Display for Unit {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("unit")
        }
    }
    impl Error for Unit {}
    struct Named(String);
    impl fmt::Debug for Named {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }
    impl fmt::Display for Named {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("named")
        }
    }
    impl Error for Named {}
    let named = |debug: &str| boxed(Named(debug.to_owned()));
    let utf8 = String::from_utf8(vec![0xff]).unwrap_err();
    let table: Vec<(Box<dyn Error>, Option<&str>)> = vec![
        (boxed(open()), Some("io::NotFound")),
        (boxed(SyncError::Closed), Some("Closed")),
        (boxed(missing()), Some("io::NotFound")),
        (boxed(io::Error::other("no kind")), Some("io::Other")),
        (boxed(io::Error::other(Unit)), Some("Unit")),
        (
            boxed(io::Error::new(io::ErrorKind::TimedOut, Unit)),
            Some("io::TimedOut"),
        ),
        (boxed("x".parse::<u8>().unwrap_err()), Some("ParseIntError")),
        (
            boxed("x".parse::<f64>().unwrap_err()),
            Some("ParseFloatError"),
        ),
        (boxed(utf8), Some("FromUtf8Error")),
        (boxed(fmt::Error), Some("fmt::Error")),
        (
            boxed(serde_json::from_str::<u8>("{").unwrap_err()),
            Some("serde_json::Data"),
        ),
        (
            boxed(std::env::var("NO_SUCH_VARIABLE").unwrap_err()),
            Some("NotPresent"),
        ),
        (
            boxed(u8::try_from(300).unwrap_err()),
            Some("TryFromIntError"),
        ),
        ("only a text".into(), None),
        (anyhow::anyhow!("only a text").into(), None),
        (
            named("reqwest::Error { kind: Request, url: \"x\" }"),
            Some("reqwest::Request"),
        ),
        (
            named("hyper::Error(Connect, ConnectError(\"x\"))"),
            Some("hyper::Connect"),
        ),
        (named("hyper::Error(\"x\")"), Some("hyper::Error")),
        (
            named("SqliteError { code: 2067, message: \"x\" }"),
            Some("SqliteError::Code2067"),
        ),
        (
            named("Refused { code: \"42P01\", by: 1 }"),
            Some("Refused::Code42P01"),
        ),
        (named("Refused { code: 8812345 }"), Some("Refused")),
        (named("Refused { code: -7 }"), Some("Refused")),
        (named("Refused { code: Busy }"), Some("Refused")),
        (
            named("Error { message: \"x\", input: None, keys: [], span: None }"),
            Some("toml::Error"),
        ),
        (
            named("JoinError::Panic(Id(3), \"boom\", ...)"),
            Some("JoinError::Panic"),
        ),
        (
            named("ErrorInner { kind: UnknownArgument, context: [] }"),
            Some("UnknownArgument"),
        ),
        (named("Error(InvalidToken)"), Some("InvalidToken")),
        (named("Error { inner: Inner { message: \"x\" } }"), None),
        (named("Some words: that say it"), None),
        (named("lower"), None),
        (named(""), None),
        (named("E<T>"), None),
        (named(&"Long".repeat(2_560)), None),
    ];
    for (error, kind) in &table {
        let record = recorded(|| error!(error = &**error, "failed"));
        assert_eq!(record["errorType"].as_str(), *kind, "{error:?}");
    }
    // By `Debug`: what the text gives away.
    let table: [(&dyn fmt::Debug, Option<&str>); 6] = [
        (&open(), Some("Open")),
        (&SyncError::Closed, Some("Closed")),
        (&missing(), Some("io::NotFound")),
        (&io::Error::other(Unit), Some("io::Other")),
        (
            &serde_json::from_str::<u8>("{").unwrap_err(),
            Some("serde_json::Error"),
        ),
        (&"a text: of words", None),
    ];
    for (error, kind) in table {
        let record = recorded(|| error!(?error, "failed"));
        assert_eq!(record["errorType"].as_str(), kind, "{error:?}");
    }
}

#[test]
fn an_event_that_tells_its_own_stack_keeps_it() {
    let record = recorded(|| {
        error!(
            error = "outer\n\nStack backtrace:\n   0: main",
            stack_trace = "mine",
            "failed"
        );
    });
    assert_eq!(record["stackTrace"], "mine");
    assert_eq!(record["error"], "outer");
}
