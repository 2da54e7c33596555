//! The catalogue, made again by a command.

use serde_json::{Value, json};

use crate::{ask, batch, indexed, out, record, start};

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_made_again_from_the_segments_and_only_while_no_relay_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let rebuild = || ask(dir.path(), &["index", "rebuild", "--format", "json"]);
    // Nothing is made where there is nothing.
    let none = rebuild();
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert_eq!(none.status.code(), Some(2), "{said}");
    assert!(said.contains("has no index"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).expect("it").count(), 0);

    let mut relay = start(dir.path());
    let one = [record(0, 0, "info", "ready", &json!({}))];
    relay
        .accept(batch("00000000000000aa", "one", "ada", &one))
        .await;
    indexed(dir.path(), 1);
    let running = rebuild();
    let said = String::from_utf8_lossy(&running.stderr).into_owned();
    assert_eq!(running.status.code(), Some(2), "{said}");
    assert!(said.contains("a relay runs on"), "{said}");
    assert!(relay.terminate().success());

    let index = dir.path().join("index");
    std::fs::write(index.join("catalog.db"), "no database").expect("it is written");
    std::fs::write(index.join("seg-7.db"), vec![7; 8_192]).expect("it is written");
    let made = rebuild();
    let answer: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let expected = json!({"segments": 1, "records": 1, "unreadable": [7]});
    assert_eq!(answer, expected, "{made:?}");
    assert_eq!(
        made.status.code(),
        Some(1),
        "a part can't be read: {made:?}"
    );
    assert!(index.join("seg-7.db.damaged").exists(), "it is put aside");
    let again = ask(dir.path(), &["index", "rebuild"]);
    assert_eq!(out(&again), "records: 1, parts: 1\n");
    assert_eq!(again.status.code(), Some(0), "{again:?}");

    let _relay = start(dir.path());
    let found = ask(dir.path(), &["timeline", "--user", "ada"]);
    assert!(out(&found).contains("ready"), "{found:?}");
}
