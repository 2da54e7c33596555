//! The catalogue: which sealed segments there are, and which names have records in which.
//!
//! Nothing stands in it that the segments do not say. A segment is listed in one transaction, so that its row in `segment`
//! says that all of it is listed; what is damaged or does not agree is made again.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::arrival::Kind;
use super::segment::{Facts, facts};
use super::{files, schema};

/// The catalogue, open.
#[derive(Debug)]
pub struct Catalog {
    connection: SqliteConnection,
}

impl Catalog {
    /// Opens the catalogue of `dir`; one that is of another format, or no database, is made anew.
    pub async fn open(dir: &Path) -> Result<Self, sqlx::Error> {
        let file = dir.join(files::CATALOG);
        if let Ok(Some(connection)) = connect(&file).await {
            return Ok(Self { connection });
        }
        tracing::warn!(file = %file.display(), "the index's catalogue can't be used and is made again from the segments");
        files::remove(&file)?;
        let connection = connect(&file).await?;
        let connection = connection.ok_or_else(|| sqlx::Error::Protocol("no catalogue".into()))?;
        Ok(Self { connection })
    }

    /// Makes it agree with the sealed segments that are there.
    pub async fn repair(
        &mut self,
        dir: &Path,
        sealed: &BTreeMap<u64, Facts>,
    ) -> Result<(), sqlx::Error> {
        let listed = self.listed().await?;
        for number in listed.keys() {
            if sealed.get(number).map(as_listed) != listed.get(number).copied() {
                self.drop(*number).await?;
            }
        }
        for (number, facts) in sealed {
            if listed.get(number) != Some(&as_listed(facts)) {
                self.add(dir, *number).await?;
            }
        }
        Ok(())
    }

    /// Writes its file anew, without what it still has of rows that were deleted.
    pub async fn clean(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("VACUUM").execute(&mut self.connection).await?;
        for _ in 0..CLEAN_TRIES {
            let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_one(&mut self.connection)
                .await?;
            if row.try_get::<i64, _>(0)? == 0 {
                return Ok(());
            }
            tokio::time::sleep(CLEAN_AGAIN).await;
        }
        Err(sqlx::Error::Protocol(
            "somebody reads the catalogue: its log can't be emptied".into(),
        ))
    }

    async fn listed(&mut self) -> Result<BTreeMap<u64, Facts>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT number, base, from_records, to_records, frame, records, plain_bytes, oldest, newest, first_received,
             last_received, others, edition FROM segment",
        )
        .fetch_all(&mut self.connection)
        .await?;
        let mut listed = BTreeMap::new();
        for row in rows {
            let number = |at: usize| row.try_get::<i64, _>(at);
            let count = |at: usize| number(at).map(i64::cast_unsigned);
            let facts = Facts {
                base: number(1)?,
                from_records: count(2)?,
                to_records: count(3)?,
                frame: number(4)?,
                records: count(5)?,
                plain_bytes: count(6)?,
                oldest: number(7)?,
                newest: number(8)?,
                first_received: number(9)?,
                last_received: number(10)?,
                others: count(11)?,
                is_sealed: true,
                edition: count(12)?,
                spool: Default::default(),
            };
            listed.insert(count(0)?, facts);
        }
        Ok(listed)
    }

    /// Lists a sealed segment. Of a kind with too many names none is listed: the segment may hold any then.
    pub async fn add(&mut self, dir: &Path, number: u64) -> Result<(), sqlx::Error> {
        let mut segment = schema::open_to_read(&files::segment(dir, number), true).await?;
        let facts = facts(&mut segment).await?;
        let mut transaction = self.connection.begin().await?;
        for kind in LISTED {
            let names: i64 = sqlx::query_scalar("SELECT count(*) FROM name WHERE kind = ?")
                .bind(kind.code())
                .fetch_one(&mut segment)
                .await?;
            if names > MAX_LISTED {
                sqlx::query("INSERT OR REPLACE INTO folded VALUES (?, ?, ?)")
                    .bind(number.cast_signed())
                    .bind(kind.code())
                    .bind(names)
                    .execute(&mut *transaction)
                    .await?;
                continue;
            }
            let rows = sqlx::query(
                "SELECT name, records, oldest, newest, heard FROM name WHERE kind = ? AND records > 0",
            )
            .bind(kind.code())
            .fetch_all(&mut segment)
            .await?;
            for chunk in rows.chunks(CHUNK) {
                let mut listed = Vec::with_capacity(chunk.len());
                for row in chunk {
                    let name: String = row.try_get(0)?;
                    let number = |at: usize| row.try_get::<i64, _>(at);
                    let counts = (number(1)?, number(2)?, number(3)?, number(4)?);
                    listed.push((key(&name).into_owned(), counts));
                }
                sqlx::query(
                    "INSERT OR REPLACE INTO holds SELECT ?1, json_extract(value, '$[0]'), ?2, json_extract(value, '$[1][0]'),
                     json_extract(value, '$[1][1]'), json_extract(value, '$[1][2]'), json_extract(value, '$[1][3]')
                     FROM json_each(?3)",
                )
                .bind(kind.code())
                .bind(number.cast_signed())
                .bind(serde_json::to_string(&listed).unwrap_or_default())
                .execute(&mut *transaction)
                .await?;
            }
        }
        sqlx::query(
            "INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(number.cast_signed())
        .bind(facts.base)
        .bind(facts.from_records.cast_signed())
        .bind(facts.to_records.cast_signed())
        .bind(facts.frame)
        .bind(facts.records.cast_signed())
        .bind(facts.plain_bytes.cast_signed())
        .bind(facts.oldest)
        .bind(facts.newest)
        .bind(facts.first_received)
        .bind(facts.last_received)
        .bind(facts.others.cast_signed())
        .bind(facts.edition.cast_signed())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        segment.close().await
    }

    /// Forgets a segment: its row first, so that what is left of it is never believed.
    pub async fn drop(&mut self, number: u64) -> Result<(), sqlx::Error> {
        for statement in [
            "DELETE FROM segment WHERE number = ?",
            "DELETE FROM folded WHERE segment = ?",
            "DELETE FROM holds WHERE segment = ?",
        ] {
            sqlx::query(statement)
                .bind(number.cast_signed())
                .execute(&mut self.connection)
                .await?;
        }
        Ok(())
    }

    /// The sealed segments that may have records of that name.
    #[cfg(test)]
    pub async fn may_hold(&mut self, kind: Kind, name: &str) -> Result<BTreeSet<u64>, sqlx::Error> {
        let numbers: Vec<i64> = sqlx::query_scalar(
            "SELECT segment FROM holds WHERE kind = ?1 AND name = ?2 UNION SELECT segment FROM folded WHERE kind = ?1",
        )
        .bind(kind.code())
        .bind(key(name))
        .fetch_all(&mut self.connection)
        .await?;
        Ok(numbers.into_iter().map(i64::cast_unsigned).collect())
    }

    /// The segments and kinds of which there are too many names to list, with how many there are.
    #[cfg(test)]
    pub async fn folded(&mut self) -> Result<Vec<(u64, i64)>, sqlx::Error> {
        let rows = sqlx::query("SELECT segment, names FROM folded ORDER BY segment, kind")
            .fetch_all(&mut self.connection)
            .await?;
        rows.iter()
            .map(|row| Ok((row.try_get::<i64, _>(0)?.cast_unsigned(), row.try_get(1)?)))
            .collect()
    }

    /// Closes it.
    pub async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }
}

/// The catalogue, open to be read.
#[derive(Debug)]
pub struct Listed(SqliteConnection);

impl Listed {
    /// Opens the catalogue of `dir`.
    pub async fn open(dir: &Path) -> Result<Self, sqlx::Error> {
        SqliteConnectOptions::new()
            .filename(dir.join(files::CATALOG))
            .read_only(true)
            .disable_statement_logging()
            .connect()
            .await
            .map(Self)
    }

    /// The segments that are listed, and have no record with that name in any of these kinds.
    pub async fn cannot_hold(
        &mut self,
        kinds: &[Kind],
        name: &str,
    ) -> Result<BTreeSet<u64>, sqlx::Error> {
        let codes: Vec<i64> = kinds.iter().map(|kind| kind.code()).collect();
        let numbers: Vec<i64> = sqlx::query_scalar(
            "SELECT number FROM segment
             WHERE number NOT IN (SELECT segment FROM holds WHERE kind IN (SELECT value FROM json_each(?1)) AND name = ?2)
             AND number NOT IN (SELECT segment FROM folded WHERE kind IN (SELECT value FROM json_each(?1)))",
        )
        .bind(serde_json::to_string(&codes).unwrap_or_default())
        .bind(key(name))
        .fetch_all(&mut self.0)
        .await?;
        Ok(numbers.into_iter().map(i64::cast_unsigned).collect())
    }

    /// Closes it.
    pub async fn close(self) {
        let _ = self.0.close().await;
    }
}

/// The database with its tables; `None` when it is of another format.
async fn connect(file: &Path) -> Result<Option<SqliteConnection>, sqlx::Error> {
    crate::disk::private::open_file(file)?;
    let mut connection = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // It can be made again.
        .synchronous(SqliteSynchronous::Normal)
        .disable_statement_logging()
        .connect()
        .await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut connection)
        .await?;
    if version == 0 {
        sqlx::raw_sql(TABLES).execute(&mut connection).await?;
    } else if version != VERSION {
        connection.close().await?;
        return Ok(None);
    }
    let whole: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut connection)
        .await?;
    Ok((whole == "ok").then_some(connection))
}

/// What the catalogue says of a segment: of which spool it is, it does not.
fn as_listed(facts: &Facts) -> Facts {
    Facts {
        spool: Default::default(),
        ..*facts
    }
}

/// A name as it is listed: a very long one by its beginning and its hash.
fn key(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_KEY_BYTES {
        return Cow::Borrowed(name);
    }
    let hash = Sha256::digest(name.as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let begin = name.get(..name.floor_char_boundary(64)).unwrap_or_default();
    Cow::Owned(format!("{begin}\u{2026}{hex}"))
}

/// Names of one kind that the catalogue lists for one segment: a fleet's worth of sessions in a day.
pub const MAX_LISTED: i64 = 50_000;

const MAX_KEY_BYTES: usize = 256;

/// The kinds that a question can be about alone.
const LISTED: [Kind; 5] = [
    Kind::User,
    Kind::Sender,
    Kind::Install,
    Kind::Session,
    Kind::Group,
];

/// How often, and how soon after each other, it is tried to empty the log while somebody reads.
const CLEAN_TRIES: u32 = 100;
const CLEAN_AGAIN: Duration = Duration::from_millis(50);

/// Names in one statement.
const CHUNK: usize = 5_000;

const VERSION: i64 = 2;

const TABLES: &str = "
BEGIN;
CREATE TABLE segment (
    number INTEGER PRIMARY KEY,
    base INTEGER NOT NULL,
    from_records INTEGER NOT NULL,
    to_records INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    records INTEGER NOT NULL,
    plain_bytes INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    first_received INTEGER NOT NULL,
    last_received INTEGER NOT NULL,
    others INTEGER NOT NULL,
    edition INTEGER NOT NULL
) STRICT;
CREATE TABLE holds (
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    segment INTEGER NOT NULL,
    records INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    heard INTEGER NOT NULL,
    PRIMARY KEY (kind, name, segment)
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_segment ON holds (segment);
CREATE TABLE folded (
    segment INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    names INTEGER NOT NULL,
    PRIMARY KEY (segment, kind)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
COMMIT;
";
