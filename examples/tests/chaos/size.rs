//! How large the trials are: CI-sized, or full with `COURIER_CHAOS=full`.

use std::time::Duration;

/// How long relay or upstream are away.
pub fn outage() -> Duration {
    Duration::from_secs(if is_full() { 20 } else { 2 })
}

/// Kills come before this many of 100,000 records; far enough from the end that the program still runs then.
pub fn killed_before() -> u64 {
    if is_full() { 85_000 } else { 12_000 }
}

/// Whether it is the full size.
pub fn is_full() -> bool {
    std::env::var("COURIER_CHAOS").is_ok_and(|size| size == "full")
}
