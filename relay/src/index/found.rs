//! A record as it comes out of a segment.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::arrival::Kind;
use super::{clock, decode};

/// Where a record stands among all: by its time, then by when and where it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its corrected time, in Unix nanoseconds.
    pub time: u64,
    /// Its segment.
    pub segment: u64,
    /// Its row there.
    pub row: i64,
}

/// A record that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it stands.
    pub place: Place,
    /// When it came, in Unix milliseconds.
    pub received: i64,
    /// The OTLP severity number.
    pub level: i32,
    /// Its names, in the order of [`Kind::ALL`].
    pub names: [Option<String>; Kind::ALL.len()],
    /// Its place in its queue.
    pub seq: Option<u64>,
    /// `log.record.uid`.
    pub uid: [u8; 16],
    /// What it says.
    pub message: String,
    /// All that has no place above.
    pub rest: LogRecord,
    /// What it ran on.
    pub resource: Arc<Resource>,
}

impl Found {
    /// A name of it.
    #[must_use]
    pub fn name(&self, kind: Kind) -> Option<&str> {
        self.names.get(kind.place())?.as_deref()
    }

    /// Whose token it came with.
    #[must_use]
    pub fn sender(&self) -> Option<&str> {
        match self.name(Kind::Sender) {
            None => self.name(Kind::User),
            sender => sender.filter(|sender| !sender.is_empty()),
        }
    }

    /// `log.record.uid`, as it is written.
    #[must_use]
    pub fn record(&self) -> String {
        self.uid.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The columns of a record, in the order in which [`read`] takes them.
pub const COLUMNS: &str = "record.id, at, ns, received, level, user, sender, install, session, grp, queue, logger, service, \
     version, event, resource, seq, message, rest";

/// How many of them there are.
pub const COLUMN_COUNT: usize = 19;

/// What rows refer to, read once for each.
#[derive(Debug, Default)]
pub struct Shared {
    names: HashMap<i64, String>,
    resources: HashMap<i64, Arc<Resource>>,
}

/// Rows of one segment as records. A row whose blob is not what was written is `None`.
pub async fn read(
    connection: &mut SqliteConnection,
    shared: &mut Shared,
    (segment, base): (u64, i64),
    rows: &[SqliteRow],
) -> Result<Vec<Option<Found>>, sqlx::Error> {
    let mut names = HashSet::new();
    let mut resources = HashSet::new();
    for row in rows {
        for at in FIRST_NAME..FIRST_NAME + Kind::ALL.len() {
            names.extend(row.try_get::<Option<i64>, _>(at)?);
        }
        resources.insert(row.try_get::<i64, _>(RESOURCE)?);
    }
    names.retain(|id| !shared.names.contains_key(id));
    resources.retain(|id| !shared.resources.contains_key(id));
    if !names.is_empty() {
        let rows =
            sqlx::query("SELECT id, name FROM name WHERE id IN (SELECT value FROM json_each(?))")
                .bind(serde_json::to_string(&names).unwrap_or_default())
                .fetch_all(&mut *connection)
                .await?;
        for row in rows {
            shared.names.insert(row.try_get(0)?, row.try_get(1)?);
        }
    }
    if !resources.is_empty() {
        let rows = sqlx::query(
            "SELECT id, body FROM resource WHERE id IN (SELECT value FROM json_each(?))",
        )
        .bind(serde_json::to_string(&resources).unwrap_or_default())
        .fetch_all(&mut *connection)
        .await?;
        for row in rows {
            let body: &[u8] = row.try_get(1)?;
            let resource = Resource::decode(body).unwrap_or_default();
            shared.resources.insert(row.try_get(0)?, Arc::new(resource));
        }
    }
    rows.iter()
        .map(|row| one(row, shared, segment, base))
        .collect()
}

fn one(
    row: &SqliteRow,
    shared: &Shared,
    segment: u64,
    base: i64,
) -> Result<Option<Found>, sqlx::Error> {
    let Some((uid, rest)) = decode::unpack(row.try_get(REST)?) else {
        return Ok(None);
    };
    let mut names: [Option<String>; Kind::ALL.len()] = Default::default();
    for (name, at) in names.iter_mut().zip(FIRST_NAME..) {
        let id: Option<i64> = row.try_get(at)?;
        *name = id.and_then(|id| shared.names.get(&id).cloned());
    }
    let resource: i64 = row.try_get(RESOURCE)?;
    Ok(Some(Found {
        place: place(row, segment, base)?,
        received: row.try_get::<i64, _>(3)?.saturating_add(base),
        level: row.try_get(4)?,
        names,
        seq: row.try_get::<Option<i64>, _>(16)?.map(i64::cast_unsigned),
        uid,
        message: row.try_get(17)?,
        rest,
        resource: shared.resources.get(&resource).cloned().unwrap_or_default(),
    }))
}

/// Where a row stands, by its first three columns.
pub fn place(row: &SqliteRow, segment: u64, base: i64) -> Result<Place, sqlx::Error> {
    Ok(Place {
        time: clock::join(row.try_get(1)?, row.try_get(2)?, base),
        segment,
        row: row.try_get(0)?,
    })
}

const FIRST_NAME: usize = 5;
const RESOURCE: usize = 15;
const REST: usize = 18;
