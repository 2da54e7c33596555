//! Timestamps as clients write them: RFC 3339 with any precision and offset; without an offset, UTC.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// Nanoseconds since 1970, or `None` when the text is no such timestamp.
///
/// Digits after the ninth of a second are cut. A leap second counts as the second before it.
pub fn unix_nanos(text: &str) -> Option<i128> {
    let bytes = text.as_bytes();
    if !matches!(
        bytes,
        [
            _,
            _,
            _,
            _,
            b'-',
            _,
            _,
            b'-',
            _,
            _,
            b'T' | b't' | b' ',
            _,
            _,
            b':',
            _,
            _,
            b':',
            _,
            _,
            ..
        ]
    ) {
        return None;
    }
    let date = Date::new(
        number(bytes, 0, 4)?,
        number(bytes, 5, 2)? as i8,
        number(bytes, 8, 2)? as i8,
    )
    .ok()?;
    let second = number(bytes, 17, 2)?;
    let time = Time::new(
        number(bytes, 11, 2)? as i8,
        number(bytes, 14, 2)? as i8,
        if second == 60 { 59 } else { second as i8 },
        0,
    )
    .ok()?;
    let (nanos, rest) = fraction(bytes.get(19..)?)?;
    let offset_seconds = offset(rest)?;
    let seconds = Offset::UTC
        .to_timestamp(date.to_datetime(time))
        .ok()?
        .as_second();
    Some(i128::from(seconds - i64::from(offset_seconds)) * 1_000_000_000 + i128::from(nanos))
}

fn number(bytes: &[u8], from: usize, digits: usize) -> Option<i16> {
    bytes
        .get(from..from + digits)?
        .iter()
        .try_fold(0i16, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i16::from(byte - b'0'))
        })
}

/// The part of a second in nanoseconds, and what follows it.
fn fraction(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let Some((b'.' | b',', digits)) = bytes.split_first() else {
        return Some((0, bytes));
    };
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if count == 0 {
        return None;
    }
    let nanos = (0..9).fold(0, |nanos, place| {
        let digit = digits
            .get(place)
            .filter(|_| place < count)
            .map_or(0, |byte| byte - b'0');
        nanos * 10 + u32::from(digit)
    });
    Some((nanos, digits.get(count..)?))
}

/// Seconds east of UTC.
fn offset(bytes: &[u8]) -> Option<i32> {
    let (sign, clock) = match bytes {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', clock @ ..] => (1, clock),
        [b'-', clock @ ..] => (-1, clock),
        _ => return None,
    };
    let (hours, minutes) = match clock {
        [_, _] => (number(clock, 0, 2)?, 0),
        [_, _, b':', _, _] => (number(clock, 0, 2)?, number(clock, 3, 2)?),
        [_, _, _, _] => (number(clock, 0, 2)?, number(clock, 2, 2)?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_precision_and_offset_is_understood_and_none_is_utc() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:01", 1_000_000_000),
            ("2026-02-06T12:00:00Z", 1_770_379_200_000_000_000),
            ("2026-02-06t12:00:00z", 1_770_379_200_000_000_000),
            ("2026-02-06 12:00:00Z", 1_770_379_200_000_000_000),
            ("2026-02-06T14:30:00+02:30", 1_770_379_200_000_000_000),
            ("2026-02-06T07:00:00.5-0500", 1_770_379_200_500_000_000),
            ("2026-02-06T12:00:00.123456Z", 1_770_379_200_123_456_000),
            (
                "2026-02-06T12:00:00.0001234567891Z",
                1_770_379_200_000_123_456,
            ),
            ("2026-02-06T12:00:60Z", 1_770_379_259_000_000_000),
            ("1969-12-31T23:59:59Z", -1_000_000_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
        ];
        for (text, expected) in cases {
            assert_eq!(unix_nanos(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_timestamp_is_refused() {
        let cases = [
            "",
            "yesterday",
            "2026-02-06",
            "2026-02-30T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-02-06T24:00:00Z",
            "2026-02-06T12:00:00.Z",
            "2026-02-06T12:00:00 UTC",
            "2026-02-06T12:00:00+25:00",
            "2026-02-06T12:00:61Z",
            "2026-02-06T12:00:00Zjunk",
            "2026-02-06T12:0a:00Z",
            "+002026-02-06T12:00:00Z",
            "1770379200",
        ];
        for text in cases {
            assert_eq!(unix_nanos(text), None, "{text}");
        }
    }
}
