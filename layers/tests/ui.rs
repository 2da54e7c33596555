//! What the compiler says to a program that adds a layer after the gate: one sentence with what to do.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

const PROGRAM: &str = r#"
use tracing_courier::{SanitizeExt as _, SanitizeLayer};
use tracing_subscriber::prelude::*;

fn main() {
    tracing_subscriber::registry()
        .sanitized(SanitizeLayer::default())
        .with(tracing_subscriber::fmt::layer())
        .init();
}
"#;

/// The library and `tracing-subscriber` as cargo has built them for this test.
fn libraries() -> Vec<(String, PathBuf)> {
    let mut build = Command::new(env!("CARGO"));
    build
        // As this test itself was built, so that everything is there.
        .args([
            "test",
            "--offline",
            "--quiet",
            "--no-run",
            "--test",
            "ui",
            "--message-format=json",
        ])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .args(["--features", &features().join(",")]);
    if !(cfg!(feature = "http") && cfg!(feature = "local-log") && cfg!(feature = "signals")) {
        build.arg("--no-default-features");
    }
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let output = build.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let artifacts = String::from_utf8(output.stdout).unwrap();
    let artifacts = artifacts
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    artifacts
        .filter_map(|artifact| {
            let name = artifact["target"]["name"].as_str()?.to_owned();
            let files = artifact["filenames"].as_array()?.iter();
            let file = files
                .filter_map(Value::as_str)
                .find(|file| file.ends_with(".rlib"))?;
            Some((name, PathBuf::from(file)))
        })
        .collect()
}

fn features() -> Vec<&'static str> {
    [
        ("http", cfg!(feature = "http")),
        ("local-log", cfg!(feature = "local-log")),
        ("signals", cfg!(feature = "signals")),
        ("netwatch", cfg!(feature = "netwatch")),
        ("zstd", cfg!(feature = "zstd")),
        ("policy", cfg!(feature = "policy")),
        ("pseudonym", cfg!(feature = "pseudonym")),
    ]
    .into_iter()
    .filter_map(|(name, is_on)| is_on.then_some(name))
    .collect()
}

#[test]
fn a_layer_after_the_gate_is_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("program.rs");
    std::fs::write(&program, PROGRAM).unwrap();
    let libraries = libraries();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc
        .args(["--edition", "2024", "--emit", "metadata", "--out-dir"])
        .arg(dir.path())
        .arg(&program);
    for name in ["tracing_courier", "tracing_subscriber"] {
        let (_, file) = libraries
            .iter()
            .find(|(known, _)| known == name)
            .expect(name);
        rustc
            .arg("--extern")
            .arg(format!("{name}={}", file.display()));
        let deps = if file.parent().unwrap().ends_with("deps") {
            file.parent().unwrap().to_owned()
        } else {
            file.parent().unwrap().join("deps")
        };
        rustc
            .arg("-L")
            .arg(format!("dependency={}", deps.display()));
    }
    let output = rustc.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("aborting due to 1 previous error"), "{said}");
    for part in [
        "error[E0277]: no layer can be added after `.sanitized(..)`: it would see what the gate takes out",
        "add this layer before `.sanitized(..)`",
        "`.sanitized(..)` comes last, before `.init()`",
    ] {
        assert!(said.contains(part), "`{part}` in\n{said}");
    }
}
