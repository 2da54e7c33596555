//! What a header holds: a scheme's word and its credential.

use crate::marker::Markers;
use crate::named::extent::header;
use crate::named::extent::spaced;
use crate::named::extent::{self, Around, Extent, Form};
use crate::named::pair::Pair;
use crate::named::prose;
use crate::named::secret_words::Sort;
use crate::text::quote;
use crate::text::{Text, is_blank, is_word};

/// `Bearer x` and `Digest username=…`: the scheme's word stays, what follows goes. None when `extent` is no scheme.
#[allow(clippy::option_option)]
pub(crate) fn behind(
    text: Text<'_>,
    markers: &Markers,
    pair: Pair,
    extent: Extent,
) -> Option<Option<Extent>> {
    let word_end = text.run_most(extent.start, 24, |byte| is_word(byte) || byte == b'-');
    let word = text.slice(extent.start, word_end);
    let is_followed = is_blank(text.at(word_end)) || text.has(word_end, b"%20");
    if !is_followed {
        return None;
    }
    let is_in = |schemes: &[&[u8]]| {
        schemes
            .iter()
            .any(|scheme| word.eq_ignore_ascii_case(scheme))
    };
    // Of all schemes only AWS' has digits, and most values have.
    let may_be = matches!(word.first(), Some(b'a' | b'A')) || !word.iter().any(u8::is_ascii_digit);
    let is_list = may_be && is_in(SCHEMES_WITH_LISTS);
    if is_list || may_be && is_in(SCHEMES) {
        return Some(behind_scheme(text, markers, pair, word_end, is_list));
    }
    behind_unknown(text, markers, pair, word_end).map(Some)
}

/// `Authorization: Custom x y`: behind a scheme that nobody knows the line goes, when it is no prose.
fn behind_unknown(
    text: Text<'_>,
    markers: &Markers,
    pair: Pair,
    word_end: usize,
) -> Option<Extent> {
    let is_header = spaced::around(text, pair) == Some(Around::Header)
        && text.ends_any_case(pair.end, b"authorization");
    let start = text.run_most(word_end, 4, is_blank);
    if !is_header || markers.end(text, start).is_some() {
        return None;
    }
    let end = text.run_most(start, MAX_LINE_BYTES, |byte| byte != b'\n' && byte != b'\r');
    let words = || {
        text.slice(start, end)
            .split(|&byte| byte == b' ')
            .filter(|word| !word.is_empty())
    };
    let is_secret = words().next().is_some_and(prose::is_mixed) || words().all(prose::is_mixed);
    let is_prose = words().any(|word| word.len() > 1 && word.iter().all(u8::is_ascii_lowercase));
    (end > start && end - start < MAX_LINE_BYTES && is_secret && !is_prose).then_some(Extent {
        start,
        end,
        form: Form::Bare,
    })
}

/// Longest line of a header that goes as a whole.
const MAX_LINE_BYTES: usize = 1024;

/// The same inside quotes: `"Bearer x"`.
#[allow(clippy::option_option)]
pub(crate) fn quoted(text: Text<'_>, markers: &Markers, extent: Extent) -> Option<Option<Extent>> {
    let word_end = text.run_most(extent.start, 16, |byte| is_word(byte) || byte == b'-');
    let word = text.slice(extent.start, word_end);
    let is_scheme = SCHEMES
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme));
    let start = text.run_most(word_end, 4, is_blank);
    if !is_scheme || start == word_end || start >= extent.end {
        return None;
    }
    let is_done = markers.end(text, start) == Some(extent.end);
    Some((!is_done).then_some(Extent { start, ..extent }))
}

/// What follows the scheme's word, which ends at `word_end`.
fn behind_scheme(
    text: Text<'_>,
    markers: &Markers,
    pair: Pair,
    word_end: usize,
    is_list: bool,
) -> Option<Extent> {
    let mut start = text.run_most(word_end, 4, is_blank);
    if text.has(start, b"%20") {
        start += 3;
    }
    if markers.end(text, start).is_some() {
        return None;
    }
    let around = match pair.encoded {
        0 if spaced::around(text, pair).is_some() => Around::Header,
        0 if pair.sort == Some(Sort::Auth) => Around::Free,
        0 => Around::Text,
        times => Around::Encoded(times),
    };
    let name_end = text.run_most(start, 64, |byte| is_word(byte) || byte == b'-');
    // `Token token="x"`: a list behind whatever scheme.
    let begins_list = name_end > start && text.at(name_end) == b'=' && {
        let quoted = text.run_most(name_end + 1, 4, |byte| byte == b'\\');
        matches!(text.at(quoted), b'"' | b'\'')
    };
    let quote = quote::open_before(text, pair.start).map(|(quote, _)| quote);
    let end = match quote {
        Some(quote) if is_list => quote.close(text, start).0,
        _ if is_list || begins_list => header::list_end(text, start),
        _ => extent::bare_end(text, start, around),
    };
    let is_word = text.slice(start, end).iter().all(u8::is_ascii_lowercase) && end - start < 16;
    let is_place = prose::is_placeholder(text.slice(start, end));
    (end > start && !is_place && (is_list || !is_word)).then_some(Extent {
        start,
        end,
        form: Form::Bare,
    })
}

#[rustfmt::skip]
const SCHEMES: &[&[u8]] = &[
    b"bearer", b"basic", b"token", b"apikey", b"negotiate", b"ntlm", b"key", b"jwt", b"bot", b"dpop", b"sso-key",
    b"genie-key", b"sso-jwt", b"zoho-oauthtoken", b"goog-auth",
];
#[rustfmt::skip]
const SCHEMES_WITH_LISTS: &[&[u8]] = &[
    b"digest", b"aws4-hmac-sha256", b"oauth", b"hawk", b"signature", b"sharedkey", b"sharedaccesssignature", b"mac",
];
