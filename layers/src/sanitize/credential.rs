//! What a header holds: a scheme's word and its credential, or cookies.

use super::extent::{self, Around, Extent, Form};
use super::marker::Markers;
use super::pair::Pair;
use super::prose;
use super::quote;
use super::text::{Text, is_blank, is_word};

/// `Bearer x` and `Digest username=…`: the scheme's word stays, what follows goes. None when `extent` is no scheme.
#[allow(clippy::option_option)]
pub(super) fn behind(
    text: Text<'_>,
    markers: &Markers,
    pair: Pair,
    extent: Extent,
) -> Option<Option<Extent>> {
    let word = text.slice(extent.start, extent.end);
    let is_in = |schemes: &[&[u8]]| {
        schemes
            .iter()
            .any(|scheme| word.eq_ignore_ascii_case(scheme))
    };
    let is_list = is_in(SCHEMES_WITH_LISTS);
    let is_followed = is_blank(text.at(extent.end)) || text.has(extent.end, b"%20");
    ((is_list || is_in(SCHEMES)) && is_followed)
        .then(|| behind_scheme(text, markers, pair, extent, is_list))
}

/// The same inside quotes: `"Bearer x"`.
#[allow(clippy::option_option)]
pub(super) fn quoted(text: Text<'_>, markers: &Markers, extent: Extent) -> Option<Option<Extent>> {
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

fn behind_scheme(
    text: Text<'_>,
    markers: &Markers,
    pair: Pair,
    extent: Extent,
    is_list: bool,
) -> Option<Extent> {
    let mut start = text.run_most(extent.end, 4, is_blank);
    if text.has(start, b"%20") {
        start += 3;
    }
    if markers.end(text, start).is_some() {
        return None;
    }
    let end = if is_list {
        let quote = quote::open_before(text, pair.start).map(|(quote, _)| quote);
        match quote {
            Some(quote) => quote.close(text, start).0,
            None => list_end(text, start),
        }
    } else {
        extent::bare_end(text, start, Around::Text)
    };
    let is_word = text.slice(start, end).iter().all(u8::is_ascii_lowercase) && end - start < 16;
    let is_place = prose::is_placeholder(text.slice(start, end));
    (end > start && !is_place && (is_list || !is_word)).then_some(Extent {
        start,
        end,
        form: Form::Bare,
    })
}

/// Where `name="value", name=value` ends.
fn list_end(text: Text<'_>, start: usize) -> usize {
    let mut at = start;
    loop {
        let name_end = text.run_most(at, 64, |byte| is_word(byte) || byte == b'-');
        if text.at(name_end) != b'=' || name_end == at {
            // A token without name: NTLM, AWS4's scope.
            return if at == start {
                extent::bare_end(text, at, Around::Text)
            } else {
                text.run_back(at, at - start, |b| matches!(b, b' ' | b','))
            };
        }
        let value = name_end + 1;
        at = match quote::open(text, value) {
            Some((quote, inner)) => {
                let (end, closed) = quote.close(text, inner);
                end + if closed { quote.len() } else { 0 }
            }
            None => extent::bare_end(text, value, Around::Text),
        };
        if text.at(at) != b',' {
            return at;
        }
        at = text.run_most(at + 1, 4, is_blank);
    }
}

/// Where `a=b; c=d; HttpOnly` ends; none when no pair stands at `start`.
pub(super) fn cookies_end(text: Text<'_>, start: usize) -> Option<usize> {
    let mut end = None;
    let mut at = start;
    loop {
        let name_end = text.run_most(at, 128, |byte| {
            is_word(byte) || matches!(byte, b'-' | b'.' | b'[' | b']' | b'$' | b'%' | b'|' | b'+')
        });
        if name_end == at || (text.at(name_end) != b'=' && end.is_none()) {
            return end;
        }
        let mut value_end = name_end;
        if text.at(name_end) == b'=' {
            value_end = text.run(name_end, |byte| {
                byte > b' ' && byte != 0x7f && !matches!(byte, b';' | b'"' | b'\'' | b'`' | b'\\')
            });
            if text.slice(at, name_end).eq_ignore_ascii_case(b"expires") {
                let date = text.run_most(value_end, 32, |byte| {
                    byte != b';' && byte != b'\n' && byte != b'"' && byte != b'\''
                });
                value_end = if text.ends_any_case(date, b"gmt") {
                    date
                } else {
                    value_end
                };
            }
        } else if text.at(name_end) != b';'
            && text.at(name_end) > b' '
            && !matches!(text.at(name_end), b'"' | b'\'')
        {
            return end;
        }
        end = Some(value_end);
        if text.at(value_end) != b';' {
            return end;
        }
        at = text.run_most(value_end + 1, 4, is_blank);
    }
}

const SCHEMES: &[&[u8]] = &[
    b"bearer",
    b"basic",
    b"token",
    b"apikey",
    b"negotiate",
    b"ntlm",
    b"key",
    b"jwt",
    b"bot",
    b"dpop",
    b"sso-key",
    b"genie-key",
    b"sso-jwt",
    b"zoho-oauthtoken",
    b"goog-auth",
];
const SCHEMES_WITH_LISTS: &[&[u8]] = &[
    b"digest",
    b"aws4-hmac-sha256",
    b"oauth",
    b"hawk",
    b"signature",
    b"sharedkey",
    b"sharedaccesssignature",
    b"mac",
];
