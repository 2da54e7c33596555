//! Zones by the names that people have for them.

use jiff::tz::{self, Offset, TimeZone};
use jiff::{Timestamp, ZonedDateTime};

/// A zone, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its rules.
    pub rules: TimeZone,
    /// Its IANA name, or its offset.
    pub name: String,
}

/// No zone of that name, or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoZone {
    /// Nobody knows it. The closest names are beside it.
    #[error("`{name}` is no time zone{}", names_near(.near))]
    Unknown {
        /// What was asked for.
        name: String,
        /// Names that are written nearly so.
        near: Vec<String>,
    },
    /// Several zones have a city of that name. Give one of the names.
    #[error("`{name}` could be {}", .choices.join(" or "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The zones with that city.
        choices: Vec<String>,
    },
    /// The device's own zone was asked for, and the device did not say one.
    #[error("the device did not say its time zone; give one")]
    NoDevice,
}

impl Zone {
    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            rules: TimeZone::UTC,
            name: "UTC".to_owned(),
        }
    }

    /// The zone that is called `name`; `device` is what a device said its own is.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or there are several.
    pub fn named(name: &str, device: Option<&str>) -> Result<Self, NoZone> {
        let name = name.trim();
        if name.eq_ignore_ascii_case("device") {
            let device = device.filter(|device| !device.eq_ignore_ascii_case("device"));
            return Self::named(device.ok_or(NoZone::NoDevice)?, None);
        }
        if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") {
            return Ok(Self::utc());
        }
        if let Some(offset) = offset(name) {
            return Ok(Self {
                rules: TimeZone::fixed(offset),
                name: offset.to_string(),
            });
        }
        let wanted = plain(name);
        let names: Vec<String> = tz::db()
            .available()
            .map(|name| name.as_str().to_owned())
            .filter(|name| !name.starts_with("posix/") && !name.starts_with("right/"))
            .collect();
        if let Some(exact) = names.iter().find(|zone| plain(zone) == wanted)
            && exact.contains('/')
        {
            return Self::of(exact);
        }
        let city = |zone: &&String| zone.contains('/') && plain(last_part(zone)) == wanted;
        let mut choices: Vec<String> = names.iter().filter(city).cloned().collect();
        choices.sort();
        match &choices[..] {
            [] => match names.iter().find(|zone| plain(zone) == wanted) {
                Some(exact) => Self::of(exact),
                None => Err(NoZone::Unknown {
                    near: nearest(&wanted, &names),
                    name: name.to_owned(),
                }),
            },
            [one] => Self::of(one),
            _ => Err(NoZone::Ambiguous {
                name: name.to_owned(),
                choices,
            }),
        }
    }

    fn of(name: &str) -> Result<Self, NoZone> {
        match TimeZone::get(name) {
            Ok(rules) => Ok(Self {
                name: rules.iana_name().unwrap_or(name).to_owned(),
                rules,
            }),
            Err(_) => Err(NoZone::Unknown {
                name: name.to_owned(),
                near: Vec::new(),
            }),
        }
    }

    /// A moment as it is read there: RFC 3339 with its offset, to the second.
    #[must_use]
    pub fn show(&self, moment: Timestamp) -> String {
        let there = ZonedDateTime::new(moment, self.rules.clone());
        there.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

/// `+05:30`, `+0530`, `+5`, `-03`.
fn offset(text: &str) -> Option<Offset> {
    let behind = text
        .strip_prefix("UTC")
        .or_else(|| text.strip_prefix("GMT"))
        .unwrap_or(text);
    let (sign, digits) = match behind.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, behind.strip_prefix(['-', '\u{2212}'])?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    if hours.is_empty()
        || hours.len() > 2
        || !digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b':')
    {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if minutes > 59 || hours > 18 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}

fn last_part(zone: &str) -> &str {
    zone.rsplit_once('/').map_or(zone, |(_, last)| last)
}

/// A name as it is compared: without regard to case, spaces as underscores.
fn plain(name: &str) -> String {
    name.to_lowercase().replace([' ', '-'], "_")
}

/// The names that are written nearly so, of the zone or of its city; at most three.
fn nearest(wanted: &str, names: &[String]) -> Vec<String> {
    let wanted: String = wanted.chars().take(40).collect();
    let mut near: Vec<(usize, &String)> = names
        .iter()
        .map(|zone| {
            let far = |name: &str| strsim::damerau_levenshtein(&wanted, &plain(name));
            (far(zone).min(far(last_part(zone))), zone)
        })
        .filter(|(far, _)| *far <= 2)
        .collect();
    near.sort();
    near.into_iter()
        .take(3)
        .map(|(_, zone)| zone.clone())
        .collect()
}

fn names_near(near: &[String]) -> String {
    if near.is_empty() {
        return "; give an IANA name, a city, an offset, `UTC` or `device`".to_owned();
    }
    format!("; did you mean {}?", near.join(" or "))
}
