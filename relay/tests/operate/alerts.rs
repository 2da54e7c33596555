//! The alert rules in `relay/dist/`: Prometheus takes them, and each metric in them is one of the relay's.

use std::collections::BTreeSet;
use std::process::Command;

use crate::relay::Relay;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dist/courier-alerts.yml");

#[tokio::test]
async fn every_metric_of_the_rules_is_one_of_the_relays() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", "http://127.0.0.1:9"]);
    let metrics = relay.admin("/metrics").await.text().await.expect("text");
    let rules = std::fs::read_to_string(RULES).expect("the rules are there");
    let names: BTreeSet<&str> = rules
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| {
            line.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        })
        .filter(|word| word.starts_with("courier_"))
        .collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        assert!(
            metrics.contains(&format!("# TYPE {name} ")),
            "{name} in {metrics}"
        );
    }
}

#[test]
fn prometheus_takes_the_rules_and_they_fire_when_they_should() {
    let probe = Command::new("promtool").arg("--version").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no promtool (Debian's package `prometheus`)");
        return;
    }
    let tests = RULES.replace("alerts.yml", "alerts.test.yml");
    for args in [["check", "rules", RULES], ["test", "rules", &tests]] {
        let output = Command::new("promtool")
            .args(args)
            .output()
            .expect("it runs");
        assert!(
            output.status.success(),
            "{args:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
