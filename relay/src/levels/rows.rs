//! Rules and what was done to them, as rows of the store.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::rule::{Moment, Rule};

/// One change of a rule, as the audit has it.
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

/// Writes a change of a rule into the audit.
pub async fn note(
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

/// A rule from its row; when it ends by the time that this process runs is not in there.
pub fn rule(row: &SqliteRow) -> Result<Rule, sqlx::Error> {
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
        ends: None,
    })
}

/// When each rule ends: after what was left when that was last kept, or what its time leaves, whichever is less.
pub async fn ends(
    connection: &mut SqliteConnection,
    now: Moment,
) -> Result<HashMap<i64, Instant>, sqlx::Error> {
    let rows: Vec<(i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT id, expires_at, left_millis FROM level_rule WHERE expires_at IS NOT NULL",
    )
    .fetch_all(connection)
    .await?;
    let left = rows.into_iter().map(|(id, expires_at, left)| {
        let by_clock = expires_at.saturating_sub(now.wall.as_millisecond());
        let left = left.map_or(by_clock, |left| left.min(by_clock));
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        // Further away than a clock can tell is as good as never.
        Some((id, now.run.checked_add(left)?))
    });
    Ok(left.flatten().collect())
}

/// A time that is left, as it is kept.
pub fn millis(left: Duration) -> i64 {
    i64::try_from(left.as_millis()).unwrap_or(i64::MAX)
}

/// A deed from its row.
pub fn deed(row: &SqliteRow) -> Result<Deed, sqlx::Error> {
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

/// A value that is not what was written.
pub fn decode(error: Box<dyn std::error::Error + Send + Sync>) -> sqlx::Error {
    sqlx::Error::Decode(error)
}
