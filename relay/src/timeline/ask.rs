//! Looks up what a timeline is told from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::index::{Answer, Found, Kind, Order, Question, Reader};
use crate::search::{Expr, Key, Match, Term};
use crate::when::Zone;

use super::story::Story;
use super::version;

/// Whose timeline, and when.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Whose.
    pub of: Of,
    /// Around this, in Unix nanoseconds; without it the last session.
    pub at: Option<u64>,
    /// So long to each side.
    pub around: Duration,
    /// In which zone times are shown.
    pub zone: Zone,
    /// Of what came by then, in Unix milliseconds.
    pub as_of: i64,
}

/// Whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// A user or sender.
    User(String),
    /// An installation.
    Install(String),
    /// A session.
    Session(String),
    /// What happened around one record, in its session.
    Record(String),
}

impl Of {
    /// As the flag of a command, and its value.
    #[must_use]
    pub fn flag(&self) -> (&'static str, &str) {
        match self {
            Self::User(name) => ("user", name),
            Self::Install(name) => ("install", name),
            Self::Session(name) => ("session", name),
            Self::Record(name) => ("record", name),
        }
    }
}

/// The latest record of them that the index has, of what came by `as_of`.
pub async fn last_of(reader: &Reader, of: &Of, as_of: i64) -> Option<Found> {
    let last = question(expr(of), (0, u64::MAX), Order::Newest, 1);
    let answer = reader.look(&Question { as_of, ..last }).await;
    answer.records.into_iter().next()
}

/// What happened there; `None` when the index has nothing of them at all.
pub async fn timeline(reader: &Reader, ask: &Ask) -> Option<Story> {
    let of = expr(&ask.of);
    let mut left_out = BTreeSet::new();
    let question = |query, range, order, limit| Question {
        as_of: ask.as_of,
        ..question(query, range, order, limit)
    };
    // Where it is about the last session or one record, that says when.
    let first = question(of.clone(), (0, u64::MAX), Order::Newest, 1);
    let last = look(reader, &first, &mut left_out)
        .await
        .into_iter()
        .next()?;
    let around = u64::try_from(ask.around.as_nanos()).unwrap_or(u64::MAX);
    let sides = |at: u64| (at.saturating_sub(around), at.saturating_add(around));
    let session = last.name(Kind::Session).map(str::to_owned);
    let (range, shown) = match (&ask.of, ask.at, session) {
        (Of::Record(_), at, Some(session)) => (
            sides(at.unwrap_or(last.place.time)),
            key(Key::Session, session),
        ),
        (_, Some(at), _) => (sides(at), of.clone()),
        (_, None, Some(session)) => ((0, u64::MAX), key(Key::Session, session)),
        (_, None, None) => (sides(last.place.time), of.clone()),
    };
    let asked = question(shown.clone(), range, Order::Oldest, MAX_ROWS);
    let rows = look(reader, &asked, &mut left_out).await;
    let range = match range {
        // A session is from its first record to its last.
        (0, u64::MAX) => ends_of(&rows),
        range => range,
    };
    let before = question(of.clone(), (0, range.0), Order::Newest, 1);
    let behind = question(of, (range.1, u64::MAX), Order::Oldest, 1);
    let [older, newer] = [
        look(reader, &before, &mut left_out).await,
        look(reader, &behind, &mut left_out).await,
    ]
    .map(|found| found.first().map(|found| found.place.time));
    let newer_than_as_of = came_later(reader, &asked, rows.len()).await;
    // Gaps and ends are told from all that their sessions have in the range: who was logged in has nothing to do with it.
    let sessions: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| row.name(Kind::Session))
        .map(str::to_owned)
        .collect();
    let places: BTreeSet<_> = rows.iter().map(|row| row.place).collect();
    let mut whole = rows;
    if !sessions.is_empty() {
        let any = sessions
            .into_iter()
            .map(|session| key(Key::Session, session));
        let of_sessions = Question {
            query: Expr::Any(any.collect()),
            ..asked
        };
        let more = look(reader, &of_sessions, &mut left_out).await;
        whole.extend(
            more.into_iter()
                .filter(|record| !places.contains(&record.place)),
        );
    }
    // How a session ended stands in the next one of that installation.
    let installs: BTreeSet<String> = whole
        .iter()
        .filter_map(|row| row.name(Kind::Install))
        .map(str::to_owned)
        .collect();
    let ends = ends(reader, ask.as_of, installs, &whole, &mut left_out).await;
    let known: BTreeSet<_> = whole.iter().map(|row| row.place).collect();
    let ends: Vec<Found> = ends
        .into_iter()
        .filter(|end| !known.contains(&end.place))
        .collect();
    let is_shown = |record: &Found| places.contains(&record.place);
    let mut story = Story::of_ended(ask.zone.clone(), range, whole, &ends, is_shown);
    let mut newest: BTreeMap<String, Option<String>> = BTreeMap::new();
    for session in &mut story.sessions {
        let Some(service) = &session.service else {
            continue;
        };
        if !newest.contains_key(service) {
            newest.insert(service.clone(), version::newest(reader, service).await);
        }
        session.newest_version = newest.get(service).cloned().flatten();
    }
    story.left_out = left_out.into_iter().collect();
    story.older = older;
    story.newer = newer;
    story.newer_than_as_of = newer_than_as_of;
    story.who.last_heard = story.who.last_heard.max(Some(last.received));
    story.last = Some(last.place.time);
    Some(story)
}

/// From the first of these to just behind the last.
fn ends_of(rows: &[Found]) -> (u64, u64) {
    let times = || rows.iter().map(|row| row.place.time);
    let from = times().min().unwrap_or_default();
    (from, times().max().unwrap_or_default().saturating_add(1))
}

/// How many more the same question has now than it had by its `as_of`.
async fn came_later(reader: &Reader, asked: &Question, known: usize) -> u64 {
    if asked.as_of == i64::MAX {
        return 0;
    }
    let now = Question {
        as_of: i64::MAX,
        ..asked.clone()
    };
    let all = reader.look(&now).await.records.len();
    u64::try_from(all.saturating_sub(known)).unwrap_or_default()
}

/// The records of these installations that tell how the session before them ended.
async fn ends(
    reader: &Reader,
    as_of: i64,
    installs: BTreeSet<String>,
    whole: &[Found],
    left_out: &mut BTreeSet<String>,
) -> Vec<Found> {
    let Some(first) = whole.iter().map(|row| row.place.time).min() else {
        return Vec::new();
    };
    if installs.is_empty() {
        return Vec::new();
    }
    let any = |names: BTreeSet<String>, of: Key| {
        Expr::Any(names.into_iter().map(|name| key(of, name)).collect())
    };
    let query = Expr::All(vec![
        any(installs, Key::Install),
        key(Key::Logger, "courier".to_owned()),
        Expr::Is(Term::Attribute("previous.session_id".to_owned(), None)),
    ]);
    let question = Question {
        as_of,
        ..question(query, (first, u64::MAX), Order::Oldest, MAX_ENDS)
    };
    look(reader, &question, left_out).await
}

async fn look(reader: &Reader, question: &Question, left_out: &mut BTreeSet<String>) -> Vec<Found> {
    let Answer {
        records,
        has_more,
        not_reached,
        unreadable,
        damaged_rows,
    } = reader.look(question).await;
    if has_more && question.limit == MAX_ROWS {
        left_out.insert(format!(
            "more than {MAX_ROWS} records: ask for a shorter time"
        ));
    }
    for segment in not_reached {
        left_out.insert(format!("part {segment} of the index: the time was up"));
    }
    for segment in unreadable {
        left_out.insert(format!("part {segment} of the index: it can't be read"));
    }
    if damaged_rows > 0 {
        left_out.insert(format!("{damaged_rows} damaged records"));
    }
    records
}

fn question(query: Expr, (from, to): (u64, u64), order: Order, limit: usize) -> Question {
    Question {
        query,
        from,
        to,
        order,
        after: None,
        as_of: i64::MAX,
        upto: None,
        beyond: None,
        limit,
    }
}

fn expr(of: &Of) -> Expr {
    match of {
        Of::User(user) => key(Key::User, user.clone()),
        Of::Install(install) => key(Key::Install, install.clone()),
        Of::Session(session) => key(Key::Session, session.clone()),
        Of::Record(record) => key(Key::Record, record.clone()),
    }
}

fn key(key: Key, name: String) -> Expr {
    Expr::Is(Term::Key(key, Match::Is(name)))
}

/// Rows of one timeline at most.
const MAX_ROWS: usize = 5_000;

/// Ends of sessions that are looked at.
const MAX_ENDS: usize = 100;

#[cfg(test)]
mod tests;
