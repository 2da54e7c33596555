//! Field-support logging: what a program logs is redacted before any layer sees it, is on its own disk before the
//! logging call returns, and reaches a small relay that you host.
//!
//! ```text
//! tracing::info!(…) ─▶ gate ─┬─▶ fmt, or any other layer
//!                            ├─▶ breadcrumbs (memory)
//!                            └─▶ disk queue ─▶ sender (its own thread) ─▶ relay
//! ```
//!
//! The paved path:
//!
//! ```
//! use tracing_courier::prelude::*;
//! use tracing_subscriber::{filter::LevelFilter, prelude::*};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let (dir, session_jwt) = (temporary.path(), "a.b.c");
//! let courier = Courier::builder("field-app", env!("CARGO_PKG_VERSION"))  // install, session, resource, panic hook
//!     .dir(dir).relay("https://relay.example").token(session_jwt)
//!     .start()?;                                                          // a Guard: dropping it flushes, with a deadline
//!
//! tracing_subscriber::registry()
//!     .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO)) // stock layers are welcome
//!     .with(courier.layer())                                              // crumbs + queue + nudge, filtered by the levels
//!     .sanitized(courier.sanitizer())                                     // everything above sees clean data only
//!     .init();
//! # tracing::info!("one record");
//! # assert!(courier.queue().pending().records >= 2);
//! # Ok(())
//! # }
//! ```
//!
//! and the same from its parts, for those who compose:
//!
//! ```
//! use tracing_courier::{
//!     Backend, BreadcrumbLayer, Breadcrumbs, DiskQueue, DiskQueueLayer, Levels, SanitizeExt, SanitizeLayer,
//! };
//! use tracing_subscriber::{filter::LevelFilter, prelude::*};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let (dir, session_jwt) = (temporary.path(), "a.b.c");
//! let levels  = Levels::new("info")?;                 // swapped while the program runs
//! let crumbs  = Breadcrumbs::new();                   // the last 20 records, one ring for the process
//! let queue   = DiskQueue::open(dir)?;
//! let backend = Backend::builder("https://relay.example").token(session_jwt).levels(&levels).start(&queue)?;
//!
//! tracing_subscriber::registry()
//!     .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO))
//!     .with(BreadcrumbLayer::new(&crumbs).with_filter(levels.filter()))
//!     .with(DiskQueueLayer::new(&queue).breadcrumbs(&crumbs).with_filter(levels.filter()))
//!     .with(backend.layer())                           // wakes the sender at once on ERROR and FATAL; delivery does not depend on it
//!     .sanitized(SanitizeLayer::default())
//!     .init();
//! # tracing::info!("one record");
//! # assert_eq!(queue.pending().records, 1);
//! # assert_eq!(crumbs.recent().len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! Redaction alone, with no queue and no network, is one line: [`.sanitized(SanitizeLayer::default())`](SanitizeExt).
//!
//! # Modules
//!
//! [`queue`] keeps records on disk, with or without `tracing`; [`send`] brings them home; [`level`] says which are
//! recorded, also from afar; [`sanitize`] finds what is secret; [`record`] and [`wire`] are the shapes that travel;
//! [`testing`] is for your own tests.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `http` | yes | `send::Http`, `Backend::builder`, `CourierBuilder::relay`: delivery over HTTP; brings reqwest, rustls and tokio |
//! | `local-log` | yes | [`local_log`], `CourierBuilder::local_log`: a human-readable log in files; brings tracing-appender |
//! | `signals` | yes | `Guard::finish_on_signals`: the last flush on SIGTERM and Ctrl-C, on Unix; brings signal-hook |
//! | `zstd` | no | `send::Compression::Zstd`; brings zstd, which is C |
//! | `netwatch` | no | `BackendBuilder::watch_interfaces`: the system's network interfaces as network check; brings netwatcher |
//! | `policy` | no | [`sanitize`]: policies from TOML files, patterns of your own; brings regex and toml |
//! | `pseudonym` | no | [`sanitize`]: keyed pseudonyms in place of markers; brings hmac and sha2 |
//! | `opentelemetry_0_33` | no | `opentelemetry_0_33::trace_ids`: records name the trace they belong to; brings opentelemetry's API |
//!
//! With none: gate, sanitizer, breadcrumbs, queue and sender (over a [`send::Transport`] of your own), in at most 40
//! crates and without tokio.
//!
//! # Threads
//!
//! One of the queue (`courier-queue`: segments, syncing) and one of the sender (`courier-send`), which looks names up
//! on a short-lived third (`courier-resolve`). With a local log, one that writes it (`courier-local`); with
//! `on_change`, one that calls back (`courier-status`); where signals are hooked, one that waits for them
//! (`courier-signal`); while a [`Backend::flush_async`] waits, one that watches its deadline (`courier-flush`). Nothing
//! else.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_debug_implementations)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod advice;
mod before_record;
pub mod breadcrumb;
mod budget;
mod builder;
mod clock;
mod console;
mod context;
mod courier;
mod cut;
mod failure;
mod fatal;
mod gate;
mod hook_watch;
mod install_id;
pub mod level;
mod life;
#[cfg(feature = "local-log")]
pub mod local_log;
#[cfg(not(feature = "local-log"))]
#[path = "no_local_log.rs"]
mod local_log;
mod losses;
mod machine_boot;
mod open_spans;
#[cfg(feature = "opentelemetry_0_33")]
pub mod opentelemetry_0_33;
mod own_records;
mod panic;
mod private;
pub mod queue;
mod queue_layer;
mod quiet_thread;
pub mod record;
mod resource;
pub mod send;
pub mod session;
mod session_lock;
mod start;
mod status;
mod stderr;
mod support_code;
mod switches;
pub mod testing;
mod watch;
pub mod wire;

pub use before_record::Keep;
pub use breadcrumb::{BreadcrumbLayer, Breadcrumbs};
pub use builder::CourierBuilder;
pub use clock::Clock;
pub use console::{InstallError, console, rust_log};
pub use context::RunContext;
pub use courier::Courier;
pub use courier_sanitize as sanitize;
pub use courier_sanitize::Sanitizer;
pub use failure::{Failure, via};
pub use gate::{Around, Json, SanitizeExt, SanitizeLayer, Sanitized, Sealed, json};
pub use level::{Levels, LevelsError, LevelsFilter, Rules};
pub use losses::{Loss, Losses};
pub use panic::PanicHook;
pub use queue::DiskQueue;
pub use queue_layer::{DiskQueueLayer, TraceIds};
pub use record::{Level, Record};
pub use send::{Backend, BackendLayer, Guard};
pub use start::StartError;
pub use status::Status;
pub use switches::{SWITCHES_FILE, SwitchError};
pub use watch::Watch;

/// Crates whose types this one takes or gives: a program that names them needs no second version of them.
#[doc(no_inline)]
pub use {jiff, serde_json, tracing_subscriber, uuid};

/// For the macros of this crate.
#[doc(hidden)]
pub use tracing as __tracing;

/// What the paved path needs: `use tracing_courier::prelude::*`.
pub mod prelude {
    pub use crate::gate::SanitizeExt as _;
    pub use crate::{Courier, fatal};
}
