//! `capture_error` and `run`: an error that a program has in its hand is a record.

use std::error::Error;
use std::io;

use anyhow::Context as _;
use tracing::info_span;
use tracing_courier::{Courier, testing};

fn failing() -> anyhow::Result<u8> {
    Err(io::Error::from_raw_os_error(2)).context("reading the settings")
}

#[test]
fn an_error_in_the_programs_hand_is_a_record_that_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("captured", "1")
        .dir(dir.path())
        .without_panic_hook()
        .start()
        .unwrap();
    let captured = testing::capture();

    let span = info_span!("sync", run = 7).entered();
    let error = failing().unwrap_err();
    courier.capture_error(&*error);
    let line = line!() - 1;
    assert!(courier.run(failing).is_err());
    drop(span);
    assert_eq!(courier.run(|| Ok::<_, io::Error>(3)).unwrap(), 3);

    let records = captured.records();
    assert_eq!(records.len(), 2, "{records:#?}");
    let not_found = "No such file or directory (os error 2)";
    for record in &records {
        assert_eq!(record.message, "reading the settings");
        assert_eq!(record.logger, "error");
        assert_eq!(record.attributes["run"], 7);
        assert_eq!(record.attributes.len(), 1, "{record:#?}");
        let at = record.location.as_ref().unwrap();
        assert!(at.file.ends_with("tests/errors_captured.rs"), "{at:?}");
    }
    assert_eq!(records[0].location.as_ref().unwrap().line, Some(line));
    let chain = format!("reading the settings\ncaused by: io::NotFound: {not_found}");
    for record in &records {
        assert_eq!(record.error.as_deref(), Some(&*chain));
        assert_eq!(record.error_type.as_deref(), Some("io::NotFound"));
    }

    // However a program passes its errors on.
    type Shared = Box<dyn Error + Send + Sync>;
    courier.capture_error(&failing().unwrap_err());
    let boxed: Box<dyn Error> = Box::new(io::Error::from(io::ErrorKind::TimedOut));
    courier.capture_error(&boxed);
    courier.capture_error(&*boxed);
    courier.capture_error(&Shared::from("only a text"));
    courier.capture_error(&"only a text");
    assert!(
        courier
            .run(|| Err::<(), _>(Shared::from(io::Error::other("x"))))
            .is_err()
    );
    assert!(
        courier
            .run(|| Err::<(), _>("only a text".to_owned()))
            .is_err()
    );
    let told: Vec<_> = captured.records()[2..]
        .iter()
        .map(|record| (record.message.clone(), record.error_type.clone()))
        .collect();
    let table = [
        ("reading the settings", Some("io::NotFound")),
        ("timed out", Some("io::TimedOut")),
        ("timed out", Some("io::TimedOut")),
        ("only a text", None),
        ("only a text", None),
        ("x", Some("io::Other")),
        ("only a text", None),
    ];
    assert_eq!(
        told,
        table.map(|(text, kind)| (text.to_owned(), kind.map(str::to_owned)))
    );
}
