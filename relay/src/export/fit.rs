//! How an upstream wants its records.

use std::num::NonZeroU32;

use jiff::Timestamp;

use super::clamp::Window;
use super::view::{Shown, View};
use crate::spool::{Frame, join};

/// What an upstream takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fit {
    /// Whether times are kept within what it takes.
    pub has_clamp: bool,
    /// Whether long texts are put as Logfire takes them.
    pub has_limits: bool,
    /// Records a second at most.
    pub records_per_second: Option<NonZeroU32>,
}

impl Fit {
    /// The request with this frame alone, as it is sent now; `None` when the frame is damaged.
    #[must_use]
    pub fn request(self, frame: &Frame) -> Option<Vec<u8>> {
        match self.view(false).see(frame, 0, frame.records) {
            Shown::Records(seen) => Some(join([seen.as_ref()])),
            Shown::Nothing => Some(join([])),
            Shown::Damage => None,
        }
    }

    /// How frames are shown to it now.
    pub(super) fn view(self, is_spans: bool) -> View {
        View {
            is_spans,
            window: self.has_clamp.then(|| Window::around(Timestamp::now())),
            has_limits: self.has_limits,
        }
    }
}
