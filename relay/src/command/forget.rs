//! Erases a person: in the data directory, or through the relay that runs on it.

use super::admin_client::AdminClientError;
use super::reached::Reached;
use crate::access::{Access, AccessError, LOCAL};
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::erase::{EraseError, Eraser};
pub use crate::erase::{Forgotten, Request};
use crate::levels::{Levels, StoreError};

/// Nobody was erased, or not from everything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForgetError {
    /// The data directory can't be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The running relay does not do it.
    #[error(transparent)]
    AdminClient(#[from] AdminClientError),
    /// The audit can't be opened.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The rules for levels can't be opened.
    #[error(transparent)]
    Levels(#[from] StoreError),
    /// It could not be done here.
    #[error(transparent)]
    Erase(#[from] EraseError),
}

/// Erases whom `request` names, and says what that was.
///
/// # Errors
///
/// When not all of it could be done: see [`ForgetError`].
pub async fn forget(config: &Config, request: &Request) -> Result<Forgotten, ForgetError> {
    request.whom().map_err(EraseError::from)?;
    request.why().map_err(EraseError::from)?;
    let way = Reached::<Box<DataDir>>::open::<ForgetError>(config).await?;
    let forgotten = match &way {
        Reached::Directory(data) => {
            let access = Access::open(&config.data_dir).await?;
            let levels = Levels::open(&config.data_dir, config.level_refresh).await?;
            let eraser = Eraser::new(config, data.stones(), data.spool.clone(), None)
                .with(access.audit.clone(), levels);
            eraser.finish().await;
            let forgotten = eraser.forget(request, LOCAL).await;
            drop(eraser);
            access.close().await;
            forgotten.map_err(ForgetError::from)
        }
        Reached::Relay(relay) => {
            let body = serde_json::to_vec(request).unwrap_or_default();
            let forgotten = relay.post("/admin/v1/forget", body).await;
            forgotten.map_err(ForgetError::from)
        }
    };
    way.close().await;
    forgotten
}
