//! What stands where something was taken: `[REDACTED]` for the value of a secret name, `[REDACTED:email]` for a form.
//!
//! The words are fixed and never made from what was taken. A marker in a text is an atom: no rule looks into it, so
//! that cleaning twice is cleaning once.

use crate::rule_names::Rule;
use crate::text::Text;

/// What stands where the value of a secret name was.
pub const REDACTED: &str = "[REDACTED]";

/// Longest marker: `[REDACTED:classification]`, or a custom word with a pattern's name and a pseudonym.
const MAX_MARKER_BYTES: usize = 96;

/// The markers of one policy.
#[derive(Clone)]
pub(crate) struct Markers {
    /// `[REDACTED`.
    head: String,
    texts: Vec<String>,
}

impl Markers {
    /// Those that begin like `marker`: `[`, 1 to 32 letters, digits, `_` or `-`, `]`.
    pub fn new(marker: &str) -> Option<Self> {
        let word = marker
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let is_word = |word: &&str| (1..=32).contains(&word.len()) && word.bytes().all(is_part);
        word.filter(is_word).map(Self::of_word)
    }

    fn of_word(word: &str) -> Self {
        let text = |rule| match rule {
            Rule::Key => format!("[{word}]"),
            Rule::Home => "~".to_owned(),
            Rule::Path => String::new(),
            rule => format!("[{word}:{}]", rule.as_str()),
        };
        Self {
            head: format!("[{word}"),
            texts: Rule::ALL.into_iter().map(text).collect(),
        }
    }

    /// What stands where `rule` took something.
    pub fn text(&self, rule: Rule) -> &str {
        self.texts
            .get(rule as usize)
            .map_or("[REDACTED]", String::as_str)
    }

    /// What stands where the policy's pattern of this name took something.
    pub fn of_pattern(&self, name: &str) -> String {
        format!("{}:{name}]", self.head)
    }

    /// Where a marker that begins at `at` ends.
    pub fn end(&self, text: Text<'_>, at: usize) -> Option<usize> {
        if text.at(at) != b'[' || !text.has(at, self.head.as_bytes()) {
            return None;
        }
        let word_end = at + self.head.len();
        let end = match text.at(word_end) {
            b':' => text.run_most(word_end, MAX_MARKER_BYTES, is_inner),
            _ => word_end,
        };
        (text.at(end) == b']').then_some(end + 1)
    }

    /// Does `start..end` lie inside a marker?
    pub fn holds(&self, text: Text<'_>, start: usize, end: usize) -> bool {
        let open = text.run_back(end, MAX_MARKER_BYTES, is_inner);
        let open = open.saturating_sub(1);
        open <= start && self.end(text, open).is_some_and(|close| end <= close)
    }
}

impl Default for Markers {
    fn default() -> Self {
        Self::of_word("REDACTED")
    }
}

/// What stands between the brackets of a marker.
fn is_inner(byte: u8) -> bool {
    is_part(byte) || matches!(byte, b':' | b'#')
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
