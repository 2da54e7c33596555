//! A page of the audit: which entries are asked for, and where the next pages begin.

use serde::{Deserialize, Serialize};

use super::entry::Entry;

/// Which entries are asked for, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only entries with a lower number.
    pub before: Option<i64>,
    /// Only entries with a higher number: the nearest ones.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: u32,
    /// Only entries of this token.
    pub who: Option<String>,
    /// Only entries about this subject, as it is kept, among others.
    pub subject: Option<String>,
}

/// Entries, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The cursor of the next older page; absent when there is nothing older.
    pub older: Option<String>,
    /// The cursor of what is newer than these, now or later.
    pub newer: Option<String>,
}

impl Page {
    /// The most entries of a page.
    pub const MAX: u32 = 1_000;

    /// Entries of a page unless it is said.
    pub const DEFAULT: u32 = 100;

    /// The same page where `cursor` says; `None` if it is no cursor of this question.
    #[must_use]
    pub fn at(mut self, cursor: &str) -> Option<Self> {
        let id = |text: &str| text.parse::<u32>().ok().map(i64::from);
        if let Some(text) = cursor.strip_prefix(BEFORE) {
            self.before = Some(id(text)?);
        } else {
            self.after = Some(id(cursor.strip_prefix(AFTER)?)?);
        }
        Some(self)
    }
}

/// How the cursor of an older page begins.
pub const BEFORE: &str = "audit-before-";

/// How the cursor of a newer page begins.
pub const AFTER: &str = "audit-after-";
