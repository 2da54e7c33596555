//! The places on disk that `serve` would use: the data directory, its disk, the directory for files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::access::{AUDIT_FILE, Access};
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::disk::Space;
use crate::levels::Levels;
use crate::spool::{DATABASE, OpenError, is_held};
use crate::store;
use crate::text::chain;

pub async fn data_dir(config: &Config) -> Finding {
    let dir = config.data_dir.display();
    if is_held(&config.data_dir) {
        return Finding::fine(format!("data directory `{dir}`: in use by a running relay"));
    }
    if !config.data_dir.join(DATABASE).exists() {
        return match try_to_write(&config.data_dir) {
            Ok(()) => Finding::fine(format!(
                "data directory `{dir}`: 0 records wait, and it can be written"
            )),
            Err(error) => Finding::wrong(format!("cannot use data directory `{dir}`: {error}")),
        };
    }
    match DataDir::open(config).await {
        Ok(data) => {
            let (depth, dead) = (data.spool.depth(), data.spool.dead_letters());
            let hindrance = rules_and_audit(config).await;
            data.close().await;
            match hindrance {
                Some(hindrance) => Finding::wrong(hindrance),
                None => Finding::fine(format!(
                    "data directory `{dir}`: {} records in {} bytes wait, {dead} dead letters",
                    depth.records, depth.bytes
                )),
            }
        }
        Err(DataDirError::Spool(OpenError::InUse { .. })) => {
            Finding::fine(format!("data directory `{dir}`: in use by a running relay"))
        }
        Err(error) => Finding::wrong(chain(&error)),
    }
}

/// Why the rules for levels, the tokens or the audit can't be used; what is not there yet is not made.
async fn rules_and_audit(config: &Config) -> Option<String> {
    let dir = &config.data_dir;
    if !store::file(dir).exists() {
        return None;
    }
    if let Err(error) = Levels::open(dir, config.level_refresh).await {
        return Some(chain(&error));
    }
    if !dir.join(AUDIT_FILE).exists() {
        return None;
    }
    match Access::open(dir).await {
        Ok(access) => {
            access.close().await;
            None
        }
        Err(error) => Some(chain(&error)),
    }
}

pub fn disk(config: &Config) -> Finding {
    let there = config.data_dir.ancestors().find(|dir| dir.exists());
    let there = there.unwrap_or(Path::new("."));
    match Space::of(there, config.keep_free) {
        Ok(Space { free, floor, .. }) if free < floor => Finding::wrong(format!(
            "disk of the data directory: {free} bytes are free, less than --keep-free ({floor}): batches would be refused"
        )),
        Ok(Space { free, floor, .. }) if free - floor < config.spool_max_bytes => {
            Finding::fine(format!(
                "disk of the data directory: {free} bytes are free; note that --spool-max-bytes is more ({}), so the \
                 disk is full before the spool is",
                config.spool_max_bytes
            ))
        }
        Ok(Space { free, .. }) => {
            Finding::fine(format!("disk of the data directory: {free} bytes are free"))
        }
        Err(error) => Finding::fine(format!("disk of the data directory: not known ({error})")),
    }
}

pub fn files(config: &Config) -> Option<Finding> {
    let dir = &config.files.as_ref()?.dir;
    Some(match try_to_write(dir) {
        Ok(()) => Finding::fine(format!(
            "--otlp-file-dir `{}` can be written",
            dir.display()
        )),
        Err(error) => Finding::wrong(format!(
            "--otlp-file-dir: cannot write in `{}`: {error}",
            dir.display()
        )),
    })
}

/// Makes `dir` and a file in it, and takes away again whatever it made.
fn try_to_write(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir
        .ancestors()
        .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
        .collect();
    let mut made: Vec<&Path> = Vec::new();
    let mut tried = Ok(());
    for dir in missing.into_iter().rev() {
        tried = fs::create_dir(dir);
        if tried.is_err() {
            break;
        }
        made.push(dir);
    }
    let tried = tried.and_then(|()| {
        let probe: PathBuf = dir.join(format!(".courier-check-{}", std::process::id()));
        let written = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&probe)
            .and_then(|mut file| io::Write::write_all(&mut file, b"?"));
        let removed = fs::remove_file(&probe);
        written.and(removed)
    });
    for dir in made.into_iter().rev() {
        // Only what is empty goes.
        let _ = fs::remove_dir(dir);
    }
    tried
}
