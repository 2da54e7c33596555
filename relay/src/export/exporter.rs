//! The loop that sends: reads frames, sends a request, and does with each record what the answer says.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::fit::Fit;
use super::merge::{Piece, Request};
use super::pace::Pace;
use super::pause::{Flow, READ_AGAIN, pause};
use super::retry::{self, Answer, Next, next};
use super::upstream::Upstream;
use super::words;
use crate::metrics::Exports;
use crate::spool::{Consumer, Cursor, DeadLetter, Pending, Spool};

/// Drains the spool into an upstream.
#[derive(Debug)]
pub struct Exporter {
    /// From where.
    pub spool: Spool,
    /// As whom: logs, or exceptions as spans.
    pub consumer: Consumer,
    /// To where.
    pub upstream: Upstream,
    /// How the upstream wants it.
    pub fit: Fit,
    /// Where it is counted.
    pub exports: Arc<Exports>,
}

/// Where an exporter is between two requests.
struct Run {
    pace: Pace,
    attempt: u32,
    /// Records put aside since the upstream took one.
    refused_in_a_row: u32,
    next_at: Instant,
    stop: watch::Receiver<bool>,
}

impl Exporter {
    /// Runs until `stop` is set, and then as long as the upstream takes what is left at the first try.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut run = Run {
            pace: Pace::new(self.fit.records_per_second),
            attempt: 0,
            refused_in_a_row: 0,
            next_at: Instant::now(),
            stop,
        };
        if self.consumer == Consumer::Export {
            tokio::select! {
                () = words::probe(&self.upstream, &self.exports) => {}
                _ = run.stop.wait_for(|stop| *stop) => {}
            }
        }
        loop {
            let frames = match self
                .spool
                .read(self.consumer, run.pace.request_bytes())
                .await
            {
                Ok(frames) => frames,
                Err(error) => {
                    tracing::error!(error = %error, "the spool can't be read");
                    if pause(READ_AGAIN, &mut run.stop).await == Flow::Stop {
                        return;
                    }
                    continue;
                }
            };
            if frames.is_empty() {
                if *run.stop.borrow() {
                    return;
                }
                tokio::select! {
                    () = self.spool.changed(self.consumer) => {}
                    _ = run.stop.changed() => {}
                }
                // A relay that stops does not wait for more.
                let _ = tokio::time::timeout_at(run.next_at, run.stop.wait_for(|stop| *stop)).await;
                continue;
            }
            if self.frames(frames.into(), &mut run).await == Flow::Stop {
                return;
            }
        }
    }

    async fn frames(&self, frames: Arc<[Pending]>, run: &mut Run) -> Flow {
        let Some(cursor) = self.spool.cursor(self.consumer) else {
            return Flow::Stop;
        };
        let mut open = vec![Piece::of(&frames, cursor)];
        while let Some(piece) = open.pop() {
            if piece.records() == 0 {
                if self.advance(piece.end(), Vec::new(), &mut run.stop).await == Flow::Stop {
                    return Flow::Stop;
                }
                continue;
            }
            // A relay that stops sends what is left as fast as it can.
            let _ = tokio::time::timeout_at(run.next_at, run.stop.wait_for(|stop| *stop)).await;
            let request = match self.request(&piece, &frames).await {
                Ok(request) => request,
                Err(_) if piece.records() > 1 => {
                    let (lower, upper) = piece.halves();
                    open.extend([upper, lower]);
                    continue;
                }
                Err(error) => {
                    tracing::error!(
                        error,
                        "a record can't be made ready for the upstream; it was put aside"
                    );
                    if self.put_aside(&piece, &frames, error, run).await == Flow::Stop {
                        return Flow::Stop;
                    }
                    continue;
                }
            };
            for &(frame, records) in &request.damaged {
                self.spool.damaged_frame(frame, records);
            }
            let Some(gzip) = request.gzip else {
                if self.advance(piece.end(), Vec::new(), &mut run.stop).await == Flow::Stop {
                    return Flow::Stop;
                }
                continue;
            };
            let started = Instant::now();
            let answer = self.send(gzip).await;
            let wait = match next(&answer, run.attempt) {
                Next::Done => {
                    run.attempt = 0;
                    self.exports.alarm.set(0);
                    let taken = request.shown.saturating_sub(answer.refused);
                    if taken > 0 {
                        run.refused_in_a_row = 0;
                    }
                    self.exports.taken.inc_by(taken);
                    self.exports.refused.inc_by(answer.refused);
                    words::warned(&self.exports, &answer);
                    run.next_at = started + run.pace.taken(piece.records(), piece.bytes());
                    if self.advance(piece.end(), Vec::new(), &mut run.stop).await == Flow::Stop {
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
                Next::Bisect if run.refused_in_a_row >= MAX_REFUSED_IN_A_ROW => {
                    self.exports.alarm.set(1);
                    tracing::error!(
                        status = answer.status,
                        said = answer.message,
                        put_aside = run.refused_in_a_row,
                        "the upstream refuses one record after the other and takes none; the others are kept. Check \
                         --otlp-endpoint and what stands before the upstream; if the records themselves are at fault, \
                         a restart puts as many aside again"
                    );
                    retry::alarm(run.attempt)
                }
                Next::Bisect => {
                    run.attempt = 0;
                    run.refused_in_a_row += 1;
                    tracing::warn!(
                        status = answer.status,
                        said = answer.message,
                        "a record was put aside for good; `courier-relay dead ls` lists it"
                    );
                    let status = answer
                        .status
                        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                    let reason = format!("{status}: {}", answer.message);
                    if self.put_aside(&piece, &frames, reason, run).await == Flow::Stop {
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
                    self.exports.alarm.set(1);
                    tracing::error!(
                        status = answer.status,
                        said = answer.message,
                        "the upstream refuses; records are kept. Check --otlp-endpoint and its token"
                    );
                    wait
                }
            };
            self.exports.retries.inc();
            run.attempt = run.attempt.saturating_add(1);
            run.pace.away();
            // What is left of these frames is read again, in smaller requests.
            return pause(wait, &mut run.stop).await;
        }
        Flow::GoOn
    }

    /// What is to be sent; why not, when making it ended unexpectedly.
    async fn request(&self, piece: &Piece, frames: &Arc<[Pending]>) -> Result<Request, String> {
        let view = self.fit.view(self.consumer == Consumer::Spans);
        if piece.is_as_it_lies(frames, &view) {
            return Ok(piece.request(frames, &view));
        }
        // Megabytes are unpacked and packed again: not where others wait for the thread.
        let (piece, frames) = (piece.clone(), Arc::clone(frames));
        aside(move || piece.request(&frames, &view)).await
    }

    async fn send(&self, gzip: Vec<u8>) -> Answer {
        let started = Instant::now();
        let answer = self.upstream.send(gzip).await;
        self.exports.time.observe(started.elapsed().as_secs_f64());
        let label = answer
            .status
            .map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.exports.answered(label);
        answer
    }

    /// The upstream has it: this has to be written down, or it would be sent again.
    async fn advance(
        &self,
        to: Cursor,
        dead: Vec<DeadLetter>,
        stop: &mut watch::Receiver<bool>,
    ) -> Flow {
        while let Err(error) = self.spool.advance(self.consumer, to, dead.clone()).await {
            tracing::error!(error = %error, "the spool's cursor can't be written");
            if pause(READ_AGAIN, stop).await == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::GoOn
    }

    /// Keeps the piece's one record as a dead letter and goes on behind it. One that is damaged is counted as that.
    async fn put_aside(
        &self,
        piece: &Piece,
        frames: &[Pending],
        reason: String,
        run: &mut Run,
    ) -> Flow {
        let mut letters = Vec::new();
        if let Some(body) = piece.only(frames) {
            self.exports.dead_letters.inc();
            letters.push(DeadLetter {
                of: self.consumer,
                reason,
                body,
            });
        } else {
            for (frame, records) in piece.frames() {
                self.spool.damaged_frame(frame, records);
            }
        }
        self.advance(piece.end(), letters, &mut run.stop).await
    }
}

/// What `make` makes on a thread of its own; what it said when it panicked.
async fn aside<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let made = tokio::task::spawn_blocking(make).await;
    made.map_err(|ended| format!("the relay could not make it ready: {ended}"))
}

/// So many records are put aside one after the other, with none taken in between, before it is taken for the upstream's
/// fault: more than a whole batch of one program, which may be at fault in all of its records.
const MAX_REFUSED_IN_A_ROW: u32 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_view_that_panics_is_an_error_and_not_nothing_to_show() {
        assert_eq!(aside(|| 7).await, Ok(7));
        let made = aside(|| -> Request { panic!("nobody thought of it") }).await;
        assert!(made.is_err_and(|error| error.contains("nobody thought of it")));
    }
}
