//! What is recorded: a lowest level, and exceptions by module.

use std::fmt;
use std::str::FromStr;

use tracing_core::{LevelFilter, Metadata};

use crate::record::{Level, UnknownLevel};

/// Exceptions by module at most: more is no setting that a person wrote.
pub const MAX_MODULES: usize = 256;
/// A module path at most, in bytes.
pub const MAX_MODULE_BYTES: usize = 256;

/// What is recorded: a lowest level, and exceptions by module. `Display` gives back the text that parses to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    min: Level,
    /// By path, ascending, each path once.
    modules: Vec<Module>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Module {
    path: Box<str>,
    min: Level,
    /// The longest of the paths before this one that it begins with, as a string.
    shorter: Option<usize>,
}

/// The text names no levels. Write `info`, or `info,app::sync=trace,http=debug`.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LevelsError {
    /// A part of the text names a level that does not exist.
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
    /// There are more modules than anybody means. Use shorter paths, which count for all that is below them.
    #[error("{modules} modules; at most {MAX_MODULES} are taken")]
    TooMany {
        /// How many there are.
        modules: usize,
    },
}
courier_sanitize::debug_is_display!(LevelsError);

impl Rules {
    /// Everything from `min` on.
    #[must_use]
    pub fn new(min: Level) -> Self {
        Self {
            min,
            modules: Vec::new(),
        }
    }

    /// Adds an exception for a module and what is below it. One for the same module is replaced.
    #[must_use]
    pub fn module(mut self, path: impl Into<String>, min: Level) -> Self {
        let module = Module {
            path: path.into().into(),
            min,
            shorter: None,
        };
        match self
            .modules
            .binary_search_by(|known| known.path.cmp(&module.path))
        {
            Ok(known) => {
                if let Some(known) = self.modules.get_mut(known) {
                    known.min = min;
                }
            }
            Err(place) => self.modules.insert(place, module),
        }
        self.link();
        self
    }

    /// Everything from `min` on, but for these modules.
    ///
    /// # Errors
    /// A module that is no path, by name, or too many of them.
    pub fn with_modules<P: Into<String>>(
        min: Level,
        modules: impl IntoIterator<Item = (P, Level)>,
    ) -> Result<Self, LevelsError> {
        let mut rules = Self::new(min);
        for (path, min) in modules {
            let path = path.into();
            if !is_module(&path) {
                return Err(LevelsError::Module {
                    text: format!("{}={min}", clipped(&path)),
                    module: clipped(&path),
                });
            }
            rules.modules.push(Module {
                path: path.into(),
                min,
                shorter: None,
            });
        }
        if rules.modules.len() > MAX_MODULES {
            return Err(LevelsError::TooMany {
                modules: rules.modules.len(),
            });
        }
        // Stable, and the last of the same path is kept: as if they had come one by one.
        rules.modules.sort_by(|a, b| a.path.cmp(&b.path));
        rules.modules.dedup_by(|later, kept| {
            let is_same = later.path == kept.path;
            if is_same {
                kept.min = later.min;
            }
            is_same
        });
        rules.link();
        Ok(rules)
    }

    /// The exceptions, by path.
    pub fn modules(&self) -> impl Iterator<Item = (&str, Level)> {
        self.modules
            .iter()
            .map(|module| (&*module.path, module.min))
    }

    /// The lowest level that is recorded of what no exception names.
    #[must_use]
    pub fn min(&self) -> Level {
        self.min
    }

    /// The lowest level that is recorded of this target.
    #[must_use]
    pub fn min_level(&self, target: &str) -> Level {
        // Every path that the target begins with sorts before it, and so does whatever stands between the two, which
        // then begins with that path as well. So the last one before the target leads to all that can cover it.
        let after = self
            .modules
            .partition_point(|module| &*module.path <= target);
        let mut next = after.checked_sub(1);
        while let Some(module) = next.and_then(|index| self.modules.get(index)) {
            if covers(&module.path, target) {
                return module.min;
            }
            next = module.shorter;
        }
        self.min
    }

    /// These levels, kept within two: never quieter than `floor`, never louder than `ceiling`.
    pub(super) fn within(mut self, floor: Level, ceiling: Level) -> Self {
        let kept = |level: Level| level.min(floor).max(ceiling);
        self.min = kept(self.min);
        for module in &mut self.modules {
            module.min = kept(module.min);
        }
        self
    }

    pub(super) fn records(&self, metadata: &Metadata<'_>) -> bool {
        let level = Level::from(*metadata.level());
        level >= Level::Error || level >= self.min_level(metadata.target())
    }

    pub(super) fn max_level_hint(&self) -> LevelFilter {
        let modules = self.modules.iter().map(|module| module.min);
        match modules.chain([self.min]).min().unwrap_or(self.min) {
            Level::Trace => LevelFilter::TRACE,
            Level::Debug => LevelFilter::DEBUG,
            Level::Info => LevelFilter::INFO,
            Level::Warning => LevelFilter::WARN,
            Level::Error | Level::Fatal => LevelFilter::ERROR,
        }
    }

    /// Says of each path which shorter one it begins with.
    fn link(&mut self) {
        let mut open: Vec<usize> = Vec::new();
        for index in 0..self.modules.len() {
            let (before, rest) = self.modules.split_at_mut(index);
            let Some(module) = rest.first_mut() else {
                return;
            };
            let begins = |&shorter: &usize| {
                before
                    .get(shorter)
                    .is_some_and(|shorter| module.path.starts_with(&*shorter.path))
            };
            while open.last().is_some_and(|shorter| !begins(shorter)) {
                open.pop();
            }
            module.shorter = open.last().copied();
            open.push(index);
        }
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
        let mut min = Level::Info;
        let mut modules = Vec::new();
        for part in text.split(',') {
            match part.split_once('=') {
                None => min = level(part)?,
                Some((module, value)) if is_module(module.trim()) => {
                    modules.push((module.trim(), level(value)?));
                }
                Some((module, _)) => {
                    return Err(LevelsError::Module {
                        text: text.to_owned(),
                        module: module.to_owned(),
                    });
                }
            }
        }
        Self::with_modules(min, modules)
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.min)?;
        for module in &self.modules {
            write!(f, ",{}={}", module.path, module.min)?;
        }
        Ok(())
    }
}

fn is_module(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= MAX_MODULE_BYTES
        && path.split("::").all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_-./".contains(c))
        })
}

/// Whether a module path is a target's, or a whole-segment prefix of it.
fn covers(path: &str, target: &str) -> bool {
    target
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Enough of a text to find it by.
fn clipped(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            assert_eq!(text.parse::<Rules>().unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn modules_with_odd_characters_or_too_many_of_them_are_refused() {
        for path in [
            "a b", "a=b", "a,b", "a:b", "::a", "a::", "a::::b", "", "a\n", "a\0", "*", "[span]",
        ] {
            let error = Rules::with_modules(Level::Info, [(path, Level::Trace)]).unwrap_err();
            assert!(
                matches!(&error, LevelsError::Module { module, .. } if module == path),
                "{path:?}: {error}"
            );
        }
        let long = "m".repeat(MAX_MODULE_BYTES + 1);
        assert!(Rules::with_modules(Level::Info, [(long, Level::Trace)]).is_err());
        let many = |count: usize| {
            let modules = (0..count).map(|n| (format!("m{n}"), Level::Trace));
            Rules::with_modules(Level::Info, modules)
        };
        assert!(many(MAX_MODULES).is_ok());
        assert_eq!(
            many(257).unwrap_err(),
            LevelsError::TooMany { modules: 257 }
        );
    }

    #[test]
    fn of_one_module_the_last_word_counts_however_it_is_built() {
        let text: Rules = "info,app=trace,app=debug".parse().unwrap();
        let built = Rules::new(Level::Info)
            .module("app", Level::Trace)
            .module("app", Level::Debug);
        assert_eq!(text, built);
        assert_eq!(text.min_level("app"), Level::Debug);
    }

    #[test]
    fn the_bounds_hold_for_every_level_of_the_text() {
        let rules: Rules = "fatal,a=trace,b=info".parse().unwrap();
        let kept = rules.within(Level::Warning, Level::Debug);
        assert_eq!(kept.to_string(), "warning,a=debug,b=info");
    }

    /// The rule of the contract, as one would write it down.
    fn plainly(min: Level, modules: &[(String, Level)], target: &str) -> Level {
        modules
            .iter()
            .rev()
            .filter(|(path, _)| target == path || target.starts_with(&format!("{path}::")))
            .max_by_key(|(path, _)| path.len())
            .map_or(min, |&(_, min)| min)
    }

    fn level() -> impl Strategy<Value = Level> {
        prop::sample::select(vec![Level::Trace, Level::Debug, Level::Info, Level::Error])
    }

    proptest! {
        #[test]
        fn the_search_finds_what_the_plain_rule_says(
            modules in prop::collection::vec(("[ab][-.b]?(::[ab][-.b]?){0,3}", level()), 0..12),
            targets in prop::collection::vec("[ab][-.b]?(::[ab][-.b]?){0,4}", 1..12),
        ) {
            let modules: Vec<(String, Level)> = modules;
            let rules = Rules::with_modules(Level::Warning, modules.clone()).unwrap();
            for target in &targets {
                // Of one path the last one counts; `max_by_key` takes the last of equals, so the list is turned.
                let mut last_wins = modules.clone();
                last_wins.reverse();
                let mut seen = std::collections::HashSet::new();
                last_wins.retain(|(path, _)| seen.insert(path.clone()));
                prop_assert_eq!(
                    rules.min_level(target),
                    plainly(Level::Warning, &last_wins, target),
                    "{} in {}", target, rules
                );
            }
            prop_assert_eq!(rules.to_string().parse::<Rules>().unwrap(), rules);
        }
    }
}
