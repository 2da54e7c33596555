use sqlx::Connection;

use super::*;

fn frame(text: &str) -> Frame {
    Frame {
        body: text.as_bytes().to_vec(),
        records: 2,
        received: 5,
        oldest: 1,
        newest: 9,
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
    let frames = spool
        .read(spool.cursor(), 1 << 20)
        .await
        .expect("the spool reads");
    frames
        .into_iter()
        .map(|pending| String::from_utf8(pending.frame.body).expect("text"))
        .collect()
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
            bytes: 6
        }
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
        .read(Cursor::default(), 6)
        .await
        .expect("the spool reads");
    assert_eq!(
        frames.len(),
        2,
        "three more bytes than six are a third frame"
    );
    let first = spool
        .read(Cursor::default(), 1)
        .await
        .expect("the spool reads");
    assert_eq!(first.len(), 1, "the first always comes");

    let letter = DeadLetter {
        reason: "bad".to_owned(),
        body: vec![1],
    };
    let to = Cursor {
        frame: frames[0].id,
        done: 1,
    };
    assert_eq!(spool.advance(to, vec![letter]).await, Ok(()));
    assert_eq!(
        spool.depth(),
        Depth {
            records: 4,
            bytes: 8
        }
    );
    close(spool, writer).await;

    let (spool, writer) = open(dir.path()).await;
    assert_eq!((spool.cursor(), spool.dead_letters()), (to, 1));
    assert_eq!(bodies(&spool).await, ["two", "three"]);
    let end = Cursor {
        frame: frames[1].id + 1,
        done: 0,
    };
    assert_eq!(spool.advance(end, vec![]).await, Ok(()));
    assert_eq!(spool.depth(), Depth::default());
    close(spool, writer).await;

    let (spool, writer) = open(dir.path()).await;
    assert_eq!(spool.offer(offer("four", &[9])).await, Ok(Verdict::Kept));
    let frames = spool
        .read(spool.cursor(), 1)
        .await
        .expect("the spool reads");
    assert!(frames[0].id > end.frame, "a number is never used twice");
    assert_eq!(
        spool.depth(),
        Depth {
            records: 2,
            bytes: 4
        }
    );
    close(spool, writer).await;
}

#[tokio::test]
async fn a_full_spool_refuses_and_keeps_neither_frame_nor_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    assert_eq!(
        spool.offer(offer(&"x".repeat(990), &[1])).await,
        Ok(Verdict::Kept)
    );
    assert_eq!(
        spool.offer(offer(&"x".repeat(11), &[2])).await,
        Err(OfferError::Full)
    );
    assert_eq!(
        spool.offer(offer(&"x".repeat(10), &[2])).await,
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
        Err(OpenError::Database { .. })
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

#[tokio::test]
async fn a_garbled_frame_is_counted_and_the_others_go_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = Spool::open(dir.path(), 1 << 24).await.expect("it opens");
    for n in 0..60u64 {
        assert_eq!(
            spool
                .offer(offer(&format!("{n:03}").repeat(10_000), &[n]))
                .await,
            Ok(Verdict::Kept)
        );
    }
    close(spool, writer).await;
    let mut connection = schema::open(dir.path()).await.expect("it opens");
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut connection)
        .await
        .expect("all is in one file");
    connection.close().await.expect("it closes");
    let file = dir.path().join("relay.db");
    let whole = std::fs::read(&file).expect("it is read");

    // At many places in turn: the bytes of a frame, a page of the tree, nothing of use.
    for place in 0..40 {
        let mut garbled = whole.clone();
        let at = 16 * 1024 + (garbled.len() - 16 * 1024) / 40 * place;
        for byte in garbled.iter_mut().skip(at).take(700) {
            *byte = byte.wrapping_mul(31).wrapping_add(7);
        }
        std::fs::write(&file, &garbled).expect("it is written");
        for beside in ["relay.db-wal", "relay.db-shm"] {
            let _ = std::fs::remove_file(dir.path().join(beside));
        }
        let Ok((spool, writer)) = Spool::open(dir.path(), 1 << 24).await else {
            continue;
        };
        let (mut came, mut rounds) = (0, 0);
        loop {
            let frames = spool
                .read(spool.cursor(), 100_000)
                .await
                .expect("it goes on");
            let Some(last) = frames.last() else { break };
            came += frames
                .iter()
                .map(|pending| pending.frame.records)
                .sum::<u64>();
            let to = Cursor {
                frame: last.id,
                done: 0,
            };
            // The first time it may find that what is behind it can't be deleted; the exporter asks again as well.
            if spool.advance(to, vec![]).await.is_err() {
                assert_eq!(spool.advance(to, vec![]).await, Ok(()), "at {place}");
            }
            rounds += 1;
            assert!(rounds < 200, "it ends");
        }
        assert_eq!(came + spool.damaged_records(), 120, "garbled at {place}");
        assert!(
            came >= 2 * 30,
            "{came} records are left when one place of forty is garbled"
        );
        close(spool, writer).await;
    }
}
