//! Everything that a data directory holds, packed and unpacked.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::DeflateDecoder;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{Column, ConnectOptions, Connection, Row, TypeInfo, ValueRef};

/// The places in `dir` where one of `words` stands: in a file's bytes, in a value of a database, or in what is packed in
/// that.
pub async fn find(dir: &Path, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in files(dir) {
        if path.ends_with("relay.log") {
            continue;
        }
        found.extend(
            words
                .iter()
                .filter(|word| has(&bytes, word))
                .map(|word| format!("{path}: {word} as it lies")),
        );
        if path.ends_with(".db") || path.contains(".db.") && !path.contains("-wal") {
            for (place, value) in values(&dir.join(&path)).await {
                for plain in unpacked(&value) {
                    found.extend(
                        words
                            .iter()
                            .filter(|word| has(&plain, word))
                            .map(|word| format!("{path}: {word} in {place}")),
                    );
                }
            }
        }
    }
    found
}

/// Every file below `dir`.
pub fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).expect("it is read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(dir).expect("it is below");
            // SQLite may remove its own files meanwhile.
            if let Ok(bytes) = std::fs::read(&path) {
                files.insert(name.to_string_lossy().into_owned(), bytes);
            }
        }
    }
    files
}

/// Every value of every row of every table, with its place; words of full text too.
async fn values(file: &Path) -> Vec<(String, Vec<u8>)> {
    let mut connection = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .connect()
        .await
        .expect("it opens");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("its tables");
    let mut values = Vec::new();
    for table in tables {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * FROM \"{table}\"")))
            .fetch_all(&mut connection)
            .await;
        // A table of full text without content shows nothing.
        for row in rows.unwrap_or_default() {
            values.extend(of_row(&table, &row));
        }
    }
    connection.close().await.expect("it closes");
    values
}

fn of_row(table: &str, row: &SqliteRow) -> Vec<(String, Vec<u8>)> {
    let mut values = Vec::new();
    for (at, column) in row.columns().iter().enumerate() {
        let raw = row.try_get_raw(at).expect("a value");
        let place = format!("{table}.{}", column.name());
        let kind = raw.type_info().name().to_owned();
        let value = match kind.as_str() {
            "TEXT" => row.get::<String, _>(at).into_bytes(),
            "BLOB" => row.get::<Vec<u8>, _>(at),
            _ => continue,
        };
        values.push((place, value));
    }
    values
}

/// A value as it lies, as a frame of the spool, and as the blob of a record.
fn unpacked(value: &[u8]) -> Vec<Vec<u8>> {
    let mut plain = vec![value.to_vec()];
    let mut inflated = Vec::new();
    // What is no deflate stream ends in an error; what came before is looked at.
    let _ = DeflateDecoder::new(value).read_to_end(&mut inflated);
    plain.push(inflated);
    if let Some((_, body)) = value.split_at_checked(17) {
        plain.extend(zstd::bulk::decompress(body, 16 << 20));
    }
    plain
}

fn has(bytes: &[u8], word: &str) -> bool {
    let mut word = word.as_bytes().to_vec();
    let found = bytes.windows(word.len()).any(|window| window == word);
    // Full text keeps lower case.
    word.make_ascii_lowercase();
    found || bytes.windows(word.len()).any(|window| window == word)
}
