//! Notices that every request comes from one address: a proxy that is not in `--trusted-proxy`.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Who was heard within a minute, as far as it matters: one address, or several.
#[derive(Debug, Default)]
pub(super) struct Alone(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    since: Option<Instant>,
    first: Option<IpAddr>,
    are_several: bool,
    said: Option<Instant>,
}

impl Alone {
    /// A request came from `address`.
    pub(super) fn hear(&self, address: IpAddr, now: Instant) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = heard
            .since
            .is_none_or(|since| now.saturating_duration_since(since) > MINUTE);
        if is_over {
            heard.since = Some(now);
            heard.first = Some(address);
            heard.are_several = false;
        } else if heard.first != Some(address) {
            heard.are_several = true;
        }
    }

    /// Whether to say that `address`, which is refused, was the only one heard; once a minute.
    pub(super) fn is_to_be_said(&self, address: IpAddr, now: Instant) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = heard
            .said
            .is_none_or(|said| now.saturating_duration_since(said) > MINUTE);
        let is_to_be = is_due && !heard.are_several && heard.first == Some(address);
        if is_to_be {
            heard.said = Some(now);
        }
        is_to_be
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_of_the_only_address_once_a_minute() {
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let start = Instant::now();
        let alone = Alone::default();
        alone.hear(one, start);
        assert!(alone.is_to_be_said(one, start));
        assert!(!alone.is_to_be_said(one, start), "it was said");
        let later = start + MINUTE * 2;
        alone.hear(one, later);
        alone.hear(other, later);
        assert!(!alone.is_to_be_said(one, later), "there are two");
        let latest = later + MINUTE * 2;
        alone.hear(one, latest);
        assert!(alone.is_to_be_said(one, latest));
    }
}
