//! Writes a sealed segment anew without a person: everybody else's rows, under the numbers that they had.

use std::path::Path;

use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use sha2::{Digest, Sha256};
use sqlx::{Connection, Row, SqliteConnection};

use super::arrival::Kind;
use super::decode;
use super::schema;
use super::segment::{Facts, ROWS, TEXT, facts, insert};
use crate::stone::{self, Whom, unname};

/// A segment that was written anew.
#[derive(Clone, Copy, Debug)]
pub struct Rewritten {
    /// What it says of itself.
    pub facts: Facts,
    /// How many records went.
    pub gone: u64,
}

/// What of a segment is a person's.
struct Theirs {
    /// The condition under which a record is.
    condition: String,
    /// The resources that name the person, without that.
    resources: Vec<(i64, Vec<u8>)>,
}

/// Writes the segment in `file` to `new` without `whom`; `None` when it has nothing of them. It is closed, not yet synced.
pub async fn rewrite(
    file: &Path,
    new: &Path,
    whom: &Whom,
) -> Result<Option<Rewritten>, sqlx::Error> {
    let mut old = schema::open_to_read(file, true).await?;
    let theirs = theirs(&mut old, whom).await?;
    old.close().await?;
    let Some(theirs) = theirs else {
        return Ok(None);
    };
    crate::disk::private::open_file(new)?;
    let mut connection = schema::open_to_fill(new).await?;
    let tables = ["?1", "?2", "?3"]
        .iter()
        .fold(schema::TABLES.replace("?4", "x''"), |tables, place| {
            tables.replace(place, "0")
        });
    sqlx::raw_sql(sqlx::AssertSqlSafe(tables))
        .execute(&mut connection)
        .await?;
    sqlx::query("ATTACH ? AS old")
        .bind(file.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await?;
    let gone = fill(&mut connection, &theirs).await?;
    let facts = facts(&mut connection).await?;
    sqlx::query("DETACH old").execute(&mut connection).await?;
    connection.close().await?;
    Ok(Some(Rewritten { facts, gone }))
}

async fn theirs(
    connection: &mut SqliteConnection,
    whom: &Whom,
) -> Result<Option<Theirs>, sqlx::Error> {
    let users = named(connection, Kind::User, whom).await?;
    let senders = named(connection, Kind::Sender, whom).await?;
    let condition = match whom.kind() {
        stone::Kind::User => format!("(user IN ({users}) OR sender IN ({senders}))"),
        // Where nothing is kept as the sender, the user is.
        stone::Kind::Sender => {
            format!("(sender IN ({senders}) OR (sender IS NULL AND user IN ({users})))")
        }
        stone::Kind::Install => {
            let installs = named(connection, Kind::Install, whom).await?;
            format!("(install IN ({installs}))")
        }
    };
    let mut resources = Vec::new();
    let rows = sqlx::query("SELECT id, body FROM resource")
        .fetch_all(&mut *connection)
        .await?;
    for row in rows {
        let mut resource = Resource::decode(row.try_get::<&[u8], _>(1)?).unwrap_or_default();
        if unname(&mut resource, whom) {
            resources.push((row.try_get(0)?, resource.encode_to_vec()));
        }
    }
    let text = format!("SELECT EXISTS (SELECT 1 FROM record WHERE coalesce({condition}, 0))");
    let has_some: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(text))
        .fetch_one(connection)
        .await?;
    Ok((has_some || !resources.is_empty()).then_some(Theirs {
        condition,
        resources,
    }))
}

/// The numbers of a person's names of this kind, as a list for SQL.
async fn named(
    connection: &mut SqliteConnection,
    kind: Kind,
    whom: &Whom,
) -> Result<String, sqlx::Error> {
    let rows = sqlx::query("SELECT id, name FROM name WHERE kind = ?")
        .bind(kind.code())
        .fetch_all(connection)
        .await?;
    let mut ids: Vec<String> = Vec::new();
    for row in rows {
        if whom.is(row.try_get(1)?) {
            ids.push(row.try_get::<i64, _>(0)?.to_string());
        }
    }
    Ok(ids.join(","))
}

/// Copies what stays, in one transaction; how many records did not.
async fn fill(connection: &mut SqliteConnection, theirs: &Theirs) -> Result<u64, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let Theirs {
        condition,
        resources,
    } = theirs;
    let mut copy = format!(
        "DELETE FROM segment;
         INSERT INTO segment SELECT * FROM old.segment;
         INSERT INTO record SELECT * FROM old.record WHERE NOT coalesce({condition}, 0);
         INSERT INTO resource SELECT * FROM old.resource WHERE id IN (SELECT resource FROM record);"
    );
    for kind in Kind::ALL {
        // Numbers of names are of one kind each.
        copy.push_str(&format!(
            "INSERT INTO name SELECT named.id, named.kind, named.name, count(*), min(at) + base, max(at) + base,
             max(received) + base FROM record JOIN old.name AS named ON named.id = record.{} CROSS JOIN segment
             GROUP BY named.id;",
            kind.column()
        ));
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(copy))
        .execute(&mut *transaction)
        .await?;
    for (id, body) in resources {
        rename(&mut transaction, *id, body).await?;
    }
    texts(&mut transaction).await?;
    let gone: i64 =
        sqlx::query_scalar("SELECT (SELECT records FROM segment) - (SELECT count(*) FROM record)")
            .fetch_one(&mut *transaction)
            .await?;
    sqlx::query(
        "UPDATE segment SET records = records - ?1, others = others + ?1, edition = edition + 1,
         oldest = coalesce((SELECT min(at) + base FROM record), 0),
         newest = coalesce((SELECT max(at) + base FROM record), 0)",
    )
    .bind(gone)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    sqlx::raw_sql("INSERT INTO text (text) VALUES ('optimize'); PRAGMA optimize")
        .execute(connection)
        .await?;
    Ok(u64::try_from(gone).unwrap_or_default())
}

/// Puts a resource that names nobody in the place of one that did.
async fn rename(
    connection: &mut SqliteConnection,
    id: i64,
    body: &[u8],
) -> Result<(), sqlx::Error> {
    let hash = Sha256::digest(body);
    let same: Option<i64> = sqlx::query_scalar("SELECT id FROM resource WHERE hash = ?")
        .bind(&hash[..])
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(same) = same {
        sqlx::query("UPDATE record SET resource = ?1 WHERE resource = ?2")
            .bind(same)
            .bind(id)
            .execute(&mut *connection)
            .await?;
        return sqlx::query("DELETE FROM resource WHERE id = ?")
            .bind(id)
            .execute(connection)
            .await
            .map(drop);
    }
    sqlx::query("UPDATE resource SET hash = ?, body = ? WHERE id = ?")
        .bind(&hash[..])
        .bind(body)
        .bind(id)
        .execute(connection)
        .await
        .map(drop)
}

/// Fills the full text of the records that are there: it has no content that could be copied.
async fn texts(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut after = i64::MIN;
    loop {
        let rows =
            sqlx::query("SELECT id, message, rest FROM record WHERE id > ? ORDER BY id LIMIT ?")
                .bind(after)
                .bind(i64::try_from(ROWS).unwrap_or(i64::MAX))
                .fetch_all(&mut *connection)
                .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.try_get(0)?;
        let mut query = sqlx::query(sqlx::AssertSqlSafe(insert(TEXT, 3, rows.len())));
        for row in &rows {
            let rest = decode::unpack(row.try_get(2)?);
            let error = rest.map_or_else(String::new, |(_, rest)| decode::error_of(&rest));
            query = query
                .bind(row.try_get::<i64, _>(0)?)
                .bind(row.try_get::<String, _>(1)?)
                .bind(error);
        }
        query.execute(&mut *connection).await?;
    }
}
