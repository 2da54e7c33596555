//! The levels in force, as everybody shares them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tracing_core::Metadata;

use super::change::{Asked, Change, LevelStatus};
use super::decided::Decided;
use super::log_max::LogMax;
use super::rebuild;
use super::rules::{LevelsError, Rules};
use super::said::Said;
use super::setting::Setting;
use super::stack::Stack;
use crate::record::Level;

/// The levels in force. A cheap handle: clones and filters share them.
///
/// ```
/// use tracing_courier::{Level, Levels};
///
/// let levels = Levels::new("info,http=trace")?;
/// let same = levels.clone(); // a handle: what one of them sets, all have
/// same.set("warn".parse()?);
/// assert_eq!(levels.rules().min(), Level::Warning);
/// # Ok::<(), tracing_courier::LevelsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Levels(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    /// What is in force: the only thing that an event may have to look at.
    pub(super) rules: ArcSwap<Rules>,
    pub(super) decided: Decided,
    /// How often `rules` was replaced. Who has decided by old ones sees that the number changed meanwhile.
    swaps: AtomicU64,
    state: Mutex<State>,
    /// Held while a change is made and told, so that changes are told in the order in which they were made.
    telling: Mutex<()>,
    observer: OnceLock<Observer>,
}

#[derive(Debug)]
struct State {
    stack: Stack,
    log_max: LogMax,
    asked: Asked,
}

struct Observer(Box<dyn Fn(&Change) + Send + Sync>);

impl Levels {
    /// The levels of a text: `info`, or with modules `info,app::sync=trace,http=debug`.
    ///
    /// # Errors
    /// A level or module that is none, by name.
    pub fn new(text: &str) -> Result<Self, LevelsError> {
        let own: Rules = text.parse()?;
        Ok(Self(Arc::new(Inner {
            rules: ArcSwap::from_pointee(own.clone()),
            decided: Decided::new(),
            swaps: AtomicU64::new(0),
            state: Mutex::new(State {
                stack: Stack::new(own),
                log_max: LogMax::default(),
                asked: Asked::default(),
            }),
            telling: Mutex::new(()),
            observer: OnceLock::new(),
        })))
    }

    /// Sets from which level on everything is recorded, whatever the relay says, for all clones of this handle. At first
    /// [`Level::Error`], below which it can't be.
    pub fn set_floor(&self, floor: Level) {
        self.change(|stack| stack.set_floor(floor));
    }

    /// Sets the lowest level that the relay may ask for, for all clones of this handle. At first [`Level::Trace`]:
    /// whatever it likes.
    pub fn set_ceiling(&self, ceiling: Level) {
        self.change(|stack| stack.set_ceiling(ceiling));
    }

    /// Sets the program's own levels; every layer with a [`filter`](Self::filter) of this handle follows. While the
    /// relay says something else, that stays in force.
    ///
    /// It asks every callsite of the program anew, here and now: a millisecond or so for 10,000 of them. Call it where
    /// that is fine.
    pub fn set(&self, rules: Rules) {
        self.change(|stack| stack.set_own(rules));
    }

    /// The levels in force.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.0.rules.load_full()
    }

    /// What is in force, why and until when, and how it stands with the relay: for a settings screen.
    #[must_use]
    pub fn status(&self) -> LevelStatus {
        let state = self.state();
        LevelStatus::of(state.stack.in_force(), &state.asked)
    }

    /// Takes what the relay says.
    pub(crate) fn hear(&self, setting: &Setting, now: Duration) {
        self.change(|stack| stack.hear(setting, now));
    }

    /// Takes what the relay said to an earlier run of the program.
    pub(crate) fn recall(
        &self,
        standing: Option<Said>,
        passing: Option<(Said, Duration)>,
    ) -> Option<Change> {
        self.change(|stack| stack.recall(standing, passing))
    }

    /// Counts an answer that said no levels, or that none came. What is in force stays.
    pub(crate) fn failed(&self, is_answer: bool, why: String) {
        let mut state = self.state();
        let asked = &mut state.asked;
        *(if is_answer {
            &mut asked.refused
        } else {
            &mut asked.unanswered
        }) += 1;
        asked.last_error = Some(why);
    }

    /// Ends what has had its time.
    pub(crate) fn expire(&self, now: Duration) {
        self.change(|stack| stack.expire(now));
    }

    /// When [`expire`](Self::expire) is due.
    pub(crate) fn ends_at(&self) -> Option<Duration> {
        self.state().stack.ends_at()
    }

    /// What the relay said, to keep it.
    pub(crate) fn said(&self) -> (Option<Said>, Option<(Said, Duration)>) {
        self.state().stack.said()
    }

    /// Hands every change to `observer`, on the thread that makes it and after it is made, in the order in which they are
    /// made. It must not change the levels. The first observer stays.
    pub(crate) fn observe(&self, observer: impl Fn(&Change) + Send + Sync + 'static) {
        let _ = self.0.observer.set(Observer(Box::new(observer)));
    }

    fn change(&self, change: impl FnOnce(&mut Stack)) -> Option<Change> {
        let _telling = self
            .0
            .telling
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        let before = state.stack.in_force();
        change(&mut state.stack);
        let after = state.stack.in_force();
        let rules = state.stack.rules();
        if rules != **self.0.rules.load() {
            self.0.rules.store(Arc::new(rules));
            // In this order: whoever still decides by the old levels either is forgotten here or sees the new count.
            self.0.swaps.fetch_add(1, Ordering::SeqCst);
            self.0.decided.forget_all();
            state.log_max.follow(rebuild::rebuild);
        }
        drop(state);
        let change = (before != after).then(|| Change::between(before, after))?;
        if let Some(Observer(observer)) = self.0.observer.get() {
            observer(&change);
        }
        Some(change)
    }

    /// What the levels say of a callsite; it is remembered. `None` while they change.
    pub(super) fn decide(&self, metadata: &'static Metadata<'static>) -> Option<bool> {
        let swaps = self.0.swaps.load(Ordering::SeqCst);
        let is_recorded = self.0.rules.load().records(metadata);
        self.0.decided.put(metadata, is_recorded);
        if self.0.swaps.load(Ordering::SeqCst) == swaps {
            return Some(is_recorded);
        }
        self.0.decided.forget(metadata);
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}
