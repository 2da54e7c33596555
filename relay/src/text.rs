//! Text for people: what came from outside made fit to be shown, an error and its causes in one line.
//!
//! Text that is fit to be shown: nothing in it moves a cursor, colours a screen, sets a window's title, turns the
//! direction of what follows, or hides.
//!
//! Every text that a client, a device's queue or an upstream named goes through [`escape`] before it is printed or logged.
//! The escapes are JSON's (`\\u001b`), so that a line of JSON stays the same JSON.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with each control and invisible character as `\\u` and four hex digits, twice for what lies above U+FFFF.
///
/// A line end is one, too: pass single lines.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    let needs = |c: char| c.is_control() || is_invisible(c);
    if !text.contains(needs) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if !needs(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character takes no room or changes how its neighbours are shown: joiners, marks of direction, fillers, tags,
/// line separators. Variation selectors are left alone: they stand behind many an emoji.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// An error and what it came from, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_hides_is_escaped_and_nothing_else() {
        for (what, text, expected) in [
            ("a title", "\u{1b}]0;root\u{7}", r"\u001b]0;root\u0007"),
            ("clear screen", "\u{1b}[2J", r"\u001b[2J"),
            ("C1", "\u{9b}2J\u{9d}", r"\u009b2J\u009d"),
            ("DEL and line ends", "a\u{7f}\r\n", r"a\u007f\u000d\u000a"),
            (
                "overrides",
                "a\u{202e}b\u{2066}\u{200f}",
                r"a\u202eb\u2066\u200f",
            ),
            (
                "zero width",
                "a\u{200b}\u{200d}\u{feff}",
                r"a\u200b\u200d\ufeff",
            ),
            ("tags", "\u{e0041}", r"\udb40\udc41"),
            (
                "plain",
                "Zoë 東京 \u{a0}👍\u{fe0f}",
                "Zoë 東京 \u{a0}👍\u{fe0f}",
            ),
        ] {
            assert_eq!(escape(text), expected, "{what}");
        }
    }

    #[test]
    fn a_line_of_json_stays_the_same_json() {
        let value = serde_json::json!({"a\u{202e}": ["\u{1b}[2J\u{9b}\u{e0041}", "\\", "\u{7f}é"]});
        let line = serde_json::to_string(&value).expect("JSON");
        let shown = escape(&line);
        assert!(!shown.contains('\u{9b}') && !shown.contains('\u{202e}'));
        let again: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(again, value);
    }
}
