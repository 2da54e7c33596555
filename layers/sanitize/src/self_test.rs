//! Does each rule still take its own samples, and leave what looks alike? Asked by a test, and of each policy when it
//! is made.

use crate::policy::compiled::Compiled;
use crate::rule::all::SCANNERS;
use crate::rule::scanner::Samples;
use crate::rule_names::Rule;
use crate::scan::find as scan;
use crate::text::Steps;

/// Does each built-in rule find its own samples, and no more? The first that doesn't.
pub(crate) fn find_all(rules: &Compiled) -> Result<(), Rule> {
    let mut spans = Vec::new();
    for (rule, samples) in all() {
        // A policy may allow what a sample of a name takes.
        if !rules.has(rule) || (rule == Rule::Key && rules.has_exceptions()) {
            continue;
        }
        for (text, _) in samples.taken {
            let mut steps = Steps::of(text.len());
            scan::find(rules, samples.place, text, &mut steps, &mut spans);
            if !spans.iter().any(|span| span.rule == rule) {
                return Err(rule);
            }
        }
        if rules.has_changes() {
            continue;
        }
        for text in samples.kept {
            let mut steps = Steps::of(text.len());
            scan::find(rules, samples.place, text, &mut steps, &mut spans);
            if spans.iter().any(|span| span.rule == rule) {
                return Err(rule);
            }
        }
    }
    Ok(())
}

/// Each rule's samples.
pub(crate) fn all() -> impl Iterator<Item = (Rule, &'static Samples)> {
    SCANNERS
        .iter()
        .filter_map(|scanner| Some((scanner.rule, scanner.samples?)))
}

/// What the rules take, each in a text.
pub(crate) fn taken() -> impl Iterator<Item = &'static str> {
    all().flat_map(|(_, samples)| samples.taken.iter().map(|&(text, _)| text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, Profile, Sanitizer};

    #[test]
    fn each_rule_takes_its_own_and_leaves_what_looks_alike() {
        let mut wrong = Vec::new();
        for (rule, samples) in all() {
            let strict = Policy::new().profile(Profile::Strict);
            let is_strict = !Compiled::of(&Policy::new()).has(rule);
            let sanitizer = Sanitizer::new(&if is_strict { strict } else { Policy::new() });
            for (text, left) in samples.taken {
                let cleaned = sanitizer.clean(samples.place, text);
                let again = sanitizer.clean(samples.place, &cleaned);
                if cleaned != *left {
                    wrong.push(format!(
                        "{:?}: {text:?}\n    gave {cleaned:?}\n    want {left:?}",
                        rule
                    ));
                } else if again != cleaned {
                    wrong.push(format!("{:?}: {text:?} again gave {again:?}", rule));
                }
            }
            for text in samples.kept {
                let cleaned = sanitizer.clean(samples.place, text);
                if cleaned != *text {
                    wrong.push(format!("{:?}: {text:?}\n    gave {cleaned:?}", rule));
                }
            }
            assert!(
                sanitizer.counts().rule(rule) > 0 || samples.taken.is_empty(),
                "{:?}",
                rule
            );
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    #[test]
    fn each_rule_has_five_samples_of_both_sorts() {
        for (rule, samples) in all() {
            assert!(
                samples.taken.len() >= 5 && samples.kept.len() >= 5,
                "{:?}",
                rule
            );
        }
    }
}
