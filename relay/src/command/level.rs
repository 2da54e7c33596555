//! The levels from the command line: through the relay that runs on the data directory, else in its store directly.

use url::form_urlencoded;

use super::admin_client::AdminClientError;
use super::reached::Reached;
use crate::access::{self, AccessError, LOCAL, note_in};
use crate::config::Config;
use crate::levels::{
    Deed, Draft, Moment, Outcome, Rule, RuleError, Store, StoreError, authored, removal,
};
use crate::spool::OpenError;

/// The rules can't be reached, or were not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The rule makes no sense.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The data directory can't be used.
    #[error(transparent)]
    Dir(#[from] OpenError),
    /// The store in it can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit in it can't be written, so nothing was changed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The running relay does not do it.
    #[error(transparent)]
    AdminClient(#[from] AdminClientError),
}

/// Sets a rule.
///
/// # Errors
///
/// When it makes no sense or can't be kept: see [`CommandError`].
pub async fn set(config: &Config, draft: Draft) -> Result<Outcome, CommandError> {
    let now = Moment::now();
    // Here too, so that what is wrong is said in its own words.
    let checked = draft.clone().check(now.wall)?;
    match Reached::lock::<CommandError>(config)? {
        Reached::Relay(relay) => {
            let body = serde_json::to_vec(&draft).unwrap_or_default();
            Ok(relay.post("/admin/v1/levels", body).await?)
        }
        Reached::Directory(_lock) => {
            let (subject, query) = (checked.whom.query(), checked.rules.to_string());
            note_in(
                &config.data_dir,
                access::Deed::local("level.set", subject, query, &checked.why),
            )
            .await?;
            let mut store = Store::open(&config.data_dir, Moment::now()).await?;
            let rule = store.add(&checked.by(LOCAL), now).await?;
            store.close().await;
            Ok(Outcome {
                rule,
                matching: None,
                heard_of_late: Vec::new(),
            })
        }
    }
}

/// The rules in force, oldest first.
///
/// # Errors
///
/// When the rules can't be read: see [`CommandError`].
pub async fn list(config: &Config) -> Result<Vec<Rule>, CommandError> {
    match Reached::lock::<CommandError>(config)? {
        Reached::Relay(relay) => Ok(relay.get("/admin/v1/levels").await?),
        Reached::Directory(_lock) => {
            let mut store = Store::open(&config.data_dir, Moment::now()).await?;
            let rules = store.rules(Moment::now()).await;
            store.close().await;
            Ok(rules?)
        }
    }
}

/// What was done to rules, the latest first.
///
/// # Errors
///
/// When the audit can't be read: see [`CommandError`].
pub async fn deeds(config: &Config) -> Result<Vec<Deed>, CommandError> {
    match Reached::lock::<CommandError>(config)? {
        Reached::Relay(relay) => Ok(relay.get("/admin/v1/levels/audit").await?),
        Reached::Directory(_lock) => {
            let mut store = Store::open(&config.data_dir, Moment::now()).await?;
            let deeds = store.deeds().await;
            store.close().await;
            Ok(deeds?)
        }
    }
}

/// Removes a rule, because of `why`; whether there was one.
///
/// # Errors
///
/// When the removal can't be kept: see [`CommandError`].
pub async fn remove(
    config: &Config,
    id: i64,
    author: &str,
    why: &str,
) -> Result<bool, CommandError> {
    match Reached::lock::<CommandError>(config)? {
        Reached::Relay(relay) => {
            let author: String = form_urlencoded::byte_serialize(author.as_bytes()).collect();
            let path = format!("/admin/v1/levels/{id}?author={author}");
            Ok(relay.because(why).delete::<Rule>(&path).await?.is_some())
        }
        Reached::Directory(_lock) => {
            let mut store = Store::open(&config.data_dir, Moment::now()).await?;
            let rules = store.rules(Moment::now()).await?;
            let Some(rule) = rules.into_iter().find(|rule| rule.id == id) else {
                store.close().await;
                return Ok(false);
            };
            let (subject, query) = (rule.whom.query(), removal(id, author));
            note_in(
                &config.data_dir,
                access::Deed::local("level.removed", subject, query, why),
            )
            .await?;
            let removed = store
                .remove(id, &authored(LOCAL, author), Moment::now())
                .await;
            store.close().await;
            Ok(removed?.is_some())
        }
    }
}
