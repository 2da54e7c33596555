//! What a program's own formatting writes, as far as it fits.

use std::fmt::{self, Write};
use std::panic::{self, AssertUnwindSafe};

use crate::cut::{TRUNCATED, char_floor};

/// What is rendered of all values of one event or span together, in bytes: four of the longest that the sanitizer hands
/// on, and four records. What comes after it is `…[truncated]` and never rendered, so that a hostile event costs no more
/// than four hostile texts.
pub(super) const MAX_RENDERED_BYTES: usize = 256 * 1024;

/// Takes as much text as fits.
pub(super) struct Capped<'a> {
    out: &'a mut String,
    max: usize,
    left: usize,
    /// Something did not fit.
    pub(super) is_cut: bool,
}

impl<'a> Capped<'a> {
    pub(super) fn new(out: &'a mut String, max: usize) -> Self {
        Self {
            out,
            max,
            left: max,
            is_cut: false,
        }
    }

    /// Marks the cut, if there was one, and returns how many bytes were taken.
    pub(super) fn end(self) -> usize {
        if self.is_cut {
            self.out.push_str(TRUNCATED);
        }
        self.max - self.left
    }
}

impl Write for Capped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left && !self.is_cut {
            self.left -= text.len();
            self.out.push_str(text);
            return Ok(());
        }
        let cut = char_floor(text, self.left);
        self.out.push_str(text.get(..cut).unwrap_or_default());
        self.left = 0;
        self.is_cut = true;
        Err(fmt::Error)
    }
}

/// The first `max` bytes of a value's `Debug`, or less where that panics.
pub(super) fn debug_of(value: &dyn fmt::Debug, max: usize) -> String {
    let mut debug = String::new();
    let mut capped = Capped::new(&mut debug, max);
    let _ = guarded(|| write!(capped, "{value:?}"));
    debug
}

/// Runs a program's own code; `None` where it panics.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(run)).ok()
}
