//! Paths to source files in a stack trace, cut to what the crate or package calls them.
//!
//! `/build/agent-7/field-app/src/net.rs:41:9` becomes `src/net.rs:41:9`, a dependency `serde-1.0.0/src/de.rs`, the
//! standard library `library/core/src/…`. Only in stack traces: elsewhere a path may be what the record is about.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::span::Span;
use crate::text::{Text, is_word};

const MAX_PATH_BYTES: usize = 1024;

/// Calls `found` with the head of each path that is cut.
pub(crate) fn scan(text: Text<'_>, mut found: impl FnMut(Span)) {
    let mut at = 0;
    while at < text.len() {
        at = text.run(at, |byte| byte != b'/' && byte != b'\\');
        let Some(start) = start(text, at) else {
            at += 1;
            continue;
        };
        let end = path_end(text, at);
        if let Some(cut) = cut(text, start, at, end) {
            found(Span {
                start,
                end: cut,
                rule: Rule::Path,
                pattern: 0,
            });
        }
        at = end.max(at + 1);
    }
}

/// Where an absolute path begins whose first separator stands at `at`.
fn start(text: Text<'_>, at: usize) -> Option<usize> {
    let before = text.back(at, 1);
    if before == b':' && text.back(at, 2).is_ascii_alphabetic() && !is_word(text.back(at, 3)) {
        return Some(at - 2);
    }
    let is_file = text.ends_any_case(at, b"file://");
    let is_edge = before <= b' '
        || matches!(
            before,
            b'"' | b'\'' | b'(' | b'[' | b'=' | b'@' | b'`' | b'<' | b','
        );
    (text.at(at) == b'/' && (is_edge || is_file) && text.at(at + 1) != b'/').then_some(at)
}

/// Where the path ends: at a space that no further separator follows, a quote, a bracket, a colon.
fn path_end(text: Text<'_>, at: usize) -> usize {
    let end = text.run_most(at, MAX_PATH_BYTES, |byte| {
        byte > b' ' && !matches!(byte, b'"' | b'\'' | b')' | b']' | b'`' | b':' | b'>' | b',')
    });
    // `/Users/Ann Lee/app/src/x.rs`
    let spaced = text.run_most(end, 64, |byte| {
        byte >= b' '
            && !matches!(
                byte,
                b'"' | b'\'' | b'(' | b')' | b']' | b'`' | b':' | b'>' | b','
            )
    });
    let has_file = is_source(text.slice(at, end));
    if !has_file
        && text.at(end) == b' '
        && text.at(spaced) == b':'
        && is_source(text.slice(end, spaced))
        && text
            .slice(end, spaced)
            .iter()
            .any(|&byte| byte == text.at(at))
    {
        spaced
    } else {
        end
    }
}

/// Where the kept part of the path begins; none when all of it stays.
fn cut(text: Text<'_>, start: usize, at: usize, end: usize) -> Option<usize> {
    let path = text.slice(at, end);
    if !is_source(path) {
        return None;
    }
    let is_separator = |byte: u8| byte == b'/' || byte == b'\\';
    // Offsets behind each separator, with the component that follows.
    let components = || {
        path.iter()
            .enumerate()
            .filter(|&(_, &byte)| is_separator(byte))
            .map(|(place, _)| {
                let rest = path.get(place + 1..).unwrap_or_default();
                let len = rest
                    .iter()
                    .position(|&byte| is_separator(byte))
                    .unwrap_or(rest.len());
                (place + 1, rest.get(..len).unwrap_or_default())
            })
            .filter(|(_, component)| !component.is_empty())
    };
    let behind = |name: &[u8], skip: usize| {
        let place = components().position(|(_, component)| component == name)?;
        components().nth(place + 1 + skip).map(|(offset, _)| offset)
    };
    let last = |name: &[u8]| {
        components()
            .rfind(|&(_, component)| component == name)
            .map(|(offset, _)| offset)
    };
    let has = |name: &[u8]| components().any(|(_, component)| component == name);
    let kept = if has(b"registry") && has(b"src") {
        behind(b"registry", 2)
    } else if has(b"checkouts") {
        behind(b"checkouts", 2)
    } else if has(b"rustc") {
        behind(b"rustc", 1)
    } else if has(b"rustlib") {
        last(b"library")
    } else if let Some(package) = PACKAGES.iter().find(|name| has(name)) {
        let place = last(package)?;
        components()
            .map(|(offset, _)| offset)
            .find(|&offset| offset > place)
    } else if has(b".pub-cache") {
        behind(b"hosted", 1)
    } else if SYSTEM.iter().any(|system| path.starts_with(system)) {
        None
    } else if let Some(root) = ROOTS.iter().find_map(|name| last(name)) {
        Some(root)
    } else {
        let count = components().count();
        components()
            .nth(count.saturating_sub(2))
            .map(|(offset, _)| offset)
    };
    kept.map(|kept| at + kept).filter(|&kept| kept > start)
}

/// Does the path end in a source file?
fn is_source(path: &[u8]) -> bool {
    let extension = path.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    extension.len() < path.len() && EXTENSIONS.contains(&extension)
}

const PACKAGES: [&[u8]; 4] = [b"site-packages", b"dist-packages", b"node_modules", b"gems"];
const ROOTS: [&[u8]; 5] = [b"src", b"lib", b"tests", b"examples", b"benches"];
const SYSTEM: [&[u8]; 5] = [
    b"/usr/lib/",
    b"/usr/local/lib/",
    b"/lib/",
    b"/System/",
    b"/nix/",
];
const EXTENSIONS: [&[u8]; 28] = [
    b"rs", b"py", b"js", b"ts", b"jsx", b"tsx", b"mjs", b"cjs", b"dart", b"java", b"kt", b"go",
    b"rb", b"c", b"cc", b"cpp", b"h", b"hpp", b"cs", b"swift", b"m", b"php", b"ex", b"exs",
    b"scala", b"vue", b"pyx", b"lua",
];

pub(crate) static SCANNER: Scanner = Scanner::without_literals(Rule::Path, &SAMPLES);

const SAMPLES: Samples = Samples {
    place: Place::Stack,
    taken: &[
        (
            "  at /build/agent-7/field-app/src/net.rs:41:9",
            "  at src/net.rs:41:9",
        ),
        (
            "at /home/ann/.cargo/registry/src/index.example-6f17d22bba15001f/serde-1.0.0/src/de.rs:7:3",
            "at serde-1.0.0/src/de.rs:7:3",
        ),
        (
            "at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:80:14",
            "at library/core/src/panicking.rs:80:14",
        ),
        (
            r#"File "/opt/venv/lib/python3.11/site-packages/requests/api.py", line 59"#,
            r#"File "requests/api.py", line 59"#,
        ),
        (
            r"at C:\agent\work\app\src\main.rs:3:1",
            r"at src\main.rs:3:1",
        ),
        (
            "(file:///srv/app/server.js:10:5)",
            "(file://app/server.js:10:5)",
        ),
        ("at /Users/Ann Lee/app/src/x.rs:1:2", "at src/x.rs:1:2"),
    ],
    kept: &[
        "at src/net.rs:41:9",
        "package:app/room.dart:42:7",
        "/usr/lib/python3.11/asyncio/runners.py",
        "at app::sync::upload",
        "https://example.com/src/app.js:1:2",
        "node:internal/modules/cjs/loader:936:15",
    ],
};
