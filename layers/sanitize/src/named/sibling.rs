//! Names that stand beside their values instead of before them: a header as a pair, an argument behind its flag, a map
//! with a member `name` and a member `value`.

use crate::named::key::{Keys, Scalar};

/// What is longer is no name.
const MAX_NAME_BYTES: usize = 96;

/// In a list of `items` texts: does `item` make `next` secret? As `--token` does with the argument behind it, and in a
/// pair a header's name with its value.
pub(crate) fn is_named_by(keys: &Keys, item: &str, next: &str, items: usize) -> bool {
    let is_flag = item.starts_with('-') && !item.contains('=') && !next.starts_with('-');
    // Two fields' names are no pair.
    let is_value = |byte: u8| !(byte.is_ascii_lowercase() || byte == b'_');
    let is_pair = items == 2 && !item.starts_with('-') && next.bytes().any(is_value);
    let is_marker = next.starts_with('[') && next.ends_with(']');
    (is_flag || is_pair) && !is_marker && is_secret(keys, item.trim_start_matches('-'))
}

/// Does the member `key` of a map hold what the others' value is called, as in `{"name": "token", "value": "x"}`?
pub(crate) fn holds_name(key: &str) -> bool {
    is_one_of(key, &["name", "key", "header", "field", "variable"])
}

/// Does the member `key` of a map hold the value that another one names?
pub(crate) fn holds_value(key: &str) -> bool {
    is_one_of(key, &["value", "val", "values"])
}

/// Is `name` one whose text is secret?
pub(crate) fn is_secret(keys: &Keys, name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES
        && !name.contains(char::is_whitespace)
        && keys.redacts(name, Scalar::Text)
}

/// The items of a list that the one before them makes secret, by their index. `None` stands for what is no text.
pub(crate) fn named_items<'n, I>(keys: &Keys, items: impl Fn() -> I) -> Vec<usize>
where
    I: Iterator<Item = Option<&'n str>>,
{
    let count = items().count();
    let pairs = items().zip(items().skip(1)).zip(1..);
    pairs
        .filter(|((name, value), _)| match (name, value) {
            (Some(name), Some(value)) => is_named_by(keys, name, value, count),
            _ => false,
        })
        .map(|(_, at)| at)
        .collect()
}

/// Does a member of the map call the value beside it by a secret name? `members` are its names and what in it is text.
pub(crate) fn names_its_value<'n, I>(keys: &Keys, members: impl Fn() -> I) -> bool
where
    I: Iterator<Item = (&'n str, Option<&'n str>)>,
{
    let is_secret = |text: Option<&str>| text.is_some_and(|name| is_secret(keys, name));
    members().any(|(key, _)| holds_value(key))
        && members().any(|(key, text)| holds_name(key) && is_secret(text))
}

fn is_one_of(key: &str, known: &[&str]) -> bool {
    known.iter().any(|known| key.eq_ignore_ascii_case(known))
}
