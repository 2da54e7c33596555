//! Where a timeline stands among all that a person has: what is before and behind it, and how to come back to it.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::form_urlencoded::Serializer;

use super::ask::{Ask, Of};

/// A way to the timeline before or behind this one.
///
/// As text it is opaque: it names the question that it came from, and no other takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Around when, in Unix nanoseconds.
    pub at: u64,
    /// Of what came by then, in Unix milliseconds.
    pub as_of: i64,
}

/// The text is no cursor of this question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotACursor {
    /// It is none at all.
    #[error("`cursor` is none: take `older` or `newer` of an answer as it is")]
    Malformed,
    /// It belongs to another question.
    #[error("`cursor` is of another question: take one of the answer to this one, or leave it out")]
    Foreign,
}

impl Cursor {
    /// As text, for questions about `of`.
    #[must_use]
    pub fn text(self, of: &Of) -> String {
        format!("{}-{:x}-{:x}", mark(of), self.at, self.as_of)
    }

    /// Reads what [`text`](Self::text) gave for the same `of`.
    ///
    /// # Errors
    ///
    /// When it is something else, or of another question.
    pub fn read(text: &str, of: &Of) -> Result<Self, NotACursor> {
        let mut parts = text.split('-');
        let (Some(marked), Some(at), Some(as_of), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotACursor::Malformed);
        };
        let at = u64::from_str_radix(at, 16).map_err(|_| NotACursor::Malformed)?;
        let as_of = i64::from_str_radix(as_of, 16).map_err(|_| NotACursor::Malformed)?;
        if marked != mark(of) {
            return Err(NotACursor::Foreign);
        }
        Ok(Self { at, as_of })
    }
}

/// Names a question.
fn mark(of: &Of) -> String {
    let (kind, name) = of.flag();
    let hash = Sha256::digest(format!("{kind}\n{name}"));
    let first: Vec<u8> = hash.iter().take(4).copied().collect();
    crate::fingerprint::hex(&first)
}

/// The same timeline as a link below the admin listener: its range, its zone and what had come by then never shift.
#[must_use]
pub fn link(ask: &Ask, as_of: i64) -> String {
    let (kind, name) = ask.of.flag();
    let mut query = Serializer::new(String::new());
    query.append_pair(kind, name);
    if let Some(at) = ask.at {
        query.append_pair("at", &written(at));
        query.append_pair("around", &format!("{}s", ask.around.as_secs()));
    }
    query.append_pair("tz", &ask.zone.name);
    if let Ok(as_of) = Timestamp::from_millisecond(as_of) {
        query.append_pair("as_of", &as_of.to_string());
    }
    format!("/t?{}", query.finish())
}

/// The command that shows what is around `at`.
#[must_use]
pub fn command(ask: &Ask, at: u64) -> String {
    let (kind, name) = ask.of.flag();
    let zone = match ask.zone.name.as_str() {
        "UTC" => String::new(),
        zone => format!(" --tz {}", quoted(zone)),
    };
    format!(
        "courier-relay timeline --{kind} {} --at {}{zone}",
        quoted(name),
        written(at)
    )
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A moment in RFC 3339 and UTC.
#[must_use]
pub fn written(unix_nanos: u64) -> String {
    let at = Timestamp::from_nanosecond(i128::from(unix_nanos));
    at.map_or_else(|_| unix_nanos.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::when::Zone;

    #[test]
    fn a_cursor_comes_back_and_only_for_its_question() {
        let cursor = Cursor {
            at: 1_796_113_800_000_000_001,
            as_of: 1_796_113_900_123,
        };
        let ada = Of::User("ada".to_owned());
        let text = cursor.text(&ada);
        assert_eq!(Cursor::read(&text, &ada), Ok(cursor));
        for other in [Of::User("bea".to_owned()), Of::Install("ada".to_owned())] {
            assert_eq!(Cursor::read(&text, &other), Err(NotACursor::Foreign));
        }
        for none in ["", "x", "1-2", "1-2-3-4", "00000000-zz-1", "\u{1b}[31m"] {
            assert_eq!(
                Cursor::read(none, &ada),
                Err(NotACursor::Malformed),
                "{none}"
            );
        }
    }

    #[test]
    fn a_link_and_a_command_keep_range_and_zone_and_quote_what_is_odd() {
        let ask = Ask {
            of: Of::User("ada o'hara&x=1".to_owned()),
            at: Some(1_796_113_800_000_000_000),
            around: Duration::from_secs(600),
            zone: Zone::named("Kolkata", None).expect("a zone"),
            as_of: i64::MAX,
        };
        assert_eq!(
            link(&ask, 1_796_113_900_123),
            "/t?user=ada+o%27hara%26x%3D1&at=2026-12-01T08%3A30%3A00Z&around=600s&tz=Asia%2FKolkata&as_of=2026-12-01T08%3A31%3A40.123Z"
        );
        assert_eq!(
            command(&ask, 1_796_113_800_000_000_000),
            r"courier-relay timeline --user 'ada o'\''hara&x=1' --at 2026-12-01T08:30:00Z --tz Asia/Kolkata"
        );
    }
}
