//! Which levels programs should log at, as support says: from afar, for some, for a while.
//!
//! 1. Of the rules that are meant for a program, the most specific counts, whole: session, install, user, version,
//!    service, everyone. Of several of one kind, the newest.
//! 2. A rule is in the store, with who made it and why, before anybody is told; so is its removal.
//! 3. A rule for fewer than all programs of a service ends by itself, within a day.
//! 4. Each answer to a batch carries the tag of what its sender is told, so that a change is heard with the next one.
//!
//! What it does not do: reach a program that neither sends nor asks.

mod answer;
mod book;
mod command;
mod origin;
mod rule;
mod seen;
mod store;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::http::HeaderValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub(crate) use answer::{admin, get_logging};
pub(crate) use book::Program;
pub use command::{CommandError, deeds, list, remove, set};
pub(crate) use origin::Origin;
pub use rule::{Draft, Rule, RuleError, Whom};
pub use store::{Deed, StoreError};

use book::Book;
use seen::Seen;
use store::Store;

/// The rules in force. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Levels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What requests are answered from: the rules of the store.
    book: ArcSwap<Book>,
    store: Mutex<Store>,
    seen: Seen,
    refresh_seconds: u64,
}

/// A rule that was set, and whom it finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The rule as it is kept.
    pub rule: Rule,
    /// How many of the programs that were heard of late it is meant for; absent where nobody listens.
    pub matching: Option<usize>,
    /// If none: who was heard of late in their place, latest first.
    #[serde(default)]
    pub heard_of_late: Vec<String>,
}

/// A rule was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// It makes no sense.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// It can't be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Levels {
    /// The rules in the store of `dir`, which the caller has locked. Programs are told to ask every `refresh`.
    ///
    /// # Errors
    ///
    /// When the store can't be used.
    pub async fn open(dir: &Path, refresh: Duration) -> Result<Self, StoreError> {
        let mut store = Store::open(dir).await?;
        let refresh_seconds = refresh.as_secs().max(1);
        let rules = store.rules(Timestamp::now()).await?;
        Ok(Self(Arc::new(Inner {
            book: ArcSwap::from_pointee(Book::new(&rules, refresh_seconds)),
            store: Mutex::new(store),
            seen: Seen::default(),
            refresh_seconds,
        })))
    }

    /// The tag of what a program is told; it was heard.
    #[must_use]
    pub fn tag(&self, program: &Program<'_>) -> HeaderValue {
        let now = Timestamp::now();
        self.0.seen.note(program, now);
        self.0.book.load().tell(program, now).etag.clone()
    }

    /// Sets a rule. Programs hear of it from now on.
    ///
    /// # Errors
    ///
    /// When it makes no sense or can't be kept; nothing was changed then.
    pub async fn set(&self, draft: Draft) -> Result<Outcome, ChangeError> {
        let now = Timestamp::now();
        let checked = draft.check(now)?;
        let mut store = self.0.store.lock().await;
        let rule = store.add(&checked, now).await?;
        self.lay_out(&mut store, now).await?;
        tracing::info!(rule = rule.id, whom = %rule.whom, levels = %rule.levels, author = %rule.author, "levels set");
        let matching = self.0.seen.matching(&rule.whom);
        let heard_of_late = if matching == 0 {
            self.0.seen.instead_of(&rule.whom)
        } else {
            Vec::new()
        };
        Ok(Outcome {
            rule,
            matching: Some(matching),
            heard_of_late,
        })
    }

    /// Removes a rule; `None` if there is no such rule, or it has ended.
    ///
    /// # Errors
    ///
    /// When that can't be kept; nothing was changed then.
    pub async fn remove(&self, id: i64, author: &str) -> Result<Option<Rule>, StoreError> {
        let now = Timestamp::now();
        let mut store = self.0.store.lock().await;
        let removed = store.remove(id, author, now).await?;
        self.lay_out(&mut store, now).await?;
        if let Some(rule) = &removed {
            tracing::info!(rule = rule.id, whom = %rule.whom, author, "levels removed");
        }
        Ok(removed)
    }

    /// The rules in force, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be read.
    pub async fn list(&self) -> Result<Vec<Rule>, StoreError> {
        self.0.store.lock().await.rules(Timestamp::now()).await
    }

    /// What was done to rules, the latest first.
    ///
    /// # Errors
    ///
    /// When the store can't be read.
    pub async fn deeds(&self) -> Result<Vec<Deed>, StoreError> {
        self.0.store.lock().await.deeds().await
    }

    async fn lay_out(&self, store: &mut Store, now: Timestamp) -> Result<(), StoreError> {
        let rules = store.rules(now).await?;
        let book = Book::new(&rules, self.0.refresh_seconds);
        self.0.book.store(Arc::new(book));
        Ok(())
    }
}
