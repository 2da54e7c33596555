//! Bytes that can be looked at anywhere, by scanners that can't look too often.
//!
//! Scanners peek before the start and behind the end of what they found. Reading outside gives NUL, which no rule
//! accepts, so a scanner needs no length checks and can't panic.
//!
//! Every walk over the text is charged to its [`Source`]: the text has so many steps and no more, for all scanners
//! together. When they are spent, nothing is read any more: each walk ends at once where the text ends, each byte is
//! NUL, and the caller sees [`Steps::are_spent`] and gives up the whole text. So no rule can make the cost grow faster
//! than the length. What is free is one byte ([`Text::at`]), a few ([`Text::run_few`]) and the
//! comparison with a literal.

pub(crate) mod alphabet;
mod bytes;
pub(crate) mod floor;
pub(crate) mod list;
pub(crate) mod marks;
pub(crate) mod quote;
pub(crate) mod span;
mod steps;
mod window;
pub(crate) mod words;

pub(crate) use bytes::Bytes;
#[cfg(test)]
pub(crate) use steps::LOOKS;
use steps::{LOOK_STEPS, SLICE_WALKS, WALK_STEPS};
pub(crate) use steps::{Source, Steps};
pub(crate) use window::{WINDOW, between, window};

/// The text under the scanners.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'t>(&'t Source<'t>);

impl<'t> Text<'t> {
    pub fn of(source: &'t Source<'t>) -> Self {
        Self(source)
    }

    #[inline(always)]
    fn bytes(self) -> &'t [u8] {
        self.0.bytes()
    }

    pub fn len(self) -> usize {
        self.bytes().len()
    }

    /// The byte at `index`, NUL outside.
    #[inline]
    pub fn at(self, index: usize) -> u8 {
        self.0.look();
        self.bytes().get(index).copied().unwrap_or(0)
    }

    /// The byte `back` places before `index`, NUL outside.
    #[inline]
    pub fn back(self, index: usize, back: usize) -> u8 {
        index.checked_sub(back).map_or(0, |index| self.at(index))
    }

    /// Takes the steps of a look at a place where a rule may apply. `false` when the steps are spent.
    #[inline]
    pub fn look(self) -> bool {
        self.walk(LOOK_STEPS - WALK_STEPS)
    }

    /// Takes the steps of a walk that another does over so many bytes. `false` when the steps are spent.
    #[inline]
    pub fn walk(self, bytes: usize) -> bool {
        let is_left = self.0.charge(bytes + WALK_STEPS);
        if !is_left {
            self.0.spend(0, 0);
        }
        is_left
    }

    /// The bytes from `start` to `end`; none when that is no range of the text.
    #[inline]
    fn free(self, start: usize, end: usize) -> &'t [u8] {
        self.0.look();
        let bytes = self.bytes();
        bytes.get(start..end.min(bytes.len())).unwrap_or_default()
    }

    /// The same, charged as some walks: a rule asks several questions of a value.
    #[inline]
    pub fn slice(self, start: usize, end: usize) -> &'t [u8] {
        let slice = self.free(start, end);
        if !self.0.charge(slice.len() * SLICE_WALKS + WALK_STEPS) {
            self.0.spend(start, 0);
        }
        slice
    }

    /// All bytes, for who looks at each of them once, from the first to the last. It costs no steps: there are three or
    /// four such passes over a text, whatever is in it.
    #[inline]
    pub fn pass(self) -> &'t [u8] {
        self.bytes()
    }

    /// The bytes as text; empty when cut inside a character.
    pub fn str(self, start: usize, end: usize) -> &'t str {
        std::str::from_utf8(self.slice(start, end)).unwrap_or_default()
    }

    /// Where the run of bytes that `is` accepts ends, looking from `start` on.
    #[inline]
    pub fn run(self, start: usize, is: impl FnMut(u8) -> bool) -> usize {
        let rest = self.bytes().get(start..).unwrap_or_default();
        self.run_in(rest, start, usize::MAX, is)
    }

    /// The same, over at most `most` bytes.
    #[inline]
    pub fn run_most(self, start: usize, most: usize, is: impl FnMut(u8) -> bool) -> usize {
        let rest = self.free(start, start.saturating_add(most));
        self.run_in(rest, start, most, is)
    }

    /// The same, over at most eight bytes, which are free like one.
    #[inline]
    pub fn run_few(self, start: usize, most: usize, is: impl Fn(u8) -> bool) -> usize {
        let rest = self.free(start, start.saturating_add(most.min(WINDOW)));
        let run = rest.iter().position(|&byte| !is(byte));
        start + run.unwrap_or(rest.len())
    }

    #[inline(always)]
    fn run_in(
        self,
        rest: &[u8],
        start: usize,
        most: usize,
        mut is: impl FnMut(u8) -> bool,
    ) -> usize {
        let run = rest.iter().position(|&byte| !is(byte));
        let run = run.unwrap_or(rest.len());
        if self.0.charge(run + WALK_STEPS) {
            start + run
        } else {
            self.0.spend(start, most)
        }
    }

    /// The same for who asks about the place too: `is` gets the byte's index and the byte.
    #[inline]
    pub fn run_at(self, start: usize, most: usize, mut is: impl FnMut(usize, u8) -> bool) -> usize {
        let mut at = start;
        self.run_most(start, most, |byte| {
            at += 1;
            is(at - 1, byte)
        })
    }

    /// Where `find` says that it stands, from `start` on; the end of the text when it stands nowhere. `find` gets bytes
    /// after bytes, eight at once, as they are and as a number, and gives the place among them.
    #[inline(always)]
    pub fn find_by_windows(
        self,
        start: usize,
        mut find: impl FnMut(&[u8], u64) -> Option<usize>,
    ) -> usize {
        let rest = self.bytes().get(start..).unwrap_or_default();
        let mut at = 0;
        let run = loop {
            let bytes = rest.get(at..).unwrap_or_default();
            if bytes.is_empty() {
                break rest.len();
            }
            if let Some(found) = find(bytes.get(..WINDOW).unwrap_or(bytes), window(rest, at)) {
                break at + found;
            }
            at += WINDOW;
        };
        if self.0.charge(run + WALK_STEPS) {
            start + run
        } else {
            self.0.spend(start, usize::MAX)
        }
    }

    /// Where the run of bytes that `is` accepts begins, looking back from `end` over at most `most` bytes.
    #[inline]
    pub fn run_back(self, end: usize, most: usize, is: impl Fn(u8) -> bool) -> usize {
        if end > self.len() {
            return end;
        }
        let rest = self.free(end.saturating_sub(most), end);
        let run = rest.iter().rposition(|&byte| !is(byte));
        let run = run.map_or(rest.len(), |last| rest.len() - 1 - last);
        if !self.0.charge(run + WALK_STEPS) {
            self.0.spend(end, 0);
        }
        end - run
    }

    /// Does `literal` stand at `start`?
    #[inline]
    pub fn has(self, start: usize, literal: &[u8]) -> bool {
        self.free(start, start.saturating_add(literal.len())) == literal
    }

    /// Does `literal` stand at `start`, in any case of ASCII letters?
    #[inline]
    pub fn has_any_case(self, start: usize, literal: &[u8]) -> bool {
        self.free(start, start.saturating_add(literal.len()))
            .eq_ignore_ascii_case(literal)
    }

    /// Does `literal` end at `end`, in any case of ASCII letters?
    pub fn ends_any_case(self, end: usize, literal: &[u8]) -> bool {
        end.checked_sub(literal.len())
            .is_some_and(|start| self.has_any_case(start, literal))
    }

    /// Where the line that holds `index` ends.
    pub fn line_end(self, index: usize) -> usize {
        self.run(index, |byte| byte != b'\n' && byte != b'\r')
    }
}

/// A letter or digit of ASCII, `_`, or any byte beyond ASCII: what may continue a word.
#[inline]
pub(crate) fn is_word(byte: u8) -> bool {
    static WORD: Bytes = Bytes::letters_and(b"_").and(0x80, 0xff);
    WORD.has(byte)
}

/// A space or a tab.
#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Does `name` end in `tail`, in any case?
pub(crate) fn ends_with_any_case(name: &[u8], tail: &[u8]) -> bool {
    name.len()
        .checked_sub(tail.len())
        .and_then(|start| name.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(tail))
}

/// A character of base64url.
#[inline]
pub(crate) fn is_base64url(byte: u8) -> bool {
    static BASE64URL: Bytes = Bytes::letters_and(b"_-");
    BASE64URL.has(byte)
}

/// Where an SGR escape (`ESC [ 2 m`) that begins at `start` ends; `start` when none does.
/// `tracing`'s own coloured output puts them between key, separator and value.
#[inline]
pub(crate) fn skip_sgr(text: Text<'_>, start: usize) -> usize {
    if text.at(start) == 0x1b {
        behind_sgr(text, start)
    } else {
        start
    }
}

fn behind_sgr(text: Text<'_>, start: usize) -> usize {
    let mut at = start;
    while text.at(at) == 0x1b && text.at(at + 1) == b'[' {
        let end = text.run_most(at + 2, 24, |b| b.is_ascii_digit() || b == b';');
        if text.at(end) != b'm' {
            break;
        }
        at = end + 1;
    }
    at
}

/// Behind the rest of an SGR escape when `start` lies inside one: `ESC[1;`, then `36mann` is `ann`.
pub(crate) fn after_sgr(text: Text<'_>, start: usize) -> usize {
    let is_code = |byte: u8| byte.is_ascii_digit() || byte == b';';
    let before = text.back(start, 1);
    if before != b'[' && !is_code(before) {
        return start;
    }
    let open = text.run_back(start, 12, is_code);
    let end = text.run_most(start, 12, is_code);
    let is_inside =
        text.back(open, 1) == b'[' && text.back(open, 2) == 0x1b && text.at(end) == b'm';
    if is_inside { end + 1 } else { start }
}

/// No letter or digit before it, unless those of an escape: `\neyJ`, `%20eyJ`.
#[inline]
pub(crate) fn begins_word(text: Text<'_>, start: usize) -> bool {
    let before = text.back(start, 1);
    before >= 0x80 || !is_word(before) || ends_escape(text, start)
}

fn ends_escape(text: Text<'_>, start: usize) -> bool {
    let before = text.back(start, 1);
    let is_hex = before.is_ascii_hexdigit() && text.back(start, 2).is_ascii_hexdigit();
    (matches!(before, b'n' | b't' | b'r') && text.back(start, 2) == b'\\')
        || (is_hex && text.back(start, 3) == b'%')
        || (is_hex && text.back(start, 5) == b'u' && text.back(start, 6) == b'\\')
        || (before == b'm' && ends_sgr(text, start))
}

/// Does an SGR escape (`ESC [ 3 m`) end here?
pub(crate) fn ends_sgr(text: Text<'_>, end: usize) -> bool {
    let digits = text.run_back(end.saturating_sub(1), 12, |byte| {
        byte.is_ascii_digit() || byte == b';'
    });
    text.back(end, 1) == b'm' && text.back(digits, 1) == b'[' && text.back(digits, 2) == 0x1b
}
