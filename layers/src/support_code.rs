//! Who is calling: a short code for the telephone in place of an install id that nobody can read out.

use std::fmt;
use std::str::FromStr;

/// The code of an installation, to be read out on the telephone: `7GQ2-MX4K-T`.
///
/// Eight letters of [Crockford's base 32](https://www.crockford.com/base32.html), made of the first 40 bits of the
/// install id's SHA-256, and a check letter, their sum modulo 32. It can't be turned back into the id; the relay, which
/// knows the ids, finds the installation by it. Of a million installations two share a code with a probability of about
/// one third; then support sees both.
///
/// ```
/// use tracing_courier::session::SupportCode;
///
/// let code = SupportCode::of("6e9f1f7a-3c1c-4f0e-9a52-0f1c2d3e4f50");
/// let heard = code.to_string().to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
/// assert_eq!(heard.parse::<SupportCode>()?, code);
/// # Ok::<(), tracing_courier::session::NoSupportCode>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SupportCode([u8; LETTERS]);

/// A text that is no support code.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSupportCode {
    /// It has another number of letters. A code has eight and a check letter.
    #[error("a support code has 9 letters, and this has {letters}")]
    Length {
        /// How many letters and digits it has.
        letters: usize,
    },
    /// A character that no code has.
    #[error("`{found}` is in no support code")]
    Letter {
        /// The first of them.
        found: char,
    },
    /// The letters are possible, but the last one does not fit the others: one was misheard. Ask again.
    #[error("the check letter does not fit the others: one of them was misheard")]
    Check,
}
courier_sanitize::debug_is_display!(NoSupportCode);

/// With the check letter.
const LETTERS: usize = 9;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl SupportCode {
    /// The code of an install id, taken as the text that is on the wire.
    #[must_use]
    pub fn of(install_id: &str) -> Self {
        let hash = hmac_sha256::Hash::hash(install_id.as_bytes());
        let first = hash.iter().take(5);
        let mut bits = first.fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
        let mut values = [0; LETTERS];
        for value in values.iter_mut().rev().skip(1) {
            *value = (bits % 32) as u8;
            bits /= 32;
        }
        values[LETTERS - 1] = check(&values);
        Self(values)
    }
}

/// The check letter's value.
fn check(values: &[u8; LETTERS]) -> u8 {
    values.iter().take(LETTERS - 1).sum::<u8>() % 32
}

impl fmt::Display for SupportCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, &value) in self.0.iter().enumerate() {
            if place == 4 || place == 8 {
                f.write_str("-")?;
            }
            let letter = ALPHABET.get(usize::from(value)).copied().unwrap_or(b'?');
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

impl FromStr for SupportCode {
    type Err = NoSupportCode;

    /// Reads a code as people say and type it: in any case, with or without hyphens and spaces, with O for 0, I and L
    /// for 1.
    fn from_str(said: &str) -> Result<Self, NoSupportCode> {
        let mut values = [0; LETTERS];
        let mut letters = 0;
        for said in said
            .chars()
            .filter(|&said| !said.is_whitespace() && said != '-')
        {
            let letter = match said.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                letter => letter,
            };
            let value = ALPHABET
                .iter()
                .position(|&known| char::from(known) == letter);
            let value = value.ok_or(NoSupportCode::Letter { found: said })?;
            if let Some(slot) = values.get_mut(letters) {
                *slot = value as u8;
            }
            letters += 1;
        }
        if letters != LETTERS {
            return Err(NoSupportCode::Length { letters });
        }
        if values[LETTERS - 1] != check(&values) {
            return Err(NoSupportCode::Check);
        }
        Ok(Self(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out by hand from the contract's words, with another tool: `printf %s ID | sha256sum`.
    const KNOWN: [(&str, &str); 3] = [
        ("6e9f1f7a-3c1c-4f0e-9a52-0f1c2d3e4f50", "JDY6-DJXY-X"),
        ("", "WERC-8GMR-J"),
        ("abc", "Q9W1-DFWF-4"),
    ];

    #[test]
    fn the_code_is_the_one_of_the_contract() {
        for (id, code) in KNOWN {
            assert_eq!(SupportCode::of(id).to_string(), code, "{id:?}");
        }
    }

    #[test]
    fn a_misheard_letter_is_noticed_or_meant() {
        let code = SupportCode::of("abc");
        let said = code.to_string();
        for place in 0..said.len() {
            for other in ALPHABET.iter().map(|&letter| char::from(letter)) {
                let mut heard: Vec<char> = said.chars().collect();
                if heard[place] == '-' || heard[place] == other {
                    continue;
                }
                heard[place] = other;
                let heard: String = heard.into_iter().collect();
                assert_eq!(
                    heard.parse::<SupportCode>(),
                    Err(NoSupportCode::Check),
                    "{heard}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_code_says_why() {
        let why = |said: &str| said.parse::<SupportCode>().unwrap_err();
        assert_eq!(why("ABCD-EFGH"), NoSupportCode::Length { letters: 8 });
        assert_eq!(why("ABCD-EFGH-UU"), NoSupportCode::Letter { found: 'U' });
        assert_eq!(why("ABCD-EFGH-JKLM"), NoSupportCode::Length { letters: 12 });
        assert_eq!(why("ädc"), NoSupportCode::Letter { found: 'ä' });
    }
}
