//! From a body's bytes to what is kept: parse, redact, map, offer.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use tracing_courier::sanitize::Sanitizer;
use tracing_courier::wire::Receipt;

use super::convert;
use super::once::{name, once};
use super::sink::Sink;
use super::turns::Turn;
use crate::disk::Disk;
use crate::export::{MAX_EXCEPTION_BYTES, MAX_MESSAGE_BYTES};
use crate::http::ApiError;
use crate::levels::Program;
use crate::map::{self, Arrival};
use crate::metrics::Metrics;
use crate::redact::Redaction;
use crate::spool::{Frame, Named, Names, Offer, Packed, Traits, Verdict};
use crate::stone::{Of, Stones};
use crate::wire::{self, Batch, Claim, Record};

/// Everything behind the edge: parse, map, keep.
#[derive(Clone)]
pub struct Pipeline {
    /// Where records go.
    pub sink: Sink,
    /// What the data directory is on.
    pub disk: Disk,
    /// Where they are counted.
    pub metrics: Arc<Metrics>,
    /// What redacts again, unless the operator does not want it.
    pub sanitizer: Option<Sanitizer>,
    /// Records in one batch at most.
    pub max_records: usize,
    /// Who was erased.
    pub stones: Arc<Stones>,
}

impl Pipeline {
    /// Whether the disk has room for a batch.
    ///
    /// # Errors
    ///
    /// When it is nearly full: then nothing is accepted.
    pub fn has_room(&self) -> Result<(), ApiError> {
        if self.disk.is_low() {
            return Err(ApiError::Unavailable("the disk is nearly full"));
        }
        Ok(())
    }

    /// Accepts what is whole in `body`, if `admit` lets in so many records. The subject of what was carried by hand is
    /// empty.
    ///
    /// # Errors
    ///
    /// When nothing of it was kept.
    pub async fn accept(
        &self,
        subject: &str,
        body: &[u8],
        admit: impl FnOnce(usize) -> Result<(), ApiError>,
    ) -> Result<Receipt, ApiError> {
        let mut turn = Turn::default();
        let (receipt, _) = self.take(subject, body, admit, &mut turn).await?;
        Ok(receipt)
    }

    /// The same, with where the batch came from. The turn is given back while the sink is waited for.
    ///
    /// # Errors
    ///
    /// When nothing of it was kept.
    pub async fn take(
        &self,
        subject: &str,
        body: &[u8],
        admit: impl FnOnce(usize) -> Result<(), ApiError>,
        turn: &mut Turn,
    ) -> Result<(Receipt, Program), ApiError> {
        self.has_room()?;
        let arrival = Arrival {
            subject,
            received: Timestamp::now(),
            body: None,
        };
        let mut batch = wire::parse(body, self.max_records)?;
        if batch.sent > self.max_records {
            return Err(ApiError::TooManyRecords {
                records: batch.sent,
                max: self.max_records,
            });
        }
        admit(batch.sent)?;
        let program = Program::of(&batch);
        for (_, reject) in &batch.rejected {
            self.metrics.rejected.add(reject.as_str(), 1);
        }
        let of_records = batch.records.iter().map(|record| record.dropped.members);
        let dropped = batch.resource_dropped.members + of_records.sum::<u64>();
        self.metrics.members_dropped.inc_by(dropped);
        if let Some(sanitizer) = &self.sanitizer {
            Redaction::by(sanitizer).batch(&mut batch);
        }
        let mut records = std::mem::take(&mut batch.records);
        let whole = records.len();
        once(&mut records, &batch);
        // Until these are in the spool nobody is erased, or they would come behind that.
        let entered = match &self.sink {
            Sink::Spool(_) => Some(self.stones.enter().await),
            Sink::Through(..) => None,
        };
        let before = records.len();
        self.keep_out(&mut records, &batch, &arrival);
        let kept_out = count(before - records.len());
        while !records.is_empty() {
            let offer = offer(&batch, &records, &arrival, body);
            turn.pause();
            match self.sink.accept(offer).await? {
                Verdict::Kept => break,
                Verdict::Known { seqs, hash } => {
                    turn.resume().await?;
                    let seqs: HashSet<u64> = seqs.into_iter().collect();
                    let before = records.len();
                    records.retain(|record| match name(record, &batch) {
                        Some(seq) => !seqs.contains(&seq),
                        None => !hash,
                    });
                    if records.len() == before {
                        // The ledger knows a name that none of these has: it can't be, and must not loop.
                        return Err(ApiError::Unavailable("the spool is away"));
                    }
                }
            }
        }
        drop(entered);
        self.metrics.kept_out.inc_by(kept_out);
        let receipt = Receipt::new(
            count(records.len()),
            count(whole - records.len()),
            convert::in_words(&batch.rejected),
        );
        self.metrics.accepted.inc_by(receipt.accepted);
        self.metrics
            .duplicates
            .inc_by(receipt.duplicates - kept_out);
        self.metrics.received_bytes.inc_by(count(body.len()));
        Ok((receipt, program))
    }
}

impl Pipeline {
    /// Takes out records of persons who were erased after that time. The client is told that they were there before: so it
    /// lets go of them.
    fn keep_out(&self, records: &mut Vec<Record<'_>>, batch: &Batch<'_>, arrival: &Arrival<'_>) {
        let Some(mut sieve) = self.stones.sieve() else {
            return;
        };
        let context = &batch.context;
        let correction = map::correction(batch.sent_at, arrival.received);
        records.retain(|record| {
            let user = match &record.user {
                Claim::Is(user) => Some(user.as_ref()),
                Claim::Nobody => None,
                Claim::Silent => context.user.as_deref(),
            };
            let install = record.install.as_deref().or(context.install.as_deref());
            let of = Of {
                user,
                install,
                sender: Some(arrival.subject).filter(|subject| !subject.is_empty()),
            };
            // The earlier of both: a clock that is wrong is no way back in.
            let nanos = record.unix_nanos.min(record.unix_nanos + correction);
            let millis = i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
            !sieve.keeps_out(&of, millis)
        });
    }
}

fn offer(batch: &Batch<'_>, records: &[Record<'_>], arrival: &Arrival<'_>, body: &[u8]) -> Offer {
    let mut seqs: Vec<u64> = records
        .iter()
        .filter_map(|record| name(record, batch))
        .collect();
    let hash = (seqs.len() < records.len()).then(|| convert::hash(arrival.subject, body));
    seqs.sort_unstable();
    let queue = batch.context.queue.as_deref().filter(|_| !seqs.is_empty());
    let arrival = &Arrival {
        body: hash,
        ..arrival.clone()
    };
    let mapped = map::to_otlp(batch, records, arrival);
    Offer {
        subject: arrival.subject.to_owned(),
        frame: Some(Frame {
            packed: Packed::new(&mapped.body),
            records: count(records.len()),
            received: u64::try_from(arrival.received.as_nanosecond()).unwrap_or_default(),
            oldest: mapped.oldest,
            newest: mapped.newest,
            traits: traits(records),
            names: Names {
                seqs: mapped.seqs,
                hash,
            },
        }),
        named: queue.map(|queue| Named {
            queue: queue.to_owned(),
            seqs,
        }),
        hash,
    }
}

/// What an exporter may want to know of the records without a look inside.
fn traits(records: &[Record<'_>]) -> Traits {
    let of_exception = |record: &Record<'_>| {
        let lengths =
            [&record.error, &record.stack_trace].map(|text| text.as_ref().map(|text| text.len()));
        lengths.into_iter().flatten().max()
    };
    let is_long = |record: &Record<'_>| {
        record.message.len() > MAX_MESSAGE_BYTES
            || of_exception(record).is_some_and(|bytes| bytes > MAX_EXCEPTION_BYTES)
    };
    Traits {
        has_exception: records.iter().any(|record| of_exception(record).is_some()),
        has_long_text: records.iter().any(is_long),
    }
}

fn count(records: usize) -> u64 {
    u64::try_from(records).unwrap_or(u64::MAX)
}
