//! The promises of the queue, proven against a simulated file system.
//!
//! Each test runs in a few seconds. `COURIER_PROOF_ROUNDS=20` runs the random ones twenty times as long; for hours, see
//! `runs`.

mod commit;
mod damage;
mod faults;
pub(super) mod held;
mod histories;
mod machine;
mod order;
mod room;
mod runs;
mod seals;
pub(super) mod sim;

/// How many cases a random test runs: `usual` in CI, a multiple of it where somebody has the time.
fn rounds(usual: u32) -> u32 {
    let times = std::env::var("COURIER_PROOF_ROUNDS")
        .ok()
        .and_then(|times| times.parse().ok());
    usual.saturating_mul(times.unwrap_or(1))
}
