//! Which boot of the machine this is, and when it began by a clock: what tells time that passed from a clock that was
//! set.
//!
//! On Linux and Android; elsewhere nothing is known.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A boot, and when it began by the clock of whoever says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Boot {
    /// The same for all programs until the machine starts again.
    pub boot: String,
    /// Unix milliseconds.
    #[serde(rename = "beganMs")]
    began_ms: i64,
}

impl Boot {
    /// This boot, by a clock that shows `now`.
    pub fn by(now: Timestamp) -> Option<Self> {
        let began = now.checked_sub(uptime()?).ok()?;
        Some(Self {
            boot: ID.clone()?,
            began_ms: began.as_millisecond(),
        })
    }

    pub fn began(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.began_ms).ok()
    }

    /// What the clock shows that this boot began by, if nobody has set it since.
    pub fn now(&self) -> Option<Timestamp> {
        self.began()?.checked_add(uptime()?).ok()
    }
}

/// How long the machine has been running, sleep included.
fn uptime() -> Option<SignedDuration> {
    SignedDuration::try_from(since_boot()?).ok()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let nanos = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanos))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since_boot() -> Option<Duration> {
    None
}

static ID: LazyLock<Option<String>> = LazyLock::new(|| {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = id.trim();
    // Half of it tells boots apart; the whole is nobody's business.
    Some(id.get(..ID_BYTES).unwrap_or(id).to_owned()).filter(|id| !id.is_empty())
});

const ID_BYTES: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_boot_is_the_same_whatever_the_clock_shows_and_its_clock_goes_on() {
        let (first, second): (Timestamp, Timestamp) = (
            "1970-01-01T02:00:00Z".parse().unwrap(),
            "2026-02-06T12:00:00Z".parse().unwrap(),
        );
        let (early, late) = (Boot::by(first).unwrap(), Boot::by(second).unwrap());
        assert_eq!(early.boot, late.boot);
        let set_by = late.began().unwrap().duration_since(early.began().unwrap());
        let off = set_by - second.duration_since(first);
        assert!(off.abs() < SignedDuration::from_secs(1), "{off:?}");
        let now = early.now().unwrap().duration_since(first);
        assert!(now.abs() < SignedDuration::from_secs(1), "{now:?}");
    }
}
