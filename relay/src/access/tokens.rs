//! The named tokens: kept in the store, looked up in memory.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _, SqliteConnection};
use tokio::sync::{Mutex, watch};

use super::entry::time;
use super::role::Role;
use super::token::{self, Hash, Made, NameError, NamedToken, hash, new_text};
use crate::store::StoreError;
use crate::text::chain;

/// The named tokens. A cheap handle.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The tokens that are good, by hash.
    good: ArcSwap<HashMap<Hash, Arc<Good>>>,
    store: Mutex<SqliteConnection>,
    file: PathBuf,
}

/// A token that is good.
#[derive(Debug)]
struct Good {
    id: i64,
    name: Arc<str>,
    role: Role,
    /// Unix milliseconds; 0 is never.
    last_used: AtomicI64,
    /// Is dropped with this, when the token is removed.
    held: watch::Sender<()>,
}

/// Whose token it is.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its name.
    pub name: Arc<str>,
    /// What it may do.
    pub role: Role,
    /// Ends when the token is removed.
    pub held: watch::Receiver<()>,
}

/// A token was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// No token can have this name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is a token of this name, in whatever case. Remove it first, or choose another name.
    #[error("there is a token named `{0}`: remove it first, or choose another name")]
    Taken(String),
    /// There are too many. Remove those that nobody uses.
    #[error("there are {MAX_TOKENS} tokens: remove some that nobody uses")]
    TooMany,
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Tokens {
    /// The tokens in an open store, whose file is `file`.
    ///
    /// # Errors
    ///
    /// When they can't be read: then nobody knows who may look.
    pub async fn open(mut store: SqliteConnection, file: PathBuf) -> Result<Self, StoreError> {
        let good = match good(&mut store).await {
            Ok(good) => good,
            Err(source) => return Err(StoreError::Database { file, source }),
        };
        Ok(Self(Arc::new(Inner {
            good: ArcSwap::from_pointee(good),
            store: Mutex::new(store),
            file,
        })))
    }

    /// Whose token `text` is; `None` if it is none, or was removed. That it was used is kept to the hour.
    #[must_use]
    pub fn who(&self, text: &[u8]) -> Option<Known> {
        let good = self.0.good.load().get(&hash(text)).cloned()?;
        self.used(&good);
        Some(Known {
            name: Arc::clone(&good.name),
            role: good.role,
            held: good.held.subscribe(),
        })
    }

    fn used(&self, good: &Good) {
        let now = Timestamp::now().as_millisecond();
        let last = good.last_used.load(Ordering::Relaxed);
        let is_ours = now.saturating_sub(last) >= HOUR_MILLIS
            && good
                .last_used
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !is_ours {
            return;
        }
        let (inner, id) = (Arc::clone(&self.0), good.id);
        tokio::spawn(async move {
            let kept = sqlx::query("UPDATE admin_token SET last_used_at = ? WHERE id = ?")
                .bind(now)
                .bind(id)
                .execute(&mut *inner.store.lock().await)
                .await;
            if let Err(error) = kept {
                tracing::warn!(error = %chain(&error), "when a token was last used can't be kept");
            }
        });
    }

    /// Makes a token. From now on it is good.
    ///
    /// # Errors
    ///
    /// When it can't be made: see [`TokenError`].
    pub async fn make(&self, name: &str, role: Role) -> Result<Made, TokenError> {
        self.check(name)?;
        let (inner, name) = (Arc::clone(&self.0), name.to_owned());
        let made = tokio::spawn(async move { inner.make(name, role).await });
        made.await.unwrap_or_else(|_| Err(self.0.stopping().into()))
    }

    /// Whether a token of this name can be made.
    ///
    /// # Errors
    ///
    /// When it can't: see [`TokenError`].
    pub fn check(&self, name: &str) -> Result<(), TokenError> {
        token::check_name(name)?;
        let good = self.0.good.load();
        if good
            .values()
            .any(|good| good.name.eq_ignore_ascii_case(name))
        {
            Err(TokenError::Taken(name.to_owned()))
        } else if good.len() >= MAX_TOKENS {
            Err(TokenError::TooMany)
        } else {
            Ok(())
        }
    }

    /// Whether there is a token of this name that is good.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let good = self.0.good.load();
        good.values()
            .any(|good| good.name.eq_ignore_ascii_case(name))
    }

    /// Removes a token, which is refused from now on; `None` if there is no such token.
    ///
    /// # Errors
    ///
    /// When that can't be kept: then it is good still.
    pub async fn remove(&self, name: &str) -> Result<Option<NamedToken>, StoreError> {
        let (inner, name) = (Arc::clone(&self.0), name.to_owned());
        let removed = tokio::spawn(async move { inner.remove(&name).await });
        removed.await.unwrap_or_else(|_| Err(self.0.stopping()))
    }

    /// All tokens, those that were removed too, oldest first.
    ///
    /// # Errors
    ///
    /// When they can't be read.
    pub async fn list(&self) -> Result<Vec<NamedToken>, StoreError> {
        let rows = sqlx::query_as::<_, Row>(
            "SELECT id, name, role, hash, created_at, last_used_at, revoked_at FROM admin_token ORDER BY id",
        )
        .fetch_all(&mut *self.0.store.lock().await)
        .await;
        let rows = rows.and_then(|rows| rows.into_iter().map(Row::token).collect());
        self.0.named(rows)
    }

    /// Closes it.
    pub async fn close(self) {
        if let Some(inner) = Arc::into_inner(self.0) {
            use sqlx::Connection;
            // What was done was committed.
            let _ = inner.store.into_inner().close().await;
        }
    }
}

impl Inner {
    async fn make(&self, name: String, role: Role) -> Result<Made, TokenError> {
        let text = new_text();
        let mut store = self.store.lock().await;
        let made = sqlx::query_as::<_, Row>(
            "INSERT INTO admin_token (name, role, hash, created_at) VALUES (?, ?, ?, ?)
             RETURNING id, name, role, hash, created_at, last_used_at, revoked_at",
        )
        .bind(&name)
        .bind(role.name())
        .bind(hash(text.as_bytes()).as_slice())
        .bind(Timestamp::now().as_millisecond())
        .fetch_one(&mut *store)
        .await;
        let made = match made {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Err(TokenError::Taken(name));
            }
            made => self.named(made)?,
        };
        let (hash, its) = self.named(made.good())?;
        // The others stay the same: what is held by them goes on.
        let mut good = HashMap::clone(&self.good.load());
        good.insert(hash, its);
        self.good.store(Arc::new(good));
        Ok(Made {
            token: self.named(made.token())?,
            text: text.into(),
        })
    }

    async fn remove(&self, name: &str) -> Result<Option<NamedToken>, StoreError> {
        let mut store = self.store.lock().await;
        let removed = sqlx::query_as::<_, Row>(
            "UPDATE admin_token SET revoked_at = ? WHERE name = ? COLLATE NOCASE AND revoked_at IS NULL
             RETURNING id, name, role, hash, created_at, last_used_at, revoked_at",
        )
        .bind(Timestamp::now().as_millisecond())
        .bind(name)
        .fetch_optional(&mut *store)
        .await;
        let removed = self.named(removed)?;
        // First in memory, so that it is refused even where the store can't be read again.
        if let Some(row) = &removed {
            let mut good = HashMap::clone(&self.good.load());
            good.retain(|_, good| good.id != row.id);
            self.good.store(Arc::new(good));
        }
        self.named(removed.map(Row::token).transpose())
    }

    fn named<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::Database {
            file: self.file.clone(),
            source,
        })
    }

    /// The task was ended: the relay is stopping.
    fn stopping(&self) -> StoreError {
        StoreError::Database {
            file: self.file.clone(),
            source: sqlx::Error::WorkerCrashed,
        }
    }
}

/// The tokens that are good.
async fn good(store: &mut SqliteConnection) -> Result<HashMap<Hash, Arc<Good>>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, name, role, hash, created_at, last_used_at, revoked_at FROM admin_token WHERE revoked_at IS NULL",
    )
    .fetch_all(store)
    .await?;
    rows.iter().map(Row::good).collect()
}

struct Row {
    id: i64,
    name: String,
    role: String,
    hash: Vec<u8>,
    created_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl FromRow<'_, SqliteRow> for Row {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            role: row.try_get("role")?,
            hash: row.try_get("hash")?,
            created_at: row.try_get("created_at")?,
            last_used_at: row.try_get("last_used_at")?,
            revoked_at: row.try_get("revoked_at")?,
        })
    }
}

impl Row {
    fn role(&self) -> Result<Role, sqlx::Error> {
        let role = self.role.parse();
        role.map_err(|error: super::role::UnknownRole| sqlx::Error::Decode(error.into()))
    }

    fn token(self) -> Result<NamedToken, sqlx::Error> {
        Ok(NamedToken {
            role: self.role()?,
            name: self.name,
            created: time(self.created_at),
            last_used: self.last_used_at.map(|at| time(at - at % HOUR_MILLIS)),
            revoked: self.revoked_at.map(time),
        })
    }

    fn good(&self) -> Result<(Hash, Arc<Good>), sqlx::Error> {
        let role = self.role()?;
        let hash = Hash::try_from(self.hash.as_slice());
        let hash = hash.map_err(|error| sqlx::Error::Decode(error.into()))?;
        let good = Good {
            id: self.id,
            name: self.name.as_str().into(),
            role,
            last_used: AtomicI64::new(self.last_used_at.unwrap_or(0)),
            held: watch::Sender::new(()),
        };
        Ok((hash, Arc::new(good)))
    }
}

/// Tokens that are good at once.
const MAX_TOKENS: usize = 1_000;

const HOUR_MILLIS: i64 = 60 * 60 * 1000;
