//! The audit from the command line: of the relay that runs on the data directory, else in its store directly.

use url::form_urlencoded::Serializer;

use super::admin_client::AdminClient;
use super::admin_token::AdminTokenError;
use super::reached::Reached;
pub use crate::access::Entry;
use crate::access::{Access, Listing, Page};
use crate::config::Config;

/// Which entries of the audit.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Only those of this token.
    pub who: Option<String>,
    /// Only those about this subject, such as `user:ada`.
    pub subject: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// Shows entries of the audit to `each`, newest first; how many there were.
///
/// # Errors
///
/// When the audit can't be read: see [`AdminTokenError`].
pub async fn audit(
    config: &Config,
    admin_url: Option<&str>,
    which: &Which,
    mut each: impl FnMut(Entry),
) -> Result<u32, AdminTokenError> {
    let reached = match admin_url {
        Some(url) => Reached::Relay(AdminClient::at_url(config, url)?),
        None => Reached::lock::<AdminTokenError>(config)?,
    };
    let access = match &reached {
        Reached::Directory(_lock) => Some(Access::open(&config.data_dir).await?),
        Reached::Relay(_) => None,
    };
    let mut shown = 0;
    let mut cursor = None;
    while shown < which.limit {
        let limit = (which.limit - shown).min(Page::MAX);
        let listing = match (&access, &reached) {
            (Some(access), _) => here(access, which, limit, cursor.as_deref()).await?,
            (None, Reached::Relay(relay)) => {
                let path = path(which, limit, cursor.as_deref());
                relay.get(&path).await?
            }
            (None, Reached::Directory(_)) => break,
        };
        for entry in listing.entries {
            shown += 1;
            each(entry);
        }
        cursor = listing.older;
        if cursor.is_none() {
            break;
        }
    }
    if let Some(access) = access {
        access.close().await;
    }
    Ok(shown)
}

async fn here(
    access: &Access,
    which: &Which,
    limit: u32,
    cursor: Option<&str>,
) -> Result<Listing, AdminTokenError> {
    let page = Page {
        limit,
        who: which.who.clone(),
        subject: which.subject.clone(),
        ..Page::default()
    };
    let page = match cursor {
        Some(cursor) => page.clone().at(cursor).unwrap_or(page),
        None => page,
    };
    let listing = access.audit.entries(&page).await;
    Ok(listing.map_err(crate::access::AccessError::from)?)
}

fn path(which: &Which, limit: u32, cursor: Option<&str>) -> String {
    let mut query = Serializer::new(String::from("/admin/v1/audit?"));
    query.append_pair("limit", &limit.to_string());
    let said = [
        ("cursor", cursor),
        ("who", which.who.as_deref()),
        ("subject", which.subject.as_deref()),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}
