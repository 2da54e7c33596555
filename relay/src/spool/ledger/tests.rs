use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::Connection;

use super::super::{Frame, Named, Names, Offer, Packed, Spool, Traits, Verdict, Writer, schema};

/// A frame of `seqs` of the queue `q`.
fn offer(seqs: impl IntoIterator<Item = u64>) -> Offer {
    let seqs: Vec<u64> = seqs.into_iter().collect();
    Offer {
        subject: "s".to_owned(),
        frame: Some(Frame {
            packed: Packed::new(b"x"),
            records: seqs.len() as u64,
            received: 5,
            oldest: 1,
            newest: 9,
            traits: Traits::default(),
            names: Names::default(),
        }),
        named: Some(Named {
            queue: "q".to_owned(),
            seqs,
        }),
        hash: None,
    }
}

async fn open(dir: &Path) -> (Spool, Writer) {
    Spool::open(dir, 1 << 30).await.expect("it opens")
}

async fn close(spool: Spool, writer: Writer) {
    spool.stop().await;
    writer.finished().await;
}

/// What a statement on the closed database counts.
async fn count(dir: &Path, statement: &'static str) -> i64 {
    let mut connection = schema::open(dir).await.expect("it opens");
    let counted = sqlx::query_scalar(statement)
        .fetch_one(&mut connection)
        .await;
    connection.close().await.expect("it closes");
    counted.expect("it counts")
}

/// Leaves the ranges `2, 4, 6 …`, as a relay without a cap has left them.
async fn sparse(dir: &Path, ranges: u64) {
    let mut connection = schema::open(dir).await.expect("it opens");
    let minimum = i64::MIN;
    for statement in [
        format!(
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {ranges}) \
             INSERT INTO accepted SELECT 's', 'q', {minimum} + 2 * i, {minimum} + 2 * i FROM n"
        ),
        "INSERT OR REPLACE INTO queue SELECT subject, queue, unixepoch() / 3600, count(*), 0 FROM accepted GROUP BY 1, 2".to_owned(),
    ] {
        // An older format has no table of queues.
        let _ = sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await;
    }
    connection.close().await.expect("it closes");
}

#[tokio::test]
async fn a_queue_of_every_other_seq_has_ten_thousand_ranges_at_most_and_its_lowest_gaps_are_closed()
{
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    for thousand in 0..11 {
        let seqs = (1..=1000).map(|n| 2 * (1000 * thousand + n));
        assert_eq!(spool.offer(offer(seqs)).await, Ok(Verdict::Kept));
    }
    let known = |seqs: &[u64]| Verdict::Known {
        seqs: seqs.to_vec(),
        hash: false,
    };
    let in_closed = [3, 1001, 1999];
    let verdict = spool.offer(offer(in_closed)).await;
    assert_eq!(verdict, Ok(known(&in_closed)), "their gaps are closed");
    let verdict = spool.offer(offer([2003, 20_001])).await;
    assert_eq!(verdict, Ok(Verdict::Kept), "these are open");
    let verdict = spool.offer(offer([1, 2003, 22_000, 22_001])).await;
    assert_eq!(verdict, Ok(known(&[2003, 22_000])));
    close(spool, writer).await;
    let ranges = count(dir.path(), "SELECT count(*) FROM accepted").await;
    assert!(ranges <= 10_000, "{ranges} ranges");
}

#[tokio::test]
async fn a_request_costs_by_what_it_has_and_not_by_what_it_spans() {
    let dir = tempfile::tempdir().expect("a directory");
    sparse(dir.path(), 30_000).await;
    let (spool, writer) = open(dir.path()).await;
    let started = Instant::now();
    let verdict = spool.offer(offer([1, 60_001])).await;
    let took = started.elapsed();
    assert_eq!(verdict, Ok(Verdict::Kept));
    // Without optimization and beside others; the figure is in `tests/crowd`.
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    close(spool, writer).await;
}

#[tokio::test]
async fn a_queue_that_was_silent_for_400_days_is_forgotten_in_steps_and_one_that_was_heard_is_not()
{
    let dir = tempfile::tempdir().expect("a directory");
    sparse(dir.path(), 9_000).await;
    let (spool, writer) = open(dir.path()).await;
    let mut other = offer([1, 2]);
    other.subject = "t".to_owned();
    assert_eq!(spool.offer(other.clone()).await, Ok(Verdict::Kept));
    close(spool, writer).await;
    let mut connection = schema::open(dir.path()).await.expect("it opens");
    sqlx::query("UPDATE queue SET heard = heard - 401 * 24 WHERE subject = 's'")
        .execute(&mut connection)
        .await
        .expect("it is long ago");
    connection.close().await.expect("it closes");

    let (spool, writer) = open(dir.path()).await;
    let until = Instant::now() + Duration::from_secs(20);
    while spool.ledger().ranges > 1 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let size = spool.ledger();
    assert_eq!((size.queues, size.ranges), (1, 1));
    assert_eq!(size.queues_forgotten, 1);
    assert_eq!(
        spool.offer(offer([2, 4])).await,
        Ok(Verdict::Kept),
        "forgotten"
    );
    let known = Verdict::Known {
        seqs: vec![1, 2],
        hash: false,
    };
    assert_eq!(spool.offer(other).await, Ok(known), "heard of late");
    close(spool, writer).await;
    assert_eq!(count(dir.path(), "SELECT count(*) FROM accepted").await, 3);
}

#[tokio::test]
async fn the_ledger_has_a_quarter_of_the_cap_and_then_the_queue_that_was_silent_longest_is_forgotten()
 {
    let dir = tempfile::tempdir().expect("a directory");
    sparse(dir.path(), 500).await;
    let (spool, writer) = open(dir.path()).await;
    close(spool, writer).await;
    // 500 ranges of 34 bytes are 17,000.
    let (spool, writer) = Spool::open(dir.path(), 40_000).await.expect("it opens");
    let until = Instant::now() + Duration::from_secs(20);
    while spool.ledger().ranges > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((spool.ledger().queues, spool.ledger().ranges), (0, 0));
    close(spool, writer).await;
}

#[tokio::test]
async fn queues_are_counted_by_subject_and_name_also_after_a_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    let of = |subject: &str, queue: &str, seqs: [u64; 2]| {
        let mut offer = offer(seqs);
        offer.subject = subject.to_owned();
        if let Some(named) = &mut offer.named {
            named.queue = queue.to_owned();
        }
        offer
    };
    for next in [
        of("s", "q", [1, 2]),
        of("s", "r", [1, 2]),
        of("t", "q", [1, 2]),
        of("s", "q", [3, 4]),
        of("s", "q", [8, 10]),
    ] {
        assert_eq!(spool.offer(next).await, Ok(Verdict::Kept));
    }
    let size = spool.ledger();
    assert_eq!((size.queues, size.ranges), (3, 5));
    close(spool, writer).await;
    let (spool, writer) = open(dir.path()).await;
    assert_eq!(spool.ledger().queues, 3);
    close(spool, writer).await;
}

#[tokio::test]
async fn the_last_seqs_of_all_are_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    let seqs = [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX - 2, u64::MAX];
    assert_eq!(spool.offer(offer(seqs)).await, Ok(Verdict::Kept));
    let known = Verdict::Known {
        seqs: seqs.to_vec(),
        hash: false,
    };
    assert_eq!(spool.offer(offer(seqs)).await, Ok(known));
    assert_eq!(spool.offer(offer([u64::MAX - 1])).await, Ok(Verdict::Kept));
    assert_eq!(spool.ledger().ranges, 3);
    close(spool, writer).await;
}

#[tokio::test]
async fn a_ledger_that_was_mended_has_its_ranges_and_counts_no_closed_gap_as_a_lost_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    for thousand in 0..11 {
        let seqs = (1..=1000).map(|n| 2 * (1000 * thousand + n));
        assert_eq!(spool.offer(offer(seqs)).await, Ok(Verdict::Kept));
    }
    let before = spool.ledger().ranges;
    close(spool, writer).await;
    let file = dir.path().join("relay.db");
    let mut damaged = std::fs::read(&file).expect("it is there");
    damaged.iter_mut().take(700).for_each(|byte| *byte = !*byte);
    std::fs::write(&file, damaged).expect("its first page is garbled");

    let (spool, writer) = open(dir.path()).await;
    assert_eq!((spool.ledger().ranges, before), (10_000, 10_000));
    assert_eq!(spool.damaged_records(), 0);
    let known = Verdict::Known {
        seqs: vec![3],
        hash: false,
    };
    let verdict = spool.offer(offer([3, 20_001])).await;
    assert_eq!(verdict, Ok(known), "closed before, and since");
    close(spool, writer).await;
    assert_eq!(count(dir.path(), "SELECT closed FROM queue").await, 1000);
}
