//! How much was redacted, by rule and place. A clean text touches no counter.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::rule::{Place, Rule};

/// Counters of one sanitizer, shared by its clones.
#[derive(Debug, Default)]
pub struct Counts {
    redactions: [[AtomicU64; Place::ALL.len()]; Rule::ALL.len()],
    touched: AtomicU64,
    truncated: AtomicU64,
}

impl Counts {
    pub(super) fn add(&self, rule: Rule, place: Place) {
        let places = self.redactions.get(rule as usize);
        if let Some(counter) = places.and_then(|places| places.get(place as usize)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn touch(&self) {
        self.touched.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn truncate(&self) {
        self.truncated.fetch_add(1, Ordering::Relaxed);
    }

    /// Redactions by `rule`, in all places.
    #[must_use]
    pub fn rule(&self, rule: Rule) -> u64 {
        let places = self.redactions.get(rule as usize).into_iter().flatten();
        places.map(|counter| counter.load(Ordering::Relaxed)).sum()
    }

    /// Redactions by `rule` in `place`.
    #[must_use]
    pub fn rule_in(&self, rule: Rule, place: Place) -> u64 {
        let counter = self
            .redactions
            .get(rule as usize)
            .and_then(|places| places.get(place as usize));
        counter.map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// The rules that took anything, with their counts.
    #[must_use]
    pub fn by_rule(&self) -> BTreeMap<&'static str, u64> {
        Rule::ALL
            .into_iter()
            .map(|rule| (rule.as_str(), self.rule(rule)))
            .filter(|&(_, redactions)| redactions > 0)
            .collect()
    }

    /// Texts from which anything was taken.
    #[must_use]
    pub fn touched(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }

    /// Texts that were longer than the cap.
    #[must_use]
    pub fn truncated(&self) -> u64 {
        self.truncated.load(Ordering::Relaxed)
    }
}
