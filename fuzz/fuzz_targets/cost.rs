//! `cargo fuzz run -s none cost`: looks for a text that costs more than its length allows, not for one that panics.
//!
//! The bytes are a piece that is repeated. Costs are counted in steps, which are the same on every machine: four times
//! the length may cost four times as much and a fifth more, and no text of this length may spend all of its steps.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tracing_courier::sanitize::{Place, Policy, Profile, Sanitizer};

static SANITIZERS: LazyLock<[Sanitizer; 2]> =
    LazyLock::new(|| [Profile::Default, Profile::Strict].map(|profile| Sanitizer::new(&Policy::new().profile(profile))));
/// The length at which a piece is looked at first, and the one at which a doubt is settled.
const SHORT: usize = 2 * 1024;
const CAP: usize = 128 * 1024;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, rest)) = data.split_first() else { return };
    let piece = String::from_utf8_lossy(rest);
    if piece.is_empty() || piece.len() > 256 {
        return;
    }
    let place = Place::ALL[usize::from(choice) % Place::ALL.len()];
    for sanitizer in SANITIZERS.iter() {
        let mut size = SHORT;
        let cost = |size: usize| sanitizer.cost(place, &piece.repeat(size.div_ceil(piece.len())));
        let mut few = cost(size);
        loop {
            size *= 4;
            let many = cost(size);
            assert!(many.steps <= many.most, "{piece:?} spends {many:?} at {size} bytes");
            if many.steps as f64 <= (few.steps * 4) as f64 * 1.2 + size as f64 {
                break;
            }
            assert!(size * 4 <= CAP, "{piece:?} costs {few:?}, and {many:?} at four times that");
            few = many;
        }
    }
});
