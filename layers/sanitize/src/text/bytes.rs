//! A kind of bytes as a table.

/// Which bytes are of some kind: one look-up, where ranges would be several questions of nearly every byte.
pub(crate) struct Bytes([bool; 256]);

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

    /// Every byte above the space, but for these.
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
