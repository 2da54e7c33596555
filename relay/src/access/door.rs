//! Who may use the admin API, opened from a data directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::audit::{Audit, AuditError};
use super::audit_file::{AuditFile, FILE};
use super::deed::Deed;
use super::role::Role;
use super::token::{Made, NamedToken};
use super::tokens::{TokenError, Tokens};
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

/// A token was not made or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// There can be no such token, or it can't be kept.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It can't be kept in the audit, so nothing was changed.
    #[error(transparent)]
    Audit(#[from] AuditError),
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

    /// Makes a token for `who`, because of `why`: that is in the audit before.
    ///
    /// # Errors
    ///
    /// When the token can't be made: see [`ChangeError`].
    pub async fn make_token(
        &self,
        who: Arc<str>,
        why: Arc<str>,
        name: &str,
        role: Role,
    ) -> Result<Made, ChangeError> {
        self.tokens.check(name)?;
        let noted = self.audit.note(Deed {
            who,
            action: "token.made",
            subject: format!("token:{name}"),
            query: format!("role {role}"),
            why,
        });
        noted.await?;
        Ok(self.tokens.make(name, role).await?)
    }

    /// Removes a token for `who`, because of `why`: that is in the audit before. `None` if there is no such token.
    ///
    /// # Errors
    ///
    /// When that can't be kept: then the token is good still.
    pub async fn remove_token(
        &self,
        who: Arc<str>,
        why: Arc<str>,
        name: &str,
    ) -> Result<Option<NamedToken>, ChangeError> {
        if !self.tokens.has(name) {
            return Ok(None);
        }
        let noted = self.audit.note(Deed {
            who,
            action: "token.removed",
            subject: format!("token:{name}"),
            query: String::new(),
            why,
        });
        noted.await?;
        Ok(self.tokens.remove(name).await.map_err(TokenError::from)?)
    }

    /// Closes it.
    pub async fn close(self) {
        self.tokens.close().await;
        self.audit.close().await;
    }
}

/// Keeps in the audit of `dir`, which the caller has locked, what a command that works on it is about to do.
///
/// # Errors
///
/// When it can't be kept: then it must not be done.
pub async fn note_in(dir: &Path, deed: Deed) -> Result<(), AccessError> {
    let access = Access::open(dir).await?;
    let noted = access.audit.note(deed).await;
    access.close().await;
    Ok(noted?)
}

/// Entries of the audit that the database keeps, about 300 MB; older ones are in the file only.
const KEPT_ENTRIES: i64 = 1_000_000;
