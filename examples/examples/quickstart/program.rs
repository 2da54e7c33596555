//! A small believable program: it logs in, syncs a room, fails while the network is away, and survives a panic.

use serde::Serialize;
use tracing::{debug, error, info, info_span, instrument, warn};
use tracing_courier::json;

/// What it must never tell anybody. The report looks for these everywhere.
pub const SECRETS: [&str; 6] = [
    "correct-horse-battery",
    "ada@example.org",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
    "s3cr3t-k3y",
    "10.20.30.40",
    "078-05-1120",
];

/// As the source says it: what the report shows first.
pub const SOURCE: &str = r#"
info!(password = "correct-horse-battery", attempt = 1, "login of ada@example.org");
let _in = info_span!("request", room = 42, api_key = "s3cr3t-k3y").entered();
info!(retry = ?json(&Retry { after_s: 4, token: "eyJhbGciOi…" }), "sync planned");
warn!(bytes = 18_446_744_073_709_551_615_u64, ratio = 0.25, online = false, "no route to 10.20.30.40");
error!(error = &failed as &dyn Error, http_status = 503, "upload failed");
fatal!(ssn = "078-05-1120", "cannot keep the session");
panic!("room 42 is gone for ada@example.org")   // caught
"#;

#[derive(Serialize)]
struct Retry {
    after_s: u32,
    token: &'static str,
}

/// Logs the lines of [`SOURCE`].
pub fn run() {
    info!(
        password = "correct-horse-battery",
        attempt = 1,
        "login of ada@example.org"
    );
    sync();
    // Caught, as a server does with a request that panics. The record is on disk all the same.
    let caught = std::panic::catch_unwind(|| panic!("room 42 is gone for ada@example.org"));
    info!(caught = caught.is_err(), "still alive");
}

#[instrument(fields(room = 42, api_key = "s3cr3t-k3y"), name = "request")]
fn sync() {
    let retry = Retry {
        after_s: 4,
        token: SECRETS[2],
    };
    info!(retry = ?json(&retry), "sync planned");
    debug!("below the level: in no place at all");
    let upload = info_span!("upload", bytes_sent = tracing::field::Empty);
    upload.in_scope(|| {
        warn!(
            bytes = u64::MAX,
            ratio = 0.25,
            online = false,
            "no route to 10.20.30.40"
        );
        upload.record("bytes_sent", 1_024);
        let failed = std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "https://ada:correct-horse-battery@rooms.example/42 did not answer",
        );
        error!(
            error = &failed as &dyn std::error::Error,
            http_status = 503,
            "upload failed"
        );
    });
    tracing_courier::fatal!(ssn = "078-05-1120", "cannot keep the session");
}
