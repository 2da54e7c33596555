//! The whole way of a body to an encoded `ResourceLogs`: no panic, everything counted, everything readable, nothing without
//! bounds.
//!
//! `cargo fuzz run -s none body -- -dict=fuzz/json.dict` in `relay/`; seeds are the samples in `tests/contract/`. What begins
//! with a byte of gzip or zstd is unpacked first.
#![no_main]

use std::sync::LazyLock;

use courier_relay::{convert, unpack};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use tracing_courier::sanitize::{Policy, Sanitizer};

static SANITIZER: LazyLock<Sanitizer> = LazyLock::new(|| Sanitizer::new(&Policy::new()));

/// The relay's default.
const MAX_BODY_BYTES: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let coding = match bytes.first() {
        Some(0x1f) => "gzip",
        Some(0x28) => "zstd",
        _ => "identity",
    };
    let Ok(body) = unpack(coding, bytes, MAX_BODY_BYTES) else { return };
    assert!(body.len() <= MAX_BODY_BYTES, "the cap holds");
    for sanitizer in [None, Some(&*SANITIZER)] {
        let Ok(converted) = convert(&body, "sub", Timestamp::UNIX_EPOCH, sanitizer) else { return };
        let logs = ResourceLogs::decode(&converted.frame[..]).expect("what is kept can be read");
        let records: usize = logs.scope_logs.iter().map(|scope| scope.log_records.len()).sum();
        assert_eq!(records, converted.records, "what is accepted is there");
        let sent = records + converted.duplicates + converted.rejected.len();
        let mut indexes: Vec<usize> = converted.rejected.iter().map(|rejected| rejected.index).collect();
        indexes.dedup();
        assert_eq!(indexes.len(), converted.rejected.len(), "each reject has a place of its own");
        assert!(indexes.iter().all(|index| *index < sent), "each reject has its place");
        if let Some(said) = elements(&body) {
            assert_eq!(sent, said, "accepted + duplicates + rejected is what was sent");
        }
        assert!(converted.frame.len() < 64 * body.len() + 8192 * (sent + 1), "the output is bounded by the input");
    }
});

/// How many records another reader finds, if it can read the body at all.
fn elements(body: &[u8]) -> Option<usize> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let logs = value.as_array().or_else(|| value.get("logs")?.as_array())?;
    Some(logs.len())
}
