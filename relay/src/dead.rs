//! Dead letters: records that the upstream refused for their content, one by one.
//!
//! They stay until somebody replays them: after the upstream, or its rules, have changed. While a relay runs on the data
//! directory they are reached through its admin API.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::hold::{Hold, HoldError};
use crate::neighbour::{Neighbour, NeighbourError};
use crate::spool::{OfferError, OpenError, StoredLetter};

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

/// Dead letters can't be reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadError {
    /// The data directory can't be used.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// The running relay does not do it.
    #[error(transparent)]
    Neighbour(#[from] NeighbourError),
    /// The database can't be read.
    #[error("the dead letters can't be read")]
    Read(#[from] sqlx::Error),
    /// The database can't be written, or the spool is full. Nothing was changed.
    #[error(transparent)]
    Replay(#[from] OfferError),
}

/// All dead letters, oldest first.
///
/// # Errors
///
/// When they can't be reached: see [`DeadError`].
pub async fn dead_letters(config: &Config) -> Result<Vec<DeadRecord>, DeadError> {
    match Hold::open(config).await {
        Ok(hold) => {
            let letters = hold.spool.letters().await?;
            hold.close().await;
            Ok(letters.iter().map(DeadRecord::from).collect())
        }
        Err(HoldError::Spool(OpenError::InUse { dir })) => {
            Ok(Neighbour::at(config, &dir)?.get("/admin/v1/dead").await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Puts dead letters back into the spool, those of `ids` or all; how many.
///
/// # Errors
///
/// When they can't be reached: see [`DeadError`].
pub async fn replay(config: &Config, ids: Vec<i64>) -> Result<u64, DeadError> {
    match Hold::open(config).await {
        Ok(hold) => {
            let replayed = hold.spool.replay(ids).await;
            hold.close().await;
            Ok(replayed?)
        }
        Err(HoldError::Spool(OpenError::InUse { dir })) => {
            let body = serde_json::json!(ids).to_string().into_bytes();
            Ok(Neighbour::at(config, &dir)?
                .post("/admin/v1/dead/replay", body)
                .await?)
        }
        Err(error) => Err(error.into()),
    }
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
        let at = jiff::Timestamp::from_nanosecond(i128::from(stored.at)).unwrap_or_default();
        Self {
            id: stored.id,
            at: at.to_string(),
            reason: stored.letter.reason.clone(),
            message,
        }
    }
}
