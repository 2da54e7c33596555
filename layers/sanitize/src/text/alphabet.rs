//! What tokens are made of, and where a run of it ends.

use crate::text::{Text, is_base64url};

/// The bytes that may stand in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    Alnum,
    Upper,
    LowerHex,
    /// base64url.
    Url,
    /// base64url and dots.
    Dotted,
    /// base64url, dots and tildes.
    Tilde,
    /// base64 of both kinds, with its padding.
    Base64,
    /// Lower-case hexadecimal and hyphens.
    Uuid,
    /// What the hash of a password is made of.
    Crypt,
    /// The path of a webhook.
    Path,
    /// base64url, where kebab-case words begin alike: digits or mixed cases are asked for.
    Opaque,
}

impl Alphabet {
    const COUNT: usize = 11;

    /// Is `byte` one of it?
    pub fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::LowerHex => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            Self::Url | Self::Opaque => is_base64url(byte),
            Self::Dotted => is_base64url(byte) || byte == b'.',
            Self::Tilde => is_base64url(byte) || matches!(byte, b'.' | b'~'),
            Self::Base64 => is_base64url(byte) || matches!(byte, b'+' | b'/' | b'='),
            Self::Uuid => Self::LowerHex.has(byte) || byte == b'-',
            Self::Crypt => byte.is_ascii_alphanumeric() || b"./$=,+-".contains(&byte),
            Self::Path => is_base64url(byte) || matches!(byte, b'/' | b'@' | b'.'),
        }
    }

    /// What a sentence or an address ends with rather than a token. Base64 may end in a bar.
    fn is_stop(self, byte: u8) -> bool {
        byte == b'.' || (byte == b'/' && self == Self::Path)
    }
}

/// The run of each alphabet that was walked over last, so that it is walked over once, however many prefixes stand in it.
#[derive(Debug, Default)]
pub(crate) struct Runs([Run; Alphabet::COUNT]);

/// Bytes of one alphabet, `from..to`, and what is known of them. A place is 0 where there is no such byte.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    from: usize,
    to: usize,
    /// Behind the last one that is no stop of a sentence.
    pub last: usize,
    /// Behind the last digit.
    pub digit: usize,
    /// Behind the last capital.
    pub capital: usize,
}

impl Runs {
    /// The run of `alphabet` around `at`.
    pub fn around(&mut self, text: Text<'_>, alphabet: Alphabet, at: usize) -> Run {
        let Some(known) = self.0.get_mut(alphabet as usize) else {
            return Run::default();
        };
        if at > known.to || known.to == 0 {
            *known = Run::walk(text, alphabet, at, usize::MAX);
        } else if at < known.from {
            // A short prefix inside of a long one.
            let before = Run::walk(text, alphabet, at, known.from);
            *known = if before.to == known.from {
                before.and(*known)
            } else {
                before
            };
        }
        *known
    }
}

impl Run {
    fn walk(text: Text<'_>, alphabet: Alphabet, from: usize, most: usize) -> Self {
        let (mut last, mut digit, mut capital) = (0, 0, 0);
        let mut at = from;
        let to = text.run_most(from, most - from, |byte| {
            let is_in = alphabet.has(byte);
            at += 1;
            let behind = if is_in { at } else { 0 };
            if !alphabet.is_stop(byte) {
                last = behind.max(last);
            }
            if byte.is_ascii_digit() {
                digit = behind.max(digit);
            }
            if byte.is_ascii_uppercase() {
                capital = behind.max(capital);
            }
            is_in
        });
        Self {
            from,
            to,
            last,
            digit,
            capital,
        }
    }

    /// With the run that begins where this one ends.
    fn and(self, next: Self) -> Self {
        Self {
            from: self.from,
            to: next.to,
            last: self.last.max(next.last),
            digit: self.digit.max(next.digit),
            capital: self.capital.max(next.capital),
        }
    }
}
