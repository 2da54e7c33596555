//! The first five minutes: what the README says to copy, copied.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::built;

/// `courier-relay dev`, killed when dropped.
struct Dev(Child);

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn hello_is_on_the_screen_of_the_relay_without_its_secrets() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut dev = Dev(Command::new(built::courier_relay())
        .args(["dev", "--listen", "127.0.0.1:0"])
        .args(["--admin-listen", "127.0.0.1:0"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts"));
    let mut screen = BufReader::new(dev.0.stdout.take().expect("it is piped")).lines();
    let mut line = || screen.next().expect("a line").expect("text");
    let _not_for_production = line();
    let address = line().split_whitespace().nth(1).map(str::to_owned);
    let printed_token = line();
    let records = line().split_whitespace().nth(1).map(str::to_owned);

    let token = Command::new(built::courier_relay())
        .args(["token", "--user", "ada"])
        .current_dir(dir.path())
        .output()
        .expect("it runs");
    let token = String::from_utf8(token.stdout).expect("text");
    assert!(printed_token.starts_with("token "), "{printed_token}");
    let hello = Command::new(built::example("hello"))
        .current_dir(dir.path())
        .env("HELLO_RELAY", address.expect("an address"))
        .env("HELLO_TOKEN", token.trim())
        .output()
        .expect("it runs");
    assert!(hello.status.success(), "{hello:?}");
    let printed = String::from_utf8_lossy(&hello.stdout).into_owned();
    assert!(printed.contains("login of [REDACTED:email]"), "{printed}");

    let shown = std::iter::from_fn(|| Some(line())).find(|line| line.contains("login of"));
    let shown = shown.expect("the record");
    assert!(
        shown.contains("hello  login of [REDACTED:email]"),
        "{shown}"
    );
    assert!(shown.contains("password=[REDACTED]"), "{shown}");
    let kept = fs::read_to_string(records.expect("a path")).expect("the records");
    assert!(kept.contains("login of [REDACTED:email]"));
    for place in [&kept, &printed] {
        assert!(!place.contains("hunter2") && !place.contains("ada@example.org"));
    }
}

#[test]
fn hello_without_a_token_says_which_variable_is_missing() {
    let hello = Command::new(built::example("hello"))
        .env_remove("HELLO_TOKEN")
        .output()
        .expect("it runs");
    assert!(!hello.status.success());
    let said = String::from_utf8_lossy(&hello.stderr).into_owned();
    assert!(said.contains("HELLO_TOKEN"), "{said}");
}
