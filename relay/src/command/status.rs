//! Asks a running relay how it is.

use super::admin_client::{AdminClient, AdminClientError};
use crate::config::Config;
use crate::spool::is_held;
use crate::status::Status;

/// Asks how a relay is: the one that runs on the data directory, or the one whose admin listener is at `admin_url`.
///
/// # Errors
///
/// When no relay runs, or it can't be asked.
pub async fn status(config: &Config, admin_url: Option<&str>) -> Result<Status, AdminClientError> {
    let relay = match admin_url {
        Some(url) => AdminClient::at_url(config, url)?,
        None if is_held(&config.data_dir) => AdminClient::at(config, &config.data_dir)?,
        None => return Err(AdminClientError::Nobody(config.data_dir.clone())),
    };
    relay.get("/admin/v1/status").await
}
