//! What an operator has to look at, each with what to do: a pure function of what was seen.
//!
//! Each text comes from the relay itself: no text of a client, an upstream or a publisher of keys is in it.

use std::time::Duration;

use super::report::{ExportStatus, IndexStatus};
use super::units::age;
use crate::identity::KeySet;
use crate::spool::Writes;

/// What was seen of a relay.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Why a batch that comes now would be refused.
    pub hindrance: Option<&'static str>,
    /// Whether the disk has little more than what has to stay free.
    pub is_disk_nearly_low: bool,
    /// How writing the spool goes.
    pub writes: Writes,
    /// Records lost to damage.
    pub damaged_records: u64,
    /// The ways out.
    pub exports: Vec<ExportStatus>,
    /// The index, if there is one.
    pub index: Option<IndexStatus>,
    /// Age of what waits longest, in seconds.
    pub oldest_seconds: f64,
    /// The published keys, where tokens are checked with such.
    pub keys: Option<KeySet>,
    /// Seconds until the certificate ends, below zero once it has; `None` without one.
    pub certificate_seconds: Option<f64>,
}

impl Observed {
    /// What there is to look at; empty when all is well.
    #[must_use]
    pub fn alarms(&self) -> Vec<String> {
        let Writes {
            is_failing,
            is_log_lost,
            ..
        } = self.writes;
        let damaged = self.damaged_records;
        let mut alarms: Vec<String> = self.room().into_iter().collect();
        let texts = [
            (
                is_failing,
                "the spool can't be written: a full or failing disk; the log has the cause"
                    .to_owned(),
            ),
            (
                is_log_lost,
                "the spool's write-ahead log was gone at the start: the latest records may be lost"
                    .to_owned(),
            ),
            (
                damaged > 0,
                format!("{damaged} records were lost to damage of the spool: look at the disk"),
            ),
        ];
        alarms.extend(
            texts
                .into_iter()
                .filter_map(|(is_so, text)| is_so.then_some(text)),
        );
        alarms.extend(self.exports.iter().filter_map(|export| self.export(export)));
        alarms.extend(self.index.iter().flat_map(index));
        alarms.extend(self.keys.as_ref().and_then(keys));
        alarms.extend(self.certificate_seconds.and_then(certificate));
        alarms
    }

    fn room(&self) -> Option<String> {
        let Some(why) = self.hindrance else {
            let text =
                "the disk of the data directory fills: make free space before batches are refused";
            return self.is_disk_nearly_low.then(|| text.to_owned());
        };
        let what = match why {
            "the spool is full" => {
                "; see why the upstream takes too little, or raise --spool-max-bytes"
            }
            "the relay is stopping" => "",
            _ => "; make free space on it, or --keep-free smaller",
        };
        Some(format!("batches are refused: {why}{what}"))
    }

    fn export(&self, export: &ExportStatus) -> Option<String> {
        let name = &export.name;
        if export.alarm {
            return Some(format!(
                "{name}: the upstream refuses; check --otlp-endpoint and its token"
            ));
        }
        let last = export.last_answer.as_deref()?;
        let is_away = export.waiting > 0
            && self.oldest_seconds >= AWAY.as_secs_f64()
            && !last.starts_with('2');
        let said = if last == "none" {
            "does not answer".to_owned()
        } else {
            format!("answers {last}")
        };
        let wait = age(self.oldest_seconds);
        is_away.then(|| {
            format!("{name}: records wait for {wait}, and the upstream {said}; see that it is up, and `courier-relay check`")
        })
    }
}

fn keys(set: &KeySet) -> Option<String> {
    let has_failed = set.failures > 0 || set.age.is_some();
    if set.keys == 0 && has_failed {
        return Some("no published key is known, so that no token can be checked; check --jwks-url, the log has the cause".to_owned());
    }
    let old = set.age.filter(|&old| old >= OLD_KEYS)?;
    let old = age(old.as_secs_f64());
    Some(format!(
        "published keys were last fetched {old} ago, and new ones are not known; check --jwks-url, the log has the cause"
    ))
}

fn certificate(left: f64) -> Option<String> {
    if left <= 0.0 {
        return Some("the certificate has expired: clients that check it don't connect; renew --tls-cert-file and its key".to_owned());
    }
    let is_soon = left < SOON.as_secs_f64();
    is_soon.then(|| {
        format!(
            "the certificate expires in {}: renew --tls-cert-file and its key",
            age(left)
        )
    })
}

/// Records may wait so long before it is said that the upstream is away: longer than its restart.
const AWAY: Duration = Duration::from_secs(5 * 60);

/// Keys are fetched every ten minutes; older ones are as old as the alert rule for them says.
const OLD_KEYS: Duration = Duration::from_secs(60 * 60);

/// A certificate that ends so soon should have been renewed: usual tools do that a month before.
pub const SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn index(index: &IndexStatus) -> Vec<String> {
    let IndexStatus {
        skipped,
        unreadable,
        is_failing,
        ..
    } = index;
    let texts = [
        (
            *is_failing,
            "the index can't be written: a full or failing disk; the log has the cause".to_owned(),
        ),
        (
            *skipped > 0,
            format!("{skipped} records are not in the index: it could not be written for too long"),
        ),
        (
            *unreadable > 0,
            format!(
                "{unreadable} of the index's files can't be read: their records are not found; the log has the cause"
            ),
        ),
    ];
    let texts = texts.into_iter();
    texts
        .filter_map(|(is_so, text)| is_so.then_some(text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(last: &str, alarm: bool) -> Vec<ExportStatus> {
        vec![ExportStatus {
            name: "export".to_owned(),
            waiting: 3,
            last_answer: Some(last.to_owned()),
            alarm,
            ..ExportStatus::default()
        }]
    }

    fn set(keys: usize, age: Option<u64>, failures: u64) -> Option<KeySet> {
        Some(KeySet {
            keys,
            age: age.map(Duration::from_secs),
            failures,
            last_failure: None,
            is_failing: failures > 0,
        })
    }

    #[test]
    fn a_relay_that_is_well_has_none() {
        let well = [
            Observed::default(),
            Observed {
                exports: waiting("none", false),
                oldest_seconds: 20.0,
                keys: set(0, None, 0),
                certificate_seconds: Some(30.0 * 86_400.0),
                ..Observed::default()
            },
            Observed {
                exports: waiting("200", false),
                oldest_seconds: 4000.0,
                keys: set(2, Some(700), 3),
                ..Observed::default()
            },
        ];
        for seen in well {
            assert!(seen.alarms().is_empty(), "{seen:?}: {:?}", seen.alarms());
        }
    }

    #[test]
    fn each_trouble_says_what_to_do() {
        let troubles = [
            (
                Observed {
                    hindrance: Some("the spool is full"),
                    ..Observed::default()
                },
                "raise --spool-max-bytes",
            ),
            (
                Observed {
                    is_disk_nearly_low: true,
                    ..Observed::default()
                },
                "make free space before",
            ),
            (
                Observed {
                    exports: waiting("401", true),
                    ..Observed::default()
                },
                "check --otlp-endpoint and its token",
            ),
            (
                Observed {
                    exports: waiting("none", false),
                    oldest_seconds: 600.0,
                    ..Observed::default()
                },
                "records wait for 10 min, and the upstream does not answer; see that it is up",
            ),
            (
                Observed {
                    exports: waiting("503", false),
                    oldest_seconds: 600.0,
                    ..Observed::default()
                },
                "the upstream answers 503",
            ),
            (
                Observed {
                    keys: set(0, None, 1),
                    ..Observed::default()
                },
                "no published key is known, so that no token can be checked; check --jwks-url",
            ),
            (
                Observed {
                    keys: set(2, Some(7200), 9),
                    ..Observed::default()
                },
                "last fetched 2 h ago",
            ),
            (
                Observed {
                    certificate_seconds: Some(-5.0),
                    ..Observed::default()
                },
                "the certificate has expired",
            ),
            (
                Observed {
                    certificate_seconds: Some(3.0 * 86_400.0),
                    ..Observed::default()
                },
                "the certificate expires in 3 days: renew --tls-cert-file",
            ),
        ];
        for (seen, expected) in troubles {
            let alarms = seen.alarms();
            assert!(
                alarms.len() == 1 && alarms.iter().all(|alarm| alarm.contains(expected)),
                "{expected}: {alarms:?}"
            );
        }
    }
}
