//! Which levels programs should log at, as support says: from afar, for some, for a while.
//!
//! 1. Of the rules that are meant for a program, the most specific counts, whole: session, install, user, version,
//!    service, everyone. Of several of one kind, the newest.
//! 2. A rule is in the store, with who made it and why, before anybody is told; so is its removal.
//! 3. A rule for fewer than all programs of a service ends by itself, within a day.
//! 4. A rule for one install or session is told only to a token whose subject has sent records of it: a name that somebody
//!    only knows opens nothing. Who asks before the first batch hears what is for its user, service or everyone, and the
//!    rest with the answer to that batch.
//! 5. A rule ends by the time that the relay has run, too, so that a clock that is set back prolongs none.
//! 6. Each answer to a batch carries the tag of what its sender is told, so that a change is heard with the next one.
//!
//! What it does not do: reach a program that neither sends nor asks.

mod answer;
mod bonds;
mod book;
mod origin;
mod rule;
mod seen;
mod store;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub(crate) use answer::{admin, away, get_logging};
pub(crate) use book::Program;
pub(crate) use origin::Origin;
pub use rule::{Draft, Rule, RuleError, Whom};
pub(crate) use rule::{Moment, authored};
pub(crate) use store::Store;
pub use store::{Deed, StoreError};

use bonds::Bonds;
use book::Book;
use seen::Seen;

use crate::text::chain;

/// The rules in force. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Levels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What requests are answered from: the rules of the store.
    book: ArcSwap<Book>,
    store: Mutex<Store>,
    seen: Seen,
    bonds: Bonds,
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

    /// The tag of what a program is told whose batch was accepted. From now on its token's subject may ask for it.
    #[must_use]
    pub fn tag(&self, program: &Program<'_>) -> HeaderValue {
        let now = Moment::now();
        self.0.seen.note(program, now.wall);
        self.0.bonds.note(program);
        self.0.book.load().tell(program, now).etag.clone()
    }

    /// Sets a rule, by whoever has `token`. Programs hear of it from now on.
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

    async fn lay_out(&self, store: &mut Store, now: Moment) -> Result<(), StoreError> {
        let rules = store.rules(now).await?;
        let book = Book::new(&rules, self.0.refresh_seconds);
        self.0.book.store(Arc::new(book));
        Ok(())
    }
}

/// How often it is kept how much is left of rules: of so much a killed relay loses count.
const KEEP_EVERY: Duration = Duration::from_secs(60);
