//! `cargo fuzz run -s none sanitize`: any bytes, in any place, under three profiles.
//!
//! Cleaning twice is cleaning once; the output is bounded; a planted secret of a known kind is gone, whatever stands
//! around it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tracing_courier::sanitize::{Place, Policy, Profile, Sanitizer};

static SANITIZERS: LazyLock<[Sanitizer; 3]> = LazyLock::new(|| {
    [Profile::Default, Profile::Strict, Profile::Minimal].map(|profile| Sanitizer::new(&Policy::new().profile(profile)))
});
/// Texts with a secret of a known kind, and the secret.
const PLANTED: [(&str, &str); 6] = [
    (" password=Qz7planted4Xw ", "Qz7planted4Xw"),
    (" {\"api_key\":\"Qz7planted4Xw\"} ", "Qz7planted4Xw"),
    (" postgres://u:Qz7planted4Xw@db/x ", "Qz7planted4Xw"),
    (" ghp_Qz7planted4XwQz7planted4XwQz7planted4 ", "Qz7planted4Xw"),
    (" Bearer Qz7planted4XwQz7planted4Xw ", "Qz7planted4Xw"),
    (" eyJhbGciOiJIUzI1NiJ9.eyJRejdwbGFudGVkNFh3Ijo.Qz7planted4Xw ", "Qz7planted4Xw"),
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let place = Place::ALL[usize::from(choice) % Place::ALL.len()];
    for sanitizer in SANITIZERS.iter() {
        let once = sanitizer.clean(place, &text).into_owned();
        assert_eq!(sanitizer.clean(place, &once), once);
        assert!(once.len() <= 4 * text.len() + 64);
        let _ = sanitizer.find(place, &text);
        if let Ok(mut value) = serde_json::from_str(&text) {
            sanitizer.value(place, &mut value);
        }
    }
    let (planted, secret) = PLANTED[usize::from(choice >> 3) % PLANTED.len()];
    if text.contains(secret) {
        // Planted by the fuzzer, where nothing says that it is one.
        return;
    }
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    let (before, after) = text.split_at(middle);
    // In a line of its own: a quote that was opened before it may else make it a part of something harmless.
    let text = format!("{before}\n{planted}\n{after}");
    assert!(!SANITIZERS[0].clean(place, &text).contains(secret), "{text:?}");
});
