//! The whole of a timeline, from the records that were found.

use std::collections::BTreeSet;

use crate::index::{Found, Kind};
use crate::when::Zone;

use super::gap;
use super::in_short::{Sentence, in_short};
use super::row::Row;
use super::session::{Session, sessions};

/// What happened there.
#[derive(Clone, Debug)]
pub struct Story {
    /// In which zone times are shown.
    pub zone: Zone,
    /// The range that was looked at, in Unix nanoseconds: from this, before that.
    pub from: u64,
    /// See `from`.
    pub to: u64,
    /// Users, installations and senders that the records name.
    pub who: Who,
    /// The sessions, by their start.
    pub sessions: Vec<Session>,
    /// At most three sentences.
    pub in_short: Vec<Sentence>,
    /// Records and gaps in order.
    pub rows: Vec<Row>,
    /// What could not be looked into, in words.
    pub left_out: Vec<String>,
    /// When the last record before the range was logged, in Unix nanoseconds.
    pub older: Option<u64>,
    /// When the first record behind the range was.
    pub newer: Option<u64>,
    /// Records of the range that came after the moment by which it was asked.
    pub newer_than_as_of: u64,
    /// When the last record of them was logged that there is.
    pub last: Option<u64>,
}

/// Who is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// `user.id`s.
    pub users: BTreeSet<String>,
    /// `install.id`s.
    pub installs: BTreeSet<String>,
    /// Subjects of tokens.
    pub senders: BTreeSet<String>,
    /// When the last record came, in Unix milliseconds.
    pub last_heard: Option<i64>,
}

impl Story {
    /// Tells what `whole` says: all records of some queues or sessions in the range. Of these, the rows are those that
    /// `is_shown`; gaps and ends are told from all.
    #[cfg(test)]
    #[must_use]
    pub fn of(
        zone: Zone,
        range: (u64, u64),
        whole: Vec<Found>,
        is_shown: impl Fn(&Found) -> bool,
    ) -> Self {
        Self::of_ended(zone, range, whole, &[], is_shown)
    }

    /// The same, where `ends` are records of later sessions that tell how these ended.
    #[must_use]
    pub fn of_ended(
        zone: Zone,
        (from, to): (u64, u64),
        whole: Vec<Found>,
        ends: &[Found],
        is_shown: impl Fn(&Found) -> bool,
    ) -> Self {
        let gaps = gap::gaps(&whole);
        let sessions = sessions(&whole, ends);
        let mut who = Who::default();
        for record in &whole {
            who.users.extend(record.name(Kind::User).map(str::to_owned));
            who.installs
                .extend(record.name(Kind::Install).map(str::to_owned));
            who.senders.extend(record.sender().map(str::to_owned));
            who.last_heard = who.last_heard.max(Some(record.received));
        }
        // A record that says what was lost is the gap's row.
        let records = whole
            .into_iter()
            .filter(|record| is_shown(record) && !gap::is_note(record));
        let mut rows: Vec<Row> = records
            .map(|record| Row::Record(Box::new(record)))
            .collect();
        rows.extend(gaps.into_iter().map(Row::Gap));
        rows.sort_by(|one, other| one.order().cmp(&other.order()));
        let in_short = in_short(&rows, &sessions, &zone);
        Self {
            zone,
            from,
            to,
            who,
            sessions,
            in_short,
            rows,
            left_out: Vec::new(),
            older: None,
            newer: None,
            newer_than_as_of: 0,
            last: None,
        }
    }
}

#[cfg(test)]
mod tests;
