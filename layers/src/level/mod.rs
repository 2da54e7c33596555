//! Which levels are recorded, changed while the program runs.
//!
//! 1. The longest module prefix wins; modules match whole path segments (`http` matches `http::client`, not `httpx`).
//! 2. ERROR, and with it FATAL, can't be silenced.
//! 3. A change counts from the next event on: every callsite is asked anew, on the thread that makes the change.
//! 4. What the relay says counts within the program's own floor and ceiling, until it ends by itself. Under it stays
//!    what the relay said without an end, and under that what the program says.
//!
//! What it does not do: fetch, keep or end what the relay says by itself. The [sender](crate::send) does, on its thread.

mod change;
mod decided;
mod filter;
mod handle;
mod log_max;
mod rebuild;
mod rules;
mod said;
mod setting;
mod stack;

pub use change::{Change, LevelStatus};
pub use filter::LevelsFilter;
pub use handle::Levels;
pub use rules::{LevelsError, MAX_MODULE_BYTES, MAX_MODULES, Rules};
pub(crate) use said::Said;
pub(crate) use setting::Setting;
