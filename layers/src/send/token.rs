//! Where bearer tokens come from: one that the program sets, or one that it is asked for before each batch.
//!
//! 1. A token that no header can carry, an error and a panic of the program's are the same: there is no token now,
//!    and a reason why.
//! 2. A token that the relay refused is not sent again, until there is another.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sanitize::Sensitive;

/// Asks the program for a token, on the sender's thread.
pub(super) type Ask = Box<dyn FnMut() -> Result<String, Box<dyn Error + Send + Sync>> + Send>;

/// A token that a header can carry.
pub(super) type Token = Sensitive<String>;

/// The text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAToken {
    #[error("the token is empty")]
    Empty,
    /// Check for a line break at its end.
    #[error("the token holds a character that no HTTP header can carry (a line break at its end?)")]
    Character,
}

/// Gives the token of each batch.
#[derive(Default)]
pub(super) struct Tokens {
    ask: Option<Ask>,
    refused: Option<Token>,
}

/// Why there is no token now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoToken {
    /// The program gave none.
    Failed(String),
    /// The program gave the one that the relay refused.
    StillRefused,
    /// The program's code panicked.
    Panicked,
}

impl Tokens {
    pub fn new(ask: Option<Ask>) -> Self {
        Self { ask, refused: None }
    }

    /// True where the program is asked: then it makes sense to ask again.
    pub fn are_asked_for(&self) -> bool {
        self.ask.is_some()
    }

    /// The token for the next batch: the one that was set, else the one that the program gives. `Ok(None)` where there
    /// is neither.
    pub fn next(&mut self, set: Option<Token>) -> Result<Option<Token>, NoToken> {
        let (None, Some(ask)) = (&set, &mut self.ask) else {
            return Ok(set);
        };
        let token = match catch_unwind(AssertUnwindSafe(ask)) {
            Ok(Ok(token)) => checked(token).map_err(|error| NoToken::Failed(error.to_string()))?,
            Ok(Err(error)) => return Err(NoToken::Failed(short(&error.to_string()))),
            Err(_) => return Err(NoToken::Panicked),
        };
        match &self.refused {
            Some(refused) if *refused == token => Err(NoToken::StillRefused),
            _ => Ok(Some(token)),
        }
    }

    /// The relay refused it.
    pub fn refuse(&mut self, token: Option<Token>) {
        self.refused = token;
    }
}

impl std::fmt::Display for NoToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(why) => write!(f, "no token: {why}"),
            Self::StillRefused => f.write_str("the relay refused the token"),
            Self::Panicked => f.write_str("no token: the program's token provider panicked"),
        }
    }
}

/// A token that a header can carry.
pub(super) fn checked(token: String) -> Result<Token, NotAToken> {
    if token.is_empty() {
        return Err(NotAToken::Empty);
    }
    let is_carried = token.bytes().all(|byte| byte.is_ascii_graphic());
    is_carried
        .then_some(Sensitive(token))
        .ok_or(NotAToken::Character)
}

/// As much of an error as a status shows.
fn short(text: &str) -> String {
    text.chars().take(MAX_REASON_CHARS).collect()
}

const MAX_REASON_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(
        mut gives: impl FnMut() -> Result<&'static str, &'static str> + Send + 'static,
    ) -> Tokens {
        Tokens::new(Some(Box::new(move || Ok(gives()?.to_owned()))))
    }

    fn text(token: Result<Option<Token>, NoToken>) -> String {
        match token {
            Ok(token) => token.map_or("none".to_owned(), |token| token.0),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_token_that_was_set_comes_before_one_that_is_asked_for() {
        let mut tokens = asking(|| Ok("asked"));
        assert_eq!(text(tokens.next(None)), "asked");
        assert_eq!(text(tokens.next(Some(Sensitive("set".to_owned())))), "set");
        assert_eq!(text(Tokens::default().next(None)), "none");
    }

    #[test]
    fn whatever_goes_wrong_is_a_reason() {
        for (mut tokens, reason) in [
            (asking(|| Err("not logged in")), "no token: not logged in"),
            (asking(|| Ok("")), "no token: the token is empty"),
            (
                asking(|| Ok("t-1\n")),
                "no token: the token holds a character that no HTTP header can carry (a line break at its end?)",
            ),
            (
                asking(|| panic!("on purpose")),
                "no token: the program's token provider panicked",
            ),
        ] {
            assert_eq!(text(tokens.next(None)), reason);
        }
    }

    #[test]
    fn a_refused_token_is_not_sent_again_until_there_is_another() {
        let mut gives = ["t-1", "t-1", "t-2"].into_iter();
        let mut tokens = asking(move || gives.next().ok_or("no more"));
        let first = tokens.next(None).unwrap();
        tokens.refuse(first);
        assert_eq!(text(tokens.next(None)), "the relay refused the token");
        assert_eq!(text(tokens.next(None)), "t-2");
    }
}
