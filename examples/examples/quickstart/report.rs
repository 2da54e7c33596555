//! The story of the records, for a person; and the check that none of the secrets is in any chapter.

use std::fmt::Write as _;

use anyhow::ensure;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tracing_courier::send::Report;

use crate::program::{SECRETS, SOURCE};

pub struct Story {
    pub printed: String,
    pub on_disk: Vec<String>,
    pub requests: Vec<String>,
    pub answers: Vec<String>,
    pub exported: Vec<ExportLogsServiceRequest>,
    pub report: Report,
}

/// Lines longer than this are cut for the eye, in characters.
const WIDTH: usize = 200;

impl Story {
    pub fn print(&self) {
        chapter("1", "What the program logged (the source, secrets and all)");
        print!("{}", SOURCE.trim_start());

        chapter("2", "What the stock `fmt` layer printed, behind the gate");
        lines(self.printed.lines());

        chapter("3", "What lay on its disk while the network was away");
        lines(self.on_disk.iter().map(String::as_str));

        chapter("4", "What came back from the network and the relay");
        lines(self.answers.iter().map(String::as_str));
        let Report {
            delivered, pending, ..
        } = self.report;
        println!(
            "delivered {delivered}, pending {pending}, lost {:?}",
            self.report.lost_by_reason
        );

        chapter(
            "5",
            "What arrived at the backend: OTLP log records, decoded",
        );
        for (resource, record) in records(&self.exported) {
            println!("{}", described(record));
            if is_first(&self.exported, record) {
                println!("  resource {}", attributes(resource));
            }
        }
        println!();
    }

    /// None of the planted secrets is anywhere behind the gate.
    pub fn check(&self) -> anyhow::Result<()> {
        let exported = format!("{:?}", self.exported);
        let places = [
            ("what fmt printed", self.printed.as_str()),
            ("the disk", &self.on_disk.join("\n")),
            ("the requests", &self.requests.join("\n")),
            ("the OTLP messages", &exported),
        ];
        for (place, text) in places {
            ensure!(!text.is_empty(), "{place}: nothing there");
            for secret in SECRETS {
                ensure!(!text.contains(secret), "`{secret}` leaked into {place}");
            }
        }
        println!(
            "{} planted secrets, looked for in {} places: none found. {} records arrived, each with its types.",
            SECRETS.len(),
            places.len(),
            records(&self.exported).count(),
        );
        Ok(())
    }
}

fn chapter(number: &str, title: &str) {
    println!("\n── {number} ─ {title}");
}

fn lines<'a>(lines: impl Iterator<Item = &'a str>) {
    for line in lines {
        let shown: String = line.chars().take(WIDTH).collect();
        let cut = if shown.len() < line.len() { " …" } else { "" };
        println!("{shown}{cut}");
    }
}

fn records(
    requests: &[ExportLogsServiceRequest],
) -> impl Iterator<Item = (&[KeyValue], &LogRecord)> {
    requests
        .iter()
        .flat_map(|request| &request.resource_logs)
        .flat_map(|logs| {
            let resource = logs
                .resource
                .as_ref()
                .map_or(&[][..], |resource| &resource.attributes);
            logs.scope_logs
                .iter()
                .flat_map(|scope| &scope.log_records)
                .map(move |record| (resource, record))
        })
}

fn is_first(requests: &[ExportLogsServiceRequest], record: &LogRecord) -> bool {
    records(requests)
        .next()
        .is_some_and(|(_, first)| std::ptr::eq(first, record))
}

fn described(record: &LogRecord) -> String {
    let body = record.body.as_ref().map(text).unwrap_or_default();
    format!(
        "{:<5} {body}\n        {}",
        record.severity_text,
        attributes(&record.attributes)
    )
}

/// `name=value` with the type where it is not plain text.
fn attributes(attributes: &[KeyValue]) -> String {
    let mut out = String::new();
    for KeyValue { key, value, .. } in attributes {
        let value = value.as_ref().map(text).unwrap_or_default();
        let shown: String = value
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(80)
            .collect();
        let cut = if shown.len() < value.len() { "…" } else { "" };
        let _ = write!(out, "{key}={shown}{cut} ");
    }
    out
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        None => "null".to_owned(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => format!("{value} (bool)"),
        Some(Value::IntValue(value)) => format!("{value} (int)"),
        Some(Value::DoubleValue(value)) => format!("{value} (double)"),
        Some(Value::BytesValue(bytes)) => format!("{} bytes", bytes.len()),
        Some(Value::ArrayValue(array)) => {
            let values: Vec<String> = array.values.iter().map(text).collect();
            format!("[{}]", values.join(", "))
        }
        Some(Value::KvlistValue(list)) => format!("{{{}}}", attributes(&list.values).trim_end()),
        Some(other) => format!("{other:?}"),
    }
}
