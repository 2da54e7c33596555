//! A bare value with spaces, where what stands around it says that they belong to it: in a connection string, a struct, a list
//! of pairs, a header's line, a line of its own.

use crate::named::extent::bare::{begins_pair, end_within as bare_end_within};
use crate::named::extent::form::{Around, Extent, Form};
use crate::named::pair::Pair;
use crate::named::secret_words::Sort;
use crate::named::separator::Separator;
use crate::text::quote;
use crate::text::{Bytes, is_blank};
use crate::text::{Text, is_word};

/// How far before a name and behind a value its level is looked for.
const MAX_LEVEL_BYTES: usize = 160;
/// No phrase is longer behind its first word.
const MAX_PHRASE_BYTES: usize = 160;

/// The same value with all of its words.
pub(crate) fn widened(text: Text<'_>, pair: Pair, extent: Extent) -> Extent {
    if text.at(extent.end) != b' ' || is_in_prose(text, pair) {
        return extent;
    }
    let end = None
        .or_else(|| in_connection_string(text, pair, extent))
        .or_else(|| in_brackets(text, pair, extent))
        .or_else(|| in_dump(text, pair, extent))
        .or_else(|| in_header(text, pair, extent))
        .or_else(|| in_own_line(text, pair, extent));
    let end = end.unwrap_or(extent.end);
    Extent {
        end: text.run_back(end, end - extent.end, is_blank),
        ..extent
    }
}

/// `login with password=x`: a word stands before the name and no space behind the sign, as most often.
#[inline]
pub(crate) fn is_in_prose(text: Text<'_>, pair: Pair) -> bool {
    text.back(pair.start, 1) == b' '
        && is_word(text.back(pair.start, 2))
        && text.at(pair.start) != b'-'
        && text.back(pair.value, 1) == b'='
        && pair.separator == Separator::Equals
        && pair.quote.is_none()
}

/// `User ID=sa;Password=Plum Tree 8;Encrypt=yes`: to the semicolon, in the last pair to the quote around all of them.
fn in_connection_string(text: Text<'_>, pair: Pair, extent: Extent) -> Option<usize> {
    if pair.separator != Separator::Equals || pair.quote.is_some() {
        return None;
    }
    let before = text.run_back(pair.start, 4, is_blank);
    if text.back(before, 1) != b';' && !is_at_edge(text, pair.start) {
        return None;
    }
    let item = text.run_back(before.saturating_sub(1), MAX_LEVEL_BYTES, |byte| {
        !matches!(byte, b';' | b'\n' | b'"' | b'\'')
    });
    let is_behind_pair = text.back(before, 1) == b';' && text.slice(item, before).contains(&b'=');
    let stop = text.run_most(extent.end, MAX_LEVEL_BYTES, |byte| {
        !matches!(byte, b';' | b'\n' | b'\r' | b'"' | b'\'' | b'=')
    });
    let next = text.run_most(stop + 1, 4, is_blank);
    let is_before_pair = text.at(stop) == b';' && begins_spaced_pair(text, next);
    let is_first = text.back(before, 1) != b';';
    if is_before_pair && (is_behind_pair || !is_first || is_at_edge(text, pair.start)) {
        return Some(stop);
    }
    if !is_behind_pair {
        return None;
    }
    let is_last =
        text.at(stop) == b';' && matches!(text.at(stop + 1), 0 | b'"' | b'\'' | b'\n' | b'\r');
    let open = text.run_back(pair.start, MAX_LEVEL_BYTES, |byte| {
        !matches!(byte, b'\n' | b'"' | b'\'')
    });
    let is_quoted = matches!(text.at(stop), b'"' | b'\'') && text.back(open, 1) == text.at(stop);
    // At the end of the text; prose would have small words.
    let is_alone = stop == text.len() || matches!(text.at(stop), b'\n' | b'\r');
    let has_prose = || {
        let words = text.slice(extent.end, stop).split(|&byte| byte == b' ');
        words.filter(|word| !word.is_empty()).any(|word| {
            word.iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_punctuation())
        })
    };
    (is_last || is_quoted || is_alone && !has_prose()).then_some(stop)
}

/// Does `User ID=` begin at `at`?
fn begins_spaced_pair(text: Text<'_>, at: usize) -> bool {
    let end = text.run_most(at, 48, |byte| {
        is_word(byte) || matches!(byte, b' ' | b'-' | b'.')
    });
    end > at && text.at(end) == b'='
}

/// Does a text, a line, a quoted string or a setting's value begin at `start`?
fn is_at_edge(text: Text<'_>, start: usize) -> bool {
    matches!(
        text.back(start, 1),
        0 | b'\n' | b'"' | b'\'' | b'=' | b'(' | b'[' | b'?'
    )
}

/// `User(name=ann, secret=s3 same, n=1)`, `{user: ann, password: plum tree}`, `{Host:db Password:a b Port:1}`.
fn in_brackets(text: Text<'_>, pair: Pair, extent: Extent) -> Option<usize> {
    let is_sign = matches!(
        pair.separator,
        Separator::Equals | Separator::Colon | Separator::TightColon
    );
    if !is_sign {
        return None;
    }
    let before = text.run_back(pair.start, 4, |byte| {
        matches!(byte, b' ' | b'\'' | b':' | b'@')
    });
    let is_item = matches!(text.back(before, 1), b',' | b'(' | b'{' | b'[');
    if !is_item && pair.separator != Separator::TightColon {
        return None;
    }
    let open = open_bracket(text, pair.start)?;
    let close = match text.at(open) {
        b'{' => b'}',
        b'[' => b']',
        _ => b')',
    };
    let is_go = pair.separator == Separator::TightColon && text.at(open) != b'(';
    if is_go {
        return go_value_end(text, extent.end, close);
    }
    let stop = text.run_most(extent.end, MAX_LEVEL_BYTES, |byte| {
        byte != b',' && byte != close && !matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'=' | b':')
    });
    let next = text.run_most(stop + 1, 4, is_blank);
    let name = text.run_most(next, 64, |byte| is_word(byte) || byte == b'-');
    let sign = text.run_most(name, 2, is_blank);
    let begins_pair =
        begins_pair(text, next) || name > next && matches!(text.at(sign), b'=' | b':');
    let is_before_pair = text.at(stop) == b',' && begins_pair;
    let is_behind_pair = text.back(before, 1) == b',';
    let is_last = text.at(stop) == close && (is_behind_pair || close == b'}');
    (is_before_pair || is_last).then_some(stop)
}

/// The bracket that is open where a name begins.
fn open_bracket(text: Text<'_>, start: usize) -> Option<usize> {
    let from = text.run_back(start, MAX_LEVEL_BYTES, |byte| byte != b'\n');
    let mut depth = 0_usize;
    for (place, &byte) in text.slice(from, start).iter().enumerate().rev() {
        match byte {
            b')' | b']' | b'}' => depth += 1,
            b'(' | b'[' | b'{' if depth == 0 => return Some(from + place),
            b'(' | b'[' | b'{' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Go's `%+v` parts fields by spaces, so a value ends before the next `Name:` or at the bracket.
fn go_value_end(text: Text<'_>, from: usize, close: u8) -> Option<usize> {
    let limit = from + MAX_LEVEL_BYTES;
    let mut depth = 0_usize;
    let mut at = from;
    while at < limit {
        at = text.run_most(at, limit - at, |byte| {
            !matches!(
                byte,
                b' ' | b'\n' | b'"' | b'[' | b'{' | b'(' | b']' | b'}' | b')'
            )
        });
        match text.at(at) {
            b' ' if begins_field(text, at + 1) => return Some(at),
            b' ' => {}
            b'[' | b'{' | b'(' => depth += 1,
            byte if byte == close && depth == 0 => return Some(at),
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => return None,
        }
        at += 1;
    }
    None
}

fn begins_field(text: Text<'_>, at: usize) -> bool {
    let end = text.run_most(at, 64, |byte| is_word(byte) || matches!(byte, b'-' | b'.'));
    end > at && text.at(end) == b':'
}

/// PHP's `[password] => Plum Tree 8`: to the end of its line, or to the next name.
fn in_dump(text: Text<'_>, pair: Pair, extent: Extent) -> Option<usize> {
    let is_dump = text.back(pair.start, 1) == b'['
        && text.has(pair.end, b"] => ")
        && matches!(text.back(pair.start, 2), b' ' | b'\t' | b'\n' | 0);
    if !is_dump {
        return None;
    }
    // `print_r` in one line goes on with the next name.
    let mut at = extent.end;
    loop {
        at = text.run_most(at, MAX_LEVEL_BYTES, |byte| {
            !matches!(byte, b'\n' | b'\r' | b'[' | b')')
        });
        let is_next = text.at(at) == b'[' && {
            let name = text.run_most(at + 1, 64, |byte| byte != b']' && byte != b'\n');
            text.has(name, b"] => ")
        };
        if is_next || text.at(at) != b'[' {
            return Some(at);
        }
        at += 1;
    }
}

/// A header that is called a key stands in a line of its own; but prose may follow its value.
fn in_header(text: Text<'_>, pair: Pair, extent: Extent) -> Option<usize> {
    if around(text, pair) != Some(Around::Header) {
        return None;
    }
    let end = text.line_end(extent.end);
    let words = text.slice(extent.end, end).split(|&byte| byte == b' ');
    let is_prose = words.filter(|word| !word.is_empty()).any(|word| {
        word.iter().all(u8::is_ascii_lowercase) || word.ends_with(b":") || word.contains(&b'=')
    });
    (end - extent.end < MAX_PHRASE_BYTES && !is_prose).then_some(end)
}

/// A header's name at the beginning of a line or of a quoted string: `X-Api-Key: a;b`.
pub(crate) fn around(text: Text<'_>, pair: Pair) -> Option<Around> {
    let is_colon = matches!(pair.separator, Separator::Colon | Separator::TightColon);
    let is_name = || {
        let name = text.slice(pair.start, pair.end);
        name.contains(&b'-') && !name.starts_with(b"-")
            || name.eq_ignore_ascii_case(b"authorization")
    };
    let begins_line = || {
        let line = text.run_back(pair.start, 8, |byte| {
            matches!(byte, b' ' | b'\t' | b'>' | b'<' | b'*')
        });
        matches!(text.back(line, 1), 0 | b'\n' | b'\r') || line == 0
    };
    (is_colon && pair.quote.is_none() && is_name() && begins_line()).then_some(Around::Header)
}

/// A passphrase has many words: in a line of its own, `password: correct horse battery staple` goes to its end.
fn in_own_line(text: Text<'_>, pair: Pair, extent: Extent) -> Option<usize> {
    if pair.sort != Some(Sort::Password)
        || !matches!(pair.separator, Separator::Colon | Separator::Equals)
        || pair.quote.is_some()
    {
        return None;
    }
    let is_spaced = pair.separator == Separator::Colon
        || text.at(pair.value) != b'=' && text.back(pair.value, 1) == b' ';
    if !is_spaced {
        return None;
    }
    let line_start = text.run_back(pair.start, 64, |byte| {
        matches!(byte, b' ' | b'\t' | b'-' | b'>')
    });
    let is_alone = line_start == 0 || matches!(text.back(line_start, 1), b'\n' | b'\r');
    let is_phrase_key =
        text.ends_any_case(pair.end, b"phrase") || text.ends_any_case(pair.end, b"mnemonic");
    let line_end = text.run_most(extent.end, MAX_PHRASE_BYTES, |byte| PLAIN.has(byte));
    let is_plain = line_end - extent.end < MAX_PHRASE_BYTES
        && (line_end == text.len() || matches!(text.at(line_end), b'\n' | b'\r'));
    ((is_alone || is_phrase_key) && is_plain).then_some(line_end)
}

static PLAIN: Bytes = Bytes::letters_and(b" ").and(0x80, 0xff);

/// The other side of `"old" -> "new"`, behind the value that ends at `end`.
pub(crate) fn other_side(text: Text<'_>, end: usize) -> Option<Extent> {
    let at = match text.at(end) {
        b' ' => end,
        _ => quote::open(text, end)?.1,
    };
    if text.at(at) != b' ' || !matches!(text.at(at + 1), b'-' | b'=' | 0xe2) {
        return None;
    }
    let arrow = [&b" -> "[..], b" => ", " → ".as_bytes()]
        .into_iter()
        .find(|arrow| text.has(at, arrow))?;
    let at = at + arrow.len();
    match quote::open_value(text, at) {
        Some((quote, start)) => {
            let (end, is_closed) = quote.close(text, start);
            is_closed.then_some(Extent {
                start,
                end,
                form: Form::Quoted,
            })
        }
        None => {
            let word = text.run_most(at, MAX_LEVEL_BYTES, |byte| byte > b' ');
            let end = bare_end_within(text, at, word + 1, Around::Free);
            (end <= word && end > at).then_some(Extent {
                start: at,
                end,
                form: Form::Bare,
            })
        }
    }
}
