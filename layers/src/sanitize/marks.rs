//! Where the next mark stands that a secret in prose has and a word has not: a digit, a quote, a sign, a hump.
//!
//! Asked at every name in a text, in ascending order. What was read for one answer is remembered for the next, so that
//! each byte is read once however many names there are.

use super::text::Text;

/// What is known so far: between `from` and `next` stands no mark.
#[derive(Debug, Default)]
pub(super) struct Marks {
    from: usize,
    next: usize,
    /// Where no CDATA ends.
    pub cdata_ends: Absent,
}

impl Marks {
    /// The first mark at or behind `at`; the end of the text when there is none.
    pub fn next(&mut self, text: Text<'_>, at: usize) -> usize {
        if !(self.from..=self.next).contains(&at) || self.next == 0 {
            self.from = at;
            self.next = first(text, at);
        }
        self.next
    }
}

fn first(text: Text<'_>, from: usize) -> usize {
    let mut before = b' ';
    let mut start = from;
    // A piece at a time: what is not looked at costs nothing.
    while start < text.len() {
        let piece = text.slice(start, start + PIECE_BYTES);
        for chunk in piece.chunks(CHUNK_BYTES) {
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
        }
    }
    start
}

const PIECE_BYTES: usize = 64;
const CHUNK_BYTES: usize = 16;

#[inline(always)]
fn is_mark(byte: u8) -> bool {
    byte.is_ascii_digit() | (b'!'..=b'\'').contains(&byte) | (byte == b'@') | (byte == b'^')
}

/// Where a literal was looked for and is not, so that no part of a text is searched for it twice.
#[derive(Debug, Default)]
pub(super) struct Absent {
    from: usize,
    to: usize,
}

impl Absent {
    /// Where `literal` stands, looking from `from` on over at most `most` bytes. Always asked for the same literal.
    pub fn find(
        &mut self,
        text: Text<'_>,
        from: usize,
        most: usize,
        literal: &[u8],
    ) -> Option<usize> {
        let first = literal.first().copied()?;
        let limit = from.saturating_add(most);
        let is_known = (self.from..self.to).contains(&from);
        let mut at = if is_known { self.to } else { from };
        if !is_known {
            self.from = from;
        }
        while at < limit {
            at = text.run_most(at, limit - at, |byte| byte != first);
            if text.has(at, literal) {
                self.to = at;
                return Some(at).filter(|&at| at < limit);
            }
            if text.at(at) != first {
                break;
            }
            at += 1;
        }
        self.to = at;
        None
    }
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
