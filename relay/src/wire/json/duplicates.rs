//! Keys that an object has twice.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::Value;

/// Of equal keys the last value wins, at the place of the first.
pub fn last_wins<'a>(
    mut members: Vec<(Cow<'a, str>, Value<'a>)>,
) -> Vec<(Cow<'a, str>, Value<'a>)> {
    let repeats = if members.len() <= FEW {
        members
            .iter()
            .enumerate()
            .any(|(at, (key, _))| members.iter().take(at).any(|(earlier, _)| earlier == key))
    } else {
        let keys: HashSet<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
        keys.len() < members.len()
    };
    if !repeats {
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

/// Up to here, comparing each key with each is faster than hashing them.
const FEW: usize = 16;
