//! A log for the engineer on site: human-readable files in a directory, a new one each day (UTC), the oldest removed.
//!
//! 1. It sits behind the gate like every layer: what is redacted elsewhere is redacted here;
//! 2. lines are written by a thread of tracing-appender's, `courier-local`; a thread that logs never waits for that
//!    file. When lines come faster than the disk takes them, lines are left out;
//! 3. what was logged before the [`Guard`](crate::Guard) is dropped is in the file afterwards; what comes later is not.
//!
//! The oldest are found by the service's name, with which the files' names begin: programs whose names begin alike want
//! a directory each.
//!
//! A line is a record: when, how bad, in which spans, who logged it, what happened, its fields, the user (`user=`) and
//! what [`Courier::set_context`](crate::Courier::set_context) says. Line breaks in it are written as `\n`.
//!
//! What it does not do: survive a kill (the last lines may be missing then; the queue on disk has them), or hold the
//! library's own records, such as `session_start`.

mod lines;

use std::io;
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};
use tracing_core::Subscriber;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FormatFields, MakeWriter};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::context::RunContext;
use crate::life::Life;
use crate::private;
use crate::record::Record;
use lines::LineFormat;

/// Files kept: 7, a week.
pub const DEFAULT_MAX_FILES: usize = 7;

/// The local log could not be set up. Check the directory and its owner.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LocalLogError {
    /// The directory could not be made.
    #[error("cannot make the local log's directory `{}`: {source}", .dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file could not be made.
    #[error("cannot open the local log in `{}`: {source}", .dir.display())]
    File {
        /// The directory.
        dir: PathBuf,
        /// What tracing-appender said.
        source: InitError,
    },
    /// No file may be kept. Keep one at least, or ask for no local log.
    #[error("a local log that keeps no file: keep one at least")]
    NoFiles,
}
courier_sanitize::debug_is_display!(LocalLogError);

impl LocalLogError {
    /// Whether another disk would do, with the same settings.
    fn is_about_the_disk(&self) -> bool {
        match self {
            Self::Directory { .. } | Self::File { .. } => true,
            Self::NoFiles => false,
        }
    }
}

/// Where the local log goes, if there is to be one.
#[derive(Debug)]
pub(crate) struct Settings {
    pub dir: Option<PathBuf>,
    pub max_files: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dir: None,
            max_files: DEFAULT_MAX_FILES,
        }
    }
}

impl Settings {
    /// As [`open`](Self::open), but without a file where there can be none; `complain` hears why.
    pub fn open_or_none(
        self,
        service: &str,
        complain: impl FnOnce(&str),
    ) -> Result<LocalLog, LocalLogError> {
        match self.open(service) {
            Err(error) if error.is_about_the_disk() => {
                complain(&error.to_string());
                Ok(LocalLog(None))
            }
            opened => opened,
        }
    }

    /// Opens today's file, `<service>.<date>.log`.
    pub fn open(self, service: &str) -> Result<LocalLog, LocalLogError> {
        if self.max_files == 0 {
            return Err(LocalLogError::NoFiles);
        }
        let Some(dir) = self.dir else {
            return Ok(LocalLog(None));
        };
        // Where the program goes later must not matter.
        let dir = std::path::absolute(&dir).unwrap_or(dir);
        private::create_dir_all(&dir).map_err(|source| LocalLogError::Directory {
            dir: dir.clone(),
            source,
        })?;
        let file = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix(file_name(service))
            .filename_suffix("log")
            .max_log_files(self.max_files)
            .build(&dir)
            .map_err(|source| LocalLogError::File { dir, source })?;
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(MAX_WAITING_LINES)
            .thread_name(THREAD_NAME)
            .finish(file);
        Ok(LocalLog(Some(Arc::new(Running {
            writer,
            guard: Mutex::new(Some(guard)),
            process: process::id(),
        }))))
    }
}

/// The local log, while it is written. A cheap handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalLog(Option<Arc<Running>>);

#[derive(Debug)]
struct Running {
    writer: NonBlocking,
    guard: Mutex<Option<WorkerGuard>>,
    process: u32,
}

impl LocalLog {
    /// Writes what it is handed, with the user and the context of that moment.
    pub fn layer<S>(
        &self,
        life: &Arc<Life>,
        context: &RunContext,
    ) -> Option<impl Layer<S> + Send + Sync + 'static + use<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let running = self.0.as_ref()?;
        let lines = Lines {
            writer: running.writer.clone(),
            process: running.process,
        };
        Some(
            tracing_subscriber::fmt::layer()
                .event_format(LineFormat {
                    life: Arc::clone(life),
                    context: context.clone(),
                })
                .fmt_fields(Plain(DefaultFields::new()))
                .with_ansi(false)
                .with_writer(lines),
        )
    }

    /// Writes a record that does not come through `tracing`. It has its context among its attributes.
    pub fn write(&self, record: &Record, user: Option<&str>) {
        if let Some(running) = &self.0
            && running.process == process::id()
        {
            let line = lines::of_record(record, user);
            // A line that the writing thread can't take is left out.
            let _ = io::Write::write_all(&mut running.writer.clone(), line.as_bytes());
        }
    }

    /// Waits until everything is in the file, up to about a second, and ends the writing.
    pub fn finish(&self) {
        let Some(running) = &self.0 else { return };
        let guard = running
            .guard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if running.process == process::id() {
            drop(guard);
        } else {
            // The thread that it would wait for is the parent's.
            std::mem::forget(guard);
        }
    }
}

/// Fields as `fmt` shows them, under a type of their own: layers that share one share the text that is kept with a
/// span, and a coloured console's would end up in the file.
#[derive(Debug)]
struct Plain(DefaultFields);

impl<'a> FormatFields<'a> for Plain {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'a>, fields: R) -> std::fmt::Result {
        self.0.format_fields(writer, fields)
    }
}

/// Gives each line to the writing thread; in a forked child, which has none, to nobody.
#[derive(Debug)]
struct Lines {
    writer: NonBlocking,
    process: u32,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line((process::id() == self.process).then(|| self.writer.clone()))
    }
}

struct Line(Option<NonBlocking>);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(writer) => writer.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The service's name as far as a file may have it.
fn file_name(service: &str) -> String {
    let name: String = service
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(64)
        .collect();
    if name.is_empty() {
        "log".to_owned()
    } else {
        name
    }
}

/// Lines that wait for the disk at most: 4,096, about half a megabyte.
const MAX_WAITING_LINES: usize = 4_096;
/// Linux cuts a thread's name at 15 bytes.
const THREAD_NAME: &str = "courier-local";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_services_name_that_is_no_files_becomes_one() {
        for (service, name) in [
            ("field-app", "field-app"),
            ("../etc/passwd", "___etc_passwd"),
            ("", "log"),
            ("Zähler", "Zähler"),
        ] {
            assert_eq!(file_name(service), name);
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let open = |dir: PathBuf, max_files| {
            let settings = Settings {
                dir: Some(dir),
                max_files,
            };
            settings.open("app").unwrap_err().to_string()
        };
        assert!(open(file.join("sub"), 1).contains("cannot make the local log's directory"));
        assert!(open(dir.path().to_owned(), 0).contains("keep one at least"));
    }
}
