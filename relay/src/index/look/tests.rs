use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

use super::super::arrival::Arrival;
use super::super::pool::MAX_OPEN;
use super::super::shelf::{Limits, Shelf};
use super::*;
use crate::search::parse;

const SECOND: u64 = 1_000_000_000;
const BEGIN: u64 = 1_790_000_000 * SECOND;
const FOR_EVER: Duration = Duration::from_secs(3_600);

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

/// A record of the story that most tests ask about.
struct Told {
    seq: u64,
    time: u64,
    level: i32,
    logger: &'static str,
    user: Option<&'static str>,
    message: &'static str,
    attributes: Vec<KeyValue>,
}

fn told(
    seq: u64,
    user: Option<&'static str>,
    level: i32,
    logger: &'static str,
    message: &'static str,
) -> Told {
    Told {
        seq,
        time: BEGIN + seq * SECOND,
        level,
        logger,
        user,
        message,
        attributes: Vec::new(),
    }
}

fn story() -> Vec<Told> {
    let with = |mut told: Told, attributes: Vec<KeyValue>| {
        told.attributes = attributes;
        told
    };
    let retry = Value::KvlistValue(KeyValueList {
        values: vec![pair("after_s", Value::IntValue(4))],
    });
    vec![
        told(0, None, 9, "app", "session_start"),
        told(1, Some("ada"), 9, "app::sync", "upload begins"),
        with(
            told(2, Some("ada"), 17, "app::sync", "upload failed"),
            vec![
                pair("http.status", Value::IntValue(503)),
                pair("retry", retry),
                text("exception.type", "Timeout"),
                text("exception.message", "no answer in 5 s"),
            ],
        ),
        with(
            told(3, Some("bea"), 13, "http::client", "slow answer"),
            vec![
                pair("http.status", Value::IntValue(200)),
                text("user", "carl"),
            ],
        ),
        told(4, Some("bea"), 9, "httpx", "not the same logger"),
        with(
            told(5, Some("o'hara \"x\""), 21, "app", "failed to upload"),
            vec![text("breadcrumbs", "…")],
        ),
    ]
}

fn arrival(frame: i64, told: Vec<Told>) -> Arrival {
    let from_records = told.first().map_or(0, |told| told.seq);
    let to_records = told.last().map_or(0, |told| told.seq + 1);
    let received = told.iter().map(|told| told.time).max().unwrap_or_default() + SECOND;
    Arrival {
        frame,
        from_records,
        to_records,
        received,
        plain_bytes: 1_000,
        is_for_another: false,
        erased: 0,
        subject: "sender-1".to_owned(),
        queue: Some("9f86d081884c7d65".to_owned()),
        seqs: told.iter().map(|told| Some(told.seq)).collect(),
        hash: None,
        logs: Some(ResourceLogs {
            scope_logs: told
                .into_iter()
                .map(|told| {
                    let mut attributes = told.attributes;
                    attributes.extend(told.user.map(|user| text("user.id", user)));
                    attributes.push(text("courier.sender", "sender-1"));
                    attributes.push(text("install.id", "6e9f1f7a-3c1c-4f0e-9a52-0f1c2d3e4f50"));
                    let record = LogRecord {
                        time_unix_nano: told.time,
                        severity_number: told.level,
                        body: text("", told.message).value,
                        attributes,
                        ..LogRecord::default()
                    };
                    ScopeLogs {
                        scope: Some(InstrumentationScope {
                            name: told.logger.to_owned(),
                            ..InstrumentationScope::default()
                        }),
                        log_records: vec![record],
                        ..ScopeLogs::default()
                    }
                })
                .collect(),
            ..ResourceLogs::default()
        }),
    }
}

async fn shelf(dir: &Path, max_records: u64) -> Shelf {
    let limits = Limits {
        max_records,
        ..Limits::default()
    };
    Shelf::open(dir, limits).await.expect("it opens")
}

fn question(query: &str) -> Question {
    Question {
        query: parse(query).unwrap_or_else(|mistake| panic!("{query}: {mistake}")),
        from: 0,
        to: u64::MAX,
        order: Order::Oldest,
        after: None,
        as_of: i64::MAX,
        upto: None,
        beyond: None,
        limit: 100,
    }
}

async fn seqs(reader: &Reader, question: &Question) -> Vec<u64> {
    let answer = reader.look(question).await;
    assert!(answer.unreadable.is_empty() && answer.not_reached.is_empty());
    assert_eq!(answer.damaged_rows, 0);
    answer
        .records
        .iter()
        .filter_map(|found| found.seq)
        .collect()
}

#[tokio::test]
async fn each_word_finds_its_records_and_no_others_in_one_segment_and_in_many() {
    let code = tracing_courier::session::SupportCode::of("6e9f1f7a-3c1c-4f0e-9a52-0f1c2d3e4f50");
    let code = format!("code:{code}");
    let rows: Vec<(&str, &[u64])> = vec![
        ("", &[0, 1, 2, 3, 4, 5]),
        ("user:ada", &[1, 2]),
        ("-user:ada", &[0, 3, 4, 5]),
        ("user:\"o'hara \\\"x\\\"\"", &[5]),
        ("user:sender-1", &[0, 1, 2, 3, 4, 5]),
        ("sender:sender-1 user:bea", &[3, 4]),
        ("sender:ada", &[]),
        ("user:*", &[0, 1, 2, 3, 4, 5]),
        ("has:user", &[1, 2, 3, 4, 5]),
        ("-has:user", &[0]),
        ("level:>=warning", &[2, 3, 5]),
        ("level:warning", &[3]),
        ("level:<error -level:info", &[3]),
        ("logger:http", &[3]),
        ("logger:http*", &[3, 4]),
        ("-logger:app", &[3, 4]),
        ("\"upload failed\"", &[2]),
        ("upload failed", &[2, 5]),
        ("uplo*", &[1, 2, 5]),
        ("\"no answer\"", &[2]),
        ("timeout", &[2]),
        ("has:error", &[2]),
        ("-has:error level:>=error", &[5]),
        ("has:breadcrumbs", &[5]),
        ("@http.status:>=500", &[2]),
        ("@http.status:503", &[2]),
        ("@http.status:<500", &[3]),
        ("-@http.status:503", &[0, 1, 3, 4, 5]),
        ("@http.status:*", &[2, 3]),
        ("@retry.after_s:4", &[2]),
        ("@user:carl", &[3]),
        ("user:carl", &[]),
        ("user:ada OR @http.status:200", &[1, 2, 3]),
        ("-(user:ada OR @http.status:200) level:info", &[0, 4]),
        ("(slow OR upload) -user:bea -@http.status:503", &[1, 5]),
        (
            "install:6e9f1f7a-3c1c-4f0e-9a52-0f1c2d3e4f50 level:fatal",
            &[5],
        ),
        ("session:none", &[]),
        (&code, &[0, 1, 2, 3, 4, 5]),
        ("kind:span", &[]),
        ("\"') OR 1=1 --\"", &[]),
        ("\"* NEAR (\"", &[]),
    ];
    for max_records in [1, 4, 1_000] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut shelf = shelf(dir.path(), max_records).await;
        for (told, frame) in story().into_iter().zip(1..) {
            shelf
                .take(vec![arrival(frame, vec![told])])
                .await
                .expect("taken");
        }
        let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
        for (query, meant) in &rows {
            let mut question = question(query);
            assert_eq!(&seqs(&reader, &question).await, meant, "{query}");
            question.order = Order::Newest;
            let mut newest = seqs(&reader, &question).await;
            newest.reverse();
            assert_eq!(&newest, meant, "{query}, newest first");
        }
    }
}

#[tokio::test]
async fn a_record_is_found_by_its_name_and_comes_out_as_it_went_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = shelf(dir.path(), 1_000).await;
    shelf.take(vec![arrival(1, story())]).await.expect("taken");
    let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
    let answer = reader.look(&question("level:error")).await;
    let [found] = &answer.records[..] else {
        panic!("one record")
    };
    assert_eq!(found.place.time, BEGIN + 2 * SECOND);
    assert_eq!((found.level, found.seq), (17, Some(2)));
    assert_eq!(found.message, "upload failed");
    assert_eq!(found.name(Kind::User), Some("ada"));
    assert_eq!(found.sender(), Some("sender-1"));
    assert_eq!(found.name(Kind::Logger), Some("app::sync"));
    let names: Vec<&str> = found
        .rest
        .attributes
        .iter()
        .map(|pair| pair.key.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "http.status",
            "retry",
            "exception.type",
            "exception.message"
        ]
    );
    let by_name = format!("record:{}", found.record());
    assert_eq!(seqs(&reader, &question(&by_name)).await, [2]);
}

#[tokio::test]
async fn a_range_has_its_beginning_and_not_its_end_to_the_nanosecond() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = shelf(dir.path(), 1_000).await;
    shelf.take(vec![arrival(1, story())]).await.expect("taken");
    let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
    for (from, to, meant) in [
        (BEGIN + SECOND, BEGIN + 3 * SECOND, vec![1, 2]),
        (BEGIN + SECOND + 1, BEGIN + 3 * SECOND + 1, vec![2, 3]),
        (0, BEGIN, vec![]),
        (BEGIN + 6 * SECOND, u64::MAX, vec![]),
    ] {
        for query in ["", "-@none:*"] {
            let question = Question {
                from,
                to,
                ..question(query)
            };
            assert_eq!(seqs(&reader, &question).await, meant, "{from} to {to}");
        }
    }
}

/// Records that come late and in groups of one time, so that pages end in the middle of such a group.
fn crowd(frame: i64) -> Arrival {
    let first = u64::try_from(frame - 1).expect("counted from 1") * 10;
    let told = (first..first + 10).map(|seq| {
        let mut told = told(seq, Some("ada"), 9, "app", "here");
        told.time = BEGIN + (seq * 7_919 % 13) * SECOND;
        told
    });
    let mut arrival = arrival(frame, told.collect());
    arrival.received = BEGIN + u64::try_from(frame).expect("counted from 1") * SECOND;
    arrival
}

#[tokio::test]
async fn pages_meet_in_both_directions_while_records_arrive() {
    for query in ["user:ada", "user:ada -@none:*"] {
        for limit in [1, 3, 7, 50] {
            let dir = tempfile::tempdir().expect("a directory");
            let mut shelf = shelf(dir.path(), 40).await;
            for frame in 1..=10 {
                shelf.take(vec![crowd(frame)]).await.expect("taken");
            }
            let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
            let as_of = i64::try_from(BEGIN / 1_000_000).expect("a time") + 10_000;
            let mut question = Question {
                as_of,
                limit,
                ..question(query)
            };
            let mut frame = 11;
            let mut walks = Vec::new();
            for order in [Order::Oldest, Order::Newest] {
                (question.order, question.after) = (order, None);
                let mut walk: Vec<(Place, u64)> = Vec::new();
                loop {
                    let answer = reader.look(&question).await;
                    assert!(answer.not_reached.is_empty() && answer.unreadable.is_empty());
                    walk.extend(
                        answer
                            .records
                            .iter()
                            .filter_map(|found| Some((found.place, found.seq?))),
                    );
                    question.after = walk.last().map(|(place, _)| *place);
                    // Meanwhile more comes, of the same times.
                    shelf.take(vec![crowd(frame)]).await.expect("taken");
                    frame += 1;
                    if !answer.has_more {
                        break;
                    }
                }
                walks.push(walk);
            }
            let [forwards, backwards] = &mut walks[..] else {
                panic!("two walks")
            };
            assert!(forwards.is_sorted(), "by {limit}");
            backwards.reverse();
            assert_eq!(forwards, backwards, "by {limit}");
            let mut seqs: Vec<u64> = forwards.iter().map(|(_, seq)| *seq).collect();
            seqs.sort_unstable();
            assert_eq!(seqs, (0..100).collect::<Vec<_>>(), "by {limit}");
        }
    }
}

#[tokio::test]
async fn no_more_segments_are_open_than_may_be() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = shelf(dir.path(), 10).await;
    for frame in 1..=30 {
        shelf.take(vec![crowd(frame)]).await.expect("taken");
    }
    let reader = Arc::new(Reader::new(dir.path(), shelf.board(), FOR_EVER));
    let asks = (0..40).map(|_| {
        let reader = Arc::clone(&reader);
        tokio::spawn(async move {
            let answer = reader.look(&question("here")).await;
            (answer.records.len(), answer.has_more, reader.pool.open())
        })
    });
    for ask in asks.collect::<Vec<_>>() {
        let (records, has_more, open) = ask.await.expect("it ends");
        assert_eq!((records, has_more), (100, true));
        assert!(open <= MAX_OPEN, "{open}");
    }
}

#[tokio::test]
async fn a_look_up_ends_at_its_time_limit_and_says_what_it_did_not_reach() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = shelf(dir.path(), 10).await;
    for frame in 1..=5 {
        shelf.take(vec![crowd(frame)]).await.expect("taken");
    }
    let reader = Reader::new(dir.path(), shelf.board(), Duration::ZERO);
    let answer = reader.look(&question("here")).await;
    assert_eq!(answer.not_reached, [1, 2, 3, 4, 5]);
    // SQLite itself is interrupted in the middle of a question that would take minutes.
    let file = files::segment(dir.path(), 1);
    let mut connection = super::super::schema::open_to_read(&file, true)
        .await
        .expect("it opens");
    let deadline = Instant::now() + Duration::from_millis(50);
    connection
        .lock_handle()
        .await
        .expect("a handle")
        .set_progress_handler(crate::index::pool::OPERATIONS, move || {
            Instant::now() < deadline
        });
    let endless =
        "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    let error = sqlx::query(endless).fetch_one(&mut connection).await;
    assert!(is_interrupted(&error.expect_err("interrupted")));
}

#[tokio::test]
async fn a_segment_that_is_damaged_while_the_relay_runs_is_said_and_the_others_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = shelf(dir.path(), 10).await;
    for frame in 1..=5 {
        shelf.take(vec![crowd(frame)]).await.expect("taken");
    }
    std::fs::write(files::segment(dir.path(), 2), [7; 30_000]).expect("written");
    std::fs::remove_file(files::segment(dir.path(), 3)).expect("removed");
    let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
    let mut answer = reader.look(&question("here")).await;
    answer.unreadable.sort_unstable();
    assert_eq!(answer.unreadable, [2, 3]);
    assert_eq!(answer.records.len(), 30);
}

#[tokio::test]
async fn only_the_segments_that_can_answer_are_opened() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = shelf(dir.path(), 1).await;
    for (told, frame) in story().into_iter().zip(1..) {
        shelf
            .take(vec![arrival(frame, vec![told])])
            .await
            .expect("taken");
    }
    let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
    let segments = shelf.board().state().segments.clone();
    for (query, opened) in [
        ("user:ada", vec![2, 3, 6]),
        ("user:nobody", vec![6]),
        ("user:ada OR user:bea", vec![1, 2, 3, 4, 5, 6]),
        ("-user:ada", vec![1, 2, 3, 4, 5, 6]),
    ] {
        let candidates = reader.candidates(&question(query), &segments).await;
        let numbers: Vec<u64> = candidates.into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, opened, "{query}; the open one is always asked");
    }
}

/// A key of the test's own.
fn key() -> crate::stone::Key {
    crate::stone::Key::new(b"a key of 32 bytes, or about that")
}

fn whom(id: &str) -> crate::stone::Whom {
    crate::stone::Whom::new(crate::stone::Kind::User, id, key())
}

#[tokio::test]
async fn a_segment_without_somebody_answers_for_the_others_as_before() {
    for max_records in [1, 2, 1_000] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut shelf = shelf(dir.path(), max_records).await;
        for (told, frame) in story().into_iter().zip(1..) {
            let arrived = shelf.take(vec![arrival(frame, vec![told])]).await;
            arrived.expect("taken");
        }
        let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
        let queries = [
            "",
            "user:bea",
            "uplo*",
            "failed",
            "-has:user",
            "answer",
            "@http.status:*",
        ];
        let mut before = Vec::new();
        for query in queries {
            let answer = reader.look(&question(query)).await;
            let mut records = answer.records;
            records.retain(|found| found.name(Kind::User) != Some("ada"));
            before.push(format!("{records:?}"));
        }
        // The reader has files open that are about to be replaced.
        let erased = shelf.erase(&whom("ada")).await.expect("erased");
        let segments = if max_records == 1_000 {
            1
        } else {
            2.min(max_records + 1)
        };
        assert_eq!(
            (erased.records, erased.segments),
            (2, segments),
            "{max_records}"
        );
        for (query, before) in queries.into_iter().zip(before) {
            let answer = reader.look(&question(query)).await;
            assert!(answer.unreadable.is_empty());
            assert_eq!(
                format!("{:?}", answer.records),
                before,
                "{query} {max_records}"
            );
        }
        assert_eq!(seqs(&reader, &question("user:ada")).await, [0; 0]);
        assert_eq!(
            seqs(&reader, &question("timeout")).await,
            [0; 0],
            "full text"
        );
        assert_eq!(
            shelf.board().state().missing(),
            0,
            "who was erased is not missing"
        );
        // It goes on, and is found again.
        let more = vec![told(6, Some("bea"), 9, "app", "afterwards")];
        shelf.take(vec![arrival(7, more)]).await.expect("taken");
        shelf.close().await.expect("closed");
        let shelf = self::shelf(dir.path(), max_records).await;
        let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
        assert_eq!(seqs(&reader, &question("user:bea")).await, [3, 4, 6]);
        assert_eq!(shelf.board().state().missing(), 0);
    }
}

#[tokio::test]
async fn a_look_up_that_meets_damage_puts_the_segment_aside_and_says_what_is_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = shelf(dir.path(), 2).await;
    for (told, frame) in story().into_iter().zip(1..) {
        let arrived = shelf.take(vec![arrival(frame, vec![told])]).await;
        arrived.expect("taken");
    }
    // The first page stays: the file opens, and only what is asked for is found damaged.
    let file = files::segment(dir.path(), 1);
    let mut bytes = std::fs::read(&file).expect("it is read");
    bytes[8 * 1024..].fill(0x55);
    std::fs::write(&file, bytes).expect("it is written");
    // And another is gone.
    std::fs::remove_file(files::segment(dir.path(), 2)).expect("it was there");
    let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
    let answer = reader.look(&question("level:>=info")).await;
    let found: Vec<_> = answer
        .records
        .iter()
        .filter_map(|found| found.seq)
        .collect();
    assert_eq!(found, [4, 5], "the others answer");
    assert_eq!(answer.unreadable, [1, 2]);
    let board = shelf.board();
    let state = board.state().clone();
    assert_eq!((state.missing(), state.unreadable.len()), (4, 2));
    shelf.put_aside().expect("it is renamed");
    assert!(!file.exists() && dir.path().join("seg-1.db.damaged").exists());
    // Every later answer says so too.
    let answer = reader.look(&question("user:bea")).await;
    assert_eq!((answer.records.len(), answer.unreadable), (1, vec![1, 2]));
    let more = vec![told(6, Some("bea"), 9, "app", "afterwards")];
    shelf.take(vec![arrival(7, more)]).await.expect("taken");
    shelf.close().await.expect("closed");
    let shelf = self::shelf(dir.path(), 2).await;
    let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
    assert_eq!(seqs(&reader, &question("user:bea")).await, [4, 6]);
}

#[tokio::test]
async fn the_segment_that_is_written_may_be_damaged_too_and_what_comes_goes_into_another() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut shelf = shelf(dir.path(), 1_000).await;
    let board = shelf.board();
    for (told, frame) in story().into_iter().zip(1..) {
        if frame == 4 {
            assert!(board.is_damaged(1), "as a look-up says");
            assert!(!board.is_damaged(1), "once");
            shelf.put_aside().expect("it is renamed");
        }
        let arrived = shelf.take(vec![arrival(frame, vec![told])]).await;
        arrived.expect("taken");
    }
    let reader = Reader::new(dir.path(), shelf.board(), FOR_EVER);
    let answer = reader.look(&question("")).await;
    let found: Vec<_> = answer
        .records
        .iter()
        .filter_map(|found| found.seq)
        .collect();
    assert_eq!((found, answer.unreadable), (vec![3, 4, 5], vec![1]));
    assert_eq!(board.state().missing(), 3);
}
