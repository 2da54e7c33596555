//! `courier-relay queue`: looks at a device's queues without changing them.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use courier_relay::escape;
use serde_json::{Map, Value};
use tracing_courier::queue::inspect::{self, HeadState, InspectError, Owner, StoredQueue};

use crate::run::Run;
use crate::settings::Settings;

/// Looks at a device's queue directory, without changing it
#[derive(Debug, Args)]
pub struct Queue {
    #[command(subcommand)]
    action: Action,
}

impl Run for Queue {
    fn run(self, _settings: Settings) -> anyhow::Result<ExitCode> {
        Ok(self.action.run())
    }
}

#[derive(Debug, Subcommand)]
enum Action {
    /// One line for each queue, oldest first
    Ls {
        /// A queue root or one q-<id> directory
        dir: PathBuf,
    },
    /// Every undelivered record, one JSON object a line, with its queue and whose it is: install, session, user, service, version
    Cat {
        /// A queue root or one q-<id> directory
        dir: PathBuf,
    },
    /// Counts what is whole and what is not; exits 0 when clean, 1 when damaged, 2 when unreadable or when there is no queue
    Verify {
        /// A queue root or one q-<id> directory
        dir: PathBuf,
    },
}

impl Action {
    /// Does it; a reader that went away (`| head`) is no failure.
    fn run(self) -> ExitCode {
        let mut out = BufWriter::new(io::stdout().lock());
        let done = match &self {
            Self::Ls { dir } => ls(dir, &mut out),
            Self::Cat { dir } => cat(dir, &mut out),
            Self::Verify { dir } => verify(dir, &mut out),
        };
        let flushed = out.flush();
        match done {
            Ok(code) if flushed.is_ok() => code,
            Ok(_) => ExitCode::SUCCESS,
            Err(Failure::Gone) => ExitCode::SUCCESS,
            Err(Failure::Unreadable(error)) => {
                eprintln!(
                    "courier-relay: {}",
                    escape(&format!("{:#}", anyhow::Error::from(error)))
                );
                ExitCode::from(UNREADABLE)
            }
        }
    }
}

enum Failure {
    Unreadable(InspectError),
    Gone,
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        Self::Unreadable(error)
    }
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

fn queues(dir: &Path) -> Result<Vec<StoredQueue>, InspectError> {
    let queues = inspect::queues(dir)?;
    if queues.is_empty() {
        eprintln!("courier-relay: no queue in `{}`", dir.display());
    }
    Ok(queues)
}

fn ls(dir: &Path, out: &mut impl Write) -> Result<ExitCode, Failure> {
    for queue in queues(dir)? {
        let owner = match queue.owner() {
            Owner::Living(who) => format!(
                "living ({})",
                escape(&who.split_whitespace().collect::<Vec<_>>().join(" "))
            ),
            Owner::Gone => "left behind".to_owned(),
        };
        if queue.is_newer() {
            writeln!(out, "q-{}  {owner}  of a newer version", queue.id())?;
            continue;
        }
        let undelivered = queue.records().count();
        let (segments, bytes) = (queue.segments(), queue.bytes());
        writeln!(
            out,
            "q-{}  {owner}  {undelivered} undelivered  {bytes} bytes  {segments} segments",
            queue.id()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn cat(dir: &Path, out: &mut impl Write) -> Result<ExitCode, Failure> {
    for queue in queues(dir)? {
        if queue.is_newer() {
            eprintln!("q-{}: of a newer version, not read", queue.id());
        }
        let mut records = queue.records();
        // One context is many records' own.
        let mut context: (Arc<str>, String) = ("".into(), String::new());
        for record in records.by_ref() {
            if !Arc::ptr_eq(&context.0, &record.context) {
                context = (Arc::clone(&record.context), whose(&record.context));
            }
            let open = record.json.strip_suffix(b"}").unwrap_or(&record.json);
            // The same JSON, whatever it goes to; without an invisible character the same bytes.
            match std::str::from_utf8(open) {
                Ok(text) => out.write_all(escape(text).as_bytes())?,
                Err(_) => out.write_all(open)?,
            }
            let whose = escape(&context.1);
            writeln!(out, ",\"queue\":\"{}\"{whose}}}", queue.id())?;
        }
        let damage = records.damage();
        if damage.records > 0 || damage.bytes > 0 {
            eprintln!(
                "q-{}: damaged: {} records missing, {} bytes unreadable",
                queue.id(),
                damage.records,
                damage.bytes
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whose a record is, as one more member: of the context that is stored beside it, what tells people and programs
/// apart. Nothing where that can't be read.
fn whose(stored: &str) -> String {
    let Ok(stored) = serde_json::from_str::<Value>(&format!("{{{stored}}}")) else {
        return String::new();
    };
    let context: Map<String, Value> = WHOSE
        .iter()
        .filter_map(|(name, part, member)| {
            let value = stored.get(part)?.get(member)?;
            Some(((*name).to_owned(), value.clone()))
        })
        .collect();
    if context.is_empty() {
        return String::new();
    }
    format!(",\"context\":{}", Value::Object(context))
}

/// The members of `context` in a line, and where they are stored.
const WHOSE: [(&str, &str, &str); 5] = [
    ("installId", "context", "installId"),
    ("sessionId", "context", "sessionId"),
    ("userId", "context", "userId"),
    ("service", "resource", "service.name"),
    ("version", "resource", "service.version"),
];

fn verify(dir: &Path, out: &mut impl Write) -> Result<ExitCode, Failure> {
    let queues = queues(dir)?;
    // Nothing was found to be whole: a script must not take that for a clean queue.
    let mut worst = if queues.is_empty() { UNREADABLE } else { 0 };
    for queue in queues {
        let verdict = queue.verify();
        let code = match (verdict.is_newer, verdict.is_clean()) {
            (true, _) => UNREADABLE,
            (false, true) => 0,
            (false, false) => DAMAGED,
        };
        worst = worst.max(code);
        let head = match verdict.head {
            HeadState::Whole => "whole",
            HeadState::Missing => "missing",
            HeadState::Damaged => "damaged",
            HeadState::Newer => "newer",
        };
        let word = match code {
            0 => "clean",
            DAMAGED => "damaged",
            _ => "unreadable",
        };
        let counts = serde_json::json!({
            "queue": queue.id().to_string(),
            "verdict": word,
            "records": verdict.records,
            "undelivered": verdict.undelivered,
            "contexts": verdict.contexts,
            "repeated": verdict.repeated,
            "missing": verdict.missing,
            "damaged_places": verdict.damaged_places,
            "damaged_bytes": verdict.damaged_bytes,
            "unreadable_segments": verdict.unreadable_segments,
            "head": head,
            "said_lost": verdict.said_lost,
        });
        writeln!(out, "{counts}")?;
    }
    Ok(ExitCode::from(worst))
}

/// Something is missing or not whole.
const DAMAGED: u8 = 1;

/// It can't be read at all, or not by this version.
const UNREADABLE: u8 = 2;
