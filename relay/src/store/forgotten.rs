//! An id that must not be found in the store any more.

use crate::text::escape;

/// An id that must not be found any more, and what stands in its place: a keyed hash, so that whoever has the key and
/// the id can still tell that an entry was about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// A user, an installation, a sender, a session.
    pub id: String,
    /// What stands in its place.
    pub stands_for: String,
}

impl Forgotten {
    /// `text` with what stands for the id in each place where that is a word of its own, as it is or escaped for a terminal;
    /// `None` if it is not in there.
    #[must_use]
    pub fn replaced(&self, text: &str) -> Option<String> {
        let escaped = escape(&self.id);
        let mut replaced = self.replace(text, &self.id);
        if *escaped != self.id {
            let again = self.replace(replaced.as_deref().unwrap_or(text), &escaped);
            replaced = again.or(replaced);
        }
        replaced
    }

    fn replace(&self, text: &str, id: &str) -> Option<String> {
        if id.is_empty() || !text.contains(id) {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let (mut done, mut has_any) = (0, false);
        for (at, _) in text.match_indices(id) {
            let end = at + id.len();
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let after = text.get(end..).and_then(|text| text.chars().next());
            if before.is_some_and(is_of_an_id) || after.is_some_and(is_of_an_id) {
                continue;
            }
            out.push_str(text.get(done..at).unwrap_or_default());
            out.push_str(&self.stands_for);
            (done, has_any) = (end, true);
        }
        out.push_str(text.get(done..).unwrap_or_default());
        has_any.then_some(out)
    }
}

/// Whether an id goes on with this character: `ada` is not in `adam`, nor in `ada@example.org`.
fn is_of_an_id(c: char) -> bool {
    c.is_alphanumeric() || "_-.@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_replaced_where_it_is_a_word_of_its_own() {
        let ada = Forgotten {
            id: "ada".to_owned(),
            stands_for: "#1".to_owned(),
        };
        for (text, expected) in [
            ("ada", Some("#1")),
            ("user:ada", Some("user:#1")),
            (
                "q=user:ada OR (sender:ada*)",
                Some("q=user:#1 OR (sender:#1*)"),
            ),
            ("user:adam ada@x ada-1 x.ada", None),
            ("user:adam user:ada", Some("user:adam user:#1")),
            ("", None),
        ] {
            assert_eq!(ada.replaced(text).as_deref(), expected, "{text}");
        }
        let odd = Forgotten {
            id: "a\u{1b}b".to_owned(),
            stands_for: "#2".to_owned(),
        };
        assert_eq!(
            odd.replaced(r"user:a\u001bb, a\u001bbc").as_deref(),
            Some(r"user:#2, a\u001bbc")
        );
        let none = Forgotten {
            id: String::new(),
            stands_for: "#3".to_owned(),
        };
        assert_eq!(none.replaced("a"), None);
    }
}
