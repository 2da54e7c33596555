//! Where the next mark of some kind stands: what a secret in prose has and a word has not (a digit, a quote, a sign, a
//! hump), a program's flag, the end of a command.
//!
//! Asked at every name in a text, in ascending order. What was read for one answer is remembered for the next, so that
//! each byte is read once however many names there are.

use crate::text::{Text, between};

/// What is known so far of each kind.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    secret: Known,
    rare: Option<Rare>,
}

/// What is known where commands and elements are, which is seldom.
#[derive(Debug, Default)]
struct Rare {
    flag: Known,
    reader: Known,
    end: Known,
    /// Where no CDATA ends.
    cdata_ends: Absent,
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
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The first mark of a secret at or behind `at`; the end of the text when there is none.
    #[inline]
    pub fn next(&mut self, text: Text<'_>, at: usize) -> usize {
        self.secret.next(at, || first(text, at))
    }

    /// The first place at or behind `at` where a program's flag may begin.
    pub fn next_flag(
        &mut self,
        text: Text<'_>,
        at: usize,
        may_begin: impl Fn(usize) -> bool,
    ) -> usize {
        self.rare()
            .flag
            .next(at, || text.run_at(at, usize::MAX, |at, _| !may_begin(at)))
    }

    /// The first place at or behind `at` where the name of a program begins that reads a password from its input.
    pub fn next_reader(&mut self, text: Text<'_>, at: usize, readers: &[&[u8]]) -> usize {
        self.rare().reader.next(at, || {
            text.run_at(at, usize::MAX, |at, byte| {
                let is_first = |reader: &&&[u8]| reader.first() == Some(&byte);
                !readers
                    .iter()
                    .filter(is_first)
                    .any(|reader| text.has(at, reader))
            })
        })
    }

    /// Where CDATA ends.
    pub fn cdata_ends(&mut self) -> &mut Absent {
        &mut self.rare().cdata_ends
    }

    /// The first end of a line, of a command or of its part before a bar, at or behind `at`.
    pub fn next_end(&mut self, text: Text<'_>, at: usize) -> usize {
        self.rare().end.next(at, || {
            text.run(at, |byte| !matches!(byte, b'\n' | b'|' | b';'))
        })
    }
}

fn first(text: Text<'_>, from: usize) -> usize {
    let mut before = b' ';
    text.find_by_windows(from, |bytes, window| {
        let last = window.to_le_bytes().last().copied().unwrap_or(0);
        let mut before = std::mem::replace(&mut before, last);
        if !may_mark(window) {
            return None;
        }
        bytes.iter().position(|&byte| {
            let is_hump = before.is_ascii_lowercase() && byte.is_ascii_uppercase();
            before = byte;
            is_hump || is_mark(byte)
        })
    })
}

/// May one of eight bytes be a mark or the capital of a hump? Some other signs pass too.
#[inline(always)]
fn may_mark(window: u64) -> bool {
    between(window, b'!', b'\'') | between(window, b'0', b'_') != 0
}

#[inline(always)]
fn is_mark(byte: u8) -> bool {
    byte.is_ascii_digit() | (b'!'..=b'\'').contains(&byte) | (byte == b'@') | (byte == b'^')
}

/// Where a literal was looked for and is not, so that no part of a text is searched for it twice.
#[derive(Debug, Default)]
pub(crate) struct Absent {
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
    use super::*;
    use crate::text::{Source, Steps};

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
