//! Inputs in the form of public reports of what other tools leaked, or took too much of.
//!
//! Each line names its report. Its secrets must be gone from the output and its `keep` strings must still stand there.
//! The values are made up. `data/public_redaction.jsonl` and `data/public_redaction_2.jsonl` were written before any rule was
//! made for them.

use courier_sanitize::{Place, Sanitizer};
use serde::Deserialize;

const FIRST: &str = include_str!("data/public_redaction.jsonl");
const SECOND: &str = include_str!("data/public_redaction_2.jsonl");

#[derive(Deserialize)]
struct Line {
    id: String,
    source: String,
    text: String,
    secrets: Vec<String>,
    keep: Vec<String>,
}

fn lines(source: &str) -> Vec<Line> {
    source
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The secrets that are left and the rest that is gone.
fn faults(line: &Line, cleaned: &str) -> Vec<String> {
    let left = line
        .secrets
        .iter()
        .filter(|secret| cleaned.contains(*secret));
    let gone = line.keep.iter().filter(|keep| !cleaned.contains(*keep));
    left.map(|secret| format!("left {secret:?}"))
        .chain(gone.map(|keep| format!("gone {keep:?}")))
        .collect()
}

fn assert_right(name: &str, source: &str, may_be_wrong: &[&str]) {
    let sanitizer = Sanitizer::default();
    let (mut leaks, mut keeps, mut unexpected) = ((0, 0), (0, 0), Vec::new());
    for line in lines(source) {
        let cleaned = sanitizer.clean(Place::Message, &line.text);
        let faults = faults(&line, &cleaned);
        let score = if line.secrets.is_empty() {
            &mut keeps
        } else {
            &mut leaks
        };
        *score = (score.0 + usize::from(faults.is_empty()), score.1 + 1);
        if !faults.is_empty() {
            let report = format!(
                "{} ({}): {:?}\n    gave {cleaned:?}\n    {}",
                line.id,
                line.source,
                line.text,
                faults.join(", ")
            );
            eprintln!("{report}");
            if !may_be_wrong.contains(&line.id.as_str()) {
                unexpected.push(report);
            }
        }
    }
    eprintln!(
        "{name}: leaks {}/{}, keeps {}/{}",
        leaks.0, leaks.1, keeps.0, keeps.1
    );
    assert!(unexpected.is_empty(), "{} wrong", unexpected.len());
}

#[test]
fn the_first_set_is_right() {
    assert_right("first set", FIRST, &[]);
}

#[test]
fn the_second_set_is_right() {
    // `gnmic -p x`: a short flag of a program that no rule knows, and what it holds looks like a file.
    assert_right("second set", SECOND, &["gnmic-2"]);
}

#[test]
fn cleaning_twice_is_cleaning_once_on_all_of_it() {
    let sanitizer = Sanitizer::default();
    for line in lines(FIRST).into_iter().chain(lines(SECOND)) {
        let once = sanitizer.clean(Place::Message, &line.text).into_owned();
        assert_eq!(sanitizer.clean(Place::Message, &once), once, "{}", line.id);
    }
}
