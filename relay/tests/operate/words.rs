//! Settings that are misspelt, or of the wrong kind: the answer names what was meant.

use std::process::Output;

use crate::relay::command;

fn run(dir: &std::path::Path, args: &[&str], toml: &str, environment: &[(&str, &str)]) -> Output {
    let file = dir.join("relay.toml");
    std::fs::write(&file, toml).expect("it is written");
    let mut command = command();
    command.args(args).arg("--config").arg(&file);
    command.arg("--data-dir").arg(dir.join("data"));
    command.envs(environment.iter().copied());
    command.output().expect("it runs")
}

#[test]
fn a_key_that_is_no_setting_is_answered_with_the_nearest_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let cases = [
        ("spool_max_byte = 5", "did you mean `spool_max_bytes`?"),
        (
            "trusted_proxies = \"10.0.0.1\"",
            "did you mean `trusted_proxy`?",
        ),
        (
            "otlp-endpoint = \"http://a\"",
            "did you mean `otlp_endpoint`?",
        ),
        ("jwks = \"https://a\"", "did you mean `jwks_url`?"),
        (
            "[spool]\nmax_bytes = 5",
            "there are no sections: write `spool_max_bytes = …`",
        ),
        (
            "[otlp]\nendpoint = \"http://a\"",
            "there are no sections: write `otlp_endpoint = …`",
        ),
        (
            "listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]",
            "`listen` takes one value, not an array",
        ),
        (
            "max_records = 1.5",
            "`max_records` is a float: write a string, a number or a boolean",
        ),
        (
            "listen = { port = 1 }",
            "`listen` is a table: write a string, a number or a boolean",
        ),
    ];
    for (toml, expected) in cases {
        for args in [&["serve"][..], &["check"]] {
            let output = run(dir.path(), args, toml, &[]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{toml} {args:?}: {said}");
            assert!(said.contains(expected), "{toml} {args:?}: {said}");
            assert!(said.contains("relay.toml"), "{toml}: {said}");
        }
    }
    assert!(!dir.path().join("data").exists());
}

#[test]
fn a_list_may_be_an_array() {
    let dir = tempfile::tempdir().expect("a directory");
    let toml = "trusted_proxy = [\"10.0.0.0/8\", \"::1\"]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"";
    let output = run(dir.path(), &["check"], toml, &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_variable_that_is_no_setting_is_answered_with_the_nearest_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let cases = [
        (
            "COURIER_SPOOL_MAXBYTES",
            "did you mean `COURIER_SPOOL_MAX_BYTES`?",
        ),
        (
            "COURIER_TRUSTED_PROXIES",
            "did you mean `COURIER_TRUSTED_PROXY`?",
        ),
        ("COURIER_LOGS", "did you mean `COURIER_LOG`?"),
        (
            "COURIER_JWT_SECRET",
            "did you mean `COURIER_JWT_SECRET_FILE`?",
        ),
    ];
    for (name, expected) in cases {
        for args in [&["serve"][..], &["check"]] {
            let output = run(dir.path(), args, "", &[(name, "hunter2")]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{name} {args:?}: {said}");
            assert!(
                said.contains(name) && said.contains(expected),
                "{name}: {said}"
            );
            assert!(!said.contains("hunter2"), "a value may be a secret: {said}");
        }
    }
}
