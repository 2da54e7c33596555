//! Quotes as programs print them: plain, escaped to any depth, percent-encoded, as entities.
//!
//! JSON inside JSON inside a Debug string closes with as many backslashes as it opened with. That is how the end of
//! a value is told from a quote inside it.

use super::text::Text;

/// How a string was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    /// Backslashes in front of it, or the whole spelling when it is no plain sign.
    depth: usize,
    sign: Sign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Byte(u8),
    Spelled(&'static [u8]),
}

const SPELLED: [&[u8]; 6] = [b"%22", b"%27", b"\\u0022", b"&quot;", b"&#34;", b"&#39;"];
const MAX_DEPTH: usize = 63;

/// The quote that opens at `at`, and where the text inside it begins.
pub(super) fn open(text: Text<'_>, at: usize) -> Option<(Quote, usize)> {
    let may_be_spelled = matches!(text.at(at), b'%' | b'\\' | b'&');
    let spelled = || {
        SPELLED
            .into_iter()
            .find(|spelled| text.has_any_case(at, spelled))
    };
    if let Some(spelled) = may_be_spelled.then(spelled).flatten() {
        let sign = Sign::Spelled(spelled);
        return Some((Quote { depth: 0, sign }, at + spelled.len()));
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

/// The quote that opens right before `end`: what [`open`] would have found, read backwards.
pub(super) fn open_before(text: Text<'_>, end: usize) -> Option<(Quote, usize)> {
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
    /// Where the text that began at `start` ends: at its closing quote, at one that closes something around it, or
    /// at the end of the line. `true` when it was closed.
    pub fn close(self, text: Text<'_>, start: usize) -> (usize, bool) {
        match self.sign {
            Sign::Spelled(spelled) => close_spelled(text, start, spelled),
            Sign::Byte(sign) => self.close_byte(text, start, sign),
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
                // SQL doubles an apostrophe inside.
                if sign == b'\'' && self.depth == 0 && text.at(at + 1) == sign && at > start {
                    at += 2;
                    continue;
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
            Sign::Spelled(spelled) => spelled.len(),
        }
    }
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
