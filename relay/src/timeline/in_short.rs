//! At most three sentences about a timeline, made by rules.

use jiff::Timestamp;

use crate::index::{Found, Kind, text_of};
use crate::when::Zone;

use super::row::Row;
use super::session::{End, Session, end_of_another};

/// A sentence, and the row that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What it says.
    pub text: String,
    /// The row's `log.record.uid`; `None` for a gap, which has none.
    pub record: Option<String>,
}

/// What broke, what is missing, how it ended: in this order, each once.
pub fn in_short(rows: &[Row], sessions: &[Session], zone: &Zone) -> Vec<Sentence> {
    let said = [
        broke(rows, zone),
        missing(rows, zone),
        ended(rows, sessions, zone),
    ];
    let said: Vec<Sentence> = said.into_iter().flatten().collect();
    if said.is_empty() && !rows.is_empty() {
        return vec![Sentence {
            text: "No error in it, nothing is missing, and no run ended badly.".to_owned(),
            record: None,
        }];
    }
    said
}

/// The worst that was logged; of several that are as bad, the one that came most often, and of those the first.
fn broke(rows: &[Row], zone: &Zone) -> Option<Sentence> {
    let errors: Vec<&Found> = records(rows)
        .filter(|record| record.level >= ERROR)
        .collect();
    let kind = |record: &Found| {
        let error = text_of(&record.rest.attributes, "exception.type").map(str::to_owned);
        (
            record.name(Kind::Group).map(str::to_owned),
            record.message.clone(),
            error,
        )
    };
    let mut worst: Option<(i32, usize, &Found)> = None;
    for (place, &record) in errors.iter().enumerate() {
        let is_known = errors
            .iter()
            .take(place)
            .any(|known| kind(known) == kind(record));
        if is_known {
            continue;
        }
        let times = errors
            .iter()
            .filter(|other| kind(other) == kind(record))
            .count();
        // Levels are four numbers each.
        let level = (record.level - 1) / 4;
        if worst.is_none_or(|(known, most, _)| (level, times) > (known, most)) {
            worst = Some((level, times, record));
        }
    }
    let (_, times, record) = worst?;
    let error = text_of(&record.rest.attributes, "exception.type");
    let error = error.map_or_else(String::new, |error| format!(" ({error})"));
    let at = clock(record.place.time, zone);
    let often = match times {
        1 => format!("at {at}"),
        times => format!("{times} times, first at {at}"),
    };
    Some(Sentence {
        text: format!("\u{201c}{}\u{201d}{error} {often}.", short(&record.message)),
        record: Some(record.record()),
    })
}

fn missing(rows: &[Row], zone: &Zone) -> Option<Sentence> {
    let gaps = rows.iter().filter_map(|row| match row {
        Row::Gap(gap) => Some(gap),
        Row::Record(_) => None,
    });
    let gap = gaps.max_by_key(|gap| gap.count)?;
    let records = if gap.count == 1 {
        "record is"
    } else {
        "records are"
    };
    let why = match &gap.reason {
        Some(reason) => format!("the device lost them ({reason})"),
        None => "nobody said why: they may be on the device still".to_owned(),
    };
    let (from, until) = (clock(gap.time, zone), clock(gap.until, zone));
    Some(Sentence {
        text: format!(
            "{} {records} missing between {from} and {until}; {why}.",
            gap.count
        ),
        record: None,
    })
}

fn ended(rows: &[Row], sessions: &[Session], zone: &Zone) -> Option<Sentence> {
    let session = sessions
        .iter()
        .rev()
        .find(|session| matches!(session.end, End::Crash | End::Unclean))?;
    let how = match session.end {
        End::Crash => "A panic ended the program",
        _ => "The program ended without saying so",
    };
    let when = session.ended.map_or_else(String::new, |ended| {
        format!("; its last record is of {}", clock(ended, zone))
    });
    let row = records(rows).find(|record| {
        let previous = text_of(&record.rest.attributes, "previous.session_id");
        end_of_another(record).is_some() && previous == Some(&session.session)
    });
    Some(Sentence {
        text: format!("{how}{when}."),
        record: row.map(Found::record),
    })
}

fn records(rows: &[Row]) -> impl Iterator<Item = &Found> {
    rows.iter().filter_map(|row| match row {
        Row::Record(record) => Some(&**record),
        Row::Gap(_) => None,
    })
}

/// The time of day there, to the millisecond.
pub fn clock_millis(unix_nanos: u64, zone: &Zone) -> String {
    format!(
        "{}.{:03}",
        clock(unix_nanos, zone),
        unix_nanos / 1_000_000 % 1_000
    )
}

/// The time of day there.
pub fn clock(unix_nanos: u64, zone: &Zone) -> String {
    let at = Timestamp::from_nanosecond(i128::from(unix_nanos)).unwrap_or(Timestamp::UNIX_EPOCH);
    let shown = zone.show(at);
    shown.get(11..19).unwrap_or(&shown).to_owned()
}

fn short(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}\u{2026}", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

const ERROR: i32 = 17;

const MAX_CHARACTERS: usize = 80;
