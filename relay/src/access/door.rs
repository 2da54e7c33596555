//! Who may use the admin API, opened from a data directory.

use std::path::{Path, PathBuf};

use super::audit::{Audit, AuditError};
use super::audit_file::{AuditFile, FILE};
use super::tokens::Tokens;
use crate::store::{self, StoreError};

/// The tokens and the audit of a data directory. A cheap handle.
#[derive(Clone, Debug)]
pub struct Access {
    /// The named tokens.
    pub tokens: Tokens,
    /// What was done with them.
    pub audit: Audit,
}

/// Who may use the admin API is not known, or can't be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit can't be used.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The audit's file can't be used. Check its owner and its disk.
    #[error("cannot use the audit's file `{}`", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Access {
    /// Opens the tokens and the audit in `dir`, which the caller has locked.
    ///
    /// # Errors
    ///
    /// When one of them can't be used: see [`AccessError`].
    pub async fn open(dir: &Path) -> Result<Self, AccessError> {
        let tokens = Tokens::open(store::open(dir).await?, store::file(dir)).await?;
        let (file, last) = AuditFile::open(dir).map_err(|source| AccessError::File {
            path: dir.join(FILE),
            source,
        })?;
        let audit = Audit::open(store::open(dir).await?, file, last, KEPT_ENTRIES).await?;
        Ok(Self { tokens, audit })
    }

    /// Closes it.
    pub async fn close(self) {
        self.tokens.close().await;
        self.audit.close().await;
    }
}

/// Who does something where no relay runs: a user who may write in the data directory.
pub const LOCAL: &str = "data directory";

/// Entries of the audit that the database keeps, about 300 MB; older ones are in the file only.
const KEPT_ENTRIES: i64 = 1_000_000;
