//! SIGHUP reads again what the log shows.

use std::time::Duration;

use crate::relay::Relay;

#[tokio::test]
async fn sighup_reads_the_log_filter_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("relay.toml");
    std::fs::write(&file, "log = \"info\"\n").expect("it is written");
    let relay = Relay::start(dir.path(), &["--config", file.to_str().expect("text")]);
    let batch = r#"[{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m"}]"#;
    relay.accept(batch).await;
    assert!(!relay.log().contains("\"answered\""), "{}", relay.log());
    std::fs::write(&file, "log = \"info,courier_relay::ingest=debug\"\n").expect("it is written");
    relay.signal("HUP");
    wait_for(&relay, "the log's filter was read again").await;
    relay.accept(batch).await;
    wait_for(&relay, "\"answered\"").await;
    std::fs::write(&file, "log = \"courier_relay=loud\"\n").expect("it is written");
    relay.signal("HUP");
    wait_for(&relay, "the log's filter can't be used").await;
}

async fn wait_for(relay: &Relay, words: &str) {
    for _ in 0..200 {
        if relay.log().contains(words) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{words} in {}", relay.log());
}
