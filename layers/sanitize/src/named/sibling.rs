//! Names that stand beside their values instead of before them: a header as a pair, an argument behind its flag, a map
//! with a member `name` and a member `value`.

use serde_json::{Map, Value};

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

/// The items of a list that the one before them makes secret.
pub(crate) fn named_items(keys: &Keys, items: &[Value]) -> Vec<usize> {
    let is_named = |pair: &[Value]| match pair {
        [Value::String(name), Value::String(value)] => is_named_by(keys, name, value, items.len()),
        _ => false,
    };
    let pairs = items.windows(2).enumerate();
    pairs
        .filter(|(_, pair)| is_named(pair))
        .map(|(at, _)| at + 1)
        .collect()
}

/// Does a member of the map call the value beside it by a secret name?
pub(crate) fn names_its_value(keys: &Keys, map: &Map<String, Value>) -> bool {
    let is_secret = |name: &Value| name.as_str().is_some_and(|name| is_secret(keys, name));
    map.keys().any(|key| holds_value(key))
        && map
            .iter()
            .any(|(key, name)| holds_name(key) && is_secret(name))
}

fn is_one_of(key: &str, known: &[&str]) -> bool {
    known.iter().any(|known| key.eq_ignore_ascii_case(known))
}
