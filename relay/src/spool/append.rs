//! The statements that put frames into the database, one or several at a time.

use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use super::consumer::{Consumer, Position};
use super::frame::Frame;
use super::integer::{signed, stored_seq};
use super::offer::Named;
use super::ranges::Range;

/// A frame on its way in, with the range of names that grows by it.
pub struct NewFrame {
    pub id: i64,
    pub head: Position,
    pub frame: Frame,
    pub subject: String,
    pub named: Named,
    pub grown: Range,
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// Writes the rows in their order, as few statements as may be.
pub async fn all(
    rows: Vec<NewFrame>,
    connection: &mut SqliteConnection,
) -> Result<(), sqlx::Error> {
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let (together, statement) = APPEND
            .into_iter()
            .find(|(together, _)| *together <= rows.len())
            .unwrap_or((1, APPEND_ONE));
        let mut query = sqlx::query(statement);
        for row in rows.by_ref().take(together) {
            let NewFrame {
                id, head, grown, ..
            } = row;
            query = bind(
                query,
                id,
                head,
                row.frame,
                &row.subject,
                Some(&row.named),
                None,
            )
            .bind(stored_seq(grown.last))
            .bind(row.subject)
            .bind(row.named.queue)
            .bind(stored_seq(grown.first));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The values of `INSERT`.
pub fn bind<'q>(
    query: Query<'q>,
    id: i64,
    head: Position,
    frame: Frame,
    subject: &str,
    named: Option<&Named>,
    only_for: Option<Consumer>,
) -> Query<'q> {
    let seq = |seq: Option<&u64>| seq.map(|&seq| signed(seq));
    query
        .bind(id)
        .bind(signed(head.records))
        .bind(signed(head.bytes))
        .bind(signed(frame.received))
        .bind(signed(frame.records))
        .bind(signed(frame.oldest))
        .bind(signed(frame.newest))
        .bind(subject.to_owned())
        .bind(named.map(|named| named.queue.clone()))
        .bind(seq(named.and_then(|named| named.seqs.first())))
        .bind(seq(named.and_then(|named| named.seqs.last())))
        .bind(i64::from(crc32fast::hash(&frame.packed.blocks)))
        .bind(signed(frame.packed.bytes))
        .bind(i64::from(frame.packed.crc))
        .bind(frame.traits.to_stored())
        .bind(only_for.map(Consumer::name))
        .bind(frame.names.to_stored())
        .bind(frame.packed.blocks)
}

macro_rules! insert {
    ($behind:literal) => {
        concat!(
            "INSERT INTO frame (id, end_records, end_bytes, received, records, oldest, newest, subject, queue, \
             first_seq, last_seq, crc, bytes, plain_crc, traits, only_for, names, body) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            $behind
        )
    };
}

pub const INSERT: &str = insert!("");

macro_rules! append {
    () => {
        insert!("; UPDATE accepted SET last = ? WHERE subject = ? AND queue = ? AND first = ?; ")
    };
}

/// A frame, and the range of names that grows by it: see [`ledger::GROW`](super::ledger::GROW).
const APPEND_ONE: &str = append!();
const APPEND_FOUR: &str = concat!(append!(), append!(), append!(), append!());

/// Statements for several frames, the most first.
const APPEND: [(usize, &str); 3] = [
    (4, APPEND_FOUR),
    (2, concat!(append!(), append!())),
    (1, APPEND_ONE),
];
