//! `cargo fuzz run -s none key`: any name, under any two lists of names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracing_courier::sanitize::{KeyClass, Policy, Sanitizer, Scalar};

fuzz_target!(|data: (&str, &str, &str)| {
    let (name, deny, allow) = data;
    let built_in = Sanitizer::default();
    let _ = built_in.explain(name);
    assert!(!built_in.redacts(name, Scalar::Bool) && !built_in.redacts(name, Scalar::Null));
    if built_in.redacts(name, Scalar::Integer(7)) {
        assert!(built_in.redacts(name, Scalar::Text));
    }
    let sanitizer = Sanitizer::new(&Policy::new().deny(deny).allow(allow));
    let (class, _) = sanitizer.explain(name);
    assert_eq!(sanitizer.key(name), class);
    // An exact deny comes before everything.
    let denied = Sanitizer::new(&Policy::new().deny(name).allow(allow).allow("*"));
    if !name.contains('*') {
        assert_eq!(denied.key(name), KeyClass::Secret);
    }
});
