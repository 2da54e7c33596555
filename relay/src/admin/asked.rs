//! What the look-ups' questions share: times, zones, formats, and how what is wrong with them is said.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::Value;

use crate::http::{ApiError, FOUND};
use crate::when::{Zone, moment};

/// The parameters, if they are all known and of their types.
pub fn read<T>(asked: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    match asked {
        Ok(Query(asked)) => Ok(asked),
        Err(error) => Err(ApiError::NotAQuestion(error.body_text())),
    }
}

/// An error in its own words, as a 400.
pub fn not_a_question(error: impl std::fmt::Display) -> ApiError {
    ApiError::NotAQuestion(error.to_string())
}

/// The zone that is named, else UTC.
pub fn zone(said: Option<&str>, device: Option<&str>) -> Result<Zone, ApiError> {
    Zone::named(said.unwrap_or("UTC"), device).map_err(not_a_question)
}

/// A time as people say it, in Unix nanoseconds.
pub fn time(said: &str, zone: &Zone, now: Timestamp) -> Result<u64, ApiError> {
    let moment = moment(said, zone, now, None).map_err(not_a_question)?;
    nanos(moment.at)
}

/// A moment in Unix nanoseconds.
pub fn nanos(at: Timestamp) -> Result<u64, ApiError> {
    u64::try_from(at.as_nanosecond())
        .map_err(|_| ApiError::NotAQuestion("the time lies before 1970".to_owned()))
}

/// By when what is asked for had come, in Unix milliseconds.
pub fn as_of(said: &str) -> Result<i64, ApiError> {
    let at: Result<Timestamp, _> = said.parse();
    at.map(Timestamp::as_millisecond).map_err(|_| {
        ApiError::NotAQuestion(format!(
            "`as_of` is a time of RFC 3339 as an answer has it, not `{said:.40}`"
        ))
    })
}

/// How many rows at most.
pub fn limit(said: Option<usize>, default: usize, most: usize) -> Result<usize, ApiError> {
    let limit = said.unwrap_or(default);
    match limit {
        1.. if limit <= most => Ok(limit),
        _ => Err(ApiError::NotAQuestion(format!(
            "`limit` is a number from 1 to {most}, not {limit}"
        ))),
    }
}

/// How the answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    /// With colours for a terminal, or without.
    Text(bool),
}

/// `json` or `text`, with `colour=1` for a terminal.
pub fn format(said: Option<&str>, colour: Option<&str>) -> Result<Format, ApiError> {
    match said {
        None | Some("json") => Ok(Format::Json),
        Some("text") => Ok(Format::Text(colour == Some("1"))),
        Some(other) => Err(ApiError::NotAQuestion(format!(
            "`format` is json or text, not `{other:.40}`"
        ))),
    }
}

/// An answer that says whether it found anything.
pub fn answer(
    is_found: bool,
    format: Format,
    json: impl FnOnce() -> Value,
    text: impl FnOnce(bool) -> String,
) -> Response {
    let found = [(FOUND, if is_found { "1" } else { "0" })];
    match format {
        Format::Json => (found, Json(json())).into_response(),
        Format::Text(has_colour) => {
            let kind = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
            (found, kind, text(has_colour)).into_response()
        }
    }
}
