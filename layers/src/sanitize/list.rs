//! A list of words, written as a text and looked up in any case.

use std::sync::OnceLock;

/// Longest word of any list.
const MAX_WORD_BYTES: usize = 32;

/// Words, parted by spaces, in lower case.
#[derive(Debug)]
pub(super) struct List {
    words: &'static str,
    sorted: OnceLock<Vec<&'static str>>,
}

impl List {
    pub const fn new(words: &'static str) -> Self {
        Self {
            words,
            sorted: OnceLock::new(),
        }
    }

    /// The word of the list that `word` is, in lower case already.
    pub fn find(&self, word: &str) -> Option<&'static str> {
        let sorted = self.sorted();
        let place = sorted.binary_search(&word).ok()?;
        sorted.get(place).copied()
    }

    /// Is `word` one of the list, in any case, with or without the comma or the exclamation mark behind it?
    pub fn has(&self, word: &[u8]) -> bool {
        let word = match word {
            [word @ .., b',' | b'!'] => word,
            word => word,
        };
        let mut lower = [0; MAX_WORD_BYTES];
        let Some(lower) = lower.get_mut(..word.len()) else {
            return false;
        };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        std::str::from_utf8(lower).is_ok_and(|word| self.find(word).is_some())
    }

    /// Its words, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.sorted().iter().copied()
    }

    fn sorted(&self) -> &[&'static str] {
        self.sorted.get_or_init(|| {
            let mut words: Vec<_> = self.words.split_ascii_whitespace().collect();
            words.sort_unstable();
            words
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_any_case_and_a_part_of_one_is_not() {
        static WORDS: List = List::new("two one  three");
        assert!(WORDS.has(b"ONE") && WORDS.has(b"three") && WORDS.has(b"Two,"));
        assert!(!WORDS.has(b"on") && !WORDS.has(b"") && !WORDS.has(&[b'x'; 99]));
        assert_eq!(WORDS.find("two"), Some("two"));
    }
}
