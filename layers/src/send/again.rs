//! What it takes to begin a sender again, in a forked child.

use std::fmt;
use std::time::Duration;

use super::answer_form::Success;
use super::round::Limits;
use super::transport::Transport;

/// Makes a transport like the sender's own.
pub(super) type MakeTransport = Box<dyn Fn() -> Box<dyn Transport> + Send + Sync>;

/// What it takes to begin again.
pub(super) struct Again {
    pub transport: Option<MakeTransport>,
    pub limits: Limits,
    pub success: Success,
    pub interval: Duration,
    pub is_told: bool,
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").finish_non_exhaustive()
    }
}
