//! The segment that is written: what comes is put behind what is there, in one transaction with the cursor.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Connection, Row as _, Sqlite, SqliteConnection};

use super::arrival::{Arrival, Kind};
use super::decode::{self, Row};
use super::names::{Names, Seen};
use super::{clock, schema};

/// What a segment says of itself. Times are Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What its records' times count from.
    pub base: i64,
    /// The spool's position before its first record and behind its last.
    pub from_records: u64,
    /// See `from_records`.
    pub to_records: u64,
    /// The last frame of the spool that is in it.
    pub frame: i64,
    /// Its records.
    pub records: u64,
    /// Records of the spool between its first and its last that are not for the index, or were erased.
    pub others: u64,
    /// Bytes of its frames before they were packed.
    pub plain_bytes: u64,
    /// The least and greatest event time.
    pub oldest: i64,
    /// See `oldest`.
    pub newest: i64,
    /// When its first and its last record came.
    pub first_received: i64,
    /// See `first_received`.
    pub last_received: i64,
    /// Whether it is written no more.
    pub is_sealed: bool,
    /// How often its file was written anew without somebody who was erased.
    pub edition: u64,
    /// The spool that its positions are of.
    pub spool: [u8; 16],
}

/// The open segment.
#[derive(Debug)]
pub struct Segment {
    pub number: u64,
    pub facts: Facts,
    file: PathBuf,
    connection: SqliteConnection,
    names: Names,
    resources: HashMap<[u8; 32], i64>,
}

impl Segment {
    /// Makes a segment that begins at this position of the spool, behind the frame `frame`.
    pub async fn create(
        file: &Path,
        number: u64,
        (from_records, frame): (u64, i64),
        now_millis: i64,
        spool: [u8; 16],
    ) -> Result<Self, sqlx::Error> {
        crate::disk::private::open_file(file)?;
        let mut connection = schema::open_to_write(file).await?;
        let tables = schema::TABLES
            .replace("?1", &now_millis.to_string())
            .replace("?2", &signed(from_records).to_string())
            .replace("?3", &frame.to_string())
            .replace("?4", &format!("x'{}'", hex(&spool)));
        sqlx::raw_sql(sqlx::AssertSqlSafe(tables))
            .execute(&mut connection)
            .await?;
        Self::on(file, number, connection).await
    }

    /// Opens one that was being written.
    pub async fn open(file: &Path, number: u64) -> Result<Self, sqlx::Error> {
        let connection = schema::open_to_write(file).await?;
        Self::on(file, number, connection).await
    }

    async fn on(
        file: &Path,
        number: u64,
        mut connection: SqliteConnection,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            number,
            facts: facts(&mut connection).await?,
            file: file.to_owned(),
            names: Names::open(&mut connection).await?,
            connection,
            resources: HashMap::new(),
        })
    }

    /// Puts frames behind what is there; all or none of them.
    pub async fn append(&mut self, arrivals: Vec<Arrival>) -> Result<(), sqlx::Error> {
        let appended = self.try_append(arrivals).await;
        if appended.is_err() {
            // Numbers that were given in the transaction that failed are not those of the table.
            self.resources.clear();
            let _ = self.names.forget(&mut self.connection).await;
        }
        appended
    }

    async fn try_append(&mut self, mut arrivals: Vec<Arrival>) -> Result<(), sqlx::Error> {
        let mut facts = self.facts;
        let mut batch: HashMap<(Kind, String), Seen> = HashMap::new();
        let mut rows: Vec<Placed> = Vec::new();
        let mut resources: Vec<([u8; 32], Vec<u8>)> = Vec::new();
        for arrival in &mut arrivals {
            let (resource, frame) = decode::rows(arrival);
            let received = millis(arrival.received);
            let hash: [u8; 32] = Sha256::digest(&resource).into();
            if !frame.is_empty() {
                resources.push((hash, resource));
            }
            facts.first_received = if facts.records == 0 {
                received
            } else {
                facts.first_received
            };
            facts.last_received = facts.last_received.max(received);
            for row in frame {
                let time = millis(row.time);
                (facts.oldest, facts.newest) = match facts.records {
                    0 => (time, time),
                    _ => (facts.oldest.min(time), facts.newest.max(time)),
                };
                facts.records += 1;
                for (kind, name) in Kind::ALL.into_iter().zip(&row.names) {
                    let Some(name) = name else { continue };
                    let seen = batch.entry((kind, name.clone())).or_insert(Seen {
                        records: 0,
                        oldest: time,
                        newest: time,
                        heard: received,
                    });
                    seen.records += 1;
                    seen.oldest = seen.oldest.min(time);
                    seen.newest = seen.newest.max(time);
                    seen.heard = seen.heard.max(received);
                }
                rows.push(Placed {
                    id: signed(facts.records),
                    received,
                    resource: hash,
                    row,
                });
            }
            if arrival.is_for_another {
                facts.others += arrival.to_records.saturating_sub(arrival.from_records);
            }
            facts.others += arrival.erased;
            facts.plain_bytes += arrival.plain_bytes;
            facts.to_records = arrival.to_records;
            facts.frame = arrival.frame;
        }
        let mut transaction = self.connection.begin().await?;
        if !batch.is_empty() {
            self.names.count(&mut transaction, &batch).await?;
        }
        for (hash, body) in resources {
            if !self.resources.contains_key(&hash) {
                let id = resource(&mut transaction, &hash, &body).await?;
                if self.resources.len() > MAX_RESOURCES {
                    self.resources.clear();
                }
                self.resources.insert(hash, id);
            }
        }
        for chunk in rows.chunks(ROWS) {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(insert(RECORD, 20, chunk.len())));
            for placed in chunk {
                query = placed.bind(query, &self.names, &self.resources, facts.base);
            }
            query.execute(&mut *transaction).await?;
            let mut query = sqlx::query(sqlx::AssertSqlSafe(insert(TEXT, 3, chunk.len())));
            for placed in chunk {
                query = query
                    .bind(placed.id)
                    .bind(&placed.row.message)
                    .bind(&placed.row.error);
            }
            query.execute(&mut *transaction).await?;
        }
        sqlx::query(
            "UPDATE segment SET to_records = ?, frame = ?, records = ?, plain_bytes = ?, oldest = ?, newest = ?,
             first_received = ?, last_received = ?, others = ?",
        )
        .bind(signed(facts.to_records))
        .bind(facts.frame)
        .bind(signed(facts.records))
        .bind(signed(facts.plain_bytes))
        .bind(facts.oldest)
        .bind(facts.newest)
        .bind(facts.first_received)
        .bind(facts.last_received)
        .bind(signed(facts.others))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.facts = facts;
        Ok(())
    }

    /// Its bytes on disk, with its log.
    pub fn bytes(&self) -> u64 {
        let log = super::files::beside(&self.file, "-wal");
        [&self.file, &log]
            .into_iter()
            .filter_map(|file| std::fs::metadata(file).ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    /// Ends it: optimised, out of the write-ahead log, never written again. Killed in between, or with somebody who still
    /// reads it, it is sealed again at the next start.
    pub async fn seal(mut self) -> Result<Facts, sqlx::Error> {
        let connection = &mut self.connection;
        sqlx::raw_sql("INSERT INTO text (text) VALUES ('optimize'); PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut *connection)
            .await?;
        let mut waited = 0;
        while let Err(error) = sqlx::raw_sql("PRAGMA journal_mode = DELETE")
            .execute(&mut *connection)
            .await
        {
            waited += 1;
            if waited > LET_GO {
                return Err(error);
            }
            tokio::time::sleep(LET_GO_EVERY).await;
        }
        sqlx::raw_sql("UPDATE segment SET sealed = 1")
            .execute(&mut *connection)
            .await?;
        self.connection.close().await?;
        Ok(Facts {
            is_sealed: true,
            ..self.facts
        })
    }

    /// Closes it as it is.
    pub async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }
}

/// A row with its place in the segment.
struct Placed {
    id: i64,
    received: i64,
    resource: [u8; 32],
    row: Row,
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl Placed {
    fn bind<'q>(
        &'q self,
        mut query: Query<'q>,
        names: &Names,
        resources: &HashMap<[u8; 32], i64>,
        base: i64,
    ) -> Query<'q> {
        let row = &self.row;
        let (at, ns) = clock::split(row.time, base);
        query = query
            .bind(self.id)
            .bind(at)
            .bind(ns)
            .bind(self.received.saturating_sub(base))
            .bind(row.level);
        for (kind, name) in Kind::ALL.into_iter().zip(&row.names) {
            query = query.bind(name.as_deref().and_then(|name| names.id(kind, name)));
        }
        let (uid, _) = row.uid.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        query
            .bind(resources.get(&self.resource).copied().unwrap_or_default())
            .bind(row.seq.map(u64::cast_signed))
            .bind(i64::from_be_bytes(*uid))
            .bind(&row.message)
            .bind(&row.rest)
    }
}

/// What a segment says of itself.
pub async fn facts(connection: &mut SqliteConnection) -> Result<Facts, sqlx::Error> {
    let row = sqlx::query(
        "SELECT base, from_records, to_records, frame, records, plain_bytes, oldest, newest, first_received,
         last_received, sealed, others, edition, spool FROM segment",
    )
    .fetch_one(connection)
    .await?;
    let number = |at: usize| row.try_get::<i64, _>(at);
    Ok(Facts {
        base: number(0)?,
        from_records: unsigned(number(1)?),
        to_records: unsigned(number(2)?),
        frame: number(3)?,
        records: unsigned(number(4)?),
        plain_bytes: unsigned(number(5)?),
        oldest: number(6)?,
        newest: number(7)?,
        first_received: number(8)?,
        last_received: number(9)?,
        is_sealed: number(10)? != 0,
        others: unsigned(number(11)?),
        edition: unsigned(number(12)?),
        spool: row.try_get::<&[u8], _>(13)?.try_into().unwrap_or_default(),
    })
}

async fn resource(
    connection: &mut SqliteConnection,
    hash: &[u8; 32],
    body: &[u8],
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO resource (hash, body) VALUES (?, ?) ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash RETURNING id",
    )
    .bind(&hash[..])
    .bind(body)
    .fetch_one(connection)
    .await
}

/// A statement that inserts so many rows of so many values.
pub fn insert(into: &str, values: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; values].join(","));
    format!("INSERT INTO {into} VALUES {}", vec![row; rows].join(","))
}

fn millis(unix_nanos: u64) -> i64 {
    clock::split(unix_nanos, 0).0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

const RECORD: &str = "record";
pub const TEXT: &str = "text (rowid, message, error)";

/// Rows in one statement: each statement is a way to SQLite's thread and back.
pub const ROWS: usize = 64;

/// How often and how long it is waited for look-ups that still read a segment that is to be sealed.
const LET_GO: u32 = 60;
const LET_GO_EVERY: Duration = Duration::from_millis(100);

/// Resources whose numbers are kept in memory.
const MAX_RESOURCES: usize = 4096;
