//! The sender's loop: drain, send, act on the answer, wait. It runs on a thread of its own, without a subscriber, so
//! that its own HTTP machinery can't log into the queue that it drains.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing_core::{Dispatch, dispatcher};
use uuid::Uuid;

use super::next::{Next, next};
use super::shared::{Connected, Shared, Wake};
use super::transport::{Answer, Request, Transport};
use crate::queue::{Batch, DiskQueue};
use crate::record;

/// Records in a batch at most. From the contract's design: small enough to be cheap to send again.
pub(super) const MAX_BATCH_RECORDS: usize = 100;
/// Bytes of a batch's records at most: below the relay's 1 MiB, with room for context and resource.
pub(super) const MAX_BATCH_BYTES: usize = 900_000;

const PATH: &str = "/api/v1/logs";

pub(super) struct Worker {
    queue: DiskQueue,
    transport: Box<dyn Transport>,
    shared: Arc<Shared>,
    /// Time between rounds when nothing calls for one.
    interval: Duration,
    /// Tries that failed in a row.
    attempt: u32,
    /// Records in the next batch at most: halved by refusals, doubled by successes.
    limit: usize,
}

/// Says that the thread has ended, however it did.
struct Stopped(Arc<Shared>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.set(Connected::Stopped);
    }
}

/// What a round came to.
enum Round {
    Drained,
    RetryIn(Duration, String),
    PausedForToken,
    PausedNotFound(String),
    Stopped,
}

impl Worker {
    pub fn new(
        queue: DiskQueue,
        transport: Box<dyn Transport>,
        shared: Arc<Shared>,
        interval: Duration,
    ) -> Self {
        Self {
            queue,
            transport,
            shared,
            interval,
            attempt: 0,
            limit: MAX_BATCH_RECORDS,
        }
    }

    pub fn run(mut self) {
        // Also where a transport panics: whoever flushes then hears so, instead of waiting for nobody.
        let stopped = Stopped(Arc::clone(&self.shared));
        // `Dispatch::none()` is known to no callsite; a `NoSubscriber` would raise the process's level to TRACE.
        let quiet = dispatcher::set_default(&Dispatch::none());
        let mut connected = Connected::Idle;
        loop {
            match self.shared.wait(&connected, self.interval) {
                Wake::Stop => break,
                Wake::Round { covering } => {
                    self.shared.set(Connected::Sending);
                    let round = self.round();
                    connected = self.settle(round, covering);
                }
            }
        }
        // What the transport says while it is dropped is nobody's business either.
        drop(self.transport);
        drop(quiet);
        drop(stopped);
    }

    /// Sends until what was pending at the start is home, or something stops it.
    fn round(&mut self) -> Round {
        self.queue.adopt();
        let goal = self.queue.pending().records;
        let mut done = 0;
        while done < goal {
            if self.shared.is_stopping_now() {
                return Round::Stopped;
            }
            let Some(batch) = self.queue.drain(self.limit, MAX_BATCH_BYTES) else {
                break;
            };
            self.transport.prepare();
            // Written down for as long as the send lasts: a record that kills its sender is found across restarts.
            let attempt = self.queue.attempt(&batch);
            let answer = self.post(&batch);
            drop(attempt);
            match next(&answer, batch.len(), self.attempt, jitter()) {
                Next::Confirm(receipt) => {
                    let rejected: Vec<(usize, String)> = receipt
                        .rejected
                        .into_iter()
                        .map(|rejected| (rejected.index, rejected.reason))
                        .collect();
                    self.leave(&batch, &rejected);
                    done += batch.len() as u64;
                    self.limit = (self.limit * 2).min(MAX_BATCH_RECORDS);
                }
                Next::Split(_) if batch.len() > 1 => self.limit = batch.len() / 2,
                Next::Split(reason) => {
                    self.leave(&batch, &[(0, reason)]);
                    done += 1;
                }
                Next::RetryIn(wait) => {
                    self.attempt = self.attempt.saturating_add(1);
                    return Round::RetryIn(wait, describe(&answer));
                }
                Next::PauseUntilNewToken => return Round::PausedForToken,
                Next::PauseUntilNewEndpoint => return Round::PausedNotFound(describe(&answer)),
            }
        }
        Round::Drained
    }

    /// The batch leaves the queue: home, but for what is put aside.
    fn leave(&mut self, batch: &Batch, rejected: &[(usize, String)]) {
        self.attempt = 0;
        if !rejected.is_empty() {
            self.queue.reject(batch, rejected);
        }
        self.queue.confirm(batch.token());
        let rejected = rejected.len() as u64;
        self.shared.count(batch.len() as u64 - rejected, rejected);
    }

    fn post(&mut self, batch: &Batch) -> Answer {
        let token = self.shared.token();
        let request_id = Uuid::new_v4().to_string();
        self.transport.post(&Request {
            path: PATH,
            token: token.as_ref().map(|token| token.0.as_str()),
            request_id: &request_id,
            body: &body(batch, Timestamp::now()),
        })
    }

    fn settle(&self, round: Round, covering: u64) -> Connected {
        let connected = match round {
            Round::Drained => {
                self.shared.flushed(covering);
                Connected::Idle
            }
            Round::RetryIn(wait, error) => {
                self.shared.failed(error);
                Connected::BackingOff(Instant::now() + wait)
            }
            Round::PausedForToken => {
                self.shared.failed("the relay refused the token".to_owned());
                Connected::PausedForToken
            }
            Round::PausedNotFound(error) => {
                self.shared.failed(error);
                Connected::PausedNotFound
            }
            Round::Stopped => Connected::Idle,
        };
        self.shared.set(connected);
        connected
    }
}

/// The request's body; the records stay as they are on disk.
fn body(batch: &Batch, sent_at: Timestamp) -> Vec<u8> {
    let context = batch.context();
    let mut body = Vec::with_capacity(batch.joined().len() + context.len() + 64);
    body.push(b'{');
    body.extend_from_slice(context.as_bytes());
    if !context.is_empty() {
        body.push(b',');
    }
    body.extend_from_slice(b"\"sentAt\":\"");
    record::timestamp(sent_at, &mut body);
    body.extend_from_slice(b"\",\"logs\":[");
    body.extend_from_slice(batch.joined());
    body.extend_from_slice(b"]}");
    body
}

/// What went wrong, in a few words; nothing of the answer's body, which may be anything.
fn describe(answer: &Answer) -> String {
    match (answer.status, &answer.error) {
        (Some(status @ 200..=299), _) => {
            format!(
                "{status} without a receipt: this did not come from a relay (a captive portal, a proxy?)"
            )
        }
        (Some(status), _) => format!("the relay answered {status}"),
        (None, Some(error)) => error.clone(),
        (None, None) => "no answer".to_owned(),
    }
}

/// In 0..1, from the system's randomness.
fn jitter() -> f64 {
    let (random, _) = Uuid::new_v4().as_u64_pair();
    // The top 32 bits of a version 4 UUID are all random.
    (random >> 32) as f64 / f64::from(u32::MAX)
}
