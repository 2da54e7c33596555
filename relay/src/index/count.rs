//! How many records are meant, and from when to when.

use std::time::Instant;

use sqlx::Row;

use super::look::{Order, Question, Reader, bind, is_interrupted, meant};
use super::segment::Facts;
use super::{clock, files};

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// So many records.
    pub records: u64,
    /// Whether that is all: otherwise there are at least so many.
    pub is_exact: bool,
    /// The time of the first, in Unix nanoseconds, to the millisecond.
    pub first: Option<u64>,
    /// The time of the last.
    pub last: Option<u64>,
}

impl Reader {
    /// Counts the records that are asked for, without order and limit, in the time limit. Where their blobs have to be
    /// looked into, it counts up to [`MOST`].
    pub async fn count(&self, question: &Question) -> Count {
        if question.query.looks_inside() {
            return self.count_inside(question).await;
        }
        let deadline = Instant::now() + self.time_limit;
        let state = self.board.state().clone();
        let mut count = Count {
            is_exact: state.unreadable.is_empty(),
            ..Count::default()
        };
        for (number, facts) in self.candidates(question, &state.segments).await {
            if Instant::now() >= deadline {
                count.is_exact = false;
                break;
            }
            match self.count_in(question, number, &facts, deadline).await {
                Ok((records, ends)) => {
                    count.records += records;
                    if let Some((first, last)) = ends {
                        count.first = Some(count.first.map_or(first, |known| known.min(first)));
                        count.last = count.last.max(Some(last));
                    }
                }
                Err(error) => {
                    if !is_interrupted(&error) {
                        tracing::debug!(segment = number, %error, "a part of the index can't be counted");
                    }
                    count.is_exact = false;
                }
            }
        }
        count
    }

    async fn count_inside(&self, question: &Question) -> Count {
        let asked = Question {
            order: Order::Oldest,
            after: None,
            limit: MOST,
            ..question.clone()
        };
        let answer = self.look(&asked).await;
        let times = || answer.records.iter().map(|record| record.place.time);
        Count {
            records: u64::try_from(answer.records.len()).unwrap_or(u64::MAX),
            is_exact: !answer.has_more
                && answer.not_reached.is_empty()
                && answer.unreadable.is_empty()
                && answer.damaged_rows == 0,
            first: times().min(),
            last: times().max(),
        }
    }

    async fn count_in(
        &self,
        question: &Question,
        number: u64,
        facts: &Facts,
        deadline: Instant,
    ) -> Result<(u64, Option<(u64, u64)>), sqlx::Error> {
        let file = files::segment(&self.dir, number);
        let mut handle = self.pool.take(number, &file, facts).await?;
        handle.end_at(deadline).await?;
        let mut text = String::from("SELECT count(*), min(at), max(at)");
        let mut binds = Vec::new();
        meant(question, number, facts, &mut text, &mut binds);
        let query = bind(&text, binds, handle.connection()).await?;
        let row = query.fetch_one(&mut *handle.connection()).await;
        handle.never_end().await?;
        let row = row?;
        self.pool.give_back(handle);
        let records: i64 = row.try_get(0)?;
        let ends = (
            row.try_get::<Option<i64>, _>(1)?,
            row.try_get::<Option<i64>, _>(2)?,
        );
        let time = |at: i64| clock::join(at, 0, facts.base);
        let ends = match ends {
            (Some(first), Some(last)) => Some((time(first), time(last))),
            _ => None,
        };
        Ok((records.unsigned_abs(), ends))
    }
}

/// Records are counted up to here where each has to be unpacked.
pub const MOST: usize = 10_000;
