//! What `check` found.

use std::fmt;

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the relay can run with it.
    pub is_fine: bool,
    /// What was tried, and what came of it.
    pub text: String,
}

impl Finding {
    pub(super) fn fine(text: impl Into<String>) -> Self {
        Self {
            is_fine: true,
            text: text.into(),
        }
    }

    pub(super) fn wrong(text: impl Into<String>) -> Self {
        Self {
            is_fine: false,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}  {}",
            if self.is_fine { "ok   " } else { "WRONG" },
            self.text
        )
    }
}
