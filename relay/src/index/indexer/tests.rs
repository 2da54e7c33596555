use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ScopeLogs};

use super::super::{Order, Question, Reader};
use super::*;
use crate::search::parse;
use crate::spool::{Frame, Named, Names, Offer, Packed, Verdict, Writer};

fn offer(seqs: std::ops::Range<u64>) -> Offer {
    let seqs: Vec<u64> = seqs.collect();
    let text = |text: &str| {
        Some(AnyValue {
            value: Some(Value::StringValue(text.to_owned())),
        })
    };
    let logs = ResourceLogs {
        scope_logs: vec![ScopeLogs {
            log_records: seqs
                .iter()
                .map(|seq| LogRecord {
                    time_unix_nano: 1_790_000_000_000_000_000 + seq,
                    severity_number: 9,
                    body: text("here"),
                    attributes: vec![KeyValue {
                        key: "user.id".to_owned(),
                        value: text("ada"),
                        ..KeyValue::default()
                    }],
                    ..LogRecord::default()
                })
                .collect(),
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    };
    Offer {
        subject: "ada".to_owned(),
        frame: Some(Frame {
            packed: Packed::new(&logs.encode_to_vec()),
            records: u64::try_from(seqs.len()).expect("few"),
            // Retention goes by the real clock.
            received: u64::try_from(Timestamp::now().as_nanosecond()).expect("a time"),
            names: Names {
                seqs: seqs.iter().copied().map(Some).collect(),
                hash: None,
            },
            ..Frame::default()
        }),
        named: Some(Named {
            queue: "9f86d081884c7d65".to_owned(),
            seqs,
        }),
        hash: None,
    }
}

struct Place {
    dir: tempfile::TempDir,
    spool: Spool,
    writer: Writer,
}

async fn place() -> Place {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = Spool::open(dir.path(), 1 << 20).await.expect("it opens");
    let consumers = vec![Consumer::Index];
    spool.keep_for(consumers).await.expect("kept");
    Place { dir, spool, writer }
}

impl Place {
    async fn indexer(&self, cap: u64) -> Indexer {
        let dir = self.dir.path().join("index");
        let spool = self.spool.clone();
        let opened = Indexer::open(&dir, Limits::default(), spool, cap).await;
        opened.expect("it opens")
    }

    /// Indexes what waits, and closes.
    async fn index(&self) -> Arc<Counts> {
        let indexer = self.indexer(u64::MAX).await;
        let counts = indexer.counts();
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(indexer.run(stopped));
        stop.send_replace(true);
        running.await.expect("it ends");
        counts
    }

    async fn keep(&self, seqs: std::ops::Range<u64>) {
        let kept = self.spool.offer(offer(seqs)).await;
        assert_eq!(kept, Ok(Verdict::Kept));
    }

    async fn seqs(&self) -> Vec<u64> {
        let dir = self.dir.path().join("index");
        let shelf = Shelf::open(&dir, Limits::default())
            .await
            .expect("it opens");
        let reader = Reader::new(&dir, shelf.board(), Duration::from_secs(60));
        let answer = reader
            .look(&Question {
                query: parse("user:ada").expect("a query"),
                from: 0,
                to: u64::MAX,
                order: Order::Oldest,
                after: None,
                as_of: i64::MAX,
                upto: None,
                beyond: None,
                limit: 1_000,
            })
            .await;
        answer
            .records
            .iter()
            .filter_map(|found| found.seq)
            .collect()
    }

    async fn close(self) {
        self.spool.stop().await;
        self.writer.finished().await;
    }
}

#[tokio::test]
async fn what_waits_in_the_spool_is_indexed_once_and_leaves_it() {
    let place = place().await;
    place.keep(0..10).await;
    place.keep(10..12).await;
    let counts = place.index().await;
    assert_eq!(counts.indexed.load(Ordering::Relaxed), 12);
    assert_eq!(place.spool.depth().records, 0);
    place.keep(12..20).await;
    place.index().await;
    assert_eq!(place.seqs().await, (0..20).collect::<Vec<_>>());
    place.close().await;
}

#[tokio::test]
async fn frames_whose_cursor_was_not_written_are_not_indexed_twice() {
    let place = place().await;
    place.keep(0..10).await;
    place.keep(10..20).await;
    // As a kill between the segment's commit and the spool's leaves it.
    let mut indexer = place.indexer(u64::MAX).await;
    let frames = place
        .spool
        .read(Consumer::Index, 1 << 20)
        .await
        .expect("read");
    let arrivals = frames.into_iter().map(arrival).collect();
    indexer.shelf.take(arrivals).await.expect("taken");
    indexer.shelf.close().await.expect("closed");
    place.keep(20..30).await;
    let counts = place.index().await;
    assert_eq!(
        counts.indexed.load(Ordering::Relaxed),
        10,
        "the others were"
    );
    assert_eq!(place.seqs().await, (0..30).collect::<Vec<_>>());
    place.close().await;
}

#[tokio::test]
async fn a_spool_that_was_replaced_is_indexed_from_its_beginning() {
    let old = place().await;
    for first in 0..5 {
        old.keep(first * 10..first * 10 + 10).await;
    }
    old.index().await;
    let new = place().await;
    let index = new.dir.path().join("index");
    std::fs::rename(old.dir.path().join("index"), &index).expect("moved");
    new.keep(100..110).await;
    new.index().await;
    let seqs: Vec<u64> = (0..50).chain(100..110).collect();
    assert_eq!(new.seqs().await, seqs);
    old.close().await;
    new.close().await;
}

#[tokio::test]
async fn an_index_that_cannot_write_skips_past_its_backlog_and_counts() {
    let place = place().await;
    let mut indexer = place.indexer(16_000).await;
    let counts = indexer.counts();
    // Its directory is gone, as a disk that was pulled out.
    let index = place.dir.path().join("index");
    std::fs::remove_dir_all(&index).expect("removed");
    std::fs::write(&index, "in the way").expect("written");
    for n in 0..20 {
        place.keep(n * 10..n * 10 + 10).await;
        let frames = place
            .spool
            .read(Consumer::Index, 1 << 20)
            .await
            .expect("read");
        let waits = place.spool.depth().bytes;
        let went_on = indexer.step(frames).await;
        assert_eq!(went_on, waits > 4_000, "{n}");
        assert!(place.spool.depth().bytes <= 4_000, "never holds the spool");
    }
    let skipped = counts.skipped.load(Ordering::Relaxed);
    let waiting = place.spool.depth().records;
    assert!(counts.is_failing.load(Ordering::Relaxed) && skipped > 0);
    assert_eq!(skipped + waiting, 200);
    // Once it can be written again, it goes on with what waits, and says what is missing.
    std::fs::remove_file(&index).expect("removed");
    drop(indexer);
    place.keep(200..210).await;
    place.index().await;
    let seqs = place.seqs().await;
    assert_eq!(seqs, (skipped..210).collect::<Vec<_>>());
    place.close().await;
}

#[tokio::test]
async fn an_index_that_is_too_slow_skips_the_oldest_before_the_spool_is_full_and_only_where_it_alone_holds_it()
 {
    for (with_export, holds) in [(false, true), (true, false)] {
        let place = place().await;
        if with_export {
            // An upstream that is away holds the spool anyway.
            let both = vec![Consumer::Export, Consumer::Index];
            place.spool.keep_for(both).await.expect("kept");
        }
        let mut n = 0;
        while place.spool.used_bytes() < CAP * 15 / 16 {
            place.keep(n * 500..n * 500 + 500).await;
            n += 1;
        }
        let mut indexer = place.indexer(CAP).await;
        let counts = indexer.counts();
        while let Ok(frames) = place.spool.read(Consumer::Index, CAP / 16).await
            && !frames.is_empty()
        {
            assert!(indexer.step(frames).await);
        }
        let skipped = counts.skipped.load(Ordering::Relaxed);
        let indexed = counts.indexed.load(Ordering::Relaxed);
        assert_eq!(skipped + indexed, n * 500);
        assert_eq!(skipped > 0, holds, "{skipped} of {}", n * 500);
        assert!(skipped < n * 500 / 4, "no more than it must: {skipped}");
        indexer.shelf.close().await.expect("closed");
        place.close().await;
    }
}

const CAP: u64 = 1 << 20;

#[tokio::test]
async fn a_frame_that_is_damaged_is_missing_and_counted_and_the_next_one_is_there() {
    let place = place().await;
    place.keep(0..10).await;
    let mut damaged = offer(10..20);
    if let Some(frame) = &mut damaged.frame {
        frame.packed = Packed::new(b"no message at all");
    }
    assert_eq!(place.spool.offer(damaged).await, Ok(Verdict::Kept));
    place.keep(20..30).await;
    let indexer = place.indexer(u64::MAX).await;
    let board = indexer.board();
    let (stop, stopped) = watch::channel(true);
    indexer.run(stopped).await;
    drop(stop);
    assert_eq!(board.state().missing(), 10);
    assert_eq!(place.spool.damaged_records(), 10);
    let seqs: Vec<u64> = (0..10).chain(20..30).collect();
    assert_eq!(place.seqs().await, seqs);
    place.close().await;
}

/// Sends a batch to a relay, and whether it was accepted.
async fn post(relay: &crate::Relay, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let token = relay.development_token("ada").expect("a token");
    let mut stream = tokio::net::TcpStream::connect(relay.addr())
        .await
        .expect("connected");
    let request = format!(
        "POST /api/v1/logs HTTP/1.1\r\nHost: relay\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

fn config(dir: &Path, index: &str) -> crate::Config {
    let raw = crate::config::RawConfig {
        index: Some(crate::config::Setting::from(index)),
        otlp_endpoint: (index == "on").then(|| crate::config::Setting::from("none")),
        ..crate::config::RawConfig::embedded(dir)
    };
    crate::Config::try_from(raw).expect("settings")
}

const BATCH: &str = r#"{"context": {"queue": "9f86d081884c7d65", "installId": "i", "userId": "ada"},
    "logs": [
        {"q": "0000000000000007-00000001-00000000", "timestamp": "2026-12-01T10:00:00Z", "level": "info", "logger": "a", "message": "one"},
        {"q": "0000000000000008-00000001-00000000", "timestamp": "2026-12-01T10:00:01Z", "level": "error", "logger": "b", "message": "two"},
        {"q": "0000000000000009-00000001-00000000", "timestamp": "2026-12-01T10:00:02Z", "level": "info", "logger": "a", "message": "three"},
        {"timestamp": "2026-12-01T10:00:03Z", "level": "info", "logger": "b", "message": "without a name"}]}"#;

#[tokio::test]
async fn a_relay_with_an_index_finds_what_it_accepted_by_its_seq_and_keeps_nothing_waiting() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = crate::start(config(dir.path(), "on"))
        .await
        .expect("it starts");
    let answer = post(&relay, BATCH).await;
    assert!(answer.contains("\"accepted\":4"), "{answer}");
    relay.stop().await;
    let index = dir.path().join("index");
    let shelf = Shelf::open(&index, Limits::default())
        .await
        .expect("it opens");
    let reader = Reader::new(&index, shelf.board(), Duration::from_secs(60));
    let question = Question {
        query: parse("user:ada install:i").expect("a query"),
        from: 0,
        to: u64::MAX,
        order: Order::Oldest,
        after: None,
        as_of: i64::MAX,
        upto: None,
        beyond: None,
        limit: 10,
    };
    let answer = reader.look(&question).await;
    let found = answer.records.iter();
    let found = found.map(|found| (found.message.as_str(), found.seq));
    // Mapped by logger, and still each with its own.
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            ("one", Some(7)),
            ("two", Some(8)),
            ("three", Some(9)),
            ("without a name", None)
        ]
    );
    let (spool, writer) = Spool::open(dir.path(), 1 << 20).await.expect("it opens");
    assert_eq!(spool.depth().records, 0, "index-only use fills no spool");
    assert_eq!(spool.cursor(Consumer::Export), None);
    spool.stop().await;
    writer.finished().await;
}

#[tokio::test]
async fn without_an_index_nothing_is_made_and_nothing_waits_for_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = crate::start(config(dir.path(), "off"))
        .await
        .expect("it starts");
    let answer = post(&relay, BATCH).await;
    assert!(answer.contains("\"accepted\":4"), "{answer}");
    relay.stop().await;
    assert!(!dir.path().join("index").exists());
    let (spool, writer) = Spool::open(dir.path(), 1 << 20).await.expect("it opens");
    assert_eq!(
        spool.depths().len(),
        1,
        "for an upstream that is still to be set"
    );
    spool.stop().await;
    writer.finished().await;
}

#[tokio::test]
async fn an_index_that_cannot_be_opened_costs_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("index"), "in the way").expect("written");
    let relay = crate::start(config(dir.path(), "on"))
        .await
        .expect("it starts");
    let answer = post(&relay, BATCH).await;
    assert!(answer.contains("\"accepted\":4"), "{answer}");
    relay.stop().await;
}
