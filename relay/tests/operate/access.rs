//! Who may use the admin API: named tokens, their roles, and the audit of what they did.

use std::fs;
use std::path::Path;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::relay::{Relay, command};

/// A command on this data directory: its exit code, stdout and stderr.
fn run(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = command();
    command.args(args).arg("--data-dir").arg(dir);
    let output = command.env("USER", "mallory").output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Makes a token; its text, which is alone on stdout.
fn make(dir: &Path, name: &str, role: &str) -> String {
    let (code, stdout, stderr) = run(dir, &["admin-token", "--name", name, "--role", role]);
    assert_eq!(code, Some(0), "{stderr}");
    let token = stdout.strip_suffix('\n').expect("it ends its line");
    assert!(
        !token.is_empty() && !token.contains(char::is_whitespace),
        "alone on stdout: {stdout:?}"
    );
    token.to_owned()
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn own(dir: &Path) -> String {
    let token = fs::read_to_string(dir.join("admin-token")).expect("a token");
    token.trim().to_owned()
}

impl Relay {
    async fn ask(&self, method: Method, path: &str, token: &str, body: &Value) -> Response {
        let url = format!("http://{}{path}", self.admin);
        let mut request = self.client.request(method, url).bearer_auth(token);
        if !body.is_null() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let request = request.header("x-audit-why", "ticket 4711\u{9b}2J".as_bytes());
        request.send().await.expect("an answer")
    }

    async fn answer(&self, method: Method, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let response = self.ask(method, path, token, body).await;
        let status = response.status().as_u16();
        let text = response.text().await.expect("text");
        (status, serde_json::from_str(&text).expect("JSON"))
    }

    async fn audit(&self, query: &str) -> Value {
        let path = format!("/admin/v1/audit{query}");
        let (status, listing) = self
            .answer(Method::GET, &path, &own(&self.dir), &Value::Null)
            .await;
        assert_eq!(status, 200, "{listing}");
        listing
    }
}

const RULE: &str = r#"{"whom":"everyone","level":"debug"}"#;

fn rule() -> Value {
    let whom: Value = serde_json::from_str(RULE).expect("JSON");
    whom
}

#[tokio::test]
async fn a_named_token_may_what_its_role_may_and_is_refused_once_it_is_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let tokens =
        ["read", "operate", "admin"].map(|role| make(dir.path(), &format!("bea-{role}"), role));
    for (method, path, body, expected) in [
        (
            Method::GET,
            "/admin/v1/status",
            Value::Null,
            [200, 200, 200],
        ),
        (
            Method::GET,
            "/admin/v1/levels",
            Value::Null,
            [200, 200, 200],
        ),
        (Method::GET, "/admin/v1/dead", Value::Null, [200, 200, 200]),
        (Method::POST, "/admin/v1/levels", rule(), [403, 201, 201]),
        (
            Method::DELETE,
            "/admin/v1/levels/77",
            Value::Null,
            [403, 404, 404],
        ),
        (
            Method::POST,
            "/admin/v1/dead/replay",
            json!([]),
            [403, 200, 200],
        ),
        (
            Method::POST,
            "/admin/v1/dead/rm",
            json!({"ids": [7]}),
            [403, 200, 200],
        ),
        (
            Method::POST,
            "/admin/v1/import",
            json!([{"timestamp": "2026-02-06T12:00:00Z", "level": "info", "message": "m"}]),
            [403, 200, 200],
        ),
        (Method::GET, "/admin/v1/audit", Value::Null, [403, 403, 200]),
        (
            Method::GET,
            "/admin/v1/levels/audit",
            Value::Null,
            [403, 403, 200],
        ),
        (
            Method::GET,
            "/admin/v1/tokens",
            Value::Null,
            [403, 403, 200],
        ),
        (
            Method::POST,
            "/admin/v1/tokens",
            json!({"name": "eve", "role": "admin"}),
            [403, 403, 201],
        ),
        (
            Method::DELETE,
            "/admin/v1/tokens/eve",
            Value::Null,
            [403, 403, 200],
        ),
    ] {
        let mut statuses = [0; 3];
        for (token, status) in tokens.iter().zip(&mut statuses) {
            let response = relay.ask(method.clone(), path, token, &body).await;
            *status = response.status().as_u16();
        }
        assert_eq!(statuses, expected, "{method} {path}");
    }
    let (_, said) = relay
        .answer(Method::GET, "/admin/v1/audit", &tokens[0], &Value::Null)
        .await;
    assert_eq!(
        said,
        json!({"error": "this needs the role admin: token `bea-read` has read"})
    );

    let (code, stdout, stderr) = run(dir.path(), &["admin-token", "rm", "bea-read"]);
    assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
    for (token, expected) in tokens.iter().zip([401, 200, 200]) {
        let response = relay
            .ask(Method::GET, "/admin/v1/status", token, &Value::Null)
            .await;
        assert_eq!(response.status(), expected);
    }
    let (code, _, stderr) = run(dir.path(), &["admin-token", "rm", "bea-read"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("there is no token named `bea-read`"),
        "{stderr}"
    );
    // The name is free again, for another token.
    let again = make(dir.path(), "bea-read", "read");
    assert_ne!(again, tokens[0]);
    let (_, listed, _) = run(dir.path(), &["admin-token", "ls", "--format", "json"]);
    let listed: Vec<_> = lines(&listed)
        .into_iter()
        .map(|token| {
            let is = |field: &str| token[field].is_string();
            (
                token["name"].clone(),
                token["role"].clone(),
                is("last_used"),
                is("revoked"),
            )
        })
        .collect();
    let row = |name: &str, role: &str, used, revoked| (json!(name), json!(role), used, revoked);
    assert_eq!(
        listed,
        [
            row("bea-read", "read", true, true),
            row("bea-operate", "operate", true, false),
            row("bea-admin", "admin", true, false),
            row("eve", "admin", false, true),
            row("bea-read", "read", false, false),
        ]
    );
    let (_, text, _) = run(dir.path(), &["admin-token", "ls"]);
    assert!(
        text.starts_with("NAME ") && text.lines().count() == 6,
        "{text}"
    );
}

#[tokio::test]
async fn a_token_made_while_no_relay_runs_is_good_later_and_only_its_hash_is_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let token = make(dir.path(), "bea", "operate");
    let gone = make(dir.path(), "carl", "admin");
    let (code, _, stderr) = run(dir.path(), &["admin-token", "rm", "carl"]);
    assert_eq!(code, Some(0), "{stderr}");
    let relay = Relay::start(dir.path(), &[]);
    let (status, outcome) = relay
        .answer(Method::POST, "/admin/v1/levels", &token, &rule())
        .await;
    assert_eq!((status, &outcome["rule"]["author"]), (201, &json!("bea")));
    let response = relay
        .ask(Method::GET, "/admin/v1/status", &gone, &Value::Null)
        .await;
    assert_eq!(response.status(), 401);
    relay.kill();
    let relay = Relay::start(dir.path(), &[]);
    let response = relay
        .ask(Method::GET, "/admin/v1/status", &token, &Value::Null)
        .await;
    assert_eq!(response.status(), 200, "a kill costs no token");
    for found in fs::read_dir(dir.path()).expect("it lists") {
        let found = found.expect("it lists");
        if !found.file_type().expect("it is something").is_file() {
            continue;
        }
        let bytes = fs::read(found.path()).expect("it is read");
        for text in [&token, &gone] {
            let has_it = bytes
                .windows(text.len())
                .any(|bytes| bytes == text.as_bytes());
            assert!(!has_it, "{}", found.path().display());
        }
        #[cfg(unix)]
        if found.file_name() != "relay.log" {
            use std::os::unix::fs::PermissionsExt;
            let mode = found.metadata().expect("it is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", found.path().display());
        }
    }
}

#[tokio::test]
async fn the_audit_has_who_did_what_to_whom_when_and_why_newest_first_and_survives_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let (code, _, stderr) = run(
        dir.path(),
        &[
            "level", "set", "--user", "ada", "--for", "1h", "--why", "ticket 1", "trace",
        ],
    );
    assert_eq!(code, Some(0), "{stderr}");
    let bea = make(dir.path(), "bea", "operate");
    let relay = Relay::start(dir.path(), &[]);
    for (method, path, body) in [
        (Method::POST, "/admin/v1/levels", rule()),
        (
            Method::DELETE,
            "/admin/v1/levels/1?author=the+boss",
            Value::Null,
        ),
        (Method::DELETE, "/admin/v1/levels/77", Value::Null),
        (Method::POST, "/admin/v1/dead/rm", json!({"ids": [7, 8]})),
        (Method::POST, "/admin/v1/dead/replay", json!([])),
        (Method::POST, "/admin/v1/dead/rm", json!({})),
        (
            Method::POST,
            "/admin/v1/import",
            json!([{"timestamp": "2026-02-06T12:00:00Z", "level": "info", "message": "m"}]),
        ),
    ] {
        relay.ask(method, path, &bea, &body).await;
    }
    let (code, _, stderr) = run(
        dir.path(),
        &["admin-token", "rm", "bea", "--why", "she left"],
    );
    assert_eq!(code, Some(0), "{stderr}");
    relay.kill();
    let relay = Relay::start(dir.path(), &[]);
    let listing = relay.audit("").await;
    let entries = listing["entries"].as_array().expect("entries");
    let told: Vec<Vec<&str>> = entries
        .iter()
        .rev()
        .map(|entry| {
            assert!(entry["at"].as_str().expect("a time").ends_with('Z'));
            let text = |field: &str| entry[field].as_str().expect("text");
            ["who", "action", "subject", "query", "why"]
                .map(text)
                .to_vec()
        })
        .collect();
    let why = r"ticket 4711\u009b2J";
    assert_eq!(
        told,
        [
            [
                "data directory",
                "level.set",
                "user:ada",
                "trace",
                "ticket 1"
            ],
            [
                "data directory",
                "token.made",
                "token:bea",
                "role operate",
                ""
            ],
            ["bea", "level.set", "everyone", "debug", why],
            [
                "bea",
                "level.removed",
                "user:ada",
                "rule 1; says: the boss",
                why
            ],
            ["bea", "dead.removed", "", "2 by number: 7, 8", why],
            ["bea", "dead.replayed", "", "all", why],
            ["bea", "import", "", "67 bytes", why],
            ["admin", "token.removed", "token:bea", "", "she left"],
        ]
    );
    let file = fs::read_to_string(dir.path().join("audit.jsonl")).expect("it is there");
    let mut filed = lines(&file);
    filed.reverse();
    assert_eq!(&filed, entries);

    let (code, text, stderr) = run(dir.path(), &["audit", "--format", "json"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(&lines(&text), entries);
    let (_, text, _) = run(dir.path(), &["audit", "--who", "bea", "--limit", "2"]);
    assert_eq!(text.lines().count(), 2, "{text}");
    drop(relay);
    let (_, text, stderr) = run(dir.path(), &["audit", "--format", "json"]);
    assert_eq!(&lines(&text), entries, "without a relay, too: {stderr}");
}

#[tokio::test]
async fn the_audit_is_paged_both_ways_while_entries_come() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let admin = own(dir.path());
    let replay = async || {
        let response = relay
            .ask(Method::POST, "/admin/v1/dead/replay", &admin, &json!([1]))
            .await;
        assert_eq!(response.status(), 200);
    };
    for _ in 0..7 {
        replay().await;
    }
    let ids = |listing: &Value| -> Vec<i64> {
        let entries = listing["entries"].as_array().expect("entries").iter();
        entries
            .map(|entry| entry["id"].as_i64().expect("a number"))
            .collect()
    };
    let cursor = |listing: &Value, way: &str| {
        listing[way]
            .as_str()
            .map(|cursor| format!("?limit=3&cursor={cursor}"))
    };
    let first = relay.audit("?limit=3").await;
    assert_eq!(ids(&first), [7, 6, 5]);
    replay().await;
    let second = relay.audit(&cursor(&first, "older").expect("older")).await;
    assert_eq!(ids(&second), [4, 3, 2]);
    let third = relay.audit(&cursor(&second, "older").expect("older")).await;
    assert_eq!((ids(&third), &third["older"]), (vec![1], &Value::Null));
    let back = relay.audit(&cursor(&third, "newer").expect("newer")).await;
    assert_eq!(ids(&back), [4, 3, 2]);
    let newest = relay.audit(&cursor(&first, "newer").expect("newer")).await;
    assert_eq!(ids(&newest), [8]);
    let later = cursor(&newest, "newer").expect("newer");
    let none = relay.audit(&later).await;
    assert_eq!(
        (ids(&none), cursor(&none, "newer")),
        (vec![], Some(later.clone()))
    );
    replay().await;
    assert_eq!(ids(&relay.audit(&later).await), [9]);
    assert_eq!(ids(&relay.audit("?who=bea").await), [0; 0]);
    for (query, said) in [
        ("?cursor=x", "`x` is no cursor of the audit"),
        (
            "?cursor=audit-before-9999999999999999999999",
            "is no cursor of the audit",
        ),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=x", "limit"),
        ("?whom=ada", "unknown field `whom`"),
    ] {
        let path = format!("/admin/v1/audit{query}");
        let (status, answer) = relay.answer(Method::GET, &path, &admin, &Value::Null).await;
        assert_eq!(status, 400, "{query} {answer}");
        assert!(
            answer["error"]
                .as_str()
                .is_some_and(|text| text.contains(said)),
            "{query} {answer}"
        );
    }
}

#[tokio::test]
async fn what_no_token_can_be_is_named_with_what_is_possible() {
    let dir = tempfile::tempdir().expect("a directory");
    let long = "x".repeat(10_000);
    let rows: [(&str, &str, &str); 7] = [
        (
            "be\u{1b}[2Ja",
            "read",
            r"no token can be named `be\u001b[2Ja`: use 1 to 64 of the letters",
        ),
        (&long, "read", "use 1 to 64 of the letters"),
        ("", "read", "use 1 to 64 of the letters"),
        (
            "admin",
            "read",
            "`admin` is the name of the token in the data directory",
        ),
        ("eve (says: admin)", "read", "use 1 to 64 of the letters"),
        (
            "bea",
            "root",
            "there is no role `root`: use read, operate or admin",
        ),
        (
            "Carl",
            "read",
            "there is a token named `Carl`: remove it first",
        ),
    ];
    make(dir.path(), "carl", "read");
    for running in [false, true] {
        let relay = running.then(|| Relay::start(dir.path(), &[]));
        for (name, role, said) in rows {
            let (code, stdout, stderr) =
                run(dir.path(), &["admin-token", "--name", name, "--role", role]);
            assert_eq!((code, stdout.as_str()), (Some(2), ""), "{said}");
            assert!(stderr.contains(said) && stderr.len() < 400, "{stderr}");
            assert!(!stderr.contains('\u{1b}'), "{stderr}");
            let Some(relay) = &relay else { continue };
            let body = json!({"name": name, "role": role});
            let (status, answer) = relay
                .answer(Method::POST, "/admin/v1/tokens", &own(dir.path()), &body)
                .await;
            let expected = if name == "Carl" { 409 } else { 400 };
            assert_eq!(status, expected, "{answer}");
            let error = answer["error"].as_str().expect("text");
            assert!(error.contains(said) && error.len() < 400, "{error}");
        }
    }
    for args in [
        &["admin-token"][..],
        &["admin-token", "--name", "bea"],
        &["admin-token", "--role", "read"],
        &["admin-token", "rm"],
    ] {
        let (code, stdout, stderr) = run(dir.path(), args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?} {stderr}");
    }
}

#[test]
fn a_damaged_store_is_refused_by_name_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    make(dir.path(), "bea", "read");
    let store = dir.path().join("store.db");
    fs::write(
        &store,
        "no database, but long enough to be looked at".repeat(100),
    )
    .expect("it is damaged");
    let before = fs::read(&store).expect("it is read");
    for args in [
        &["admin-token", "ls"][..],
        &["admin-token", "--name", "eve", "--role", "admin"],
        &["audit"],
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ],
    ] {
        let (code, stdout, stderr) = run(dir.path(), args);
        assert!(matches!(code, Some(1 | 2)), "{args:?} {code:?}");
        assert_eq!(stdout, "", "{args:?}");
        assert!(
            stderr.contains("store.db` (if it is damaged: restore it"),
            "{args:?} {stderr}"
        );
    }
    assert_eq!(fs::read(&store).expect("it is read"), before);
}

#[tokio::test]
async fn nothing_is_done_that_the_audit_can_not_keep() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let admin = own(dir.path());
    let file = dir.path().join("audit.jsonl");
    let was = fs::read(&file).expect("it is there");
    // A directory in its place can't be written.
    fs::remove_file(&file).expect("it goes");
    fs::create_dir(&file).expect("it is in the way");
    let (status, answer) = relay
        .answer(Method::POST, "/admin/v1/levels", &admin, &rule())
        .await;
    assert_eq!(status, 503, "{answer}");
    assert_eq!(answer["error"], "the audit is away, so nothing was done");
    let (_, rules) = relay
        .answer(Method::GET, "/admin/v1/levels", &admin, &Value::Null)
        .await;
    assert_eq!(rules, json!([]));
    assert!(relay.log().contains("audit.jsonl"), "{}", relay.log());
    fs::remove_dir(&file).expect("it goes");
    fs::write(&file, was).expect("it is back");
    let (status, _) = relay
        .answer(Method::POST, "/admin/v1/levels", &admin, &rule())
        .await;
    assert_eq!(status, 201);
    let filed = lines(&fs::read_to_string(&file).expect("it is there"));
    let ids: Vec<_> = filed.iter().map(|entry| &entry["id"]).collect();
    assert_eq!(ids, [1, 2], "what was refused is in it, too");
}

#[tokio::test]
async fn each_look_at_somebodys_records_is_in_the_audit_whoever_serves_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let bea = make(dir.path(), "bea", "read");
    let rows = [
        (
            "/admin/v1/timeline?user=ada&at=2026-02-06T12:00:00Z&format=text&colour=1",
            ["timeline", "user:ada", "at=2026-02-06T12:00:00Z"],
        ),
        (
            "/admin/v1/records?q=user%3Aada+OR+%28install%3Ai-1+-user%3Abob+oops%29&limit=5",
            [
                "records",
                "user:ada install:i-1",
                "q=user:ada OR (install:i-1 -user:bob oops) limit=5",
            ],
        ),
        ("/admin/v1/find?text=ada", ["find", "ada", ""]),
        ("/admin/v1/people", ["people", "", ""]),
        ("/admin/v1/sessions?user=ada", ["sessions", "user:ada", ""]),
    ];
    for (path, _) in rows {
        let response = relay.ask(Method::GET, path, &bea, &Value::Null).await;
        let status = response.status();
        assert_eq!(
            status,
            200,
            "{path} {}",
            response.text().await.expect("text")
        );
    }
    // What looks at nobody's records is not.
    for path in ["/admin/v1/status", "/admin/v1/levels"] {
        relay.ask(Method::GET, path, &bea, &Value::Null).await;
    }
    let listing = relay.audit("?who=bea").await;
    let entries = listing["entries"].as_array().expect("entries");
    let told: Vec<_> = entries
        .iter()
        .rev()
        .map(|entry| {
            assert_eq!(entry["why"], r"ticket 4711\u009b2J");
            let text = |field: &str| entry[field].as_str().expect("text");
            ["action", "subject", "query"].map(text)
        })
        .collect();
    assert_eq!(told, rows.map(|(_, entry)| entry));
    let of_ada = relay.audit("?subject=user:ada").await;
    let of_ada = of_ada["entries"].as_array().expect("entries");
    assert_eq!(of_ada.len(), 3, "{of_ada:?}");
}

#[tokio::test]
async fn a_command_with_a_named_token_is_audited_under_its_name_and_refused_in_plain_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let file = dir.path().join("bea.token");
    fs::write(&file, make(dir.path(), "bea", "read")).expect("it is written");
    let as_bea = |args: &[&str]| {
        let url = format!("http://{}", relay.admin);
        let elsewhere = tempfile::tempdir().expect("another directory");
        let mut args = args.to_vec();
        let file = file.to_str().expect("text");
        args.extend(["--admin-token-file", file, "--admin-url", &url]);
        run(elsewhere.path(), &args)
    };
    let (code, _, stderr) = as_bea(&["sessions", "--user", "ada", "--why", "ticket 9"]);
    assert_eq!(code, Some(1), "nothing is found: {stderr}");
    for args in [
        &["audit"][..],
        &["admin-token", "ls"],
        &["admin-token", "--name", "eve", "--role", "admin"],
        &["admin-token", "rm", "bea"],
    ] {
        let (code, stdout, stderr) = as_bea(args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?} {stderr}");
        let said = "this needs the role admin: token `bea` has read";
        assert!(stderr.contains(said), "{args:?} {stderr}");
    }
    let listing = relay.audit("?who=bea").await;
    let entries = listing["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(
        (&entries[0]["subject"], &entries[0]["why"]),
        (&json!("user:ada"), &json!("ticket 9"))
    );
}

#[test]
fn an_audit_that_can_not_be_written_is_found_by_check_and_refused_at_the_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = Relay::start(dir.path(), &[]);
    assert!(relay.terminate().success());
    let file = dir.path().join("audit.jsonl");
    fs::remove_file(&file).expect("it goes");
    fs::create_dir(&file).expect("it is in the way");
    let free = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    for command in ["serve", "check"] {
        let (code, stdout, stderr) = run(dir.path(), &[&[command][..], &free].concat());
        assert_eq!(code, Some(1), "{command} {stdout}");
        let said = format!("cannot use the audit's file `{}`", file.display());
        assert!(
            format!("{stdout}{stderr}").contains(&said),
            "{command} {stdout} {stderr}"
        );
    }
}
