//! Rules without somebody's ids: one that is for them goes, and the audit of rules has what stands for them.

use sqlx::{Connection, SqliteConnection};

use super::rows::decode;
use super::rule::{Rule, Whom};
use crate::store::{Forgotten, empty_log};

/// Removes the rules that are for one of the ids, and replaces the ids where a note or the audit of rules has them; how many
/// rows that changed.
///
/// # Errors
///
/// What SQLite says; then nothing was changed, or the log could not be emptied.
pub async fn forget(
    connection: &mut SqliteConnection,
    ids: &[Forgotten],
) -> Result<u64, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let mut changed = 0;
    let rules: Vec<(i64, String, String, String)> =
        sqlx::query_as("SELECT id, whom, why, author FROM level_rule")
            .fetch_all(&mut *transaction)
            .await?;
    for (id, whom, why, author) in rules {
        let whom: Whom = serde_json::from_str(&whom).map_err(|error| decode(error.into()))?;
        let update = if whom != of(&whom, ids) {
            sqlx::query("DELETE FROM level_rule WHERE id = ?")
        } else if text(&why, ids) != why || text(&author, ids) != author {
            sqlx::query("UPDATE level_rule SET why = ?, author = ? WHERE id = ?")
                .bind(text(&why, ids))
                .bind(text(&author, ids))
        } else {
            continue;
        };
        update.bind(id).execute(&mut *transaction).await?;
        changed += 1;
    }
    let deeds: Vec<(i64, String, String)> =
        sqlx::query_as("SELECT id, author, rule FROM level_audit")
            .fetch_all(&mut *transaction)
            .await?;
    for (id, author, rule) in deeds {
        let was: Rule = serde_json::from_str(&rule).map_err(|error| decode(error.into()))?;
        let mut rule = was.clone();
        rule.whom = of(&rule.whom, ids);
        rule.why = text(&rule.why, ids);
        rule.author = text(&rule.author, ids);
        let by = text(&author, ids);
        if rule == was && by == author {
            continue;
        }
        let rule = serde_json::to_string(&rule).map_err(|error| decode(error.into()))?;
        sqlx::query("UPDATE level_audit SET author = ?, rule = ? WHERE id = ?")
            .bind(by)
            .bind(rule)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        changed += 1;
    }
    transaction.commit().await?;
    empty_log(connection).await?;
    Ok(changed)
}

/// Whom a rule is for, with what stands for the ids.
fn of(whom: &Whom, ids: &[Forgotten]) -> Whom {
    let name = |name: &String| {
        let id = ids.iter().find(|id| id.id == *name);
        id.map_or_else(|| name.clone(), |id| id.stands_for.clone())
    };
    match whom {
        Whom::User(id) => Whom::User(name(id)),
        Whom::Install(id) => Whom::Install(name(id)),
        Whom::Session(id) => Whom::Session(name(id)),
        Whom::Version { .. } | Whom::Service(_) | Whom::Everyone => whom.clone(),
    }
}

fn text(text: &str, ids: &[Forgotten]) -> String {
    ids.iter().fold(text.to_owned(), |text, id| {
        id.replaced(&text).unwrap_or(text)
    })
}
