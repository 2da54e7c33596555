//! Gives records of one bug one name, on every device and across releases.
//!
//! `sha256(type, "\n", f1, "\n", f2, "\n", f3)`, in lower-case hex, where `f1` to `f3` are the three relevant frames nearest to
//! the error, normalised; one that is missing, and a missing type, is an empty line.
//!
//! 1. *Relevant* is what the program's authors wrote: panic machinery, standard libraries and async runtimes are cut.
//! 2. *Normalised* is what survives a rebuild: crate hashes, addresses, generic arguments and the numbers of closures go,
//!    and so do lines, columns and directories.
//!
//! Rust, Dart, JavaScript and Python stacks are understood. Of any other text no frame is relevant, so that its records
//! are grouped by type alone. Vectors to recompute it: `tests/fingerprints.json`.

mod rust;

use sha2::{Digest, Sha256};

/// The fingerprint of an error of `kind` (empty when it has none) with `stack`.
#[must_use]
pub fn fingerprint(kind: &str, stack: &str) -> String {
    let frames = relevant_frames(stack);
    let mut hash = Sha256::new();
    hash.update(kind);
    for place in 0..3 {
        hash.update("\n");
        hash.update(frames.get(place).map_or("", String::as_str));
    }
    hex(&hash.finalize())
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| DIGITS.get(usize::from(digit)))
        .collect()
}

/// Up to three frames, the one nearest to the error first.
fn relevant_frames(stack: &str) -> Vec<String> {
    if let Some((_, python)) = stack.split_once("Traceback (most recent call last):") {
        // Python prints the call nearest to the error last; of a chain the last traceback is the one that surfaced.
        let last = python
            .rsplit("Traceback (most recent call last):")
            .next()
            .unwrap_or(python);
        let frames: Vec<String> = last.lines().filter_map(python_frame).collect();
        return frames.into_iter().rev().take(3).collect();
    }
    stack
        .lines()
        .take(MAX_LINES)
        .filter_map(frame)
        .take(3)
        .collect()
}

fn frame(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some((number, rest)) = line.split_once(char::is_whitespace) {
        if number.strip_prefix('#').is_some_and(is_number) {
            return dart_frame(rest.trim());
        }
        if number.strip_suffix(':').is_some_and(is_number) {
            return rust::frame(rest.trim());
        }
    }
    javascript_frame(line)
}

/// `Room.load (package:app/room.dart:42:7)` of `#0      Room.load (package:app/room.dart:42:7)`.
fn dart_frame(text: &str) -> Option<String> {
    let (function, place) = text.rsplit_once(" (")?;
    let file = without_position(place.strip_suffix(')')?);
    let foreign = file.starts_with("dart:")
        || file.starts_with("package:flutter/")
        || file.starts_with("package:stack_trace/")
        || file.starts_with("package:async/");
    let function = function
        .replace(".<anonymous closure>", "")
        .replace("<anonymous closure>", "");
    let function = function.replace(".<fn>", "").replace("new ", "");
    (!foreign).then(|| format!("{function} ({file})"))
}

/// `upload (sync.js)` of `at async upload (https://host/assets/sync.js:3:7)`, or of Firefox's and Safari's `upload@…/sync.js:3:7`.
fn javascript_frame(line: &str) -> Option<String> {
    let (function, place) = if let Some(rest) = line.strip_prefix("at ") {
        match rest.split_once(" (") {
            Some((function, place)) => (function, place.strip_suffix(')')?),
            None => ("", rest),
        }
    } else {
        let (function, place) = line.split_once('@')?;
        (function, place)
    };
    // Rust's `at src/sync.rs:41:9` below a frame is a place and no frame.
    let path = without_position(place);
    if path.len() == place.len()
        || path.ends_with(".rs")
        || line.contains(' ') && !line.starts_with("at ")
    {
        return None;
    }
    let foreign = path.starts_with("node:")
        || path.starts_with("internal/")
        || path.contains("node_modules/")
        || path.contains("<anonymous>")
        || path == "native";
    let function = function
        .trim_start_matches("async ")
        .trim_start_matches("new ");
    let function = function
        .trim_start_matches("Object.")
        .trim_end_matches("/<");
    let function = if function == "<anonymous>" {
        ""
    } else {
        function
    };
    (!foreign).then(|| format!("{function} ({})", file_name(path)))
}

/// `upload (sync.py)` of `  File "/srv/app/sync.py", line 41, in upload`.
fn python_frame(line: &str) -> Option<String> {
    let (path, rest) = line
        .trim_start()
        .strip_prefix("File \"")?
        .split_once("\", line ")?;
    let function = rest
        .split_once(", in ")
        .map_or("", |(_, function)| function.trim());
    let foreign = path.starts_with('<')
        || path.contains("site-packages")
        || path.contains("dist-packages")
        || path.contains("/lib/python")
        || path.contains("\\lib\\");
    (!foreign).then(|| format!("{function} ({})", file_name(path)))
}

/// The path without a `:line:column` or `:line` at its end.
fn without_position(place: &str) -> &str {
    let cut = |place| match str::rsplit_once(place, ':') {
        Some((rest, number)) if is_number(number) => rest,
        _ => place,
    };
    cut(cut(place))
}

fn file_name(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Frames further down than this can't be among the nearest three in any stack that a person could read.
const MAX_LINES: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relevant_frames_of_each_language() {
        let cases: [(&str, &[&str]); 5] = [
            (
                "   0: std::panicking::begin_panic::h0123456789abcdef\n             at /rustc/abc/library/std/src/panicking.rs:1:1\n   1: app::sync::upload::{{closure}}\n             at src/sync.rs:41:9\n   2: <alloc::vec::Vec<T> as app::Send>::send\n   3: tokio::runtime::park::block_on\n   4: app::main\n             at src/main.rs:12:5\n   5: main\n   6: __libc_start_main",
                &["app::sync::upload", "app::Send::send", "app::main"],
            ),
            (
                "#0      Room.load (package:soliplex_frontend/room.dart:42:7)\n#1      _rootRunUnary (dart:async/zone.dart:1407:47)\n<asynchronous suspension>\n#2      main.<anonymous closure> (package:soliplex_frontend/main.dart:10:3)",
                &[
                    "Room.load (package:soliplex_frontend/room.dart)",
                    "main (package:soliplex_frontend/main.dart)",
                ],
            ),
            (
                "Error: bad\n    at upload (https://host/assets/sync.js:3:7)\n    at process.processTicks (node:internal/process:1:2)\n    at async Object.run (/srv/app/main.mjs:9:1)\n    at /srv/app/index.js:1:1",
                &["upload (sync.js)", "run (main.mjs)", " (index.js)"],
            ),
            (
                "upload@https://host/sync.js:3:7\nrun@https://host/main.js:1:2",
                &["upload (sync.js)", "run (main.js)"],
            ),
            (
                "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 3, in <module>\n    main()\n  File \"/usr/lib/python3.11/asyncio/runners.py\", line 1, in run\n    x\n  File \"/srv/app/sync.py\", line 41, in upload\n    raise ValueError(1)\nValueError: 1",
                &["upload (sync.py)", "<module> (main.py)"],
            ),
        ];
        for (stack, frames) in cases {
            assert_eq!(relevant_frames(stack), frames, "{stack}");
        }
    }

    #[test]
    fn the_published_vectors_hold() {
        let vectors: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../../tests/fingerprints.json"))
                .expect("it is JSON");
        for vector in &vectors {
            let text = |key: &str| vector[key].as_str().expect("text");
            let frames = relevant_frames(text("stackTrace"));
            assert_eq!(
                serde_json::json!(frames),
                vector["frames"],
                "{}",
                text("what")
            );
            assert_eq!(
                fingerprint(text("type"), text("stackTrace")),
                text("fingerprint"),
                "{}",
                text("what")
            );
        }
        assert!(vectors.len() >= 10);
    }

    #[test]
    fn a_missing_type_and_missing_frames_are_empty_lines() {
        assert_eq!(fingerprint("", ""), hex(&Sha256::digest("\n\n\n")));
        assert_eq!(
            fingerprint("Timeout", "   0: app::main"),
            hex(&Sha256::digest("Timeout\napp::main\n\n"))
        );
    }
}
