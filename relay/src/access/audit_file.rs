//! `audit.jsonl`: the audit's entries, one JSON object a line, only ever appended to.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::disk::private;

/// The file; it is opened for each entry, so that whoever moves it away gets a new one with the next.
#[derive(Clone, Debug)]
pub struct AuditFile {
    path: PathBuf,
}

impl AuditFile {
    /// The file in `dir`, made if absent, with the number of the last entry in it. An end that a kill cut off is no entry,
    /// and is removed: nobody was answered on the strength of it.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn open(dir: &Path) -> io::Result<(Self, Option<i64>)> {
        let path = dir.join(FILE);
        let mut options = private::options();
        let mut file = options.create(true).read(true).append(true).open(&path)?;
        private::narrow_file(&file)?;
        let length = file.metadata()?.len();
        let from = length.saturating_sub(MAX_LINE);
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let whole = tail.iter().rposition(|&byte| byte == b'\n');
        let end = whole.map_or(0, |at| at + 1);
        let torn = tail.len() - end;
        if torn > 0 && (end > 0 || from == 0) {
            file.set_len(length.saturating_sub(torn as u64))?;
            file.sync_all()?;
        }
        let whole = tail.get(..end.saturating_sub(1)).unwrap_or_default();
        let line = whole.rsplit(|&byte| byte == b'\n').next();
        let last = line.and_then(|line| serde_json::from_slice::<Numbered>(line).ok());
        sync_dir(dir)?;
        Ok((Self { path }, last.map(|last| last.id)))
    }

    /// Appends `lines`, each with its line end, and syncs.
    ///
    /// # Errors
    ///
    /// What the system says; then a part of it may be in the file.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        let is_new = !self.path.exists();
        let mut options = private::options();
        let mut file: File = options.create(true).append(true).open(&self.path)?;
        let before = file.metadata()?.len();
        let written = file.write_all(lines).and_then(|()| file.sync_all());
        if written.is_err() {
            // Half a line would spoil the next one.
            let _ = file.set_len(before);
        }
        written?;
        match self.path.parent() {
            Some(dir) if is_new => sync_dir(dir),
            _ => Ok(()),
        }
    }

    /// Writes the file anew, each line as `change` says or as it is, and puts it in the place of the old one.
    ///
    /// # Errors
    ///
    /// What the system says; then the file is as it was.
    pub fn rewrite(&self, change: impl Fn(&str) -> Option<String>) -> io::Result<()> {
        let old = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            old => BufReader::new(old?),
        };
        let draft = self.path.with_extension("jsonl.new");
        let mut options = private::options();
        let new = options
            .create(true)
            .truncate(true)
            .write(true)
            .open(&draft)?;
        private::narrow_file(&new)?;
        let mut new = BufWriter::new(new);
        for line in old.split(b'\n') {
            let line = line?;
            // Bytes that are no text are none of ours.
            let line = String::from_utf8_lossy(&line);
            new.write_all(change(&line).as_deref().unwrap_or(&line).as_bytes())?;
            new.write_all(b"\n")?;
        }
        new.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()?;
        std::fs::rename(&draft, &self.path)?;
        self.path.parent().map_or(Ok(()), sync_dir)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a new name in `dir` durable, where the system can.
fn sync_dir(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

#[derive(Deserialize)]
struct Numbered {
    id: i64,
}

/// The file's name in the data directory.
pub const FILE: &str = "audit.jsonl";

/// No line is longer: texts are cut, and each character is escaped to at most 14 bytes.
const MAX_LINE: u64 = 128 << 10;
