//! Bodies without names: remembered for ten minutes, by the hash of who sent what.

use sqlx::SqliteConnection;

/// The hashes in the database.
#[derive(Debug, Default)]
pub struct Hashes {
    /// When old ones were deleted last, in Unix nanoseconds.
    swept: i64,
}

/// Whether this hash was kept in the ten minutes before `now`.
pub async fn holds(
    connection: &mut SqliteConnection,
    hash: &[u8; 32],
    now: i64,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM seen WHERE hash = ? AND at > ?")
        .bind(&hash[..])
        .bind(now - REMEMBERED_NANOS)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

impl Hashes {
    /// Keeps a hash; now and then old ones are deleted first.
    pub async fn keep(
        &mut self,
        connection: &mut SqliteConnection,
        hash: &[u8; 32],
        now: i64,
    ) -> Result<(), sqlx::Error> {
        if self.swept < now - SWEEP_NANOS {
            sqlx::query("DELETE FROM seen WHERE at <= ?")
                .bind(now - REMEMBERED_NANOS)
                .execute(&mut *connection)
                .await?;
            self.swept = now;
        }
        sqlx::query("INSERT OR REPLACE INTO seen VALUES (?, ?)")
            .bind(&hash[..])
            .bind(now)
            .execute(connection)
            .await
            .map(drop)
    }
}

/// How long a body without names is remembered: ten minutes, by the contract.
const REMEMBERED_NANOS: i64 = 10 * 60 * 1_000_000_000;

/// How often older ones are deleted.
const SWEEP_NANOS: i64 = 60 * 1_000_000_000;
