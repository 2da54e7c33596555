//! One process with every layer that people stack, under the global default: forty secrets of twenty kinds, made at
//! random, in every place that `tracing` has. Behind the gate none is in any output; without it all are.
//!
//! Each run is a process of its own (the test runs itself again), because subscriber and panic hook are global.

mod outputs;
#[path = "../printed/mod.rs"]
mod printed;
mod program;
mod secrets;

use std::collections::BTreeMap;
use std::process::Command;

use secrets::Secret;

const RUN: &str = "EVERY_LAYER_RUN";
const SECRETS: &str = "EVERY_LAYER_SECRETS";

/// What each layer put out, by its name.
type Outputs = BTreeMap<String, String>;

fn run(gated: bool, secrets: &[Secret]) -> Outputs {
    let dir = tempfile::tempdir().unwrap();
    let secrets_file = dir.path().join("secrets.json");
    std::fs::write(&secrets_file, serde_json::to_vec(secrets).unwrap()).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "no_secret_passes_the_gate_to_any_layer",
            "--nocapture",
        ])
        .env(RUN, if gated { "gated" } else { "raw" })
        .env(SECRETS, &secrets_file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&std::fs::read(dir.path().join("outputs.json")).unwrap()).unwrap()
}

fn child(run: &str, secrets_file: &str) {
    let secrets: Vec<Secret> =
        serde_json::from_slice(&std::fs::read(secrets_file).unwrap()).unwrap();
    let dir = std::path::Path::new(secrets_file).parent().unwrap();
    let outputs = outputs::collect(run == "gated", &dir.join("queue"), || {
        program::run(&secrets)
    });
    std::fs::write(
        dir.join("outputs.json"),
        serde_json::to_vec(&outputs).unwrap(),
    )
    .unwrap();
}

#[test]
fn no_secret_passes_the_gate_to_any_layer() {
    if let (Ok(which), Ok(file)) = (std::env::var(RUN), std::env::var(SECRETS)) {
        return child(&which, &file);
    }
    let secrets = secrets::forty();
    let gated = run(true, &secrets);
    for (layer, text) in &gated {
        assert!(text.contains("harmless"), "{layer} put out nothing: {text}");
        for secret in &secrets {
            assert!(
                !text.contains(&secret.core),
                "{} `{}` leaks through {layer}",
                secret.kind,
                secret.core
            );
        }
    }
    let raw = run(false, &secrets);
    for secret in &secrets {
        let seen = raw.values().any(|text| text.contains(&secret.core));
        assert!(
            seen,
            "the control run does not show {} `{}`",
            secret.kind, secret.core
        );
    }
}
