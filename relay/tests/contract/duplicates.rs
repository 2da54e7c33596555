//! A record is accepted once, however often it is sent.

use serde_json::json;

use crate::relay::{Relay, token, with_and_without_spool};
use crate::upstream::{Say, Upstream};
use crate::{batch, record};

#[tokio::test]
async fn the_courier_batch_sent_twice_is_accepted_once() {
    for spool in ["sqlite", "none"] {
        let upstream = Upstream::start([], Say::Ok);
        let dir = tempfile::tempdir().expect("a directory");
        let flags = ["--spool", spool, "--otlp-endpoint", &upstream.endpoint];
        let relay = Relay::start(dir.path(), &flags);
        let body = include_str!("courier-batch.json");
        let first = json!({"accepted": 2, "duplicates": 0, "rejected": []});
        let again = json!({"accepted": 0, "duplicates": 2, "rejected": []});
        assert_eq!(relay.accept(body).await, first, "{spool}");
        assert_eq!(relay.accept(body).await, again, "{spool}");
        // Before it is killed: towards the backend a record may come twice then.
        assert_eq!(
            upstream.messages(2).await,
            ["session_start", "upload failed"],
            "{spool}"
        );
        relay.kill();
        let relay = Relay::start(dir.path(), &flags);
        assert_eq!(relay.accept(body).await, again, "{spool}");
    }
}

#[tokio::test]
async fn a_stolen_queue_id_under_another_subject_changes_nothing() {
    with_and_without_spool(&[], async |mut relay| {
        let body = batch("q", [(1, "mine".to_owned())]);
        let owner = std::mem::replace(&mut relay.token, token(&relay.dir, "thief"));
        assert_eq!(relay.accept(body.clone()).await["accepted"], 1);
        relay.token = owner;
        assert_eq!(relay.accept(body.clone()).await["accepted"], 1);
        assert_eq!(relay.accept(body).await["duplicates"], 1);
    })
    .await;
}

#[tokio::test]
async fn what_overlaps_is_taken_apart_and_each_record_arrives_once() {
    for more in [&["--spool", "sqlite"][..], &["--spool", "none"]] {
        let upstream = Upstream::start([], Say::Ok);
        let dir = tempfile::tempdir().expect("a directory");
        let mut flags = vec!["--otlp-endpoint", &upstream.endpoint];
        flags.extend(more);
        let relay = Relay::start(dir.path(), &flags);
        let numbered = |seqs: std::ops::Range<u64>| batch("q", seqs.map(|n| (n, n.to_string())));
        assert_eq!(relay.accept(numbered(0..4)).await["accepted"], 4);
        let receipt = relay.accept(numbered(2..8)).await;
        assert_eq!(
            receipt,
            json!({"accepted": 4, "duplicates": 2, "rejected": []})
        );
        let twice = relay
            .accept(batch(
                "q",
                [
                    (8, "8".to_owned()),
                    (8, "8".to_owned()),
                    (3, "3".to_owned()),
                ],
            ))
            .await;
        assert_eq!(
            twice,
            json!({"accepted": 1, "duplicates": 2, "rejected": []})
        );
        let messages = upstream.messages(9).await;
        assert_eq!(
            messages,
            (0..9).map(|n| n.to_string()).collect::<Vec<_>>(),
            "{more:?}"
        );
    }
}

#[tokio::test]
async fn without_a_name_the_body_is_remembered() {
    with_and_without_spool(&[], async |mut relay| {
        let body = include_str!("dart-batch.json");
        assert_eq!(relay.accept(body).await["accepted"], 4);
        assert_eq!(relay.accept(body).await["duplicates"], 4);
        assert_eq!(relay.accept(record("another")).await["accepted"], 1);
        relay.token = token(&relay.dir, "somebody else");
        assert_eq!(relay.accept(body).await["accepted"], 4);
        let malformed = batch("q", [(1, "m".to_owned())]).replace("0000000000000001-", "1-");
        assert_eq!(
            relay.accept(malformed.clone()).await["accepted"],
            1,
            "a malformed q is no name"
        );
        assert_eq!(relay.accept(malformed).await["duplicates"], 1);
    })
    .await;
}
