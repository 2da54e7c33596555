//! Where the next mark of some kind stands: what a secret in prose has and a word has not (a digit, a quote, a sign, a
//! hump), a program's flag, the end of a command.
//!
//! Asked at every name in a text, in ascending order. What was read for one answer is remembered for the next, so that
//! each byte is read once however many names there are.

use super::text::Text;

/// What is known so far of each kind.
#[derive(Debug, Default)]
pub(super) struct Marks {
    secret: Known,
    flag: Known,
    reader: Known,
    line: Known,
}

/// Between `from` and `next` stands no mark.
#[derive(Debug, Default)]
struct Known {
    from: usize,
    next: usize,
}

impl Known {
    #[inline]
    fn next(&mut self, at: usize, first: impl FnOnce() -> usize) -> usize {
        if !(self.from..=self.next).contains(&at) || self.next == 0 {
            self.from = at;
            self.next = first();
        }
        self.next
    }
}

impl Marks {
    /// The first mark of a secret at or behind `at`; the end of the text when there is none.
    #[inline]
    pub fn next(&mut self, text: Text<'_>, at: usize) -> usize {
        self.secret.next(at, || first(text, at))
    }

    /// The first place at or behind `at` where a word begins like a flag.
    pub fn next_flag(&mut self, text: Text<'_>, at: usize) -> usize {
        self.flag.next(at, || {
            text.run_at(at, usize::MAX, |at, _| !begins_flag(text, at))
        })
    }

    /// The first place at or behind `at` where the name of a program begins that reads a password from its input.
    pub fn next_reader(&mut self, text: Text<'_>, at: usize, readers: &[&[u8]]) -> usize {
        self.reader.next(at, || {
            text.run_at(at, usize::MAX, |at, byte| {
                let is_first = |reader: &&&[u8]| reader.first() == Some(&byte);
                !readers
                    .iter()
                    .filter(is_first)
                    .any(|reader| text.has(at, reader))
            })
        })
    }

    /// The first end of a line, of a command or of its part before a bar, at or behind `at`.
    pub fn next_end(&mut self, text: Text<'_>, at: usize) -> usize {
        self.line.next(at, || {
            text.run(at, |byte| !matches!(byte, b'\n' | b'|' | b';'))
        })
    }
}

/// Does a word begin at `at` as a flag does: ` -p`, `"-p"`, ` /user:`?
pub(super) fn begins_flag(text: Text<'_>, at: usize) -> bool {
    matches!(text.at(at), b'-' | b'/') && matches!(text.back(at, 1), b' ' | b'"' | b'\'')
}

fn first(text: Text<'_>, from: usize) -> usize {
    let mut before = b' ';
    let mut start = from;
    loop {
        let chunk = text.slice(start, start + CHUNK_BYTES);
        // Without an early exit the compiler looks at the whole chunk at once.
        let may_mark = |any, &byte: &u8| any | is_mark(byte) | byte.is_ascii_uppercase();
        if chunk.iter().fold(false, may_mark) {
            let mark = chunk.iter().position(|&byte| {
                let is_hump = before.is_ascii_lowercase() && byte.is_ascii_uppercase();
                before = byte;
                is_hump || is_mark(byte)
            });
            if let Some(mark) = mark {
                return start + mark;
            }
        }
        before = chunk.last().copied().unwrap_or(before);
        start += chunk.len();
        if chunk.len() < CHUNK_BYTES {
            return start;
        }
    }
}

const CHUNK_BYTES: usize = 16;

#[inline(always)]
fn is_mark(byte: u8) -> bool {
    byte.is_ascii_digit() | (b'!'..=b'\'').contains(&byte) | (byte == b'@') | (byte == b'^')
}

#[cfg(test)]
mod tests {
    use super::super::text::{Source, Steps};
    use super::*;

    #[test]
    fn the_next_mark_is_the_same_in_any_order_of_questions() {
        let source = Source::new(b"token of ann, then tokenB 7 and 'x'", Steps::of(0));
        let text = Text::of(&source);
        let expected = |at: usize| Marks::default().next(text, at);
        let mut marks = Marks::default();
        for at in (0..text.len()).chain([3, 30, 0]) {
            // A hump at the very place is none: what stands before it is not looked at.
            let (found, fresh) = (marks.next(text, at), expected(at));
            assert!(found == fresh || found == at, "{at}: {found} {fresh}");
        }
        assert_eq!(expected(0), 24);
        assert_eq!(expected(25), 26);
        assert_eq!(expected(34), 34);
        let none = Source::new(b"none", Steps::of(0));
        assert_eq!(Marks::default().next(Text::of(&none), 0), 4);
    }
}
