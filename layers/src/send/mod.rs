//! Brings the records home.
//!
//! One thread of its own drains the queue in ascending order, a batch at a time, one request in flight:
//!
//! 1. on a timer (30 s), at once on ERROR and FATAL, and when asked to flush;
//! 2. until everything is home that was there when it began, not one batch;
//! 3. after an outage gently: the relay's `Retry-After` wins, else 1 s, doubling to a minute, with jitter; without a
//!    network not at all, and at once when it is back;
//! 4. a record leaves the queue by the relay's receipt, or by a verdict on its content, each in the relay's own form.
//!    Never by an outage, by what something between here and the relay answers, by a missing token, or by a panic in
//!    what the program gave the sender.
//!
//! What it does not do: touch the thread that logs, or return an error to the program once it runs.

mod again;
mod answer_form;
mod backend;
mod builder;
mod error;
mod flush;
mod follow;
mod fork;
mod guard;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "netwatch")]
mod interfaces;
mod later;
mod layer;
mod network;
mod next;
mod reason;
mod report;
mod round;
mod shared;
#[cfg(all(unix, feature = "signals"))]
mod signals;
mod stamps;
mod stderr_notice;
mod time;
mod token;
mod transport;
mod waiters;
mod wake;
mod worker;

pub use backend::Backend;
pub use builder::{
    BackendBuilder, DEFAULT_BATCH_BYTES, DEFAULT_BATCH_RECORDS, DEFAULT_DROP_DEADLINE,
    DEFAULT_FLUSH_EVERY, MAX_BATCH_BYTES, MAX_BATCH_RECORDS,
};
pub use error::BackendError;
pub(crate) use guard::Ends;
pub use guard::{Finish, Guard};
#[cfg(feature = "http")]
pub use http::{
    CertificateError, Compression, DEFAULT_CONNECT_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, EndpointError,
    Http, TOKEN_TIMEOUT,
};
pub use layer::BackendLayer;
pub use network::{Network, NetworkCheck, NetworkKind, OFFLINE_POLL};
pub use report::{Connection, Report, WhyStopped};
pub use round::MAX_BODY_BYTES;
pub use time::{ManualTime, Time};
pub use transport::{Answer, Get, MAX_ANSWER_BYTES, Request, Transport};
