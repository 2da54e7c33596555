//! Dead letters as the admin API and the command line speak of them.

use std::fmt;

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use serde::{Deserialize, Serialize};

use super::letter::{StoredLetter, Which};

/// One dead letter, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadRecord {
    /// Its number, for `replay`.
    pub id: i64,
    /// When it was put aside, RFC 3339.
    pub at: String,
    /// What the upstream said.
    pub reason: String,
    /// The record's message, the first 200 characters of it.
    pub message: String,
}

impl From<&StoredLetter> for DeadRecord {
    fn from(stored: &StoredLetter) -> Self {
        let logs = ResourceLogs::decode(&stored.letter.body[..]).unwrap_or_default();
        let record = logs
            .scope_logs
            .into_iter()
            .flat_map(|scope| scope.log_records)
            .next();
        let message = match record.and_then(|record| record.body?.value) {
            Some(Value::StringValue(message)) => message.chars().take(200).collect(),
            _ => String::new(),
        };
        let at = Timestamp::from_nanosecond(i128::from(stored.at)).unwrap_or_default();
        Self {
            id: stored.id,
            at: at.to_string(),
            reason: stored.letter.reason.clone(),
            message,
        }
    }
}

/// Which dead letters to remove, as the admin API takes it: one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Removal {
    /// Dead letters with these numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<i64>,
    /// All dead letters that there are now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Dead letters that were put aside longer ago than so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than_seconds: Option<u64>,
}

impl Removal {
    /// What the spool is to remove now.
    ///
    /// # Errors
    ///
    /// When it says none of the three, or more than one.
    pub(crate) fn which(self) -> Result<Which, NotWhich> {
        match (self.ids.is_empty(), self.all, self.older_than_seconds) {
            (false, false, None) => Ok(Which::Ids(self.ids)),
            (true, true, None) => Ok(Which::Before(u64::MAX)),
            (true, false, Some(seconds)) => {
                let now = u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default();
                Ok(Which::Before(
                    now.saturating_sub(seconds.saturating_mul(1_000_000_000)),
                ))
            }
            _ => Err(NotWhich),
        }
    }
}

impl fmt::Display for Removal {
    /// Which, for the audit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.older_than_seconds {
            _ if self.all => f.write_str("all"),
            Some(seconds) => write!(f, "older than {seconds} s"),
            None => f.write_str(&by_number(&self.ids)),
        }
    }
}

/// Which dead letters, for the audit: how many, and their numbers.
#[must_use]
pub fn by_number(ids: &[i64]) -> String {
    let numbers: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("{} by number: {}", ids.len(), numbers.join(", "))
}

/// It is not said which to remove: give ids, all, or an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("say which dead letters to remove: ids, all, or older than an age")]
pub struct NotWhich;
