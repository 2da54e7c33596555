//! Moments as people say them.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::AmbiguousOffset;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use super::zone::{NoZone, Zone};

/// A moment, and the zone in which it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// In which zone the words were taken.
    pub zone: Zone,
}

/// What was said is no moment, or could be several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoTime {
    /// These words say no time.
    #[error(
        "`{said}` is no time; say it like 14:02, yesterday 14:02, mon 9am, 10 min ago or 2026-11-30T14:02+05:30"
    )]
    Unknown {
        /// What was said.
        said: String,
    },
    /// The clocks were set back: it happened twice. Give the offset.
    #[error("{said} happened twice in {zone}: {first} or {second}")]
    Twice {
        /// The date and time of day.
        said: String,
        /// The zone's name.
        zone: String,
        /// The first time it was that late, by RFC 3339.
        first: String,
        /// The second time.
        second: String,
    },
    /// The clocks were set forward: it never happened.
    #[error(
        "{said} did not happen in {zone}: the clocks were set forward over it; near it are {before} and {after}"
    )]
    Never {
        /// The date and time of day.
        said: String,
        /// The zone's name.
        zone: String,
        /// As a clock would have shown it that had not been set yet.
        before: String,
        /// As a clock would have shown it that had been set too early.
        after: String,
    },
    /// Behind the time stands a zone that is none.
    #[error(transparent)]
    Zone(#[from] NoZone),
}

/// The moment that is said, in `zone` unless the words bring their own.
///
/// # Errors
///
/// When the words say no moment, or several.
pub fn moment(
    said: &str,
    zone: &Zone,
    now: Timestamp,
    device: Option<&str>,
) -> Result<Moment, NoTime> {
    let unknown = || NoTime::Unknown {
        said: said.chars().take(80).collect(),
    };
    let said = said.trim();
    if said.len() > MAX_BYTES {
        return Err(unknown());
    }
    let in_zone = |at| Moment {
        at,
        zone: zone.clone(),
    };
    if said.eq_ignore_ascii_case("now") {
        return Ok(in_zone(now));
    }
    if let Some(back) = ago(said) {
        return now.checked_sub(back).map(in_zone).map_err(|_| unknown());
    }
    if let Some(moment) = with_offset(said) {
        return moment;
    }
    let mut words = said.split_whitespace().peekable();
    let day = words.peek().and_then(|word| day(word));
    if day.is_some() {
        words.next();
    }
    // `2026-11-30T14:02` is two words that are written as one.
    let (day, time) = match day {
        Some(day) => (Some(day), None),
        None => match words.peek().and_then(|word| word.split_once(['T', 't'])) {
            Some((date, time)) if date.parse::<Date>().is_ok() => {
                words.next();
                (date.parse().ok().map(Day::On), Some(time))
            }
            _ => (None, None),
        },
    };
    let time = match time {
        Some(time) => Some(clock(time, None).ok_or_else(unknown)?.0),
        None => match words.next() {
            Some(first) => {
                let (time, took_next) = clock(first, words.peek().copied()).ok_or_else(unknown)?;
                if took_next {
                    words.next();
                }
                Some(time)
            }
            None => None,
        },
    };
    let rest: Vec<&str> = words.collect();
    let zone = match &rest[..] {
        [] => zone.clone(),
        words => Zone::named(&words.join(" "), device)?,
    };
    let today = ZonedDateTime::new(now, zone.rules.clone()).date();
    let at = match (day, time) {
        (Some(Day::On(date)), time) => exactly(date.to_datetime(time.unwrap_or_default()), &zone)?,
        (Some(Day::Back(days)), Some(time)) => {
            let date = today
                .checked_sub(SignedDuration::from_hours(24 * days))
                .map_err(|_| unknown())?;
            exactly(date.to_datetime(time), &zone)?
        }
        (Some(Day::Last(weekday)), Some(time)) => {
            latest(today, time, 7, now, &zone, |date| date.weekday() == weekday)?
                .ok_or_else(unknown)?
        }
        (None, Some(time)) => latest(today, time, 1, now, &zone, |_| true)?.ok_or_else(unknown)?,
        (_, None) => return Err(unknown()),
    };
    Ok(Moment { at, zone })
}

/// Which day.
enum Day {
    /// So many days ago.
    Back(i64),
    /// The latest of these.
    Last(Weekday),
    /// This one.
    On(Date),
}

fn day(word: &str) -> Option<Day> {
    let word = word.trim_end_matches(',').to_ascii_lowercase();
    if let Ok(date) = word.parse::<Date>()
        && word.len() == 10
    {
        return Some(Day::On(date));
    }
    match word.as_str() {
        "today" => return Some(Day::Back(0)),
        "yesterday" => return Some(Day::Back(1)),
        _ => {}
    }
    let weekday = WEEKDAYS.iter().find(|(name, _)| {
        word.len() >= 3 && (name.starts_with(&word) || word == format!("{}s", name))
    });
    weekday.map(|(_, weekday)| Day::Last(*weekday))
}

/// `14:02`, `14:02:30`, `9am`, `9:30pm`, or `9` with `am` behind it; whether that was taken.
fn clock(word: &str, next: Option<&str>) -> Option<(Time, bool)> {
    let word = word.to_ascii_lowercase();
    let half = |word: &str| match word {
        "am" | "a.m." => Some(false),
        "pm" | "p.m." => Some(true),
        _ => None,
    };
    let behind = next.and_then(|next| half(&next.to_ascii_lowercase()));
    let (digits, is_pm, took_next) = match word.strip_suffix("am") {
        Some(digits) => (digits, Some(false), false),
        None => match word.strip_suffix("pm") {
            Some(digits) => (digits, Some(true), false),
            None => (word.as_str(), behind, behind.is_some()),
        },
    };
    let mut parts = digits.split(':');
    let mut part = |max: i8| {
        let digits = parts.next()?;
        let is_plain =
            (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: i8 = digits.parse().ok()?;
        (is_plain && number <= max).then_some(number)
    };
    let hour = part(23)?;
    let minute = part(59);
    let second = part(59);
    if parts.next().is_some()
        || digits.split(':').count()
            != 1 + usize::from(minute.is_some()) + usize::from(second.is_some())
    {
        return None;
    }
    let hour = match (is_pm, minute) {
        // A number alone is no time.
        (None, None) => return None,
        (None, Some(_)) => hour,
        (Some(_), _) if !(1..=12).contains(&hour) => return None,
        (Some(is_pm), _) => hour % 12 + if is_pm { 12 } else { 0 },
    };
    let time = Time::new(hour, minute.unwrap_or(0), second.unwrap_or(0), 0).ok()?;
    Some((time, took_next))
}

/// `10 min ago`, `2h ago`.
fn ago(said: &str) -> Option<SignedDuration> {
    let lower = said.to_ascii_lowercase();
    let before = lower.strip_suffix("ago")?.trim();
    let digits = before.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = before.split_at_checked(digits)?;
    let number = match number {
        "" => return None,
        number => number.parse::<i64>().ok()?,
    };
    let unit = unit.trim();
    let seconds = UNITS.iter().find(|(names, _)| names.contains(&unit))?.1;
    Some(SignedDuration::from_secs(number.checked_mul(seconds)?))
}

/// What brings its offset: `2026-11-30T14:02+05:30`, `2026-11-30 14:02:11Z`.
fn with_offset(said: &str) -> Option<Result<Moment, NoTime>> {
    let (date, behind) = said.split_once(['T', 't', ' '])?;
    let date: Date = date.parse().ok().filter(|_| date.len() == 10)?;
    let at = behind.find(['+', '-', 'Z', 'z', '\u{2212}'])?;
    let (time, offset) = behind.split_at_checked(at)?;
    let time: Time = match time.trim().split(':').count() {
        2 => format!("{}:00", time.trim()).parse().ok()?,
        _ => time.trim().parse().ok()?,
    };
    let zone = match Zone::named(offset, None) {
        Ok(zone) => zone,
        // Something else with a dash in it.
        Err(_) if !offset.starts_with(['+', '-']) => return None,
        Err(error) => return Some(Err(error.into())),
    };
    let at = exactly(date.to_datetime(time), &zone);
    Some(at.map(|at| Moment { at, zone }))
}

/// The latest moment that is not after now, on a day that will do, from today back over so many days.
fn latest(
    today: Date,
    time: Time,
    days: i64,
    now: Timestamp,
    zone: &Zone,
    will_do: impl Fn(Date) -> bool,
) -> Result<Option<Timestamp>, NoTime> {
    for back in 0..=days {
        let Ok(date) = today.checked_sub(SignedDuration::from_hours(24 * back)) else {
            break;
        };
        if !will_do(date) {
            continue;
        }
        let datetime = date.to_datetime(time);
        // Whether it is past can be told before it is known which of two it is.
        let first = zone.rules.to_ambiguous_timestamp(datetime).earlier();
        if first.is_ok_and(|first| first <= now) {
            return exactly(datetime, zone).map(Some);
        }
    }
    Ok(None)
}

fn exactly(datetime: DateTime, zone: &Zone) -> Result<Timestamp, NoTime> {
    let unknown = || NoTime::Unknown {
        said: datetime.to_string(),
    };
    let ambiguous = zone.rules.to_ambiguous_timestamp(datetime);
    let offset = ambiguous.offset();
    let show = |at: Result<Timestamp, jiff::Error>| match at {
        Ok(at) => Ok(zone.show(at)),
        Err(_) => Err(unknown()),
    };
    let said = datetime.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let name = zone.name.clone();
    match offset {
        AmbiguousOffset::Unambiguous { .. } => ambiguous.unambiguous().map_err(|_| unknown()),
        AmbiguousOffset::Fold { .. } => Err(NoTime::Twice {
            said,
            zone: name,
            first: show(zone.rules.to_ambiguous_timestamp(datetime).earlier())?,
            second: show(zone.rules.to_ambiguous_timestamp(datetime).later())?,
        }),
        AmbiguousOffset::Gap { .. } => Err(NoTime::Never {
            said,
            zone: name,
            before: show(zone.rules.to_ambiguous_timestamp(datetime).earlier())?,
            after: show(zone.rules.to_ambiguous_timestamp(datetime).later())?,
        }),
    }
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

const UNITS: [(&[&str], i64); 5] = [
    (&["s", "sec", "secs", "second", "seconds"], 1),
    (&["m", "min", "mins", "minute", "minutes"], 60),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600),
    (&["d", "day", "days"], 86_400),
    (&["w", "week", "weeks"], 604_800),
];

/// Nobody says a longer time.
const MAX_BYTES: usize = 200;

#[cfg(test)]
mod tests;
