//! Which version is the newest that was heard of.

use std::cmp::Ordering;

use crate::index::{Kind, Reader};

/// The newest version that was heard of, where the index has records of this service alone: which of several services a
/// version is of stands in the records only, and there are too many to look through.
pub async fn newest(reader: &Reader, service: &str) -> Option<String> {
    let services = reader.names(Kind::Service, None, 2).await;
    if !matches!(&services.names[..], [only] if only.name == service) {
        return None;
    }
    let versions = reader.names(Kind::Version, None, MOST).await;
    let versions = versions.names.into_iter().map(|named| named.name);
    versions.max_by(|one, other| compare(one, other))
}

/// By their numbers, part by part; what is no number comes before what is one, as a pre-release does.
fn compare(one: &str, other: &str) -> Ordering {
    // What stands behind a plus names a build, and no version.
    let parts = |version: &str| {
        let version = version.trim_start_matches('v');
        let plain = version.split('+').next().unwrap_or_default();
        let parts = plain.split(['.', '-']);
        parts
            .map(|part| part.parse::<u64>().ok())
            .collect::<Vec<_>>()
    };
    let (one, other) = (parts(one), parts(other));
    let longer = one.len().max(other.len());
    let of = |parts: &[Option<u64>], at: usize| parts.get(at).copied().unwrap_or(Some(0));
    (0..longer)
        .map(|at| of(&one, at).cmp(&of(&other, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Versions that are looked at: those heard of last.
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let rising = ["1.9.0", "v1.10.0", "2.0.0-rc.1", "2.0.0", "2.0.1+7", "2.4"];
        for pair in rising.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("2.0", "2.0.0+a"), Ordering::Equal);
    }
}
