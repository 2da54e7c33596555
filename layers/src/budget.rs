//! A budget for noise: how many records one line of the program may make.
//!
//! 1. Each callsite has a token bucket of its own; a quiet one pays for no loud one.
//! 2. ERROR and above are never touched.
//! 3. What was left out is counted, and said as one record a minute and callsite.
//!
//! In the long run a callsite makes as many records a minute as the budget says, and in its worst minute twice as many:
//! half of them lie in the bucket, and the clock is only looked at once that is empty. Threads that log the same line in
//! the same nanosecond may pay for it once.
//!
//! What it does not do: look at what is logged. A line with a new value each time is still one callsite. Of more than
//! [`SLOTS`] callsites some are not counted, and record what they like.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Level};

use crate::gate::crate_relative;
use crate::record::{self, Location};

/// How many callsites are counted, in 288 KiB.
const SLOTS: usize = 4096;
/// How many neighbours are looked at for a callsite's place.
const PROBES: usize = 8;
/// Between two records that say what was left out at one callsite.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What every callsite may record. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    per_minute: u64,
    /// As much as a bucket holds.
    bucket: u32,
    slots: Box<[Slot]>,
    started: Instant,
}

/// A callsite's place.
#[derive(Debug, Default)]
struct Slot {
    /// Whose it is; zero for nobody's.
    key: AtomicUsize,
    /// Tokens in the bucket.
    left: AtomicU32,
    /// Up to when it was filled, in nanoseconds since the start.
    filled_at: AtomicU64,
    /// Left out and not said yet.
    suppressed: AtomicU64,
    /// When that was said last, or began.
    told_at: AtomicU64,
    site: OnceLock<Site>,
}

/// Where something was left out.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub level: record::Level,
    pub logger: String,
    pub location: Option<Location>,
}

/// What was left out at one callsite.
#[derive(Debug)]
pub(crate) struct Suppressed {
    pub site: Site,
    pub count: u64,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Record,
    LeaveOut,
    /// And it is time to say so.
    LeaveOutAndTell,
}

impl Budget {
    pub fn new(per_minute: NonZeroU32) -> Self {
        let bucket = per_minute.get().div_ceil(2);
        Self(Arc::new(Inner {
            per_minute: per_minute.get().into(),
            bucket,
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            started: Instant::now(),
        }))
    }

    /// Pays for an event, if its callsite can.
    #[inline]
    pub fn verdict(&self, event: &Event<'_>) -> Verdict {
        let metadata = event.metadata();
        if *metadata.level() == Level::ERROR {
            return Verdict::Record;
        }
        let key = match metadata.target() == "log" {
            false => std::ptr::from_ref(metadata).addr(),
            // The `log` bridge has one callsite a level.
            true => Origin::of(event).key(),
        };
        match self.0.slot(key) {
            None => Verdict::Record,
            Some(slot) if slot.pay() => Verdict::Record,
            Some(slot) => self.0.empty(slot, self.0.now(), event),
        }
    }

    /// What is to be said now: where a minute has passed, or of all callsites.
    pub fn take_suppressed(&self, of_all: bool) -> Vec<Suppressed> {
        self.0.take_suppressed(of_all, self.0.now())
    }
}

impl Inner {
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    #[allow(clippy::indexing_slicing)] // The remainder keeps it inside.
    #[inline]
    fn slot(&self, key: usize) -> Option<&Slot> {
        // Metadata is 100-odd bytes: the lowest bits say little, so the upper ones are mixed in.
        let first = (key >> 4) ^ (key >> 13);
        let slot = &self.slots[first % SLOTS];
        if slot.key.load(Ordering::Acquire) == key {
            return Some(slot);
        }
        self.find(first, key)
    }

    #[cold]
    fn find(&self, first: usize, key: usize) -> Option<&Slot> {
        (first..first.saturating_add(PROBES)).find_map(|at| {
            let slot = self.slots.get(at % SLOTS)?;
            let owner = slot
                .key
                .compare_exchange(0, key, Ordering::AcqRel, Ordering::Acquire);
            match owner {
                Ok(_) => {
                    slot.filled_at.store(self.now(), Ordering::Relaxed);
                    slot.left.store(self.bucket, Ordering::Relaxed);
                    Some(slot)
                }
                Err(owner) => (owner == key).then_some(slot),
            }
        })
    }

    /// The bucket is empty: fills it by the time that has passed, or leaves the event out.
    #[cold]
    fn empty(&self, slot: &Slot, now: u64, event: &Event<'_>) -> Verdict {
        let filled_at = slot.filled_at.load(Ordering::Relaxed);
        let nanos_each = MINUTE_NANOS / self.per_minute;
        let earned = now.saturating_sub(filled_at) / nanos_each.max(1);
        if earned > 0 {
            let taken = u32::try_from(earned).unwrap_or(u32::MAX).min(self.bucket);
            // What is over is lost, as a full bucket's is; a part of a token is not.
            let until = match taken == self.bucket {
                true => now,
                false => filled_at + earned * nanos_each,
            };
            let filled = slot.filled_at.compare_exchange(
                filled_at,
                until,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            if filled.is_ok() {
                slot.left.store(taken - 1, Ordering::Relaxed);
                return Verdict::Record;
            }
        }
        slot.site.get_or_init(|| Origin::of(event).site(event));
        if slot.suppressed.fetch_add(1, Ordering::Relaxed) == 0 {
            slot.told_at.store(now, Ordering::Relaxed);
        }
        match slot.is_due(now) {
            true => Verdict::LeaveOutAndTell,
            false => Verdict::LeaveOut,
        }
    }

    fn take_suppressed(&self, of_all: bool, now: u64) -> Vec<Suppressed> {
        let suppressed = self.slots.iter().filter_map(|slot| {
            if slot.suppressed.load(Ordering::Relaxed) == 0 || !(of_all || slot.is_due(now)) {
                return None;
            }
            slot.told_at.store(now, Ordering::Relaxed);
            // Another thread may have been quicker.
            let count = slot.suppressed.swap(0, Ordering::Relaxed);
            let site = slot.site.get().filter(|_| count > 0)?.clone();
            Some(Suppressed { site, count })
        });
        suppressed.collect()
    }
}

impl Slot {
    #[inline]
    fn pay(&self) -> bool {
        // Not one operation: that would cost more than all the rest.
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
        }
        left > 0
    }

    fn is_due(&self, now: u64) -> bool {
        let since = now.saturating_sub(self.told_at.load(Ordering::Relaxed));
        u128::from(since) >= TOLD_EVERY.as_nanos()
    }
}

/// Where a record of the `log` crate comes from.
#[derive(Debug, Default)]
struct Origin {
    target: Option<String>,
    file: Option<String>,
    line: Option<u64>,
}

impl Origin {
    fn of(event: &Event<'_>) -> Self {
        let mut origin = Self::default();
        if event.metadata().target() == "log" {
            event.record(&mut origin);
        }
        origin
    }

    fn key(&self) -> usize {
        let text = (&self.target, &self.file, self.line);
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(text);
        // No address of a callsite: those are even.
        usize::try_from(hash >> 1).unwrap_or(usize::MAX) | 1
    }

    fn site(self, event: &Event<'_>) -> Site {
        let metadata = event.metadata();
        let file = self
            .file
            .or_else(|| metadata.file().map(str::to_owned))
            .map(|file| crate_relative(&file).to_owned());
        let line = self
            .line
            .and_then(|line| u32::try_from(line).ok())
            .or(metadata.line());
        Site {
            level: record::Level::from(*metadata.level()),
            logger: self.target.unwrap_or_else(|| metadata.target().to_owned()),
            location: file.map(|file| Location { file, line }),
        }
    }
}

impl Visit for Origin {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => self.target = Some(value.to_owned()),
            "log.file" => self.file = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.line = Some(value);
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

const MINUTE_NANOS: u64 = 60_000_000_000;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing::{error, info, warn};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    use super::*;

    /// Keeps the verdicts, by a clock that the test sets.
    #[derive(Clone)]
    struct Asks {
        budget: Budget,
        seen: Arc<Mutex<Vec<Verdict>>>,
    }

    impl<S: tracing_core::Subscriber> Layer<S> for Asks {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let verdict = self.budget.verdict(event);
            self.seen.lock().unwrap().push(verdict);
        }
    }

    fn recorded(per_minute: u32, log: impl FnOnce()) -> (usize, Budget) {
        let budget = Budget::new(NonZeroU32::new(per_minute).unwrap());
        let asks = Asks {
            budget: budget.clone(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&asks.seen);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(asks), log);
        let seen = seen.lock().unwrap();
        let recorded = seen.iter().filter(|&&verdict| verdict == Verdict::Record);
        (recorded.count(), budget)
    }

    #[test]
    fn a_loud_line_pays_for_itself_and_an_error_for_nothing() {
        let (count, budget) = recorded(10, || {
            for _ in 0..1_000 {
                warn!("loud");
                error!("never touched");
            }
            info!("quiet");
        });
        // Five in the bucket, and one more for each six seconds that the machine may have taken.
        assert!((1_006..1_010).contains(&count), "{count}");
        let [loud] = &budget.take_suppressed(true)[..] else {
            panic!("one callsite was too loud");
        };
        assert_eq!(loud.count as usize, 2_001 - count);
        assert_eq!(loud.site.level, record::Level::Warning);
        assert!(loud.site.logger.ends_with("budget::tests"));
        assert!(loud.site.location.as_ref().unwrap().line.is_some());
        assert!(budget.take_suppressed(true).is_empty(), "said once");
    }

    #[test]
    fn an_empty_bucket_is_filled_by_the_time_that_has_passed_and_no_further_than_it_holds() {
        const SECOND: u64 = 1_000_000_000;
        let inner = Budget::new(NonZeroU32::new(60).unwrap());
        let asks = |seconds: &[u64]| {
            let slot = Slot::default();
            let mut recorded = Vec::new();
            recorded_by(|event| {
                for &second in seconds {
                    let verdict = match slot.pay() {
                        true => Verdict::Record,
                        false => inner.0.empty(&slot, second * SECOND, event),
                    };
                    recorded.push(verdict == Verdict::Record);
                }
            });
            recorded
        };
        assert_eq!(asks(&[0, 1, 1, 2, 2]), [false, true, false, true, false]);
        assert_eq!(asks(&[2, 2, 2]), [true, true, false]);
        let after_an_hour = asks(&[3_600; 40]);
        assert_eq!(after_an_hour.iter().filter(|&&paid| paid).count(), 30);
    }

    #[test]
    fn what_was_left_out_is_said_once_a_minute() {
        const SECOND: u64 = 1_000_000_000;
        let budget = Budget::new(NonZeroU32::MIN);
        let slot = budget.0.slot(64).unwrap();
        slot.left.store(0, Ordering::Relaxed);
        recorded_by(|event| {
            let now = budget.0.now();
            slot.filled_at
                .store(now + 3_600 * SECOND, Ordering::Relaxed);
            let leaves_out = |second: u64| budget.0.empty(slot, now + second * SECOND, event);
            assert_eq!(leaves_out(0), Verdict::LeaveOut);
            assert_eq!(leaves_out(59), Verdict::LeaveOut);
            assert!(
                budget
                    .0
                    .take_suppressed(false, now + 59 * SECOND)
                    .is_empty()
            );
            assert_eq!(leaves_out(60), Verdict::LeaveOutAndTell);
            let said = budget.0.take_suppressed(false, now + 60 * SECOND);
            assert_eq!(said[0].count, 3);
            assert_eq!(leaves_out(61), Verdict::LeaveOut);
        });
    }

    fn recorded_by(with: impl FnMut(&Event<'_>) + Send) {
        struct Once<F>(Mutex<F>);
        impl<S: tracing_core::Subscriber, F: FnMut(&Event<'_>) + Send + 'static> Layer<S> for Once<F> {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                (self.0.lock().unwrap())(event);
            }
        }
        // A layer lives as long as it likes; the closure does not.
        let metadata = {
            let seen: Arc<OnceLock<&'static tracing_core::Metadata<'static>>> = Arc::default();
            let kept = Arc::clone(&seen);
            let keep = Once(Mutex::new(move |event: &Event<'_>| {
                let _ = kept.set(event.metadata());
            }));
            tracing::subscriber::with_default(tracing_subscriber::registry().with(keep), || {
                warn!("one");
            });
            seen.get().copied().unwrap()
        };
        let mut with = with;
        let values = metadata.fields().value_set_all(&[None]);
        with(&Event::new(metadata, &values));
    }

    /// `cargo test --release -p tracing-courier --lib budget::tests::cost -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn cost() {
        const EVENTS: u32 = 10_000_000;
        let budget = Budget::new(NonZeroU32::MAX);
        recorded_by(|event| {
            for _ in 0..5 {
                let start = Instant::now();
                for _ in 0..EVENTS {
                    std::hint::black_box(std::hint::black_box(event).metadata());
                }
                let without = start.elapsed();
                let start = Instant::now();
                for _ in 0..EVENTS {
                    std::hint::black_box(budget.verdict(std::hint::black_box(event)));
                }
                let each = start.elapsed().saturating_sub(without).as_secs_f64() * 1e9;
                println!("{:.2} ns an event", each / f64::from(EVENTS));
            }
        });
    }
}
