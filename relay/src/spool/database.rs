//! The database and the totals of what is in it, as the one writer has them: ahead of what is committed while a transaction
//! is open.

use std::collections::HashSet;

use sqlx::{Connection, SqliteConnection};

use super::append::{self, NewFrame};
use super::clock::now;
use super::consumer::{Consumer, Cursor, Position, Stand};
use super::consumer_rows;
use super::erasing::{self, Erased, Moved};
use super::error::OfferError;
use super::frame::Frame;
use super::ledger::{Ledger, Size};
use super::letters::{self, Dead, DeadLetter, Done, Replayed};
use super::offer::{Named, Offer, Verdict};
use super::ranges::Range;
use crate::stone::{Key, Stone, Whom};

/// The open database.
pub struct Database {
    connection: SqliteConnection,
    max_bytes: u64,
    ledger: Ledger,
    stand: Stand,
    dead: Dead,
    /// Of the transaction that is open, what is still to be written. It belongs to the totals and to the ledger already.
    rows: Vec<NewFrame>,
    /// The senders who were erased, as the ledger calls them, and the key of these names.
    erased: HashSet<String>,
    key: Option<Key>,
    /// The erasures since the relay started: what is put aside now may have been read before.
    stones: Vec<Stone>,
    moved: Moved,
}

/// What is in the database.
#[derive(Clone, Copy)]
pub struct Totals {
    /// Where it ends, and where its consumers stand.
    pub stand: Stand,
    /// Its dead letters.
    pub dead: Dead,
    /// Its names.
    pub ledger: Size,
}

impl Database {
    /// The database behind `connection`, which may hold `max_bytes`. The ledger calls senders who were erased by `key`.
    pub async fn read(
        mut connection: SqliteConnection,
        max_bytes: u64,
        key: Option<Key>,
    ) -> Result<Self, sqlx::Error> {
        let stand = consumer_rows::read(&mut connection).await?;
        let dead = letters::count(&mut connection).await?;
        let ledger = Ledger::open(&mut connection).await?;
        let erased = erasing::senders(&mut connection).await?;
        Ok(Self {
            erased,
            key,
            stones: Vec::new(),
            moved: Moved::default(),
            connection,
            max_bytes,
            ledger,
            stand,
            dead,
            rows: Vec::new(),
        })
    }

    /// What is in it, with the transaction that is open.
    pub fn totals(&self) -> Totals {
        Totals {
            stand: self.stand,
            dead: self.dead,
            ledger: self.ledger.size(),
        }
    }

    /// Begins a transaction.
    pub async fn begin(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut self.connection)
            .await
            .map(drop)
    }

    /// Writes what is lined up, and commits.
    pub async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.write_rows().await?;
        sqlx::query("COMMIT")
            .execute(&mut self.connection)
            .await
            .map(drop)
    }

    /// Takes the open transaction back, to what there was `before` it.
    pub async fn roll_back(&mut self, before: Totals) {
        // SQLite has rolled back by itself after some errors; then this one says so.
        let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        self.stand = before.stand;
        self.dead = before.dead;
        self.ledger.go_back(before.ledger);
        self.rows.clear();
    }

    /// Closes it, as one file: a copy of that is whole, although a reader has it open still.
    pub async fn close(mut self) -> Result<(), sqlx::Error> {
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut self.connection)
            .await;
        self.connection.close().await
    }

    /// Forgets a little of what is too old or too much, and whether there is more of that: of dead letters those that were
    /// put aside before `dead_before`, in Unix nanoseconds.
    pub async fn sweep(&mut self, dead_before: i64) -> Result<bool, sqlx::Error> {
        let max_bytes = self.max_bytes / SHARE;
        let swept = self.ledger.sweep(&mut self.connection, max_bytes, now());
        let has_more = swept.await?;
        let expired = letters::expire(&mut self.connection, &mut self.dead, max_bytes, dead_before);
        Ok(expired.await? || has_more)
    }

    /// Keeps an offer, or says what of it was there before; with `keep` off it only says that.
    pub async fn offer(
        &mut self,
        mut offer: Offer,
        keep: bool,
    ) -> Result<Result<Verdict, OfferError>, sqlx::Error> {
        let now = now();
        let subject = offer.subject.clone();
        if let Some(hashed) = self.erased_as(&subject) {
            offer.subject = hashed;
        } else if keep && let Some(grown) = self.ledger.follows(&offer, now) {
            return Ok(self.line_up(offer, grown, now));
        }
        self.write_rows().await?;
        let verdict = self.ledger.look(&mut self.connection, &offer, now).await?;
        if !keep || verdict != Verdict::Kept {
            return Ok(Ok(verdict));
        }
        if let Some(frame) = offer.frame.take() {
            if !self.has_room_for(&frame) {
                return Ok(Err(OfferError::Full));
            }
            self.insert(frame, &subject, offer.named.as_ref(), None)
                .await?;
        }
        self.ledger.keep(&mut self.connection, &offer, now).await?;
        Ok(Ok(Verdict::Kept))
    }

    /// How the ledger calls this sender, if it was erased.
    fn erased_as(&self, subject: &str) -> Option<String> {
        if self.erased.is_empty() {
            return None;
        }
        let name = self.key.as_ref()?.subject(subject);
        self.erased.contains(&name).then_some(name)
    }

    /// Takes a person out of everything: see [`erasing`].
    pub async fn erase(&mut self, stone: Stone) -> Result<Erased, sqlx::Error> {
        let whom = &stone.whom;
        let before = self.totals();
        let (erased, moved) = match self.take_out(whom).await {
            Ok(taken) => taken,
            Err(error) => {
                self.roll_back(before).await;
                return Err(error);
            }
        };
        self.ledger.read_again(&mut self.connection).await?;
        self.erased = erasing::senders(&mut self.connection).await?;
        self.key = Some(whom.key().clone());
        self.moved.extend(moved);
        self.stones.push(stone);
        erasing::clean(&mut self.connection).await?;
        Ok(erased)
    }

    async fn take_out(&mut self, whom: &Whom) -> Result<(Erased, Moved), sqlx::Error> {
        let mut erased = Erased::default();
        self.begin().await?;
        let connection = &mut self.connection;
        let moved = erasing::frames(connection, &mut self.stand, whom, &mut erased).await?;
        erasing::letters(connection, &mut self.dead, whom, &mut erased).await?;
        erasing::ledger(connection, whom, &mut erased).await?;
        self.commit().await?;
        Ok((erased, moved))
    }

    /// Takes an offer that stands right behind the last of its queue; the database need not be asked. It is written with
    /// those that come after it, since every statement is a way to SQLite's thread and back.
    fn line_up(&mut self, offer: Offer, grown: Range, now: i64) -> Result<Verdict, OfferError> {
        let (Some(frame), Some(named)) = (offer.frame, offer.named) else {
            return Ok(Verdict::Kept);
        };
        if !self.has_room_for(&frame) {
            return Err(OfferError::Full);
        }
        let subject = &offer.subject;
        self.ledger.grew(subject, &named.queue, grown, now);
        let (id, head) = self.place(&frame);
        self.rows.push(NewFrame {
            id,
            head,
            frame,
            subject: offer.subject,
            named,
            grown,
        });
        Ok(Verdict::Kept)
    }

    /// Writes the rows that are lined up. Call it before the database is read or written.
    pub async fn write_rows(&mut self) -> Result<(), sqlx::Error> {
        append::all(std::mem::take(&mut self.rows), &mut self.connection).await
    }

    /// What of the cap is used.
    fn used(&self) -> u64 {
        let pending = self.stand.depth().bytes;
        let beside = self.ledger.size().bytes.saturating_add(self.dead.bytes);
        pending.saturating_add(beside)
    }

    fn has_room_for(&self, frame: &Frame) -> bool {
        self.used().saturating_add(frame.packed.bytes) <= self.max_bytes
    }

    /// Puts a frame behind the others, for one consumer or for all.
    async fn insert(
        &mut self,
        frame: Frame,
        subject: &str,
        named: Option<&Named>,
        only_for: Option<Consumer>,
    ) -> Result<(), sqlx::Error> {
        let (id, head) = self.place(&frame);
        append::bind(
            sqlx::query(append::INSERT),
            id,
            head,
            frame,
            subject,
            named,
            only_for,
        )
        .execute(&mut self.connection)
        .await
        .map(drop)
    }

    /// The number of a frame behind all others, and where it ends.
    fn place(&mut self, frame: &Frame) -> (i64, Position) {
        let stand = &mut self.stand;
        stand.last_frame += 1;
        stand.head.records += frame.records;
        stand.head.bytes += frame.packed.bytes;
        (stand.last_frame, stand.head)
    }

    /// Puts dead letters back behind the other frames, as many as there is room for.
    pub async fn replay(&mut self, letters: Vec<Replayed>) -> Result<Done, sqlx::Error> {
        self.write_rows().await?;
        let mut done = Done::default();
        for Replayed { id, of, frame } in letters {
            // It is in the cap already, as a dead letter.
            let freed = self.dead.bytes.min(frame.packed.bytes);
            if self
                .used()
                .saturating_sub(freed)
                .saturating_add(frame.packed.bytes)
                > self.max_bytes
            {
                done.is_full = true;
                break;
            }
            // Somebody else may have moved or removed it meanwhile.
            if letters::delete(&mut self.connection, &mut self.dead, id).await? {
                self.insert(frame, "", None, of).await?;
                done.replayed += 1;
            }
        }
        Ok(done)
    }

    /// Removes dead letters; how many there were.
    pub async fn remove(&mut self, ids: &[i64]) -> Result<u64, sqlx::Error> {
        self.write_rows().await?;
        let mut removed = 0;
        for &id in ids {
            let was_there = letters::delete(&mut self.connection, &mut self.dead, id);
            removed += u64::from(was_there.await?);
        }
        Ok(removed)
    }

    /// Moves a consumer's cursor, and keeps the dead letters that were found on the way.
    pub async fn advance(
        &mut self,
        consumer: Consumer,
        to: Cursor,
        dead: Vec<DeadLetter>,
    ) -> Result<(), sqlx::Error> {
        self.write_rows().await?;
        let to = self.moved.now(to, self.stand.behind().frame);
        for letter in dead {
            if erasing::is_erased(&letter, &self.stones) {
                continue;
            }
            letters::insert(&mut self.connection, &mut self.dead, letter, now()).await?;
        }
        consumer_rows::advance(&mut self.connection, &mut self.stand, consumer, to).await
    }

    /// From now on frames are kept for these consumers and for no other.
    pub async fn keep_for(&mut self, consumers: &[Consumer]) -> Result<(), sqlx::Error> {
        self.write_rows().await?;
        consumer_rows::keep_for(&mut self.connection, &mut self.stand, consumers).await
    }
}

/// The ledger, and the dead letters, each have this part of the spool's cap at most.
const SHARE: u64 = 4;
