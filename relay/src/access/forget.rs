//! The audit without somebody's ids: what stands for them takes their place, in its rows and in its lines.

use sqlx::{Connection, SqliteConnection};

use super::entry::Entry;
use crate::store::{Forgotten, empty_log};

/// Replaces the ids in all rows, in one transaction; how many rows that changed. The log beside the database is emptied, so
/// that nothing is left in it either.
///
/// # Errors
///
/// What SQLite says; then nothing was changed, or the log could not be emptied.
pub async fn in_database(
    connection: &mut SqliteConnection,
    ids: &[Forgotten],
) -> Result<u64, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let mut changed = 0;
    let mut behind = 0;
    loop {
        let entries: Vec<Entry> = sqlx::query_as(
            "SELECT id, at, who, action, subject, query, why FROM audit WHERE id > ? ORDER BY id LIMIT 1000",
        )
        .bind(behind)
        .fetch_all(&mut *transaction)
        .await?;
        let Some(last) = entries.last() else { break };
        behind = last.id;
        for mut entry in entries {
            if !replace(&mut entry, ids) {
                continue;
            }
            changed += 1;
            sqlx::query("UPDATE audit SET subject = ?, query = ?, why = ? WHERE id = ?")
                .bind(entry.subject)
                .bind(entry.query)
                .bind(entry.why)
                .bind(entry.id)
                .execute(&mut *transaction)
                .await?;
        }
    }
    transaction.commit().await?;
    empty_log(connection).await?;
    Ok(changed)
}

/// A line of the file without the ids; `None` if they are not in it.
#[must_use]
pub fn in_line(line: &str, ids: &[Forgotten]) -> Option<String> {
    match serde_json::from_str::<Entry>(line) {
        Ok(mut entry) => replace(&mut entry, ids)
            .then(|| serde_json::to_string(&entry).ok())
            .flatten(),
        // Whatever somebody else wrote there.
        Err(_) => text(line, ids),
    }
}

/// The name of a token stays: it is who did something, and no person of the records.
fn replace(entry: &mut Entry, ids: &[Forgotten]) -> bool {
    let mut is_changed = false;
    for field in [&mut entry.subject, &mut entry.query, &mut entry.why] {
        if let Some(replaced) = text(field, ids) {
            *field = replaced;
            is_changed = true;
        }
    }
    is_changed
}

fn text(text: &str, ids: &[Forgotten]) -> Option<String> {
    ids.iter().fold(None, |replaced: Option<String>, id| {
        id.replaced(replaced.as_deref().unwrap_or(text))
            .or(replaced)
    })
}
