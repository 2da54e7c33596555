use std::path::Path;

use sqlx::Connection;

use super::consumer::Depth;
use super::*;

fn frame(text: &str) -> Frame {
    Frame {
        packed: Packed::new(text.as_bytes()),
        records: 2,
        received: 5,
        oldest: 1,
        newest: 9,
        traits: Traits::default(),
        names: Names::default(),
    }
}

fn offer(text: &str, seqs: &[u64]) -> Offer {
    let named = Named {
        queue: "q".to_owned(),
        seqs: seqs.to_vec(),
    };
    Offer {
        subject: "s".to_owned(),
        frame: Some(frame(text)),
        named: Some(named),
        hash: None,
    }
}

async fn open(dir: &Path) -> (Spool, Writer) {
    Spool::open(dir, 1000).await.expect("the spool opens")
}

async fn close(spool: Spool, writer: Writer) {
    spool.stop().await;
    writer.finished().await;
}

async fn bodies(spool: &Spool) -> Vec<String> {
    waiting(spool, Consumer::Export).await
}

async fn waiting(spool: &Spool, consumer: Consumer) -> Vec<String> {
    let frames = spool
        .read(consumer, 1 << 30)
        .await
        .expect("the spool reads");
    frames.iter().map(text).collect()
}

fn text(pending: &Pending) -> String {
    let text = pending.frame.packed.unpack().unwrap_or_default();
    String::from_utf8(text).expect("text")
}

fn behind(pending: &Pending) -> Cursor {
    Cursor {
        frame: pending.id,
        done: 0,
        at: pending.to,
    }
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart_and_known() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    assert_eq!(spool.offer(offer("one", &[1, 2])).await, Ok(Verdict::Kept));
    assert_eq!(spool.offer(offer("two", &[3, 5])).await, Ok(Verdict::Kept));
    close(spool, writer).await;

    let (spool, writer) = open(dir.path()).await;
    assert_eq!(bodies(&spool).await, ["one", "two"]);
    assert_eq!(
        spool.depth(),
        Depth {
            records: 4,
            bytes: 10
        },
        "two bytes before each are the field's key and length"
    );
    let known = Verdict::Known {
        seqs: vec![2, 3, 5],
        hash: false,
    };
    assert_eq!(
        spool.offer(offer("three", &[0, 2, 3, 4, 5, 6])).await,
        Ok(known)
    );
    assert_eq!(
        spool.offer(offer("three", &[0, 4, 6])).await,
        Ok(Verdict::Kept)
    );
    let all = Verdict::Known {
        seqs: (0..=6).collect(),
        hash: false,
    };
    assert_eq!(
        spool.look(offer("", &[0, 1, 2, 3, 4, 5, 6, 7])).await,
        Ok(all)
    );
    close(spool, writer).await;
}

#[tokio::test]
async fn batches_that_follow_each_other_are_one_range_and_known_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    for first in [0, 3, 6, 9] {
        let seqs: Vec<u64> = (first..first + 3).collect();
        assert_eq!(spool.offer(offer("x", &seqs)).await, Ok(Verdict::Kept));
        let known = Verdict::Known {
            seqs: seqs.clone(),
            hash: false,
        };
        assert_eq!(spool.offer(offer("x", &seqs)).await, Ok(known));
    }
    close(spool, writer).await;
    let (spool, writer) = open(dir.path()).await;
    let known = Verdict::Known {
        seqs: (0..12).collect(),
        hash: false,
    };
    let all: Vec<u64> = (0..13).collect();
    assert_eq!(spool.look(offer("", &all)).await, Ok(known));
    close(spool, writer).await;
    let mut connection = schema::open(dir.path()).await.expect("it opens");
    let ranges: i64 = sqlx::query_scalar("SELECT count(*) FROM accepted")
        .fetch_one(&mut connection)
        .await
        .expect("it counts");
    assert_eq!(ranges, 1);
}

#[tokio::test]
async fn offers_of_one_transaction_are_kept_in_order_and_know_of_each_other() {
    // As many as one, two or four statements take, and sums of those.
    for offers in 1..=11 {
        let dir = tempfile::tempdir().expect("a directory");
        let (spool, writer) = open(dir.path()).await;
        assert_eq!(spool.offer(offer("first", &[0])).await, Ok(Verdict::Kept));
        let asked: Vec<_> = (1..=offers)
            .chain([offers])
            .map(|seq| {
                let (spool, offer) = (spool.clone(), offer(&seq.to_string(), &[seq]));
                tokio::spawn(async move { spool.offer(offer).await })
            })
            .collect();
        let mut verdicts = Vec::new();
        for asked in asked {
            verdicts.push(asked.await.expect("it answers").expect("it writes"));
        }
        let again = Verdict::Known {
            seqs: vec![offers],
            hash: false,
        };
        assert_eq!(verdicts.pop(), Some(again), "of {offers}");
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Kept));
        close(spool, writer).await;

        let (spool, writer) = open(dir.path()).await;
        let kept: Vec<String> = (1..=offers).map(|seq| seq.to_string()).collect();
        assert_eq!(bodies(&spool).await.split_off(1), kept);
        let known = Verdict::Known {
            seqs: (0..=offers).collect(),
            hash: false,
        };
        let all: Vec<u64> = (0..=offers + 1).collect();
        assert_eq!(spool.look(offer("", &all)).await, Ok(known));
        close(spool, writer).await;
    }
}

#[tokio::test]
async fn another_subject_or_queue_knows_nothing_of_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    assert_eq!(spool.offer(offer("one", &[1])).await, Ok(Verdict::Kept));
    let mut stolen = offer("two", &[1]);
    stolen.subject = "thief".to_owned();
    assert_eq!(spool.offer(stolen).await, Ok(Verdict::Kept));
    let mut other = offer("three", &[1]);
    other.named = Some(Named {
        queue: "r".to_owned(),
        seqs: vec![1],
    });
    assert_eq!(spool.offer(other).await, Ok(Verdict::Kept));
    close(spool, writer).await;
}

#[tokio::test]
async fn a_hash_stands_for_the_name_of_what_has_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    let unnamed = Offer {
        hash: Some([7; 32]),
        named: None,
        ..offer("one", &[])
    };
    assert_eq!(spool.offer(unnamed.clone()).await, Ok(Verdict::Kept));
    assert_eq!(
        spool.offer(unnamed).await,
        Ok(Verdict::Known {
            seqs: vec![],
            hash: true
        })
    );
    close(spool, writer).await;
}

#[tokio::test]
async fn frames_leave_in_order_and_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    for (seq, text) in ["one", "two", "three"].into_iter().enumerate() {
        assert_eq!(
            spool.offer(offer(text, &[seq as u64])).await,
            Ok(Verdict::Kept)
        );
    }
    let frames = spool
        .read(Consumer::Export, 10)
        .await
        .expect("the spool reads");
    assert_eq!(
        frames.len(),
        2,
        "five more bytes than ten are a third frame"
    );
    let first = spool
        .read(Consumer::Export, 1)
        .await
        .expect("the spool reads");
    assert_eq!(first.len(), 1, "the first always comes");

    let letter = DeadLetter {
        of: Consumer::Export,
        reason: "bad".to_owned(),
        body: vec![1],
    };
    let to = Cursor {
        done: 1,
        ..behind(&frames[0])
    };
    assert_eq!(
        spool.advance(Consumer::Export, to, vec![letter]).await,
        Ok(())
    );
    assert_eq!(
        spool.depth(),
        Depth {
            records: 3,
            bytes: 12
        }
    );
    close(spool, writer).await;

    let (spool, writer) = open(dir.path()).await;
    assert_eq!(
        (spool.cursor(Consumer::Export), spool.dead_letters()),
        (Some(to), 1)
    );
    assert_eq!(bodies(&spool).await, ["two", "three"]);
    let all = spool.read(Consumer::Export, 1000).await.expect("it reads");
    let end = behind(all.last().expect("a frame"));
    assert_eq!(spool.advance(Consumer::Export, end, vec![]).await, Ok(()));
    assert_eq!(spool.depth(), Depth::default());
    close(spool, writer).await;

    let (spool, writer) = open(dir.path()).await;
    assert_eq!(spool.offer(offer("four", &[9])).await, Ok(Verdict::Kept));
    let frames = spool
        .read(Consumer::Export, 1)
        .await
        .expect("the spool reads");
    assert!(frames[0].id > end.frame, "a number is never used twice");
    assert_eq!(
        spool.depth(),
        Depth {
            records: 2,
            bytes: 6
        }
    );
    close(spool, writer).await;
}

#[tokio::test]
async fn each_consumer_has_every_frame_at_its_own_pace_and_the_last_one_deletes() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    assert_eq!(spool.offer(offer("one", &[1])).await, Ok(Verdict::Kept));
    let both = vec![Consumer::Export, Consumer::File];
    assert_eq!(spool.keep_for(both.clone()).await, Ok(()));
    assert_eq!(spool.offer(offer("two", &[2])).await, Ok(Verdict::Kept));
    assert_eq!(
        waiting(&spool, Consumer::File).await,
        ["one", "two"],
        "a new one begins with what is there"
    );

    let frames = spool.read(Consumer::Export, 1000).await.expect("it reads");
    assert_eq!(
        spool
            .advance(Consumer::Export, behind(&frames[1]), vec![])
            .await,
        Ok(())
    );
    assert!(bodies(&spool).await.is_empty());
    assert_eq!(spool.depth().records, 4, "the file has not had them");
    close(spool, writer).await;

    let (spool, writer) = open(dir.path()).await;
    assert_eq!(waiting(&spool, Consumer::File).await, ["one", "two"]);
    assert_eq!(
        spool
            .advance(Consumer::File, behind(&frames[0]), vec![])
            .await,
        Ok(())
    );
    assert_eq!(waiting(&spool, Consumer::File).await, ["two"]);
    assert_eq!(spool.keep_for(vec![Consumer::Export]).await, Ok(()));
    assert_eq!(
        spool.depth(),
        Depth::default(),
        "nobody waits for the rest any more"
    );
    assert_eq!(spool.cursor(Consumer::File), None);
    close(spool, writer).await;
}

#[tokio::test]
async fn a_dead_letter_comes_back_to_the_consumer_that_put_it_aside() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    let both = vec![Consumer::Export, Consumer::File];
    assert_eq!(spool.keep_for(both).await, Ok(()));
    let letter = DeadLetter {
        of: Consumer::Export,
        reason: "bad".to_owned(),
        body: b"letter".to_vec(),
    };
    let here = spool.cursor(Consumer::Export).expect("it has one");
    assert_eq!(
        spool.advance(Consumer::Export, here, vec![letter]).await,
        Ok(())
    );
    assert_eq!(spool.replay(vec![]).await, Ok(1));
    assert_eq!(bodies(&spool).await, ["letter"]);
    assert_eq!(
        waiting(&spool, Consumer::File).await,
        [""],
        "a place without a record"
    );
    close(spool, writer).await;
}

#[tokio::test]
async fn a_database_of_the_first_format_is_brought_up_and_its_frames_go_out() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stored/format-1.db"),
        dir.path().join("relay.db"),
    )
    .expect("it is copied");
    let (spool, writer) = Spool::open(dir.path(), 1 << 20).await.expect("it opens");
    assert_eq!(bodies(&spool).await, ["one", "two"]);
    let known = spool.look(offer("", &[1, 2, 3, 4, 5])).await;
    let seqs = vec![1, 2, 3, 4];
    assert_eq!(known, Ok(Verdict::Known { seqs, hash: false }));
    close(spool, writer).await;
}

#[tokio::test]
async fn a_full_spool_refuses_and_keeps_neither_frame_nor_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    assert_eq!(
        spool.offer(offer(&"x".repeat(953), &[1])).await,
        Ok(Verdict::Kept),
        "3 bytes before it, and 34 for its name in the ledger"
    );
    assert_eq!(
        spool.offer(offer(&"x".repeat(9), &[2])).await,
        Err(OfferError::Full)
    );
    assert_eq!(
        spool.offer(offer(&"x".repeat(8), &[2])).await,
        Ok(Verdict::Kept)
    );
    close(spool, writer).await;
}

#[tokio::test]
async fn a_second_relay_on_the_directory_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let held = lock(dir.path()).expect("the first has it");
    assert!(matches!(lock(dir.path()), Err(OpenError::InUse { .. })));
    drop(held);
    assert!(lock(dir.path()).is_ok());
}

#[tokio::test]
async fn a_newer_database_and_a_file_that_is_none_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    close(spool, writer).await;
    let mut connection = schema::open(dir.path()).await.expect("the database opens");
    sqlx::query("PRAGMA user_version = 99")
        .execute(&mut connection)
        .await
        .expect("the version is set");
    connection.close().await.expect("it closes");
    assert!(matches!(
        Spool::open(dir.path(), 1).await,
        Err(OpenError::Newer { found: 99, .. })
    ));

    let other = tempfile::tempdir().expect("a directory");
    std::fs::write(
        other.path().join("relay.db"),
        "this is no database, and long enough to be looked at".repeat(99),
    )
    .expect("the file is written");
    assert!(matches!(
        Spool::open(other.path(), 1).await,
        Err(OpenError::Beyond { .. })
    ));
}

#[tokio::test]
async fn many_offers_at_once_are_each_kept_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = Spool::open(dir.path(), 1 << 20)
        .await
        .expect("the spool opens");
    let tasks: Vec<_> = (0..200u64)
        .map(|n| {
            let spool = spool.clone();
            // Every name is offered twice, at the same time.
            tokio::spawn(async move { spool.offer(offer(&format!("{}", n / 2), &[n / 2])).await })
        })
        .collect();
    let mut kept = 0;
    for task in tasks {
        kept += usize::from(task.await.expect("it ends") == Ok(Verdict::Kept));
    }
    assert_eq!((kept, bodies(&spool).await.len()), (100, 100));
    close(spool, writer).await;
}

/// A spool with 60 frames of two records in one file.
async fn stored(dir: &Path) -> Vec<u8> {
    let (spool, writer) = Spool::open(dir, 1 << 24).await.expect("it opens");
    for n in 0..60u64 {
        // What hardly compresses, so that the frames take pages of their own.
        let mut state = n + 1;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'!' + (state % 89) as u8)
        };
        let noise: String = (0..9_000).map(|_| noise()).collect();
        assert_eq!(
            spool
                .offer(offer(&format!("{n:03} {noise}"), &[2 * n, 2 * n + 1]))
                .await,
            Ok(Verdict::Kept)
        );
    }
    close(spool, writer).await;
    std::fs::read(dir.join("relay.db")).expect("all is in one file")
}

/// Everything that comes out of `file`, and how many records are said to be lost; `None` when it is refused.
async fn drained(dir: &Path, file: &[u8]) -> Option<(Vec<String>, u64)> {
    for name in ["", "-wal", "-shm", ".damaged", ".damaged-wal"] {
        let _ = std::fs::remove_file(dir.join(format!("relay.db{name}")));
    }
    std::fs::write(dir.join("relay.db"), file).expect("it is written");
    let (spool, writer) = Spool::open(dir, 1 << 24).await.ok()?;
    let mut came = Vec::new();
    loop {
        let frames = spool
            .read(Consumer::Export, 50_000)
            .await
            .expect("it goes on");
        let Some(last) = frames.last() else { break };
        came.extend(
            frames
                .iter()
                .filter(|pending| pending.frame.records > 0)
                .map(text),
        );
        let to = behind(last);
        // A write may be what finds the damage: then the spool is mended, and the exporter asks again.
        let mut tries = 0;
        while spool.advance(Consumer::Export, to, vec![]).await.is_err() {
            tries += 1;
            assert!(tries < 3, "it goes on");
        }
    }
    // It takes records again, too; when the write is what finds the damage, the client's next try.
    let mut tries = 0;
    while spool.offer(offer("new", &[u64::MAX])).await != Ok(Verdict::Kept) {
        tries += 1;
        assert!(tries < 3, "it goes on");
    }
    let lost = spool.damaged_records();
    close(spool, writer).await;
    Some((came, lost))
}

fn is_in_order(came: &[String]) -> bool {
    came.windows(2).all(|pair| pair[0][..3] < pair[1][..3])
}

#[tokio::test]
async fn garbled_at_any_place_everything_whole_goes_out_and_the_loss_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = stored(dir.path()).await;
    let pages = whole.len() / 16_384;
    // Every page in turn: a frame's, the tree's, the names', the file's first.
    for page in 0..pages {
        let mut garbled = whole.clone();
        for byte in garbled.iter_mut().skip(page * 16_384).take(700) {
            *byte = byte.wrapping_mul(31).wrapping_add(7);
        }
        let Some((came, lost)) = drained(dir.path(), &garbled).await else {
            panic!("page {page} of {pages}: it does not open");
        };
        assert!(is_in_order(&came), "page {page}: each once, in order");
        assert_eq!(
            2 * came.len() as u64 + lost,
            120,
            "page {page} of {pages}: {} came",
            came.len()
        );
        assert!(
            came.len() >= 56,
            "page {page}: only {} of 60 came",
            came.len()
        );
    }
}

#[tokio::test]
async fn cut_off_anywhere_everything_whole_goes_out_and_the_loss_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = stored(dir.path()).await;
    // Tables begin with a page each; what is cut before them is no spool any more.
    for part in 5..24 {
        let end = whole.len() * part / 24 + part * 37;
        let Some((came, lost)) = drained(dir.path(), &whole[..end]).await else {
            panic!("cut at {end} of {}: it does not open", whole.len());
        };
        let frames = came.len() as u64;
        assert!(is_in_order(&came), "cut at {end}: each once, in order");
        // The names are in one of the first pages: they say how many there were.
        assert_eq!(2 * frames + lost, 120, "cut at {end}: {frames} frames came");
        assert!(
            frames + 4 >= 60 * (part as u64 - 5) / 24,
            "cut at {end}: only {frames} came"
        );
    }
    assert!(
        drained(dir.path(), &whole[..5000]).await.is_none(),
        "nothing is left: refused, not begun anew"
    );
    assert_eq!(
        std::fs::read(dir.path().join("relay.db"))
            .expect("it is there")
            .len(),
        5000
    );
}

#[tokio::test]
async fn a_garbled_log_costs_what_is_garbled_and_not_what_is_behind_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = Spool::open(dir.path(), 1 << 24).await.expect("it opens");
    for n in 0..30u64 {
        assert_eq!(
            spool
                .offer(offer(
                    &format!("{n:03} {}", "x".repeat(3000)),
                    &[2 * n, 2 * n + 1]
                ))
                .await,
            Ok(Verdict::Kept)
        );
    }
    // As a kill leaves it.
    let copy = |name: &str| std::fs::read(dir.path().join(name)).expect("it is read");
    let (file, log) = (copy("relay.db"), copy("relay.db-wal"));
    close(spool, writer).await;
    for part in 0..20 {
        let other = tempfile::tempdir().expect("a directory");
        let mut garbled = log.clone();
        let at = log.len() * part / 20;
        garbled
            .iter_mut()
            .skip(at)
            .take(400)
            .for_each(|byte| *byte = !*byte);
        std::fs::write(other.path().join("relay.db"), &file).expect("it is written");
        std::fs::write(other.path().join("relay.db-wal"), garbled).expect("it is written");
        let (spool, writer) = Spool::open(other.path(), 1 << 24).await.expect("it opens");
        let came = bodies(&spool).await;
        assert!(is_in_order(&came), "garbled at {at}");
        // The last commit may also have been under way when power failed: then nobody was answered.
        let accounted = 2 * came.len() as u64 + spool.damaged_records();
        assert!(
            accounted == 60 || part == 19 && accounted == 58,
            "garbled at {at}: {accounted} of 60"
        );
        assert!(came.len() >= 29, "garbled at {at}: {} came", came.len());
        close(spool, writer).await;
    }
}

#[tokio::test]
async fn killed_while_it_puts_a_mended_database_in_its_place_the_next_start_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let mended = stored(dir.path()).await;
    std::fs::write(dir.path().join("relay.db"), b"damaged").expect("it is written");
    std::fs::write(dir.path().join("relay.db.mended"), mended).expect("it is written");
    let (spool, writer) = Spool::open(dir.path(), 1 << 24).await.expect("it opens");
    assert_eq!(bodies(&spool).await.len(), 60);
    assert_eq!(
        std::fs::read(dir.path().join("relay.db.damaged")).expect("it is aside"),
        b"damaged"
    );
    close(spool, writer).await;
}

#[tokio::test]
async fn a_log_that_vanished_after_a_kill_is_noticed_and_no_other_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    assert_eq!(spool.offer(offer("one", &[1])).await, Ok(Verdict::Kept));
    assert!(!spool.writes().is_log_lost, "a first start");
    // As a kill leaves it.
    let other = tempfile::tempdir().expect("a directory");
    for name in ["relay.db", "relay.db-wal", "relay.running"] {
        std::fs::copy(dir.path().join(name), other.path().join(name)).expect("it is copied");
    }
    close(spool, writer).await;
    for _ in 0..2 {
        let (spool, writer) = open(dir.path()).await;
        assert!(!spool.writes().is_log_lost, "it ended cleanly");
        close(spool, writer).await;
    }
    let third = tempfile::tempdir().expect("a directory");
    for name in ["relay.db", "relay.running"] {
        std::fs::copy(other.path().join(name), third.path().join(name)).expect("it is copied");
    }
    for (dir, is_lost) in [(other.path(), false), (third.path(), true)] {
        let (spool, writer) = open(dir).await;
        assert_eq!(spool.writes().is_log_lost, is_lost, "killed");
        assert_eq!(spool.offer(offer("two", &[2])).await, Ok(Verdict::Kept));
        close(spool, writer).await;
    }
}

#[tokio::test]
async fn a_write_that_failed_is_counted_and_raises_the_alarm_until_one_succeeds() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    let mut other = schema::open(dir.path()).await.expect("it opens");
    let mut rename = async |statement: &'static str| {
        let renamed = sqlx::query(statement).execute(&mut other).await;
        renamed.expect("it is renamed");
    };
    rename("ALTER TABLE frame RENAME TO away").await;
    let failed = spool.offer(offer("one", &[1])).await;
    assert!(matches!(failed, Err(OfferError::Away(_))), "{failed:?}");
    let writes = spool.writes();
    assert_eq!((writes.failed, writes.is_failing), (1, true));
    rename("ALTER TABLE away RENAME TO frame").await;
    assert_eq!(spool.offer(offer("one", &[1])).await, Ok(Verdict::Kept));
    let writes = spool.writes();
    assert_eq!((writes.failed, writes.is_failing), (1, false));
    close(spool, writer).await;
}

#[tokio::test]
async fn what_records_are_called_is_kept_in_their_order_also_by_a_database_that_was_mended() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    let names = Names {
        seqs: vec![Some(7), None, Some(3)],
        hash: Some([9; 32]),
    };
    let mut first = offer("one", &[3, 7]);
    first.hash = names.hash;
    if let Some(frame) = &mut first.frame {
        (frame.records, frame.names) = (3, names.clone());
    }
    assert_eq!(spool.offer(first).await, Ok(Verdict::Kept));
    // This one is written with others, by another statement.
    let mut second = offer("two", &[8]);
    if let Some(frame) = &mut second.frame {
        (frame.records, frame.names.seqs) = (1, vec![Some(8)]);
    }
    assert_eq!(spool.offer(second).await, Ok(Verdict::Kept));
    let called = async |spool: &Spool| {
        let frames = spool.read(Consumer::Export, 1 << 30).await;
        let frames = frames.expect("the spool reads").into_iter();
        let called = frames.map(|pending| (pending.subject, pending.queue, pending.frame.names));
        called.collect::<Vec<_>>()
    };
    let of = |names| ("s".to_owned(), Some("q".to_owned()), names);
    let expected = [
        of(names),
        of(Names {
            seqs: vec![Some(8)],
            hash: None,
        }),
    ];
    assert_eq!(called(&spool).await, expected);
    close(spool, writer).await;
    let file = dir.path().join("relay.db");
    let mut damaged = std::fs::read(&file).expect("it is read");
    damaged[..100].fill(0);
    std::fs::write(&file, damaged).expect("it is written");
    let (spool, writer) = open(dir.path()).await;
    assert!(dir.path().join("relay.db.damaged").exists());
    assert_eq!(called(&spool).await, expected);
    close(spool, writer).await;
}
