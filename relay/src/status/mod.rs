//! How a relay is, on one screen: what `GET /admin/v1/status` answers, and what `courier-relay status` shows.
//!
//! Whatever is shown comes from the relay itself or its operator: no text of a client is in it.

mod alarms;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use alarms::{SOON, Seen};

/// How a running relay is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// Where it listens.
    pub listening: Listening,
    /// Whether a batch that comes now is accepted.
    pub ready: bool,
    /// What an operator has to look at, each with what to do; empty when all is well.
    pub alarms: Vec<String>,
    /// What waits.
    pub spool: SpoolStatus,
    /// The ways out of the spool.
    pub exports: Vec<ExportStatus>,
    /// Records that the upstream refused for good.
    pub dead_letters: u64,
    /// The disk of the data directory; `None` where the system does not say.
    pub disk: Option<DiskStatus>,
    /// What tokens are checked with.
    pub keys: KeysStatus,
    /// The names of records that were accepted.
    pub ledger: LedgerStatus,
    /// Rules for levels that are in force.
    pub levels: u64,
}

/// The addresses of a relay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listening {
    /// Where clients send to.
    pub ingest: String,
    /// Where operators look.
    pub admin: String,
    /// Whether clients speak TLS to it.
    pub tls: bool,
}

/// What waits in the spool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpoolStatus {
    /// Records that wait.
    pub records: u64,
    /// Bytes that wait.
    pub bytes: u64,
    /// Bytes of the cap that are used: what waits, names, dead letters.
    pub used_bytes: u64,
    /// The cap.
    pub max_bytes: u64,
    /// Age of what waits longest, in seconds.
    pub oldest_seconds: f64,
    /// Records lost to damage since the relay started.
    pub damaged_records: u64,
    /// Transactions that failed since the relay started.
    pub failed_writes: u64,
}

/// One way out of the spool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExportStatus {
    /// `export`, `spans` or `file`.
    pub name: String,
    /// Records that wait for it.
    pub waiting: u64,
    /// Records that it has taken since the relay started.
    pub taken: u64,
    /// The upstream's last answer: a status, or `none`; absent before the first.
    pub last_answer: Option<String>,
    /// Seconds since that answer.
    pub last_seconds: Option<f64>,
    /// Whether its answer needs an operator.
    pub alarm: bool,
}

/// The disk of the data directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskStatus {
    /// Free.
    pub free_bytes: u64,
    /// In all.
    pub size_bytes: u64,
    /// Below it batches are refused.
    pub keep_free_bytes: u64,
    /// Whether they are.
    pub is_low: bool,
}

/// What tokens are checked with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeysStatus {
    /// `development`, `HS256 secret`, `public key` or `published keys`.
    pub mode: String,
    /// How many keys are in use.
    pub count: u64,
    /// Seconds since they were fetched; absent where nothing is, or was not yet.
    pub age_seconds: Option<f64>,
}

/// The names of records that were accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStatus {
    /// Queues that they are of: one for each run of a program that was heard in the last 400 days.
    #[serde(default)]
    pub queues: u64,
    /// Ranges of seqs, of all queues.
    pub ranges: u64,
    /// Bytes that they take.
    pub bytes: u64,
}

impl Status {
    /// As one screen; with colours for a terminal.
    #[must_use]
    pub fn screen(&self, has_colours: bool) -> Screen<'_> {
        Screen {
            status: self,
            has_colours,
        }
    }
}

/// A status as it is shown.
#[derive(Debug)]
pub struct Screen<'s> {
    status: &'s Status,
    has_colours: bool,
}

impl Screen<'_> {
    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.has_colours {
            format!("\u{1b}[{colour}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn line(f: &mut fmt::Formatter<'_>, name: &str, text: impl fmt::Display) -> fmt::Result {
        writeln!(f, "{name:<13}{text}")
    }
}

impl fmt::Display for Screen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status;
        let state = match (status.ready, status.alarms.is_empty()) {
            (true, true) => self.coloured("32", "well"),
            (true, false) => self.coloured("33", "accepts batches; look at the alarms"),
            (false, _) => self.coloured("31", "refuses batches"),
        };
        let up = age(status.uptime_seconds as f64);
        Self::line(
            f,
            "relay",
            format_args!("{state} (version {}, up {up})", status.version),
        )?;
        let Listening { ingest, admin, tls } = &status.listening;
        let scheme = if *tls { "https" } else { "http" };
        Self::line(
            f,
            "listening",
            format_args!("{scheme}://{ingest}  admin http://{admin}"),
        )?;
        for alarm in &status.alarms {
            Self::line(f, "ALARM", self.coloured("31", alarm))?;
        }
        let spool = &status.spool;
        let oldest = if spool.records > 0 {
            format!(", the oldest {}", age(spool.oldest_seconds))
        } else {
            String::new()
        };
        let (records, waits) = counted(spool.records, "record");
        Self::line(
            f,
            "waiting",
            format_args!(
                "{records} {waits}, {}{oldest}; {} of {} used",
                size(spool.bytes),
                size(spool.used_bytes),
                size(spool.max_bytes)
            ),
        )?;
        if status.exports.is_empty() {
            Self::line(
                f,
                "export",
                "no upstream: records are kept until --otlp-endpoint is set",
            )?;
        }
        for export in &status.exports {
            let last = match (&export.last_answer, export.last_seconds) {
                (Some(answer), Some(seconds)) if answer == "none" => {
                    format!("; no answer, {} ago", age(seconds))
                }
                (Some(answer), Some(seconds)) => {
                    format!("; the last answer {answer}, {} ago", age(seconds))
                }
                _ => String::new(),
            };
            Self::line(
                f,
                &export.name,
                format_args!(
                    "{} wait, {} taken since the start{last}",
                    export.waiting, export.taken
                ),
            )?;
        }
        Self::line(
            f,
            "dead letters",
            match status.dead_letters {
                0 => "none".to_owned(),
                letters => format!("{letters}: `courier-relay dead ls` lists them"),
            },
        )?;
        if let Some(disk) = status.disk {
            let (free, all) = (size(disk.free_bytes), size(disk.size_bytes));
            let floor = size(disk.keep_free_bytes);
            Self::line(
                f,
                "disk",
                format_args!("{free} free of {all}; below {floor} batches are refused"),
            )?;
        }
        let fetched = match status.keys.age_seconds {
            Some(seconds) => format!(", fetched {} ago", age(seconds)),
            None => String::new(),
        };
        let (keys, name) = counted(status.keys.count, "key");
        Self::line(
            f,
            "keys",
            format_args!("{}: {keys} {name}{fetched}", status.keys.mode),
        )?;
        let (ranges, name) = counted(status.ledger.ranges, "range");
        let (queues, of) = counted(status.ledger.queues, "queue");
        Self::line(
            f,
            "ledger",
            format_args!(
                "{ranges} {name} of accepted seqs of {queues} {of}, in {}",
                size(status.ledger.bytes)
            ),
        )?;
        let (rules, name) = counted(status.levels, "rule");
        Self::line(f, "levels", format_args!("{rules} {name} in force"))
    }
}

fn counted(number: u64, name: &str) -> (u64, String) {
    (
        number,
        if number == 1 {
            name.to_owned()
        } else {
            format!("{name}s")
        },
    )
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} bytes"),
    }
}

/// A time as people read it.
pub(crate) fn age(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds if seconds < 172_800.0 => format!("{:.0} h", seconds / 3600.0),
        seconds => format!("{:.0} days", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_stand_on_top_and_colours_only_where_they_are_wanted() {
        let status = Status {
            alarms: vec!["the disk is full".to_owned()],
            exports: vec![ExportStatus {
                name: "export".to_owned(),
                last_answer: Some("503".to_owned()),
                last_seconds: Some(90.4),
                ..ExportStatus::default()
            }],
            ..Status::default()
        };
        let plain = status.screen(false).to_string();
        assert!(!plain.contains('\u{1b}'));
        assert!(plain.starts_with("relay        refuses batches"), "{plain}");
        assert!(plain.contains("the last answer 503, 90 s ago"), "{plain}");
        let alarm = plain.lines().nth(2);
        assert_eq!(alarm, Some("ALARM        the disk is full"));
        assert!(status.screen(true).to_string().contains("\u{1b}[31m"));
    }

    #[test]
    fn sizes_and_times_are_said_as_people_say_them() {
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(64 << 20), "64.0 MiB");
        assert_eq!(age(3.4), "3 s");
        assert_eq!(age(86_400.0 * 3.0), "3 days");
    }
}
