//! The records of a file that grows, a line each, for a person.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use courier_relay::escape;
use jiff::Timestamp;
use serde_json::Value;

/// Follows a file of OTLP JSON lines and prints its records. What stood in it before is not printed.
#[derive(Debug)]
pub struct Shown {
    path: PathBuf,
    at: u64,
}

impl Shown {
    /// From the file's end on.
    pub fn from_end_of(path: PathBuf) -> Self {
        let at = std::fs::metadata(&path).map_or(0, |file| file.len());
        Self { path, at }
    }

    /// Prints what has come since the last time. A file that can't be read has nothing new.
    pub fn print(&mut self) {
        let Ok(text) = self.news() else { return };
        let _ = io::stdout().write_all(screen(&text).as_bytes());
    }

    /// The whole lines that came. A file that is shorter than before is another, and begins anew.
    fn news(&mut self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < self.at {
            self.at = 0;
        }
        file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        file.take(MOST_AT_ONCE).read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n');
        bytes.truncate(whole.map_or(0, |end| end + 1));
        self.at += u64::try_from(bytes.len()).unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The records of these requests by their time, as the file has those of one logger together.
fn screen(requests: &str) -> String {
    let mut records: Vec<_> = requests.lines().flat_map(records).collect();
    records.sort_by_key(|&(nanos, _)| nanos);
    records.into_iter().map(|(_, line)| line).collect()
}

/// The records of one `ExportLogsServiceRequest`, each with its time.
fn records(request: &str) -> Vec<(Option<i128>, String)> {
    let request: Value = serde_json::from_str(request).unwrap_or_default();
    let mut lines = Vec::new();
    for logs in items(&request, "resourceLogs") {
        let service = attributes(logs.get("resource").unwrap_or(&Value::Null))
            .find(|(name, _)| *name == "service.name")
            .map(|(_, value)| value);
        let records = items(logs, "scopeLogs").flat_map(|scope| items(scope, "logRecords"));
        lines.extend(records.map(|record| line(service.as_deref().unwrap_or("?"), record)));
    }
    lines
}

/// One record: time of day in UTC, severity, service, text, and the attributes that the program gave it.
fn line(service: &str, record: &Value) -> (Option<i128>, String) {
    let nanos = record.get("timeUnixNano").and_then(Value::as_str);
    let nanos: Option<i128> = nanos.and_then(|nanos| nanos.parse().ok());
    let time = nanos
        .and_then(|nanos| Timestamp::from_nanosecond(nanos).ok())
        .map_or_else(
            || "--:--:--".to_owned(),
            |at| at.strftime("%H:%M:%S").to_string(),
        );
    let severity = record.get("severityText").and_then(Value::as_str);
    let body = record.get("body").map(text).unwrap_or_default();
    let mut line = format!("{time} {:<5} {service}  {body}", severity.unwrap_or("-"));
    let is_error = matches!(severity, Some("ERROR" | "FATAL"));
    let place = |name: &str| attributes(record).find(|(own, _)| *own == name);
    if let (true, Some((_, file))) = (is_error, place("code.file.path")) {
        let number = place("code.line.number").map(|(_, number)| format!(":{number}"));
        let _ = write!(line, "  at {file}{}", number.unwrap_or_default());
    }
    for (name, value) in attributes(record) {
        let value = value.replace('\n', " / ");
        if name == "user.id" || !OF_THE_RELAY.iter().any(|own| name.starts_with(own)) {
            let _ = write!(line, "  {name}={value}");
        }
    }
    (nanos, format!("{}\n", escape(&line)))
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn attributes(of: &Value) -> impl Iterator<Item = (&str, String)> {
    items(of, "attributes").filter_map(|attribute| {
        let name = attribute.get("key")?.as_str()?;
        Some((name, text(attribute.get("value")?)))
    })
}

/// A value as OTLP JSON has it (`{"intValue":"3"}`), without its type.
fn text(value: &Value) -> String {
    let value = value.as_object().and_then(|typed| typed.values().next());
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "null".to_owned(),
    }
}

/// Beginnings of the names that relay and library add; the file has them, the screen would drown in them.
const OF_THE_RELAY: [&str; 10] = [
    "breadcrumbs",
    "code.",
    "courier.",
    "error.",
    "exception.stacktrace",
    "install.",
    "server.",
    "session.",
    "spans",
    "user.",
];

/// How often the file is looked at.
pub const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What is read at once, in bytes: more than a step of the file's writer (2 MB before it became JSON).
const MOST_AT_ONCE: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_followed_from_its_end_line_by_line_and_into_the_next_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("logs.jsonl");
        std::fs::write(&path, "old\n").expect("it is written");
        let mut shown = Shown::from_end_of(path.clone());
        let more = |text: &str| {
            let mut file = File::options().append(true).open(&path).expect("it opens");
            file.write_all(text.as_bytes()).expect("it is written");
        };
        more("one\ntw");
        assert_eq!(shown.news().expect("it reads"), "one\n");
        more("o\n");
        assert_eq!(shown.news().expect("it reads"), "two\n");
        std::fs::write(&path, "next\n").expect("it is written");
        assert_eq!(shown.news().expect("it reads"), "next\n");
        assert_eq!(shown.news().expect("it reads"), "");
    }

    #[test]
    fn what_is_no_record_is_no_line() {
        for request in ["", "{", "[]", "3", r#"{"resourceLogs":3}"#] {
            assert!(records(request).is_empty(), "{request}");
        }
        let bare = screen(r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#);
        assert_eq!(bare, "--:--:-- -     ?  \n");
    }

    #[test]
    fn an_error_says_who_and_where_and_its_lines_are_one() {
        let record = |severity: &str| {
            format!(
                r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"severityText":"{severity}","body":{{"stringValue":"it failed"}},"attributes":[{{"key":"user.id","value":{{"stringValue":"user-7"}}}},{{"key":"code.file.path","value":{{"stringValue":"src/main.rs"}}}},{{"key":"code.line.number","value":{{"intValue":"43"}}}},{{"key":"exception.message","value":{{"stringValue":"a\nb"}}}}]}}]}}]}}]}}"#
            )
        };
        assert_eq!(
            screen(&record("ERROR")),
            "--:--:-- ERROR ?  it failed  at src/main.rs:43  user.id=user-7  exception.message=a / b\n"
        );
        assert_eq!(
            screen(&record("INFO")),
            "--:--:-- INFO  ?  it failed  user.id=user-7  exception.message=a / b\n"
        );
    }

    #[test]
    fn records_of_different_loggers_are_shown_in_the_order_of_their_time() {
        let shown = screen(
            r#"{"resourceLogs":[{"scopeLogs":[
                {"logRecords":[{"timeUnixNano":"1000000000"},{"timeUnixNano":"3000000000"}]},
                {"logRecords":[{"timeUnixNano":"2000000000"}]}]}]}"#
                .replace('\n', " ")
                .as_str(),
        );
        let times: Vec<&str> = shown.lines().map(|line| &line[..8]).collect();
        assert_eq!(times, ["00:00:01", "00:00:02", "00:00:03"]);
    }
}
