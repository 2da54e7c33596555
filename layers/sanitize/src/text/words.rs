//! An identifier in its words: `X-Api-Key`, `apiKey`, `API_KEY` are all `api`, `key`.
//!
//! Words end at everything that is not a letter or digit, between lower and upper case, between an acronym and the
//! word after it (`HTTPSToken`), and between letters and digits. They come in lower case. Nothing is allocated; of a
//! name longer than 128 bytes the last 128 count.

const MAX_NAME_BYTES: usize = 128;
const MAX_WORDS: usize = 24;

/// The words of one name.
pub(crate) struct Words {
    lower: [u8; MAX_NAME_BYTES],
    bounds: [(u8, u8); MAX_WORDS],
    len: usize,
    /// Index of the first word of the last dotted segment.
    segment: usize,
}

impl Words {
    pub fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        let bytes = bytes
            .get(bytes.len().saturating_sub(MAX_NAME_BYTES)..)
            .unwrap_or_default();
        let mut words = Self {
            lower: [0; MAX_NAME_BYTES],
            bounds: [(0, 0); MAX_WORDS],
            len: 0,
            segment: 0,
        };
        if let Some(lower) = words.lower.get_mut(..bytes.len()) {
            lower.copy_from_slice(bytes);
            lower.make_ascii_lowercase();
        }
        let (mut start, mut before) = (0, Kind::Gap);
        for (index, &byte) in bytes.iter().enumerate() {
            let kind = Kind::of(byte);
            let is_new = match (before, kind) {
                (Kind::Upper, Kind::Upper) => {
                    let next = bytes.get(index + 1).copied().map_or(Kind::Gap, Kind::of);
                    next == Kind::Lower && !is_plural(bytes, index + 1)
                }
                (Kind::Upper, Kind::Lower) | (Kind::Gap, Kind::Gap) => false,
                (before, kind) => before != kind,
            };
            if is_new {
                if before != Kind::Gap {
                    words.push(start, index);
                }
                start = index;
            }
            if byte == b'.' && index + 1 < bytes.len() {
                words.segment = words.len;
            }
            before = kind;
        }
        if before != Kind::Gap {
            words.push(start, bytes.len());
        }
        words
    }

    fn push(&mut self, start: usize, end: usize) {
        // A 25th word and those after it fall on the last place: the first words and the last one decide.
        let place = self.len.min(MAX_WORDS - 1);
        if let (Some(slot), Ok(start), Ok(end)) = (
            self.bounds.get_mut(place),
            u8::try_from(start),
            u8::try_from(end),
        ) {
            *slot = (start, end);
            self.len = place + 1;
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The word at `index`, empty outside.
    pub fn at(&self, index: usize) -> &[u8] {
        let bounds = self.bounds.get(index).filter(|_| index < self.len);
        let bytes = bounds.and_then(|&(start, end)| self.lower.get(start.into()..end.into()));
        bytes.unwrap_or_default()
    }

    pub fn first(&self) -> &[u8] {
        self.at(0)
    }

    pub fn last(&self) -> &[u8] {
        self.at(self.len.saturating_sub(1))
    }

    /// The last word that is not a number: `token2` ends in `token`.
    pub fn last_name(&self) -> &[u8] {
        let last = self.last();
        if last.iter().all(u8::is_ascii_digit) && self.len > 1 {
            self.at(self.len - 2)
        } else {
            last
        }
    }

    /// Is the word at `index` in the last segment of a dotted name?
    pub fn is_in_last_segment(&self, index: usize) -> bool {
        index >= self.segment
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len).map(|index| std::str::from_utf8(self.at(index)).unwrap_or_default())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gap,
    Lower,
    Upper,
    Digit,
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' | 0x80.. => Self::Lower,
            b'A'..=b'Z' => Self::Upper,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Gap,
        }
    }
}

/// Is the byte at `index` the `s` of `IDs`, not the start of a new word?
fn is_plural(bytes: &[u8], index: usize) -> bool {
    bytes.get(index) == Some(&b's')
        && bytes
            .get(index + 1)
            .is_none_or(|byte| !byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_falls_into_its_words() {
        for (name, words) in [
            ("X-Api-Key", "x api key"),
            ("apiKey", "api key"),
            ("API_KEY", "api key"),
            (
                "http.request.header.x-api-key",
                "http request header x api key",
            ),
            ("HTTPSToken", "https token"),
            ("token2", "token 2"),
            ("userIDs", "user ids"),
            ("contraseña", "contraseña"),
            ("", ""),
            ("..", ""),
        ] {
            let found = Words::of(name);
            assert_eq!(found.iter().collect::<Vec<_>>().join(" "), words, "{name}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_last_word() {
        let name = format!("{}password", "a_".repeat(500));
        assert_eq!(Words::of(&name).last(), b"password");
    }
}
