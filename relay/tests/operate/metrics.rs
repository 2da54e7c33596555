//! `/metrics`: names, types, labels and what each means stay what dashboards and alert rules know.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::relay::Relay;
use crate::upstream::{Say, Upstream};

/// What a relay answers that has done a little of everything.
async fn scrapes() -> Vec<String> {
    let upstream = Upstream::start([], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let files = dir.path().join("files");
    let relay = Relay::start(
        dir.path(),
        &[
            "--otlp-endpoint",
            &upstream.endpoint,
            "--exceptions",
            "span",
            "--otlp-file-dir",
            files.to_str().expect("text"),
        ],
    );
    let batch = r#"[{"timestamp":"2026-02-06T12:00:00Z","level":"error","message":"mail ann@example.com","error":"E"},
        {"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m","level":"nonsense"}]"#;
    relay.accept(batch).await;
    for name in [
        "courier_records_exported_total",
        "courier_span_records_exported_total",
        "courier_file_records_total",
    ] {
        let counted = async {
            while relay.metric(name).await < 1.0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), counted).await;
        assert!(waited.is_ok(), "{name} stays 0: {}", relay.log());
    }
    let of_keys = tempfile::tempdir().expect("a directory");
    let published = Relay::start(of_keys.path(), &["--jwks-url", "http://127.0.0.1:9/keys"]);
    let mut texts = Vec::new();
    for relay in [&relay, &published] {
        let answer = relay.admin("/metrics").await;
        let kind = answer.headers()["content-type"].to_str().expect("text");
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        texts.push(answer.text().await.expect("text"));
    }
    texts
}

/// Each metric as one line: type, name, labels, what it means. A histogram's bounds are part of its name for Prometheus.
fn listing(texts: &[String]) -> String {
    let mut metrics: BTreeMap<&str, (&str, &str, Vec<String>)> = BTreeMap::new();
    for line in texts.iter().flat_map(|text| text.lines()) {
        if let Some((name, help)) = line
            .strip_prefix("# HELP ")
            .and_then(|rest| rest.split_once(' '))
        {
            metrics.entry(name).or_default().1 = help;
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            metrics.entry(name).or_default().0 = kind;
        } else {
            let (series, _) = line.rsplit_once(' ').expect("a series and its value");
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let of = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|part| name.strip_suffix(part))
                .find(|name| metrics.contains_key(name))
                .unwrap_or(name);
            let (_, kind_help, found) = metrics.get_mut(of).expect("said before its series");
            assert!(!kind_help.is_empty(), "{line}");
            for label in labels.trim_end_matches('}').split(',') {
                // Which statuses and rules there are is not for this test; which bounds is.
                let label = match label.split_once('=') {
                    Some(("le", _)) => label,
                    Some((label, _)) => label,
                    None => continue,
                };
                if !found.iter().any(|known| known == label) {
                    found.push(label.to_owned());
                }
            }
        }
    }
    let mut lines = String::new();
    for (name, (kind, help, labels)) in metrics {
        writeln!(lines, "{kind} {name}{{{}}} {help}", labels.join(",")).expect("a line");
    }
    lines
}

#[tokio::test]
async fn every_metric_has_the_name_type_labels_and_meaning_it_always_had() {
    let texts = scrapes().await;
    insta::assert_snapshot!(listing(&texts));
    let probe = Command::new("promtool").arg("--version").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("not linted: there is no promtool (Debian's package `prometheus`)");
        return;
    }
    for text in texts {
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut stdin = promtool.stdin.take().expect("it is piped");
        stdin.write_all(text.as_bytes()).expect("it reads");
        drop(stdin);
        let output = promtool.wait_with_output().expect("it ends");
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
