//! Levels from afar: who is told what, by whose word, and what is refused.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::relay::{Relay, command, token};

/// `courier-relay level …` on this data directory: its exit code, stdout and stderr.
fn level(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = command();
    command.arg("level").args(args).arg("--data-dir").arg(dir);
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn set(dir: &Path, args: &[&str]) -> Value {
    let (code, stdout, stderr) = level(dir, &[&["set"], args].concat());
    assert_eq!(code, Some(0), "{args:?}: {stderr}");
    serde_json::from_str(&stdout).expect("a rule")
}

/// A program's identity: token, install, session, service, version.
#[derive(Clone, Copy)]
struct Program<'p>(&'p str, &'p str, &'p str, &'p str, &'p str);

impl Relay {
    async fn levels(&self, program: Program<'_>, if_none_match: &str) -> Response {
        let Program(token, install, session, service, version) = program;
        let url = format!(
            "http://{}/api/v1/config/logging?installId={install}&sessionId={session}&service={service}&version={version}",
            self.addr
        );
        let mut request = self.client.get(url).header("if-none-match", if_none_match);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer")
    }

    /// Which rule counts for it.
    async fn rule(&self, program: Program<'_>) -> String {
        let text = self.levels(program, "").await.text().await.expect("text");
        let levels: Value = serde_json::from_str(&text).expect("JSON");
        levels["rule"].as_str().expect("a rule").to_owned()
    }

    /// The tag that comes with the answer to a batch of it.
    async fn tag_of_batch(&self, program: Program<'_>) -> String {
        let Program(token, install, session, service, version) = program;
        let body = json!({
            "resource": {"service.name": service, "service.version": version},
            "context": {"installId": install, "sessionId": session},
            "logs": [{"timestamp": "2026-02-06T12:00:00Z", "level": "info", "message": "m"}],
        });
        let url = format!("http://{}/api/v1/logs", self.addr);
        let response = self
            .client
            .post(url)
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200);
        header(&response, "courier-config")
    }

    /// The admin API's answer.
    async fn api(&self, method: Method, path: &str, token: &str, body: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.admin);
        let request = self.client.request(method, url).body(body.to_owned());
        let response = request.bearer_auth(token).send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("text");
        (status, serde_json::from_str(&text).expect("JSON"))
    }
}

fn header(response: &Response, name: &str) -> String {
    let value = response.headers()[name].to_str().expect("text");
    value.to_owned()
}

#[tokio::test]
async fn the_most_specific_rule_counts_and_the_answer_to_a_batch_has_its_tag() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let dir = dir.path();
    let other = token(dir, "user-other");
    let a = Program(&relay.token, "i-1", "s-1", "app", "1.0");
    let b = Program(&other, "i-2", "s-2", "app", "2.0");
    let stranger = Program("", "i-1", "s-1", "app", "1.0");
    let bad_token = Program("a.b.c", "i-1", "s-1", "app", "1.0");
    for (args, expected) in [
        (&[][..], ["none 0", "none 0", "none 0"]),
        (
            &["--everyone", "warning"],
            ["everyone 1", "everyone 1", "everyone 1"],
        ),
        (
            &["--service", "app", "info"],
            ["service 2", "service 2", "service 2"],
        ),
        (
            &[
                "--service",
                "app",
                "--version",
                "2.0",
                "--for",
                "1h",
                "debug",
            ],
            ["service 2", "version 3", "service 2"],
        ),
        (
            &["--user", "user-abc", "--for", "1h", "trace"],
            ["user 4", "version 3", "service 2"],
        ),
        (
            &["--install", "i-2", "--for", "1h", "trace"],
            ["user 4", "install 5", "service 2"],
        ),
        (
            &["--session", "s-1", "--for", "1h", "trace"],
            ["session 6", "install 5", "service 2"],
        ),
    ] {
        if !args.is_empty() {
            set(dir, args);
        }
        for (program, expected) in [a, b, stranger].into_iter().zip(expected) {
            let expected = expected.trim_end_matches(" 0");
            assert_eq!(relay.rule(program).await, expected, "after {args:?}");
        }
        for program in [a, b] {
            let levels = relay.levels(program, "").await;
            let tag = header(&levels, "etag");
            assert_eq!(relay.tag_of_batch(program).await, tag, "after {args:?}");
            let same = relay.levels(program, &format!("\"other\", W/{tag}")).await;
            assert_eq!(same.status(), 304);
            assert_eq!(header(&same, "etag"), tag);
            assert_eq!(same.text().await.expect("text"), "");
        }
        assert_eq!(relay.rule(bad_token).await, relay.rule(stranger).await);
    }
}

#[tokio::test]
async fn the_answer_says_levels_modules_and_how_long() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--level-refresh", "90s"]);
    let rule = set(
        dir.path(),
        &[
            "--user",
            "user-abc",
            "--module",
            "app::sync=trace",
            "--module",
            "http=WARN",
            "--for",
            "10m",
            "--why",
            "ticket 4711",
            "--author",
            "ada",
            "debug",
        ],
    );
    assert_eq!(rule["levels"], "debug,app::sync=trace,http=warning");
    assert_eq!(
        (&rule["why"], &rule["author"]),
        (&json!("ticket 4711"), &json!("admin (says: ada)"))
    );
    let program = Program(&relay.token, "i", "s", "app", "1");
    let levels = relay.levels(program, "").await;
    assert_eq!(header(&levels, "content-type"), "application/json");
    let text = levels.text().await.expect("text");
    assert!(
        !text.contains("4711"),
        "the reason is for support only: {text}"
    );
    let mut levels: Value = serde_json::from_str(&text).expect("JSON");
    let left = levels["expires_in_seconds"]
        .take()
        .as_f64()
        .expect("a number");
    assert!((590.0..=600.0).contains(&left), "{left}");
    assert_eq!(
        levels,
        json!({
            "min_level": "debug", "modules": {"app::sync": "trace", "http": "warning"},
            "expires_at": rule["expires_at"], "expires_in_seconds": null, "refresh_seconds": 90, "rule": "user 1",
        })
    );
}

#[tokio::test]
async fn a_rule_ends_by_itself_and_its_end_changes_the_tag() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let program = Program(&relay.token, "i", "s", "app", "1");
    let before = relay.tag_of_batch(program).await;
    set(dir.path(), &["--user", "user-abc", "--for", "1s", "trace"]);
    assert_ne!(relay.tag_of_batch(program).await, before);
    let until = Instant::now() + Duration::from_secs(20);
    while relay.tag_of_batch(program).await != before {
        assert!(Instant::now() < until, "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(relay.rule(program).await, "none");
    let (_, rules, _) = level(dir.path(), &["ls"]);
    assert_eq!(rules, "");
}

#[tokio::test]
async fn rules_and_who_made_them_outlive_the_relay_and_can_be_set_without_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let (code, _, stderr) = level(
        dir.path(),
        &["set", "--everyone", "--author", "ada", "warning"],
    );
    assert_eq!(code, Some(0));
    assert!(stderr.contains("no relay runs"), "{stderr}");

    let relay = Relay::start(dir.path(), &[]);
    let program = Program(&relay.token, "i", "s", "app", "1");
    assert_eq!(relay.rule(program).await, "everyone 1");
    set(
        dir.path(),
        &[
            "--user", "user-abc", "--for", "1h", "--author", "bob", "trace",
        ],
    );
    relay.kill();

    let relay = Relay::start(dir.path(), &[]);
    let program = Program(&relay.token, "i", "s", "app", "1");
    assert_eq!(relay.rule(program).await, "user 2");
    let (code, _, stderr) = level(dir.path(), &["rm", "2", "--author", "eve & co"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(relay.rule(program).await, "everyone 1");
    let (code, _, stderr) = level(dir.path(), &["rm", "2", "99"]);
    assert_eq!(code, Some(1));
    assert_eq!(stderr.lines().count(), 2, "{stderr}");
    assert!(stderr.contains("there is no rule 99"), "{stderr}");

    let (_, rules, _) = level(dir.path(), &["ls"]);
    assert_eq!(rules.lines().count(), 1, "{rules}");
    let (_, deeds, _) = level(dir.path(), &["ls", "--audit"]);
    let deeds: Vec<Value> = deeds
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let said: Vec<_> = deeds
        .iter()
        .map(|deed| (&deed["action"], &deed["author"], &deed["rule"]["id"]))
        .collect();
    assert_eq!(
        said,
        [
            (
                &json!("removed"),
                &json!("admin (says: eve & co)"),
                &json!(2)
            ),
            (&json!("set"), &json!("admin (says: bob)"), &json!(2)),
            (
                &json!("set"),
                &json!("data directory (says: ada)"),
                &json!(1)
            ),
        ]
    );
}

#[tokio::test]
async fn a_rule_for_nobody_is_set_and_said_with_who_was_heard_of_late() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let rule = ["set", "--user", "user-abd", "--for", "1h", "trace"];
    let (_, _, stderr) = level(dir.path(), &rule);
    assert!(
        stderr.contains("nobody was heard of late that it is meant for (user user-abd)")
            && !stderr.contains("there were"),
        "{stderr}"
    );
    relay
        .rule(Program(&relay.token, "i-1", "s-1", "app", "1.0"))
        .await;
    for (args, heard) in [
        (&rule[..], "user-abc"),
        (&["set", "--service", "ap", "trace"], "app"),
        (
            &[
                "set",
                "--service",
                "app",
                "--version",
                "2",
                "--for",
                "1h",
                "trace",
            ],
            "app 1.0",
        ),
        (&["set", "--install", "i-2", "--for", "1h", "trace"], "i-1"),
    ] {
        let (code, _, stderr) = level(dir.path(), args);
        assert_eq!(code, Some(0), "it may come yet");
        assert!(
            stderr.ends_with(&format!("there were: {heard}\n")),
            "{args:?}: {stderr}"
        );
    }
    let (_, _, stderr) = level(
        dir.path(),
        &["set", "--user", "user-abc", "--for", "1h", "trace"],
    );
    assert_eq!(stderr, "", "it finds somebody");
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused_by_name_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    for (args, words) in [
        (
            &["--user", "u", "--for", "10m", "loud"][..],
            &["`loud` is no level"][..],
        ),
        (
            &[
                "--user", "u", "--for", "10m", "--module", "app=loud", "info",
            ],
            &["`loud` is no level"],
        ),
        (
            &[
                "--user", "u", "--for", "10m", "--module", "a b=info", "info",
            ],
            &["`a b` is no module path"],
        ),
        (
            &["--user", "u", "--for", "10m", "--module", "app", "info"],
            &["MODULE=LEVEL"],
        ),
        (&["--user", "u", "trace"], &["--for", "24 h"]),
        (&["--user", "u", "--for", "25h", "trace"], &["at most 24 h"]),
        (&["--user", "u", "--for", "0s", "trace"], &["above zero"]),
        (&["--user", "u", "--for", "-5m", "trace"], &["--for", "-5m"]),
        (
            &["--user", "u", "--until", "2020-01-01T00:00:00Z", "trace"],
            &["2020-01-01T00:00:00Z", "before now"],
        ),
        (&["--user", "u", "--until", "soon", "trace"], &["`soon`"]),
        (
            &[
                "--user",
                "u",
                "--for",
                "1m",
                "--until",
                "2099-01-01T00:00:00Z",
                "trace",
            ],
            &["--until"],
        ),
        (
            &["--user", "", "--for", "10m", "trace"],
            &["user: give 1 to 256 characters"],
        ),
        (&["--version", "1", "--for", "10m", "trace"], &["--service"]),
        (
            &["--user", "u", "--everyone", "--for", "10m", "trace"],
            &["--everyone"],
        ),
        (&["--for", "10m", "trace"], &["--everyone"]),
    ] {
        let (code, stdout, stderr) = level(dir.path(), &[&["set"], args].concat());
        assert_ne!(code, Some(0), "{args:?}");
        assert_eq!(stdout, "");
        assert!(
            words.iter().all(|word| stderr.contains(word)),
            "{args:?}: {stderr}"
        );
    }

    let admin = std::fs::read_to_string(dir.path().join("admin-token")).expect("it is made");
    let admin = admin.trim();
    for (body, words) in [
        ("", "no rule: EOF"),
        ("[]", "no rule: "),
        (
            r#"{"whom":"nobody","level":"info"}"#,
            "unknown variant `nobody`",
        ),
        (r#"{"whom":"everyone"}"#, "missing field `level`"),
        (
            r#"{"whom":"everyone","level":"loud"}"#,
            "`loud` is no level",
        ),
        (
            r#"{"whom":"everyone","level":"info","for":60}"#,
            "unknown field `for`",
        ),
        (r#"{"whom":{"user":"u"},"level":"info"}"#, "needs an end"),
        (
            r#"{"whom":{"user":"u"},"level":"info","for_seconds":90000}"#,
            "at most 24 h",
        ),
    ] {
        let (status, answer) = relay
            .api(Method::POST, "/admin/v1/levels", admin, body)
            .await;
        let said = answer["error"].as_str().expect("it says why");
        assert!(
            status == 400 && said.contains(words),
            "{body}: {status} {said}"
        );
    }
    for (method, path) in [
        (Method::POST, "/admin/v1/levels"),
        (Method::GET, "/admin/v1/levels"),
        (Method::GET, "/admin/v1/levels/audit"),
        (Method::DELETE, "/admin/v1/levels/1"),
    ] {
        for token in ["", "wrong", &relay.token] {
            let body = r#"{"whom":"everyone","level":"trace"}"#;
            let (status, _) = relay.api(method.clone(), path, token, body).await;
            assert_eq!(status, 401, "{method} {path} with `{token}`");
        }
    }
    for path in ["/admin/v1/levels/1", "/admin/v1/levels/x"] {
        let (status, _) = relay.api(Method::DELETE, path, admin, "").await;
        assert_eq!(status, 404);
    }
    let (_, rules) = relay.api(Method::GET, "/admin/v1/levels", admin, "").await;
    assert_eq!(rules, json!([]));
    let (_, deeds) = relay
        .api(Method::GET, "/admin/v1/levels/audit", admin, "")
        .await;
    assert_eq!(deeds, json!([]));
    assert_eq!(
        relay
            .rule(Program(&relay.token, "i", "s", "app", "1"))
            .await,
        "none"
    );
}

#[tokio::test]
async fn whatever_a_program_says_of_itself_is_answered() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    set(
        dir.path(),
        &["--install", "a/b c&d", "--for", "1h", "trace"],
    );
    // Only who was heard with an install is told of its rules.
    let heard = Program(&relay.token, "a/b c&d", "s", "app", "1");
    relay.tag_of_batch(heard).await;
    for (query, rule) in [
        ("", "none"),
        ("?", "none"),
        ("?installId=a%2Fb%20c%26d", "install 1"),
        ("?install_id=a%2Fb+c%26d&x=y", "install 1"),
        ("?installId=x&installId=a%2Fb+c%26d", "install 1"),
        ("?installId=a%2Fb+c%26d&installId=", "none"),
        ("?installId=%ff%fe&sessionId=%", "none"),
        ("?installId[]=1&=&&&", "none"),
    ] {
        let url = format!("http://{}/api/v1/config/logging{query}", relay.addr);
        let request = relay.client.get(url).bearer_auth(&relay.token);
        let text = request
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text");
        let levels: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{query}: {text}"));
        assert_eq!(levels["rule"], rule, "{query}");
    }
}

#[test]
fn a_store_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("store.db");
    std::fs::write(
        &file,
        "no database, but long enough to be taken for one ".repeat(100),
    )
    .expect("it is written");
    let (code, _, stderr) = level(dir.path(), &["ls"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&file.display().to_string()), "{stderr}");
}

#[tokio::test]
async fn a_rule_for_an_install_is_told_only_to_whom_the_relay_heard_with_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    set(dir.path(), &["--install", "i-1", "--for", "1h", "trace"]);
    set(dir.path(), &["--session", "s-2", "--for", "1h", "trace"]);
    let own = Program(&relay.token, "i-1", "s-1", "app", "1.0");
    let other = token(dir.path(), "user-other");
    let prying = Program(&other, "i-1", "s-2", "app", "1.0");
    assert_eq!(relay.rule(own).await, "none", "nothing was heard of it yet");
    // The answer to the first batch says that there is something to ask for.
    let tag = relay.tag_of_batch(own).await;
    assert_eq!(relay.rule(own).await, "install 1");
    assert_eq!(header(&relay.levels(own, "").await, "etag"), tag);
    assert_eq!(relay.rule(prying).await, "none", "another's token");
    let second = Program(&relay.token, "i-2", "s-2", "app", "1.0");
    relay.tag_of_batch(second).await;
    assert_eq!(relay.rule(second).await, "session 2");
    assert_eq!(relay.rule(prying).await, "none");
}

#[tokio::test]
async fn what_a_client_named_moves_no_terminal() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let evil = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{200b}";
    let body = json!({
        "resource": {"service.name": evil},
        "logs": [{"timestamp": "2026-02-06T12:00:00Z", "level": "info", "message": "m"}],
    });
    relay.accept(body.to_string()).await;
    let (code, stdout, stderr) = level(dir.path(), &["set", "--service", "app", "trace"]);
    assert_eq!(code, Some(0));
    assert!(
        stderr.contains(r"there were: \u001b]0;pwned\u0007\u001b[2J\u009b31m\u202e\u200b"),
        "{stderr:?}"
    );
    set(dir.path(), &["--service", "a\u{202e}b", "trace"]);
    let (_, rules, _) = level(dir.path(), &["ls"]);
    for text in [&stdout, &stderr, &rules] {
        let raw = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{200b}".contains(c);
        assert!(!text.contains(raw), "{text:?}");
    }
    let last: Value = serde_json::from_str(rules.lines().last().expect("a rule")).expect("JSON");
    assert_eq!(last["whom"]["service"], "a\u{202e}b", "it is the same JSON");
}
