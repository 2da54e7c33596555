//! An entry of the audit, as a row of the store and as a line of JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};

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
