//! Which spool this is: a number by chance, made with its database, and the spools that it was copied from.
//!
//! Numbers of frames say something only within one spool. A consumer with a place of its own, as the index, keeps the
//! spool's number beside it, and so notices that another spool has taken its place.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

/// Which spool it is, and what it was copied from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Its number.
    pub id: Vec<u8>,
    /// The spools that it was copied from, and the last frame that it has of each. One without a number stands for any.
    pub ancestors: Vec<(Vec<u8>, i64)>,
}

impl Origin {
    /// Up to which frame this spool, which has `last_frame`, is that of number `id`, of which somebody had `frame`; `None`
    /// when it is another spool.
    #[must_use]
    pub fn shares(&self, id: &[u8], frame: i64, last_frame: i64) -> Option<i64> {
        if self.id == id {
            // A copy that was put back by hand ends earlier.
            return Some(frame.min(last_frame));
        }
        let ancestor = self
            .ancestors
            .iter()
            .find(|(of, _)| of == id)
            .or_else(|| self.ancestors.iter().find(|(of, _)| of.is_empty()));
        ancestor.map(|(_, up_to)| frame.min(*up_to).min(last_frame))
    }
}

/// What the database says.
pub async fn read(connection: &mut SqliteConnection) -> Result<Origin, sqlx::Error> {
    let id = sqlx::query_scalar("SELECT id FROM spool")
        .fetch_one(&mut *connection)
        .await?;
    let rows = sqlx::query("SELECT id, frame FROM ancestor")
        .fetch_all(connection)
        .await?;
    let ancestors = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    Ok(Origin {
        id,
        ancestors: ancestors.collect::<Result<_, sqlx::Error>>()?,
    })
}

/// What a database says that may be damaged or older.
pub async fn of_file(file: &Path) -> Option<Origin> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .disable_statement_logging();
    let mut connection = options.connect().await.ok()?;
    let origin = read(&mut connection).await.ok();
    let _ = connection.close().await;
    origin
}

/// Makes this database the same spool as `was`, or as whichever there was.
pub async fn keep(
    connection: &mut SqliteConnection,
    was: Option<&Origin>,
) -> Result<(), sqlx::Error> {
    let Some(was) = was else {
        return sqlx::query("INSERT OR REPLACE INTO ancestor VALUES (x'', 9223372036854775807)")
            .execute(connection)
            .await
            .map(drop);
    };
    sqlx::query("UPDATE spool SET id = ?")
        .bind(&was.id)
        .execute(&mut *connection)
        .await?;
    for (id, frame) in &was.ancestors {
        sqlx::query("INSERT OR REPLACE INTO ancestor VALUES (?, ?)")
            .bind(id)
            .bind(frame)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Makes this database, a copy, a spool of its own that says what it was copied from.
///
/// # Errors
///
/// What SQLite says.
pub async fn copied(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "BEGIN;
         INSERT OR REPLACE INTO ancestor SELECT id,
             max(coalesce((SELECT max(id) FROM frame), 0), coalesce((SELECT max(frame) FROM consumer), 0)) FROM spool;
         UPDATE spool SET id = randomblob(16);
         COMMIT",
    )
    .execute(connection)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_in_the_spool_that_it_is_of_and_in_its_copies() {
        let origin = Origin {
            id: b"b".to_vec(),
            ancestors: vec![(b"a".to_vec(), 100)],
        };
        for (id, frame, last, shared) in [
            (&b"b"[..], 7, 200, Some(7)),
            (b"b", 150, 100, Some(100)),
            (b"a", 90, 200, Some(90)),
            (b"a", 150, 200, Some(100)),
            (b"c", 7, 200, None),
        ] {
            assert_eq!(
                origin.shares(id, frame, last),
                shared,
                "{id:?} {frame} {last}"
            );
        }
        let mended = Origin {
            ancestors: vec![(Vec::new(), i64::MAX)],
            ..origin
        };
        assert_eq!(mended.shares(b"c", 7, 200), Some(7));
    }
}
