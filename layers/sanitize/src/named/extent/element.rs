//! The text of an XML element: up to its closing tag, entities and CDATA included, in XML inside XML or JSON too.

use crate::named::extent::form::{Extent, Form};
use crate::text::Text;
use crate::text::marks::Absent;

/// Longest secret in an element.
const MAX_ELEMENT_BYTES: usize = 4096;
const CDATA: &[u8] = b"<![CDATA[";

/// The text of the element whose tag ends at `start`, without the space around it. None when it holds elements itself: those
/// are looked at by their own names.
pub(crate) fn inside(text: Text<'_>, absent: &mut Absent, start: usize) -> Option<Extent> {
    let tag = if text.ends_any_case(start, b"&gt;") {
        Tag::Entity
    } else if text.ends_any_case(start, b"\\u003e") {
        Tag::Unicode
    } else {
        Tag::Plain
    };
    let start = text.run_most(start, 64, |byte| byte.is_ascii_whitespace());
    if text.has(start, CDATA) {
        let inner = start + CDATA.len();
        let end = absent.find(text, inner, MAX_ELEMENT_BYTES, b"]]>")?;
        return trimmed(text, inner, end);
    }
    trimmed(text, start, tag.close(text, start)?)
}

/// How the signs around a tag are spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Plain,
    /// `&lt;password&gt;`
    Entity,
    /// `\u003cpassword\u003e`
    Unicode,
}

impl Tag {
    /// Where the closing tag begins that ends the text from `start` on.
    fn close(self, text: Text<'_>, start: usize) -> Option<usize> {
        let limit = start.saturating_add(MAX_ELEMENT_BYTES);
        let first = match self {
            Self::Plain => b'<',
            Self::Entity => b'&',
            Self::Unicode => b'\\',
        };
        let mut at = start;
        while at < limit {
            at = text.run_most(at, limit - at, |byte| byte != first);
            match self {
                Self::Plain if text.has(at, b"</") || text.has(at, b"<\\/") => return Some(at),
                Self::Entity if text.has(at, b"&lt;/") => return Some(at),
                Self::Unicode if text.has_any_case(at, b"\\u003c/") => return Some(at),
                // A sign of the text, unless it opens a tag.
                Self::Plain => {
                    let next =
                        text.run_most(at + 1, limit - at, |byte| !matches!(byte, b'<' | b'>'));
                    if text.at(at) != b'<' || text.at(next) != b'<' {
                        return None;
                    }
                }
                Self::Entity | Self::Unicode if text.at(at) != first => return None,
                Self::Entity if text.has(at, b"&lt;") => return None,
                Self::Entity | Self::Unicode => {}
            }
            at += 1;
        }
        None
    }
}

fn trimmed(text: Text<'_>, start: usize, end: usize) -> Option<Extent> {
    let start = text.run_most(start, end - start, |byte| byte.is_ascii_whitespace());
    let end = text.run_back(end, end - start, |byte| byte.is_ascii_whitespace());
    (end > start).then_some(Extent {
        start,
        end,
        form: Form::Bare,
    })
}
