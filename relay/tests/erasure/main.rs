//! What stays when a person is erased, when a relay is killed, and when a data directory is put back from a backup: the
//! relay as a process, its data directory read byte by byte.

#[path = "../contract/relay.rs"]
#[allow(dead_code, reason = "what the contract's tests need is more")]
mod relay;

mod backup;
mod everything;
mod forget;
#[allow(dead_code, reason = "the contract's tests use it")]
#[path = "../contract/upstream.rs"]
mod upstream;
