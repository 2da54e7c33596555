//! Hides the relay's own token in what an upstream says: some answer with the request's headers in the text.
//!
//! A part of the token is hidden too, from eight characters on: an error may name where it begins.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

/// Knows a token again.
#[derive(Clone, Default)]
pub struct Echo(Arc<HashSet<[u8; RUN]>>);

impl Echo {
    /// Of this token. One that is shorter than a run is no secret that anybody could keep.
    pub fn of(token: Option<&SecretString>) -> Self {
        let token = token.map_or("", |token| token.expose_secret());
        let runs = token.as_bytes().windows(RUN);
        Self(Arc::new(
            runs.filter_map(|run| run.try_into().ok()).collect(),
        ))
    }

    /// The text without the token and its parts.
    pub fn hide(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut hidden_to = 0;
        for (at, character) in text.char_indices() {
            if self.begins_at(text.as_bytes(), at) {
                if at >= hidden_to {
                    shown.push_str(MARKER);
                }
                hidden_to = at + RUN;
            }
            if at >= hidden_to {
                shown.push(character);
            }
        }
        shown
    }

    fn begins_at(&self, text: &[u8], at: usize) -> bool {
        let run = text.get(at..).and_then(|text| text.first_chunk::<RUN>());
        run.is_some_and(|run| self.0.contains(run))
    }
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Echo")
    }
}

/// So many characters in a row are a part of the token.
const RUN: usize = 8;

/// What stands where the token was.
const MARKER: &str = "[REDACTED:token]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_and_parts_of_it_are_hidden_and_nothing_else_is() {
        let token = SecretString::from("pylf_v1_eu_0123456789abcdef");
        let echo = Echo::of(Some(&token));
        let cases = [
            ("no access", "no access"),
            (
                "bad token: pylf_v1_eu_0123456789abcdef!",
                "bad token: [REDACTED:token]!",
            ),
            ("begins with pylf_v1_…", "begins with [REDACTED:token]…"),
            ("ends with 89abcdef", "ends with [REDACTED:token]"),
            ("é0123456é789", "é0123456é789"),
            (
                "0123456789 twice 0123456789",
                "[REDACTED:token] twice [REDACTED:token]",
            ),
        ];
        for (said, shown) in cases {
            assert_eq!(echo.hide(said), shown);
        }
        assert_eq!(Echo::of(None).hide("anything at all"), "anything at all");
        assert!(!format!("{echo:?}").contains("pylf"));
    }
}
