//! How much was scanned, and what was redacted, by rule and place.
//!
//! A clean text touches one counter, the bytes; it lies in a cache line of its thread's own, so that threads that log at
//! once do not wait for each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::rule_names::{Place, Rule};

/// Counters of one sanitizer, shared by its clones.
#[derive(Debug, Default)]
pub struct Counts {
    redactions: [[AtomicU64; Place::ALL.len()]; Rule::ALL.len()],
    touched: AtomicU64,
    truncated: AtomicU64,
    pattern_nanos: AtomicU64,
    scanned: [Lane; LANES],
}

/// A counter in a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Lane(AtomicU64);

/// Threads beyond these share a line.
const LANES: usize = 16;

thread_local! {
    /// This thread's lane.
    static LANE: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % LANES
    };
}

impl Counts {
    pub(crate) fn scanned(&self, bytes: usize) {
        let lane = LANE.try_with(|lane| *lane).unwrap_or_default();
        if let Some(lane) = self.scanned.get(lane) {
            lane.0.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn in_patterns(&self, time: Duration) {
        if !time.is_zero() {
            let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            self.pattern_nanos.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    pub(crate) fn add(&self, rule: Rule, place: Place) {
        let places = self.redactions.get(rule as usize);
        if let Some(counter) = places.and_then(|places| places.get(place as usize)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn touch(&self) {
        self.touched.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn truncate(&self) {
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

    /// Bytes of text scanned.
    #[must_use]
    pub fn scanned_bytes(&self) -> u64 {
        let lanes = self.scanned.iter();
        lanes.map(|lane| lane.0.load(Ordering::Relaxed)).sum()
    }

    /// Texts and values that went as a whole because something inside went wrong.
    #[must_use]
    pub fn failed_closed(&self) -> u64 {
        self.rule(Rule::Error)
    }

    /// How long the policy's own patterns took.
    #[must_use]
    pub fn in_own_patterns(&self) -> Duration {
        Duration::from_nanos(self.pattern_nanos.load(Ordering::Relaxed))
    }
}
