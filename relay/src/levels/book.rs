//! All rules, laid out so that the one for a program is found by a few look-ups, however many there are.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::http::HeaderValue;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tracing_courier::Level;
use tracing_courier::level::Rules;
use tracing_courier::wire::LevelConfig;

use super::program::Program;
use super::rule::{Moment, Rule, Whom};
use crate::fingerprint::hex;

/// What a program is told.
#[derive(Debug)]
pub struct Told {
    /// The tag that names it.
    pub etag: HeaderValue,
    /// The body, but for how much time is left and the closing brace.
    head: String,
    until: Option<(Timestamp, Option<Instant>)>,
}

/// The rules of one kind by what they are told by; of one name the newest is the first.
type By = HashMap<String, Vec<Told>>;

/// All rules.
#[derive(Debug)]
pub struct Book {
    sessions: By,
    installs: By,
    users: By,
    versions: HashMap<String, By>,
    services: By,
    everyone: Vec<Told>,
    nothing: Told,
}

impl Book {
    /// Lays out `rules`, which come oldest first; programs ask again after `refresh_seconds`.
    #[must_use]
    pub fn new(rules: &[Rule], refresh_seconds: u64) -> Self {
        let mut book = Self {
            sessions: By::new(),
            installs: By::new(),
            users: By::new(),
            versions: HashMap::new(),
            services: By::new(),
            everyone: Vec::new(),
            nothing: Told::nothing(refresh_seconds),
        };
        for rule in rules.iter().rev() {
            let Some(told) = Told::new(rule, refresh_seconds) else {
                continue;
            };
            let place = match &rule.whom {
                Whom::Session(id) => book.sessions.entry(id.clone()).or_default(),
                Whom::Install(id) => book.installs.entry(id.clone()).or_default(),
                Whom::User(id) => book.users.entry(id.clone()).or_default(),
                Whom::Version { service, version } => {
                    let versions = book.versions.entry(service.clone()).or_default();
                    versions.entry(version.clone()).or_default()
                }
                Whom::Service(name) => book.services.entry(name.clone()).or_default(),
                Whom::Everyone => &mut book.everyone,
            };
            place.push(told);
        }
        book
    }

    /// What this program is told now: the most specific rule that has not ended, of several the newest.
    #[must_use]
    pub fn tell(&self, program: &Program<&str>, now: Moment) -> &Told {
        let known = program.subject.is_some();
        let candidates = [
            known
                .then(|| find(&self.sessions, program.session))
                .flatten(),
            known
                .then(|| find(&self.installs, program.install))
                .flatten(),
            find(&self.users, program.subject),
            known
                .then(|| find(self.versions.get(program.service?)?, program.version))
                .flatten(),
            find(&self.services, program.service),
            Some(&self.everyone),
        ];
        candidates
            .into_iter()
            .flatten()
            .flatten()
            .find(|told| told.until.is_none() || told.left(now).is_some())
            .unwrap_or(&self.nothing)
    }
}

fn find<'b>(by: &'b By, name: Option<&str>) -> Option<&'b Vec<Told>> {
    by.get(name?)
}

impl Told {
    fn new(rule: &Rule, refresh_seconds: u64) -> Option<Self> {
        // What is kept was checked; a rule that a newer relay wrote may say what this one does not know.
        let rules: Rules = rule.levels.parse().ok()?;
        let until = match &rule.expires_at {
            Some(at) => Some((at.parse().ok()?, rule.ends)),
            None => None,
        };
        let mut config = LevelConfig::new(rules.min(), refresh_seconds);
        config.modules = rules
            .modules()
            .map(|(path, level)| (path.to_owned(), level))
            .collect();
        config.expires_at.clone_from(&rule.expires_at);
        config.rule = Some(format!("{} {}", rule.whom.kind(), rule.id));
        Some(Self::of(&config, until))
    }

    /// For programs that no rule is meant for: they keep to their own levels, and those that don't know of rules log
    /// as they always did.
    fn nothing(refresh_seconds: u64) -> Self {
        let mut config = LevelConfig::new(Level::Info, refresh_seconds);
        config.rule = Some(LevelConfig::NO_RULE.to_owned());
        Self::of(&config, None)
    }

    fn of(config: &LevelConfig, until: Option<(Timestamp, Option<Instant>)>) -> Self {
        let mut head = serde_json::to_string(config).unwrap_or_default();
        head.pop();
        let hash = hex(&Sha256::digest(&head));
        let etag = HeaderValue::try_from(format!("\"{hash:.16}\""))
            .unwrap_or_else(|_| HeaderValue::from_static("\"0\""));
        Self { etag, head, until }
    }

    /// How much of its time is left; `None` for what has ended, or never does.
    fn left(&self, now: Moment) -> Option<Duration> {
        let (until, ends) = self.until?;
        now.left(until, ends)
    }

    /// The body of an answer at `now`.
    #[must_use]
    pub fn body(&self, now: Moment) -> String {
        let mut body = String::with_capacity(self.head.len() + 40);
        body.push_str(&self.head);
        if self.until.is_some() {
            let left = self.left(now).unwrap_or_default().as_secs_f64();
            body.push_str(",\"expires_in_seconds\":");
            body.push_str(&left.to_string());
        }
        body.push('}');
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: i64, whom: Whom, levels: &str, expires_at: Option<&str>) -> Rule {
        Rule {
            id,
            whom,
            levels: levels.to_owned(),
            made_at: "2026-02-06T12:00:00Z".to_owned(),
            expires_at: expires_at.map(str::to_owned),
            why: String::new(),
            author: String::new(),
            ends: None,
        }
    }

    fn at(time: &str) -> Moment {
        Moment {
            wall: time.parse().expect("a time"),
            run: Instant::now(),
        }
    }

    const ALL: Program<&'static str> = Program {
        subject: Some("user-abc"),
        install: Some("install-1"),
        session: Some("session-1"),
        service: Some("app"),
        version: Some("1.0"),
    };

    fn config(book: &Book, program: &Program<&str>, now: &str) -> LevelConfig {
        let body = book.tell(program, at(now)).body(at(now));
        serde_json::from_str(&body).expect("it is JSON")
    }

    fn decides(book: &Book, program: &Program<&str>) -> String {
        config(book, program, "2026-02-06T12:00:00Z")
            .rule
            .expect("it says so")
    }

    #[test]
    fn the_most_specific_rule_counts_and_of_several_the_newest() {
        let (app, v1) = ("app".to_owned(), "1.0".to_owned());
        let mut rules = vec![
            rule(1, Whom::Everyone, "warning", None),
            rule(2, Whom::Everyone, "error", None),
            rule(3, Whom::Service(app.clone()), "info", None),
            rule(
                4,
                Whom::Version {
                    service: app,
                    version: v1,
                },
                "debug",
                None,
            ),
            rule(5, Whom::User("user-abc".to_owned()), "trace", None),
            rule(6, Whom::User("user-abc".to_owned()), "debug", None),
            rule(7, Whom::Install("install-1".to_owned()), "trace", None),
            rule(8, Whom::Session("session-1".to_owned()), "trace", None),
        ];
        for expected in [
            "session 8",
            "install 7",
            "user 6",
            "user 5",
            "version 4",
            "service 3",
            "everyone 2",
            "everyone 1",
            "none",
        ] {
            let book = Book::new(&rules, 600);
            assert_eq!(decides(&book, &ALL), expected);
            rules.pop();
        }
    }

    #[test]
    fn without_a_token_only_what_is_for_everyone_and_for_the_service_counts() {
        let app = "app".to_owned();
        let rules = [
            rule(1, Whom::Everyone, "warning", None),
            rule(2, Whom::Service(app.clone()), "info", None),
            rule(
                3,
                Whom::Version {
                    service: app,
                    version: "1.0".to_owned(),
                },
                "debug",
                None,
            ),
            rule(4, Whom::Install("install-1".to_owned()), "trace", None),
            rule(5, Whom::Session("session-1".to_owned()), "trace", None),
        ];
        let book = Book::new(&rules, 600);
        let stranger = Program {
            subject: None,
            ..ALL
        };
        assert_eq!(decides(&book, &stranger), "service 2");
        assert_eq!(decides(&book, &Program::default()), "everyone 1");
        assert_eq!(decides(&book, &ALL), "session 5");
    }

    #[test]
    fn a_rule_ends_by_itself_and_says_how_much_is_left() {
        let rules = [
            rule(1, Whom::Everyone, "warning", None),
            rule(
                2,
                Whom::User("user-abc".to_owned()),
                "trace,app=debug",
                Some("2026-02-06T12:10:00Z"),
            ),
        ];
        let book = Book::new(&rules, 600);
        let during = config(&book, &ALL, "2026-02-06T12:09:58.500Z");
        assert_eq!(during.expires_at.as_deref(), Some("2026-02-06T12:10:00Z"));
        assert_eq!(during.expires_in_seconds, Some(1.5));
        assert_eq!(during.modules.get("app"), Some(&Level::Debug));
        let after = config(&book, &ALL, "2026-02-06T12:10:00Z");
        assert_eq!(
            (after.rule.as_deref(), after.expires_in_seconds),
            (Some("everyone 1"), None)
        );

        let tag = |now: &str| book.tell(&ALL, at(now)).etag.clone();
        assert_eq!(tag("2026-02-06T12:00:00Z"), tag("2026-02-06T12:09:59Z"));
        assert_ne!(tag("2026-02-06T12:09:59Z"), tag("2026-02-06T12:10:00Z"));
    }

    #[test]
    fn a_rule_ends_by_the_count_when_the_clock_is_set_back_by_days() {
        let start = Instant::now();
        let mut rule = rule(1, Whom::Everyone, "trace", Some("2026-02-06T12:10:00Z"));
        rule.ends = Some(start + Duration::from_secs(600));
        let book = Book::new(&[rule], 600);
        let told = |wall: &str, seconds| {
            let wall = wall.parse().expect("a time");
            let run = start + Duration::from_secs(seconds);
            let now = Moment { wall, run };
            let config: LevelConfig =
                serde_json::from_str(&book.tell(&ALL, now).body(now)).expect("JSON");
            (config.rule.expect("it says so"), config.expires_in_seconds)
        };
        let holds = |left| ("everyone 1".to_owned(), Some(left));
        assert_eq!(told("2026-02-06T12:00:00Z", 0), holds(600.0));
        assert_eq!(told("2026-02-03T12:00:00Z", 599), holds(1.0));
        assert_eq!(told("2026-02-03T12:00:00Z", 600).0, "none");
        assert_eq!(told("2026-02-06T12:10:00Z", 5).0, "none", "set forward");
    }
}
