//! The value that begins at a place, whatever its form.

use crate::named::extent::bare;
use crate::named::extent::bare::end as bare_end;
use crate::named::extent::form::{Around, Extent, Form};
use crate::named::extent::structure;
use crate::text::quote;
use crate::text::{Bytes, Text, is_word};

/// The value that begins at `at`; none when nothing stands there.
pub(crate) fn value(text: Text<'_>, at: usize, around: Around) -> Option<Extent> {
    if let Some((quote, start)) = opened(text, at) {
        let (end, is_closed) = quote.close(text, start);
        let form = if quote.is_tick() {
            Form::Ticked
        } else {
            Form::Quoted
        };
        let end = match around {
            Around::Shell | Around::Free if is_closed => bare::joined(text, end, quote.len()),
            _ => end,
        };
        return extent(start, end, form);
    }
    if let Some(end) = hash_end(text, at) {
        return extent(at, end, Form::Bare);
    }
    if let Some(open) = structure::open(text, at) {
        let end = structure::end(text, open);
        // `Vec()` holds nothing, `X()7` is a word.
        return match end > open + 2 || text.at(open) == b'(' && is_word(text.at(end)) {
            true => extent(at, bare_end(text, end, around).max(end), Form::Structure),
            false => None,
        };
    }
    extent(at, bare_end(text, at, around), Form::Bare)
}

/// The value that begins at `at` and ends at `end` at the latest. Nothing behind that is read, unless it is quoted.
pub(crate) fn value_within(
    text: Text<'_>,
    at: usize,
    end: usize,
    around: Around,
) -> Option<Extent> {
    if let Some((quote, start)) = opened(text, at) {
        return extent(start, quote.close(text, start).0, Form::Quoted);
    }
    if structure::open(text, at).is_some() {
        return extent(at, end, Form::Structure);
    }
    extent(at, bare::end_within(text, at, end, around), Form::Bare)
}

/// The shell's word that begins at `at`, without the quotes around it.
pub(crate) fn word(text: Text<'_>, at: usize) -> Option<Extent> {
    match quote::open(text, at) {
        Some((quote, start)) => {
            let (end, is_closed) = quote.close(text, start);
            let end = if is_closed {
                bare::joined(text, end, quote.len())
            } else {
                end
            };
            extent(start, end, Form::Quoted)
        }
        None => extent(at, bare_end(text, at, Around::Shell), Form::Bare),
    }
}

fn extent(start: usize, end: usize, form: Form) -> Option<Extent> {
    (end > start).then_some(Extent { start, end, form })
}

/// The hash of a password in the form of PHC, which has commas and pairs in it: `$argon2id$v=19$m=65536,t=3,p=4$…`.
fn hash_end(text: Text<'_>, at: usize) -> Option<usize> {
    let name = text.run_most(at + 1, 16, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'-'
    });
    if text.at(at) != b'$' || name == at + 1 || text.at(name) != b'$' {
        return None;
    }
    static HASH: Bytes = Bytes::letters_and(b"$=,+/.-_");
    Some(text.run_most(name, 512, |byte| HASH.has(byte)))
}

/// A quote, or one with the prefix of a byte, raw or binary string.
fn opened(text: Text<'_>, at: usize) -> Option<(quote::Quote, usize)> {
    if text.has(at, b"<<\"") {
        return quote::open(text, at + 2);
    }
    let prefix = text.run_most(at, 2, |byte| {
        matches!(byte, b'b' | b'r' | b'u' | b'f' | b'N' | b'@' | b'$')
    });
    let prefix = text.run_most(prefix, 2, |byte| byte == b'#');
    quote::open_value(text, at).or_else(|| quote::open(text, prefix))
}
