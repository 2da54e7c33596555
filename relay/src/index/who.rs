//! Which names there are: who was heard of, and which runs somebody had.

use std::collections::HashMap;
use std::time::Instant;

use sqlx::Row;

use super::arrival::Kind;
use super::look::{Question, Reader, bind, meant};
use super::segment::Facts;
use super::sql::Bind;
use super::{clock, files};

/// A name, and what there is of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// So many records.
    pub records: u64,
    /// The time of the first, in Unix nanoseconds, to the millisecond.
    pub first: u64,
    /// The time of the last.
    pub last: u64,
    /// When the last one came, in Unix milliseconds.
    pub heard: i64,
}

/// What times are counted from.
#[derive(Clone, Copy)]
enum Times {
    /// 1970.
    Absolute,
    /// The segment's base.
    OfSegment,
}

/// Names, and whether these are all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The one heard of last comes first.
    pub names: Vec<Named>,
    /// Whether the time limit or a part that can't be read left any out.
    pub is_whole: bool,
}

impl Reader {
    /// The names of a kind that were heard of, the latest first; with `like`, those that hold it, whatever the case.
    pub async fn names(&self, kind: Kind, like: Option<&str>, limit: usize) -> Names {
        let like = like.map(|text| format!("%{}%", escaped(text)));
        let every = |_: &Question, _: (u64, &Facts), binds: &mut Vec<Bind>| {
            let mut text = format!(
                "SELECT name, records, oldest, newest, heard FROM name WHERE kind = {} AND records > 0",
                kind.code()
            );
            if let Some(like) = &like {
                text.push_str(" AND name LIKE ? ESCAPE '\\'");
                binds.push(Bind::Text(like.clone()));
            }
            text
        };
        let every = (every, Times::Absolute);
        self.gather(&Question::of_everything(), limit, every).await
    }

    /// The names of a kind that the records have which are asked for, the latest first.
    pub async fn names_in(&self, question: &Question, kind: Kind, limit: usize) -> Names {
        let column = kind.column();
        let of = move |question: &Question,
                       (number, facts): (u64, &Facts),
                       binds: &mut Vec<Bind>| {
            let mut inner = format!(
                "SELECT {column} AS id, count(*) AS records, min(at) AS oldest, max(at) AS newest, max(received) AS heard"
            );
            meant(question, number, facts, &mut inner, binds);
            format!(
                "SELECT name.name, of.records, of.oldest, of.newest, of.heard
                 FROM ({inner} AND {column} IS NOT NULL GROUP BY {column}) AS of JOIN name ON name.id = of.id"
            )
        };
        self.gather(question, limit, (of, Times::OfSegment)).await
    }

    async fn gather(
        &self,
        question: &Question,
        limit: usize,
        (select, times): (
            impl Fn(&Question, (u64, &Facts), &mut Vec<Bind>) -> String,
            Times,
        ),
    ) -> Names {
        let deadline = Instant::now() + self.time_limit;
        let state = self.board.state().clone();
        let mut known: HashMap<String, Named> = HashMap::new();
        let mut is_whole = state.unreadable.is_empty();
        let mut segments = self.candidates(question, &state.segments).await;
        segments.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        for (number, facts) in segments {
            let mut binds = Vec::new();
            let text = select(question, (number, &facts), &mut binds);
            let base = match times {
                Times::Absolute => 0,
                Times::OfSegment => facts.base,
            };
            let asked = (text.as_str(), binds, base);
            let found = self.rows(asked, number, &facts, deadline).await;
            let Ok(found) = found else {
                is_whole = false;
                continue;
            };
            for one in found {
                match known.get_mut(&one.name) {
                    None => drop(known.insert(one.name.clone(), one)),
                    Some(all) => {
                        all.records += one.records;
                        all.first = all.first.min(one.first);
                        all.last = all.last.max(one.last);
                        all.heard = all.heard.max(one.heard);
                    }
                }
            }
        }
        let mut names: Vec<Named> = known.into_values().collect();
        names.sort_by(|one, other| (other.heard, &one.name).cmp(&(one.heard, &other.name)));
        is_whole &= names.len() <= limit;
        names.truncate(limit);
        Names { names, is_whole }
    }

    async fn rows(
        &self,
        (text, binds, base): (&str, Vec<Bind>, i64),
        number: u64,
        facts: &Facts,
        deadline: Instant,
    ) -> Result<Vec<Named>, sqlx::Error> {
        let file = files::segment(&self.dir, number);
        let mut handle = self.pool.take(number, &file, facts).await?;
        handle.end_at(deadline).await?;
        let query = bind(text, binds, handle.connection()).await?;
        let rows = query.fetch_all(&mut *handle.connection()).await;
        handle.never_end().await?;
        let rows = rows?;
        self.pool.give_back(handle);
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let number = |at: usize| row.try_get::<i64, _>(at);
            found.push(Named {
                name: row.try_get(0)?,
                records: number(1)?.unsigned_abs(),
                first: clock::join(number(2)?, 0, base),
                last: clock::join(number(3)?, 0, base),
                heard: number(4)?.saturating_add(base),
            });
        }
        Ok(found)
    }
}

/// Text for `LIKE`, in which nothing stands for anything else.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
