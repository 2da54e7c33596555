//! IP addresses, version 4 and 6, with the network's width (`/24`) and the zone (`%eth0`).
//!
//! Private ranges are redacted too: how a network is built is nobody's business. Loopback, the unspecified address and
//! netmasks say nothing and stay.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::list::List;
use crate::text::span::Seen;
use crate::text::{Text, begins_word, is_word, skip_sgr};

/// `start` is the first digit of a run of one to three digits with a dot behind it.
pub(crate) fn scan_v4(text: Text<'_>, keep_loopback: bool, start: usize) -> Seen {
    let run_end = text.run(start, |byte| byte.is_ascii_digit() || byte == b'.');
    let mut end = run_end;
    while text.back(end, 1) == b'.' {
        end -= 1;
    }
    let has_length = (MIN_V4_BYTES..=MAX_V4_BYTES).contains(&(end - start));
    let address = has_length.then(|| parse_v4(text.slice(start, end)));
    let Some(address) = address.flatten() else {
        return Seen::NothingBefore(run_end);
    };
    if (keep_loopback && is_local(address))
        || is_mask(address)
        || is_part(text, start, end, run_end)
        || is_version(text, start, end, address)
    {
        return Seen::NothingBefore(run_end);
    }
    Seen::found(Rule::Ip, start, with_width(text, end))
}

const MIN_V4_BYTES: usize = 7;
const MAX_V4_BYTES: usize = 15;

/// Four numbers up to 255, also with leading zeros.
fn parse_v4(digits: &[u8]) -> Option<Ipv4Addr> {
    if !(MIN_V4_BYTES..=MAX_V4_BYTES).contains(&digits.len()) {
        return None;
    }
    let mut octets = [0_u8; 4];
    let mut parts = digits.split(|&byte| byte == b'.');
    for octet in &mut octets {
        let part = parts.next().filter(|part| (1..=3).contains(&part.len()))?;
        let number = part
            .iter()
            .fold(0_u16, |number, byte| number * 10 + u16::from(byte - b'0'));
        *octet = u8::try_from(number).ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// Loopback and unspecified: they tell nothing.
fn is_local(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

/// A netmask, or a version such as `4.0.0.0`.
fn is_mask(address: Ipv4Addr) -> bool {
    let [first, second, third, fourth] = address.octets();
    first == 255
        || (first < 10 && [second, third, fourth] == [0; 3] && first > 0)
        || (first == 0 && second > 0)
}

/// Part of a word or of a longer run: `1.2.3.4.5`, `so.1.2.3.4`, `x1.2.3.4`.
fn is_part(text: Text<'_>, start: usize, end: usize, run_end: usize) -> bool {
    let before = text.back(start, 1);
    if before == b'.' || (is_word(before) && !begins_word(text, start) && before < 0x80) {
        return true;
    }
    let is_reverse =
        text.has_any_case(run_end, b"in-addr.arpa") || text.has_any_case(end, b".in-addr.arpa");
    let after = text.at(run_end);
    !is_reverse
        && ((is_word(after) && after < 0x80)
            || (run_end == end
                && matches!(after, b'-' | b'+')
                && text.at(end + 1).is_ascii_alphabetic()))
}

/// A version number that looks like an address: `Name/1.2.3.4`, `v1.2.3.4`, `version 1.2.3.4`, `pkg-1.2.3.4`.
fn is_version(text: Text<'_>, start: usize, end: usize, address: Ipv4Addr) -> bool {
    // Object identifiers of X.509.
    if text.has(start, b"2.5.4.") || text.has(start, b"2.5.29.") || text.has(start, b"1.3.6.1") {
        return true;
    }
    if text.has_any_case(end, b" (build") || text.has_any_case(end, b" build ") {
        return true;
    }
    let before = text.back(start, 1);
    let is_private = address.is_private();
    // `16.1.0.0`: networks come with a width.
    let [.., third, fourth] = address.octets();
    if (third, fourth) == (0, 0) && !is_private && text.at(end) != b'/' {
        return true;
    }
    match before {
        // Java prints `host/10.0.0.1:80`; a product's name has no dot and an upper-case letter in front.
        b'/' => {
            let name = text.run_back(start - 1, 40, |byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
            });
            let has_port = text.at(end) == b':' && text.at(end + 1).is_ascii_digit();
            return name < start - 1
                && !has_port
                && !text.slice(name, start).contains(&b'.')
                && (text.at(name).is_ascii_uppercase() || !is_private)
                && text.back(name, 1) != b'/';
        }
        b'-' | b'@' | b'~' | b'^' if text.back(start, 2).is_ascii_alphanumeric() => {
            return !is_private && before != b'@' && !text.ends_any_case(start, b"ip-");
        }
        b'=' if text.back(start, 2) == b'='
            || matches!(text.back(start, 2), b'~' | b'>' | b'<' | b'^') =>
        {
            return !is_private || text.back(start, 3).is_ascii_alphanumeric();
        }
        _ => {}
    }
    let at = text.run_back(start, 6, |byte| b" \t:=\"'\\(#".contains(&byte));
    // `1.2.3.4 to 1.2.3.5`: what the first one is, both are.
    for arrow in [&b" to"[..], b" ->", b" =>"] {
        if text.ends_any_case(at, arrow) {
            let first_end = at - arrow.len();
            let first = text.run_back(first_end, 15, |byte| byte.is_ascii_digit() || byte == b'.');
            if parse_v4(text.slice(first, first_end)).is_some() && follows_version_word(text, first)
            {
                return true;
            }
        }
    }
    follows_version_word(text, start)
}

/// Does a word stand before it that versions follow?
fn follows_version_word(text: Text<'_>, start: usize) -> bool {
    let mut at = text.run_back(start, 6, |byte| b" \t:=\"'\\(#".contains(&byte));
    // `version is 1.2.3.4`, `version to 1.2.3.4`.
    for filler in [
        &b" is"[..],
        b" to",
        b" from",
        b" number",
        b" no.",
        b" =>",
        b" ->",
    ] {
        if text.ends_any_case(at, filler) {
            at -= filler.len();
            break;
        }
    }
    let word = text.run_back(at, 24, |byte| byte.is_ascii_alphabetic() || byte == b'.');
    let word = text.slice(word, at);
    if at + 1 == start && text.at(at) == b' ' && PRODUCTS.has(word) {
        return true;
    }
    VERSION_WORDS.iter().any(|known| {
        word.len()
            .checked_sub(known.len())
            .and_then(|at| word.get(at..))
            .is_some_and(|tail| {
                tail.eq_ignore_ascii_case(known)
                    && (known.len() > 3
                        || word.len() == known.len()
                        || word.get(word.len() - known.len() - 1) == Some(&b'.'))
            })
    })
}

/// Words before a dotted number that is no address.
const VERSION_WORDS: &[&[u8]] = &[
    b"version",
    b"versions",
    b"ver",
    b"ver.",
    b"v",
    b"release",
    b"rev",
    b"revision",
    b"build",
    b"firmware",
    b"fw",
    b"section",
    b"sec.",
    b"clause",
    b"chapter",
    b"oid",
    b"rfc",
    b"table",
    b"figure",
    b"fig.",
    b"step",
    b"driver",
    b"upgrade",
    b"upgraded",
    b"upgrading",
    b"update",
    b"updated",
    b"updating",
    b"downgraded",
    b"bumped",
    b"bump",
    b"downgrade",
    b"patch",
    b"bios",
    b"kernel",
    b"requires",
    b"assembly",
    b"paragraph",
    b"appendix",
];

/// Programs that call themselves by name and version: `openssl 3.0.13.1`.
static PRODUCTS: List = List::new(
    "openssl chrome chromium firefox safari electron webkit windows android java nginx nvidia office outlook runtime sdk",
);

/// With `/24` behind it.
fn with_width(text: Text<'_>, end: usize) -> usize {
    if text.at(end) != b'/' {
        return end;
    }
    let width = text.run_most(end + 1, 4, |byte| byte.is_ascii_digit());
    let is_width =
        (1..=3).contains(&(width - end - 1)) && !is_word(text.at(width)) && text.at(width) != b'/';
    if is_width { width } else { end }
}

/// May the colon at `colon` belong to an address? A quick look: another one follows it, at once or behind four digits
/// at most, and then does not stand at the end.
#[inline]
pub(crate) fn may_follow(text: Text<'_>, colon: usize) -> bool {
    let group = text.run_few(colon + 1, 4, |byte| byte.is_ascii_hexdigit());
    let next = text.at(group + 1);
    text.at(group) == b':' && (group == colon + 1 || next == b':' || next.is_ascii_hexdigit())
}

/// `colon` is a colon inside or before a run of hex digits and colons.
pub(crate) fn scan_v6(text: Text<'_>, keep_loopback: bool, colon: usize) -> Seen {
    let groups = Groups::behind(text, colon);
    // Digits behind the last colon may begin something else.
    let resume = Seen::NothingBefore(groups.last_colon + 1);
    // Two colons at least; a time or a ratio has no more, an address without `::` has seven.
    if groups.colons < 2 || (groups.colons < 6 && !groups.is_short) {
        return resume;
    }
    let run_end = groups.end;
    let start = text.run_back(colon, MAX_GROUP_DIGITS, |byte| byte.is_ascii_hexdigit());
    // `addr:fe80::1`: one colon may part it from a word.
    let is_tight = text.at(colon + 1) != b':';
    let start = match begins_address(text, start) {
        true if start < colon || !is_tight => start,
        false if !is_tight => return resume,
        _ => colon + 1,
    };
    // An IPv4 tail belongs to it.
    let dotted = match text.at(run_end) {
        b'.' => text.run_most(run_end, 16, |byte| byte.is_ascii_digit() || byte == b'.'),
        _ => run_end,
    };
    let shorter = (dotted > run_end).then_some(run_end);
    for end in [Some(dotted), shorter].into_iter().flatten() {
        if let Some((address, end)) = parse_v6(text, start, end) {
            if is_local_v6(address, keep_loopback) || !is_plausible(text, start, end, address) {
                return resume;
            }
            return Seen::found(Rule::Ip, start, with_zone(text, end));
        }
    }
    resume
}

fn is_local_v6(address: Ipv6Addr, keep_loopback: bool) -> bool {
    address.is_unspecified()
        || (keep_loopback && address.is_loopback())
        || address
            .to_ipv4_mapped()
            .is_some_and(|address| keep_loopback && is_local(address))
}

/// `start..end` is `ip-` or `ec2-`: hosts named by their address, `ip-10-0-3-7.ec2.internal`.
fn scan_dashed(text: Text<'_>, start: usize, end: usize) -> Seen {
    if is_word(text.back(start, 1)) {
        return Seen::Nothing;
    }
    let mut octets_end = end;
    for part in 0..4 {
        let from = if part == 0 { end } else { octets_end + 1 };
        octets_end = text.run_most(from, 4, |byte| byte.is_ascii_digit());
        let is_octet = text.str(from, octets_end).parse::<u8>().is_ok();
        if !is_octet || (part < 3 && text.at(octets_end) != b'-') {
            return Seen::Nothing;
        }
    }
    if is_word(text.at(octets_end)) {
        return Seen::Nothing;
    }
    Seen::found(Rule::Ip, end, octets_end)
}

/// Groups of at most four hex digits, parted by colons.
struct Groups {
    end: usize,
    colons: usize,
    last_colon: usize,
    /// Two colons stand together.
    is_short: bool,
}

impl Groups {
    /// From the colon on that stands at `colon`.
    fn behind(text: Text<'_>, colon: usize) -> Self {
        let mut groups = Self {
            end: colon,
            colons: 0,
            last_colon: colon,
            is_short: false,
        };
        let mut digits = 0;
        groups.end = text.run_at(colon, MAX_V6_BYTES, |at, byte| {
            if byte == b':' {
                groups.is_short |= digits == 0 && groups.colons > 0;
                groups.colons += 1;
                groups.last_colon = at;
                digits = 0;
                return true;
            }
            digits += usize::from(byte.is_ascii_hexdigit());
            byte.is_ascii_hexdigit() && digits <= MAX_GROUP_DIGITS
        });
        if digits > MAX_GROUP_DIGITS {
            groups.end = groups.last_colon + 1;
        }
        groups
    }
}

const MAX_V6_BYTES: usize = 60;
const MAX_GROUP_DIGITS: usize = 4;

fn begins_address(text: Text<'_>, start: usize) -> bool {
    let before = text.back(start, 1);
    (!is_word(before) || begins_word(text, start))
        && before != b':'
        && (before != b'.' || !is_word(text.back(start, 2)))
}

/// The address from `start`, whole or without what a trailing colon parts off (`:443`, `: text`).
fn parse_v6(text: Text<'_>, start: usize, end: usize) -> Option<(Ipv6Addr, usize)> {
    let mut end = end;
    while text.back(end, 1) == b'.' {
        end -= 1;
    }
    for _ in 0..2 {
        if end <= start || end - start > 45 {
            return None;
        }
        let parsed = text.str(start, end).parse().ok();
        if let Some(address) = parsed
            && !is_word(text.at(end))
        {
            return Some((address, end));
        }
        let cut = text
            .slice(start, end)
            .iter()
            .rposition(|&byte| byte == b':')?;
        end = start + cut;
    }
    None
}

/// Module paths, slices (`x[1::2]`) and C++ names spelled in hex digits parse as well.
fn is_plausible(text: Text<'_>, start: usize, end: usize, address: Ipv6Addr) -> bool {
    let source = text.slice(start, end);
    let groups = source
        .split(|&byte| byte == b':')
        .filter(|group| !group.is_empty());
    let (groups, digits) = groups.fold((0, 0), |(groups, digits), group| {
        (
            groups + 1,
            digits + group.iter().filter(|byte| byte.is_ascii_digit()).count(),
        )
    });
    let [first, ..] = address.segments();
    let is_allocated = (0x2000..0x4000).contains(&first) || first >= 0xfc00 || first == 0x64;
    let after = text.at(end);
    let is_path = after == b':' && text.at(end + 1) == b':'
        || skip_sgr(text, end) != end && text.at(skip_sgr(text, end)) == b':';
    digits > 0
        && !is_path
        && (groups >= 4 || (is_allocated && first >= 0x64) || source.contains(&b'.'))
}

/// With `%eth0` and `/64` behind it.
fn with_zone(text: Text<'_>, end: usize) -> usize {
    let mut end = end;
    if text.at(end) == b'%' {
        let zone = if text.has(end, b"%25") {
            end + 3
        } else {
            end + 1
        };
        let zone_end = text.run_most(zone, 16, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
        });
        if zone_end > zone {
            end = zone_end;
        }
    }
    with_width(text, end)
}

/// In a host name; addresses as such are met among the numbers.
pub(crate) static DASHED: Scanner = Scanner {
    rule: Rule::Ip,
    literals: &["ip-", "ec2-"],
    is_exact: false,
    find: |cx, hit| scan_dashed(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "peer 203.0.113.7:443 closed",
            "peer [REDACTED:ip]:443 closed",
        ),
        ("net 10.1.0.0/16 up", "net [REDACTED:ip] up"),
        ("[2001:db8::7]:443", "[[REDACTED:ip]]:443"),
        ("fe80::1ff:fe23:4567:890a%eth0 up", "[REDACTED:ip] up"),
        (
            "db.internal/10.0.3.7:5432",
            "db.internal/[REDACTED:ip]:5432",
        ),
        ("::ffff:192.0.2.128", "[REDACTED:ip]"),
        (
            "from 2001:0db8:85a3:0000:0000:8a2e:0370:7334.",
            "from [REDACTED:ip].",
        ),
        ("addr:fe80::1", "addr:[REDACTED:ip]"),
        ("fe80::1: unreachable", "[REDACTED:ip]: unreachable"),
    ],
    kept: &[
        "127.0.0.1:8080",
        "0.0.0.0",
        "listening on [::1]:80",
        "Chrome/1.2.3.4 Safari",
        "v1.2.3.4",
        "version 1.2.3.4",
        "1.2.3.4.5",
        "at 12:30:45",
        "mac 00:1b:44:11:3a:b7",
        "std::fmt::Debug",
        "a[1::2]",
        "mask 255.255.255.0",
        "pkg-1.2.3.4.tar.gz",
        "openssl 3.0.13.1 found",
        "updated from 2.13.0.1 to 2.13.0.2",
        "abc::def::add",
        "0:00:01",
        "ratio 1:2:3",
    ],
};
