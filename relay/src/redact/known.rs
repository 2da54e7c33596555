//! What a batch has shown already: its names, and its texts that are clean, come again in nearly every record.
//!
//! A table in which each text has one place, and whoever comes later takes it. So a million names need no more memory
//! than ten, and the worst that a client can do, with texts that all have the same place, is to have each of them looked
//! at, as if there were no table.

use tracing_courier::sanitize::Place;

/// What is known of texts, by where they stand.
#[derive(Debug)]
pub struct Known<'a, T>(Vec<Option<(Place, &'a str, T)>>);

impl<T> Default for Known<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T: Copy> Known<'a, T> {
    /// What was noted of `text`, unless another text has taken its place.
    pub fn get(&self, place: Place, text: &str) -> Option<T> {
        let &(of, noted, what) = self.0.get(slot(place, text))?.as_ref()?;
        (of == place && noted == text).then_some(what)
    }

    /// Notes that `text` is `what`.
    pub fn note(&mut self, place: Place, text: &'a str, what: T) {
        if self.0.is_empty() {
            self.0.resize(SLOTS, None);
        }
        if let Some(slot) = self.0.get_mut(slot(place, text)) {
            *slot = Some((place, text, what));
        }
    }
}

/// The place of a text, by its length and its ends. Two texts that differ in their middle only share one; the texts of a
/// record that come again do not.
fn slot(place: Place, text: &str) -> usize {
    let bytes = text.as_bytes();
    let (head, tail) = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(&head), Some(&tail)) => (u64::from_le_bytes(head), u64::from_le_bytes(tail)),
        _ => (
            bytes
                .iter()
                .fold(0, |word, &byte| word << 8 | u64::from(byte)),
            0,
        ),
    };
    let length = u64::try_from(bytes.len()).unwrap_or_default();
    let mixed = head ^ tail.rotate_left(23) ^ (length << 3 | place as u64).rotate_left(47);
    // Fibonacci hashing: the top bits depend on all of them.
    usize::try_from(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOT_BITS))
        .unwrap_or_default()
}

const SLOT_BITS: u32 = 8;

/// A record has some twenty names and short texts.
const SLOTS: usize = 1 << SLOT_BITS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_where_it_was_noted_and_nowhere_else() {
        let texts = [
            "",
            "a",
            "b",
            "route",
            "/api/v1/surveys",
            "/api/v1/survey_",
            "aaaaaaaa",
        ];
        for noted in texts {
            let mut known = Known::default();
            assert_eq!(known.get(Place::Attribute, noted), None);
            known.note(Place::Attribute, noted, 7);
            for asked in texts {
                let expected = (asked == noted).then_some(7);
                assert_eq!(
                    known.get(Place::Attribute, asked),
                    expected,
                    "{asked} by {noted}"
                );
                assert_eq!(known.get(Place::Error, asked), None, "{asked}");
            }
        }
    }

    #[test]
    fn of_two_texts_with_one_place_the_later_is_known() {
        let texts: Vec<String> = (0..=SLOTS)
            .map(|n| format!("beginning{n:04}the end."))
            .collect();
        let mut known = Known::default();
        for text in &texts {
            known.note(Place::Message, text, ());
            assert_eq!(known.get(Place::Message, text), Some(()));
        }
        let left = texts
            .iter()
            .filter(|text| known.get(Place::Message, text).is_some());
        assert_eq!(left.count(), 1, "they begin and end alike");
    }
}
