//! Looks records up: asks the segments that can have any, and merges what they say by time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteArguments;
use sqlx::{Row, Sqlite, SqliteConnection};

use crate::metrics::Lookups;
use crate::search::{Expr, Key, Match, Term};

use super::arrival::Kind;
use super::catalog::Listed;
use super::found::{self, COLUMN_COUNT, COLUMNS, Found, Place, Shared};
use super::pool::Pool;
use super::segment::Facts;
use super::shelf::{Board, is_damage};
use super::sql::{Bind, Condition};
use super::{clock, files, inside};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which records.
    pub query: Expr,
    /// Not before this, in Unix nanoseconds.
    pub from: u64,
    /// Before this, in Unix nanoseconds.
    pub to: u64,
    /// Which come first.
    pub order: Order,
    /// Behind this one, in that order.
    pub after: Option<Place>,
    /// Received at this time at the latest, in Unix milliseconds.
    pub as_of: i64,
    /// Of what the index had then.
    pub upto: Option<Mark>,
    /// Of what it did not have then.
    pub beyond: Option<Mark>,
    /// So many at most.
    pub limit: usize,
}

impl Question {
    /// All that there is, the newest first.
    #[must_use]
    pub fn of_everything() -> Self {
        Self {
            query: Expr::All(Vec::new()),
            from: 0,
            to: u64::MAX,
            order: Order::Newest,
            after: None,
            as_of: i64::MAX,
            upto: None,
            beyond: None,
            limit: usize::MAX,
        }
    }
}

/// How much the index had at a moment. What came later stands behind it, whenever it was received: so pages meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Its last segment.
    pub segment: u64,
    /// The last row there.
    pub row: i64,
}

/// Which records come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By time.
    Oldest,
    /// By time, backwards.
    Newest,
}

/// What was found, and what could not be looked into.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The records, in the order that was asked for.
    pub records: Vec<Found>,
    /// Whether there are more behind the last.
    pub has_more: bool,
    /// Segments that the time limit left out.
    pub not_reached: Vec<u64>,
    /// Segments that can't be read.
    pub unreadable: Vec<u64>,
    /// Rows that are not what was written.
    pub damaged_rows: u64,
}

/// Answers questions, beside whoever writes.
#[derive(Debug)]
pub struct Reader {
    pub(super) dir: PathBuf,
    pub(super) board: Arc<Board>,
    pub(super) pool: Pool,
    pub(super) time_limit: Duration,
    lookups: Arc<Lookups>,
}

impl Reader {
    /// Answers from the index in `dir`, each question in `time_limit`.
    #[must_use]
    pub fn new(dir: &Path, board: Arc<Board>, time_limit: Duration) -> Self {
        Self {
            dir: dir.to_owned(),
            board,
            pool: Pool::default(),
            time_limit,
            lookups: Arc::default(),
        }
    }

    /// Counts its questions for records there.
    #[must_use]
    pub fn counted_in(self, lookups: Arc<Lookups>) -> Self {
        Self { lookups, ..self }
    }

    /// How much there is now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let state = self.board.state();
        let last = state.segments.iter().next_back();
        last.map_or_else(Mark::default, |(&segment, facts)| Mark {
            segment,
            row: i64::try_from(facts.records).unwrap_or(i64::MAX),
        })
    }

    /// The records that are asked for. Nothing that goes wrong with one segment costs the others.
    pub async fn look(&self, question: &Question) -> Answer {
        let started = Instant::now();
        let deadline = started + self.time_limit;
        let state = self.board.state().clone();
        let mut answer = Answer {
            unreadable: state.unreadable.clone(),
            ..Answer::default()
        };
        self.pool.keep_only(&state.segments);
        let mut segments = self.candidates(question, &state.segments).await;
        match question.order {
            Order::Newest => segments.sort_by_key(|(_, facts)| std::cmp::Reverse(facts.newest)),
            Order::Oldest => segments.sort_by_key(|(_, facts)| facts.oldest),
        }
        let mut places: Vec<Place> = Vec::new();
        for (number, facts) in &segments {
            if places.len() > question.limit && self.is_beyond(question, facts, &places) {
                break;
            }
            if Instant::now() >= deadline {
                answer.not_reached.push(*number);
                continue;
            }
            match self.ask(question, *number, facts, deadline).await {
                Ok((found, damaged)) => {
                    places.extend(found);
                    answer.damaged_rows += damaged;
                }
                Err(error) if is_interrupted(&error) => answer.not_reached.push(*number),
                Err(error) => self.unreadable(*number, &error, &mut answer),
            }
            places.sort_unstable();
            if question.order == Order::Newest {
                places.reverse();
            }
            places.truncate(question.limit.saturating_add(1));
        }
        answer.has_more = places.len() > question.limit;
        places.truncate(question.limit);
        let mut records = BTreeMap::new();
        let by_segment: BTreeSet<u64> = places.iter().map(|place| place.segment).collect();
        for number in by_segment {
            let Some((_, facts)) = segments.iter().find(|(of, _)| *of == number) else {
                continue;
            };
            let rows: Vec<i64> = places
                .iter()
                .filter(|place| place.segment == number)
                .map(|place| place.row)
                .collect();
            match self.fetch(number, facts, &rows).await {
                Ok(found) => {
                    let whole = found.into_iter().flatten();
                    let before = records.len();
                    records.extend(whole.map(|found| (found.place, found)));
                    let damaged = rows.len().saturating_sub(records.len() - before);
                    answer.damaged_rows += u64::try_from(damaged).unwrap_or_default();
                }
                Err(error) => self.unreadable(number, &error, &mut answer),
            }
        }
        answer.records = places
            .iter()
            .filter_map(|place| records.remove(place))
            .collect();
        self.lookups.time.observe(started.elapsed().as_secs_f64());
        self.lookups
            .cut
            .inc_by(u64::from(!answer.not_reached.is_empty()));
        answer
    }

    fn unreadable(&self, number: u64, error: &sqlx::Error, answer: &mut Answer) {
        // Retention may have removed it meanwhile.
        if self.board.state().segments.contains_key(&number) {
            tracing::error!(segment = number, %error, "a part of the index can't be read; the others answer");
            answer.unreadable.push(number);
            if is_damage(error) || !files::segment(&self.dir, number).exists() {
                self.board.is_damaged(number);
            }
        }
    }

    /// Whether nothing in a segment can come before the last of `places`.
    fn is_beyond(&self, question: &Question, facts: &Facts, places: &[Place]) -> bool {
        let Some(last) = places.last() else {
            return false;
        };
        let last = clock::split(last.time, 0).0;
        match question.order {
            Order::Newest => facts.newest < last,
            Order::Oldest => facts.oldest > last,
        }
    }

    /// The segments that may have such records: by their times, and by what the catalogue lists of those that are sealed.
    pub(super) async fn candidates(
        &self,
        question: &Question,
        segments: &BTreeMap<u64, Facts>,
    ) -> Vec<(u64, Facts)> {
        let (from, to) = (
            clock::split(question.from, 0).0,
            clock::split(question.to, 0).0,
        );
        let in_time = segments.iter().filter(|(number, facts)| {
            facts.records > 0
                && question.upto.is_none_or(|upto| **number <= upto.segment)
                && question
                    .beyond
                    .is_none_or(|beyond| **number >= beyond.segment)
                && facts.newest >= from
                && facts.oldest <= to
                && facts.first_received <= question.as_of
        });
        let mut candidates: Vec<(u64, Facts)> =
            in_time.map(|(number, facts)| (*number, *facts)).collect();
        let certain = question.query.certain();
        let kinds: Vec<(Vec<Kind>, &str)> = certain.into_iter().filter_map(names).collect();
        if kinds.is_empty() || candidates.len() < 2 {
            return candidates;
        }
        let Ok(mut listed) = Listed::open(&self.dir).await else {
            return candidates;
        };
        for (kinds, name) in kinds {
            // Without an answer every segment is asked.
            if let Ok(cannot) = listed.cannot_hold(&kinds, name).await {
                candidates.retain(|(number, facts)| !facts.is_sealed || !cannot.contains(number));
            }
        }
        listed.close().await;
        candidates
    }

    async fn ask(
        &self,
        question: &Question,
        number: u64,
        facts: &Facts,
        deadline: Instant,
    ) -> Result<(Vec<Place>, u64), sqlx::Error> {
        let file = files::segment(&self.dir, number);
        let mut handle = self.pool.take(number, &file, facts).await?;
        handle.end_at(deadline).await?;
        let asked = ask(handle.connection(), question, number, facts).await;
        handle.never_end().await?;
        if asked.is_ok() {
            self.pool.give_back(handle);
        }
        asked
    }

    async fn fetch(
        &self,
        number: u64,
        facts: &Facts,
        rows: &[i64],
    ) -> Result<Vec<Option<Found>>, sqlx::Error> {
        let file = files::segment(&self.dir, number);
        let mut handle = self.pool.take(number, &file, facts).await?;
        let connection = handle.connection();
        let text =
            format!("SELECT {COLUMNS} FROM record WHERE id IN (SELECT value FROM json_each(?))");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(serde_json::to_string(rows).unwrap_or_default())
            .fetch_all(&mut *connection)
            .await?;
        let mut shared = Shared::default();
        let found = found::read(connection, &mut shared, (number, facts.base), &rows).await?;
        self.pool.give_back(handle);
        Ok(found)
    }
}

/// The places of the first records of a segment that are meant, one more than the limit.
async fn ask(
    connection: &mut SqliteConnection,
    question: &Question,
    number: u64,
    facts: &Facts,
) -> Result<(Vec<Place>, u64), sqlx::Error> {
    // SQLite counts up to the greatest signed number.
    let limit = question.limit.min(usize::MAX / 2 - 1) + 1;
    let looks_inside = question.query.looks_inside();
    let told = if looks_inside {
        inside::told(&question.query)
    } else {
        Vec::new()
    };
    let mut binds = Vec::new();
    let mut text = String::from("SELECT ");
    text.push_str(if looks_inside {
        COLUMNS
    } else {
        "record.id, at, ns"
    });
    for term in &told {
        let condition = Condition::of_term(term);
        text.push_str(&format!(", coalesce({}, 0)", condition.text));
        binds.extend(condition.binds);
    }
    meant(question, number, facts, &mut text, &mut binds);
    let direction = match question.order {
        Order::Oldest => "ASC",
        Order::Newest => "DESC",
    };
    let mut after = question.after;
    let mut places = Vec::new();
    let mut damaged = 0;
    let mut shared = Shared::default();
    loop {
        let (mut text, mut binds) = (text.clone(), binds.clone());
        if let Some(after) = after {
            behind(
                after,
                question.order,
                number,
                facts.base,
                &mut text,
                &mut binds,
            );
        }
        let page = if looks_inside { PAGE } else { limit };
        text.push_str(&format!(
            " ORDER BY at {direction}, ns {direction}, record.id {direction} LIMIT {page}"
        ));
        let query = bind(&text, binds, connection).await?;
        let rows = query.fetch_all(&mut *connection).await?;
        if !looks_inside {
            for row in &rows {
                places.push(found::place(row, number, facts.base)?);
            }
            return Ok((places, damaged));
        }
        let found = found::read(connection, &mut shared, (number, facts.base), &rows).await?;
        for (row, found) in rows.iter().zip(found) {
            let Some(found) = found else {
                damaged += 1;
                continue;
            };
            let mut told = (0..told.len()).map(|at| {
                let holds = row.try_get::<i64, _>(COLUMN_COUNT + at);
                holds.is_ok_and(|holds| holds != 0)
            });
            if places.len() < limit && inside::is_meant(&question.query, &found, &mut told) {
                places.push(found.place);
            }
        }
        match rows.last() {
            Some(last) if rows.len() == PAGE && places.len() < limit => {
                after = Some(found::place(last, number, facts.base)?);
            }
            _ => return Ok((places, damaged)),
        }
    }
}

/// Adds which rows of a segment are meant, but for what stands inside their blobs.
pub(super) fn meant(
    question: &Question,
    number: u64,
    facts: &Facts,
    text: &mut String,
    binds: &mut Vec<Bind>,
) {
    let condition = Condition::of(&question.query);
    // The rows behind a mark are read by their numbers: by time, each follower would read the whole segment again and again.
    let beyond = question.beyond.filter(|beyond| beyond.segment == number);
    let by = if beyond.is_some() { " NOT INDEXED" } else { "" };
    text.push_str(&format!(
        " FROM record{by} WHERE {} AND at >= ? AND at <= ? AND (at, ns) >= (?, ?) AND (at, ns) < (?, ?)",
        condition.text
    ));
    binds.extend(condition.binds);
    let (from, to) = (
        clock::split(question.from, facts.base),
        clock::split(question.to, facts.base),
    );
    let ends = [from.0, to.0, from.0, from.1, to.0, to.1];
    binds.extend(ends.map(Bind::Number));
    if facts.last_received > question.as_of {
        text.push_str(" AND received <= ?");
        binds.push(Bind::Number(question.as_of.saturating_sub(facts.base)));
    }
    if let Some(upto) = question.upto.filter(|upto| upto.segment == number) {
        text.push_str(" AND record.id <= ?");
        binds.push(Bind::Number(upto.row));
    }
    if let Some(beyond) = beyond {
        text.push_str(" AND record.id > ?");
        binds.push(Bind::Number(beyond.row));
    }
}

/// Adds that a row of segment `number` stands behind `after`.
fn behind(
    after: Place,
    order: Order,
    number: u64,
    base: i64,
    text: &mut String,
    binds: &mut Vec<Bind>,
) {
    let (at, ns) = clock::split(after.time, base);
    let sign = match order {
        Order::Oldest => ">",
        Order::Newest => "<",
    };
    binds.extend([Bind::Number(at), Bind::Number(ns)]);
    if number == after.segment {
        text.push_str(&format!(" AND (at, ns, record.id) {sign} (?, ?, ?)"));
        binds.push(Bind::Number(after.row));
        return;
    }
    // Of one time, the segments' numbers decide.
    let stands_behind = match order {
        Order::Oldest => number > after.segment,
        Order::Newest => number < after.segment,
    };
    let or_equal = if stands_behind { "=" } else { "" };
    text.push_str(&format!(" AND (at, ns) {sign}{or_equal} (?, ?)"));
}

pub(super) type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

pub(super) async fn bind<'q>(
    text: &str,
    binds: Vec<Bind>,
    connection: &mut SqliteConnection,
) -> Result<Query<'q>, sqlx::Error> {
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text.to_owned()));
    for bind in binds {
        query = match bind {
            Bind::Text(text) => query.bind(text),
            Bind::Number(number) => query.bind(number),
            Bind::Code(code) => query.bind(installs(connection, &code).await?),
        };
    }
    Ok(query)
}

/// The numbers of the installations that have this support code, as JSON.
async fn installs(connection: &mut SqliteConnection, code: &str) -> Result<String, sqlx::Error> {
    let Ok(code) = code.parse::<tracing_courier::session::SupportCode>() else {
        return Ok("[]".to_owned());
    };
    let rows = sqlx::query("SELECT id, name FROM name WHERE kind = ?")
        .bind(Kind::Install.code())
        .fetch_all(connection)
        .await?;
    let mut ids: Vec<i64> = Vec::new();
    for row in rows {
        let name: &str = row.try_get(1)?;
        if tracing_courier::session::SupportCode::of(name) == code {
            ids.push(row.try_get(0)?);
        }
    }
    Ok(serde_json::to_string(&ids).unwrap_or_default())
}

/// What the catalogue can tell of a term: of which kinds it names what.
fn names(term: &Term) -> Option<(Vec<Kind>, &str)> {
    match term {
        Term::Key(Key::User | Key::Sender, Match::Is(name)) => {
            Some((vec![Kind::User, Kind::Sender], name))
        }
        Term::Key(Key::Install, Match::Is(name)) => Some((vec![Kind::Install], name)),
        Term::Key(Key::Session, Match::Is(name)) => Some((vec![Kind::Session], name)),
        Term::Key(Key::Group, Match::Is(name)) => Some((vec![Kind::Group], name)),
        _ => None,
    }
}

pub(super) fn is_interrupted(error: &sqlx::Error) -> bool {
    const INTERRUPT: u32 = 9;
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == INTERRUPT)
}

/// How long a question may take.
pub const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Rows that are looked into together.
const PAGE: usize = 1_000;

#[cfg(test)]
mod tests;
