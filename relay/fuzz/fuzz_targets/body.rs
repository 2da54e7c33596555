//! The whole way of a body to an encoded `ResourceLogs`: no panic, everything counted, everything readable.
//!
//! `cargo fuzz run -s none body -- -dict=fuzz/json.dict` in `relay/`; seeds are the samples in `tests/contract/`.
#![no_main]

use std::sync::LazyLock;

use courier_relay::convert;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use tracing_courier::sanitize::{Policy, Sanitizer};

static SANITIZER: LazyLock<Sanitizer> = LazyLock::new(|| Sanitizer::new(&Policy::new()));

fuzz_target!(|body: &[u8]| {
    let Ok(converted) = convert(body, "sub", Timestamp::UNIX_EPOCH, Some(&SANITIZER)) else { return };
    let logs = ResourceLogs::decode(&converted.frame[..]).expect("what is kept can be read");
    let records: usize = logs.scope_logs.iter().map(|scope| scope.log_records.len()).sum();
    assert_eq!(records, converted.records, "what is accepted is there");
    let sent = converted.records + converted.rejected.len();
    assert!(converted.rejected.iter().all(|rejected| rejected.index < sent), "each reject has its place");
    assert!(converted.frame.len() < 64 * body.len() + 1024 * (sent + 1), "the output is bounded by the input");
});
