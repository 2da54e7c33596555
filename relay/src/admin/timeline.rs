//! `/admin/v1/timeline`: what happened there.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;

use super::asked;
use super::state::Admin;
use crate::config::duration;
use crate::http::{ApiError, FOUND};
use crate::index::{Found, text_of};
use crate::timeline::{self, Ask, Cursor, Of, Told};
use crate::when::moment;

/// The routes; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new().route("/admin/v1/timeline", get(timeline))
}

/// A question, as the flags of the command.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    user: Option<String>,
    install: Option<String>,
    session: Option<String>,
    record: Option<String>,
    at: Option<String>,
    around: Option<String>,
    tz: Option<String>,
    as_of: Option<String>,
    cursor: Option<String>,
    format: Option<String>,
    colour: Option<String>,
}

async fn timeline(
    State(admin): State<Admin>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let asked = asked::read(asked)?;
    let index = admin.index()?;
    let format = asked.format.as_deref().unwrap_or("json");
    if !["json", "text", "md"].contains(&format) {
        return Err(ApiError::NotAQuestion(format!(
            "`format` is json, text or md, not `{format:.40}`"
        )));
    }
    let now = Timestamp::now();
    let of = of(&asked)?;
    let cursor = asked.cursor.as_deref().map(|text| Cursor::read(text, &of));
    let cursor = cursor.transpose().map_err(asked::not_a_question)?;
    let said_as_of = asked.as_of.as_deref().map(asked::as_of).transpose()?;
    let as_of = said_as_of.or(cursor.map(|cursor| cursor.as_of));
    let last = timeline::last_of(&index.reader, &of, as_of.unwrap_or(i64::MAX)).await;
    let device = last.as_ref().and_then(device_zone);
    let zone = asked::zone(asked.tz.as_deref(), device)?;
    let at = match (&asked.at, cursor) {
        (Some(at), _) => {
            let moment = moment(at, &zone, now, device).map_err(asked::not_a_question)?;
            Some((asked::nanos(moment.at)?, moment.zone))
        }
        (None, Some(cursor)) => Some((cursor.at, zone.clone())),
        (None, None) => None,
    };
    let ask = Ask {
        of,
        at: at.as_ref().map(|(at, _)| *at),
        around: around(asked.around.as_deref())?,
        zone: at.map_or(zone, |(_, zone)| zone),
        as_of: as_of.unwrap_or(i64::MAX),
    };
    let indexed_until = index.indexed_until(now.as_millisecond()).await;
    let story = timeline::timeline(&index.reader, &ask).await;
    let told = Told {
        as_of: as_of.unwrap_or(now.as_millisecond()),
        indexed_until,
        kept_since: index.kept_since(),
        ask,
        story,
    };
    Ok(answer(&told, format, asked.colour.as_deref() == Some("1")))
}

fn answer(told: &Told, format: &str, has_colour: bool) -> Response {
    let found = (FOUND, if told.is_found() { "1" } else { "0" });
    let text = |kind: &'static str, text: String| ([found.clone()], [(CONTENT_TYPE, kind)], text);
    match format {
        "text" => text(
            "text/plain; charset=utf-8",
            timeline::text(told, has_colour),
        )
        .into_response(),
        "md" => text("text/markdown; charset=utf-8", timeline::markdown(told)).into_response(),
        _ => ([found], Json(timeline::told_json(told))).into_response(),
    }
}

/// Whose timeline it is: one of them, and only one.
fn of(asked: &Asked) -> Result<Of, ApiError> {
    let mut named: Vec<Of> = Vec::new();
    let mut of = |name: &Option<String>, of: fn(String) -> Of| {
        named.extend(name.clone().filter(|name| !name.is_empty()).map(of));
    };
    of(&asked.user, Of::User);
    of(&asked.install, Of::Install);
    of(&asked.session, Of::Session);
    of(&asked.record, Of::Record);
    match (named.pop(), named.len()) {
        (Some(of), 0) => Ok(of),
        (None, _) => Err(ApiError::NotAQuestion(
            "whose timeline? give user, install, session or record".to_owned(),
        )),
        (Some(_), _) => Err(ApiError::NotAQuestion(
            "give one of user, install, session and record: a timeline is of one of them"
                .to_owned(),
        )),
    }
}

/// The zone that the device said it is in.
fn device_zone(last: &Found) -> Option<&str> {
    text_of(&last.resource.attributes, "device.time_zone")
}

fn around(said: Option<&str>) -> Result<Duration, ApiError> {
    let Some(said) = said else {
        return Ok(AROUND);
    };
    let around = duration(said).filter(|around| *around <= MAX_AROUND);
    around.ok_or_else(|| {
        ApiError::NotAQuestion(format!(
            "`around` is a duration of at most 31d, such as 10m, not `{said:.40}`"
        ))
    })
}

/// To each side of a moment, unless it is said.
const AROUND: Duration = Duration::from_secs(10 * 60);

const MAX_AROUND: Duration = Duration::from_secs(31 * 24 * 60 * 60);
