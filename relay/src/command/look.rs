//! Looks something up in a running relay's index.

use url::form_urlencoded::Serializer;

use super::admin_client::{AdminClient, AdminClientError, Looked};
use crate::config::Config;
use crate::spool::is_held;

/// Asks `path` of the relay's admin API, with these parameters: of the relay that runs on the data directory, or of the
/// one whose admin listener is at `admin_url`. `why` goes into its audit.
///
/// # Errors
///
/// When no relay runs, it can't be asked, or it says no.
pub async fn look(
    config: &Config,
    admin_url: Option<&str>,
    path: &str,
    parameters: &[(&str, String)],
    why: Option<&str>,
) -> Result<Looked, AdminClientError> {
    let relay = running(config, admin_url)?.because(why.unwrap_or_default());
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parameters);
    relay.look(&format!("{path}?{}", query.finish())).await
}

/// The relay that runs on the data directory, or the one at this address.
fn running(config: &Config, admin_url: Option<&str>) -> Result<AdminClient, AdminClientError> {
    match admin_url {
        Some(url) => AdminClient::at_url(config, url),
        None if is_held(&config.data_dir) => AdminClient::at(config, &config.data_dir),
        None => Err(AdminClientError::Nobody(config.data_dir.clone())),
    }
}
