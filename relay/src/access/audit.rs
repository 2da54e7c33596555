//! The audit: who did what, to whom, when and why.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _, SqliteConnection};
use tokio::sync::Mutex;

use super::audit_file::AuditFile;
use super::deed::Deed;
use super::forget;
use crate::http::ApiError;
use crate::store::Forgotten;
use crate::text::chain;

/// The audit. A cheap handle.
#[derive(Clone, Debug)]
pub struct Audit(Arc<Mutex<Book>>);

#[derive(Debug)]
struct Book {
    connection: SqliteConnection,
    file: AuditFile,
    /// The last entry that is in the file, too.
    filed: i64,
    /// Entries that the database keeps.
    keep: i64,
}

/// One entry of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number: a later entry has a higher one.
    pub id: i64,
    /// When, in RFC 3339.
    pub at: String,
    /// Who: the name of the token that was used; `data directory` for a command that worked on it while no relay ran.
    pub who: String,
    /// What was done.
    pub action: String,
    /// Whom or what it was about.
    pub subject: String,
    /// What was asked for.
    pub query: String,
    /// Why, as whoever asked said.
    pub why: String,
}

/// Which entries are asked for, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only entries with a lower number.
    pub before: Option<i64>,
    /// Only entries with a higher number: the nearest ones.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: u32,
    /// Only entries of this token.
    pub who: Option<String>,
    /// Only entries about this subject, as it is kept, among others.
    pub subject: Option<String>,
}

/// Entries, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The cursor of the next older page; absent when there is nothing older.
    pub older: Option<String>,
    /// The cursor of what is newer than these, now or later.
    pub newer: Option<String>,
}

/// The audit can't be used. Nothing was done then: see to the disk of the data directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The database can't be read or written.
    #[error("the audit's database can't be used")]
    Database(#[from] sqlx::Error),
    /// The file can't be written. The entry is in the database, and goes to the file with the next one.
    #[error("cannot write `{0}`")]
    File(String, #[source] std::io::Error),
    /// The task that writes was ended: the relay is stopping.
    #[error("the relay is stopping")]
    Stopping,
}

impl From<AuditError> for ApiError {
    /// What the disk said is for the operator, not for a client.
    fn from(error: AuditError) -> Self {
        tracing::error!(error = %chain(&error), "the audit can't be used: what would be in it is refused");
        Self::Unavailable("the audit is away, so nothing was done")
    }
}

impl Audit {
    /// The audit in an open store, and its file, in which `last` is the last entry. What the file has not got is appended.
    ///
    /// # Errors
    ///
    /// When one of them can't be used.
    pub async fn open(
        mut connection: SqliteConnection,
        file: AuditFile,
        last: Option<i64>,
        keep: i64,
    ) -> Result<Self, AuditError> {
        let newest: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM audit")
            .fetch_one(&mut connection)
            .await?;
        // Each entry is filed before the next is kept. So of a file that was moved away at most the last one is missing.
        let filed = last.unwrap_or(newest.saturating_sub(1)).min(newest);
        let mut book = Book {
            connection,
            file,
            filed,
            keep,
        };
        book.file_up().await?;
        Ok(Self(Arc::new(Mutex::new(book))))
    }

    /// Keeps that `deed` is about to be done. When this returns, the entry is synced, in the database and in the file.
    ///
    /// # Errors
    ///
    /// When it can't be kept: then it must not be done.
    pub async fn note(&self, deed: Deed) -> Result<(), AuditError> {
        let book = Arc::clone(&self.0);
        // A client that goes away ends its request, and must not end this half-way.
        let noted = tokio::spawn(async move { book.lock().await.note(deed.plain()).await });
        noted.await.unwrap_or(Err(AuditError::Stopping))
    }

    /// The entries of a page.
    ///
    /// # Errors
    ///
    /// When the database can't be read.
    pub async fn entries(&self, page: &Page) -> Result<Listing, AuditError> {
        self.0.lock().await.entries(page).await
    }

    /// Puts what stands for them in the place of these ids, in the database and in the file; gives how many entries that
    /// changed. Files that were moved away are not reached. When this returns, no byte of either has one of the ids as a
    /// word of its own.
    ///
    /// # Errors
    ///
    /// When that can't be done: then some may still be there. Do it again.
    pub async fn forget(&self, ids: Vec<Forgotten>) -> Result<u64, AuditError> {
        let book = Arc::clone(&self.0);
        let done = tokio::spawn(async move { book.lock().await.forget(&ids).await });
        done.await.unwrap_or(Err(AuditError::Stopping))
    }

    /// Closes it.
    pub async fn close(self) {
        if let Some(book) = Arc::into_inner(self.0) {
            use sqlx::Connection;
            // What was noted was committed.
            let _ = book.into_inner().connection.close().await;
        }
    }
}

impl Book {
    async fn note(&mut self, deed: Deed) -> Result<(), AuditError> {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO audit (at, who, action, subject, query, why) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(Timestamp::now().as_millisecond())
        .bind(&*deed.who)
        .bind(deed.action)
        .bind(&deed.subject)
        .bind(&deed.query)
        .bind(&*deed.why)
        .fetch_one(&mut self.connection)
        .await?;
        self.file_up().await?;
        sqlx::query("DELETE FROM audit WHERE id <= ?")
            .bind(id.saturating_sub(self.keep))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Appends to the file what it has not got.
    async fn file_up(&mut self) -> Result<(), AuditError> {
        loop {
            let entries: Vec<Entry> = sqlx::query_as(
                "SELECT id, at, who, action, subject, query, why FROM audit WHERE id > ? ORDER BY id LIMIT 1000",
            )
            .bind(self.filed)
            .fetch_all(&mut self.connection)
            .await?;
            let Some(last) = entries.last().map(|entry| entry.id) else {
                return Ok(());
            };
            let mut lines = Vec::new();
            for entry in entries {
                let line = serde_json::to_vec(&entry);
                lines.extend(line.map_err(|error| sqlx::Error::Decode(error.into()))?);
                lines.push(b'\n');
            }
            let file = self.file.clone();
            let appended = tokio::task::spawn_blocking(move || file.append(&lines)).await;
            let path = || self.file.path().display().to_string();
            appended
                .map_err(|_| AuditError::Stopping)?
                .map_err(|error| AuditError::File(path(), error))?;
            self.filed = last;
        }
    }

    async fn forget(&mut self, ids: &[Forgotten]) -> Result<u64, AuditError> {
        let changed = forget::in_database(&mut self.connection, ids).await?;
        let (file, ids) = (self.file.clone(), ids.to_vec());
        let rewritten =
            tokio::task::spawn_blocking(move || file.rewrite(|line| forget::in_line(line, &ids)));
        let path = || self.file.path().display().to_string();
        rewritten
            .await
            .map_err(|_| AuditError::Stopping)?
            .map_err(|error| AuditError::File(path(), error))?;
        Ok(changed)
    }

    async fn entries(&mut self, page: &Page) -> Result<Listing, AuditError> {
        let limit = page.limit.max(1);
        let is_forward = page.after.is_some();
        let order = if is_forward { "ASC" } else { "DESC" };
        let mut entries: Vec<Entry> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT id, at, who, action, subject, query, why FROM audit
             WHERE id < ? AND id > ? AND (?3 IS NULL OR who = ?3) AND (?4 IS NULL OR instr(' ' || subject || ' ', ' ' || ?4 || ' ') > 0)
             ORDER BY id {order} LIMIT ?5"
        )))
        .bind(page.before.unwrap_or(i64::MAX))
        .bind(page.after.unwrap_or(0))
        .bind(&page.who)
        .bind(&page.subject)
        // One more tells whether there is more.
        .bind(i64::from(limit) + 1)
        .fetch_all(&mut self.connection)
        .await?;
        let has_more = entries.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        if is_forward {
            entries.reverse();
        }
        // Behind a page that was asked for by `after` there is at least the entry that it is after.
        let has_older = if is_forward { true } else { has_more };
        let older = entries.last().filter(|_| has_older);
        let newer = entries.first().map(|entry| entry.id).or(page.after);
        Ok(Listing {
            older: older.map(|entry| format!("{BEFORE}{}", entry.id)),
            newer: newer.map(|id| format!("{AFTER}{id}")),
            entries,
        })
    }
}

impl Page {
    /// The most entries of a page.
    pub const MAX: u32 = 1_000;

    /// Entries of a page unless it is said.
    pub const DEFAULT: u32 = 100;

    /// The same page where `cursor` says; `None` if it is no cursor of this question.
    #[must_use]
    pub fn at(mut self, cursor: &str) -> Option<Self> {
        let id = |text: &str| text.parse::<u32>().ok().map(i64::from);
        if let Some(text) = cursor.strip_prefix(BEFORE) {
            self.before = Some(id(text)?);
        } else {
            self.after = Some(id(cursor.strip_prefix(AFTER)?)?);
        }
        Some(self)
    }
}

impl FromRow<'_, SqliteRow> for Entry {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            at: time(row.try_get("at")?),
            who: row.try_get("who")?,
            action: row.try_get("action")?,
            subject: row.try_get("subject")?,
            query: row.try_get("query")?,
            why: row.try_get("why")?,
        })
    }
}

/// A time of the store in RFC 3339; one that none can be is shown as the end of time.
pub fn time(unix_millis: i64) -> String {
    let time = Timestamp::from_millisecond(unix_millis);
    time.unwrap_or(Timestamp::MAX).to_string()
}

/// How the cursor of an older page begins.
const BEFORE: &str = "audit-before-";

/// How the cursor of a newer page begins.
const AFTER: &str = "audit-after-";

#[cfg(test)]
mod tests;
