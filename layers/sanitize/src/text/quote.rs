//! Quotes as programs print them: plain, escaped to any depth, doubled, tripled, percent-encoded, as entities.
//!
//! JSON inside JSON inside a Debug string closes with as many backslashes as it opened with, JSON inside CSV with two quotes.
//! That is how the end of a value is told from a quote inside it.

use crate::text::Text;

/// How a string was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    /// Backslashes in front of it, or the whole spelling when it is no plain sign.
    depth: usize,
    sign: Sign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Byte(u8),
    /// `""x""`: a quote inside a string in which quotes are doubled.
    Doubled(u8),
    /// `"""x"""`, over several lines.
    Tripled(u8),
    Spelled(&'static [u8]),
}

const SPELLED: [&[u8]; 6] = [b"%22", b"%27", b"\\u0022", b"&quot;", b"&#34;", b"&#39;"];
const MAX_DEPTH: usize = 63;
/// How far the end of a tripled quote is looked for.
const MAX_TRIPLED_BYTES: usize = 16 * 1024;

/// The quote that opens at `at`, and where the text inside it begins.
pub(crate) fn open(text: Text<'_>, at: usize) -> Option<(Quote, usize)> {
    match text.at(at) {
        sign @ (b'"' | b'\'') => return Some((Quote::of(Sign::Byte(sign)), at + 1)),
        b'%' | b'\\' | b'&' => {}
        _ => return None,
    }
    let spelled = SPELLED
        .into_iter()
        .find(|spelled| text.has_any_case(at, spelled));
    if let Some(spelled) = spelled {
        return Some((Quote::of(Sign::Spelled(spelled)), at + spelled.len()));
    }
    let sign_at = text.run_most(at, MAX_DEPTH, |byte| byte == b'\\');
    let byte = text.at(sign_at);
    matches!(byte, b'"' | b'\'').then(|| {
        let quote = Quote {
            depth: sign_at - at,
            sign: Sign::Byte(byte),
        };
        (quote, sign_at + 1)
    })
}

/// The quote that opens a value at `at`, which may be doubled or tripled. `""` with nothing inside opens none.
pub(crate) fn open_value(text: Text<'_>, at: usize) -> Option<(Quote, usize)> {
    let byte = text.at(at);
    if !matches!(byte, b'"' | b'\'' | b'`') || text.at(at + 1) != byte {
        return match byte {
            b'`' => Some((Quote::of(Sign::Byte(byte)), at + 1)),
            _ => open(text, at),
        };
    }
    let next = text.at(at + 2);
    if next == byte && byte != b'`' {
        return Some((Quote::of(Sign::Tripled(byte)), at + 3));
    }
    // What stands behind an empty string is no value.
    let is_empty = next <= b' ' || b"\"'`,;:)]}>|&+.=\\".contains(&next);
    if is_empty {
        return open(text, at);
    }
    Some((Quote::of(Sign::Doubled(byte)), at + 2))
}

/// The quote that ends a name at `end` which begins at `start`, and where the text behind it begins.
pub(crate) fn behind_name(text: Text<'_>, start: usize, end: usize) -> Option<(Quote, usize)> {
    let byte = text.at(end);
    let is_doubled = matches!(byte, b'"' | b'\'')
        && text.at(end + 1) == byte
        && text.back(start, 1) == byte
        && text.back(start, 2) == byte;
    if is_doubled {
        return Some((Quote::of(Sign::Doubled(byte)), end + 2));
    }
    open(text, end)
}

/// The quote that opens right before `end`: what [`open`] would have found, read backwards.
pub(crate) fn open_before(text: Text<'_>, end: usize) -> Option<(Quote, usize)> {
    let may_be_spelled = matches!(text.back(end, 1), b'2' | b'7' | b';');
    let spelled = || {
        SPELLED
            .into_iter()
            .find(|spelled| text.ends_any_case(end, spelled))
    };
    if let Some(spelled) = may_be_spelled.then(spelled).flatten() {
        let sign = Sign::Spelled(spelled);
        return Some((Quote { depth: 0, sign }, end - spelled.len()));
    }
    let byte = text.back(end, 1);
    if !matches!(byte, b'"' | b'\'') {
        return None;
    }
    let start = text.run_back(end - 1, MAX_DEPTH, |byte| byte == b'\\');
    let quote = Quote {
        depth: end - 1 - start,
        sign: Sign::Byte(byte),
    };
    Some((quote, start))
}

impl Quote {
    fn of(sign: Sign) -> Self {
        Self { depth: 0, sign }
    }

    /// Is it a backtick, as prose and Markdown set code in?
    pub fn is_tick(self) -> bool {
        self.sign == Sign::Byte(b'`')
    }

    /// Where the text that began at `start` ends: at its closing quote, at one that closes something around it, or
    /// at the end of the line. `true` when it was closed.
    pub fn close(self, text: Text<'_>, start: usize) -> (usize, bool) {
        match self.sign {
            Sign::Spelled(spelled) => close_spelled(text, start, spelled),
            Sign::Byte(sign) => self.close_byte(text, start, sign),
            Sign::Doubled(sign) => close_doubled(text, start, sign),
            Sign::Tripled(sign) => close_tripled(text, start, sign),
        }
    }

    fn close_byte(self, text: Text<'_>, start: usize, sign: u8) -> (usize, bool) {
        let mut at = start;
        loop {
            at = text.run(at, |byte| byte != sign && byte != b'\n' && byte != b'\r');
            if text.at(at) != sign {
                return (at, false);
            }
            let escapes = at - text.run_back(at, at - start, |byte| byte == b'\\');
            if escapes < self.depth {
                return (at - escapes, true);
            }
            if escapes % (2 * (self.depth + 1)) == self.depth {
                // SQL doubles an apostrophe inside, and who prints a string without thinking of it does nothing.
                if sign == b'\'' && self.depth == 0 && at > start {
                    if text.at(at + 1) == sign {
                        at += 2;
                        continue;
                    }
                    if is_apostrophe(text, at) {
                        at += 1;
                        continue;
                    }
                }
                return (at - self.depth, true);
            }
            at += 1;
        }
    }

    /// The length of the closing quote that [`close`](Self::close) found.
    pub fn len(self) -> usize {
        match self.sign {
            Sign::Byte(_) => self.depth + 1,
            Sign::Doubled(_) => 2,
            Sign::Tripled(_) => 3,
            Sign::Spelled(spelled) => spelled.len(),
        }
    }
}

/// `it's`, `don't`: a letter before it, one or two behind it, and further on in the line stands what closes the string.
fn is_apostrophe(text: Text<'_>, at: usize) -> bool {
    let end = text.run_most(at + 1, 3, |byte| byte.is_ascii_lowercase());
    let is_inside = text.back(at, 1).is_ascii_alphabetic()
        && (1..=2).contains(&(end - at - 1))
        && text.at(end) == b' ';
    is_inside && {
        let next = text.run_most(end, MAX_APOSTROPHE_BYTES, |byte| {
            byte != b'\'' && byte != b'\n'
        });
        text.at(next) == b'\''
            && !text.at(next + 1).is_ascii_alphanumeric()
            && text.back(next, 1) > b' '
            && !b"=:,([{".contains(&text.back(next, 1))
    }
}

/// How far behind an apostrophe the end of its string is looked for.
const MAX_APOSTROPHE_BYTES: usize = 64;

fn close_doubled(text: Text<'_>, start: usize, sign: u8) -> (usize, bool) {
    let mut at = start;
    loop {
        at = text.run(at, |byte| byte != sign && byte != b'\n' && byte != b'\r');
        if text.at(at) != sign {
            return (at, false);
        }
        let is_escaped = (at - text.run_back(at, at - start, |byte| byte == b'\\')) % 2 == 1;
        if !is_escaped || text.at(at + 1) != sign {
            return (at, true);
        }
        at += 2;
    }
}

fn close_tripled(text: Text<'_>, start: usize, sign: u8) -> (usize, bool) {
    let limit = start.saturating_add(MAX_TRIPLED_BYTES);
    let mut at = start;
    while at < limit {
        at = text.run_most(at, limit - at, |byte| byte != sign);
        let end = text.run_most(at, 4, |byte| byte == sign);
        if end >= at + 3 {
            return (end - 3, true);
        }
        if end == at {
            break;
        }
        at = end;
    }
    (text.line_end(start), false)
}

fn close_spelled(text: Text<'_>, start: usize, spelled: &[u8]) -> (usize, bool) {
    let first = spelled.first().copied().unwrap_or_default();
    let mut at = start;
    loop {
        at = text.run(at, |byte| {
            byte != first && !matches!(byte, b'\n' | b'\r' | b' ' | b'"')
        });
        if text.has_any_case(at, spelled) {
            return (at, true);
        }
        if text.at(at) != first && !(text.at(at) == b' ' && first == b'&') {
            return (at, false);
        }
        at += 1;
    }
}
