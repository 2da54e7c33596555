//! A secret column of an SQL insert: `INSERT INTO users (name, password) VALUES ('ann', 'x')`.

use super::extent;
use super::quote;
use super::text::Text;

/// How long the list of columns and that of values may be.
const MAX_LIST_BYTES: usize = 512;

/// The value of the column whose name is `start..end`.
pub(super) fn value(text: Text<'_>, start: usize, end: usize) -> Option<extent::Extent> {
    let is_column = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b',' | b' ' | b'"' | b'`' | b'[' | b']' | b'\\')
    };
    let open = text.run_back(start, MAX_LIST_BYTES, is_column);
    let close = text.run_most(end, MAX_LIST_BYTES, is_column);
    if text.back(open, 1) != b'(' || text.at(close) != b')' {
        return None;
    }
    let index = text
        .slice(open, start)
        .iter()
        .filter(|&&byte| byte == b',')
        .count();
    let word = text.run_most(close + 1, 8, |byte| byte.is_ascii_whitespace());
    if !text.has_any_case(word, b"values") {
        return None;
    }
    let list = text.run_most(word + b"values".len(), 8, |byte| byte.is_ascii_whitespace());
    (text.at(list) == b'(').then_some(())?;
    let mut at = list + 1;
    for _ in 0..index {
        at = item_end(text, at);
        if text.at(at) != b',' {
            return None;
        }
        at += 1;
    }
    let at = text.run_most(at, 8, |byte| byte == b' ');
    let end = item_end(text, at);
    let value = extent::value(text, at, extent::Around::Text)?;
    (value.end <= end).then_some(value)
}

/// Where the item of a list that begins at `at` ends.
fn item_end(text: Text<'_>, at: usize) -> usize {
    let at = text.run_most(at, 8, |byte| byte == b' ');
    if let Some((quote, inner)) = quote::open(text, at) {
        let (end, closed) = quote.close(text, inner);
        return end + if closed { quote.len() } else { 0 };
    }
    text.run_most(at, MAX_LIST_BYTES, |byte| {
        !matches!(byte, b',' | b')' | b'\n')
    })
}
