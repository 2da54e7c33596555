//! What the relay answers, and whether it makes sense. Every answer that does not is refused whole.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::rules::{LevelsError, Rules};
use super::said::Said;
use crate::wire::LevelConfig;

/// What the relay says: levels or nothing, for how long, and when to ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// `None` leaves the program's own levels in force.
    pub said: Option<Said>,
    /// How long it holds; `None` without an end.
    pub ends_in: Option<Duration>,
    /// When to ask again.
    pub refresh: Duration,
}

/// The answer says no levels. What was in force stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingError {
    /// Something stands between the program and its relay, and answers in its place.
    #[error("levels of type `{0}` instead of application/json: this did not come from a relay")]
    ContentType(String),
    /// It was not read to its end.
    #[error("levels of {0} bytes or more")]
    TooLong(usize),
    /// It is no JSON of the contract's shape.
    #[error("levels of the wrong shape: {0}")]
    Shape(String),
    /// Its modules are none.
    #[error(transparent)]
    Modules(#[from] LevelsError),
    /// It ends at no time.
    #[error("levels that end at `{0}`: no RFC 3339 time")]
    End(String),
}

impl Setting {
    /// Reads an answer of at most `max_bytes`. `now` is this device's wall clock: it counts only where the relay does
    /// not say how much time is left.
    pub fn read(
        content_type: Option<&str>,
        body: &[u8],
        max_bytes: usize,
        now: Timestamp,
    ) -> Result<Self, SettingError> {
        let content_type = content_type.unwrap_or_default();
        let is_json = content_type
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            return Err(SettingError::ContentType(clipped(content_type)));
        }
        if body.len() >= max_bytes {
            return Err(SettingError::TooLong(max_bytes));
        }
        let config: LevelConfig = serde_json::from_slice(body)
            .map_err(|error| SettingError::Shape(clipped(&error.to_string())))?;
        let refresh = Duration::from_secs(config.refresh_seconds).clamp(MIN_REFRESH, MAX_REFRESH);
        let rules = Rules::with_modules(config.min_level, config.modules)?;
        let rule = config.rule.as_deref().unwrap_or(UNNAMED);
        if rule == LevelConfig::NO_RULE {
            return Ok(Self {
                said: None,
                ends_in: None,
                refresh,
            });
        }
        let ends_in = left(config.expires_at.as_deref(), config.expires_in_seconds, now)?;
        let until = ends_in.and_then(|left| now.checked_add(left).ok());
        Ok(Self {
            said: Some(Said {
                rules,
                rule: named(rule),
                until,
            }),
            ends_in,
            refresh,
        })
    }
}

/// How long something holds that ends at `at`, of which the relay's own clock says that `seconds` are left.
fn left(
    at: Option<&str>,
    seconds: Option<f64>,
    now: Timestamp,
) -> Result<Option<Duration>, SettingError> {
    if let Some(seconds) = seconds {
        // Not a number, or longer than a Duration: as good as without an end, but kept finite.
        let left = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(MAX_HOLD);
        return Ok(Some(left.min(MAX_HOLD)));
    }
    let Some(at) = at else {
        return Ok(None);
    };
    let end: Timestamp = at.parse().map_err(|_| SettingError::End(clipped(at)))?;
    let left = end.duration_since(now).max(SignedDuration::ZERO);
    Ok(Some(left.unsigned_abs().min(MAX_HOLD)))
}

/// The rule's name goes into records: a word and a number, or nothing that we know.
fn named(rule: &str) -> String {
    let is_plain = !rule.is_empty()
        && rule.len() <= 64
        && rule
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-');
    if is_plain { rule } else { UNNAMED }.to_owned()
}

/// Enough of a text to know it by.
fn clipped(text: &str) -> String {
    text.chars().take(120).collect()
}

/// A rule that the relay does not name.
const UNNAMED: &str = "unnamed";
/// Nobody has to ask more often.
const MIN_REFRESH: Duration = Duration::from_secs(1);
/// Nobody may ask less often: a mistake on the relay is mended within a day.
const MAX_REFRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// What ends later than in a year may as well be asked about again.
const MAX_HOLD: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Setting, SettingError> {
        let now = "2026-02-06T12:00:00Z".parse().unwrap();
        Setting::read(Some("application/json"), body.as_bytes(), 4096, now)
    }

    #[test]
    fn the_contracts_own_example_is_read() {
        let setting = read(
            r#"{"min_level": "debug", "modules": {"http": "trace", "app::auth": "debug"}, "expires_at": null, "refresh_seconds": 600}"#,
        )
        .unwrap();
        let said = setting.said.unwrap();
        assert_eq!(said.rules.to_string(), "debug,app::auth=debug,http=trace");
        assert_eq!((said.rule.as_str(), said.until), ("unnamed", None));
        assert_eq!(setting.ends_in, None);
        assert_eq!(setting.refresh, Duration::from_secs(600));
    }

    #[test]
    fn the_relays_own_count_of_what_is_left_wins_over_this_devices_clock() {
        for (end, left) in [
            (
                r#""expires_at":"2026-02-06T12:10:00Z","expires_in_seconds":4.5"#,
                Some(Duration::from_millis(4500)),
            ),
            (
                r#""expires_at":"2026-02-06T12:10:00Z""#,
                Some(Duration::from_secs(600)),
            ),
            (
                r#""expires_at":"2026-02-06T11:59:59Z""#,
                Some(Duration::ZERO),
            ),
            (r#""expires_in_seconds":-3"#, Some(Duration::ZERO)),
            (r#""expires_in_seconds":1e300"#, Some(MAX_HOLD)),
            (r#""expires_at":null"#, None),
        ] {
            let body = format!(r#"{{"min_level":"trace","refresh_seconds":600,{end}}}"#);
            assert_eq!(read(&body).unwrap().ends_in, left, "{end}");
        }
    }

    #[test]
    fn no_rule_leaves_the_programs_own_levels_and_odd_names_of_rules_go_nowhere() {
        let body =
            |rule: &str| format!(r#"{{"min_level":"info","refresh_seconds":600,"rule":{rule}}}"#);
        assert_eq!(read(&body(r#""none""#)).unwrap().said, None);
        for (rule, name) in [
            (r#""user 7""#, "user 7"),
            (r#""mail ada@example.org""#, "unnamed"),
            (r#""""#, "unnamed"),
            ("null", "unnamed"),
        ] {
            assert_eq!(
                read(&body(rule)).unwrap().said.unwrap().rule,
                name,
                "{rule}"
            );
        }
    }

    #[test]
    fn an_interval_that_nobody_means_is_kept_within_bounds() {
        for (seconds, kept) in [(0, 1), (1, 1), (600, 600), (u64::MAX, 86_400)] {
            let body = format!(r#"{{"min_level":"info","refresh_seconds":{seconds}}}"#);
            assert_eq!(read(&body).unwrap().refresh, Duration::from_secs(kept));
        }
    }

    #[test]
    fn what_says_no_levels_is_refused_and_named() {
        let nested = "[".repeat(100_000);
        for (body, error) in [
            ("", "levels of the wrong shape: EOF"),
            ("<html>log in</html>", "levels of the wrong shape: expected"),
            ("[]", "levels of the wrong shape: "),
            ("{}", "levels of the wrong shape: missing field `min_level`"),
            (
                r#"{"min_level":"loud","refresh_seconds":600}"#,
                "levels of the wrong shape: unknown variant `loud`",
            ),
            (
                r#"{"min_level":7,"refresh_seconds":600}"#,
                "levels of the wrong shape: ",
            ),
            (
                r#"{"min_level":"info","refresh_seconds":-1}"#,
                "levels of the wrong shape: invalid value: integer `-1`",
            ),
            (
                r#"{"min_level":"info","refresh_seconds":600,"modules":["a"]}"#,
                "levels of the wrong shape: ",
            ),
            (
                r#"{"min_level":"info","refresh_seconds":600,"modules":{"a b":"trace"}}"#,
                "in levels `a b=trace`: `a b` is no module path",
            ),
            (
                r#"{"min_level":"info","refresh_seconds":600,"expires_at":"soon"}"#,
                "levels that end at `soon`: no RFC 3339 time",
            ),
            (
                r#"{"min_level":"info","refresh_seconds":600} x"#,
                "levels of the wrong shape: trailing",
            ),
            (&nested[..4000], "levels of the wrong shape: "),
            (&nested, "levels of 4096 bytes or more"),
        ] {
            let said = read(body).unwrap_err().to_string();
            assert!(said.starts_with(error), "{body:.60}: {said}");
        }
    }

    #[test]
    fn another_content_type_is_no_relays() {
        let body = br#"{"min_level":"info","refresh_seconds":600}"#;
        for (content_type, is_read) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=utf-8"), true),
            (Some("text/html"), false),
            (Some("application/jsonp"), false),
            (Some(""), false),
            (None, false),
        ] {
            let read = Setting::read(content_type, body, 4096, Timestamp::UNIX_EPOCH);
            assert_eq!(read.is_ok(), is_read, "{content_type:?}");
        }
    }
}
