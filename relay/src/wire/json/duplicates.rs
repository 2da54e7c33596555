//! Keys that an object has twice.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::value::Value;

/// Of equal keys the last value wins, at the place of the first.
pub fn last_wins<'a>(
    mut members: Vec<(Cow<'a, str>, Value<'a>)>,
) -> Vec<(Cow<'a, str>, Value<'a>)> {
    if !repeats(&members) {
        return members;
    }
    let mut place_of = HashMap::with_capacity(members.len());
    let mut kept: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(members.len());
    for (key, value) in members.drain(..) {
        match place_of
            .get(&key)
            .and_then(|&place: &usize| kept.get_mut(place))
        {
            Some(earlier) => earlier.1 = value,
            None => {
                place_of.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}

fn repeats(members: &[(Cow<'_, str>, Value<'_>)]) -> bool {
    if members.len() > FEW {
        let keys: HashSet<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
        return keys.len() < members.len();
    }
    // Where no two agree in length and ends, as most do not, nothing is compared.
    let mut seen = 0u64;
    members.iter().enumerate().any(|(at, (key, _))| {
        let bit = 1 << (sketch(key) >> 58);
        let is_new = seen & bit == 0;
        seen |= bit;
        !is_new && members.iter().take(at).any(|(earlier, _)| earlier == key)
    })
}

/// A hash of a key: the same for equal keys, and for two different keys most often different in its top bits.
fn sketch(key: &str) -> u64 {
    let bytes = key.as_bytes();
    let end = |byte: Option<&u8>| byte.map_or(0, |&byte| u64::from(byte));
    let length = u64::try_from(bytes.len()).unwrap_or_default();
    let ends = end(bytes.first()) | end(bytes.last()) << 8 | length << 16;
    ends.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Up to here, comparing each key with each is faster than hashing them.
const FEW: usize = 16;
