//! The contract, from outside: the real binary, an HTTP client, an OTLP backend that decodes.

mod answers;
mod conformance;
mod connections;
mod decoder;
mod device;
mod duplicates;
mod export;
mod jwks;
mod levels;
mod limits;
mod logfire;
mod mapping;
mod openapi;
mod process;
mod relay;
mod sanitize;
mod settings;
mod tls;
mod upstream;

/// A batch of records with these messages, each named by its place in the disk queue `queue`.
fn batch(queue: &str, messages: impl IntoIterator<Item = (u64, String)>) -> String {
    let logs: Vec<serde_json::Value> = messages
        .into_iter()
        .map(|(seq, message)| {
            serde_json::json!({
                "q": format!("{seq:016x}-00000000-00000000"),
                "timestamp": jiff::Timestamp::now().to_string(),
                "level": "info",
                "message": message,
            })
        })
        .collect();
    serde_json::json!({"context": {"queue": queue}, "logs": logs}).to_string()
}

/// One record without a name.
fn record(message: &str) -> String {
    serde_json::json!([{"timestamp": "2026-02-06T12:00:00Z", "level": "info", "message": message}])
        .to_string()
}
