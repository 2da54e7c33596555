//! How often the scanners of a text may look at it: so many steps for its length, and no more.

use std::cell::Cell;

/// How many steps the scanners of a text have left.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steps(isize);

/// What a look at a place costs where a rule may apply: as many steps as it takes time.
pub(crate) const LOOK_STEPS: usize = 64;
/// What a walk costs besides its bytes.
pub(crate) const WALK_STEPS: usize = 4;
/// How often a slice is walked over.
pub(crate) const SLICE_WALKS: usize = 4;
/// Steps for each byte of a text. Honest texts take up to 100.
const STEPS_A_BYTE: usize = 256;
/// Steps that every text has besides, so that a short one is never given up.
const STEPS_AT_LEAST: usize = 64 * 1024;

impl Steps {
    /// All those of a text of so many bytes.
    #[inline]
    pub fn of(bytes: usize) -> Self {
        // No text is longer.
        let bytes = bytes.min(usize::MAX / STEPS_A_BYTE / 4);
        Self((bytes * STEPS_A_BYTE + STEPS_AT_LEAST).cast_signed())
    }

    /// So many.
    #[cfg(test)]
    pub fn exactly(steps: isize) -> Self {
        Self(steps)
    }

    /// How many of `all` were taken when these are left.
    pub fn taken(self, all: Self) -> usize {
        all.0.abs_diff(self.0)
    }

    /// Have more been taken than there were?
    #[inline]
    pub fn are_spent(self) -> bool {
        self.0 < 0
    }
}

/// A text, and the steps that its scanners have left.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    /// Nothing any more once the steps are spent.
    bytes: Cell<&'t [u8]>,
    len: usize,
    left: Cell<isize>,
    /// Single bytes looked at, which cost no step: a test counts them.
    #[cfg(test)]
    looks: Cell<usize>,
}

impl<'t> Source<'t> {
    pub fn new(bytes: &'t [u8], steps: Steps) -> Self {
        Self {
            bytes: Cell::new(bytes),
            len: bytes.len(),
            left: Cell::new(steps.0),
            #[cfg(test)]
            looks: Cell::new(0),
        }
    }

    /// Takes from `steps` what the scanners took.
    pub fn settle(&self, steps: &mut Steps) {
        steps.0 = self.left.get();
        #[cfg(test)]
        LOOKS.set(LOOKS.get() + self.looks.get());
    }

    /// The bytes; none any more once the steps are spent.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &'t [u8] {
        self.bytes.get()
    }

    /// Notes a look at a single byte, where a test counts them.
    #[inline(always)]
    pub(crate) fn look(&self) {
        #[cfg(test)]
        self.looks.set(self.looks.get() + 1);
    }

    /// Takes so many steps. `false` when they are spent.
    #[inline(always)]
    pub(crate) fn charge(&self, steps: usize) -> bool {
        let left = self.left.get().wrapping_sub_unsigned(steps);
        self.left.set(left);
        left >= 0
    }

    /// Where a walk over at most `most` bytes from `start` on ends when the steps are spent: as far as it could.
    #[cold]
    #[inline(never)]
    pub(crate) fn spend(&self, start: usize, most: usize) -> usize {
        self.bytes.set(&[]);
        start.saturating_add(most).min(self.len).max(start)
    }
}

#[cfg(test)]
thread_local! {
    /// Single bytes that scanners of this thread looked at.
    pub(crate) static LOOKS: Cell<usize> = const { Cell::new(0) };
}
