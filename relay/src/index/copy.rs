//! Copies an index while a relay may fill it, at the same moment as its spool.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use super::segment::facts;
use super::{files, schema};

/// Copies the segments of `dir` to the new directory `to`, and the spool by `copy_spool` in between: nothing is put into the
/// segments from before that until after it, so that both say the same. Indexing waits for so long; ingest does not. The
/// catalogue is left out: it is made from the segments.
///
/// # Errors
///
/// What SQLite or the system says, or when the segments change all the time.
pub async fn copy<E: From<sqlx::Error>>(
    dir: &Path,
    to: &Path,
    mut copy_spool: impl AsyncFnMut() -> Result<(), E>,
) -> Result<u64, E> {
    for _ in 0..TRIES {
        let before = segments(dir)?;
        let mut held = hold(dir, &before).await?;
        copy_spool().await?;
        let copied = copy_segments(dir, to, &before).await;
        let after = segments(dir)?;
        if let Some(held) = &mut held {
            let _ = sqlx::query("ROLLBACK").execute(&mut *held).await;
        }
        if let Some(held) = held {
            let _ = held.close().await;
        }
        // What was dropped meanwhile is older than all that is copied; what was begun may have what was not held up.
        let has_begun = after.last() > before.last();
        if !has_begun {
            return Ok(copied?);
        }
        fs::remove_dir_all(to).map_err(sqlx::Error::Io)?;
    }
    Err(E::from(sqlx::Error::Protocol(
        "the index begins new segments all the time: try again when less comes".into(),
    )))
}

fn segments(dir: &Path) -> Result<BTreeSet<u64>, sqlx::Error> {
    if !dir.exists() {
        return Ok(BTreeSet::new());
    }
    Ok(files::segments(dir)?.into_iter().collect())
}

/// Keeps whoever fills the newest segment from writing to it, if it is open.
async fn hold(
    dir: &Path,
    numbers: &BTreeSet<u64>,
) -> Result<Option<SqliteConnection>, sqlx::Error> {
    let Some(&last) = numbers.last() else {
        return Ok(None);
    };
    let mut connection = schema::open_as_it_is(&files::segment(dir, last)).await?;
    let mut tries = 0;
    while let Err(error) = sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut connection)
        .await
    {
        tries += 1;
        if tries > TRIES {
            return Err(error);
        }
    }
    Ok(Some(connection))
}

async fn copy_segments(dir: &Path, to: &Path, numbers: &BTreeSet<u64>) -> Result<u64, sqlx::Error> {
    crate::disk::private::make_dir(to)?;
    let mut copied = 0;
    for &number in numbers {
        let (file, copy) = (files::segment(dir, number), files::segment(to, number));
        // Retention may remove the oldest meanwhile.
        if !file.exists() {
            continue;
        }
        if is_sealed(&file).await {
            match fs::copy(&file, &copy) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                copied => copied?,
            };
        } else {
            crate::disk::private::open_file(&copy)?;
            let mut connection = schema::open_to_read(&file, false).await?;
            sqlx::query("VACUUM INTO ?")
                .bind(copy.to_string_lossy().into_owned())
                .execute(&mut connection)
                .await?;
            connection.close().await?;
        }
        fs::File::open(&copy)?.sync_all()?;
        copied += 1;
    }
    #[cfg(unix)]
    fs::File::open(to)?.sync_all()?;
    Ok(copied)
}

/// Whether nobody writes to a segment any more. One that can't be read is copied as it lies.
async fn is_sealed(file: &Path) -> bool {
    let Ok(mut connection) = schema::open_to_read(file, false).await else {
        return true;
    };
    let facts = facts(&mut connection).await;
    let _ = connection.close().await;
    facts.map_or(true, |facts| facts.is_sealed)
}

/// How often it is tried again, where segments begin meanwhile or somebody writes.
const TRIES: u32 = 20;
