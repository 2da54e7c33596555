//! What each rule takes and what it leaves alone, beside the rule itself; one test runs them all.

use super::policy::Compiled;
use super::rule::{Place, Rule};
use super::scan;
use super::text::Steps;

/// The samples of one rule.
pub(super) struct Samples {
    pub rule: Rule,
    pub place: Place,
    /// A text and what is left of it.
    pub taken: &'static [(&'static str, &'static str)],
    /// Texts that look alike and stay.
    pub kept: &'static [&'static str],
}

pub(super) const ALL: &[&Samples] = &[
    &super::account::EDIPI,
    &super::account::IBAN,
    &super::bearer::BASIC,
    &super::bearer::BEARER,
    &super::card::SAMPLES,
    &super::command::SAMPLES,
    &super::device::IMEI,
    &super::device::MAC,
    &super::dialogue::SAMPLES,
    &super::email::SAMPLES,
    &super::home::SAMPLES,
    &super::insert::SAMPLES,
    &super::ip::SAMPLES,
    &super::jwt::SAMPLES,
    &super::location::SAMPLES,
    &super::literal::SAMPLES,
    &super::login::SAMPLES,
    &super::marking::SAMPLES,
    &super::modem::SAMPLES,
    &super::pairs::SAMPLES,
    &super::pem::SAMPLES,
    &super::phone::SAMPLES,
    &super::shell::SAMPLES,
    &super::source::SAMPLES,
    &super::ssn::SAMPLES,
    &super::token::SAMPLES,
    &super::userinfo::SAMPLES,
];

/// Does each built-in rule find its own samples, and no more? The first that doesn't.
pub(super) fn find_all(rules: &Compiled) -> Result<(), Rule> {
    let mut spans = Vec::new();
    for samples in ALL {
        // A policy may allow what a sample of a name takes.
        if !rules.has(samples.rule) || (samples.rule == Rule::Key && rules.has_exceptions()) {
            continue;
        }
        for (text, _) in samples.taken {
            let mut steps = Steps::of(text.len());
            scan::find(rules, samples.place, text, &mut steps, &mut spans);
            if !spans.iter().any(|span| span.rule == samples.rule) {
                return Err(samples.rule);
            }
        }
        if rules.has_changes() {
            continue;
        }
        for text in samples.kept {
            let mut steps = Steps::of(text.len());
            scan::find(rules, samples.place, text, &mut steps, &mut spans);
            if spans.iter().any(|span| span.rule == samples.rule) {
                return Err(samples.rule);
            }
        }
    }
    Ok(())
}

/// What the rules take, each in a text.
pub(super) fn taken() -> impl Iterator<Item = &'static str> {
    ALL.iter()
        .flat_map(|samples| samples.taken.iter().map(|&(text, _)| text))
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Profile, Sanitizer};
    use super::*;

    #[test]
    fn each_rule_takes_its_own_and_leaves_what_looks_alike() {
        let mut wrong = Vec::new();
        for samples in ALL {
            let strict = Policy::new().profile(Profile::Strict);
            let is_strict = !Policy::new().compile().has(samples.rule);
            let sanitizer = Sanitizer::new(&if is_strict { strict } else { Policy::new() });
            for (text, left) in samples.taken {
                let cleaned = sanitizer.clean(samples.place, text);
                let again = sanitizer.clean(samples.place, &cleaned);
                if cleaned != *left {
                    wrong.push(format!(
                        "{:?}: {text:?}\n    gave {cleaned:?}\n    want {left:?}",
                        samples.rule
                    ));
                } else if again != cleaned {
                    wrong.push(format!("{:?}: {text:?} again gave {again:?}", samples.rule));
                }
            }
            for text in samples.kept {
                let cleaned = sanitizer.clean(samples.place, text);
                if cleaned != *text {
                    wrong.push(format!(
                        "{:?}: {text:?}\n    gave {cleaned:?}",
                        samples.rule
                    ));
                }
            }
            assert!(
                sanitizer.counts().rule(samples.rule) > 0 || samples.taken.is_empty(),
                "{:?}",
                samples.rule
            );
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    #[test]
    fn each_rule_has_five_samples_of_both_sorts() {
        for samples in ALL {
            assert!(
                samples.taken.len() >= 5 && samples.kept.len() >= 5,
                "{:?}",
                samples.rule
            );
        }
    }
}
