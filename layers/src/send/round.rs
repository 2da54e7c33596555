//! One round: batch after batch, until what was there at its start is home, or something stops it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::answer_form::Success;
use super::answer_form::described;
use super::next::{Next, backoff, next};
use super::reason::Reason;
use super::shared::Shared;
use super::stamps;
use super::stderr_notice::Told;
use super::token::{NoToken, Token, Tokens};
use super::transport::{Answer, Request, Transport};
use super::wake::Cause;
use crate::queue::{Batch, DiskQueue};
use crate::record;

/// The largest body that a relay takes, in bytes before compression. From the contract.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

const PATH: &str = "/api/v1/logs";

/// How much goes at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub records: usize,
    pub bytes: usize,
}

/// What drains the queue, and what it knows from one round to the next.
pub(super) struct Drain {
    pub queue: DiskQueue,
    pub transport: Box<dyn Transport>,
    pub tokens: Tokens,
    pub shared: Arc<Shared>,
    pub limits: Limits,
    pub success: Success,
    pub told: Told,
    /// The tag of the levels that came with the last answer.
    pub levels_etag: Option<String>,
    /// How many records the next round brings home; all where nothing is said.
    pub goal: Option<u64>,
    /// Tries that failed in a row.
    attempt: u32,
    /// Records in the next batch at most: halved by refusals, doubled by successes.
    records: usize,
    /// The last body, for its room.
    body: Vec<u8>,
}

/// What a round came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// Everything that was there at its start is home.
    Home,
    /// The rest waits for more of a storm of errors.
    Held,
    RetryIn(Duration, String),
    /// To be asked for again after a while, where the program is asked.
    PausedForToken(Option<Duration>, String),
    PausedNotFound(String),
    Stopped,
}

impl Drain {
    pub fn new(
        queue: DiskQueue,
        transport: Box<dyn Transport>,
        tokens: Tokens,
        shared: Arc<Shared>,
        limits: Limits,
        success: Success,
        told: Told,
    ) -> Self {
        Self {
            queue,
            transport,
            tokens,
            shared,
            limits,
            success,
            told,
            levels_etag: None,
            goal: None,
            attempt: 0,
            records: limits.records,
            body: Vec::new(),
        }
    }

    /// Drains, sends and acts on each answer.
    pub fn round(&mut self, cause: Cause) -> Round {
        self.queue.adopt();
        let pending = self.queue.pending().records;
        let goal = self.goal.take().unwrap_or(pending).min(pending);
        let (mut done, mut has_sent_full) = (0, false);
        while done < goal {
            if self.shared.is_stopping() {
                return Round::Stopped;
            }
            let Some(batch) = self.queue.drain(self.records, self.limits.bytes) else {
                break;
            };
            let is_full = batch.len() >= self.records;
            let (of_one_clock, sent_at) = stamps::of(&batch, self.shared.wall_now());
            let batch = match of_one_clock == batch.len() {
                true => batch,
                // The same records again, up to where the device's clock was set.
                false => match self.queue.drain(of_one_clock, self.limits.bytes) {
                    Some(batch) => batch,
                    None => break,
                },
            };
            // A storm of errors makes no more requests than draining it would: its last records wait to fill a batch.
            if cause == Cause::Nudge && has_sent_full && !is_full && self.shared.is_only_nudged() {
                return Round::Held;
            }
            let token = match self.token() {
                Ok(token) => token,
                Err(why) => return self.pause_for_token(why, true),
            };
            let (next, answer) = self.send(&batch, sent_at, token.as_ref());
            match next {
                Next::Confirm(receipt) => {
                    self.levels_etag = answer.levels_etag.or(self.levels_etag.take());
                    let rejected: Vec<(usize, String)> = receipt
                        .rejected
                        .into_iter()
                        .map(|rejected| (rejected.index, rejected.reason))
                        .collect();
                    self.leave(&batch, &rejected);
                    done += batch.len() as u64;
                    has_sent_full |= is_full;
                    self.records = (self.records * 2).min(self.limits.records);
                }
                Next::Split(_) if batch.len() > 1 => self.records = batch.len() / 2,
                Next::Split(reason) => {
                    self.leave(&batch, &[(0, reason)]);
                    done += 1;
                }
                Next::RetryIn(wait) => {
                    self.tell(|this| this.reason(&answer));
                    return self.retry_in(wait, described(&answer, self.success));
                }
                Next::PauseUntilNewToken => {
                    let has_token = token.is_some();
                    self.tokens.refuse(token);
                    return self.pause_for_token(NoToken::StillRefused, has_token);
                }
                Next::PauseUntilNewEndpoint => {
                    self.tell(|this| this.reason(&answer));
                    return Round::PausedNotFound(described(&answer, self.success));
                }
            }
        }
        Round::Home
    }

    /// The token for the next request.
    pub fn token(&mut self) -> Result<Option<Token>, NoToken> {
        self.tokens.next(self.shared.token())
    }

    /// The round was cut short by a panic in code that is not ours.
    pub fn panicked(&mut self) -> Round {
        self.shared.panicked();
        self.tell(|_| Reason::panic());
        let wait = backoff(self.attempt, jitter());
        self.retry_in(wait, "a panic while sending".to_owned())
    }

    /// There is no network to send over.
    pub fn offline(&mut self) {
        self.tell(|_| Reason::no_network());
    }

    /// Says on stderr why nothing arrives, where somebody develops the program.
    fn tell(&mut self, reason: impl FnOnce(&Self) -> Reason) {
        let mut told = std::mem::take(&mut self.told);
        let (endpoint, now) = (self.transport.endpoint(), self.shared.time.now());
        told.fails(endpoint, now, || reason(self));
        self.told = told;
    }

    fn reason(&self, answer: &Answer) -> Reason {
        Reason::of_answer(self.transport.endpoint(), answer, self.success)
    }

    /// Whatever came before says nothing about another endpoint.
    pub fn forget_failures(&mut self) {
        self.attempt = 0;
    }

    fn retry_in(&mut self, wait: Duration, why: String) -> Round {
        self.attempt = self.attempt.saturating_add(1);
        Round::RetryIn(wait, why)
    }

    fn pause_for_token(&mut self, why: NoToken, has_token: bool) -> Round {
        if why == NoToken::Panicked {
            self.shared.panicked();
        }
        self.tell(|_| Reason::of_token(&why, has_token));
        let is_asked_for = self.tokens.are_asked_for() && self.shared.token().is_none();
        let again = is_asked_for.then(|| backoff(self.attempt, jitter()));
        self.attempt = self.attempt.saturating_add(1);
        Round::PausedForToken(again, why.to_string())
    }

    /// The batch leaves the queue: home, but for what is put aside.
    fn leave(&mut self, batch: &Batch, rejected: &[(usize, String)]) {
        self.attempt = 0;
        if let Some((_, why)) = rejected.first() {
            self.queue.reject(batch, rejected);
            let records = rejected.len();
            self.told.loses(|| Reason::of_rejected(records, why));
        }
        self.queue.confirm(batch.token());
        let rejected = rejected.len() as u64;
        let accepted = batch.len() as u64 - rejected;
        self.shared.count(accepted, rejected);
        self.told.arrived(self.transport.endpoint(), accepted);
    }

    fn send(&mut self, batch: &Batch, sent_at: Timestamp, token: Option<&Token>) -> (Next, Answer) {
        write_body(&mut self.body, batch, sent_at);
        if self.body.len() > MAX_BODY_BYTES {
            // The relay would say 413, after reading it.
            let reason = "its request would be over 1 MiB".to_owned();
            return (Next::Split(reason), Answer::default());
        }
        self.transport.prepare();
        // Written down for as long as the send lasts: a record that kills its sender is found across restarts.
        let attempt = self.queue.attempt(batch);
        let answer = self.transport.post(&Request {
            path: PATH,
            token: token.map(|token| token.0.as_str()),
            request_id: &Uuid::new_v4().to_string(),
            body: &self.body,
        });
        drop(attempt);
        let next = next(&answer, batch.len(), self.success, self.attempt, jitter());
        (next, answer)
    }
}

/// The request's body; the records stay as they are on disk.
fn write_body(body: &mut Vec<u8>, batch: &Batch, sent_at: Timestamp) {
    let context = batch.context();
    body.clear();
    body.reserve(batch.joined().len() + context.len() + 64);
    body.push(b'{');
    body.extend_from_slice(context.as_bytes());
    if !context.is_empty() {
        body.push(b',');
    }
    body.extend_from_slice(b"\"sentAt\":\"");
    record::timestamp(sent_at, body);
    body.extend_from_slice(b"\",\"logs\":[");
    body.extend_from_slice(batch.joined());
    body.extend_from_slice(b"]}");
}

/// In 0..1, from the system's randomness.
pub(super) fn jitter() -> f64 {
    let (random, _) = Uuid::new_v4().as_u64_pair();
    // The top 32 bits of a version 4 UUID are all random.
    (random >> 32) as f64 / f64::from(u32::MAX)
}
