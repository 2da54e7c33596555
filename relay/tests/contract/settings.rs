//! Every setting is a flag, an environment variable and a TOML key; the flag wins, then the environment.

use std::path::Path;
use std::process::Output;

use crate::relay::{command, token};

/// A flag of the table and three values of it that are refused, each in words that tell it from the others; what is not
/// shown because it could be a secret is refused by its flag alone.
const REFUSED: [(&str, [&str; 3]); 25] = [
    ("listen", ["a", "b:1", "0.0.0.0"]),
    ("admin-listen", ["a", "b:1", "0.0.0.0"]),
    ("tls-cert-file", ["/no/a", "/no/b", "/no/c"]),
    ("tls-key-file", ["/no/a", "/no/b", "/no/c"]),
    ("allow-plain-http", ["maybe", "1", "yes!"]),
    ("max-connections", ["0", "none", "-1"]),
    ("max-connections-per-address", ["x", "none", "-1"]),
    ("admin-token-file", ["/no/a", "/no/b", "/no/c"]),
    ("otlp-endpoint", ["nowhere", "ftp://a", "http://a?b"]),
    ("otlp-token-file", ["/no/a", "/no/b", "/no/c"]),
    ("jwt-secret-file", ["/no/a", "/no/b", "/no/c"]),
    ("allow-weak-secret", ["a", "b", "c"]),
    ("jwt-public-key-file", ["/no/a", "/no/b", "/no/c"]),
    ("jwks-url", ["nowhere", "http://keys.example", "ftp://a"]),
    ("spool", ["redis", "disk", "sqlite3"]),
    ("spool-max-bytes", ["0", "much", "1 parsec"]),
    ("database-url", ["sqlite://a", "mysql://b", "c"]),
    ("rate-records-per-minute", ["-1", "many", "1e3"]),
    ("rate-bytes-per-minute", ["-1", "many", "1e3"]),
    ("rate-requests-per-minute", ["-1", "many", "1e3"]),
    ("max-body-bytes", ["0", "much", "1 parsec"]),
    ("max-records", ["0", "many", "-1"]),
    ("sanitize", ["maybe", "1", "yes!"]),
    ("clamp", ["maybe", "1", "yes!"]),
    ("cors-origin", ["*", "app.example", "https://app.example/"]),
];

/// Their values are not shown: a URL may have a password in it.
const SILENT: [&str; 2] = ["otlp-endpoint", "database-url"];

fn variable(flag: &str) -> String {
    format!("COURIER_{}", flag.to_uppercase().replace('-', "_"))
}

/// What the relay says when it is told `values` of `flag` by file, environment and flag.
fn says(dir: &Path, flag: &str, values: [Option<&str>; 3]) -> String {
    let [file, environment, argument] = values;
    let mut command = command();
    command.args(["serve", "--data-dir"]).arg(dir.join("data"));
    if let Some(value) = file {
        let path = dir.join("relay.toml");
        let text = format!("{} = \"{value}\"\n{}", flag.replace('-', "_"), beside(flag));
        std::fs::write(&path, text).expect("it is written");
        command.arg("--config").arg(path);
    }
    if let Some(value) = environment {
        command.env(variable(flag), value);
    }
    if let Some(value) = argument {
        command.arg(format!("--{flag}={value}"));
    }
    let output = command.output().expect("it runs");
    assert!(!output.status.success(), "{flag} {values:?}");
    assert!(output.stdout.is_empty(), "{flag}: nothing listens");
    assert!(!dir.join("data").exists(), "{flag} left something behind");
    text(output)
}

fn text(output: Output) -> String {
    String::from_utf8(output.stderr).expect("text")
}

/// What a setting needs beside it before its own value is looked at.
fn beside(flag: &str) -> &'static str {
    match flag {
        "tls-cert-file" => "tls_key_file = \"/no/key\"",
        "tls-key-file" => concat!(
            "tls_cert_file = \"",
            env!("CARGO_MANIFEST_DIR"),
            "/Cargo.toml\""
        ),
        _ => "",
    }
}

#[test]
fn every_setting_is_a_flag_a_variable_and_a_key_in_this_order_and_is_refused_by_its_name() {
    let dir = tempfile::tempdir().expect("a directory");
    for (flag, [of_file, of_environment, of_flag]) in REFUSED {
        let cases = [
            ([Some(of_file), None, None], of_file),
            ([Some(of_file), Some(of_environment), None], of_environment),
            (
                [Some(of_file), Some(of_environment), Some(of_flag)],
                of_flag,
            ),
        ];
        for (values, wins) in cases {
            let error = says(dir.path(), flag, values);
            assert!(
                error.contains(&format!("--{flag}")),
                "{flag} {values:?}: {error}"
            );
            assert!(
                SILENT.contains(&flag) || error.contains(&format!("`{wins}`")),
                "{flag} {values:?}: {error}"
            );
        }
    }
}

#[test]
fn what_takes_any_value_comes_from_all_three_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let claims = |args: &[String], environment: &[(String, &str)]| -> serde_json::Value {
        let mut command = command();
        command
            .args(["token", "--user", "u", "--data-dir"])
            .arg(dir.path())
            .args(args);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().expect("it runs");
        let token = String::from_utf8(output.stdout).expect("text");
        let payload = token.split('.').nth(1).expect("a token has three parts");
        serde_json::from_slice(&base64url(payload)).expect("claims are JSON")
    };
    let file = dir.path().join("relay.toml");
    std::fs::write(&file, "jwt_issuer = \"file\"\njwt_audience = \"file\"").expect("it is written");
    let config = vec!["--config".to_owned(), file.display().to_string()];
    for (flag, claim) in [("jwt-issuer", "iss"), ("jwt-audience", "aud")] {
        assert_eq!(claims(&config, &[])[claim], "file");
        let environment = [(variable(flag), "environment")];
        assert_eq!(claims(&config, &environment)[claim], "environment");
        let mut all = config.clone();
        all.push(format!("--{flag}=flag"));
        assert_eq!(claims(&all, &environment)[claim], "flag");
        assert_eq!(
            claims(&[], &[(variable(flag), "")]).get(claim),
            None,
            "an empty one is silent"
        );
    }

    // The data directory: where the secret is made says which it was.
    let [of_file, of_environment, of_flag] = ["f", "e", "a"].map(|name| dir.path().join(name));
    let file = dir.path().join("data.toml");
    std::fs::write(&file, format!("data_dir = \"{}\"", of_file.display())).expect("it is written");
    let run = |environment: Option<&Path>, flag: Option<&Path>| {
        let mut command = command();
        command
            .args(["token", "--user", "u", "--config"])
            .arg(&file);
        command.envs(environment.map(|path| ("COURIER_DATA_DIR", path)));
        command.args(flag.map(|path| format!("--data-dir={}", path.display())));
        assert!(command.output().expect("it runs").status.success());
    };
    run(None, None);
    assert!(of_file.exists() && !of_environment.exists());
    run(Some(&of_environment), None);
    assert!(of_environment.exists() && !of_flag.exists());
    run(Some(&of_environment), Some(&of_flag));
    assert!(of_flag.exists());
    token(&of_flag, "u");
}

#[test]
fn the_help_names_every_setting() {
    let output = command()
        .args(["serve", "--help"])
        .output()
        .expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let others = [
        "data-dir",
        "jwt-issuer",
        "jwt-audience",
        "trusted-proxy",
        "config",
    ];
    for flag in REFUSED.iter().map(|(flag, _)| *flag).chain(others) {
        assert!(help.contains(&format!("--{flag}")), "{flag}");
        assert!(help.contains(&variable(flag)), "{flag}");
    }
}

#[test]
fn the_help_of_a_command_that_reads_no_settings_lists_only_its_own_flags() {
    let help = |args: &[&str]| {
        let output = command().args(args).output().expect("it runs");
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let sanitize = help(&["sanitize", "--help"]);
    for flag in ["--policy", "--report", "--text", "--explain", "--help"] {
        assert!(sanitize.contains(flag), "{flag}");
    }
    for text in [sanitize, help(&["queue", "ls", "--help"])] {
        for (flag, _) in REFUSED {
            assert!(!text.contains(&format!("--{flag} ")), "{flag}");
        }
        assert!(!text.contains("--config"));
    }
    // They may stand there all the same.
    help(&["sanitize", "--explain", "token", "--data-dir", "x"]);
}

fn base64url(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for byte in text.bytes() {
        bits = bits << 6 | u32::from(digit(byte));
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(unix)]
#[test]
fn a_secret_that_is_short_or_open_to_others_is_refused_unless_told() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("secret");
    let token = |more: &[&str]| {
        let mut command = command();
        command
            .args(["token", "--user", "u", "--data-dir"])
            .arg(dir.path());
        command.arg("--jwt-secret-file").arg(&file).args(more);
        let output = command.output().expect("it runs");
        (output.status.success(), text(output))
    };
    for (bytes, mode, complaint) in [
        (32, 0o600, ""),
        (32, 0o400, ""),
        (31, 0o600, "has 31 bytes; an HS256 secret needs at least 32"),
        (64, 0o644, "others can read or write"),
        (64, 0o640, "others can read or write"),
        (64, 0o602, "others can read or write"),
    ] {
        let _ = std::fs::remove_file(&file);
        std::fs::write(&file, "s".repeat(bytes) + "\n").expect("it is written");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("it is set");
        let (is_fine, said) = token(&[]);
        assert_eq!(is_fine, complaint.is_empty(), "{bytes} {mode:o}: {said}");
        assert!(said.contains(complaint), "{bytes} {mode:o}: {said}");
        assert!(!said.contains("ssss"), "the secret is not said: {said}");
        let (is_fine, said) = token(&["--allow-weak-secret"]);
        assert!(is_fine, "{bytes} {mode:o}: {said}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_the_relay_keeps_is_its_owners_also_where_the_directory_was_open_before() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().expect("a directory");
    let (dir, files) = (root.path().join("data"), root.path().join("files"));
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("it is set");
    };
    std::fs::create_dir(&dir).expect("it is made");
    std::fs::create_dir(&files).expect("it is made");
    let to_files = files.display().to_string();
    let mut relay = crate::relay::Relay::start(&dir, &["--otlp-file-dir", &to_files]);
    relay.accept(crate::record("m")).await;
    assert!(relay.terminate().success());
    drop(relay);
    open(&dir, 0o755);
    for name in ["relay.db", "store.db", "relay.lock"] {
        open(&dir.join(name), 0o644);
    }
    std::fs::write(dir.join("notes.txt"), "of somebody else").expect("it is written");
    open(&dir.join("notes.txt"), 0o644);

    let mut relay = crate::relay::Relay::start(&dir, &["--otlp-file-dir", &to_files]);
    relay.accept(crate::record("m2")).await;
    let mode = |path: &std::path::Path| {
        let found = std::fs::metadata(path).expect("it is there");
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode(&dir), 0o700);
    let mut seen = Vec::new();
    let entries = [&dir, &files].map(|dir| std::fs::read_dir(dir).expect("it lists"));
    for entry in entries.into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        // The log is the test's own.
        if name != "relay.log" && name != "notes.txt" {
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), expected, "{name}");
            seen.push(name);
        }
    }
    for name in [
        "relay.db",
        "relay.db-wal",
        "relay.db-shm",
        "store.db",
        "store.db-wal",
        "admin-token",
        "development-jwt-secret",
    ] {
        assert!(seen.iter().any(|seen| seen == name), "{name}: {seen:?}");
    }
    assert_eq!(mode(&dir.join("notes.txt")), 0o644, "not the relay's");
    assert!(relay.terminate().success());
}
