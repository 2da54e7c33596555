//! What a header holds: cookies, or a list of parameters.

use crate::named::extent::bare::{begins_pair, end as bare_end};
use crate::named::extent::form::Around;
use crate::text::is_blank;
use crate::text::quote;
use crate::text::{Text, is_word};

/// How far a cookie's value may go on behind a space.
const MAX_SPACED_BYTES: usize = 128;

/// Where `name="value", name=value; name=value` ends, in folded lines too.
pub(crate) fn list_end(text: Text<'_>, start: usize) -> usize {
    let (mut at, mut end) = (start, start);
    loop {
        let name_end = text.run_most(at, 64, |byte| is_word(byte) || matches!(byte, b'-' | b'.'));
        if text.at(name_end) != b'=' || name_end == at {
            // A token without name: NTLM, AWS4's scope.
            return if at == start {
                bare_end(text, at, Around::Header)
            } else {
                end
            };
        }
        end = parameter_end(text, name_end + 1);
        let next = text.run_most(end, 4, is_blank);
        let after = match text.at(next) {
            b',' | b';' => folded(text, next + 1),
            // Without a comma only a quoted parameter is one.
            _ if next > end && begins_quoted(text, next) => next,
            _ => return end,
        };
        at = after;
    }
}

/// Behind blanks, and the line end of a folded line.
fn folded(text: Text<'_>, at: usize) -> usize {
    let at = text.run_most(at, 8, is_blank);
    let line = text.run_most(at, 2, |byte| matches!(byte, b'\r' | b'\n'));
    let next = text.run_most(line, 32, is_blank);
    if line > at && next == line { at } else { next }
}

fn begins_quoted(text: Text<'_>, at: usize) -> bool {
    let name_end = text.run_most(at, 64, |byte| is_word(byte) || byte == b'-');
    name_end > at
        && text.at(name_end) == b'='
        && quote::open(text, name_end + 1).is_some_and(|(quote, inner)| quote.close(text, inner).1)
}

/// Where the value of a parameter ends. A semicolon may stand inside (`SignedHeaders=host;date`).
fn parameter_end(text: Text<'_>, start: usize) -> usize {
    if let Some((quote, inner)) = quote::open(text, start) {
        let (end, is_closed) = quote.close(text, inner);
        return end + if is_closed { quote.len() } else { 0 };
    }
    let mut at = start;
    loop {
        at = text.run(at, |byte| {
            byte > b' ' && !matches!(byte, 0x7f | b',' | b';' | b'"' | b'\'' | b'`' | b'\\')
        });
        let is_inside = text.at(at) == b';' && {
            let next = text.run_most(at + 1, 4, is_blank);
            next == at + 1 && is_word(text.at(next)) && !begins_pair(text, next)
        };
        if !is_inside {
            return at;
        }
        at += 1;
    }
}

/// Where `a=b; c="d e"; HttpOnly` ends; none when no pair stands at `start`.
pub(crate) fn cookies_end(text: Text<'_>, start: usize) -> Option<usize> {
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
            value_end = cookie_end(text, at, name_end);
        } else if text.at(name_end) != b';'
            && text.at(name_end) > b' '
            && !matches!(text.at(name_end), b'"' | b'\'')
        {
            return end;
        }
        end = Some(value_end);
        let next = text.run_most(value_end, 4, is_blank);
        let is_next = matches!(text.at(next), b';')
            || text.back(value_end, 1) == b',' && next > value_end && begins_pair(text, next);
        if !is_next {
            return end;
        }
        at = text.run_most(next + usize::from(text.at(next) == b';'), 4, is_blank);
    }
}

/// Where the value of the cookie `name..sign` ends, behind its `=`.
fn cookie_end(text: Text<'_>, name: usize, sign: usize) -> usize {
    if let Some(end) = quoted_cookie_end(text, sign + 1) {
        return end;
    }
    let end = text.run(sign, |byte| {
        byte > b' ' && !matches!(byte, 0x7f | b';' | b'"' | b'\'' | b'`' | b'\\')
    });
    if text.slice(name, sign).eq_ignore_ascii_case(b"expires") {
        let date = text.run_most(end, 32, |byte| {
            byte != b';' && byte != b'\n' && byte != b'"' && byte != b'\''
        });
        return if text.ends_any_case(date, b"gmt") {
            date
        } else {
            end
        };
    }
    // A space inside, when the next cookie says that it is one.
    if text.at(end) == b' ' {
        let spaced = text.run_most(end, MAX_SPACED_BYTES, |byte| {
            byte >= b' ' && !matches!(byte, b';' | b'=' | b'"' | b'\'' | b':')
        });
        let next = text.run_most(spaced + 1, 4, is_blank);
        if text.at(spaced) == b';' && begins_pair(text, next) {
            return spaced;
        }
    }
    end
}

/// A quoted value is closed, and another cookie, white space or the end of the text around it follows.
fn quoted_cookie_end(text: Text<'_>, at: usize) -> Option<usize> {
    let (quote, inner) = quote::open(text, at)?;
    let (close, is_closed) = quote.close(text, inner);
    let end = close + quote.len();
    let next = text.at(end);
    let is_end = next <= b' ' || matches!(next, b';' | b',' | b'"' | b'\'' | b'\\' | b')' | b']');
    (is_closed && is_end && close > inner && text.at(inner) > b' ').then_some(end)
}
