//! Dead letters: records that the upstream refused for their content, one by one.
//!
//! They stay until somebody replays them, after the upstream or its rules have changed, or removes them; until they are
//! 90 days old (`--dead-keep`); or until all take a quarter of the spool's cap, of which the oldest go then. They are read
//! in pages. While a relay runs on the data directory they are reached through its admin API.

use super::admin_client::AdminClientError;
use super::reached::Reached;
use crate::access::{AccessError, Deed, note_in};
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
pub use crate::spool::{DeadRecord, Removal};
use crate::spool::{NotWhich, OfferError, PAGE, by_number};

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
    /// The audit can't be written, so nothing was changed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The database can't be read.
    #[error("the dead letters can't be read")]
    Read(#[from] sqlx::Error),
    /// The database can't be written. What was done until then stays done.
    #[error(transparent)]
    Replay(#[from] OfferError),
    /// It is not said which to remove: give ids, all, or an age.
    #[error(transparent)]
    Which(#[from] NotWhich),
}

/// Shows all dead letters to `each`, oldest first, a page at a time.
///
/// # Errors
///
/// When they can't be reached: see [`DeadError`].
pub async fn list(config: &Config, each: impl FnMut(DeadRecord)) -> Result<(), DeadError> {
    let way = Way::open::<DeadError>(config).await?;
    let shown = all(&way, each).await;
    way.close().await;
    shown
}

/// Puts dead letters back into the spool, those of `ids` or all, because of `why`; how many.
///
/// # Errors
///
/// When they can't be reached: see [`DeadError`].
pub async fn replay(config: &Config, ids: Vec<i64>, why: &str) -> Result<u64, DeadError> {
    let way = Way::open::<DeadError>(config).await?.because(why);
    if let Reached::Directory(_) = way {
        let which = match ids.is_empty() {
            true => "all".to_owned(),
            false => by_number(&ids),
        };
        note_in(
            &config.data_dir,
            Deed::local("dead.replayed", "", which, why),
        )
        .await?;
    }
    let replayed = put_back(&way, ids).await;
    way.close().await;
    replayed
}

/// Removes dead letters for good, because of `why`; how many.
///
/// # Errors
///
/// When they can't be reached, or `removal` does not say which: see [`DeadError`].
pub async fn remove(config: &Config, removal: Removal, why: &str) -> Result<u64, DeadError> {
    let way = Way::open::<DeadError>(config).await?.because(why);
    let said = removal.to_string();
    let removed = match &way {
        Reached::Directory(data) => match removal.which() {
            Ok(which) => {
                note_in(&config.data_dir, Deed::local("dead.removed", "", said, why)).await?;
                data.spool.remove(which).await.map_err(DeadError::from)
            }
            Err(not_which) => Err(not_which.into()),
        },
        Reached::Relay(relay) => {
            let body = serde_json::to_vec(&removal).unwrap_or_default();
            let removed = relay.post("/admin/v1/dead/rm", body).await;
            removed.map_err(DeadError::from)
        }
    };
    way.close().await;
    removed
}

type Way = Reached<Box<DataDir>>;

async fn page(way: &Way, after: i64) -> Result<Vec<DeadRecord>, DeadError> {
    match way {
        Reached::Directory(data) => {
            let letters = data.spool.letters(after, PAGE).await?;
            Ok(letters.iter().map(DeadRecord::from).collect())
        }
        Reached::Relay(relay) => {
            let path = format!("/admin/v1/dead?after={after}&limit={PAGE}");
            Ok(relay.get(&path).await?)
        }
    }
}

async fn all(way: &Way, mut each: impl FnMut(DeadRecord)) -> Result<(), DeadError> {
    let mut after = 0;
    loop {
        let page = page(way, after).await?;
        // A relay that knows no pages gives all of them each time.
        let Some(last) = page.last().map(|last| last.id).filter(|&last| last > after) else {
            return Ok(());
        };
        let is_new = |record: &DeadRecord| record.id > after;
        page.into_iter().filter(is_new).for_each(&mut each);
        after = last;
    }
}

async fn put_back(way: &Way, mut ids: Vec<i64>) -> Result<u64, DeadError> {
    let relay = match way {
        Reached::Directory(data) => return Ok(data.spool.replay(ids).await?),
        Reached::Relay(relay) => relay,
    };
    if ids.is_empty() {
        all(way, |record| ids.push(record.id)).await?;
    }
    let mut replayed = 0;
    for ids in ids.chunks(AT_ONCE) {
        let body = serde_json::json!(ids).to_string().into_bytes();
        replayed += relay.post::<u64>("/admin/v1/dead/replay", body).await?;
    }
    Ok(replayed)
}

/// Dead letters that a running relay is asked to replay in one request.
const AT_ONCE: usize = 256;
