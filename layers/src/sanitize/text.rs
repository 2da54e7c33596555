//! Bytes that can be looked at anywhere, by scanners that can't look too often.
//!
//! Scanners peek before the start and behind the end of what they found. Reading outside gives NUL, which no rule
//! accepts, so a scanner needs no length checks and can't panic.
//!
//! Every walk over the text is charged to its [`Source`]: the text has so many steps and no more, for all scanners
//! together. When they are spent, the text is empty from then on: every walk ends where it begins, every byte is NUL,
//! and the caller sees [`Source::is_spent`] and gives up the whole text. So no rule can make the cost grow faster than
//! the length. What is free is one byte ([`Text::at`]) and the comparison with a literal.

use std::cell::Cell;

/// Bytes that are read at once.
pub(super) const WINDOW: usize = 8;

/// How many steps the scanners of a text may still take. One step is one byte walked over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps(isize);

/// Steps for each byte of a text. Honest texts take up to 5, of the evaluation set's lines none more than 30.
const STEPS_A_BYTE: usize = 64;
/// Steps that every text has besides, so that a short one is never given up.
const STEPS_AT_LEAST: usize = 64 * 1024;

impl Steps {
    /// Those of a text of so many bytes.
    pub fn of(bytes: usize) -> Self {
        let steps = bytes.saturating_mul(STEPS_A_BYTE);
        let steps = steps.saturating_add(STEPS_AT_LEAST);
        Self(isize::try_from(steps).unwrap_or(isize::MAX))
    }

    /// How many were taken since there were `before`.
    #[cfg(test)]
    pub fn taken_since(self, before: Self) -> usize {
        before.0.abs_diff(self.0)
    }

    /// Have more been taken than there were?
    pub fn are_spent(self) -> bool {
        self.0 < 0
    }
}

/// A text, and the steps that its scanners have left.
#[derive(Debug)]
pub(super) struct Source<'t> {
    /// Nothing any more once the steps are spent.
    bytes: Cell<&'t [u8]>,
    left: Cell<isize>,
}

impl<'t> Source<'t> {
    pub fn new(bytes: &'t [u8], steps: Steps) -> Self {
        Self {
            bytes: Cell::new(bytes),
            left: Cell::new(steps.0),
        }
    }

    /// The steps that are left.
    pub fn steps(&self) -> Steps {
        Steps(self.left.get())
    }

    /// Have the scanners taken more steps than they may? What they found then counts for nothing.
    pub fn is_spent(&self) -> bool {
        self.left.get() < 0
    }

    #[inline(always)]
    fn charge(&self, steps: usize) {
        let left = self.left.get().wrapping_sub_unsigned(steps);
        self.left.set(left);
        if left < 0 {
            self.spend();
        }
    }

    #[cold]
    #[inline(never)]
    fn spend(&self) {
        self.left.set(-1);
        self.bytes.set(&[]);
    }
}

/// The text under the scanners.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'t>(&'t Source<'t>);

impl<'t> Text<'t> {
    pub fn of(source: &'t Source<'t>) -> Self {
        Self(source)
    }

    #[inline(always)]
    fn bytes(self) -> &'t [u8] {
        self.0.bytes.get()
    }

    pub fn len(self) -> usize {
        self.bytes().len()
    }

    /// Takes so many steps for a walk that a scanner did byte by byte.
    #[inline(always)]
    pub fn charge(self, steps: usize) {
        self.0.charge(steps);
    }

    /// The byte at `index`, NUL outside.
    #[inline]
    pub fn at(self, index: usize) -> u8 {
        self.bytes().get(index).copied().unwrap_or(0)
    }

    /// The byte `back` places before `index`, NUL outside.
    #[inline]
    pub fn back(self, index: usize, back: usize) -> u8 {
        index.checked_sub(back).map_or(0, |index| self.at(index))
    }

    /// The bytes from `start` to `end`; none when that is no range of the text.
    #[inline]
    fn free(self, start: usize, end: usize) -> &'t [u8] {
        let bytes = self.bytes();
        bytes.get(start..end.min(bytes.len())).unwrap_or_default()
    }

    /// The same, charged: whoever asks for them walks over them.
    #[inline]
    pub fn slice(self, start: usize, end: usize) -> &'t [u8] {
        let slice = self.free(start, end);
        self.charge(slice.len());
        slice
    }

    /// Eight bytes from `start` on as a number, the first of them lowest; NUL behind the end.
    #[inline(always)]
    pub fn window(self, start: usize) -> u64 {
        window(self.bytes(), start)
    }

    /// The same; none where fewer than eight bytes are left.
    #[inline(always)]
    pub fn whole_window(self, start: usize) -> Option<u64> {
        let rest = self.bytes().get(start..)?;
        rest.first_chunk().map(|&window| u64::from_le_bytes(window))
    }

    /// The bytes as text; empty when cut inside a character.
    pub fn str(self, start: usize, end: usize) -> &'t str {
        std::str::from_utf8(self.slice(start, end)).unwrap_or_default()
    }

    /// Where the run of bytes that `is` accepts ends, looking from `start` on.
    #[inline]
    pub fn run(self, start: usize, mut is: impl FnMut(u8) -> bool) -> usize {
        let rest = self.bytes().get(start..).unwrap_or_default();
        let run = rest.iter().position(|&byte| !is(byte));
        let run = run.unwrap_or(rest.len());
        self.charge(run);
        start + run
    }

    /// The same, over at most `most` bytes.
    #[inline]
    pub fn run_most(self, start: usize, most: usize, mut is: impl FnMut(u8) -> bool) -> usize {
        let rest = self.free(start, start.saturating_add(most));
        let run = rest.iter().position(|&byte| !is(byte));
        let run = run.unwrap_or(rest.len());
        self.charge(run);
        start + run
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
        self.charge(run);
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

/// Eight of `bytes` from `start` on as a number, the first of them lowest; NUL behind the end.
#[inline(always)]
pub(super) fn window(bytes: &[u8], start: usize) -> u64 {
    match bytes.get(start..).and_then(|rest| rest.first_chunk()) {
        Some(&window) => u64::from_le_bytes(window),
        None => last_window(bytes, start),
    }
}

/// The same where fewer than eight bytes are left. No part of the loops that call it, which are shorter without.
#[inline(never)]
fn last_window(bytes: &[u8], start: usize) -> u64 {
    let rest = bytes.get(start..).unwrap_or_default();
    if let (Some(&first), Some(&last)) = (rest.first_chunk(), rest.last_chunk()) {
        let [first, last] = [first, last].map(|four| u64::from(u32::from_le_bytes(four)));
        // What both hold they hold alike.
        return first | last << (8 * (rest.len() - 4));
    }
    let bytes = rest.iter().rev();
    bytes.fold(0, |window, &byte| window << 8 | u64::from(byte))
}

/// Which bytes are of some kind: one look-up, where ranges would be several questions of nearly every byte.
pub(super) struct Bytes([bool; 256]);

impl Bytes {
    /// These.
    pub const fn of(signs: &[u8]) -> Self {
        Self([false; 256]).with(signs, true)
    }

    /// ASCII letters and digits, and these.
    pub const fn letters_and(signs: &[u8]) -> Self {
        Self::of(signs)
            .and(b'0', b'9')
            .and(b'A', b'Z')
            .and(b'a', b'z')
    }

    /// All but the space and what lies below it, and but these.
    pub const fn dark_without(signs: &[u8]) -> Self {
        Self([false; 256]).and(b'!', u8::MAX).with(signs, false)
    }

    /// The same, and the bytes from `first` to `last`.
    pub const fn and(mut self, first: u8, last: u8) -> Self {
        let mut byte = first;
        while byte < last {
            self = self.with(&[byte], true);
            byte += 1;
        }
        self.with(&[last], true)
    }

    // The tables are made while the crate is compiled, and a byte is below 256.
    #[allow(clippy::indexing_slicing)]
    const fn with(mut self, mut signs: &[u8], is: bool) -> Self {
        while let [sign, rest @ ..] = signs {
            self.0[*sign as usize] = is;
            signs = rest;
        }
        self
    }

    #[inline(always)]
    pub fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }
}

/// A letter or digit of ASCII, `_`, or any byte beyond ASCII: what may continue a word.
#[inline]
pub(super) fn is_word(byte: u8) -> bool {
    static WORD: Bytes = Bytes::letters_and(b"_").and(0x80, 0xff);
    WORD.has(byte)
}

/// A space or a tab.
#[inline]
pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Does `name` end in `tail`, in any case?
pub(super) fn ends_with_any_case(name: &[u8], tail: &[u8]) -> bool {
    name.len()
        .checked_sub(tail.len())
        .and_then(|start| name.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(tail))
}

/// A character of base64url.
#[inline]
pub(super) fn is_base64url(byte: u8) -> bool {
    static BASE64URL: Bytes = Bytes::letters_and(b"_-");
    BASE64URL.has(byte)
}

/// Where an SGR escape (`ESC [ 2 m`) that begins at `start` ends; `start` when none does.
/// `tracing`'s own coloured output puts them between key, separator and value.
pub(super) fn skip_sgr(text: Text<'_>, start: usize) -> usize {
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
pub(super) fn after_sgr(text: Text<'_>, start: usize) -> usize {
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
pub(super) fn begins_word(text: Text<'_>, start: usize) -> bool {
    let before = text.back(start, 1);
    if before >= 0x80 || !is_word(before) {
        return true;
    }
    let is_hex = before.is_ascii_hexdigit() && text.back(start, 2).is_ascii_hexdigit();
    (matches!(before, b'n' | b't' | b'r') && text.back(start, 2) == b'\\')
        || (is_hex && text.back(start, 3) == b'%')
        || (is_hex && text.back(start, 5) == b'u' && text.back(start, 6) == b'\\')
        || (before == b'm' && ends_sgr(text, start))
}

/// Does an SGR escape (`ESC [ 3 m`) end here?
pub(super) fn ends_sgr(text: Text<'_>, end: usize) -> bool {
    let digits = text.run_back(end.saturating_sub(1), 12, |byte| {
        byte.is_ascii_digit() || byte == b';'
    });
    text.back(end, 1) == b'm' && text.back(digits, 1) == b'[' && text.back(digits, 2) == 0x1b
}
