//! `/admin/v1/records`: the records that a query means, page by page.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked;
use super::page::Page;
use super::state::Admin;
use crate::http::ApiError;
use crate::index::{Answer, Count, Found, Index, Mark, Order, Question};
use crate::search;
use crate::timeline::{day, line, record_json, record_text, written};
use crate::when::Zone;

/// The routes; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new().route("/admin/v1/records", get(records))
}

/// A question, as the flags of the command.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    q: Option<String>,
    from: Option<String>,
    to: Option<String>,
    tz: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    as_of: Option<String>,
    format: Option<String>,
    colour: Option<String>,
}

/// What came of it.
struct Told<'t> {
    query: &'t str,
    zone: &'t Zone,
    page: Page,
    answer: Answer,
    count: Count,
    older: Option<String>,
    newer: Option<String>,
    newer_than_as_of: u64,
    indexed_until: i64,
    kept_since: Option<i64>,
}

async fn records(
    State(admin): State<Admin>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let asked = asked::read(asked)?;
    let index = admin.index()?;
    let format = asked::format(asked.format.as_deref(), asked.colour.as_deref())?;
    let limit = asked::limit(asked.limit, LIMIT, MOST)?;
    let now = Timestamp::now();
    let zone = asked::zone(asked.tz.as_deref(), None)?;
    let query = asked.q.as_deref().unwrap_or_default().trim();
    let expr = search::parse(query).map_err(asked::not_a_question)?;
    let page = match asked.cursor.as_deref() {
        Some(cursor) => {
            let page = Page::read(cursor, query).map_err(asked::not_a_question)?;
            is_of(&asked, &page, &zone, now)?;
            page
        }
        None => first_page(&asked, &zone, now, index.reader.mark())?,
    };
    let question = Question {
        query: expr,
        from: page.from,
        to: page.to,
        order: page.order,
        after: page.after,
        as_of: page.as_of,
        upto: Some(page.upto),
        beyond: None,
        limit,
    };
    let told = look(index, question, page, (query, &zone), now).await;
    let is_found = !told.answer.records.is_empty();
    Ok(asked::answer(
        is_found,
        format,
        || told.json(),
        |has_colour| told.text(has_colour),
    ))
}

fn first_page(asked: &Asked, zone: &Zone, now: Timestamp, upto: Mark) -> Result<Page, ApiError> {
    let (from, to) = range((&asked.from, &asked.to), zone, now)?;
    let as_of = asked.as_of.as_deref().map(asked::as_of).transpose()?;
    Ok(Page {
        order: Order::Newest,
        from,
        to,
        after: None,
        as_of: as_of.unwrap_or(now.as_millisecond()),
        upto,
    })
}

/// Refuses a range beside a cursor that is not the cursor's own: one of the two would be ignored.
fn is_of(asked: &Asked, page: &Page, zone: &Zone, now: Timestamp) -> Result<(), ApiError> {
    for (name, said, own) in [("from", &asked.from, page.from), ("to", &asked.to, page.to)] {
        let Some(said) = said else { continue };
        if asked::time(said, zone, now)? != own {
            return Err(ApiError::NotAQuestion(format!(
                "`cursor` has a range of its own, and `{name}` is another: leave out one of the two"
            )));
        }
    }
    let as_of = asked.as_of.as_deref().map(asked::as_of).transpose()?;
    if as_of.is_some_and(|as_of| as_of != page.as_of) {
        return Err(ApiError::NotAQuestion(
            "`cursor` has an `as_of` of its own: leave out one of the two".to_owned(),
        ));
    }
    Ok(())
}

/// From when to when, in Unix nanoseconds; the last day, where it is not said.
pub fn range(
    (from, to): (&Option<String>, &Option<String>),
    zone: &Zone,
    now: Timestamp,
) -> Result<(u64, u64), ApiError> {
    let time = |said: &Option<String>| {
        let said = said.as_deref();
        said.map(|said| asked::time(said, zone, now)).transpose()
    };
    // What is stamped a little ahead of this clock is of now, too.
    let to = time(to)?.map_or_else(|| asked::nanos(now).map(|now| now + AHEAD), Ok)?;
    let from = time(from)?.unwrap_or_else(|| to.saturating_sub(DAY));
    if from >= to {
        return Err(ApiError::NotAQuestion(
            "`from` is not before `to`: nothing can lie between them".to_owned(),
        ));
    }
    Ok((from, to))
}

async fn look<'t>(
    index: &Index,
    question: Question,
    page: Page,
    (query, zone): (&'t str, &'t Zone),
    now: Timestamp,
) -> Told<'t> {
    let indexed_until = index.indexed_until(now.as_millisecond()).await;
    let mut answer = index.reader.look(&question).await;
    let places = |at: Option<&Found>| at.map(|found| found.place);
    let (first, last) = (
        places(answer.records.first()),
        places(answer.records.last()),
    );
    let turned = |order, after| {
        Page {
            order,
            after,
            ..page
        }
        .text(query)
    };
    // What lies on the way back is there when one has come from there.
    let came_from = page.after.is_some();
    let (older, newer) = match page.order {
        Order::Newest => (
            last.filter(|_| answer.has_more)
                .map(|last| turned(Order::Newest, Some(last))),
            first
                .or(page.after)
                .filter(|_| came_from)
                .map(|first| turned(Order::Oldest, Some(first))),
        ),
        Order::Oldest => (
            first
                .or(page.after)
                .filter(|_| came_from)
                .map(|first| turned(Order::Newest, Some(first))),
            last.filter(|_| answer.has_more)
                .map(|last| turned(Order::Oldest, Some(last))),
        ),
    };
    if page.order == Order::Oldest {
        answer.records.reverse();
    }
    let count = index.reader.count(&question).await;
    let all = Question {
        as_of: i64::MAX,
        upto: None,
        ..question
    };
    let newer_than_as_of = match page.as_of == now.as_millisecond() {
        true => 0,
        false => {
            let all = index.reader.count(&all).await;
            all.records.saturating_sub(count.records)
        }
    };
    Told {
        query,
        zone,
        page,
        answer,
        count,
        older,
        newer,
        newer_than_as_of,
        indexed_until,
        kept_since: index.kept_since(),
    }
}

impl Told<'_> {
    fn json(&self) -> Value {
        let millis = |at: i64| {
            Timestamp::from_millisecond(at)
                .ok()
                .map(|at| at.to_string())
        };
        json!({
            "query": self.query,
            "zone": self.zone.name,
            "from": written(self.page.from),
            "to": written(self.page.to),
            "as_of": millis(self.page.as_of),
            "indexed_until": millis(self.indexed_until),
            "kept_since": self.kept_since.and_then(millis),
            "older": self.older,
            "newer": self.newer,
            "newer_than_as_of": self.newer_than_as_of,
            "count": {
                "records": self.count.records,
                "is_exact": self.count.is_exact,
                "first_seen": self.count.first.map(written),
                "last_seen": self.count.last.map(written),
            },
            "rows": self.answer.records.iter().map(record_json).collect::<Vec<_>>(),
            "left_out": left_out(&self.answer),
        })
    }

    fn text(&self, has_colour: bool) -> String {
        let mut out = String::new();
        let mut today = String::new();
        for record in &self.answer.records {
            let date: String = day(record.place.time, self.zone).chars().take(10).collect();
            if date != today {
                line(&mut out, &date);
                today = date;
            }
            record_text(&mut out, self.zone, record, has_colour);
        }
        if !self.answer.records.is_empty() {
            out.push('\n');
        }
        let (from, to) = (day(self.page.from, self.zone), day(self.page.to, self.zone));
        let records = match (self.count.records, self.count.is_exact) {
            (1, true) => "1 record".to_owned(),
            (records, true) => format!("{records} records"),
            (records, false) => format!("at least {records} records"),
        };
        line(
            &mut out,
            &format!("{records} from {from} to {to} ({})", self.zone.name),
        );
        if let (Some(first), Some(last)) = (self.count.first, self.count.last) {
            let (first, last) = (day(first, self.zone), day(last, self.zone));
            line(&mut out, &format!("first seen {first}, last seen {last}"));
        }
        if self.answer.has_more {
            let shown = self.answer.records.len();
            line(
                &mut out,
                &format!("shown are {shown}: --limit shows more, --from and --to others"),
            );
        }
        for left_out in left_out(&self.answer) {
            line(&mut out, &format!("not looked into: {left_out}"));
        }
        out
    }
}

/// What could not be looked into, in words.
pub fn left_out(answer: &Answer) -> Vec<String> {
    let late = answer.not_reached.iter();
    let late = late.map(|part| format!("part {part} of the index: the time was up"));
    let unreadable = answer.unreadable.iter();
    let unreadable = unreadable.map(|part| format!("part {part} of the index: it can't be read"));
    let damaged =
        (answer.damaged_rows > 0).then(|| format!("{} damaged records", answer.damaged_rows));
    late.chain(unreadable).chain(damaged).collect()
}

/// Rows of a page, unless it is said.
const LIMIT: usize = 100;

/// Rows of a page at most.
const MOST: usize = 1_000;

/// Without a range it is the last day, in nanoseconds.
const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;

/// A minute: clocks that are off by less are not corrected.
const AHEAD: u64 = 60 * 1_000_000_000;
