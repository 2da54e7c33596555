//! A program's last word on each of its records, before it goes to the disk.
//!
//! 1. What the program puts into a record is redacted like everything else: the sanitizer goes through the record again.
//! 2. A panic in it costs that record, which is counted ([`Loss::Hook`](crate::Loss::Hook)), and nothing else.
//! 3. What it logs itself is not recorded: it would come here again.
//!
//! What it does not do: see values that the gate has taken. Nothing does.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::quiet_thread::quietly;
use crate::record::{Field, Holds, Record};
use crate::sanitize::Sanitizer;

/// Whether a record goes on; what [`CourierBuilder::before_record`](crate::CourierBuilder::before_record) answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// To the disk, with what was changed.
    Yes,
    /// Nowhere. It has no place in the queue, and is counted nowhere.
    No,
}

/// What a program gives.
pub(crate) type Hook = dyn Fn(&mut Record) -> Keep + Send + Sync;

/// The program's hook, and what redacts behind it.
#[derive(Clone)]
pub(crate) struct BeforeRecord {
    hook: Arc<Hook>,
    sanitizer: Sanitizer,
}

impl fmt::Debug for BeforeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeRecord").finish_non_exhaustive()
    }
}

/// It panicked, or left what is no record.
pub(crate) struct Failed;

impl BeforeRecord {
    pub fn new(sanitizer: &Sanitizer, hook: Arc<Hook>) -> Self {
        Self {
            hook,
            sanitizer: sanitizer.clone(),
        }
    }

    /// Asks the program about the record that begins at `start` in `line`, and writes there what is left of it. `false`
    /// when the record is to be dropped.
    pub fn ask(&self, line: &mut Vec<u8>, start: usize) -> Result<bool, Failed> {
        let mut json = vec![b'{'];
        json.extend_from_slice(line.get(start..).unwrap_or_default());
        // Our own encoder wrote it, so it parses.
        let Ok(mut record) = serde_json::from_slice::<Record>(&json) else {
            return Ok(true);
        };
        let timestamp = record.timestamp.clone();
        let asked = catch_unwind(AssertUnwindSafe(|| quietly(|| (self.hook)(&mut record))));
        match asked {
            Ok(Keep::Yes) => {}
            Ok(Keep::No) => return Ok(false),
            Err(_) => return Err(Failed),
        }
        // A relay takes no record without a time.
        if record.timestamp.parse::<Timestamp>().is_err() {
            record.timestamp = timestamp;
        }
        let clean = self.clean(&record).ok_or(Failed)?;
        let json = serde_json::to_vec(&clean).map_err(|_| Failed)?;
        line.truncate(start);
        line.extend_from_slice(json.get(1..).unwrap_or_default());
        Ok(true)
    }

    /// The record as the table of fields says that it is redacted. `None` where it can't be told what is left of it.
    fn clean(&self, record: &Record) -> Option<Record> {
        let mut value = serde_json::to_value(record).ok()?;
        for field in Field::ALL {
            let value = value.get_mut(field.name()).filter(|it| !it.is_null());
            let (Some(place), Some(value)) = (field.holds().place(), value) else {
                continue;
            };
            if field.holds() != Holds::Hex || !is_hex(value) {
                self.sanitizer.value(place, value);
            }
        }
        serde_json::from_value(value).ok()
    }
}

fn is_hex(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
