//! Dead letters: records that the upstream refused for their content, one by one.
//!
//! They stay until somebody replays them, after the upstream or its rules have changed, or removes them; until they are
//! 90 days old (`--dead-keep`); or until all take a quarter of the spool's cap, of which the oldest go then. They are read
//! in pages. While a relay runs on the data directory they are reached through its admin API.

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use serde::{Deserialize, Serialize};

use super::admin_client::{AdminClient, AdminClientError};
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::spool::{OfferError, OpenError, PAGE, StoredLetter, Which};

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
    DataDir(#[from] DataDirError),
    /// The running relay does not do it.
    #[error(transparent)]
    AdminClient(#[from] AdminClientError),
    /// The database can't be read.
    #[error("the dead letters can't be read")]
    Read(#[from] sqlx::Error),
    /// The database can't be written. What was done until then stays done.
    #[error(transparent)]
    Replay(#[from] OfferError),
    /// It is not said which to remove: give ids, all, or an age.
    #[error("say which dead letters to remove: ids, all, or older than an age")]
    Which,
}

/// Which dead letters to remove, as the admin API takes it: one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Removal {
    /// Those of these numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<i64>,
    /// All that there are now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Those that were put aside longer ago than so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than_seconds: Option<u64>,
}

impl Removal {
    /// What the spool is to remove now; `None` when it says none of the three, or more than one.
    pub(crate) fn which(self) -> Option<Which> {
        match (self.ids.is_empty(), self.all, self.older_than_seconds) {
            (false, false, None) => Some(Which::Ids(self.ids)),
            (true, true, None) => Some(Which::Before(u64::MAX)),
            (true, false, Some(seconds)) => {
                let now = u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default();
                Some(Which::Before(
                    now.saturating_sub(seconds.saturating_mul(1_000_000_000)),
                ))
            }
            _ => None,
        }
    }
}

/// Shows all dead letters to `each`, oldest first, a page at a time.
///
/// # Errors
///
/// When they can't be reached: see [`DeadError`].
pub async fn list(config: &Config, each: impl FnMut(DeadRecord)) -> Result<(), DeadError> {
    let way = Way::open(config).await?;
    let shown = way.all(each).await;
    way.close().await;
    shown
}

/// Puts dead letters back into the spool, those of `ids` or all; how many.
///
/// # Errors
///
/// When they can't be reached: see [`DeadError`].
pub async fn replay(config: &Config, ids: Vec<i64>) -> Result<u64, DeadError> {
    let way = Way::open(config).await?;
    let replayed = way.replay(ids).await;
    way.close().await;
    replayed
}

/// Removes dead letters for good; how many.
///
/// # Errors
///
/// When they can't be reached, or `removal` does not say which: see [`DeadError`].
pub async fn remove(config: &Config, removal: Removal) -> Result<u64, DeadError> {
    let way = Way::open(config).await?;
    let removed = match &way {
        Way::Here(data) => match removal.which() {
            Some(which) => data.spool.remove(which).await.map_err(DeadError::from),
            None => Err(DeadError::Which),
        },
        Way::There(relay) => {
            let body = serde_json::to_vec(&removal).unwrap_or_default();
            let removed = relay.post("/admin/v1/dead/rm", body).await;
            removed.map_err(DeadError::from)
        }
    };
    way.close().await;
    removed
}

/// Into the data directory itself, or through the relay that has it.
enum Way {
    Here(Box<DataDir>),
    There(AdminClient),
}

impl Way {
    async fn open(config: &Config) -> Result<Self, DeadError> {
        match DataDir::open(config).await {
            Ok(data) => Ok(Self::Here(Box::new(data))),
            Err(DataDirError::Spool(OpenError::InUse { dir })) => {
                Ok(Self::There(AdminClient::at(config, &dir)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn page(&self, after: i64) -> Result<Vec<DeadRecord>, DeadError> {
        match self {
            Self::Here(data) => {
                let letters = data.spool.letters(after, PAGE).await?;
                Ok(letters.iter().map(DeadRecord::from).collect())
            }
            Self::There(relay) => {
                let path = format!("/admin/v1/dead?after={after}&limit={PAGE}");
                Ok(relay.get(&path).await?)
            }
        }
    }

    async fn all(&self, mut each: impl FnMut(DeadRecord)) -> Result<(), DeadError> {
        let mut after = 0;
        loop {
            let page = self.page(after).await?;
            // A relay that knows no pages gives all of them each time.
            let Some(last) = page.last().map(|last| last.id).filter(|&last| last > after) else {
                return Ok(());
            };
            let is_new = |record: &DeadRecord| record.id > after;
            page.into_iter().filter(is_new).for_each(&mut each);
            after = last;
        }
    }

    async fn replay(&self, mut ids: Vec<i64>) -> Result<u64, DeadError> {
        let relay = match self {
            Self::Here(data) => return Ok(data.spool.replay(ids).await?),
            Self::There(relay) => relay,
        };
        if ids.is_empty() {
            self.all(|record| ids.push(record.id)).await?;
        }
        let mut replayed = 0;
        for ids in ids.chunks(AT_ONCE) {
            let body = serde_json::json!(ids).to_string().into_bytes();
            replayed += relay.post::<u64>("/admin/v1/dead/replay", body).await?;
        }
        Ok(replayed)
    }

    async fn close(self) {
        if let Self::Here(data) = self {
            data.close().await;
        }
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
        let at = Timestamp::from_nanosecond(i128::from(stored.at)).unwrap_or_default();
        Self {
            id: stored.id,
            at: at.to_string(),
            reason: stored.letter.reason.clone(),
            message,
        }
    }
}

/// Dead letters that a running relay is asked to replay in one request.
const AT_ONCE: usize = 256;
