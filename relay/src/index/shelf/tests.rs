use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use sqlx::Row;

use super::super::arrival::Kind;
use super::super::catalog::MAX_LISTED;
use super::*;

const RECORDS: u64 = 10;
const SECOND: u64 = 1_000_000_000;
const BEGIN: u64 = 1_790_000_000 * SECOND;

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

/// The frame of that number: ten records of one user, of which the last says an error.
fn arrival(frame: i64) -> Arrival {
    let number = u64::try_from(frame - 1).expect("frames are counted from 1");
    let received = BEGIN + number * 60 * SECOND;
    let first = number * RECORDS;
    let records = (first..first + RECORDS).map(|seq| LogRecord {
        time_unix_nano: received - 5 * SECOND + seq,
        severity_number: 9,
        body: text("", &format!("record {seq} is here")).value,
        attributes: vec![
            text("user.id", &format!("user-{}", number % 3)),
            text("courier.sender", "ada"),
            text("session.id", &format!("session-{number}")),
            text("path", &format!("/some/where/{seq}")),
        ],
        ..LogRecord::default()
    });
    Arrival {
        frame,
        from_records: first,
        to_records: first + RECORDS,
        received,
        plain_bytes: 2_000,
        is_for_another: false,
        erased: 0,
        subject: "ada".to_owned(),
        queue: Some("9f86d081884c7d65".to_owned()),
        seqs: (first..first + RECORDS).map(Some).collect(),
        hash: None,
        logs: Some(ResourceLogs {
            resource: Some(Resource {
                attributes: vec![
                    text("service.name", "app"),
                    text("service.version", "1.0.0"),
                ],
                ..Resource::default()
            }),
            scope_logs: vec![ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: "app::sync".to_owned(),
                    ..InstrumentationScope::default()
                }),
                log_records: records.collect(),
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }),
    }
}

fn few() -> Limits {
    Limits {
        max_records: 3 * RECORDS,
        ..Limits::default()
    }
}

async fn open(dir: &Path, limits: Limits) -> Shelf {
    Shelf::open(dir, limits).await.expect("it opens")
}

async fn take(shelf: &mut Shelf, frames: std::ops::RangeInclusive<i64>) {
    for frame in frames {
        shelf
            .take(vec![arrival(frame)])
            .await
            .expect("it is written");
    }
}

/// All seqs that are in segments, by file and row.
async fn seqs(dir: &Path) -> Vec<i64> {
    let mut seqs = Vec::new();
    for number in files::segments(dir).expect("a directory") {
        let file = files::segment(dir, number);
        let mut connection = schema::open_as_it_is(&file).await.expect("it opens");
        let rows: Vec<i64> = sqlx::query_scalar("SELECT seq FROM record ORDER BY id")
            .fetch_all(&mut connection)
            .await
            .expect("rows");
        // What is counted is what is there.
        let counts: (i64, i64, i64) = sqlx::query_as(
            "SELECT records, (SELECT coalesce(sum(records), 0) FROM name WHERE kind = ?),
             (SELECT count(*) FROM text WHERE text MATCH 'record') FROM segment",
        )
        .bind(Kind::User.code())
        .fetch_one(&mut connection)
        .await
        .expect("counts");
        let there = i64::try_from(rows.len()).expect("few");
        assert_eq!(counts, (there, there, there), "segment {number}");
        seqs.extend(rows);
        connection.close().await.expect("it closes");
    }
    seqs
}

fn up_to(frames: u64) -> Vec<i64> {
    (0..i64::try_from(frames * RECORDS).expect("few")).collect()
}

#[tokio::test]
async fn what_comes_is_a_row_with_its_names_its_words_and_its_rest() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = open(dir.path(), few()).await;
    take(&mut shelf, 1..=1).await;
    shelf.close().await.expect("it closes");
    let file = files::segment(dir.path(), 1);
    let mut connection = schema::open_as_it_is(&file).await.expect("it opens");
    let row = sqlx::query(
        "SELECT record.at, record.ns, base, user.name, sender.name, logger.name, version.name, message, rest
         FROM record, segment
         JOIN name AS user ON user.id = record.user JOIN name AS sender ON sender.id = record.sender
         JOIN name AS logger ON logger.id = record.logger JOIN name AS version ON version.id = record.version
         WHERE record.id IN (SELECT rowid FROM text WHERE text MATCH '\"record 7\"')",
    )
    .fetch_all(&mut connection)
    .await
    .expect("it is found");
    let [row] = &row[..] else {
        panic!("one row: {}", row.len())
    };
    let time = super::super::clock::join(row.get(0), row.get(1), row.get(2));
    assert_eq!(time, BEGIN - 5 * SECOND + 7);
    let names: Vec<String> = (3..8).map(|at| row.get(at)).collect();
    assert_eq!(
        names,
        ["user-0", "ada", "app::sync", "1.0.0", "record 7 is here"]
    );
    let blob: Vec<u8> = row.get(8);
    let (_, rest) = super::super::decode::unpack(&blob).expect("whole");
    assert_eq!(rest.attributes, [text("path", "/some/where/7")]);
}

#[tokio::test]
async fn every_commit_of_the_open_segment_is_synced() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("seg-1.db");
    let mut connection = schema::open_to_write(&file).await.expect("it opens");
    let ask = async |connection: &mut SqliteConnection, pragma: &'static str| -> i64 {
        let row = sqlx::query(pragma).fetch_one(connection).await;
        row.expect("a row").get(0)
    };
    assert_eq!(ask(&mut connection, "PRAGMA synchronous").await, 2, "FULL");
}

#[tokio::test]
async fn frames_that_were_taken_are_passed_over_when_they_come_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = open(dir.path(), few()).await;
    take(&mut shelf, 1..=4).await;
    // The spool's cursor was not written: all comes again, with more.
    take(&mut shelf, 1..=5).await;
    shelf.close().await.expect("it closes");
    let mut shelf = open(dir.path(), few()).await;
    assert_eq!(shelf.frame(), Some(5));
    take(&mut shelf, 3..=7).await;
    assert_eq!(shelf.board().state().missing(), 0);
    assert_eq!(seqs(dir.path()).await, up_to(7));
}

#[tokio::test]
async fn a_segment_is_rolled_by_records_by_bytes_and_by_received_time() {
    let rules = [
        ("records", few(), 3),
        (
            "bytes",
            Limits {
                max_bytes: 1,
                ..Limits::default()
            },
            7,
        ),
        (
            "time",
            Limits {
                max_span: Duration::from_secs(120),
                ..Limits::default()
            },
            4,
        ),
        ("none", Limits::default(), 1),
    ];
    for (rule, limits, segments) in rules {
        let dir = tempfile::tempdir().expect("a directory");
        let mut shelf = open(dir.path(), limits).await;
        take(&mut shelf, 1..=7).await;
        let state = shelf.board().state().clone();
        assert_eq!(state.segments.len(), segments, "{rule}");
        let sealed = state.segments.values().filter(|facts| facts.is_sealed);
        assert_eq!(sealed.count(), segments - 1, "{rule}");
        assert_eq!(seqs(dir.path()).await, up_to(7), "{rule}");
        let logs = std::fs::read_dir(dir.path()).expect("files").flatten();
        let logs = logs.filter(|entry| entry.file_name().to_string_lossy().ends_with("db-wal"));
        assert_eq!(
            logs.count(),
            2,
            "{rule}: of the open segment and of the catalogue"
        );
    }
}

#[tokio::test]
async fn retention_unlinks_the_oldest_by_age_and_by_size() {
    let minute = 60;
    let rules = [
        // Frames come a minute apart, three to a segment: at the tenth minute the first two segments are older than five.
        (
            "age",
            Limits {
                keep: Duration::from_secs(5 * minute),
                ..few()
            },
            vec![2, 3],
        ),
        (
            "size",
            Limits {
                keep_bytes: 1,
                ..few()
            },
            vec![3],
        ),
        ("none", few(), vec![1, 2, 3]),
    ];
    for (rule, limits, left) in rules {
        let dir = tempfile::tempdir().expect("a directory");
        let mut shelf = open(dir.path(), limits).await;
        take(&mut shelf, 1..=8).await;
        let now = i64::try_from(BEGIN / 1_000_000).expect("a time") + 8 * 60_000;
        shelf.retain(now).await.expect("it removes");
        assert_eq!(files::segments(dir.path()).expect("files"), left, "{rule}");
        let known: Vec<u64> = shelf.board().state().segments.keys().copied().collect();
        assert_eq!(known, left, "{rule}");
        let held = shelf.catalog().may_hold(Kind::Session, "session-0").await;
        let is_there = left.contains(&1);
        assert_eq!(held.expect("it says").contains(&1), is_there, "{rule}");
        assert_eq!(
            shelf.board().state().missing(),
            0,
            "what is old is not lost"
        );
    }
}

#[tokio::test]
async fn a_catalogue_that_is_lost_or_damaged_is_made_again_from_the_segments() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = open(dir.path(), few()).await;
    take(&mut shelf, 1..=8).await;
    let held = |shelf: Shelf| async move {
        let mut shelf = shelf;
        let user = shelf.catalog().may_hold(Kind::User, "user-1").await;
        let session = shelf.catalog().may_hold(Kind::Session, "session-4").await;
        shelf.close().await.expect("it closes");
        let list = |held: Result<std::collections::BTreeSet<u64>, _>| {
            held.expect("it says").into_iter().collect::<Vec<u64>>()
        };
        (list(user), list(session))
    };
    assert_eq!(held(shelf).await, (vec![1, 2], vec![2]));
    let file = dir.path().join(files::CATALOG);
    type Harm<'h> = (&'static str, Box<dyn Fn() + 'h>);
    let harm: [Harm<'_>; 3] = [
        ("lost", Box::new(|| files::remove(&file).expect("removed"))),
        (
            "no database",
            Box::new(|| std::fs::write(&file, [7; 9_000]).expect("written")),
        ),
        (
            "torn",
            Box::new(|| {
                let mut bytes = std::fs::read(&file).expect("read");
                let middle = bytes.len() / 2;
                bytes.truncate(middle);
                std::fs::write(&file, bytes).expect("written");
            }),
        ),
    ];
    for (what, harm) in harm {
        harm();
        let shelf = open(dir.path(), few()).await;
        assert_eq!(held(shelf).await, (vec![1, 2], vec![2]), "{what}");
    }
}

#[tokio::test]
async fn a_damaged_segment_costs_itself_and_is_counted() {
    // The first, one in the middle, and the open one.
    for (harmed, missing, left) in [(1, 0, 40), (2, 30, 40), (3, 0, 60)] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut shelf = open(dir.path(), few()).await;
        take(&mut shelf, 1..=7).await;
        shelf.close().await.expect("it closes");
        std::fs::write(files::segment(dir.path(), harmed), [7; 20_000]).expect("written");
        let mut shelf = open(dir.path(), few()).await;
        let state = shelf.board().state().clone();
        assert_eq!(state.unreadable, [harmed]);
        assert_eq!(state.missing(), missing, "{harmed}");
        assert_eq!(seqs(dir.path()).await.len(), left, "{harmed}");
        assert!(dir.path().join(format!("seg-{harmed}.db.damaged")).exists());
        // The spool goes on where it was; what the open one lost is counted once there is more.
        shelf.begin_anew(None).await.expect("it begins");
        take(&mut shelf, 8..=8).await;
        let lost = if harmed == 3 { 10 } else { missing };
        assert_eq!(shelf.board().state().missing(), lost, "{harmed}");
    }
}

#[tokio::test]
async fn a_segment_of_a_newer_relay_is_left_where_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = open(dir.path(), few()).await;
    take(&mut shelf, 1..=7).await;
    shelf.close().await.expect("it closes");
    let file = files::segment(dir.path(), 3);
    let mut connection = schema::open_as_it_is(&file).await.expect("it opens");
    sqlx::query("PRAGMA user_version = 99")
        .execute(&mut connection)
        .await
        .expect("written");
    connection.close().await.expect("it closes");
    let mut shelf = open(dir.path(), few()).await;
    assert_eq!(shelf.board().state().unreadable, [3]);
    take(&mut shelf, 8..=8).await;
    assert_eq!(files::segments(dir.path()).expect("files"), [1, 2, 3, 4]);
    assert_eq!(
        seqs(dir.path()).await.len(),
        80,
        "nothing of it was touched"
    );
}

#[tokio::test]
async fn a_segment_that_was_not_sealed_is_sealed_at_the_next_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = open(dir.path(), Limits::default()).await;
    take(&mut shelf, 1..=3).await;
    shelf.close().await.expect("it closes");
    // As if the relay had been killed between making the next segment and sealing this one.
    std::fs::copy(files::segment(dir.path(), 1), files::segment(dir.path(), 2)).expect("copied");
    let shelf = open(dir.path(), Limits::default()).await;
    let sealed: Vec<bool> = {
        let state = shelf.board().state().clone();
        state
            .segments
            .values()
            .map(|facts| facts.is_sealed)
            .collect()
    };
    assert_eq!(sealed, [true, false]);
}

#[tokio::test]
async fn a_segment_with_too_many_names_is_folded_and_still_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = open(dir.path(), few()).await;
    take(&mut shelf, 1..=2).await;
    {
        // As many sessions as the cap takes, and one.
        let file = files::segment(dir.path(), 1);
        let mut connection = schema::open_as_it_is(&file).await.expect("it opens");
        sqlx::query(
            "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
             INSERT INTO name SELECT 1000 + i, ?, 'x' || i, 1, 0, 0, 0 FROM n",
        )
        .bind(MAX_LISTED)
        .bind(Kind::Session.code())
        .execute(&mut connection)
        .await
        .expect("written");
        connection.close().await.expect("it closes");
    }
    take(&mut shelf, 3..=8).await;
    let folded = shelf.catalog().folded().await.expect("it says");
    assert_eq!(folded, [(1, MAX_LISTED + 1 + 3)]);
    for session in ["session-0", "x70000", "never heard of"] {
        let held = shelf.catalog().may_hold(Kind::Session, session).await;
        assert!(held.expect("it says").contains(&1), "{session}");
    }
    let held = shelf.catalog().may_hold(Kind::User, "never heard of").await;
    assert!(held.expect("it says").is_empty(), "users are listed");
}

#[tokio::test]
async fn names_with_quotes_controls_and_ten_kilobytes_are_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let names = [
        "o'hara \"the\" one",
        "two\nlines\u{1b}[31m",
        "%_*",
        &"x".repeat(10_000),
    ];
    let mut shelf = open(dir.path(), few()).await;
    for (name, frame) in names.iter().zip(1..) {
        let mut arrival = arrival(frame);
        let logs = arrival.logs.as_mut().expect("logs");
        for record in &mut logs.scope_logs[0].log_records {
            record.attributes[0] = text("user.id", name);
        }
        shelf.take(vec![arrival]).await.expect("it is written");
    }
    shelf.begin_anew(None).await.expect("sealed");
    for name in names {
        let held = shelf.catalog().may_hold(Kind::User, name).await;
        assert_eq!(held.expect("it says").len(), 1, "{name:.20}");
    }
}

/// What the test after this one runs and kills: indexes from where it was, with segments of a few frames, until it is killed.
#[tokio::test]
async fn indexes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let limits = Limits {
        max_records: 7 * RECORDS,
        ..Limits::default()
    };
    let mut shelf = open(Path::new(&dir), limits).await;
    let mut frame = shelf.frame().unwrap_or(0) + 1;
    println!("\nopen");
    loop {
        let last = frame + frame % 4;
        let arrivals = (frame..=last).map(arrival).collect();
        shelf.take(arrivals).await.expect("it is written");
        frame = last + 1;
    }
}

#[cfg(unix)]
#[test]
fn a_relay_that_is_killed_at_any_moment_indexes_each_record_once() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().expect("a directory");
    let program = std::env::current_exe().expect("this test");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut last = 0;
    for round in 0..KILLS {
        let mut child = Command::new(&program)
            .args([
                "--exact",
                "--nocapture",
                "index::shelf::tests::indexes_until_it_is_killed",
            ])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("its output"));
        let is_open = stdout
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "open");
        assert!(is_open, "round {round}");
        // At another moment each time, also before the first commit.
        std::thread::sleep(Duration::from_millis(round * 37 % 211));
        child.kill().expect("killed");
        child.wait().expect("ended");
        // What was committed is there, each record once, and the cursor says exactly how much.
        let (frames, found) = runtime.block_on(async {
            let shelf = open(dir.path(), Limits::default()).await;
            assert!(shelf.board().state().unreadable.is_empty());
            assert_eq!(shelf.board().state().missing(), 0);
            let frame = shelf.frame().unwrap_or_default();
            shelf.close().await.expect("it closes");
            (frame.cast_unsigned(), seqs(dir.path()).await)
        });
        assert_eq!(found, up_to(frames), "round {round}");
        assert!(frames >= last, "round {round}: nothing goes away");
        last = frames;
    }
    assert!(last > 10, "it got somewhere: {last}");
}

const DIR: &str = "COURIER_TEST_INDEX_DIR";

const KILLS: u64 = 24;

#[tokio::test]
async fn a_segment_that_could_not_be_sealed_is_sealed_later_and_not_only_at_the_next_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let limits = Limits {
        max_records: 2 * RECORDS,
        keep: Duration::from_secs(u64::MAX / 1_000),
        ..Limits::default()
    };
    let mut shelf = Shelf::open(dir.path(), limits).await.expect("it opens");
    shelf.take(vec![arrival(1)]).await.expect("taken");
    // Somebody reads it, and goes on reading.
    let file = files::segment(dir.path(), 1);
    let mut reader = schema::open_to_read(&file, false).await.expect("it opens");
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM record")
        .execute(&mut reader)
        .await
        .expect("it reads");
    shelf
        .take(vec![arrival(2), arrival(3)])
        .await
        .expect("taken");
    let is_sealed = |shelf: &Shelf| shelf.board().state().segments[&1].is_sealed;
    assert!(!is_sealed(&shelf));
    shelf.retain(0).await.expect("nothing is old");
    assert!(!is_sealed(&shelf), "it is read still");
    reader.close().await.expect("closed");
    shelf.retain(0).await.expect("nothing is old");
    assert!(is_sealed(&shelf));
    let held = shelf.catalog().may_hold(Kind::User, "user-0").await;
    assert!(held.expect("asked").contains(&1), "it is in the catalogue");
}
