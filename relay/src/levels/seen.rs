//! Which programs sent or asked lately, so that an operator notices a rule that matches none of them.
//!
//! In memory, bounded, and only programs with a good token: strangers can't push others out. A relay that has just
//! started knows of none.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::program::Program;
use super::rule::Whom;

/// Programs heard of late.
#[derive(Debug, Default)]
pub struct Seen {
    hasher: RandomState,
    programs: Mutex<HashMap<u64, Heard>>,
}

#[derive(Clone, Debug)]
struct Heard {
    program: Program,
    at: Timestamp,
}

impl Seen {
    /// Notes that a program sent or asked.
    pub fn note(&self, program: &Program<&str>, now: Timestamp) {
        let texts = program.texts();
        if program.subject.is_none() || texts.iter().flatten().any(|text| text.len() > MAX_BYTES) {
            return;
        }
        let mut hash = self.hasher.build_hasher();
        texts.hash(&mut hash);
        let key = std::hash::Hasher::finish(&hash);
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = programs.get_mut(&key) {
            heard.at = now;
            return;
        }
        if programs.len() >= MAX_PROGRAMS {
            // Half at once, so that it is not done for each of a thousand new ones.
            let mut times: Vec<Timestamp> = programs.values().map(|heard| heard.at).collect();
            times.sort_unstable();
            if let Some(&middle) = times.get(MAX_PROGRAMS / 2) {
                programs.retain(|_, heard| heard.at > middle);
            }
            if programs.len() >= MAX_PROGRAMS {
                programs.clear();
            }
        }
        let program = program.map(str::to_owned);
        programs.insert(key, Heard { program, at: now });
    }

    /// How many of the programs heard of late a rule for `whom` is meant for.
    #[must_use]
    pub fn matching(&self, whom: &Whom) -> usize {
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        programs.values().filter(|heard| heard.is(whom)).count()
    }

    /// Where a rule for `whom` matches no program: a few names of the same kind that were heard lately, latest first; for a
    /// user, other users.
    #[must_use]
    pub fn instead_of(&self, whom: &Whom) -> Vec<String> {
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latest: HashMap<String, Timestamp> = HashMap::new();
        for heard in programs.values() {
            if let Some(name) = heard.instead_of(whom) {
                let at = latest.entry(name).or_insert(heard.at);
                *at = heard.at.max(*at);
            }
        }
        let mut latest: Vec<_> = latest.into_iter().collect();
        latest.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        latest.truncate(SHOWN);
        latest.into_iter().map(|(name, _)| name).collect()
    }
}

impl Heard {
    fn is(&self, whom: &Whom) -> bool {
        let program = &self.program;
        match whom {
            Whom::Session(id) => program.session.as_ref() == Some(id),
            Whom::Install(id) => program.install.as_ref() == Some(id),
            Whom::User(id) => program.subject.as_ref() == Some(id),
            Whom::Version { service, version } => {
                program.service.as_ref() == Some(service)
                    && program.version.as_ref() == Some(version)
            }
            Whom::Service(name) => program.service.as_ref() == Some(name),
            Whom::Everyone => true,
        }
    }

    fn instead_of(&self, whom: &Whom) -> Option<String> {
        let program = &self.program;
        match whom {
            Whom::Session(_) => program.session.clone(),
            Whom::Install(_) => program.install.clone(),
            Whom::User(_) | Whom::Everyone => program.subject.clone(),
            Whom::Version { .. } => {
                let (service, version) = (program.service.as_ref()?, program.version.as_ref()?);
                Some(format!("{service} {version}"))
            }
            Whom::Service(_) => program.service.clone(),
        }
    }
}

/// Programs remembered at most: about a megabyte.
const MAX_PROGRAMS: usize = 4096;

/// A longer name is not noted.
const MAX_BYTES: usize = 256;

/// Names shown at most.
const SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn program(subject: &str) -> Program<&str> {
        Program {
            subject: Some(subject),
            install: Some("install-1"),
            session: None,
            service: Some("app"),
            version: Some("1.0"),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn it_counts_whom_a_rule_is_meant_for_and_names_the_others_latest_first() {
        let seen = Seen::default();
        for (second, user) in ["u-1", "u-2", "u-3", "u-1"].into_iter().enumerate() {
            seen.note(&program(user), at(second as i64));
        }
        seen.note(
            &Program {
                subject: None,
                ..program("x")
            },
            at(9),
        );
        for (whom, count) in [
            (Whom::User("u-1".to_owned()), 1),
            (Whom::User("u-9".to_owned()), 0),
            (Whom::Install("install-1".to_owned()), 3),
            (Whom::Session("s".to_owned()), 0),
            (Whom::Service("app".to_owned()), 3),
            (
                Whom::Version {
                    service: "app".to_owned(),
                    version: "2.0".to_owned(),
                },
                0,
            ),
            (Whom::Everyone, 3),
        ] {
            assert_eq!(seen.matching(&whom), count, "{whom}");
        }
        assert_eq!(
            seen.instead_of(&Whom::User("u-9".to_owned())),
            ["u-1", "u-3", "u-2"]
        );
        let version = Whom::Version {
            service: "app".to_owned(),
            version: "2.0".to_owned(),
        };
        assert_eq!(seen.instead_of(&version), ["app 1.0"]);
        assert!(seen.instead_of(&Whom::Session("s".to_owned())).is_empty());
    }

    #[test]
    fn it_forgets_those_it_heard_longest_ago_and_never_grows_past_its_bound() {
        let seen = Seen::default();
        for n in 0..MAX_PROGRAMS + 10 {
            seen.note(&program(&format!("u-{n}")), at(n as i64));
        }
        let count = seen.matching(&Whom::Everyone);
        assert!(count <= MAX_PROGRAMS && count > MAX_PROGRAMS / 3, "{count}");
        assert_eq!(seen.matching(&Whom::User("u-0".to_owned())), 0);
        assert_eq!(
            seen.matching(&Whom::User(format!("u-{}", MAX_PROGRAMS + 9))),
            1
        );
        seen.note(&program(&"u".repeat(MAX_BYTES + 1)), at(0));
        assert_eq!(
            seen.matching(&Whom::Everyone),
            count,
            "a name that nobody has"
        );
    }
}
