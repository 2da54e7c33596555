//! Sends what the spool holds to an OTLP backend, in order, until it has it.
//!
//! The promises, in order:
//!
//! 1. the cursor moves when the upstream has taken a record, has refused it for its content, and never else;
//! 2. an outage, however long, costs no record; a record that the upstream will never take costs itself only;
//! 3. a record is sent twice only if the relay died between an answer and its commit.
//!
//! Frames are merged as they lie, up to 5 MB a request; one request is in flight. Partial success is counted and never
//! sent again, as OTLP asks.

mod clamp;
mod merge;
mod retry;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;

pub use clamp::Window;
pub use retry::{Answer, Next, next};
pub use upstream::{Upstream, UpstreamError, client};

use crate::metrics::Metrics;
use crate::spool::{Cursor, DeadLetter, Frame, Pending, Spool};
use merge::Piece;

/// Drains the spool into an upstream.
#[derive(Debug)]
pub struct Exporter {
    /// From where.
    pub spool: Spool,
    /// To where.
    pub upstream: Upstream,
    /// Whether times are kept within what the upstream takes.
    pub clamp: bool,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

/// Whether to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    GoOn,
    Stop,
}

impl Exporter {
    /// Runs until `stop` is set, and then as long as the upstream takes what is left at the first try.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            let cursor = self.spool.cursor();
            let frames = match self.spool.read(cursor, MAX_REQUEST_BYTES).await {
                Ok(frames) => frames,
                Err(error) => {
                    tracing::error!(error = %error, "the spool can't be read");
                    if pause(READ_AGAIN, &mut stop).await == Flow::Stop {
                        return;
                    }
                    continue;
                }
            };
            if frames.is_empty() {
                if *stop.borrow() {
                    return;
                }
                tokio::select! {
                    () = self.spool.changed() => {}
                    _ = stop.changed() => {}
                }
                continue;
            }
            if self.frames(&frames, cursor, &mut stop).await == Flow::Stop {
                return;
            }
        }
    }

    async fn frames(
        &self,
        frames: &[Pending],
        cursor: Cursor,
        stop: &mut watch::Receiver<bool>,
    ) -> Flow {
        let mut open = vec![Piece::of(frames, cursor)];
        let mut attempt = 0;
        while let Some(piece) = open.pop() {
            if piece.records() == 0 {
                if self.advance(piece.end(), Vec::new(), stop).await == Flow::Stop {
                    return Flow::Stop;
                }
                continue;
            }
            let answer = self.send(&piece, frames).await;
            let wait = match next(&answer, attempt) {
                Next::Done => {
                    attempt = 0;
                    self.metrics.alarm.store(0, Ordering::Relaxed);
                    self.metrics
                        .exported
                        .add(piece.records().saturating_sub(answer.refused));
                    if answer.refused > 0 || !answer.message.is_empty() {
                        self.metrics.upstream_refused.add(answer.refused);
                        tracing::warn!(
                            refused = answer.refused,
                            said = answer.message,
                            "the upstream took a part"
                        );
                    }
                    if self.advance(piece.end(), Vec::new(), stop).await == Flow::Stop {
                        return Flow::Stop;
                    }
                    continue;
                }
                Next::Bisect if piece.records() > 1 => {
                    tracing::debug!(
                        status = answer.status,
                        records = piece.records(),
                        "bisecting"
                    );
                    let (lower, upper) = piece.halves();
                    open.extend([upper, lower]);
                    continue;
                }
                Next::Bisect => {
                    attempt = 0;
                    tracing::warn!(
                        status = answer.status,
                        said = answer.message,
                        "a record was put aside for good"
                    );
                    self.metrics.dead_letters.add(1);
                    let letter = dead_letter(&piece, frames, &answer);
                    if self.advance(piece.end(), vec![letter], stop).await == Flow::Stop {
                        return Flow::Stop;
                    }
                    continue;
                }
                Next::RetryIn(wait) => {
                    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(
                        status = answer.status,
                        said = answer.message,
                        wait_ms,
                        "the upstream is away"
                    );
                    wait
                }
                Next::AlarmAndRetryIn(wait) => {
                    self.metrics.alarm.store(1, Ordering::Relaxed);
                    tracing::error!(
                        status = answer.status,
                        said = answer.message,
                        "the upstream refuses; records are kept. Check --otlp-endpoint and its token"
                    );
                    wait
                }
            };
            self.metrics.retries.add(1);
            attempt += 1;
            open.push(piece);
            if pause(wait, stop).await == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::GoOn
    }

    async fn send(&self, piece: &Piece, frames: &[Pending]) -> Answer {
        let window = self.clamp.then(|| Window::around(Timestamp::now()));
        let request = piece.request(frames, |frame| {
            window.and_then(|window| window.clamp(frame))
        });
        let started = Instant::now();
        let answer = self.upstream.send(request).await;
        self.metrics.export_time.record(started.elapsed());
        let label = answer
            .status
            .map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.metrics.exports.add(label, 1);
        answer
    }

    /// The upstream has it: this has to be written down, or it would be sent again.
    async fn advance(
        &self,
        to: Cursor,
        dead: Vec<DeadLetter>,
        stop: &mut watch::Receiver<bool>,
    ) -> Flow {
        while let Err(error) = self.spool.advance(to, dead.clone()).await {
            tracing::error!(error = %error, "the spool's cursor can't be written");
            if pause(READ_AGAIN, stop).await == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::GoOn
    }
}

fn dead_letter(piece: &Piece, frames: &[Pending], answer: &Answer) -> DeadLetter {
    let status = answer
        .status
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    DeadLetter {
        reason: format!("{status}: {}", answer.message),
        body: piece.only(frames),
    }
}

/// Waits, but not for a relay that stops.
async fn pause(wait: Duration, stop: &mut watch::Receiver<bool>) -> Flow {
    let stopped = tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await;
    if stopped.is_ok() {
        Flow::Stop
    } else {
        Flow::GoOn
    }
}

/// Frames are merged up to this: 5 MB, by the contract.
const MAX_REQUEST_BYTES: u64 = 5_000_000;

/// How soon a database that failed is tried again.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// A request with one frame.
#[must_use]
pub fn request(frame: &Frame) -> Vec<u8> {
    let mut request = Vec::with_capacity(frame.body.len() + 8);
    merge::push(&frame.body, &mut request);
    request
}
