//! A named token: its name, its text, its hash.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::deed::shown;
use super::role::Role;

/// A named token as it is listed; its text is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedToken {
    /// Whose it is.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made, in RFC 3339.
    pub created: String,
    /// When it was last used, to the hour, in RFC 3339; absent if never.
    pub last_used: Option<String>,
    /// When it was removed, in RFC 3339; absent while it is good.
    pub revoked: Option<String>,
}

/// A token that was just made: the only time that its text is seen.
#[derive(Clone, Debug)]
pub struct Made {
    /// What is kept of it.
    pub token: NamedToken,
    /// Its text.
    pub text: SecretString,
}

/// A token that was just made, as the admin API answers.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewToken {
    /// What is kept of it.
    #[serde(flatten)]
    pub token: NamedToken,
    /// Its text.
    #[serde(rename = "token")]
    pub text: String,
}

/// No token can have this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Use other characters, so that the audit can't be read in two ways.
    #[error(
        "no token can be named `{0}`: use 1 to {MAX_NAME} of the letters a to z, digits and . _ @ + -, first a letter or a digit"
    )]
    Text(String),
    /// That is the token in the data directory. Choose another name.
    #[error("`{0}` is the name of the token in the data directory: choose another")]
    Reserved(String),
}

/// Checks the name of a token to be.
///
/// # Errors
///
/// When it could be taken for something else: see [`NameError`].
pub fn check_name(name: &str) -> Result<(), NameError> {
    let is_letter = |c: &u8| c.is_ascii_alphanumeric();
    let is_good = (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|c| is_letter(&c) || b"._@+-".contains(&c))
        && name.as_bytes().first().is_some_and(is_letter);
    if !is_good {
        Err(NameError::Text(shown(name, MAX_NAME)))
    } else if name.eq_ignore_ascii_case(ADMIN) {
        Err(NameError::Reserved(name.to_owned()))
    } else {
        Ok(())
    }
}

/// The text of a new token: over 240 random bits behind a prefix that scanners for leaked secrets can look for.
#[must_use]
pub fn new_text() -> String {
    let half = || uuid::Uuid::new_v4().simple().to_string();
    format!("{PREFIX}{}{}", half(), half())
}

/// What is kept of a token's text.
#[must_use]
pub fn hash(text: &[u8]) -> Hash {
    Sha256::digest(text).into()
}

/// The SHA-256 of a token. The text is random and long, so that no slower hash is needed.
pub type Hash = [u8; 32];

/// The name of the admin token that lies in the data directory, or is given by `--admin-token-file`.
pub const ADMIN: &str = "admin";

const PREFIX: &str = "courier_admin_";

/// Characters of a name.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_and_short_and_not_that_of_the_relays_own_token() {
        for good in [
            "bea",
            "Bea.M",
            "b@example.org",
            "x+1",
            "4711",
            &"x".repeat(64),
        ] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        let long = "x".repeat(10_000);
        for bad in [
            "",
            " ",
            "bea ",
            "bea\n",
            "bea\u{1b}[2J",
            "be\u{202e}a",
            "bea (says: admin)",
            "-x",
            "data directory",
            "\u{430}dmin",
            "../x",
            &long,
        ] {
            let error = check_name(bad).expect_err(bad).to_string();
            assert!(error.contains("use 1 to 64 of the letters"), "{error}");
            assert!(
                error.len() < 300 && !error.contains(char::is_control),
                "{error}"
            );
        }
        for bad in ["admin", "Admin"] {
            assert_eq!(check_name(bad), Err(NameError::Reserved(bad.to_owned())));
        }
    }

    #[test]
    fn no_two_tokens_are_alike() {
        let (one, other) = (new_text(), new_text());
        assert_ne!(one, other);
        assert_eq!(one.len(), PREFIX.len() + 64);
    }
}
