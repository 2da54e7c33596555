//! The rules in force: kept in the store, answered from memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::book::Book;
use super::program::Program;
use super::rows::Deed;
use super::rule::{Draft, Moment, Rule, RuleError};
use super::seen::Seen;
use super::store::Store;
use super::subject_claims::Bonds;
use crate::store::{Forgotten, StoreError};
use crate::text::chain;

/// The rules in force. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Levels(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    /// What requests are answered from: the rules of the store.
    pub(super) book: ArcSwap<Book>,
    store: Mutex<Store>,
    pub(super) seen: Seen,
    pub(super) bonds: Bonds,
    refresh_seconds: u64,
}

/// A rule that was set, and whom it finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The rule as it is kept.
    pub rule: Rule,
    /// How many of the programs that were heard of late it is meant for; absent where no relay runs.
    pub matching: Option<usize>,
    /// If none: who was heard of late in their place, latest first.
    #[serde(default)]
    pub heard_of_late: Vec<String>,
}

/// A rule was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// The rule makes no sense.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The rule can't be kept.
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
        let now = Moment::now();
        let mut store = Store::open(dir, now).await?;
        let refresh_seconds = refresh.as_secs().max(1);
        let rules = store.rules(now).await?;
        let levels = Self(Arc::new(Inner {
            book: ArcSwap::from_pointee(Book::new(&rules, refresh_seconds)),
            store: Mutex::new(store),
            seen: Seen::default(),
            bonds: Bonds::default(),
            refresh_seconds,
        }));
        let inner = Arc::downgrade(&levels.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(KEEP_EVERY).await;
                let Some(inner) = inner.upgrade() else { return };
                if let Err(error) = inner.store.lock().await.keep_left(Moment::now()).await {
                    tracing::error!(error = %chain(&error), "what is left of rules can't be kept");
                }
            }
        });
        Ok(levels)
    }

    /// Notes that a batch of `program` was accepted, and gives the tag of the levels that the program is told. From now on
    /// its token's subject may ask for them.
    #[must_use]
    pub fn tag(&self, program: &Program<&str>) -> HeaderValue {
        let now = Moment::now();
        self.0.seen.note(program, now.wall);
        self.0.bonds.note(program);
        self.0.book.load().tell(program, now).etag.clone()
    }

    /// Sets a rule; `token` is the name of the token that was used. Programs hear of the rule from now on.
    ///
    /// # Errors
    ///
    /// When it makes no sense or can't be kept; nothing was changed then.
    pub async fn set(&self, draft: Draft, token: &str) -> Result<Outcome, ChangeError> {
        let now = Moment::now();
        let checked = draft.check(now.wall)?.by(token);
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
        let now = Moment::now();
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
        self.0.store.lock().await.rules(Moment::now()).await
    }

    /// What was done to rules, the latest first.
    ///
    /// # Errors
    ///
    /// When the store can't be read.
    pub async fn deeds(&self) -> Result<Vec<Deed>, StoreError> {
        self.0.store.lock().await.deeds().await
    }

    /// Removes the rules for these ids, and puts what stands for them where notes and the audit of rules have them; how many
    /// rows that changed.
    ///
    /// # Errors
    ///
    /// When that can't be done: then some may still be there. Do it again.
    pub async fn forget(&self, ids: &[Forgotten]) -> Result<u64, StoreError> {
        let mut store = self.0.store.lock().await;
        let changed = store.forget(ids).await;
        // Also when it failed half-way: what is gone holds no longer.
        self.lay_out(&mut store, Moment::now()).await?;
        changed
    }

    async fn lay_out(&self, store: &mut Store, now: Moment) -> Result<(), StoreError> {
        let rules = store.rules(now).await?;
        let book = Book::new(&rules, self.0.refresh_seconds);
        self.0.book.store(Arc::new(book));
        Ok(())
    }
}

/// How often it is kept how much is left of rules: of so much a killed relay loses count.
const KEEP_EVERY: Duration = Duration::from_secs(60);
