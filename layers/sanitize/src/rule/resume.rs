//! For each scanner: nothing is to be found before this place.

pub(crate) struct Resume<const SCANNERS: usize>([usize; SCANNERS]);

impl<const SCANNERS: usize> Default for Resume<SCANNERS> {
    fn default() -> Self {
        Self([0; SCANNERS])
    }
}

impl<const SCANNERS: usize> Resume<SCANNERS> {
    /// Is the scanner to be asked at `start`?
    #[inline(always)]
    pub fn is_due(&self, scanner: usize, start: usize) -> bool {
        let resume = self.0.get(scanner);
        resume.is_none_or(|&resume| start >= resume)
    }

    /// Remembers what the scanner said.
    #[inline(always)]
    pub fn remember(&mut self, scanner: usize, next: Option<usize>) {
        if let (Some(next), Some(resume)) = (next, self.0.get_mut(scanner)) {
            *resume = next;
        }
    }
}
