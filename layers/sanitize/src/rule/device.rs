//! Numbers that name a device (strict): hardware addresses and IMEIs.

use crate::rule::card::has_check_digit;
use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::{Text, is_word};

/// Where the hardware address ends that begins at `start`: `00:1b:44:11:3a:b7`, `00-1B-…`, `001b.4411.3ab7`.
pub(crate) fn mac_end(text: Text<'_>, start: usize) -> Option<usize> {
    let group = text.run_most(start, 5, |byte| byte.is_ascii_hexdigit()) - start;
    let separator = text.at(start + group);
    let groups = match (group, separator) {
        (2, b':' | b'-') => 6,
        (4, b'.') => 3,
        _ => return None,
    };
    let end = start + groups * (group + 1) - 1;
    let is_whole = text
        .slice(start, end)
        .split(|&byte| byte == separator)
        .all(|part| part.len() == group && part.iter().all(u8::is_ascii_hexdigit));
    let goes_on = text.at(end) == separator && is_word(text.at(end + 1));
    let is_alone = !goes_on && !is_word(text.at(end));
    (is_whole && is_alone && end <= text.len()).then_some(end)
}

/// Where the IMEI ends that begins at `start`: 15 digits with a check digit, behind its name.
pub(crate) fn imei_end(text: Text<'_>, start: usize) -> Option<usize> {
    let end = text.run_most(start, 16, |byte| byte.is_ascii_digit());
    if end - start != 15 {
        return None;
    }
    let mut digits = [0_u8; 15];
    for (slot, byte) in digits.iter_mut().zip(text.slice(start, end)) {
        *slot = byte - b'0';
    }
    let name = text.run_back(start, 4, |byte| matches!(byte, b' ' | b':' | b'=' | b'"'));
    let is_imei = has_check_digit(&digits) && text.ends_any_case(name, b"imei");
    is_imei.then_some(end)
}

pub(crate) static MAC: Scanner = Scanner::without_literals(Rule::Mac, &MAC_SAMPLES);

pub(crate) static IMEI: Scanner = Scanner::without_literals(Rule::Imei, &IMEI_SAMPLES);

const MAC_SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        ("nic 00:1b:44:11:3a:b7 up", "nic [REDACTED:mac] up"),
        ("00-1B-44-11-3A-B7", "[REDACTED:mac]"),
        ("001b.4411.3ab7", "[REDACTED:mac]"),
        ("ether=aa:bb:cc:dd:ee:ff,", "ether=[REDACTED:mac],"),
        ("(02:42:ac:11:00:02)", "([REDACTED:mac])"),
    ],
    kept: &[
        "12:30:45",
        "00:1b:44:11:3a",
        "00:1b:44:11:3a:b7:00",
        "de:ad",
        "2026-02-06",
    ],
};

const IMEI_SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        ("IMEI 490154203237518 seen", "IMEI [REDACTED:imei] seen"),
        ("imei 356938035643809", "imei [REDACTED:imei]"),
        ("IMEI  490154203237518,", "IMEI  [REDACTED:imei],"),
        ("(imei 490154203237518)", "(imei [REDACTED:imei])"),
        ("IMEI 356938035643809.", "IMEI [REDACTED:imei]."),
    ],
    kept: &[
        "IMEI 490154203237519",
        "imei missing",
        "seq 190154203237518",
        "IMEI 49015420323751",
        "imei 1901542032375180000",
    ],
};
