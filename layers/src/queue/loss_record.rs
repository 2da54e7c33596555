//! A loss that is said in the queue itself: an ordinary record with its own seq, `records lost`.
//!
//! 1. One note per queue and reason is owed at a time; a later loss widens it: range hulled, count added.
//! 2. A note that overflow would drop is owed again.

use jiff::Timestamp;
use serde::Deserialize;

use super::id::QueueId;
use super::line::Line;
use crate::losses::Loss;

/// Records that were lost from one queue for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) queue: QueueId,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) count: u64,
    pub(super) reason: Loss,
}

impl Note {
    /// Encodes the note as the record that a reader of the backend sees.
    pub(super) fn encode(&self, line: &mut Line, now: Timestamp) {
        line.clear();
        let Self {
            queue,
            first_seq,
            last_seq,
            count,
            reason,
        } = self;
        let text = format!(
            "\"timestamp\":\"{now}\",\"level\":\"warning\",{LOGGER_AND_MESSAGE},\"attributes\":{{\
             \"loss.queue\":\"{queue}\",\"loss.first_seq\":{first_seq},\"loss.last_seq\":{last_seq},\
             \"loss.count\":{count},\"loss.reason\":\"{}\"}}}}",
            reason.as_str(),
        );
        line.body().extend_from_slice(text.as_bytes());
    }

    /// The note in a record as stored, if it is one.
    pub(super) fn decode(record: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Record {
            attributes: Attributes,
        }
        #[derive(Deserialize)]
        struct Attributes {
            #[serde(rename = "loss.queue")]
            queue: String,
            #[serde(rename = "loss.first_seq")]
            first_seq: u64,
            #[serde(rename = "loss.last_seq")]
            last_seq: u64,
            #[serde(rename = "loss.count")]
            count: u64,
            #[serde(rename = "loss.reason")]
            reason: String,
        }
        if !is_note(record) {
            return None;
        }
        let Record { attributes } = serde_json::from_slice(record).ok()?;
        Some(Self {
            queue: QueueId::parse(&attributes.queue)?,
            first_seq: attributes.first_seq,
            last_seq: attributes.last_seq,
            count: attributes.count,
            reason: *Loss::ALL
                .iter()
                .find(|reason| reason.as_str() == attributes.reason)?,
        })
    }
}

/// Whether a record as stored is a note, without reading its JSON.
pub(super) fn is_note(record: &[u8]) -> bool {
    // Behind the prefix, `"timestamp":"…"` and the level; a message can't hold it unescaped.
    record
        .get(..NOTE_HEAD_BYTES.min(record.len()))
        .is_some_and(|head| {
            head.windows(LOGGER_AND_MESSAGE.len())
                .any(|text| text == LOGGER_AND_MESSAGE.as_bytes())
        })
}

/// Notes that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Owed(Vec<Note>);

impl Owed {
    /// Adds a note, or widens the one for the same queue and reason.
    pub(super) fn add(&mut self, note: Note) {
        let same = self
            .0
            .iter_mut()
            .find(|owed| (owed.queue, owed.reason) == (note.queue, note.reason));
        match same {
            Some(owed) => {
                owed.first_seq = owed.first_seq.min(note.first_seq);
                owed.last_seq = owed.last_seq.max(note.last_seq);
                owed.count += note.count;
            }
            None => self.0.push(note),
        }
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Note> {
        self.0.iter()
    }

    /// The note to write next.
    pub(super) fn next(&self) -> Option<&Note> {
        self.0.first()
    }

    /// Takes the note that [`next`](Self::next) gave: it is written.
    pub(super) fn settle(&mut self) -> Option<Note> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }
}

const LOGGER_AND_MESSAGE: &str = "\"logger\":\"courier\",\"message\":\"records lost\"";
const NOTE_HEAD_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn note(queue: QueueId, first_seq: u64, last_seq: u64, count: u64, reason: Loss) -> Note {
        Note {
            queue,
            first_seq,
            last_seq,
            count,
            reason,
        }
    }

    #[test]
    fn a_note_is_the_record_of_the_contract_and_is_read_back() {
        let id = QueueId::random();
        let written = note(id, 3, 9, 6, Loss::Overflow);
        let mut line = Line::new();
        written.encode(&mut line, Timestamp::UNIX_EPOCH);
        let body = line.close();
        let bytes = line.stamp(10, &body);
        assert_eq!(Note::decode(bytes), Some(written));
        let mut json: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        json.as_object_mut().unwrap().remove("q");
        assert_eq!(
            json,
            serde_json::json!({
                "timestamp": "1970-01-01T00:00:00Z", "level": "warning", "logger": "courier", "message": "records lost",
                "attributes": {"loss.queue": id.to_string(), "loss.first_seq": 3, "loss.last_seq": 9, "loss.count": 6,
                               "loss.reason": "overflow"},
            })
        );
    }

    #[test]
    fn a_record_that_talks_about_a_note_is_none() {
        let record = br#"{"q":"","timestamp":"","level":"info","logger":"x","message":"\"logger\":\"courier\",\"message\":\"records lost\""}"#;
        assert_eq!(Note::decode(record), None);
    }

    #[test]
    fn what_is_owed_is_widened_per_queue_and_reason() {
        let (one, other) = (QueueId::random(), QueueId::random());
        let mut owed = Owed::default();
        owed.add(note(one, 5, 9, 5, Loss::Overflow));
        owed.add(note(other, 0, 0, 1, Loss::Overflow));
        owed.add(note(one, 1, 2, 2, Loss::Overflow));
        owed.add(note(one, 7, 7, 1, Loss::Disk));
        let mut settled = Vec::new();
        while let Some(note) = owed.settle() {
            settled.push(note);
        }
        assert_eq!(
            settled,
            [
                note(one, 1, 9, 7, Loss::Overflow),
                note(other, 0, 0, 1, Loss::Overflow),
                note(one, 7, 7, 1, Loss::Disk)
            ]
        );
    }
}
