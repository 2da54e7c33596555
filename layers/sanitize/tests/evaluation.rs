//! How well the rules do on text that they were not made from.
//!
//! `data/leak.txt` marks what must go with ⟦ ⟧, `data/keep.txt` holds what must stay. A line `## name`
//! begins a category, `@stack` puts it in a stack trace; ⏎ stands for a line end, ␛ for an escape.
//! Scored: recall (no marked piece is left), keep (the line is unchanged), context (words outside the marks that are
//! still there), each over all and by category.

use std::collections::BTreeMap;

use courier_sanitize::{Place, Sanitizer};

const LEAK: &str = include_str!("data/leak.txt");
const KEEP: &str = include_str!("data/keep.txt");

struct Line {
    category: &'static str,
    place: Place,
    text: String,
    secrets: Vec<String>,
    context: Vec<String>,
}

fn lines(source: &'static str) -> Vec<Line> {
    let (mut category, mut place) = ("", Place::Message);
    let mut lines = Vec::new();
    for line in source.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("## ") {
            place = if name.ends_with("@stack") {
                Place::Stack
            } else {
                Place::Message
            };
            category = name.trim_end_matches(" @stack");
            continue;
        }
        let line = line.replace('⏎', "\n").replace('␛', "\u{1b}");
        let (mut secrets, mut context) = (Vec::new(), Vec::new());
        for (index, piece) in line.split(['⟦', '⟧']).enumerate() {
            if index % 2 == 1 {
                secrets.push(piece.to_owned());
            } else {
                let words = piece.split(|letter: char| !letter.is_alphanumeric());
                context.extend(words.filter(|word| word.len() > 1).map(str::to_owned));
            }
        }
        lines.push(Line {
            category,
            place,
            text: line.replace(['⟦', '⟧'], ""),
            secrets,
            context,
        });
    }
    lines
}

/// Hits and tries by category.
#[derive(Default)]
struct Score(BTreeMap<&'static str, (usize, usize)>);

impl Score {
    fn add(&mut self, category: &'static str, hits: usize, tries: usize) {
        let score = self.0.entry(category).or_default();
        *score = (score.0 + hits, score.1 + tries);
    }

    fn total(&self) -> f64 {
        let (hits, tries) = self
            .0
            .values()
            .fold((0, 0), |sum, score| (sum.0 + score.0, sum.1 + score.1));
        ratio(hits, tries)
    }

    fn worst(&self) -> (&'static str, f64) {
        let scores = self
            .0
            .iter()
            .map(|(category, &(hits, tries))| (*category, ratio(hits, tries)));
        scores.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
    }
}

fn ratio(hits: usize, tries: usize) -> f64 {
    if tries == 0 {
        1.0
    } else {
        hits as f64 / tries as f64
    }
}

fn assert_scores(what: &str, score: &Score, least: f64, wrong: &[String]) {
    let (category, worst) = score.worst();
    eprintln!(
        "{what}: {:.2} %, worst {category} {:.1} %",
        score.total() * 100.0,
        worst * 100.0
    );
    let report = wrong.join("\n");
    assert!(
        score.total() >= least,
        "{what} is {:.2} %\n{report}",
        score.total() * 100.0
    );
    assert!(
        worst >= 0.9,
        "{what} of {category} is {:.1} %\n{report}",
        worst * 100.0
    );
}

#[test]
fn what_leaks_goes_and_what_stands_around_it_stays() {
    let sanitizer = Sanitizer::default();
    let (mut recall, mut context) = (Score::default(), Score::default());
    let (mut leaked, mut lost) = (Vec::new(), Vec::new());
    for line in lines(LEAK) {
        let cleaned = sanitizer.clean(line.place, &line.text);
        let is_gone = line
            .secrets
            .iter()
            .all(|secret| !cleaned.contains(secret.as_str()));
        recall.add(line.category, usize::from(is_gone), 1);
        if !is_gone {
            leaked.push(format!(
                "{}: {:?}\n    gave {cleaned:?}",
                line.category, line.text
            ));
        }
        let kept = line
            .context
            .iter()
            .filter(|word| cleaned.contains(word.as_str()))
            .count();
        context.add(line.category, kept, line.context.len());
        if kept < line.context.len() {
            lost.push(format!(
                "{}: {:?}\n    gave {cleaned:?}",
                line.category, line.text
            ));
        }
    }
    assert_scores("recall", &recall, 0.99, &leaked);
    assert_scores("context", &context, 0.98, &lost);
}

#[test]
fn what_is_harmless_stays_as_it_is() {
    let sanitizer = Sanitizer::default();
    let (mut keep, mut wrong) = (Score::default(), Vec::new());
    for line in lines(KEEP) {
        let cleaned = sanitizer.clean(line.place, &line.text);
        keep.add(line.category, usize::from(cleaned == line.text), 1);
        if cleaned != line.text {
            wrong.push(format!(
                "{}: {:?}\n    gave {cleaned:?}",
                line.category, line.text
            ));
        }
    }
    assert_scores("keep", &keep, 0.99, &wrong);
}

#[test]
fn cleaning_twice_is_cleaning_once_on_all_of_it() {
    let sanitizer = Sanitizer::default();
    for line in lines(LEAK).into_iter().chain(lines(KEEP)) {
        let once = sanitizer.clean(line.place, &line.text).into_owned();
        assert_eq!(sanitizer.clean(line.place, &once), once, "{:?}", line.text);
    }
}

#[test]
fn the_set_is_large_enough_to_mean_something() {
    assert!(
        lines(LEAK)
            .iter()
            .filter(|line| !line.secrets.is_empty())
            .count()
            >= 300
    );
    assert!(lines(KEEP).len() >= 300);
}
