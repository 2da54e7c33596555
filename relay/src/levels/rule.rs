//! One rule: which programs should log at which levels, why, who says so, until when.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tracing_courier::level::{LevelsError, Rules};
use tracing_courier::record::UnknownLevel;

/// Which programs a rule is meant for, from the most specific to the least.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Whom {
    /// One run of one program.
    Session(String),
    /// One installation.
    Install(String),
    /// Everything that runs under one token subject.
    User(String),
    /// One version of one service.
    Version {
        /// The service.
        service: String,
        /// Its version.
        version: String,
    },
    /// All versions of one service.
    Service(String),
    /// All programs.
    Everyone,
}

/// A rule as an operator asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// Whom it is meant for.
    pub whom: Whom,
    /// The lowest level to record.
    pub level: String,
    /// Exceptions by module.
    #[serde(default)]
    pub modules: BTreeMap<String, String>,
    /// How long it holds; this or `expires_at`, or neither for a rule that stays.
    #[serde(default)]
    pub for_seconds: Option<f64>,
    /// When it ends, in RFC 3339.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Why: a ticket.
    #[serde(default)]
    pub why: String,
    /// Who says so.
    #[serde(default)]
    pub author: String,
}

/// A rule that makes sense, not yet kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Whom it is meant for.
    pub whom: Whom,
    /// What they should record.
    pub rules: Rules,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Why.
    pub why: String,
    /// Who says so.
    pub author: String,
}

/// A rule that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its number; never given twice.
    pub id: i64,
    /// Whom it is meant for.
    pub whom: Whom,
    /// What they should record: `info,app::sync=trace`.
    pub levels: String,
    /// When it was made, in RFC 3339.
    pub made_at: String,
    /// When it ends, in RFC 3339.
    pub expires_at: Option<String>,
    /// Why.
    pub why: String,
    /// Who said so.
    pub author: String,
    /// When it ends by the time that this relay has run: by that it ends, too, when its clock is set back.
    #[serde(skip)]
    pub(super) ends: Option<Instant>,
}

/// A moment, by the wall clock and by a monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// What the clock says.
    pub wall: Timestamp,
    /// The time that this relay has run.
    pub run: Instant,
}

impl Moment {
    /// The present moment.
    #[must_use]
    pub fn now() -> Self {
        Self {
            wall: Timestamp::now(),
            run: Instant::now(),
        }
    }

    /// How much is left until the earlier of two ends; `None` once one of them has come.
    #[must_use]
    pub fn left(self, until: Timestamp, ends: Option<Instant>) -> Option<Duration> {
        let by_wall = Duration::try_from(until.duration_since(self.wall)).ok();
        let by_run = ends.map(|ends| ends.saturating_duration_since(self.run));
        let left = by_wall?.min(by_run.unwrap_or(Duration::MAX));
        (!left.is_zero()).then_some(left)
    }
}

/// The rule makes no sense. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Use one of the levels that the text names.
    #[error(transparent)]
    Level(#[from] UnknownLevel),
    /// Use module paths as the program's log has them.
    #[error(transparent)]
    Modules(#[from] LevelsError),
    /// The text is empty, too long, or has control characters.
    #[error("{what}: give 1 to {MAX_TEXT} characters, and no control characters")]
    Text {
        /// Which text.
        what: &'static str,
    },
    /// The rule needs an end. Say for how long it holds.
    #[error(
        "a rule for {0} needs an end, at most 24 h away: `--for 10m`; only one for everyone or a service may stay"
    )]
    NoEnd(String),
    /// Both a duration and an end are given. Give one.
    #[error("both a duration and an end are given: give one")]
    TwoEnds,
    /// The end is no time, or one that no clock can show.
    #[error("`{0}` is no end of a rule: use a duration above zero or an RFC 3339 time")]
    NotAnEnd(String),
    /// The end is in the past.
    #[error("the rule would have ended at {0}, before now")]
    Past(String),
    /// The end is too far away. Set the rule again tomorrow if it is still needed.
    #[error(
        "the rule for {whom} would end at {at}: at most 24 h are allowed, but for everyone or a service"
    )]
    TooLong {
        /// Whom it is meant for.
        whom: String,
        /// When it would end.
        at: String,
    },
}

impl Checked {
    /// The same, by `token`; what it says of its author is only what its sender says.
    #[must_use]
    pub fn by(mut self, token: &str) -> Self {
        self.author = authored(token, &self.author);
        self
    }
}

impl Draft {
    /// Checks the draft, and computes when the rule ends.
    ///
    /// # Errors
    ///
    /// When the draft makes no sense: see [`RuleError`].
    pub fn check(self, now: Timestamp) -> Result<Checked, RuleError> {
        for (what, text) in self.whom.names() {
            if text.is_empty() || !is_plain(text) {
                return Err(RuleError::Text { what });
            }
        }
        for (what, text) in [("why", &self.why), ("author", &self.author)] {
            if !is_plain(text) {
                return Err(RuleError::Text { what });
            }
        }
        let mut modules = Vec::new();
        for (module, level) in self.modules {
            modules.push((module, level.parse()?));
        }
        let rules = Rules::with_modules(self.level.parse()?, modules)?;
        let expires_at = match (self.for_seconds, &self.expires_at) {
            (Some(_), Some(_)) => return Err(RuleError::TwoEnds),
            (Some(seconds), None) => Some(after(now, seconds)?),
            (None, Some(at)) => {
                let end = at.parse().map_err(|_| RuleError::NotAnEnd(at.clone()))?;
                Some(end)
            }
            (None, None) => None,
        };
        let may_stay = matches!(self.whom, Whom::Everyone | Whom::Service(_));
        match expires_at {
            None if !may_stay => return Err(RuleError::NoEnd(self.whom.to_string())),
            Some(end) if end <= now => return Err(RuleError::Past(end.to_string())),
            Some(end) if !may_stay && end.duration_since(now) > MAX_HOLD => {
                return Err(RuleError::TooLong {
                    whom: self.whom.to_string(),
                    at: end.to_string(),
                });
            }
            _ => {}
        }
        Ok(Checked {
            whom: self.whom,
            rules,
            expires_at,
            why: self.why,
            author: self.author,
        })
    }
}

/// Who did something: by which right, and who that says to be. Only the first is known; the second is a note.
pub fn authored(token: &str, said: &str) -> String {
    if said.is_empty() {
        token.to_owned()
    } else {
        format!("{token} (says: {said})")
    }
}

/// The removal of a rule, for the audit; `said` is the note of who says so.
pub fn removal(id: i64, said: &str) -> String {
    if said.is_empty() {
        format!("rule {id}")
    } else {
        format!("rule {id}; says: {said}")
    }
}

fn after(now: Timestamp, seconds: f64) -> Result<Timestamp, RuleError> {
    let wrong = || RuleError::NotAnEnd(format!("{seconds} s"));
    if seconds <= 0.0 {
        return Err(wrong());
    }
    let hold = SignedDuration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    now.checked_add(hold).map_err(|_| wrong())
}

fn is_plain(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

impl Whom {
    /// The kind in one word, as a program's record says it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Install(_) => "install",
            Self::User(_) => "user",
            Self::Version { .. } => "version",
            Self::Service(_) => "service",
            Self::Everyone => "everyone",
        }
    }

    /// The same as a query would say it: `user:ada`, `service:app version:1.0`; `everyone` for everyone.
    #[must_use]
    pub fn query(&self) -> String {
        let names = self.names();
        if names.is_empty() {
            return self.kind().to_owned();
        }
        let named: Vec<String> = names
            .iter()
            .map(|(what, name)| format!("{what}:{name}"))
            .collect();
        named.join(" ")
    }

    /// What it is told by, each with what it is.
    #[must_use]
    pub fn names(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Session(id) => vec![("session", id)],
            Self::Install(id) => vec![("install", id)],
            Self::User(id) => vec![("user", id)],
            Self::Version { service, version } => {
                vec![("service", service), ("version", version)]
            }
            Self::Service(name) => vec![("service", name)],
            Self::Everyone => vec![],
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Version { service, version } => write!(f, "service {service} {version}"),
            Self::Session(name) | Self::Install(name) | Self::User(name) | Self::Service(name) => {
                write!(f, "{} {name}", self.kind())
            }
        }
    }
}

/// A rule for fewer than all programs of a service ends within a day.
const MAX_HOLD: SignedDuration = SignedDuration::from_hours(24);

/// Characters of an id, a reason, an author at most.
const MAX_TEXT: usize = 256;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-02-06T12:00:00Z";

    fn check(draft: serde_json::Value) -> Result<Checked, String> {
        let draft: Draft = serde_json::from_value(draft).map_err(|error| error.to_string())?;
        let now = NOW.parse().expect("a time");
        draft.check(now).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_that_makes_sense_is_read_whole() {
        let checked = check(json!({
            "whom": {"user": "user-abc"}, "level": "trace", "modules": {"app::sync": "debug"},
            "for_seconds": 600, "why": "ticket 4711", "author": "ada",
        }))
        .expect("it makes sense");
        assert_eq!(checked.whom, Whom::User("user-abc".to_owned()));
        assert_eq!(checked.rules.to_string(), "trace,app::sync=debug");
        let end = checked.expires_at.map(|end| end.to_string());
        assert_eq!(end.as_deref(), Some("2026-02-06T12:10:00Z"));

        for draft in [
            json!({"whom": "everyone", "level": "WARN"}),
            json!({"whom": {"service": "app"}, "level": "info", "for_seconds": 1e6}),
            json!({"whom": {"version": {"service": "app", "version": "1.0"}}, "level": "info", "for_seconds": 86_400}),
            json!({"whom": {"session": "s"}, "level": "info", "expires_at": "2026-02-06T14:00:00+01:00"}),
        ] {
            check(draft).expect("it makes sense");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let user = |more: serde_json::Value| {
            let mut draft = json!({"whom": {"user": "u"}, "level": "trace", "for_seconds": 60});
            let members = draft.as_object_mut().expect("an object");
            members.extend(more.as_object().expect("an object").clone());
            members.retain(|_, value| !value.is_null());
            draft
        };
        for (draft, error) in [
            (
                user(json!({"level": "loud"})),
                "`loud` is no level; use trace, debug, info, warning, error or fatal",
            ),
            (
                user(json!({"modules": {"app": "loud"}})),
                "`loud` is no level",
            ),
            (
                user(json!({"modules": {"a b": "trace"}})),
                "in levels `a b=trace`: `a b` is no module path such as `app::sync`",
            ),
            (
                user(json!({"modules": {"app\n": "trace"}})),
                "is no module path",
            ),
            (
                user(json!({"whom": {"user": ""}})),
                "user: give 1 to 256 characters",
            ),
            (
                user(json!({"whom": {"user": "a\nb"}})),
                "user: give 1 to 256 characters",
            ),
            (
                user(json!({"whom": {"user": "u".repeat(257)}})),
                "user: give 1 to 256 characters",
            ),
            (user(json!({"why": "\u{1b}[31m"})), "why: give"),
            (
                user(json!({"for_seconds": null})),
                "a rule for user u needs an end, at most 24 h away: `--for 10m`",
            ),
            (user(json!({"for_seconds": 0})), "`0 s` is no end of a rule"),
            (
                user(json!({"for_seconds": -5})),
                "`-5 s` is no end of a rule",
            ),
            (user(json!({"for_seconds": 1e300})), "is no end of a rule"),
            (
                user(json!({"for_seconds": 86_401})),
                "the rule for user u would end at 2026-02-07T12:00:01Z: at most 24 h are allowed",
            ),
            (
                user(json!({"expires_at": "2026-02-06T13:00:00Z"})),
                "both a duration and an end are given",
            ),
            (
                user(json!({"for_seconds": null, "expires_at": "2026-02-06T11:59:59Z"})),
                "the rule would have ended at 2026-02-06T11:59:59Z",
            ),
            (
                user(json!({"for_seconds": null, "expires_at": "tomorrow"})),
                "`tomorrow` is no end of a rule",
            ),
            (
                user(json!({"whom": {"group": "x"}})),
                "unknown variant `group`",
            ),
            (user(json!({"modul": {}})), "unknown field `modul`"),
        ] {
            let said = check(draft.clone()).expect_err("it makes no sense");
            assert!(said.contains(error), "{draft}: {said}");
        }
    }
}
