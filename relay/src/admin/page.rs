//! Which page of an answer, as a cursor says it.
//!
//! As text it is opaque. It has the range and by when records had come, so that an answer never shifts while one pages, and
//! it names the query that it came from: no other takes it.

use sha2::{Digest, Sha256};

use crate::fingerprint::hex;
use crate::index::{Mark, Order, Place};

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which way it goes on.
    pub order: Order,
    /// Not before this, in Unix nanoseconds.
    pub from: u64,
    /// Before this.
    pub to: u64,
    /// Behind this record, in that order.
    pub after: Option<Place>,
    /// Of what had come by then, in Unix milliseconds.
    pub as_of: i64,
    /// Of what the index had when the first page was asked for.
    pub upto: Mark,
}

/// The text is no cursor of this query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAPage {
    /// It is none at all.
    #[error("`cursor` is none: take `older` or `newer` of an answer as it is")]
    Malformed,
    /// It belongs to another query.
    #[error("`cursor` is of another query: take one of the answer to this one, or leave it out")]
    Foreign,
}

impl Page {
    /// As text, for this query.
    #[must_use]
    pub fn text(self, query: &str) -> String {
        let way = match self.order {
            Order::Newest => 'o',
            Order::Oldest => 'n',
        };
        let Place { time, segment, row } = self.after.unwrap_or_default();
        format!(
            "{}-{way}-{:x}-{:x}-{:x}-{:x}-{:x}-{time:x}-{segment:x}-{row:x}",
            mark(query),
            self.from,
            self.to,
            self.as_of,
            self.upto.segment,
            self.upto.row
        )
    }

    /// Reads what [`text`](Self::text) gave for the same query.
    ///
    /// # Errors
    ///
    /// When it is something else, or of another query.
    pub fn read(text: &str, query: &str) -> Result<Self, NotAPage> {
        let parts: Vec<&str> = text.splitn(11, '-').collect();
        let [marked, way, from, to, as_of, part, last, time, segment, row] = parts[..] else {
            return Err(NotAPage::Malformed);
        };
        let number = |text| u64::from_str_radix(text, 16).map_err(|_| NotAPage::Malformed);
        let signed = |text| i64::from_str_radix(text, 16).map_err(|_| NotAPage::Malformed);
        let page = Self {
            order: match way {
                "o" => Order::Newest,
                "n" => Order::Oldest,
                _ => return Err(NotAPage::Malformed),
            },
            from: number(from)?,
            to: number(to)?,
            as_of: signed(as_of)?,
            upto: Mark {
                segment: number(part)?,
                row: signed(last)?,
            },
            after: Some(Place {
                time: number(time)?,
                segment: number(segment)?,
                row: signed(row)?,
            }),
        };
        if marked != mark(query) {
            return Err(NotAPage::Foreign);
        }
        Ok(page)
    }
}

/// Names a query.
fn mark(query: &str) -> String {
    let hash = Sha256::digest(query);
    let first: Vec<u8> = hash.iter().take(4).copied().collect();
    hex(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_comes_back_and_only_for_its_query() {
        let page = Page {
            order: Order::Oldest,
            from: 1,
            to: u64::MAX,
            after: Some(Place {
                time: 1_796_113_800_000_000_001,
                segment: 7,
                row: i64::MAX,
            }),
            as_of: 1_796_113_900_123,
            upto: Mark {
                segment: 7,
                row: 250_000,
            },
        };
        let text = page.text("user:ada");
        assert_eq!(Page::read(&text, "user:ada"), Ok(page));
        assert_eq!(Page::read(&text, "user:bea"), Err(NotAPage::Foreign));
        for none in [
            "",
            "x",
            "1-o-3",
            "00000000-x-1-1-1-1-1-1-1-1",
            &format!("{text}-1"),
            "\u{1b}",
        ] {
            assert_eq!(
                Page::read(none, "user:ada"),
                Err(NotAPage::Malformed),
                "{none}"
            );
        }
    }
}
