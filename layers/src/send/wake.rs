//! What wakes the sender, as a pure function of where it stands and what was asked of it.

use std::time::Duration;

/// Where the sender stands. Moments are times since the origin of its [`Time`](super::Time).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Idle,
    Sending,
    BackingOff {
        until: Duration,
    },
    /// Until there is a new token. Where the program has a token provider, that is asked again at this moment.
    PausedForToken {
        until: Option<Duration>,
    },
    PausedNotFound,
    /// The network is looked at again at a moment.
    Offline {
        until: Duration,
    },
    Stopped,
}

/// What was asked of the sender and is not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub stop: bool,
    /// By a flush that no round has begun for.
    pub flush: bool,
    pub new_token: bool,
    pub new_endpoint: bool,
    pub network_news: bool,
}

/// When the sender acts by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timers {
    /// The next timed round.
    pub round: Duration,
    /// The end of the wait for what follows a nudge, once there was one.
    pub linger: Option<Duration>,
    /// When something is due about levels, whatever else happens.
    pub levels: Option<Duration>,
}

/// What the sender does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    Stop,
    /// Looks at the network.
    Look,
    /// Asks for levels, or ends some.
    Levels,
    Round(Cause),
    /// Sleeps up to a moment, or until something is asked.
    Sleep(Option<Duration>),
}

/// Why there is a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Errors were logged, and nothing else calls for it: a last batch that is not full may wait for more of them.
    Nudge,
    /// The timer, a flush, or the end of a wait.
    Due,
}

pub(super) fn wake(standing: Standing, asked: Asked, timers: Timers, now: Duration) -> Wake {
    if asked.stop {
        return Wake::Stop;
    }
    if asked.network_news {
        return Wake::Look;
    }
    let (due, then) = match standing {
        Standing::Offline { .. } if asked.flush => (Some(now), Wake::Look),
        Standing::Offline { until } => (Some(until), Wake::Look),
        _ if asked.new_endpoint => (Some(now), Wake::Round(Cause::Due)),
        Standing::BackingOff { until } => (Some(until), Wake::Round(Cause::Due)),
        Standing::PausedForToken { .. } if asked.new_token => (Some(now), Wake::Round(Cause::Due)),
        Standing::PausedForToken { until } => (until, Wake::Round(Cause::Due)),
        Standing::PausedNotFound | Standing::Stopped => (None, Wake::Round(Cause::Due)),
        Standing::Idle | Standing::Sending if asked.flush => (Some(now), Wake::Round(Cause::Due)),
        Standing::Idle | Standing::Sending => match timers.linger {
            Some(linger) if linger < timers.round => (Some(linger), Wake::Round(Cause::Nudge)),
            _ => (Some(timers.round), Wake::Round(Cause::Due)),
        },
    };
    match due {
        Some(due) if due <= now => then,
        _ if timers.levels.is_some_and(|levels| levels <= now) => Wake::Levels,
        _ => Wake::Sleep(due.into_iter().chain(timers.levels).min()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const NOTHING: Asked = Asked {
        stop: false,
        flush: false,
        new_token: false,
        new_endpoint: false,
        network_news: false,
    };

    #[test]
    fn what_is_asked_wakes_only_a_sender_that_may_act_on_it() {
        let flush = Asked {
            flush: true,
            ..NOTHING
        };
        let token = Asked {
            new_token: true,
            ..NOTHING
        };
        let endpoint = Asked {
            new_endpoint: true,
            ..NOTHING
        };
        let network = Asked {
            network_news: true,
            ..NOTHING
        };
        let stop = Asked {
            stop: true,
            ..flush
        };
        let round = Wake::Round(Cause::Due);
        let sleep = |until| Wake::Sleep(Some(at(until)));
        let idle = Standing::Idle;
        let backing_off = Standing::BackingOff { until: at(20) };
        let refused = Standing::PausedForToken { until: None };
        let no_token = Standing::PausedForToken {
            until: Some(at(20)),
        };
        let not_found = Standing::PausedNotFound;
        let offline = Standing::Offline { until: at(20) };
        for (standing, asked, now, expected) in [
            (idle, NOTHING, 10, sleep(30)),
            (idle, NOTHING, 30, round),
            (idle, flush, 10, round),
            (idle, network, 10, Wake::Look),
            (idle, stop, 10, Wake::Stop),
            (backing_off, NOTHING, 10, sleep(20)),
            (backing_off, flush, 10, sleep(20)),
            (backing_off, token, 10, sleep(20)),
            (backing_off, endpoint, 10, round),
            (backing_off, NOTHING, 20, round),
            (refused, flush, 99, Wake::Sleep(None)),
            (refused, token, 10, round),
            (refused, endpoint, 10, round),
            (no_token, flush, 10, sleep(20)),
            (no_token, token, 10, round),
            (no_token, NOTHING, 20, round),
            (not_found, flush, 99, Wake::Sleep(None)),
            (not_found, token, 99, Wake::Sleep(None)),
            (not_found, endpoint, 10, round),
            (not_found, stop, 10, Wake::Stop),
            (offline, NOTHING, 10, sleep(20)),
            (offline, NOTHING, 20, Wake::Look),
            (offline, flush, 10, Wake::Look),
            (offline, network, 10, Wake::Look),
            (offline, endpoint, 10, sleep(20)),
        ] {
            let timers = Timers {
                round: at(30),
                linger: None,
                levels: None,
            };
            assert_eq!(
                wake(standing, asked, timers, at(now)),
                expected,
                "{standing:?} {asked:?} at {now}"
            );
        }
    }

    #[test]
    fn a_nudge_lingers_and_never_past_the_timer() {
        for (linger, now, expected) in [
            (12, 10, Wake::Sleep(Some(at(12)))),
            (12, 12, Wake::Round(Cause::Nudge)),
            (40, 30, Wake::Round(Cause::Due)),
        ] {
            let timers = Timers {
                round: at(30),
                linger: Some(at(linger)),
                levels: None,
            };
            assert_eq!(
                wake(Standing::Idle, NOTHING, timers, at(now)),
                expected,
                "{linger} at {now}"
            );
        }
    }

    #[test]
    fn levels_are_seen_to_whatever_the_sender_waits_for_but_after_what_is_due() {
        let flush = Asked {
            flush: true,
            ..NOTHING
        };
        for (standing, asked, levels, now, expected) in [
            (Standing::Idle, NOTHING, 20, 10, Wake::Sleep(Some(at(20)))),
            (Standing::Idle, NOTHING, 40, 10, Wake::Sleep(Some(at(30)))),
            (Standing::Idle, NOTHING, 20, 20, Wake::Levels),
            (Standing::Idle, flush, 20, 20, Wake::Round(Cause::Due)),
            (Standing::PausedNotFound, NOTHING, 20, 20, Wake::Levels),
            (
                Standing::PausedNotFound,
                NOTHING,
                20,
                10,
                Wake::Sleep(Some(at(20))),
            ),
            (
                Standing::BackingOff { until: at(60) },
                NOTHING,
                20,
                20,
                Wake::Levels,
            ),
            (
                Standing::Offline { until: at(60) },
                NOTHING,
                20,
                20,
                Wake::Levels,
            ),
        ] {
            let timers = Timers {
                round: at(30),
                linger: None,
                levels: Some(at(levels)),
            };
            assert_eq!(
                wake(standing, asked, timers, at(now)),
                expected,
                "{standing:?} {asked:?} at {now}"
            );
        }
    }
}
