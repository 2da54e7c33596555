//! Pass one: every literal that may begin something.
//!
//! A hit only names a scanner and a place; the scanner decides. The built-in literals are found by their first three
//! bytes (the policy's, which may be any, by an automaton: `own_literals`): each place of the text is looked up in a small
//! table, independently of the one before, so a clean line costs less than a nanosecond a byte here. An automaton
//! (measured first) waits for its own last step at each byte.

use std::sync::LazyLock;

use crate::rule::all::SCANNERS;
use crate::rule::resume::Resume;
use crate::rule::scanner::{Hit, Scanner};
use crate::text::window;
use crate::text::{Text, WINDOW};

/// A literal and whom it asks.
#[derive(Clone, Copy)]
struct Row {
    literal: &'static str,
    /// Its place among the scanners.
    scanner: u16,
    which: u16,
    is_exact: bool,
}

/// The built-in literals by their first three bytes.
pub(crate) struct Table {
    /// For each hash the bucket it leads to, from 1; 0 for none.
    index: Box<[u16; HASHES]>,
    buckets: Vec<Vec<Entry>>,
}

/// A row, made ready to be compared with eight bytes of the text at once.
struct Entry {
    row: Row,
    /// Its first bytes, at most eight, in lower case.
    head: u64,
    /// The bit that parts the cases, where a letter may have both.
    cases: u64,
    /// The bytes that count.
    mask: u64,
}

impl Entry {
    fn of(row: Row) -> Self {
        let (mut head, mut cases, mut mask) = ([0; 8], [0; 8], [0; 8]);
        let slots = head.iter_mut().zip(&mut cases).zip(&mut mask);
        for (((head, case), mask), &byte) in slots.zip(row.literal.as_bytes()) {
            let is_letter = byte.is_ascii_alphabetic() && !row.is_exact;
            *case = if is_letter { CASE } else { 0 };
            *head = byte | *case;
            *mask = u8::MAX;
        }
        Self {
            row,
            head: u64::from_le_bytes(head),
            cases: u64::from_le_bytes(cases),
            mask: u64::from_le_bytes(mask),
        }
    }

    /// Does `window` begin like the literal?
    #[inline(always)]
    fn begins(&self, window: u64) -> bool {
        (window | self.cases) & self.mask == self.head
    }

    /// Where the literal ends that begins at `start`; none when it goes on otherwise.
    fn end(&self, text: Text<'_>, start: usize) -> Option<usize> {
        let literal = self.row.literal.as_bytes();
        let is_whole = match literal.get(WINDOW..) {
            Some(tail) => text.has_any_case(start + WINDOW, tail),
            None => true,
        };
        is_whole.then_some(start + literal.len())
    }
}

/// What makes an ASCII letter lower case.
const CASE: u8 = 0x20;
/// Places in a window at which three bytes begin.
const PLACES: usize = WINDOW - 2;
const BUCKET_BITS: u32 = u16::BITS;
/// Numbers of buckets in a `u64`.
const IN_A_WORD: usize = 4;
const HASH_BITS: u32 = 14;
const HASHES: usize = 1 << HASH_BITS;
type Due = Resume<{ SCANNERS.len() }>;
static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

impl Table {
    /// The table, made once in a process.
    pub fn built_in() -> &'static Self {
        &TABLE
    }

    fn new() -> Self {
        let mut index = Box::new([0; HASHES]);
        let mut buckets: Vec<Vec<Entry>> = Vec::new();
        for entry in built_in().map(Entry::of) {
            let Some(slot) = index.get_mut(hash(folded(entry.head))) else {
                continue;
            };
            if *slot == 0 {
                buckets.push(Vec::new());
                // As many as there are literals, at most.
                *slot = u16::try_from(buckets.len()).unwrap_or(u16::MAX);
            }
            if let Some(bucket) = buckets.get_mut(usize::from(*slot) - 1) {
                bucket.push(entry);
            }
        }
        Self { index, buckets }
    }

    /// Calls `hit` at each literal, overlapping ones too, in the order of their starts; but not where its scanner said
    /// that nothing is to be found.
    #[inline]
    pub fn scan(&self, text: Text<'_>, mut hit: impl FnMut(&Scanner, Hit) -> Option<usize>) {
        let mut resume = Due::default();
        let bytes = text.pass();
        let mut start = 0;
        while let Some(window) = bytes.get(start..).and_then(|rest| rest.first_chunk()) {
            let folded = folded(u64::from_le_bytes(*window));
            if self.has_any(folded) {
                self.ask(text, bytes, start, folded, &mut resume, &mut hit);
            }
            start += PLACES;
        }
        let folded = folded(window(bytes, start));
        if self.has_any(folded) {
            self.ask(text, bytes, start, folded, &mut resume, &mut hit);
        }
    }

    /// May a literal begin at one of the places of a window? Most often none does, so one question does for all.
    #[inline(always)]
    fn has_any(&self, folded: u64) -> bool {
        (0..PLACES).fold(0, |any, place| any | self.bucket(folded, place)) != 0
    }

    /// The bucket of the three bytes at `place` in a window.
    #[inline(always)]
    fn bucket(&self, folded: u64, place: usize) -> u16 {
        let hash = hash(folded >> (8 * place));
        self.index.get(hash).copied().unwrap_or(0)
    }

    /// Asks at each place of the window at `start` at which a literal may begin.
    #[inline(never)]
    fn ask(
        &self,
        text: Text<'_>,
        bytes: &[u8],
        start: usize,
        folded: u64,
        resume: &mut Due,
        hit: &mut impl FnMut(&Scanner, Hit) -> Option<usize>,
    ) {
        // A bucket's number for each place, as many as a word holds. A loop that looks at one place after the other takes more
        // instructions.
        let word = |places: std::ops::Range<usize>| {
            places.rev().fold(0, |word: u64, place| {
                word << BUCKET_BITS | u64::from(self.bucket(folded, place))
            })
        };
        for (mut buckets, start) in [
            (word(0..IN_A_WORD), start),
            (word(IN_A_WORD..PLACES), start + IN_A_WORD),
        ] {
            while buckets != 0 {
                let place = buckets.trailing_zeros() / BUCKET_BITS;
                let bucket = (buckets >> (place * BUCKET_BITS)) as u16;
                buckets &= !(u64::from(u16::MAX) << (place * BUCKET_BITS));
                let at = start + place as usize;
                let window = window(bytes, at);
                for entry in self.entries(bucket) {
                    if entry.begins(window) && resume.is_due(usize::from(entry.row.scanner), at) {
                        found(text, entry, at, resume, hit);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn entries(&self, bucket: u16) -> &[Entry] {
        self.buckets
            .get(usize::from(bucket) - 1)
            .map_or(&[], |bucket| bucket)
    }
}

/// Something begins like the literal of `entry` at `start`.
#[inline(never)]
fn found(
    text: Text<'_>,
    entry: &Entry,
    start: usize,
    resume: &mut Due,
    hit: &mut impl FnMut(&Scanner, Hit) -> Option<usize>,
) {
    let Some(end) = entry.end(text, start).filter(|_| text.look()) else {
        return;
    };
    let Row { scanner, which, .. } = entry.row;
    let at = usize::from(scanner);
    if let Some(scanner) = SCANNERS.get(at) {
        let next = hit(scanner, Hit { which, start, end });
        resume.remember(at, next);
    }
}

/// Both cases of a letter alike; some signs become alike too.
#[inline(always)]
fn folded(window: u64) -> u64 {
    window | u64::from_ne_bytes([CASE; WINDOW])
}

/// The hash of the first three bytes.
#[inline(always)]
fn hash(folded: u64) -> usize {
    // Shifted, so that the fourth byte falls out of the product. Of 1,500 random odd factors the one with the fewest false
    // hits in prose and log lines.
    ((folded as u32).wrapping_mul(0x00f9_3899 << 8) >> (32 - HASH_BITS)) as usize
}

/// All built-in literals.
pub(crate) fn literals() -> impl Iterator<Item = &'static str> {
    built_in().map(|row| row.literal)
}

fn built_in() -> impl Iterator<Item = Row> {
    let scanners = SCANNERS.iter().zip(0..);
    scanners.flat_map(|(scanner, at)| {
        let literals = scanner.literals.iter().zip(0..);
        literals.map(move |(&literal, which)| Row {
            literal,
            scanner: at,
            which,
            is_exact: scanner.is_exact,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Source, Steps};

    #[test]
    fn each_literal_is_found_at_both_ends_and_in_any_case() {
        for row in built_in() {
            assert!(row.literal.len() >= 3, "{}", row.literal);
            let upper = row.literal.to_ascii_uppercase();
            for (text, is_same_case) in [
                (upper.clone(), upper == row.literal),
                (format!("{} x", row.literal), true),
                (format!("x {}", row.literal), true),
            ] {
                let mut found = false;
                let source = Source::new(text.as_bytes(), Steps::of(text.len()));
                Table::built_in().scan(Text::of(&source), |scanner, hit| {
                    let same = SCANNERS.get(usize::from(row.scanner));
                    found |= same.is_some_and(|&same| std::ptr::eq(same, scanner))
                        && (hit.which, hit.end - hit.start) == (row.which, row.literal.len());
                    None
                });
                let may_be_found = is_same_case || !row.is_exact;
                assert!(found || !may_be_found, "{} in {text}", row.literal);
            }
        }
    }
}
