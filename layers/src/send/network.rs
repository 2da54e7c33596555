//! Whether there is a network to send over, by what the program knows.
//!
//! 1. While there is none, nothing is tried; once it is back, at once.
//! 2. A change is a record, `network_changed`, with `online` and `type`.
//! 3. A check that panics says nothing, and what says nothing is taken for online: then the request itself finds out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::own_records::Own;
use crate::queue::DiskQueue;
use crate::record::Level;

/// While there is no network, it is asked for this often unless somebody says that it changed: 5 s.
pub const OFFLINE_POLL: Duration = Duration::from_secs(5);

/// What a device knows of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Network {
    /// Whether a request may get through. When in doubt, yes.
    pub is_online: bool,
    /// What it goes over.
    pub kind: NetworkKind,
}

impl Network {
    /// Whether a request may get through, and what it goes over.
    #[must_use]
    pub fn new(is_online: bool, kind: NetworkKind) -> Self {
        Self { is_online, kind }
    }
}

/// What requests go over, by the names of OpenTelemetry's `network.connection.type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkKind {
    /// `wifi`
    Wifi,
    /// `wired`
    Wired,
    /// `cell`
    Cell,
    /// `unknown`
    #[default]
    Unknown,
}

impl NetworkKind {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wifi => "wifi",
            Self::Wired => "wired",
            Self::Cell => "cell",
            Self::Unknown => "unknown",
        }
    }
}

impl From<bool> for Network {
    fn from(is_online: bool) -> Self {
        Self {
            is_online,
            kind: NetworkKind::Unknown,
        }
    }
}

/// Says whether there is a network. Asked on the sender's thread before it sends, every [`OFFLINE_POLL`] while there
/// is none, and when [`Backend::network_changed`](super::Backend::network_changed) is called; it should not block.
///
/// A closure that gives a `bool` or a [`Network`] is one.
pub trait NetworkCheck: Send {
    /// The network as it is now.
    fn network(&mut self) -> Network;
}

impl<F, N> NetworkCheck for F
where
    F: FnMut() -> N + Send,
    N: Into<Network>,
{
    fn network(&mut self) -> Network {
        self().into()
    }
}

/// Asks, and remembers.
#[derive(Default)]
pub(super) struct Watch {
    check: Option<Box<dyn NetworkCheck>>,
    known: Option<Network>,
}

/// What a look at the network found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub is_online: bool,
    /// What is worth a record: a difference to the last look, or no network at the first.
    pub change: Option<Network>,
    pub panicked: bool,
}

impl Watch {
    pub fn new(check: Option<Box<dyn NetworkCheck>>) -> Self {
        Self { check, known: None }
    }

    pub fn look(&mut self) -> Seen {
        let answer = self
            .check
            .as_mut()
            .map(|check| catch_unwind(AssertUnwindSafe(|| check.network())));
        let network = match answer {
            Some(Ok(network)) => network,
            silent => {
                return Seen {
                    is_online: true,
                    change: None,
                    panicked: silent.is_some(),
                };
            }
        };
        let is_news = match self.known.replace(network) {
            Some(known) => known != network,
            None => !network.is_online,
        };
        Seen {
            is_online: network.is_online,
            change: is_news.then_some(network),
            panicked: false,
        }
    }
}

/// Writes the record of a change.
pub(super) fn record(own: &Own, queue: &DiskQueue, network: Network, now: Timestamp) {
    let kind = if network.is_online {
        network.kind.as_str()
    } else {
        "unavailable"
    };
    let attributes = Map::from_iter([
        ("online".to_owned(), Value::from(network.is_online)),
        ("type".to_owned(), Value::from(kind)),
    ]);
    own.say(queue, now, Level::Info, "network_changed", attributes);
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIFI: Network = Network {
        is_online: true,
        kind: NetworkKind::Wifi,
    };
    const CELL: Network = Network {
        is_online: true,
        kind: NetworkKind::Cell,
    };
    const NONE: Network = Network {
        is_online: false,
        kind: NetworkKind::Unknown,
    };

    #[test]
    fn a_change_is_news_and_so_is_a_start_without_a_network() {
        for (looks, news) in [
            (
                &[WIFI, WIFI, CELL, NONE, NONE, WIFI][..],
                &[CELL, NONE, WIFI][..],
            ),
            (&[NONE, NONE, CELL], &[NONE, CELL]),
            (&[CELL, CELL], &[]),
        ] {
            let mut networks = looks.iter().copied();
            let check = move || networks.next().unwrap_or(NONE);
            let mut watch = Watch::new(Some(Box::new(check)));
            let seen: Vec<Network> = (0..looks.len())
                .filter_map(|_| watch.look().change)
                .collect();
            assert_eq!(seen, news, "{looks:?}");
        }
    }

    #[test]
    fn what_says_nothing_is_taken_for_online() {
        let panics = || -> bool { panic!("on purpose") };
        let mut watch = Watch::new(Some(Box::new(panics)));
        assert_eq!(
            watch.look(),
            Seen {
                is_online: true,
                change: None,
                panicked: true
            }
        );
        assert!(Watch::default().look().is_online);
    }
}
