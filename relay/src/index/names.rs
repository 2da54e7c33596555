//! The dictionary of the open segment: which number a name has, and what is counted of it.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};

use super::arrival::Kind;

/// The numbers of names that were used lately; the table `name` knows them all.
#[derive(Debug, Default)]
pub struct Names {
    known: HashMap<(Kind, String), i64>,
    next: i64,
}

/// What a batch adds to a name.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub records: i64,
    pub oldest: i64,
    pub newest: i64,
    pub heard: i64,
}

impl Names {
    /// The dictionary of a segment, with nothing of it read yet.
    pub async fn open(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let next = sqlx::query_scalar("SELECT coalesce(max(id), 0) + 1 FROM name")
            .fetch_one(connection)
            .await?;
        Ok(Self {
            known: HashMap::new(),
            next,
        })
    }

    /// Forgets what a transaction that failed had given numbers to.
    pub async fn forget(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        *self = Self::open(connection).await?;
        Ok(())
    }

    /// Gives every name of a batch its number and counts it, in the transaction that is open. However many there are, these
    /// are three statements.
    pub async fn count(
        &mut self,
        connection: &mut SqliteConnection,
        batch: &HashMap<(Kind, String), Seen>,
    ) -> Result<(), sqlx::Error> {
        if self.known.len() > MAX_KNOWN {
            self.known.clear();
        }
        let unknown = |known: &HashMap<(Kind, String), i64>| {
            let unknown = batch.keys().filter(|key| !known.contains_key(key));
            unknown.cloned().collect::<Vec<_>>()
        };
        let asked = unknown(&self.known);
        if !asked.is_empty() {
            let rows = sqlx::query(
                "SELECT name.id, name.kind, name.name FROM json_each(?1) AS asked CROSS JOIN name
                 ON name.kind = json_extract(asked.value, '$[0]') AND name.name = json_extract(asked.value, '$[1]')",
            )
            .bind(json(asked.iter().map(|(kind, name)| (kind.code(), name))))
            .fetch_all(&mut *connection)
            .await?;
            for row in rows {
                let (id, code): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
                if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.code() == code) {
                    self.known.insert((kind, row.try_get(2)?), id);
                }
            }
            let new = unknown(&self.known);
            if !new.is_empty() {
                let numbered: Vec<_> = new
                    .iter()
                    .zip(self.next..)
                    .map(|((kind, name), id)| (id, kind.code(), name))
                    .collect();
                sqlx::query(
                    "INSERT INTO name SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                     json_extract(value, '$[2]'), 0, 9223372036854775807, -9223372036854775808, 0 FROM json_each(?)",
                )
                .bind(json(numbered.iter()))
                .execute(&mut *connection)
                .await?;
                for key in new {
                    self.known.insert(key, self.next);
                    self.next += 1;
                }
            }
        }
        let counts = batch.iter().filter_map(|(key, seen)| {
            let id = self.known.get(key)?;
            Some((id, seen.records, seen.oldest, seen.newest, seen.heard))
        });
        sqlx::query(
            "UPDATE name SET records = records + json_extract(value, '$[1]'), oldest = min(oldest, json_extract(value, '$[2]')),
             newest = max(newest, json_extract(value, '$[3]')), heard = max(heard, json_extract(value, '$[4]'))
             FROM json_each(?1) WHERE name.id = json_extract(value, '$[0]')",
        )
        .bind(json(counts))
        .execute(connection)
        .await
        .map(drop)
    }

    /// The number of a name that was counted.
    pub fn id(&self, kind: Kind, name: &str) -> Option<i64> {
        self.known.get(&(kind, name.to_owned())).copied()
    }
}

fn json<T: serde::Serialize>(rows: impl Iterator<Item = T>) -> String {
    serde_json::to_string(&rows.collect::<Vec<_>>()).unwrap_or_default()
}

/// So many numbers are kept in memory, about 10 MB with long ids; then it begins anew.
const MAX_KNOWN: usize = 50_000;
