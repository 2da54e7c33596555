//! Who users are, from the operator's own file.

use std::fs;

use serde_json::{Value, json};

use crate::relay::Relay;
use crate::{ask, batch, indexed, out, record};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_what_support_knows_of_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("people.csv");
    let of_two = "user,name,phone,site\nada,Ada Lovelace,+91 20 5555-0101,Pune\n\
        carl,Carl Gauss,,G\u{f6}ttingen\n";
    fs::write(&file, of_two).expect("it is written");
    let path = file.to_str().expect("text");
    let flags = ["--otlp-endpoint", "none", "--people", path];
    let relay = Relay::start(dir.path(), &flags);
    let logs = [record(0, 0, "info", "ready", &json!({}))];
    relay
        .accept(batch("00000000000000aa", "one", "ada", &logs))
        .await;
    indexed(dir.path(), 1);
    let find = |text: &str| -> Vec<Value> {
        let found = ask(dir.path(), &["find", text, "--format", "json"]);
        serde_json::from_slice(&found.stdout).unwrap_or_else(|_| panic!("{found:?}"))
    };
    for text in ["lovelace", "pune", "020 5555 0101"] {
        let things = find(text);
        let first = &things[0];
        assert_eq!(first["kind"], "person", "{text}: {things:?}");
        assert_eq!(first["id"], "ada");
        assert_eq!(first["label"], "Ada Lovelace, +91 20 5555-0101, Pune");
        assert_eq!(first["installs"], json!(["install-of-ada"]));
        assert!(first["last_heard"].is_string(), "{first}");
    }
    // Of Carl there is no record.
    let carl = find("gauss");
    assert_eq!(carl[0]["id"], "carl");
    assert_eq!(
        (&carl[0]["last_heard"], &carl[0]["installs"]),
        (&json!(null), &json!([]))
    );
    // A user is told with their name, once.
    let user = find("ada");
    assert_eq!(user[0]["kind"], "user");
    let label = user[0]["label"].as_str().expect("text");
    assert!(
        label.starts_with("Ada Lovelace, ") && label.ends_with("; 1 record"),
        "{label}"
    );
    assert!(
        user.iter().all(|thing| thing["kind"] != "person"),
        "{user:?}"
    );
    let shown = out(&ask(dir.path(), &["find", "gauss"]));
    assert!(
        shown.contains("person") && shown.contains("Carl Gauss"),
        "{shown}"
    );

    fs::write(&file, format!("{of_two}dora,Dora \u{1b}[31m,,Oslo\n")).expect("it is written");
    assert_eq!(find("oslo")[0]["id"], "dora", "the file is read again");
    let shown = out(&ask(dir.path(), &["find", "oslo"]));
    assert!(!shown.contains('\u{1b}'), "{shown}");
    fs::write(&file, "user,name\nada\n").expect("it is written");
    assert_eq!(find("oslo")[0]["id"], "dora", "what is wrong costs nobody");
    let log = relay.log();
    assert!(
        log.contains("line 2: it has 1 columns where the first line has 2"),
        "{log}"
    );
    assert!(!log.contains("Dora") && !log.contains("Lovelace"), "{log}");
    let check = ask(dir.path(), &["check", "--people", path]);
    let said = out(&check) + &String::from_utf8_lossy(&check.stderr);
    assert_eq!(check.status.code(), Some(1), "{said}");
    assert!(said.contains("people.csv`, line 2"), "{said}");
}
