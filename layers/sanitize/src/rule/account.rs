//! Numbers that name an account or a person (strict): IBANs, and the EDIPI of the US Department of Defense.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::{Text, is_word};

/// Where the IBAN ends that begins at `start`: country, check digits, 11 to 30 more, also in groups of four.
pub(crate) fn iban_end(text: Text<'_>, start: usize) -> Option<usize> {
    let is_head = text
        .slice(start, start + 2)
        .iter()
        .all(u8::is_ascii_uppercase)
        && text
            .slice(start + 2, start + 4)
            .iter()
            .all(u8::is_ascii_digit)
        && start + 4 < text.len();
    if !is_head {
        return None;
    }
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let is_grouped = text.at(start + 4) == b' ';
    let mut end = text.run_most(start, 35, is_part);
    while is_grouped && text.at(end) == b' ' && end - start < 43 {
        let group = text.run_most(end + 1, 5, is_part);
        if group - end - 1 > 4 || group == end + 1 || is_word(text.at(group)) {
            break;
        }
        end = group;
    }
    let number = || text.slice(start, end).iter().filter(|&&byte| byte != b' ');
    let is_iban =
        (15..=34).contains(&number().count()) && !is_word(text.at(end)) && remainder(number()) == 1;
    is_iban.then_some(end)
}

/// Modulo 97 with the first four characters last and letters as two digits.
fn remainder<'t>(number: impl Iterator<Item = &'t u8> + Clone) -> u32 {
    let moved = number.clone().skip(4).chain(number.take(4));
    moved.fold(0, |rest, &byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97,
    })
}

/// Where the EDIPI ends that begins at `start`: ten digits behind its name.
pub(crate) fn edipi_end(text: Text<'_>, start: usize) -> Option<usize> {
    const NAMES: [&[u8]; 4] = [b"edipi", b"dod id", b"dodid", b"dod id number"];
    let end = text.run_most(start, 11, |byte| byte.is_ascii_digit());
    if end - start != 10 {
        return None;
    }
    let name = text.run_back(start, 4, |byte| {
        matches!(byte, b' ' | b':' | b'=' | b'"' | b'#')
    });
    let is_named = NAMES.iter().any(|known| text.ends_any_case(name, known));
    is_named.then_some(end)
}

pub(crate) static IBAN: Scanner = Scanner::without_literals(Rule::Iban, &IBAN_SAMPLES);

pub(crate) static EDIPI: Scanner = Scanner::without_literals(Rule::Edipi, &EDIPI_SAMPLES);

const IBAN_SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        ("to DE89370400440532013000 paid", "to [REDACTED:iban] paid"),
        ("GB82 WEST 1234 5698 7654 32", "[REDACTED:iban]"),
        ("FR1420041010050500013M02606.", "[REDACTED:iban]."),
        ("(NL91ABNA0417164300)", "([REDACTED:iban])"),
        ("DE89 3704 0044 0532 0130 00, ok", "[REDACTED:iban], ok"),
    ],
    kept: &[
        "DE89370400440532013001",
        "GB82 WEST",
        "AB12",
        "XX00ABCDEFGHIJKLMNOP",
        "SKU AB12CD34",
    ],
};

const EDIPI_SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "EDIPI 1234567890 checked in",
            "EDIPI [REDACTED:edipi] checked in",
        ),
        ("DoD ID 1234567890", "DoD ID [REDACTED:edipi]"),
        ("(edipi 1234567890)", "(edipi [REDACTED:edipi])"),
        ("dodid 1234567890,", "dodid [REDACTED:edipi],"),
        ("DoD ID number 1234567890", "DoD ID number [REDACTED:edipi]"),
    ],
    kept: &[
        "took 1234567890 ns",
        "EDIPI missing",
        "EDIPI 123456789",
        "edipi 12345678901",
        "at 1718900000",
    ],
};
