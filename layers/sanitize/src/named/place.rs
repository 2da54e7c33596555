//! Where a named value stands.

use crate::rule_names::Place;
use crate::text::words::Words;

/// The place that a value of this name is in: versions look like addresses.
pub(crate) fn place_of(place: Place, name: &str) -> Place {
    match Words::of(name).last() {
        b"version" | b"versions" | b"ver" | b"oid" if place != Place::Stack => Place::Version,
        _ => place,
    }
}
