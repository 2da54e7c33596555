//! `/admin/v1/export`: all records that a query means, as they are read, however many.
//!
//! A part of the index that can't be read costs itself: the others are read to their end, and the last line says what is
//! missing. Where the time limit of a look-up was met the export ends there, and its last line says so. No cell of a table
//! begins like a formula.

use std::collections::BTreeSet;
use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked;
use super::records::{left_out, range};
use super::state::Admin;
use crate::http::ApiError;
use crate::index::{Answer, Found, Kind, Order, Question};
use crate::search;
use crate::timeline::record_json;

/// The routes; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new().route("/admin/v1/export", get(export))
}

/// A question, as the parameters of `records`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    q: Option<String>,
    from: Option<String>,
    to: Option<String>,
    tz: Option<String>,
    format: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Ndjson,
    Csv,
}

async fn export(
    State(admin): State<Admin>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let asked = asked::read(asked)?;
    let index = admin.index()?;
    let (format, kind, name) = match asked.format.as_deref() {
        None | Some("ndjson") => (Format::Ndjson, "application/x-ndjson", "records.ndjson"),
        Some("csv") => (Format::Csv, "text/csv; charset=utf-8", "records.csv"),
        Some(other) => {
            return Err(ApiError::NotAQuestion(format!(
                "`format` is ndjson or csv, not `{other:.40}`"
            )));
        }
    };
    let zone = asked::zone(asked.tz.as_deref(), None)?;
    let now = Timestamp::now();
    let (from, to) = range((&asked.from, &asked.to), &zone, now)?;
    let query = asked.q.as_deref().unwrap_or_default();
    let question = Question {
        query: search::parse(query).map_err(asked::not_a_question)?,
        from,
        to,
        order: Order::Oldest,
        upto: Some(index.reader.mark()),
        limit: PAGE,
        ..Question::of_everything()
    };
    let begin = Some(Reading {
        admin: admin.clone(),
        question,
        is_first: true,
        unreadable: BTreeSet::new(),
        damaged_rows: 0,
    });
    let body = stream::unfold(begin, move |state| async move {
        let mut state = state?;
        let (lines, goes_on) = state.next(format).await;
        let next = goes_on.then_some(state);
        Some((Ok::<Bytes, Infallible>(Bytes::from(lines)), next))
    });
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// How far an export is.
struct Reading {
    admin: Admin,
    question: Question,
    is_first: bool,
    /// Parts that could not be read so far.
    unreadable: BTreeSet<u64>,
    damaged_rows: u64,
}

impl Reading {
    /// The next lines, and whether there are more.
    async fn next(&mut self, format: Format) -> (Vec<u8>, bool) {
        let Ok(index) = self.admin.index() else {
            return (Vec::new(), false);
        };
        let answer = index.reader.look(&self.question).await;
        self.unreadable.extend(&answer.unreadable);
        self.damaged_rows += answer.damaged_rows;
        let mut lines = Vec::new();
        if self.is_first && format == Format::Csv {
            row(&mut lines, COLUMNS.map(str::to_owned));
        }
        self.is_first = false;
        for found in &answer.records {
            match format {
                Format::Ndjson => {
                    lines.extend_from_slice(record_json(found).to_string().as_bytes());
                    lines.push(b'\n');
                }
                Format::Csv => row(&mut lines, cells(found)),
            }
        }
        self.question.after = answer.records.last().map(|found| found.place);
        let is_late = !answer.not_reached.is_empty();
        let goes_on = answer.has_more && self.question.after.is_some() && !is_late;
        let left_out = left_out(&Answer {
            not_reached: answer.not_reached,
            unreadable: self.unreadable.iter().copied().collect(),
            damaged_rows: self.damaged_rows,
            ..Answer::default()
        });
        if !goes_on && !left_out.is_empty() {
            let why = left_out.join("; ");
            match format {
                Format::Ndjson => {
                    lines.extend_from_slice(json!({ "incomplete": why }).to_string().as_bytes());
                    lines.push(b'\n');
                }
                Format::Csv => {
                    let mut cells = COLUMNS.map(|_| String::new());
                    if let Some(first) = cells.first_mut() {
                        *first = format!("INCOMPLETE: {why}");
                    }
                    row(&mut lines, cells);
                }
            }
        }
        (lines, goes_on)
    }
}

/// The columns of a table.
const COLUMNS: [&str; 13] = [
    "time",
    "received",
    "level",
    "logger",
    "message",
    "error",
    "user",
    "sender",
    "install",
    "session",
    "version",
    "record",
    "attributes",
];

fn cells(found: &Found) -> [String; 13] {
    let json = record_json(found);
    let of = |name: &str| match json.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let name = |kind| found.name(kind).unwrap_or_default().to_owned();
    [
        of("time"),
        of("received"),
        of("level"),
        of("logger"),
        of("message"),
        of("error"),
        name(Kind::User),
        found.sender().unwrap_or_default().to_owned(),
        name(Kind::Install),
        name(Kind::Session),
        name(Kind::Version),
        of("record"),
        of("attributes"),
    ]
}

fn row<const CELLS: usize>(out: &mut Vec<u8>, cells: [String; CELLS]) {
    let mut writer = csv::Writer::from_writer(out);
    // Into memory: it can't fail.
    let _ = writer.write_record(cells.map(harmless));
    let _ = writer.flush();
}

/// A cell that no spreadsheet takes for a formula (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn harmless(cell: String) -> String {
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{cell}"),
        false => cell,
    }
}

/// Records that are read at once.
const PAGE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_each_is_one_cell() {
        let mut out = Vec::new();
        row(
            &mut out,
            ["=1+1", "-2", "a,\"b\"\nc", "", "plain"].map(str::to_owned),
        );
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "'=1+1,'-2,\"a,\"\"b\"\"\nc\",,plain\n"
        );
    }
}
