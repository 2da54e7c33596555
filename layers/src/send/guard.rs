//! Held for as long as the program runs: dropping it flushes.

use std::ops::Deref;

/// What a [`Guard`] does at its end. Nobody else's type can have one.
pub trait Finish: Ends {}

impl<T: Ends> Finish for T {}

/// Ends it.
#[doc(hidden)]
pub trait Ends {
    /// The last thing; it keeps a deadline of its own.
    fn end(&self);
}

/// Flushes when it is dropped, with a deadline. It derefs to its handle, and it never stops the recording: what is
/// logged later is on disk and goes out at the next start.
///
/// `std::process::exit` runs no destructors: drop the guard before it, or call
/// [`Courier::finish`](crate::Courier::finish).
#[derive(Debug)]
#[must_use = "dropped at once, it ends the sending at once; keep it in `main`"]
pub struct Guard<T: Finish>(T);

impl<T: Finish> Guard<T> {
    pub(crate) fn new(handle: T) -> Self {
        Self(handle)
    }
}

impl<T: Finish> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Finish> Drop for Guard<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}
