//! Queues that were carried here by hand may hold anything: what is no plain file is refused by name, and not opened.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output};

use crate::relay::command;

const QUEUE: &str = "q-0123456789abcdef";

/// Puts something at a path.
type Make<'m> = &'m dyn Fn(&Path);

/// Runs for five seconds at most: a FIFO that is opened waits for ever.
fn run(args: &[&str], dir: &Path, data: &Path) -> Output {
    Command::new("timeout")
        .arg("5")
        .arg(command().get_program())
        .args(args)
        .arg(dir)
        .env("COURIER_DATA_DIR", data)
        .output()
        .expect("it runs")
}

#[test]
fn what_is_no_plain_file_is_refused_by_name() {
    let outside = tempfile::tempdir().expect("a directory");
    let secret = outside.path().join("secret");
    fs::write(&secret, "0000000000000001 {\"outside\":true}\n").expect("it is written");
    let kinds: [(&str, Make<'_>); 5] = [
        ("a FIFO", &|path| {
            let made = Command::new("mkfifo").arg(path).status();
            assert!(made.expect("mkfifo runs").success());
        }),
        ("a socket", &|path| {
            // The path stays when the listener goes.
            drop(UnixListener::bind(path).expect("a socket"));
        }),
        ("a symbolic link", &|path| {
            symlink(&secret, path).expect("a link")
        }),
        ("a directory", &|path| {
            fs::create_dir(path).expect("a directory")
        }),
        ("a device", &|path| {
            let made = Command::new("mknod")
                .arg(path)
                .args(["c", "1", "5"])
                .output();
            if !made.is_ok_and(|made| made.status.success()) {
                // Only root makes devices: a link to one is refused as well.
                symlink("/dev/zero", path).expect("a link");
            }
        }),
    ];
    for (kind, make) in kinds {
        for name in ["seg-0000000000000000.jsonl", "head.json", "lock"] {
            let dir = tempfile::tempdir_in("/tmp").expect("a directory");
            let queue = dir.path().join(QUEUE);
            fs::create_dir(&queue).expect("it is made");
            make(&queue.join(name));
            let data = dir.path().join("data");
            for args in [
                &["queue", "ls"][..],
                &["queue", "cat"],
                &["queue", "verify"],
                &["import"],
            ] {
                for at in [dir.path(), &queue] {
                    let output = run(args, at, &data);
                    let said = String::from_utf8_lossy(&output.stderr).into_owned();
                    assert_ne!(
                        output.status.code(),
                        Some(124),
                        "{kind} {name} {args:?}: it waits"
                    );
                    assert!(
                        !output.status.success(),
                        "{kind} {name} {args:?}: {output:?}"
                    );
                    let is_device = kind == "a device" && said.contains("a symbolic link");
                    assert!(
                        said.contains(name) && (said.contains(kind) || is_device),
                        "{kind} {name} {args:?}: {said}"
                    );
                    assert!(
                        output.stdout.is_empty(),
                        "{kind} {name} {args:?}: {output:?}"
                    );
                    if args[0] == "queue" {
                        assert_eq!(output.status.code(), Some(2), "{kind} {name} {args:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_queue_directory_that_is_a_link_is_refused_by_name() {
    let outside = tempfile::tempdir().expect("a directory");
    fs::create_dir(outside.path().join(QUEUE)).expect("it is made");
    let dir = tempfile::tempdir().expect("a directory");
    symlink(outside.path().join(QUEUE), dir.path().join(QUEUE)).expect("a link");
    let output = run(&["queue", "ls"], dir.path(), &dir.path().join("data"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains(QUEUE) && said.contains("a symbolic link"),
        "{said}"
    );
}

#[test]
fn a_place_without_queues_can_not_be_verified() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = run(&["queue", "verify"], dir.path(), dir.path());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no queue in"));
}
