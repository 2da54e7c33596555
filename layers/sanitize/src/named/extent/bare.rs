//! Where a value without quotes ends: at white space or at a separator of its own level.
//!
//! A quote, a bracket, a comma inside the word belongs to it, unless it is of the level around the word: the quote that the
//! whole text stands in, the bracket that was opened before, the comma that parts a list. An encoded separator (`%26`) is one
//! only where the sign before the value was encoded too.

use crate::named::extent::form::Around;
use crate::text::Bytes;
use crate::text::{Text, is_word};

/// How far before a value the quote or bracket around it is looked for.
const MAX_LEVEL_BYTES: usize = 160;
/// Longest quoted part inside a shell's word.
const MAX_PART_BYTES: usize = 128;

/// Where the bare value that begins at `start` ends.
pub(crate) fn end(text: Text<'_>, start: usize, around: Around) -> usize {
    end_within(text, start, usize::MAX, around)
}

/// Does a bare value that begins at `start` go on up to `end`?
pub(crate) fn is_bare(text: Text<'_>, start: usize, end: usize, around: Around) -> bool {
    end_within(text, start, end, around) >= end
}

/// The same, at `limit` at the latest.
pub(crate) fn end_within(text: Text<'_>, start: usize, limit: usize, around: Around) -> usize {
    let mut depth = 0_usize;
    let mut level = None;
    let mut level = move || *level.get_or_insert_with(|| Level::before(text, start));
    let mut at = start;
    loop {
        // Most bytes of most values are letters and digits.
        at = text.run_most(at, limit.saturating_sub(at), |byte| PLAIN.has(byte));
        if at >= text.len().min(limit) {
            break;
        }
        let byte = text.at(at);
        let is_end = match byte {
            0..=b' ' | 0x7f => true,
            b'`' => true,
            b'"' | b'\'' => match quoted_part(text, &mut level, start, at, around) {
                Some(end) => {
                    at = end;
                    continue;
                }
                None => true,
            },
            b'\\' => {
                if around == Around::Shell && text.at(at + 1) == b' ' {
                    at += 2;
                    continue;
                }
                ends_at_escape(text, at)
            }
            b'%' => matches!(around, Around::Encoded(times) if ends_encoded(text, at, times)),
            b'#' => around == Around::Url,
            b'&' => ends_at_ampersand(text, at, around),
            b',' | b';' | b'|' => match around {
                Around::Header => {
                    let next = text.run_most(at + 1, 4, |byte| byte == b' ');
                    next > at + 1 && begins_pair(text, next)
                }
                Around::Free | Around::Shell => ends_item(text, at),
                Around::Url | Around::Text | Around::Encoded(_) => true,
            },
            b'(' | b'[' | b'{' => {
                depth += 1;
                false
            }
            b'<' if begins_tag(text, at) => true,
            b'<' => {
                depth += 1;
                false
            }
            b')' | b']' | b'}' | b'>' => {
                let was_open = depth > 0;
                depth = depth.saturating_sub(1);
                !was_open && (!is_word(text.at(at + 1)) || level().is_open(byte))
            }
            _ => false,
        };
        if is_end {
            break;
        }
        at += 1;
    }
    // The stop of the sentence around it.
    while at > start + 1 && matches!(text.back(at, 1), b'.' | b':') && text.at(at) <= b' ' {
        at -= 1;
    }
    at
}

/// What neither ends a value nor may open or close anything.
static PLAIN: Bytes = Bytes::letters_and(b"_-+/=.:!?@$*^~").and(0x80, 0xff);

/// Where the value goes on behind the quote at `at`; none when that quote is the one that the whole text stands in.
///
/// One letter or digit behind it makes it a part of the word (`it's`); in a shell's word a quoted part may hold spaces.
fn quoted_part(
    text: Text<'_>,
    level: &mut impl FnMut() -> Level,
    start: usize,
    at: usize,
    around: Around,
) -> Option<usize> {
    let quote = text.at(at);
    if around == Around::Shell && at > start && !level().is_inside(quote) {
        let close = text.run_most(at + 1, MAX_PART_BYTES, |byte| {
            byte != quote && byte != b'\n'
        });
        let next = text.at(close + 1);
        if text.at(close) == quote && close > at + 1 && (next <= b' ' || is_word(next)) {
            return Some(close + 1);
        }
    }
    let next = text.at(at + 1);
    // Behind one of these a quote opens something.
    let opens = matches!(
        text.back(at, 1),
        b'(' | b'[' | b'{' | b',' | b'=' | b':' | b'<'
    );
    let goes_on = is_word(next) && (!opens || around == Around::Header)
        || around == Around::Header && next > b' ' && !matches!(next, b',' | b')' | b']' | b'}')
        || matches!(next, b'"' | b'\'') && next != quote && is_word(text.at(at + 2));
    (goes_on && at > start && !level().is_inside(quote)).then_some(at + 1)
}

/// What is open in its line where a value begins; looked up once a value, and only when a quote or a bracket inside of it asks.
#[derive(Clone, Copy, Default)]
struct Level {
    single: bool,
    double: bool,
    /// Round, square, curly, pointed.
    brackets: [bool; 4],
}

impl Level {
    fn before(text: Text<'_>, start: usize) -> Self {
        let before = text.slice(start.saturating_sub(MAX_LEVEL_BYTES), start);
        let line = before.iter().rposition(|&byte| byte == b'\n');
        let before = before
            .get(line.map_or(0, |line| line + 1)..)
            .unwrap_or_default();
        let mut level = Self::default();
        for (place, &byte) in before.iter().enumerate() {
            let is_letter = |place: Option<usize>| {
                place
                    .and_then(|place| before.get(place))
                    .is_some_and(u8::is_ascii_alphabetic)
            };
            match byte {
                b'"' => level.double = !level.double,
                // An apostrophe opens nothing.
                b'\'' if is_letter(place.checked_sub(1)) && is_letter(place.checked_add(1)) => {}
                b'\'' => level.single = !level.single,
                _ => {
                    if let Some((kind, opens)) = bracket(byte)
                        && let Some(slot) = level.brackets.get_mut(kind)
                    {
                        *slot = opens;
                    }
                }
            }
        }
        level
    }

    fn is_inside(self, quote: u8) -> bool {
        if quote == b'"' {
            self.double
        } else {
            self.single
        }
    }

    /// Is the bracket open that `close` closes?
    fn is_open(self, close: u8) -> bool {
        bracket(close).is_some_and(|(kind, _)| self.brackets.get(kind) == Some(&true))
    }
}

/// Which kind of bracket it is, and whether it opens.
fn bracket(byte: u8) -> Option<(usize, bool)> {
    let place = b"()[]{}<>".iter().position(|&bracket| bracket == byte)?;
    Some((place / 2, place.is_multiple_of(2)))
}

/// Where a value goes on that a quote of `len` bytes closed at `end`: a shell joins what it finds without a space,
/// `'it'\''s'` and `'a'"b"`. The end without the last quote.
pub(crate) fn joined(text: Text<'_>, end: usize, len: usize) -> usize {
    let mut end = end;
    let mut len = len;
    loop {
        let at = end + len;
        let (quote, inner) = match (text.at(at), text.at(at + 1)) {
            (b'\\', quote @ (b'\'' | b'"')) if text.at(at + 2) == quote => (quote, at + 3),
            (quote @ (b'\'' | b'"'), next)
                if len == 1 && quote != text.at(end) && next != quote =>
            {
                (quote, at + 1)
            }
            _ => return end,
        };
        let close = text.run_most(inner, MAX_PART_BYTES, |byte| byte != quote && byte != b'\n');
        if text.at(close) != quote {
            return end;
        }
        (end, len) = (close, 1);
    }
}

/// `\n`, `\"`, `\u0022`: the end of the escaped string around the value.
fn ends_at_escape(text: Text<'_>, at: usize) -> bool {
    let after = text.run_most(at, 64, |byte| byte == b'\\');
    matches!(text.at(after), b'"' | b'\'' | b'n' | b'r' | b't') || text.has(after, b"u00")
}

/// A separator that was encoded as often as the value's own sign: `%26`, `%2526`.
fn ends_encoded(text: Text<'_>, at: usize, times: u8) -> bool {
    let mut code = at + 1;
    for _ in 1..times {
        if !text.has(code, b"25") {
            return false;
        }
        code += 2;
    }
    ENCODED_ENDS.iter().any(|end| text.has_any_case(code, end))
}

/// `&` ends a parameter and a command; in running text it may be part of a word, unless a pair follows.
fn ends_at_ampersand(text: Text<'_>, at: usize, around: Around) -> bool {
    let next = text.at(at + 1);
    match around {
        Around::Url => true,
        Around::Header => !next.is_ascii_graphic(),
        _ => {
            !next.is_ascii_graphic()
                || next == b'&'
                || begins_pair(text, at + 1)
                || text.has(at, b"&amp;") && begins_pair(text, at + 5)
        }
    }
}

/// A comma, semicolon or bar ends the value, unless it stands inside one (`p,w`).
fn ends_item(text: Text<'_>, at: usize) -> bool {
    let next = text.at(at + 1);
    next <= b' '
        || next == 0x7f
        || matches!(
            next,
            b'"' | b'\''
                | b'\\'
                | b'['
                | b'{'
                | b'('
                | b')'
                | b']'
                | b'}'
                | b'|'
                | b';'
                | b','
                | 0x1b
        )
        || begins_pair(text, at + 1)
}

/// A closing tag, or one of HTML's that set text: `</a>`, `<br>`.
fn begins_tag(text: Text<'_>, at: usize) -> bool {
    const TAGS: [&[u8]; 10] = [
        b"br", b"p", b"b", b"i", b"td", b"tr", b"li", b"div", b"span", b"hr",
    ];
    let end = text.run_most(at + 1, 5, |byte| byte.is_ascii_alphabetic());
    let is_html = || {
        matches!(text.at(end), b'>' | b'/' | b' ')
            && TAGS
                .iter()
                .any(|tag| end == at + 1 + tag.len() && text.has_any_case(at + 1, tag))
    };
    text.at(at + 1) == b'/' || text.has(at, b"<\\/") || is_html()
}

const ENCODED_ENDS: [&[u8]; 9] = [
    b"26", b"22", b"20", b"0a", b"0d", b"3b", b"2c", b"7d", b"5d",
];

/// Does `name=` or `name:` begin at `at`?
pub(crate) fn begins_pair(text: Text<'_>, at: usize) -> bool {
    let end = text.run_most(at, 64, |byte| {
        is_word(byte) || matches!(byte, b'-' | b'.' | b'[' | b']' | b'%')
    });
    end > at && matches!(text.at(end), b'=' | b':' | b'"' | b'\'')
}
