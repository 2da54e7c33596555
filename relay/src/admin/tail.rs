//! `/admin/v1/tail`: records as they come, by server-sent events.
//!
//! Each event has the place of its record in the index as its id, so that a client that comes back with `Last-Event-ID` gets
//! what it missed, and nothing twice.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::asked;
use super::state::Admin;
use crate::http::ApiError;
use crate::index::{Found, Mark, Order, Question};
use crate::search::{self, Expr};
use crate::timeline::{record_json, record_text};
use crate::when::Zone;

/// The routes; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new().route("/admin/v1/tail", get(tail))
}

/// A question.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    q: Option<String>,
    tz: Option<String>,
    format: Option<String>,
    colour: Option<String>,
}

async fn tail(
    State(admin): State<Admin>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let asked = asked::read(asked)?;
    let index = admin.index()?;
    let format = asked::format(asked.format.as_deref(), asked.colour.as_deref())?;
    let zone = asked::zone(asked.tz.as_deref(), None)?;
    let query = search::parse(asked.q.as_deref().unwrap_or_default());
    let query = query.map_err(asked::not_a_question)?;
    let since = match headers.get(LAST_EVENT_ID) {
        None => index.reader.mark(),
        Some(id) => id.to_str().ok().and_then(place).ok_or_else(|| {
            ApiError::NotAQuestion(
                "`Last-Event-ID` is the id of an event as it came, or left out".to_owned(),
            )
        })?,
    };
    let place = std::sync::Arc::clone(&admin.tails).try_acquire_owned();
    let place = place.map_err(|_| ApiError::Unavailable("too many follow already"))?;
    let following = Following {
        admin: admin.clone(),
        query,
        zone,
        format,
        since,
        waiting: VecDeque::new(),
        _place: place,
    };
    let events = stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok::<Event, Infallible>(event), following))
    });
    let keep_alive = KeepAlive::new().interval(BEAT);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

/// One who follows.
struct Following {
    admin: Admin,
    query: Expr,
    zone: Zone,
    format: asked::Format,
    /// Everything up to here was looked at.
    since: Mark,
    waiting: VecDeque<Found>,
    _place: OwnedSemaphorePermit,
}

impl Following {
    /// The next event; `None` when the relay stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(found) = self.waiting.pop_front() {
                return Some(self.event(&found));
            }
            if self.admin.ingest.is_draining() {
                return None;
            }
            if !self.look().await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Looks for more; whether there was any.
    async fn look(&mut self) -> bool {
        let Ok(index) = self.admin.index() else {
            return false;
        };
        let now = index.reader.mark();
        if now == self.since {
            return false;
        }
        let mut question = Question {
            query: self.query.clone(),
            order: Order::Oldest,
            beyond: Some(self.since),
            upto: Some(now),
            limit: PAGE,
            ..Question::of_everything()
        };
        let mut found = Vec::new();
        loop {
            let answer = index.reader.look(&question).await;
            question.after = answer.records.last().map(|found| found.place);
            found.extend(answer.records);
            // Who follows everything of a storm gets its beginning, and then what is new.
            if !answer.has_more || found.len() >= MOST_WAITING {
                break;
            }
        }
        found.sort_by_key(|found| (found.place.segment, found.place.row));
        self.since = now;
        self.waiting.extend(found);
        !self.waiting.is_empty()
    }

    fn event(&self, found: &Found) -> Event {
        let id = format!("{}-{}", found.place.segment, found.place.row);
        let data = match self.format {
            asked::Format::Json => record_json(found).to_string(),
            asked::Format::Text(has_colour) => {
                let mut text = String::new();
                record_text(&mut text, &self.zone, found, has_colour);
                text.trim_end().to_owned()
            }
        };
        Event::default().id(id).data(data)
    }
}

fn place(id: &str) -> Option<Mark> {
    let (segment, row) = id.split_once('-')?;
    Some(Mark {
        segment: segment.parse().ok()?,
        row: row.parse().ok()?,
    })
}

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Those who follow at once.
pub const MOST_FOLLOWING: usize = 32;

/// The index is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Something is sent so often, so that a connection that is gone is noticed.
const BEAT: Duration = Duration::from_secs(15);

/// Records that are read at once.
const PAGE: usize = 500;

/// Records that wait for a slow client.
const MOST_WAITING: usize = 5_000;
