//! The relay under bad conditions, as a process: kills, a flapping backend, full disks, syncs counted.
//!
//! CI-sized; `COURIER_CHAOS=full` makes the storm last ten minutes.

#[path = "../contract/relay.rs"]
#[allow(dead_code, reason = "what the contract's tests need is more")]
mod relay;

mod disk;
mod files;
mod flapping;
mod kill;
mod operator;
mod own;
mod storm;
mod syncs;
#[allow(dead_code, reason = "the contract's tests use it")]
#[path = "../contract/upstream.rs"]
mod upstream;
