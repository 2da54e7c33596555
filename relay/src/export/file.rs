//! Writes what the spool holds into files, as lines of OTLP JSON: for sites without a network.
//!
//! Each line is one `ExportLogsServiceRequest`, as the OpenTelemetry collector's file exporter writes and its receiver
//! reads them. The file that grows is `logs.jsonl`; full, it gets the time in its name and a new one begins. Nothing that
//! was accepted is lost: the cursor moves when a line is synced, a disk that is full is waited for, and files are only
//! deleted where the operator has said how many to keep. A relay that is killed between the sync and its note of it
//! writes those lines again.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use tokio::sync::watch;

use super::pause::{Flow, READ_AGAIN, pause};
use crate::config::FileConfig;
use crate::disk::private;
use crate::metrics::Files;
use crate::spool::{Consumer, Cursor, Pending, Spool};

/// The directory can't be written. Check its path and its owner; nothing was started.
#[derive(Debug, thiserror::Error)]
#[error("--otlp-file-dir: cannot write in `{}`", .dir.display())]
pub struct FileError {
    dir: PathBuf,
    source: io::Error,
}

/// Drains the spool into files.
#[derive(Debug)]
pub struct FileExporter {
    spool: Spool,
    lines: Lines,
    files: Arc<Files>,
}

/// What was written of some frames.
#[derive(Debug)]
struct Written {
    bytes: u64,
    /// Frames that are not what they were, and their records.
    damaged: Vec<(i64, u64)>,
}

/// The file that grows, and those that are full.
#[derive(Debug)]
struct Lines {
    config: FileConfig,
    file: File,
    bytes: u64,
}

impl FileExporter {
    /// Opens the file that grows.
    ///
    /// # Errors
    ///
    /// When the directory can't be written.
    pub fn open(config: FileConfig, spool: Spool, files: Arc<Files>) -> Result<Self, FileError> {
        let dir = config.dir.clone();
        match Lines::open(config) {
            Ok(lines) => Ok(Self {
                spool,
                lines,
                files,
            }),
            Err(source) => Err(FileError { dir, source }),
        }
    }

    /// Runs until `stop` is set and everything is written.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let frames = match self.spool.read(Consumer::File, MAX_BYTES).await {
                Ok(frames) => frames,
                Err(error) => {
                    tracing::error!(error = %error, "the spool can't be read");
                    if pause(READ_AGAIN, &mut stop).await == Flow::Stop {
                        return;
                    }
                    continue;
                }
            };
            let Some(last) = frames.last() else {
                if *stop.borrow() {
                    return;
                }
                tokio::select! {
                    () = self.spool.changed(Consumer::File) => {}
                    _ = stop.changed() => {}
                }
                // A sync for every batch would be too many.
                let _ = tokio::time::timeout(GATHER, stop.wait_for(|stop| *stop)).await;
                continue;
            };
            let to = Cursor {
                frame: last.id,
                done: 0,
                at: last.to,
            };
            let records: u64 = frames.iter().map(|pending| pending.frame.records).sum();
            let mut lines = self.lines;
            let writing = tokio::task::spawn_blocking(move || {
                let written = lines.write(&frames);
                (lines, written)
            });
            let Ok((lines, written)) = writing.await else {
                tracing::error!(
                    "writing to files ended unexpectedly; records are kept in the spool"
                );
                return;
            };
            self.lines = lines;
            let failed = match written {
                Ok(Written { bytes, damaged }) => {
                    self.files.bytes.inc_by(bytes);
                    let mut records = records;
                    for (frame, lost) in damaged {
                        records = records.saturating_sub(lost);
                        self.spool.damaged_frame(frame, lost);
                    }
                    let advanced = self.spool.advance(Consumer::File, to, Vec::new()).await;
                    if advanced.is_ok() {
                        self.files.records.inc_by(records);
                    }
                    advanced.err().map(|error| error.to_string())
                }
                Err(error) => Some(error.to_string()),
            };
            if let Some(error) = failed {
                self.files.errors.inc();
                tracing::error!(error, dir = %self.lines.config.dir.display(), "records could not be written to a file; they are kept");
                if pause(READ_AGAIN, &mut stop).await == Flow::Stop {
                    return;
                }
            }
        }
    }
}

impl Lines {
    fn open(config: FileConfig) -> io::Result<Self> {
        private::make_dir(&config.dir)?;
        let path = config.growing();
        let mut options = private::options();
        options.read(true).append(true).create(true);
        let mut file = options.open(path)?;
        private::narrow_file(&file)?;
        let bytes = whole_lines(&mut file)?;
        file.set_len(bytes)?;
        Ok(Self {
            config,
            file,
            bytes,
        })
    }

    /// Writes frames and syncs. After an error nothing of it is left.
    fn write(&mut self, frames: &[Pending]) -> io::Result<Written> {
        if self.bytes >= self.config.max_bytes {
            self.turn()?;
        }
        let mut text = Vec::new();
        let mut damaged = Vec::new();
        for pending in frames.iter().filter(|pending| pending.frame.records > 0) {
            match line(pending) {
                Some(line) => {
                    text.extend_from_slice(&line);
                    text.push(b'\n');
                }
                None => damaged.push((pending.id, pending.frame.records)),
            }
        }
        let written = self
            .file
            .write_all(&text)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What stands there in part would be a torn line in the middle once the disk has room again.
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.bytes += bytes;
        Ok(Written { bytes, damaged })
    }

    /// Ends the file and begins another.
    fn turn(&mut self) -> io::Result<()> {
        let dir = self.config.dir.clone();
        let now = Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ").to_string();
        fs::rename(self.config.growing(), dir.join(format!("logs-{now}.jsonl")))?;
        *self = Self::open(self.config.clone())?;
        #[cfg(unix)]
        File::open(&dir)?.sync_all()?;
        if let Some(keep) = self.config.keep {
            let full = full(&dir)?;
            for old in full.iter().take(full.len().saturating_sub(keep.get())) {
                fs::remove_file(old)?;
            }
        }
        Ok(())
    }
}

/// The files that are full, oldest first.
fn full(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut full: Vec<PathBuf> = fs::read_dir(dir)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("logs-") && name.ends_with(".jsonl"))
        })
        .collect();
    full.sort();
    Ok(full)
}

/// Where the last whole line ends.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(4096);
        file.seek(SeekFrom::Start(start))?;
        let bytes = usize::try_from(end - start).unwrap_or(block.len());
        let Some(block) = block.get_mut(..bytes) else {
            break;
        };
        file.read_exact(block)?;
        if let Some(at) = block.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + u64::try_from(at).unwrap_or_default() + 1);
        }
        end = start;
    }
    Ok(0)
}

/// A frame as a line, without its end; `None` when the frame is damaged.
fn line(pending: &Pending) -> Option<Vec<u8>> {
    let message = pending.frame.packed.unpack()?;
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs::decode(&message[..]).ok()?],
    };
    serde_json::to_vec(&request).ok()
}

/// Records are written and synced in steps of this much, before they were packed.
const MAX_BYTES: u64 = 2_000_000;

/// How long records gather before they are written.
const GATHER: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Frame;
    use crate::spool::Packed;

    fn pending(schema: &str) -> Pending {
        let logs = ResourceLogs {
            schema_url: schema.to_owned(),
            ..ResourceLogs::default()
        };
        Pending {
            id: 1,
            frame: Frame {
                packed: Packed::new(&logs.encode_to_vec()),
                records: 1,
                ..Frame::default()
            },
            is_for_another: false,
            erased: 0,
            subject: String::new(),
            queue: None,
            from: Default::default(),
            to: Default::default(),
        }
    }

    fn config(dir: &Path, max_bytes: u64, keep: usize) -> FileConfig {
        FileConfig {
            dir: dir.to_owned(),
            max_bytes,
            keep: std::num::NonZeroUsize::new(keep),
        }
    }

    fn schemas(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).expect("a file");
        text.lines()
            .map(|line| {
                let request: ExportLogsServiceRequest =
                    serde_json::from_str(line).expect("a line is a request");
                request.resource_logs[0].schema_url.clone()
            })
            .collect()
    }

    #[test]
    fn a_torn_line_is_cut_and_whole_ones_are_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let growing = dir.path().join("logs.jsonl");
        let mut lines = Lines::open(config(dir.path(), 1 << 20, 0)).expect("it opens");
        lines
            .write(&[pending("one"), pending("two")])
            .expect("it writes");
        let whole = fs::read(&growing).expect("a file");
        for cut in 0..whole.len() {
            fs::write(&growing, &whole[..cut]).expect("it is cut");
            let mut lines = Lines::open(config(dir.path(), 1 << 20, 0)).expect("it opens");
            lines.write(&[pending("three")]).expect("it writes");
            let ends = whole[..cut].iter().filter(|&&byte| byte == b'\n').count();
            let mut expected = vec!["one", "two"];
            expected.truncate(ends);
            expected.push("three");
            assert_eq!(schemas(&growing), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_damaged_frame_is_named_and_the_others_are_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut lines = Lines::open(config(dir.path(), 1 << 20, 0)).expect("it opens");
        let mut torn = pending("torn");
        torn.frame.packed.crc ^= 1;
        let frames = [pending("one"), torn, pending("two")];
        let written = lines.write(&frames).expect("it writes");
        assert_eq!(written.damaged, [(1, 1)]);
        assert_eq!(schemas(&dir.path().join("logs.jsonl")), ["one", "two"]);
    }

    #[test]
    fn a_full_file_makes_room_and_only_as_many_are_kept_as_asked_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut lines = Lines::open(config(dir.path(), 1, 2)).expect("it opens");
        for schema in ["one", "two", "three", "four"] {
            lines.write(&[pending(schema)]).expect("it writes");
        }
        let full = full(dir.path()).expect("a directory");
        let kept: Vec<String> = full.iter().flat_map(|path| schemas(path)).collect();
        assert_eq!(kept, ["two", "three"]);
        assert_eq!(schemas(&dir.path().join("logs.jsonl")), ["four"]);
    }
}
