//! A timeline with what was asked, and what there is around it.

use std::fmt::Write;

use jiff::Timestamp;

use crate::when::Zone;

use super::ask::Ask;
use super::page::{Cursor, command, link};
use super::story::Story;

/// A timeline, and what the index says of itself.
#[derive(Clone, Debug)]
pub struct Told {
    /// What was asked.
    pub ask: Ask,
    /// By when what is in it had come, in Unix milliseconds.
    pub as_of: i64,
    /// Up to when what came is in the index, in Unix milliseconds.
    pub indexed_until: i64,
    /// When the first record came that the index still has, in Unix milliseconds.
    pub kept_since: Option<i64>,
    /// The timeline; `None` when there is nothing of them at all.
    pub story: Option<Story>,
}

impl Told {
    /// Whether there is any row.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.story
            .as_ref()
            .is_some_and(|story| !story.rows.is_empty())
    }

    /// The same timeline, as a link.
    #[must_use]
    pub fn link(&self) -> String {
        link(&self.ask, self.as_of)
    }

    /// The cursor to what was logged at `at`.
    #[must_use]
    pub fn cursor(&self, at: u64) -> String {
        let as_of = self.as_of;
        Cursor { at, as_of }.text(&self.ask.of)
    }

    /// The command that shows what was logged around `at`.
    #[must_use]
    pub fn command(&self, at: u64) -> String {
        command(&self.ask, at)
    }

    /// Why there is nothing, in sentences: what the index has of them, and when.
    #[must_use]
    pub fn nothing(&self) -> Vec<String> {
        let zone = &self.ask.zone;
        let (kind, name) = self.ask.of.flag();
        let mut said = Vec::new();
        let Some(story) = &self.story else {
            said.push(format!(
                "Nothing of {kind} \u{201c}{name}\u{201d} is in the index: nothing came under this name, or it is kept no longer. `courier-relay find` looks for names that are like it."
            ));
            said.extend(self.reach());
            return said;
        };
        let (from, to) = (day(story.from, zone), day(story.to, zone));
        said.push(format!(
            "Nothing of {kind} \u{201c}{name}\u{201d} between {from} and {to}."
        ));
        match (story.older, story.newer) {
            (Some(older), None) => said.push(format!(
                "Nothing since {}; it may be offline: what it logs is still on it.",
                day(older, zone)
            )),
            (Some(older), Some(newer)) => said.push(format!(
                "The last before it is of {}, the next of {}.",
                day(older, zone),
                day(newer, zone)
            )),
            (None, Some(newer)) => {
                said.push(format!("The first there is is of {}.", day(newer, zone)));
            }
            (None, None) => {}
        }
        said.extend(self.reach());
        said
    }

    /// How far the index reaches, in sentences.
    #[must_use]
    pub fn reach(&self) -> Option<String> {
        let zone = &self.ask.zone;
        let mut said = format!("indexed until {}", millis(self.indexed_until, zone));
        match self.kept_since {
            // Writing to a string does not fail.
            Some(since) => drop(write!(said, ", kept since {}", millis(since, zone))),
            None => said.push_str(", with nothing in it yet"),
        }
        Some(said)
    }
}

/// A moment with its day, as it is read in that zone.
pub fn day(unix_nanos: u64, zone: &Zone) -> String {
    let at = Timestamp::from_nanosecond(i128::from(unix_nanos)).unwrap_or(Timestamp::UNIX_EPOCH);
    show(at, zone)
}

/// The same of Unix milliseconds.
pub fn millis(unix_millis: i64, zone: &Zone) -> String {
    let at = Timestamp::from_millisecond(unix_millis).unwrap_or(Timestamp::UNIX_EPOCH);
    show(at, zone)
}

fn show(at: Timestamp, zone: &Zone) -> String {
    let shown = zone.show(at);
    let plain = shown.get(..19).unwrap_or(&shown);
    plain.replacen('T', " ", 1)
}
