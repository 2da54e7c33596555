//! Where somebody is (strict): decimal coordinates and MGRS references.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::{Text, is_word};

/// Decimals from which on a degree names a house, not a town.
const MIN_DECIMALS: usize = 3;

/// Where the coordinates end that begin at `start`.
pub(crate) fn end(text: Text<'_>, start: usize) -> Option<usize> {
    pair_end(text, start).or_else(|| mgrs_end(text, start))
}

/// `47.6097, -122.3331`, both with enough decimals and in range.
fn pair_end(text: Text<'_>, start: usize) -> Option<usize> {
    let first = degrees_end(text, start, 90)?;
    let comma = text.run_most(first, 3, |byte| matches!(byte, b',' | b' ' | b';'));
    let has_comma = text
        .slice(first, comma)
        .iter()
        .any(|byte| matches!(byte, b',' | b';'));
    let end = degrees_end(text, comma, 180)?;
    (has_comma && !is_word(text.at(end)) && text.at(end) != b'.').then_some(end)
}

fn degrees_end(text: Text<'_>, start: usize, most: u32) -> Option<usize> {
    let whole = start + usize::from(matches!(text.at(start), b'-' | b'+'));
    let point = text.run_most(whole, 4, |byte| byte.is_ascii_digit());
    if text.at(point) != b'.' {
        return None;
    }
    let end = text.run_most(point + 1, 16, |byte| byte.is_ascii_digit());
    let degrees: u32 = text.str(whole, point).parse().ok()?;
    (end - point > MIN_DECIMALS && degrees <= most).then_some(end)
}

/// `33TWN 12345 67890`, `33TWN1234567890`.
fn mgrs_end(text: Text<'_>, start: usize) -> Option<usize> {
    let zone = text.run_most(start, 2, |byte| byte.is_ascii_digit());
    if zone == start || !text.at(zone).is_ascii_uppercase() {
        return None;
    }
    let letters = text.run_most(zone, 3, |byte| {
        byte.is_ascii_uppercase() && byte != b'I' && byte != b'O'
    });
    let zone_number: u8 = text.str(start, zone).parse().ok()?;
    let gap = text.run_most(letters, 1, |byte| byte == b' ');
    let east = text.run_most(gap, 11, |byte| byte.is_ascii_digit());
    let north_gap = text.run_most(east, 1, |byte| byte == b' ');
    let north = text.run_most(north_gap, 6, |byte| byte.is_ascii_digit());
    let (easting, northing) = (east - gap, north - north_gap);
    let is_band = (b'C'..=b'X').contains(&text.at(zone));
    if letters - zone != 3 || !(1..=60).contains(&zone_number) || !is_band {
        return None;
    }
    let is_split = easting == northing && (2..=5).contains(&easting);
    let end = if is_split { north } else { east };
    let is_even = if is_split {
        true
    } else {
        (4..=10).contains(&easting) && easting.is_multiple_of(2)
    };
    (is_even && !is_word(text.at(end))).then_some(end)
}

pub(crate) static SCANNER: Scanner = Scanner::without_literals(Rule::Location, &SAMPLES);

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        ("at 47.6097, -122.3331 now", "at [REDACTED:location] now"),
        ("geo:52.5200,13.4050", "geo:[REDACTED:location]"),
        ("grid 33TWN 12345 67890.", "grid [REDACTED:location]."),
        ("grid 33TWN1234567890", "grid [REDACTED:location]"),
        ("(-33.8688; 151.2093)", "([REDACTED:location])"),
    ],
    kept: &[
        "1.5, 2.5",
        "took 12.345 ms",
        "47.6097",
        "95.1234, 200.1234",
        "33TWN",
        "99TWN1234",
    ],
};
