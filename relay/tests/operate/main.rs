//! The relay as its operator meets it: what `check`, `status`, the log and the metrics say, and what to do next.

#[path = "../contract/relay.rs"]
#[allow(dead_code, reason = "what the contract's tests need is more")]
mod relay;

mod access;
mod alerts;
mod carried;
mod check;
mod dev;
mod floor;
mod help;
mod metrics;
mod proxies;
mod reload;
mod status;
#[allow(dead_code, reason = "the contract's tests use it")]
#[path = "../contract/upstream.rs"]
mod upstream;
mod words;
