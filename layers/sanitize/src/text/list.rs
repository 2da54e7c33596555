//! A list of words, written as a text and looked up in any case.

use std::sync::OnceLock;

use crate::text::WINDOW;
use crate::text::window;

/// Words, parted by spaces, in lower case.
#[derive(Debug)]
pub(crate) struct List {
    words: &'static str,
    index: OnceLock<Index<()>>,
}

impl List {
    pub const fn new(words: &'static str) -> Self {
        Self {
            words,
            index: OnceLock::new(),
        }
    }

    /// The word of the list that `word` is, in any case.
    pub fn find(&self, word: &[u8]) -> Option<&'static str> {
        self.index().find(word).map(|(word, ())| word)
    }

    /// Is `word` one of the list, in any case, with or without the comma or the exclamation mark behind it?
    pub fn has(&self, word: &[u8]) -> bool {
        let word = match word {
            [word @ .., b',' | b'!'] => word,
            word => word,
        };
        self.index().find(word).is_some()
    }

    /// Its words, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.words.split_ascii_whitespace()
    }

    fn index(&self) -> &Index<()> {
        self.index
            .get_or_init(|| Index::new(self.iter().map(|word| (word, ()))))
    }
}

/// Words, each with what it means, found by a hash of their first bytes: no text is compared until one fits.
#[derive(Debug)]
pub(crate) struct Index<T> {
    /// At least half of them empty, so that a search soon meets one and ends there.
    slots: Box<[Option<Entry<T>>]>,
    longest: usize,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    head: u128,
    word: &'static str,
    meaning: T,
}

impl<T: Copy> Index<T> {
    /// Of two entries for one word the first counts.
    pub fn new(words: impl Iterator<Item = (&'static str, T)>) -> Self {
        let words: Vec<_> = words.collect();
        let mut index = Self {
            slots: vec![None; (words.len() * 2).next_power_of_two()].into(),
            longest: words.iter().map(|(word, _)| word.len()).max().unwrap_or(0),
        };
        for (word, meaning) in words {
            let head = head(word.as_bytes());
            let place = index.places(head).find(|&place| index.is_free(place));
            if let Some(slot) = place.and_then(|place| index.slots.get_mut(place)) {
                *slot = Some(Entry {
                    head,
                    word,
                    meaning,
                });
            }
        }
        index
    }

    /// The word that `word` is, in any case.
    pub fn find(&self, word: &[u8]) -> Option<(&'static str, T)> {
        if word.len() > self.longest {
            return None;
        }
        let head = head(word);
        for place in self.places(head) {
            let entry = self.slots.get(place)?.as_ref()?;
            if entry.head == head
                && entry.word.len() == word.len()
                && (word.len() <= HEAD || entry.word.as_bytes().eq_ignore_ascii_case(word))
            {
                return Some((entry.word, entry.meaning));
            }
        }
        None
    }

    /// Where a word with this head may be, in the order of the search.
    fn places(&self, head: u128) -> impl Iterator<Item = usize> + use<T> {
        let (mask, folded) = (self.slots.len() - 1, (head ^ (head >> 64)) as u64);
        // Knuth's multiplicative hash; its upper bits are the mixed ones.
        let hash = (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize;
        (hash..=hash + mask).map(move |place| place & mask)
    }

    fn is_free(&self, place: usize) -> bool {
        self.slots.get(place).is_some_and(Option::is_none)
    }
}

/// How many bytes are compared at once.
const HEAD: usize = size_of::<u128>();

/// The first bytes, in lower case; NUL behind the end.
#[inline]
fn head(word: &[u8]) -> u128 {
    let first = lower(window(word, 0));
    let rest = if word.len() > WINDOW {
        lower(window(word, WINDOW))
    } else {
        0
    };
    u128::from(rest) << 64 | u128::from(first)
}

/// Eight bytes in lower case, all at once.
#[inline]
fn lower(window: u64) -> u64 {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; WINDOW])
    }
    const HIGH: u64 = each(0x80);
    // Seven bits added to seven never reach the next byte; the eighth tells whether the sum was large enough.
    let low = window & !HIGH;
    let is_from_a = low + each(0x80 - b'A');
    let is_beyond_z = low + each(0x7f - b'Z');
    let is_upper = is_from_a & !is_beyond_z & !window & HIGH;
    // The bit that parts the cases.
    window | is_upper >> 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_in_lower_case_are_each_in_lower_case() {
        for byte in 0..=u8::MAX {
            let mut bytes = [byte, b'A', b'z', byte, b'[', b'@', 0xc1, byte];
            let found = lower(u64::from_le_bytes(bytes)).to_le_bytes();
            bytes.make_ascii_lowercase();
            assert_eq!(found, bytes);
        }
    }

    #[test]
    fn a_word_is_found_in_any_case_and_a_part_of_one_is_not() {
        static WORDS: List = List::new("two one  three");
        assert!(WORDS.has(b"ONE") && WORDS.has(b"three") && WORDS.has(b"Two,"));
        assert!(!WORDS.has(b"on") && !WORDS.has(b"") && !WORDS.has(&[b'x'; 99]));
        assert!(!WORDS.has(b"three and more than that"));
        assert_eq!(WORDS.find(b"two"), Some("two"));
    }
}
