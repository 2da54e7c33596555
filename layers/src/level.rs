//! Which levels are recorded, changed while the program runs.
//!
//! 1. The longest module prefix wins; modules match whole path segments (`http` matches `http::client`, not `httpx`).
//! 2. ERROR, and with it FATAL, can't be silenced.
//! 3. A change counts from the next event on: every callsite is asked anew.
//!
//! What it does not do yet: fetch the levels from the relay.

use std::str::FromStr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing_core::subscriber::Interest;
use tracing_core::{LevelFilter, Metadata};
use tracing_subscriber::layer::{Context, Filter};

use crate::record::{Level, UnknownLevel};

/// The levels in force. A cheap handle: clones and filters share them.
#[derive(Clone, Debug)]
pub struct Levels(Arc<ArcSwap<Rules>>);

/// What is recorded: a lowest level, and exceptions by module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    min: Level,
    /// The longest first.
    modules: Vec<(String, Level)>,
}

/// The text names no levels. Write `info`, or `info,app::sync=trace,http=debug`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LevelsError {
    /// A part of the text names a level that there is none of.
    #[error("in levels `{text}`: {source}")]
    Level {
        /// The whole text.
        text: String,
        /// What is wrong.
        source: UnknownLevel,
    },
    /// A module is no path such as `app::sync`.
    #[error("in levels `{text}`: `{module}` is no module path such as `app::sync`")]
    Module {
        /// The whole text.
        text: String,
        /// The part that is wrong.
        module: String,
    },
}

impl Levels {
    /// The levels of a text: `info`, or with modules `info,app::sync=trace,http=debug`.
    ///
    /// # Errors
    /// A level or module that is none, by name.
    pub fn new(text: &str) -> Result<Self, LevelsError> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(text.parse()?))))
    }

    /// Swaps the levels; every layer with a [`filter`](Self::filter) of this handle follows.
    pub fn set(&self, rules: Rules) {
        self.0.store(Arc::new(rules));
        tracing_core::callsite::rebuild_interest_cache();
    }

    /// The levels in force.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.0.load_full()
    }

    /// The filter for a layer: `.with_filter(levels.filter())`.
    #[must_use]
    pub fn filter(&self) -> LevelsFilter {
        LevelsFilter(self.clone())
    }
}

impl FromStr for Rules {
    type Err = LevelsError;

    fn from_str(text: &str) -> Result<Self, LevelsError> {
        let level = |level: &str| {
            level.trim().parse().map_err(|source| LevelsError::Level {
                text: text.to_owned(),
                source,
            })
        };
        let mut rules = Self::new(Level::Info);
        for part in text.split(',') {
            match part.split_once('=') {
                None => rules.min = level(part)?,
                Some((module, value)) if is_module(module.trim()) => {
                    rules = rules.module(module.trim(), level(value)?);
                }
                Some((module, _)) => {
                    return Err(LevelsError::Module {
                        text: text.to_owned(),
                        module: module.to_owned(),
                    });
                }
            }
        }
        Ok(rules)
    }
}

fn is_module(path: &str) -> bool {
    !path.is_empty()
        && path.split("::").all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_-./".contains(c))
        })
}

impl Rules {
    /// Everything from `min` on.
    #[must_use]
    pub fn new(min: Level) -> Self {
        Self {
            min,
            modules: Vec::new(),
        }
    }

    /// Adds an exception for a module and what is below it.
    #[must_use]
    pub fn module(mut self, path: impl Into<String>, min: Level) -> Self {
        self.modules.push((path.into(), min));
        self.modules
            .sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        self
    }

    /// The lowest level that is recorded of this target.
    #[must_use]
    pub fn min_level(&self, target: &str) -> Level {
        self.modules
            .iter()
            .find(|(path, _)| covers(path, target))
            .map_or(self.min, |&(_, min)| min)
    }

    fn records(&self, metadata: &Metadata<'_>) -> bool {
        let level = Level::from(*metadata.level());
        level >= Level::Error || level >= self.min_level(metadata.target())
    }

    fn max_level_hint(&self) -> LevelFilter {
        let lowest = self
            .modules
            .iter()
            .map(|&(_, min)| min)
            .chain([self.min])
            .min();
        match lowest.unwrap_or(Level::Info) {
            Level::Trace => LevelFilter::TRACE,
            Level::Debug => LevelFilter::DEBUG,
            Level::Info => LevelFilter::INFO,
            Level::Warning => LevelFilter::WARN,
            Level::Error | Level::Fatal => LevelFilter::ERROR,
        }
    }
}

/// Whether a module path is a target's, or a whole-segment prefix of it.
fn covers(path: &str, target: &str) -> bool {
    target
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Lets a layer see what the levels say. From [`Levels::filter`].
#[derive(Clone, Debug)]
pub struct LevelsFilter(Levels);

impl<S> Filter<S> for LevelsFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _ctx: &Context<'_, S>) -> bool {
        self.0.0.load().records(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == "log" {
            // The log bridge asks with the record's own target, each time.
            Interest::sometimes()
        } else if self.0.0.load().records(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.0.load().max_level_hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_whole_segment_prefix_wins() {
        let rules: Rules = "info,http=trace,http::client=error,app=debug"
            .parse()
            .unwrap();
        for (target, min) in [
            ("other", Level::Info),
            ("http", Level::Trace),
            ("http::server", Level::Trace),
            ("httpx", Level::Info),
            ("http::client", Level::Error),
            ("http::client::pool", Level::Error),
            ("app::sync", Level::Debug),
        ] {
            assert_eq!(rules.min_level(target), min, "{target}");
        }
    }

    #[test]
    fn a_text_that_names_no_levels_is_refused_by_name() {
        for (text, error) in [
            (
                "loud",
                "in levels `loud`: `loud` is no level; use trace, debug, info, warning, error or fatal",
            ),
            (
                "info,a b=trace",
                "in levels `info,a b=trace`: `a b` is no module path such as `app::sync`",
            ),
            (
                "info,=trace",
                "in levels `info,=trace`: `` is no module path such as `app::sync`",
            ),
        ] {
            assert_eq!(Levels::new(text).unwrap_err().to_string(), error);
        }
    }
}
