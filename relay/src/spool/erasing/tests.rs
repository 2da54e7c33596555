use std::path::Path;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ScopeLogs};

use super::super::{Frame, Named, Offer, Pending, Spool, Verdict, Writer};
use super::*;
use crate::stone::{Key, Kind};

const ADA: &str = "ada-7f3c";

fn text(text: &str) -> Option<AnyValue> {
    Some(AnyValue {
        value: Some(Value::StringValue(text.to_owned())),
    })
}

/// A batch that `sender` sent, with a record of each of `users`; each says whose it is.
fn offer(sender: &str, first: u64, users: &[&str]) -> Offer {
    let seqs: Vec<u64> = (first..).take(users.len()).collect();
    let records = users.iter().zip(&seqs).map(|(user, seq)| LogRecord {
        body: text(&format!("{user} says {seq}")),
        observed_time_unix_nano: 5,
        attributes: vec![KeyValue {
            key: "user.id".to_owned(),
            value: text(user),
            ..KeyValue::default()
        }],
        ..LogRecord::default()
    });
    let logs = ResourceLogs {
        scope_logs: vec![ScopeLogs {
            log_records: records.collect(),
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    };
    Offer {
        subject: sender.to_owned(),
        frame: Some(Frame {
            packed: Packed::new(&logs.encode_to_vec()),
            records: users.len() as u64,
            received: 5,
            names: Names {
                seqs: seqs.iter().copied().map(Some).collect(),
                hash: None,
            },
            ..Frame::default()
        }),
        named: Some(Named {
            queue: "q".to_owned(),
            seqs,
        }),
        hash: None,
    }
}

fn stone() -> Stone {
    Stone {
        whom: Whom::new(Kind::User, ADA, Key::new(b"a key")),
        made_at: 1_000,
        ends_at: i64::MAX,
        is_done: false,
    }
}

async fn open(dir: &Path) -> (Spool, Writer) {
    Spool::open(dir, 1 << 20).await.expect("the spool opens")
}

async fn close(spool: Spool, writer: Writer) {
    spool.stop().await;
    writer.finished().await;
}

async fn keep(spool: &Spool, sender: &str, first: u64, users: &[&str]) {
    let kept = spool.offer(offer(sender, first, users)).await;
    assert_eq!(kept, Ok(Verdict::Kept));
}

fn said(pending: &Pending) -> Vec<String> {
    let plain = pending.frame.packed.unpack().expect("whole");
    let logs = ResourceLogs::decode(&plain[..]).expect("it decodes");
    let records = logs
        .scope_logs
        .into_iter()
        .flat_map(|scope| scope.log_records);
    records
        .map(|record| match record.body.and_then(|body| body.value) {
            Some(Value::StringValue(text)) => text,
            other => panic!("{other:?}"),
        })
        .collect()
}

async fn read(spool: &Spool) -> Vec<Pending> {
    let read = spool.read(Consumer::Export, 1 << 20).await;
    read.expect("it reads")
}

/// Whether a file of the directory has Ada's id as it lies.
fn is_named(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).expect("it is read");
    let bytes = entries.map(|entry| std::fs::read(entry.expect("an entry").path()));
    bytes.flatten().any(|bytes| {
        bytes
            .windows(ADA.len())
            .any(|window| window == ADA.as_bytes())
    })
}

#[tokio::test]
async fn what_was_erased_is_in_no_byte_of_the_spool() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    // What has left the spool is in its file still.
    for round in 0..20 {
        keep(&spool, ADA, round * 2, &[ADA, ADA]).await;
    }
    let frames = read(&spool).await;
    let last = frames.last().expect("some");
    let to = Cursor {
        frame: last.id,
        done: 0,
        at: last.to,
    };
    let letter = |user: &str| DeadLetter {
        of: Consumer::Export,
        reason: format!("400: {user} is not liked"),
        body: frame_of(user),
    };
    let dead = vec![letter("bob"), letter(ADA)];
    spool
        .advance(Consumer::Export, to, dead)
        .await
        .expect("kept");
    keep(&spool, "bob", 0, &["bob", ADA, "bob"]).await;
    keep(&spool, ADA, 40, &[ADA]).await;
    keep(&spool, "bob", 3, &["bob"]).await;
    let before = spool.depth().records;
    assert!(is_named(dir.path()), "or this proves nothing");

    let erased = spool.erase(stone()).await.expect("erased");
    let meant = Erased {
        records: 2,
        frames: 2,
        dead_letters: 1,
        queues: 1,
    };
    assert_eq!(erased, meant);
    assert!(!is_named(dir.path()));
    let left: Vec<Vec<String>> = read(&spool).await.iter().map(said).collect();
    assert_eq!(
        left,
        [vec!["bob says 0", "bob says 2"], vec![], vec!["bob says 3"]]
    );
    let seqs = |pending: &Pending| pending.frame.names.seqs.clone();
    assert_eq!(seqs(&read(&spool).await[0]), [Some(0), Some(2)]);
    assert_eq!(spool.depth().records, before, "positions stay");
    // A letter that was on its way meanwhile is not kept.
    let stood = spool.cursor(Consumer::Export).expect("a cursor");
    let dead = vec![letter(ADA), letter("bob")];
    spool
        .advance(Consumer::Export, stood, dead)
        .await
        .expect("kept");
    assert_eq!(spool.dead_letters(), 2);
    close(spool, writer).await;
    assert!(!is_named(dir.path()));

    // What she sends again is known, and is not written down by her name.
    std::fs::write(dir.path().join("erase.key"), [7; 32]).expect("written");
    let (spool, writer) = open(dir.path()).await;
    let again = spool.offer(offer("bob", 0, &["bob", ADA, "bob"])).await;
    assert_eq!(
        again,
        Ok(Verdict::Known {
            seqs: vec![0, 1, 2],
            hash: false
        })
    );
    close(spool, writer).await;
}

fn frame_of(user: &str) -> Vec<u8> {
    let frame = offer(user, 7, &[user]).frame.expect("a frame");
    frame.packed.unpack().expect("whole")
}

#[tokio::test]
async fn what_an_erased_sender_sent_before_is_known_and_what_comes_is_written_under_the_hash() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    keep(&spool, ADA, 0, &["bob", "bob"]).await;
    spool.erase(stone()).await.expect("erased");
    let known = |seqs: &[u64]| {
        Ok(Verdict::Known {
            seqs: seqs.to_vec(),
            hash: false,
        })
    };
    let again = spool.offer(offer(ADA, 1, &["bob", "bob"])).await;
    assert_eq!(again, known(&[1]));
    for first in [2, 3, 4] {
        keep(&spool, ADA, first, &["bob"]).await;
    }
    let again = spool.offer(offer(ADA, 0, &["bob"; 6])).await;
    assert_eq!(again, known(&[0, 1, 2, 3, 4]));
    assert_eq!(spool.ledger().queues, 1);
    close(spool, writer).await;
}

#[tokio::test]
async fn who_is_in_the_middle_of_a_frame_stays_at_the_same_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path()).await;
    keep(&spool, "bob", 0, &["bob", ADA, "bob", ADA, "bob", "bob"]).await;
    let old = read(&spool).await;
    let cursor = |done| Cursor {
        frame: old[0].id - 1,
        done,
        at: old[0].from,
    };
    // Two of Bob's and one of Ada's are sent.
    spool
        .advance(Consumer::Export, cursor(3), Vec::new())
        .await
        .expect("kept");
    spool.erase(stone()).await.expect("erased");
    let stood = spool.cursor(Consumer::Export).expect("a cursor");
    assert_eq!(stood.done, 2);
    assert_eq!(
        said(&read(&spool).await[0]),
        ["bob says 0", "bob says 2", "bob says 4", "bob says 5"]
    );
    // Who had read the frame before says by its old count that five are sent.
    spool
        .advance(Consumer::Export, cursor(5), Vec::new())
        .await
        .expect("kept");
    let stood = spool.cursor(Consumer::Export).expect("a cursor");
    assert_eq!(stood.done, 3);
    // And who reads it now says it by the new one.
    let new = read(&spool).await;
    let to = Cursor {
        at: new[0].from,
        ..cursor(2)
    };
    spool
        .advance(Consumer::Export, to, Vec::new())
        .await
        .expect("kept");
    assert_eq!(
        spool.cursor(Consumer::Export).map(|cursor| cursor.done),
        Some(2)
    );
    close(spool, writer).await;
}
