//! `/admin/v1/tail`: records as they come, by server-sent events.
//!
//! Each event has the place of its record in the index as its id, so that a client that comes back with `Last-Event-ID` gets
//! what it missed, and nothing twice: records are read in the order in which the index got them, a bounded stretch at a time,
//! and the next stretch when the client has taken the last. What can't be read is said by an event without an id,
//! `{"incomplete": "…"}`.

use std::collections::{BTreeSet, VecDeque};
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
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::asked;
use super::records::left_out;
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
    let now = index.reader.mark();
    let since = match headers.get(LAST_EVENT_ID) {
        None => now,
        Some(id) => id.to_str().ok().and_then(place).ok_or_else(|| {
            ApiError::NotAQuestion(
                "`Last-Event-ID` is the id of an event as it came, or left out".to_owned(),
            )
        })?,
    };
    // An index that was made anew has not got that far: what comes from now on is new.
    let since = since.min(now);
    let place = std::sync::Arc::clone(&admin.tails).try_acquire_owned();
    let place = place.map_err(|_| ApiError::Unavailable("too many follow already"))?;
    let following = Following {
        admin: admin.clone(),
        query,
        zone,
        format,
        since,
        waiting: VecDeque::new(),
        said: BTreeSet::new(),
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
    waiting: VecDeque<Event>,
    /// Parts of the index that can't be read, each said once.
    said: BTreeSet<u64>,
    _place: OwnedSemaphorePermit,
}

impl Following {
    /// The next event; `None` when the relay stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.admin.ingest.is_draining() {
                return None;
            }
            if !self.look().await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Looks into the next stretch; whether there was one.
    async fn look(&mut self) -> bool {
        let Ok(index) = self.admin.index() else {
            return false;
        };
        let upto = index.reader.stretch(self.since, STRETCH);
        if upto == self.since {
            return false;
        }
        let question = Question {
            query: self.query.clone(),
            order: Order::Oldest,
            beyond: Some(self.since),
            upto: Some(upto),
            ..Question::of_everything()
        };
        let mut answer = index.reader.look(&question).await;
        if !answer.not_reached.is_empty() {
            // The time was up: the same stretch is looked into again.
            return false;
        }
        answer
            .records
            .sort_by_key(|found| (found.place.segment, found.place.row));
        let events: Vec<Event> = answer.records.iter().map(|one| self.event(one)).collect();
        self.waiting.extend(events);
        let begin = self.since.segment;
        answer
            .unreadable
            .retain(|part| *part >= begin && self.said.insert(*part));
        for left_out in left_out(&answer) {
            self.waiting.push_back(self.incomplete(&left_out));
        }
        self.since = upto;
        true
    }

    fn incomplete(&self, why: &str) -> Event {
        let data = match self.format {
            asked::Format::Json => json!({ "incomplete": why }).to_string(),
            asked::Format::Text(_) => format!("not looked into: {why}"),
        };
        Event::default().event("incomplete").data(data)
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

/// Rows that are looked into at once, and so the records that wait for a slow client at most.
const STRETCH: i64 = 500;
