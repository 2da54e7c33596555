//! Segments that are open for reading, at most so many; those that were used lately stay open.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sqlx::SqliteConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::schema;
use super::segment::Facts;

/// The open segments.
#[derive(Debug)]
pub struct Pool {
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Handle>>,
}

/// An open segment, and its place in the pool.
#[derive(Debug)]
pub struct Handle {
    number: u64,
    edition: u64,
    is_sealed: bool,
    connection: SqliteConnection,
    _place: OwnedSemaphorePermit,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MAX_OPEN)),
            idle: Mutex::default(),
        }
    }
}

impl Pool {
    /// A segment, open. Waits while so many are in use.
    pub async fn take(
        &self,
        number: u64,
        file: &Path,
        facts: &Facts,
    ) -> Result<Handle, sqlx::Error> {
        let is_sealed = facts.is_sealed;
        {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let is_it =
                |handle: &Handle| (handle.number, handle.edition) == (number, facts.edition);
            if let Some(place) = idle.iter().position(is_it) {
                return Ok(idle.remove(place));
            }
            if self.places.available_permits() == 0 && !idle.is_empty() {
                // The one that was used longest ago.
                drop(idle.remove(0));
            }
        }
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(Handle {
            number,
            edition: facts.edition,
            is_sealed,
            connection: schema::open_to_read(file, is_sealed).await?,
            _place: place,
        })
    }

    /// Closes those that are not among `segments` any more, or were written anew.
    pub fn keep_only(&self, segments: &BTreeMap<u64, Facts>) {
        let is_there = |handle: &Handle| {
            let facts = segments.get(&handle.number);
            facts.is_some_and(|facts| facts.edition == handle.edition)
        };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(is_there);
    }

    /// Keeps it open for the next. The one that is written is closed, or it could not be sealed.
    pub fn give_back(&self, handle: Handle) {
        if handle.is_sealed {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(handle);
        }
    }

    /// How many are open.
    #[cfg(test)]
    pub fn open(&self) -> usize {
        MAX_OPEN - self.places.available_permits()
    }
}

impl Handle {
    /// To ask it.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// What is asked from now on is interrupted at this time.
    pub async fn end_at(&mut self, deadline: Instant) -> Result<(), sqlx::Error> {
        let mut locked = self.connection.lock_handle().await?;
        locked.set_progress_handler(OPERATIONS, move || Instant::now() < deadline);
        Ok(())
    }

    /// What is asked from now on takes the time that it takes.
    pub async fn never_end(&mut self) -> Result<(), sqlx::Error> {
        self.connection
            .lock_handle()
            .await?
            .remove_progress_handler();
        Ok(())
    }
}

/// SQLite's steps between two looks at the clock.
pub(super) const OPERATIONS: i32 = 1_000;

/// Segments that are open for reading at once.
pub const MAX_OPEN: usize = 16;
