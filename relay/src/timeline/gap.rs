//! Records that are not there, proved by their seqs.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};

use crate::index::{Found, Kind, text_of};

/// Records of one queue that are not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The time of the record before it, in Unix nanoseconds; that of the record which says it, where none is before.
    pub time: u64,
    /// The time of the record behind it.
    pub until: u64,
    /// The queue.
    pub queue: String,
    /// The first seq that is not there.
    pub first_seq: u64,
    /// The last one.
    pub last_seq: u64,
    /// How many records.
    pub count: u64,
    /// Why, as the device said it; `None` when nobody said anything.
    pub reason: Option<String>,
}

/// What a device said it lost.
struct Note {
    queue: String,
    first_seq: u64,
    last_seq: u64,
    count: u64,
    reason: String,
    time: u64,
}

/// The gaps in whole stretches of queues. `records` must be all that is there of these queues between their first and their
/// last: with a filter in between, what it left out would look like a gap.
#[must_use]
pub fn gaps(records: &[Found]) -> Vec<Gap> {
    let mut queues: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    let mut notes = Vec::new();
    for record in records {
        if let (Some(queue), Some(seq)) = (record.name(Kind::Queue), record.seq) {
            queues
                .entry(queue)
                .or_default()
                .insert(seq, record.place.time);
        }
        notes.extend(note(record));
    }
    let mut gaps = Vec::new();
    let mut is_proved = vec![false; notes.len()];
    for (queue, seqs) in queues {
        for ((&before, &time), (&behind, &until)) in seqs.iter().zip(seqs.iter().skip(1)) {
            let count = behind - before - 1;
            if count == 0 {
                continue;
            }
            let mut reasons: Vec<&str> = Vec::new();
            for (note, is_proved) in notes.iter().zip(&mut is_proved) {
                let touches =
                    note.queue == queue && note.first_seq < behind && note.last_seq > before;
                if touches {
                    *is_proved = true;
                    if !reasons.contains(&note.reason.as_str()) {
                        reasons.push(&note.reason);
                    }
                }
            }
            gaps.push(Gap {
                time,
                // Clocks may be set in between.
                until: until.max(time),
                queue: queue.to_owned(),
                first_seq: before + 1,
                last_seq: behind - 1,
                count,
                reason: (!reasons.is_empty()).then(|| reasons.join(", ")),
            });
        }
    }
    // What was lost before the first record that is here, or in a queue of which there is nothing.
    for (note, _) in notes
        .iter()
        .zip(is_proved)
        .filter(|(_, is_proved)| !is_proved)
    {
        gaps.push(Gap {
            time: note.time,
            until: note.time,
            queue: note.queue.clone(),
            first_seq: note.first_seq,
            last_seq: note.last_seq,
            count: note.count,
            reason: Some(note.reason.clone()),
        });
    }
    gaps.sort_by_key(|gap| (gap.time, gap.first_seq));
    gaps
}

/// Whether a record only says that others were lost.
#[must_use]
pub fn is_note(record: &Found) -> bool {
    record.message == "records lost" && record.name(Kind::Logger) == Some("courier")
}

fn note(record: &Found) -> Option<Note> {
    if !is_note(record) {
        return None;
    }
    let attributes = &record.rest.attributes;
    Some(Note {
        queue: text_of(attributes, "loss.queue")?.to_owned(),
        first_seq: number_of(attributes, "loss.first_seq")?,
        last_seq: number_of(attributes, "loss.last_seq")?,
        count: number_of(attributes, "loss.count")?,
        reason: text_of(attributes, "loss.reason")?.to_owned(),
        time: record.place.time,
    })
}

/// The number that an attribute has.
pub fn number_of(attributes: &[KeyValue], name: &str) -> Option<u64> {
    let pair = attributes.iter().find(|pair| pair.key == name)?;
    match pair.value.as_ref()?.value.as_ref()? {
        Value::IntValue(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
