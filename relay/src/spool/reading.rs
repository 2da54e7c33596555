//! The connection that frames and dead letters are read by.

use std::path::Path;
use std::sync::atomic::Ordering;

use sqlx::SqliteConnection;

use super::error::OpenError;
use super::gauge::Gauge;
use super::schema;

/// The connection that frames are read by. Once the database was mended its file is another.
#[derive(Debug)]
pub struct Reading {
    connection: SqliteConnection,
    /// How often the database had been mended when it was opened.
    pub mended: u64,
}

impl Reading {
    /// Opens the database for reading.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn open(dir: &Path, gauge: &Gauge) -> Result<Self, OpenError> {
        let mended = gauge.mended.load(Ordering::Acquire);
        let connection = schema::open_to_read(dir).await?;
        Ok(Self { connection, mended })
    }

    /// A connection to the database as it is now, mended or not.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn current(
        &mut self,
        dir: &Path,
        gauge: &Gauge,
    ) -> Result<&mut SqliteConnection, sqlx::Error> {
        if self.mended != gauge.mended.load(Ordering::Acquire) {
            *self = Self::open(dir, gauge).await.map_err(|error| match error {
                OpenError::Database { source, .. } => source,
                error => sqlx::Error::Io(std::io::Error::other(error)),
            })?;
        }
        Ok(&mut self.connection)
    }
}
