//! A status as one screen of text.

use std::fmt;

use super::report::{Listening, Status};
use super::units::{age, size};

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
            let why = match status.awaits_upstream {
                true => "no upstream: records are kept until --otlp-endpoint is set",
                false => "no upstream",
            };
            Self::line(f, "export", why)?;
        }
        if let Some(index) = &status.index {
            let (records, _) = counted(index.records, "record");
            let (files, word) = counted(index.segments, "file");
            let days = index.keep_seconds / 86_400;
            Self::line(
                f,
                "index",
                format_args!(
                    "{records} records in {files} {word}, {}, for {days} d; {} wait",
                    size(index.bytes),
                    index.waiting
                ),
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

#[cfg(test)]
mod tests {
    use super::super::report::ExportStatus;
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
}
