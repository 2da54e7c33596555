//! The audit: who did what, to whom, when and why.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::Mutex;

use super::audit_file::AuditFile;
use super::deed::Deed;
use super::entry::Entry;
use super::forget;
use super::page::{AFTER, BEFORE, Listing, Page};
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
            // What was noted was committed.
            let _ = book.into_inner().connection.close().await;
        }
    }
}

impl Book {
    async fn note(&mut self, deed: Deed) -> Result<(), AuditError> {
        let mut transaction = self.connection.begin().await?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO audit (at, who, action, subject, query, why) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(Timestamp::now().as_millisecond())
        .bind(&*deed.who)
        .bind(deed.action)
        .bind(&deed.subject)
        .bind(&deed.query)
        .bind(&*deed.why)
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM audit WHERE id <= ? AND id <= ?")
            .bind(id.saturating_sub(self.keep))
            // What the file has not got yet stays until it has.
            .bind(self.filed)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.file_up().await
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

#[cfg(test)]
mod tests;
