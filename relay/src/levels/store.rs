//! The rules in the store, and who made and removed them: `store.db` in the data directory.
//!
//! Apart from the spool's database, so that a rule never waits behind a batch, nor a batch behind a rule.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::rule::{Checked, Rule};

/// The store can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is no database of a relay, or it is damaged, or its disk refuses. Restore it, or move it away to begin anew.
    #[error("cannot use database `{}`", .file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// A newer relay wrote it. Use that version, or another directory.
    #[error("`{}` has format {found}, newer than format {VERSION} of this relay", .file.display())]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its format.
        found: i64,
    },
}

/// What somebody did to a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When, in RFC 3339.
    pub at: String,
    /// `set` or `removed`.
    pub action: String,
    /// Who says so.
    pub author: String,
    /// The rule.
    pub rule: Rule,
}

/// The tables, with the one connection that uses them.
#[derive(Debug)]
pub struct Store {
    connection: SqliteConnection,
    file: PathBuf,
}

impl Store {
    /// Opens the store in `dir`, which the caller has locked.
    ///
    /// # Errors
    ///
    /// When it can't be used: see [`StoreError`].
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        let file = dir.join(FILE);
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let opened = async {
            let mut connection = options.connect().await?;
            let found: i64 = sqlx::query_scalar("PRAGMA user_version")
                .fetch_one(&mut connection)
                .await?;
            if found < VERSION {
                sqlx::raw_sql(TABLES).execute(&mut connection).await?;
            }
            Ok((connection, found))
        };
        match opened.await {
            Ok((_, found)) if found > VERSION => Err(StoreError::Newer { file, found }),
            Ok((connection, _)) => Ok(Self { connection, file }),
            Err(source) => Err(StoreError::Database { file, source }),
        }
    }

    /// All rules that have not ended, oldest first.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn rules(&mut self, now: Timestamp) -> Result<Vec<Rule>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, whom, levels, made_at, expires_at, why, author FROM level_rule
             WHERE expires_at IS NULL OR expires_at > ? ORDER BY id",
        )
        .bind(now.as_millisecond())
        .fetch_all(&mut self.connection)
        .await;
        let rules = rows.and_then(|rows| rows.iter().map(rule).collect());
        self.named(rules)
    }

    /// Keeps a rule and that it was made. Rules that have ended are dropped on the way.
    ///
    /// # Errors
    ///
    /// What SQLite says; then nothing was changed.
    pub async fn add(&mut self, rule: &Checked, now: Timestamp) -> Result<Rule, StoreError> {
        let added = self.try_add(rule, now).await;
        self.named(added)
    }

    async fn try_add(&mut self, rule: &Checked, now: Timestamp) -> Result<Rule, sqlx::Error> {
        let whom = serde_json::to_string(&rule.whom).map_err(|error| decode(error.into()))?;
        let mut transaction = self.connection.begin().await?;
        sqlx::query("DELETE FROM level_rule WHERE expires_at <= ?")
            .bind(now.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        let row = sqlx::query(
            "INSERT INTO level_rule (whom, levels, made_at, expires_at, why, author) VALUES (?, ?, ?, ?, ?, ?)
             RETURNING id, whom, levels, made_at, expires_at, why, author",
        )
        .bind(whom)
        .bind(rule.rules.to_string())
        .bind(now.as_millisecond())
        .bind(rule.expires_at.map(Timestamp::as_millisecond))
        .bind(&rule.why)
        .bind(&rule.author)
        .fetch_one(&mut *transaction)
        .await?;
        let rule = self::rule(&row)?;
        note(&mut transaction, "set", &rule.author, &rule, now).await?;
        transaction.commit().await?;
        Ok(rule)
    }

    /// Removes a rule, and keeps that `author` did; `None` if there is no such rule.
    ///
    /// # Errors
    ///
    /// What SQLite says; then nothing was changed.
    pub async fn remove(
        &mut self,
        id: i64,
        author: &str,
        now: Timestamp,
    ) -> Result<Option<Rule>, StoreError> {
        let removed = self.try_remove(id, author, now).await;
        self.named(removed)
    }

    async fn try_remove(
        &mut self,
        id: i64,
        author: &str,
        now: Timestamp,
    ) -> Result<Option<Rule>, sqlx::Error> {
        let mut transaction = self.connection.begin().await?;
        let row = sqlx::query(
            "DELETE FROM level_rule WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)
             RETURNING id, whom, levels, made_at, expires_at, why, author",
        )
        .bind(id)
        .bind(now.as_millisecond())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(rule) = row.as_ref().map(rule).transpose()? else {
            return Ok(None);
        };
        note(&mut transaction, "removed", author, &rule, now).await?;
        transaction.commit().await?;
        Ok(Some(rule))
    }

    /// What was done last, the latest first.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn deeds(&mut self) -> Result<Vec<Deed>, StoreError> {
        let rows = sqlx::query(
            "SELECT at, action, author, rule FROM level_audit ORDER BY id DESC LIMIT 1000",
        )
        .fetch_all(&mut self.connection)
        .await;
        let deeds = rows.and_then(|rows| rows.iter().map(deed).collect());
        self.named(deeds)
    }

    /// Closes it.
    pub async fn close(self) {
        // What was done was committed.
        let _ = self.connection.close().await;
    }

    fn named<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::Database {
            file: self.file.clone(),
            source,
        })
    }
}

async fn note(
    connection: &mut SqliteConnection,
    action: &str,
    author: &str,
    rule: &Rule,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let rule = serde_json::to_string(rule).map_err(|error| decode(error.into()))?;
    sqlx::query("INSERT INTO level_audit (at, action, author, rule) VALUES (?, ?, ?, ?)")
        .bind(now.as_millisecond())
        .bind(action)
        .bind(author)
        .bind(rule)
        .execute(connection)
        .await?;
    Ok(())
}

fn rule(row: &SqliteRow) -> Result<Rule, sqlx::Error> {
    let whom: String = row.try_get("whom")?;
    Ok(Rule {
        id: row.try_get("id")?,
        whom: serde_json::from_str(&whom).map_err(|error| decode(error.into()))?,
        levels: row.try_get("levels")?,
        made_at: time(row.try_get("made_at")?)?,
        expires_at: row
            .try_get::<Option<i64>, _>("expires_at")?
            .map(time)
            .transpose()?,
        why: row.try_get("why")?,
        author: row.try_get("author")?,
    })
}

fn deed(row: &SqliteRow) -> Result<Deed, sqlx::Error> {
    let rule: String = row.try_get("rule")?;
    Ok(Deed {
        at: time(row.try_get("at")?)?,
        action: row.try_get("action")?,
        author: row.try_get("author")?,
        rule: serde_json::from_str(&rule).map_err(|error| decode(error.into()))?,
    })
}

fn time(unix_millis: i64) -> Result<String, sqlx::Error> {
    let time = Timestamp::from_millisecond(unix_millis).map_err(|error| decode(error.into()))?;
    Ok(time.to_string())
}

fn decode(error: Box<dyn std::error::Error + Send + Sync>) -> sqlx::Error {
    sqlx::Error::Decode(error)
}

const FILE: &str = "store.db";

/// The format that this relay writes.
const VERSION: i64 = 1;

/// Numbers are never given twice, so that the audit names one rule for ever. Times are Unix milliseconds.
const TABLES: &str = "
BEGIN;
CREATE TABLE level_rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    whom TEXT NOT NULL,
    levels TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER,
    why TEXT NOT NULL,
    author TEXT NOT NULL
) STRICT;
CREATE TABLE level_audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    author TEXT NOT NULL,
    rule TEXT NOT NULL
) STRICT;
PRAGMA user_version = 1;
COMMIT;
";
