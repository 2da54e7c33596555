//! Somebody is on the phone.

use serde_json::{Value, json};
use tracing_courier::session::SupportCode;

use crate::{ask, batch, indexed, out, record, start};

/// Ada's tablet: a run with an error and a gap, which a panic ends, and the run after it.
async fn call() -> (tempfile::TempDir, crate::relay::Relay) {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = start(dir.path());
    let own = |seq, millis, message: &str, attributes: Value| {
        let mut own = record(seq, millis, "info", message, &attributes);
        own["logger"] = json!("courier");
        own
    };
    let failed = json!({"http_status": 503});
    let mut error = record(2, 120_000, "error", "upload failed", &failed);
    error["error"] = json!("Timeout: no answer in 5 s");
    let first = [
        own(0, 0, "session_start", json!({"app_version": "2.3.1"})),
        record(1, 60_000, "info", "ready", &json!({})),
        error,
        record(6, 180_000, "info", "free again \u{1b}[31m", &json!({})),
    ];
    relay
        .accept(batch("00000000000000aa", "one", "ada", &first))
        .await;
    let then =
        json!({"previous.session_id": "one", "previous.last_record_at": "2026-11-30T12:03:00Z"});
    let second = [
        own(0, 600_000, "session_start", json!({})),
        own(1, 600_001, "app.crash", then),
        record(2, 601_000, "info", "ready", &json!({})),
    ];
    relay
        .accept(batch("00000000000000bb", "two", "ada", &second))
        .await;
    let other = [record(0, 0, "info", "ready", &json!({}))];
    relay
        .accept(batch("00000000000000cc", "three", "bea", &other))
        .await;
    indexed(dir.path(), 8);
    (dir, relay)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_there_is_one_command() {
    let (dir, _relay) = call().await;
    let timeline = ask(
        dir.path(),
        &[
            "timeline",
            "--user",
            "ada",
            "--at",
            "2026-11-30T17:32+05:30",
            "--tz",
            "Kolkata",
        ],
    );
    let text = out(&timeline);
    assert_eq!(timeline.status.code(), Some(0), "{text} {timeline:?}");
    for said in [
        "user     ada",
        "session  one \u{b7} field-app 2.3.1",
        "crash at 17:33:00",
        "\u{201c}upload failed\u{201d} (Timeout) at 17:32:00.",
        "3 records are missing between 17:32:00 and 17:33:00",
        "17:32:00.000  error    app::sync  upload failed  http_status=503",
        "Timeout: no answer in 5 s",
        "free again \\u001b[31m",
        // The zone that the time brings is the one that counts.
        "zone     +05:30",
    ] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
    assert!(!text.contains('\u{1b}') && !text.contains("bea"), "{text}");
    // The device's own zone, and the last run without a time.
    let last = out(&ask(
        dir.path(),
        &["timeline", "--user", "ada", "--tz", "device"],
    ));
    assert!(
        last.contains("session  two") && last.contains("17:40:00"),
        "{last}"
    );
    let markdown = out(&ask(
        dir.path(),
        &["timeline", "--session", "one", "--format", "md"],
    ));
    assert!(markdown.contains("| 12:02:00 | error |"), "{markdown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_clock_says_2090_is_shown_where_it_belongs_with_what_it_claimed() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = start(dir.path());
    let mut late = record(0, 0, "error", "from the future", &json!({}));
    late["timestamp"] = json!("2090-01-01T00:00:05Z");
    let mut body: Value =
        serde_json::from_str(&batch("00000000000000aa", "one", "ada", &[late])).expect("JSON");
    body["sentAt"] = json!("2090-01-01T00:00:10Z");
    relay.accept(body.to_string()).await;
    indexed(dir.path(), 1);
    let text = out(&ask(
        dir.path(),
        &["timeline", "--user", "ada", "--at", "now", "--around", "2m"],
    ));
    let claimed = "the device's clock said 2090-01-01T00:00:05Z";
    assert!(
        text.contains("from the future") && text.contains(claimed),
        "{text}"
    );
    assert!(
        text.contains(" ahead\n") && !text.contains("\n2090-01-01\n"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_support_code_is_found_as_it_was_misheard() {
    let (dir, _relay) = call().await;
    let code = SupportCode::of("install-of-ada").to_string();
    let misheard: String = code
        .chars()
        .filter(|c| *c != '-')
        .map(|c| match c {
            '0' => 'o',
            '1' => 'l',
            c => c.to_ascii_lowercase(),
        })
        .collect();
    let found = ask(dir.path(), &["find", &misheard, "--format", "json"]);
    let things: Value = serde_json::from_slice(&found.stdout).expect("JSON");
    assert_eq!(things[0]["kind"], "install", "{things}");
    assert_eq!(things[0]["id"], "install-of-ada");
    assert_eq!(things[0]["users"], json!(["ada"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exact_comes_first() {
    let (dir, relay) = call().await;
    let more = [record(0, 0, "info", "ada was here", &json!({}))];
    relay
        .accept(batch("00000000000000dd", "four", "adalbert", &more))
        .await;
    indexed(dir.path(), 9);
    let found = ask(dir.path(), &["find", "ada", "--format", "json"]);
    let things: Value = serde_json::from_slice(&found.stdout).expect("JSON");
    let things = things.as_array().expect("a list");
    let kinds: Vec<(&str, &str)> = things
        .iter()
        .map(|thing| {
            (
                thing["kind"].as_str().expect("a kind"),
                thing["id"].as_str().expect("an id"),
            )
        })
        .collect();
    assert_eq!(kinds[0], ("user", "ada"));
    assert!(
        kinds.contains(&("user", "adalbert")) && kinds.contains(&("install", "install-of-ada"))
    );
    assert_eq!(kinds.last(), Some(&("text", "\"ada\"")));
    let nothing = ask(dir.path(), &["find", "zzz"]);
    assert_eq!(nothing.status.code(), Some(1), "{nothing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_counts_what_its_filter_means_and_names_a_wrong_word() {
    let (dir, _relay) = call().await;
    let search = |query: &str| {
        ask(
            dir.path(),
            &[
                "search",
                query,
                "--from",
                "2026-11-30T00:00Z",
                "--to",
                "2026-12-01T00:00Z",
            ],
        )
    };
    let found = out(&search("user:ada (level:>=error OR @http_status:503)"));
    assert!(
        found.contains("1 record from 2026-11-30 00:00:00"),
        "{found}"
    );
    assert!(found.contains("first seen 2026-11-30 12:02:00"), "{found}");
    let others = out(&search("-user:ada"));
    assert!(
        others.contains("1 record from") && others.contains("ready"),
        "{others}"
    );
    let wrong = search("usr:ada");
    assert_eq!(wrong.status.code(), Some(2));
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        said.contains("at character 1: `usr:` is no key; did you mean `user:`?"),
        "{said}"
    );
    let odd = search(&format!("user:{}", "x'\"\u{1b}".repeat(3000)));
    assert_eq!(odd.status.code(), Some(2), "{odd:?}");
    assert!(!String::from_utf8_lossy(&odd.stderr).contains('\u{1b}'));
    let nobody = ask(dir.path(), &["timeline", "--user", &"x".repeat(10_000)]);
    assert_eq!(nobody.status.code(), Some(1), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_heard_of_and_which_runs_they_had() {
    let (dir, _relay) = call().await;
    let people = out(&ask(dir.path(), &["people"]));
    assert!(
        people.contains("ada  field-app 2.3.1  install-of-ada") && people.contains("bea"),
        "{people}"
    );
    let sessions = ask(
        dir.path(),
        &["sessions", "--user", "ada", "--format", "json"],
    );
    let sessions: Value = serde_json::from_slice(&sessions.stdout).expect("JSON");
    let ends: Vec<(&str, &str)> = sessions["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|session| {
            (
                session["session"].as_str().expect("an id"),
                session["end"].as_str().expect("an end"),
            )
        })
        .collect();
    assert_eq!(ends.len(), 2);
    assert!(
        ends.contains(&("one", "crash")) && ends.contains(&("two", "open")),
        "{ends:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_index_each_look_up_says_how_to_have_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let _relay = crate::relay::Relay::start(dir.path(), &["--index", "off"]);
    for args in [
        &["timeline", "--user", "ada"][..],
        &["find", "x"],
        &["search", "x"],
        &["people"],
    ] {
        let asked = ask(dir.path(), args);
        assert_eq!(asked.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8_lossy(&asked.stderr);
        assert!(
            said.contains("keeps no index: start it with --index on"),
            "{said}"
        );
    }
}
