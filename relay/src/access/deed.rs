//! What somebody does, as the audit is told of it.

use std::sync::Arc;

use crate::text::escape;

/// What somebody is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Who: the name of the token that was used.
    pub who: Arc<str>,
    /// What: a noun and a verb, such as `level.set`, or the name of a look-up, such as `timeline`.
    pub action: &'static str,
    /// Whom or what it is about, as a query would say it: `user:ada`, `token:bea`. Empty if it is about nobody.
    pub subject: String,
    /// What was asked for: a query, a range, how many.
    pub query: String,
    /// Why, as whoever asks says.
    pub why: Arc<str>,
}

impl Deed {
    /// What a command is about to do in a data directory on which no relay runs.
    pub fn local(
        action: &'static str,
        subject: impl Into<String>,
        query: impl Into<String>,
        why: &str,
    ) -> Self {
        Self {
            who: LOCAL.into(),
            action,
            subject: subject.into(),
            query: query.into(),
            why: why.into(),
        }
    }

    /// The same with each text fit to be kept and shown: cut, control characters escaped.
    #[must_use]
    pub fn plain(self) -> Self {
        Self {
            who: self.who,
            action: self.action,
            subject: shown(&self.subject, MAX_SUBJECT),
            query: shown(&self.query, MAX_QUERY),
            why: shown(&self.why, MAX_WHY).into(),
        }
    }
}

/// At most `max` characters of `text`, control and invisible ones escaped; `…` stands for the rest.
#[must_use]
pub fn shown(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", escape(text.get(..end).unwrap_or_default())),
        None => escape(text).into_owned(),
    }
}

/// Who does something where no relay runs: a user who may write in the data directory.
pub const LOCAL: &str = "data directory";

/// Characters of a subject: an id is at most 256 on the wire.
const MAX_SUBJECT: usize = 512;

/// Characters of a query.
const MAX_QUERY: usize = 2_000;

/// Characters of a why: a ticket and a sentence.
pub const MAX_WHY: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_characters_and_escaped() {
        for (text, max, expected) in [
            ("ticket 4711", 500, "ticket 4711"),
            ("abc", 3, "abc"),
            ("abcd", 3, "abc…"),
            ("äöüß", 3, "äöü…"),
            ("a\nb\u{202e}", 10, r"a\u000ab\u202e"),
            ("", 3, ""),
        ] {
            assert_eq!(shown(text, max), expected, "{text:?}");
        }
    }
}
