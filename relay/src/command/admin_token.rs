//! Named tokens from the command line: through the relay that runs on the data directory, else in its store directly.

use secrecy::{ExposeSecret, SecretString};

use super::admin_client::{AdminClient, AdminClientError};
use super::reached::Reached;
use crate::access::{Access, AccessError, ChangeError, LOCAL, NewToken, TokenError, check_name};
pub use crate::access::{NamedToken, Role, UnknownRole};
use crate::config::Config;
use crate::spool::{Lock, OpenError};
use crate::store::StoreError;

/// Tokens can't be reached, or were not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminTokenError {
    /// No such token can be made.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The data directory can't be used.
    #[error(transparent)]
    Dir(#[from] OpenError),
    /// The change can't be made, or not be kept in the audit.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The tokens or the audit in it can't be used.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store in it can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The running relay does not do it.
    #[error(transparent)]
    AdminClient(#[from] AdminClientError),
}

/// Makes a token; its text, which nobody can get again. `why` goes into the audit, here as below.
///
/// # Errors
///
/// When it can't be made: see [`AdminTokenError`].
pub async fn make(
    config: &Config,
    admin_url: Option<&str>,
    name: &str,
    role: Role,
    why: &str,
) -> Result<SecretString, AdminTokenError> {
    // Here too, so that what is wrong is said in its own words.
    check_name(name).map_err(TokenError::from)?;
    match reached(config, admin_url)? {
        Reached::Relay(relay) => {
            let body = serde_json::json!({"name": name, "role": role}).to_string();
            let relay = relay.because(why);
            let made: NewToken = relay.post("/admin/v1/tokens", body.into_bytes()).await?;
            Ok(made.text.into())
        }
        Reached::Directory(_lock) => {
            let access = Access::open(&config.data_dir).await?;
            let made = access
                .make_token(LOCAL.into(), why.into(), name, role)
                .await;
            access.close().await;
            Ok(made?.text.expose_secret().into())
        }
    }
}

/// All tokens, those that were removed too, oldest first.
///
/// # Errors
///
/// When they can't be read: see [`AdminTokenError`].
pub async fn list(
    config: &Config,
    admin_url: Option<&str>,
) -> Result<Vec<NamedToken>, AdminTokenError> {
    match reached(config, admin_url)? {
        Reached::Relay(relay) => Ok(relay.get("/admin/v1/tokens").await?),
        Reached::Directory(_lock) => {
            let access = Access::open(&config.data_dir).await?;
            let listed = access.tokens.list().await;
            access.close().await;
            Ok(listed?)
        }
    }
}

/// Removes a token; whether there was one that was good.
///
/// # Errors
///
/// When that can't be kept: see [`AdminTokenError`].
pub async fn remove(
    config: &Config,
    admin_url: Option<&str>,
    name: &str,
    why: &str,
) -> Result<bool, AdminTokenError> {
    if check_name(name).is_err() {
        return Ok(false);
    }
    match reached(config, admin_url)? {
        Reached::Relay(relay) => {
            let path = format!("/admin/v1/tokens/{name}");
            let removed: Option<NamedToken> = relay.because(why).delete(&path).await?;
            Ok(removed.is_some())
        }
        Reached::Directory(_lock) => {
            let access = Access::open(&config.data_dir).await?;
            let removed = access.remove_token(LOCAL.into(), why.into(), name).await;
            access.close().await;
            Ok(removed?.is_some())
        }
    }
}

fn reached(config: &Config, admin_url: Option<&str>) -> Result<Reached<Lock>, AdminTokenError> {
    match admin_url {
        Some(url) => Ok(Reached::Relay(AdminClient::at_url(config, url)?)),
        None => Reached::lock(config),
    }
}
