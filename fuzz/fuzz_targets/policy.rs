//! `cargo fuzz run -s none policy`: any policy file is followed or refused, and what follows it still keeps its promises.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tracing_courier::sanitize::{Place, PolicyFile, Sanitizer};

const TEXT: &str = "password=hunter2 FK-123456 ann@example.com 10.0.0.1 SECRET//NOFORN case_number=7 call 555-123-4567";

fuzz_target!(|text: &str| {
    let Ok(file) = PolicyFile::parse(text, Path::new("policy.toml")) else { return };
    let sanitizer = Sanitizer::new(&file.policy);
    let once = sanitizer.clean(Place::Message, TEXT).into_owned();
    assert_eq!(sanitizer.clean(Place::Message, &once), once);
    let _ = format!("{file:?}");
});
