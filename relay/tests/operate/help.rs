//! The help of a command lists what that command reads.

use crate::relay::command;

fn help(args: &[&str]) -> String {
    let output = command()
        .args(args)
        .arg("--help")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_help_of_a_command_lists_its_own_flags_only() {
    let all = ["serve", "check"];
    for args in all {
        let text = help(&[args]);
        for flag in [
            "--data-dir",
            "--listen",
            "--jwks-url",
            "--rate-bytes-per-minute",
        ] {
            assert!(text.contains(&format!("{flag} ")), "{args} {flag}");
        }
    }
    let of_data: [&[&str]; 15] = [
        &["index", "rebuild"],
        &["admin-token"],
        &["admin-token", "ls"],
        &["admin-token", "rm"],
        &["audit"],
        &["backup"],
        &["dead", "ls"],
        &["dead", "rm"],
        &["dead", "replay"],
        &["forget"],
        &["level", "ls"],
        &["level", "set"],
        &["level", "rm"],
        &["status"],
        &["import"],
    ];
    for args in of_data {
        let text = help(args);
        assert!(text.contains("--data-dir "), "{args:?}: {text}");
        assert!(text.contains("--config "), "{args:?}: {text}");
        for flag in [
            "--listen",
            "--jwks-url",
            "--rate-bytes-per-minute",
            "--cors-origin",
        ] {
            assert!(
                !text.contains(&format!("{flag} ")),
                "{args:?} {flag}: {text}"
            );
        }
    }
    let dev = help(&["dev"]);
    assert!(
        dev.contains("--listen ") && dev.contains("--user ") && dev.contains("not for production"),
        "{dev}"
    );
    assert!(!dev.contains("--jwks-url "), "{dev}");
    let token = help(&["token"]);
    assert!(
        token.contains("--jwt-issuer ") && !token.contains("--listen "),
        "{token}"
    );
}

#[test]
fn the_help_of_serve_tells_of_courier_log() {
    let text = help(&["serve"]);
    assert!(text.contains("COURIER_LOG"), "{text}");
}
